"""Adverts captured of keepalived 2.4, with an authentication header and with a keyed hash: vrrpd says and believes them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from scapy.layers.inet import IP
from scapy.packet import Raw

from netns_lab.namespaces import Lab
from netns_lab.waiting import wait_for
from tests.interop import captures
from tests.interop.members import READY_S, Member, Wiretap, connected
from tests.interop.wire import IPV4_HEADER, Advert, adverts

pytestmark = pytest.mark.kernel

SPEAKER, BY_ORDER, BY_TIME = 1, 5, 6
"""The hosts: who is where keepalived was, and two that hear it; one minds the order of adverts alone, one their time, too."""
PRIORITIES = {SPEAKER: 200, BY_ORDER: 100, BY_TIME: 50}
ANTI_REPLAY = {SPEAKER: "time", BY_ORDER: "monotonic", BY_TIME: "time"}
CONFIGURATION = """
vrrp_instance authenticated {{
    interface eth0
    virtual_router_id 58
    version 2
    priority {priority}
    authentication {{
        auth_type AH
        auth_pass abcdefgh
    }}
    virtual_ipaddress {{
        192.168.4.88
    }}
}}
vrrp_instance keyed {{
    interface eth0
    virtual_router_id 60
    version 3
    priority {priority}
    auth_hmac {{
        key {key_id} {key}
        active_key {key_id}
        anti_replay {anti_replay}
    }}
    virtual_ipaddress {{
        192.168.4.90
    }}
}}
"""
NAMES = {"authenticated": 58, "keyed": 60}
TO_GROUP = bytes.fromhex("01005e000012 020000000001 0800")
HEADER = IP(src=str(captures.OTHER_SOURCE), dst="224.0.0.18", ttl=255, tos=0xC0, proto=112)
"""As keepalived's first."""
KEYED_PACKET = bytes(HEADER / Raw(captures.KEYED_MESSAGE + captures.KEYED_TRAILER))
PACKETS = (captures.AUTHENTICATED_PACKET, KEYED_PACKET)


def with_another_hash(packet: bytes) -> bytes:
    """The packet with one bit changed in its hash: of the authentication header, or at the end."""
    at = 43 if packet is captures.AUTHENTICATED_PACKET else len(packet) - 1
    return packet[:at] + bytes((packet[at] ^ 1,)) + packet[at + 1 :]


SENT = [*PACKETS, *PACKETS, *map(with_another_hash, PACKETS)]
BELIEVED = {(BY_ORDER, "authenticated"): 1, (BY_ORDER, "keyed"): 1, (BY_TIME, "authenticated"): 1, (BY_TIME, "keyed"): 0}
"""Of those sent, by who hears and which virtual router they are of. The time in the captured advert is long over."""
REFUSED = {
    (BY_ORDER, "authenticated"): {"authentication": 2},
    (BY_ORDER, "keyed"): {"keyed_hash_replayed": 1, "keyed_hash_wrong": 1},
    (BY_TIME, "authenticated"): {"authentication": 2},
    (BY_TIME, "keyed"): {"keyed_hash_stale": 3},
}
HEARERS = (BY_ORDER, BY_TIME)
SILENT = f"BACKUP -> MASTER: master-timeout ({captures.OTHER_SOURCE} (200) was silent"
Hearer = tuple[int, str]
"""A host and a virtual router."""


@dataclass(frozen=True)
class Recording:
    """What was made of the captured adverts, and what was said in the place of their sender."""

    believed: Mapping[Hearer, float]
    refused: Mapping[Hearer, Mapping[str, float]]
    adverts: Mapping[str, Advert]
    """The first of each virtual router."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Two hear the captured adverts, each twice and once more with another hash; elsewhere another one says them."""
    directory = tmp_path_factory.mktemp("vectors")
    for own, priority in PRIORITIES.items():
        words = {"priority": priority, "key_id": captures.KEY_ID, "key": captures.KEY.decode(), "anti_replay": ANTI_REPLAY[own]}
        (directory / f"{own}.conf").write_text(CONFIGURATION.format(**words))
    with ExitStack() as undo:
        members = {own: undo.enter_context(connected(f"alone{own}-", directory, {own: "vrrpd"}))[own] for own in PRIORITIES}
        wiretap = undo.enter_context(Wiretap(members[SPEAKER].lab))
        for member in members.values():
            member.start()
        wait_for(lambda: all(map(_is_ready, members.values())), READY_S, "all daemons' metrics")
        for own in HEARERS:
            send(members[own].lab, SENT)
        for own, name in (hearer for hearer, times in BELIEVED.items() if times):
            members[own].wait_until_said([f"({name}) eth0 vrid {NAMES[name]}: {SILENT}"])
        yield Recording(
            {(own, name): members[own].statistics.metric("vrrpd_adverts_received_total", name=name) for own, name in BELIEVED},
            {(own, name): _refused(members[own], name) for own, name in BELIEVED},
            _first_adverts(wiretap),
        )
        for member in members.values():
            member.daemon.crash()  # it would look for a successor


def send(lab: Lab, packets: list[bytes]) -> None:
    """Put packets on the wire as they are, in the name of a host that is not there."""
    with lab.bridge.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("br0", 0))
        for packet in packets:
            sender.send(TO_GROUP + packet)


def _first_adverts(wiretap: Wiretap) -> Mapping[str, Advert]:
    """What the speaker began with; it needs no longer than those that lost their master."""
    heard = adverts(wiretap.frames())
    return {name: next(advert for advert in heard if advert.virtual_router_id == number) for name, number in NAMES.items()}


def _is_ready(member: Member) -> bool:
    """Whether it takes part and can be asked."""
    return all(member.statistics.state(name) in ("backup", "master") for name in NAMES)


def _refused(member: Member, name: str) -> dict[str, float]:
    """The adverts of one virtual router that it refused, by the reason."""
    return {
        dict(labels)["reason"]: value
        for (metric, labels), value in member.statistics.metrics().items()
        if metric == "vrrpd_adverts_rejected_total" and ("name", name) in labels and value
    }


every = pytest.mark.parametrize(("own", "name"), list(BELIEVED))


@every
def test_a_captured_advert_is_believed_once(recording: Recording, own: int, name: str) -> None:
    assert recording.believed[own, name] == BELIEVED[own, name]


@every
def test_what_is_heard_again_or_has_another_hash_or_is_old_is_refused(recording: Recording, own: int, name: str) -> None:
    assert recording.refused[own, name] == REFUSED[own, name]


def test_the_first_advert_with_an_authentication_header_is_the_captured_one(recording: Recording) -> None:
    assert recording.adverts["authenticated"].octets[IPV4_HEADER.start :] == captures.AUTHENTICATED_PACKET


def test_the_first_advert_with_a_keyed_hash_is_the_captured_one_at_another_time(recording: Recording) -> None:
    """tests/interop/test_keyed_hash.py looks at the hashes."""
    said = recording.adverts["keyed"].octets[IPV4_HEADER.start :]
    before, after = said[: -len(captures.KEYED_TRAILER)], said[-len(captures.KEYED_TRAILER) :]
    assert before == KEYED_PACKET[: -len(captures.KEYED_TRAILER)]
    assert after[:4] == captures.KEYED_TRAILER[:4]
