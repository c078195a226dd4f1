"""Virtual routers and their adverts as the tests of this room want them, and what keepalived put on the wire for the same."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from vrrpd.config.model import Authentication, AuthenticationType, VirtualAddress, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol.actions import (
    Action,
    Alarm,
    Announce,
    HoldAddresses,
    LowerPriorityHeard,
    Notice,
    PriorityChanged,
    Probe,
    ReleaseAddresses,
    SendAdvert,
    Transition,
    WantsMaster,
)
from vrrpd.protocol.events import SourceChanged, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.ip_header import IPV4_HEADER
from vrrpd.protocol.wire import Wire

DIRECTOR_1 = IPv4Address("192.168.4.5")
DIRECTOR_2 = IPv4Address("192.168.4.6")
PASS_1111 = Authentication(AuthenticationType.PASS, b"1111")

# IPv4 packets of keepalived 2.2.7, captured. VRID 50, one second; DIRECTOR_1 with priority 100, DIRECTOR_2 with 50.
KEEPALIVED_PASS = bytes.fromhex(
    "45c0002800010000ff7015e5c0a80405e0000012 21326401010152b1 c0a8040f 3131313100000000",
)
KEEPALIVED_PASS_DIRECTOR_2 = bytes.fromhex(
    "45c0002800010000ff7015e4c0a80406e0000012 21323201010184b1 c0a8040f 3131313100000000",
)
KEEPALIVED_PASS_FAREWELL = bytes.fromhex(
    "45c0002800080000ff7015dec0a80405e0000012 213200010101b6b1 c0a8040f 3131313100000000",
)
KEEPALIVED_THREE_ADDRESSES = bytes.fromhex(
    "45c0003000010000ff7015ddc0a80405e0000012 2132640300012c9f c0a8040fc0a80410c0a80411 0000000000000000",
)
KEEPALIVED_THREE_ADDRESSES_FAREWELL = bytes.fromhex(
    "45c0003000080000ff7015d6c0a80405e0000012 213200030001909f c0a8040fc0a80410c0a80411 0000000000000000",
)


def addresses(*last_octets: int) -> tuple[VirtualAddress, ...]:
    """Virtual addresses in 192.168.4.0/24."""
    return tuple(VirtualAddress(IPv4Address(f"192.168.4.{octet}"), 32, "eth0") for octet in last_octets)


def router(**changes: Any) -> VirtualRouter:
    """The virtual router of the captures, changed where a test wants it otherwise."""
    plain = VirtualRouter(
        name="VI_1",
        interface="eth0",
        virtual_router_id=50,
        priority=100,
        position=Position("keepalived.conf", 1),
        authentication=PASS_1111,
        addresses=addresses(15),
        probe_addresses=False,
    )
    return replace(plain, **changes)


def heard(priority: int, source: IPv4Address = DIRECTOR_2, **changes: Any) -> bytes:
    """An advert of a peer with the same configuration but for `priority` and what is changed."""
    (datagram,) = Wire(router(**changes)).adverts(source, priority, 0.0)
    return datagram.octets


NOW_S = 1000.0
"""When the instances of the tests begin."""


def started(configuration: VirtualRouter | None = None, source: IPv4Address = DIRECTOR_1) -> Instance:
    """An instance that has its source and was started at `NOW_S`; its first actions are drained."""
    instance = Instance(configuration or router())
    instance.on_event(SourceChanged(source), NOW_S)
    instance.on_event(Start(), NOW_S)
    instance.actions()
    return instance


def master(configuration: VirtualRouter | None = None, source: IPv4Address = DIRECTOR_1) -> Instance:
    """An instance that became master at `NOW_S` by resuming, so that only its next advert (and refresh) is waited for."""
    instance = Instance(configuration or router())
    instance.on_event(SourceChanged(source), NOW_S)
    instance.on_event(Start(resume_master=True), NOW_S)
    instance.actions()
    return instance


def story(actions: list[Action]) -> list[str]:
    """Actions in short: `advert 100`, `hold`, `release`, `announce 5`, `BACKUP > MASTER: master-timeout`, `notice CHECKSUM`."""
    return [_word(action) for action in actions]


def _word(action: Action) -> str:
    match action:
        case SendAdvert(datagrams, priority):
            said = {datagram.octets[IPV4_HEADER.size + 2] for datagram in datagrams}
            assert said == {priority}
            return f"advert {priority}"
        case Probe():
            return "probe"
        case HoldAddresses():
            return "hold"
        case ReleaseAddresses():
            return "release"
        case Announce(repeat):
            return f"announce {repeat}"
        case Transition(old, new, cause, sender, sender_priority):
            by = f" of {sender} ({sender_priority})" if sender else ""
            return f"{old.name} > {new.name}: {cause.value}{by}"
        case Notice(kind, text):
            assert text
            return f"notice {kind.name}"
        case Alarm(kind, text, sender):
            assert text
            return f"alarm {kind.name}" + (f" of {sender}" if sender else "")
        case PriorityChanged(old, new):
            return f"priority {old} > {new}"
        case LowerPriorityHeard(sender, sender_priority):
            return f"lower {sender_priority}"
        case WantsMaster(cause):
            return f"wants: {cause.value}"
