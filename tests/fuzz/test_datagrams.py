"""Whatever comes from the network, reading it ends and raises nothing, and what was not sent as it is is not believed.

`make fuzz` runs many rounds of this, each with other datagrams; `make test` runs one.
"""

from __future__ import annotations

import random
import time
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from tests.fuzz.loading import DATAGRAMS
from tests.fuzz.test_configurations import ROUNDS
from tests.protocol.captures import AH_1111, CAPTURES, IPV6, NONE, SINGLES, addresses6, peers
from tests.protocol.routers import addresses, router
from vrrpd.config.model import Hmac, HmacKey, HmacMode, ReplayProtection, VirtualRouter
from vrrpd.protocol.wire import Heard, Refused, Wire, virtual_router_key

CASES = 5_000
"""Datagrams of each of the two kinds in one round."""
OCTETS_MAX = 200
CHANGES_MAX = 4
INTERESTING = (0, 1, 2, 0x21, 0x31, 0x33, 0x40, 0x45, 0x4F, 0x60, 0x70, 0x7F, 0x80, 0xFF)
UNIX_S = 1_790_000_000.0
HMAC = Hmac((HmacKey(1, bytes(range(32))), HmacKey(2, bytes(range(64)))), 1, 5.0)
LOOSE = Hmac(HMAC.keys, 2, 300.0, ReplayProtection.MONOTONIC, HmacMode.PERMISSIVE)

ROUTERS: tuple[VirtualRouter, ...] = (
    *(one.router for one in CAPTURES),
    *(one.router for one in SINGLES),
    router(hmac=HMAC),
    router(version=3, authentication=NONE, hmac=LOOSE, unicast=peers("192.168.4.5", "192.168.4.6")),
    router(**IPV6, hmac=HMAC, addresses=addresses6("fe80::15")),
    router(authentication=AH_1111, unicast=peers("192.168.4.6", check_source=True)),
    router(version=3, authentication=NONE, checksum_as_v2=True, skip_address_check=True, addresses=addresses(1, 2, 3)),
)


def source_of(one: VirtualRouter) -> Any:
    return IPv4Address("192.168.4.9") if one.family == 4 else IPv6Address("fe80::9")


SEEDS: tuple[bytes, ...] = tuple(
    datagram.octets
    for one in ROUTERS
    for priority in (0, 100, 255)
    for datagram in Wire(one).adverts(source_of(one), priority, UNIX_S)
)

rounds = pytest.mark.parametrize("round_number", range(ROUNDS))


def read_everywhere(wires: list[Wire], datagram: bytes) -> None:
    """Every virtual router reads it; it stays what it was, whatever it remembers."""
    began_s = time.monotonic()
    virtual_router_key(datagram)
    for wire in wires:
        assert isinstance(wire.read(datagram, UNIX_S), Heard | Refused)
    DATAGRAMS.took(len(wires), time.monotonic() - began_s)


@rounds
def test_octets(round_number: int) -> None:
    chance = random.Random(round_number)
    wires = [Wire(one) for one in ROUTERS]
    for _ in range(CASES):
        octets = chance.randbytes(chance.randrange(OCTETS_MAX))
        read_everywhere(wires, bytes([chance.choice(INTERESTING)]) + octets)


@rounds
def test_damaged_adverts(round_number: int) -> None:
    chance = random.Random(f"damaged {round_number}")
    wires = [Wire(one) for one in ROUTERS]
    for _ in range(CASES):
        datagram = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, CHANGES_MAX)):
            at = chance.randrange(len(datagram))
            match chance.randrange(4):
                case 0:
                    datagram[at] = chance.randrange(256)
                case 1:
                    datagram[at] = chance.choice(INTERESTING)
                case 2:
                    del datagram[at + 1 : at + chance.randint(1, 9)]
                case _:
                    datagram[at:at] = chance.choice(SEEDS)[: chance.randrange(60)]
        read_everywhere(wires, bytes(datagram))


def test_they_still_hear_what_is_good() -> None:
    """Nothing of the kind shuts out a sound sender. The VRRP checksum is left alone: no keyed hash covers it."""
    for one in ROUTERS:
        there, here = Wire(one), Wire(one)
        sent = there.adverts(source_of(one), 100, UNIX_S)[0].octets
        header_octets = 20 if one.family == 4 else 40
        for at in range(header_octets, len(sent)):
            if at not in (header_octets + 6, header_octets + 7):
                here.read(sent[:at] + bytes([sent[at] ^ 0xFF]) + sent[at + 1 :], UNIX_S)
        if not (one.unicast and one.unicast.check_source):
            assert isinstance(here.read(sent, UNIX_S), Heard)
