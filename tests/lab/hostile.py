"""Packets that nobody should send to the virtual router of the web-ha topology, by scapy: sound in all but one thing.

Each claims the highest priority, for which a master would step down, or priority 0, for which a backup would step up.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vrrp import VRRP
from scapy.packet import Raw

from netns_lab import flood
from netns_lab.namespaces import Host
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import PacketFault

ATTACKER = "192.168.4.5"
"""The topology's client."""
ATTACKER_MAC = "02:00:00:00:00:0a"
GROUP_MAC = "01:00:5e:00:00:12"
VIRTUAL_ADDRESS = "192.168.4.80"
PRIORITIES = (255, 0)
NOISE_OCTETS_MAX = 600
SEED = 112
PASSWORD = int.from_bytes(b"1111", "big")
START_S = 30.0
"""For a sending process beside its sending, also on a busy guest."""


def message(priority: int, **fields: Any) -> bytes:
    """The VRRP message that both routers would believe, but for the fields given."""
    sound: dict[str, Any] = {"vrid": 50, "addrlist": [VIRTUAL_ADDRESS], "authtype": 1, "adv": 1, "auth1": PASSWORD}
    return bytes(VRRP(**(sound | {"priority": priority} | fields)))


def frame(payload: bytes, ttl: int = 255, source: str = ATTACKER, to_mac: str = GROUP_MAC) -> bytes:
    """What carries a message to the group, or to one of its members alone."""
    ethernet = Ether(src=ATTACKER_MAC, dst=to_mac)
    return bytes(ethernet / IP(src=source, dst="224.0.0.18", ttl=ttl, tos=0xC0, proto=112) / Raw(payload))


@dataclass(frozen=True)
class Hostile:
    """One kind of packet, and how it is counted and told."""

    name: str
    build: Callable[[int], bytes]
    """The frame, given the priority."""
    counted_as: str
    """The label `reason` of the counter of rejected adverts."""
    told_as: PacketFault | Rejection


KINDS = (
    Hostile("one octet short", lambda p: frame(message(p)[:-1]), "packet_length", PacketFault.LENGTH),
    Hostile("a header alone", lambda p: frame(message(p)[:8]), "packet_length", PacketFault.LENGTH),
    Hostile("hardly begun", lambda p: frame(message(p)[:3]), "packet_length", PacketFault.LENGTH),
    Hostile("as long as a frame", lambda p: frame(message(p) + bytes(1_400)), "packet_length", PacketFault.LENGTH),
    Hostile("fewer addresses than counted", lambda p: frame(message(p, ipcount=200)), "packet_length", PacketFault.LENGTH),
    Hostile("more addresses than counted", lambda p: frame(message(p, ipcount=0)), "packet_length", PacketFault.LENGTH),
    Hostile("forwarded", lambda p: frame(message(p), ttl=254), "ttl", PacketFault.TTL),
    Hostile("version 3", lambda p: frame(message(p, version=3)), "version", PacketFault.VERSION),
    Hostile("type 2", lambda p: frame(message(p, type=2)), "type", PacketFault.TYPE),
    Hostile("wrong checksum", lambda p: frame(message(p, chksum=0xBAD)), "checksum", PacketFault.CHECKSUM),
    Hostile(
        "unknown authentication",
        lambda p: frame(message(p, authtype=9)),
        "authentication_type",
        Rejection.INVALID_AUTHENTICATION_TYPE,
    ),
    Hostile(
        "no authentication",
        lambda p: frame(message(p, authtype=0, auth1=0)),
        "authentication_type_mismatch",
        Rejection.AUTHENTICATION_TYPE_MISMATCH,
    ),
    Hostile(
        "another password",
        lambda p: frame(message(p, auth1=PASSWORD + 1)),
        "authentication",
        Rejection.AUTHENTICATION_FAILURE,
    ),
    Hostile("another interval", lambda p: frame(message(p, adv=2)), "interval", Rejection.ADVERT_INTERVAL_MISMATCH),
)
FAULTY = tuple(kind.build(priority) for kind in KINDS for priority in PRIORITIES)
"""One of each kind and priority."""
FOREIGN = (frame(message(255, vrid=51)), frame(b""), frame(message(255)[:1]))
"""For another virtual router, or for none that could be told."""


def claim() -> bytes:
    """An answer, which nobody asked for: the virtual address is the attacker's."""
    arp = ARP(op="is-at", hwsrc=ATTACKER_MAC, psrc=VIRTUAL_ADDRESS, hwdst=ATTACKER_MAC, pdst=ATTACKER)
    return bytes(Ether(src=ATTACKER_MAC, dst="ff:ff:ff:ff:ff:ff") / arp)


def in_name_of(victim: Host) -> tuple[bytes, ...]:
    """Sound adverts with the victim's own address for their source. Only the victim gets them; others would believe them."""
    (link,) = json.loads(victim.run("ip", "-json", "link", "show", "eth0").stdout)
    source = str(victim.plan.address.ip)
    return tuple(frame(message(priority), source=source, to_mac=link["address"]) for priority in PRIORITIES)


def noise(packets: int) -> Iterator[bytes]:
    """Frames with anything in them; every other one is addressed to the virtual router."""
    chance = random.Random(SEED)
    for number in range(packets):
        payload = bytearray(chance.randbytes(chance.randrange(2, NOISE_OCTETS_MAX)))
        payload[1] = 50 if number % 2 else 51
        yield frame(bytes(payload))


def send(host: Host, frames: tuple[bytes, ...], packets_a_second: float, duration_s: float) -> flood.Summary:
    """Have a host send frames in turn for some time; what came of it."""
    arguments = ("eth0", str(packets_a_second), str(duration_s))
    process = host.spawn(sys.executable, flood.__file__, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    said, _ = process.communicate("\n".join(octets.hex() for octets in frames).encode(), timeout=duration_s + START_S)
    summary: flood.Summary = json.loads(said.splitlines()[-1])
    return summary
