"""A master and a backup under packets that nobody should send: they stay what they are, count, tell once, and go on.

Each packet claims the highest priority, for which a master would step down, or priority 0, for which a backup would step up;
scapy builds it sound in all but one thing.
"""

from __future__ import annotations

import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP
from scapy.packet import Raw

from netns_lab import topology
from netns_lab.namespaces import Host, Lab
from netns_lab.sniffer import IPV4_SOURCE, Frame, is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.interop.pair import Pair, Party
from tests.interop.wire import Advert, adverts
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import PacketFault

pytestmark = pytest.mark.kernel

ATTACKER = "192.168.4.10"
LISTEN = "127.0.0.1:9165"
ANSWER_TIMEOUT_S = 10.0
COUNTED_TIMEOUT_S = 10.0
BELIEVED = re.compile(rf"{re.escape(ATTACKER)} (is master too, its|has) priority 1,")
BELIEVED_TIMEOUT_S = 5.0
ADVERT_TIMEOUT_S = 3.0
INTERVAL_TOLERANCE_S = 0.1
PRIORITIES = (255, 0)
ROUNDS = 3
"""Each with all kinds of packets, and an advert of the master after it."""
NOISE_PACKETS = 100
NOISE_OCTETS_MAX = 600
"""So that all of them would fit the socket's buffer at once: what the kernel drops is not counted."""
SEED = 112
PASSWORD = int.from_bytes(b"1111", "big")


def message(priority: int, **fields: Any) -> bytes:
    """The VRRP message that both directors would believe, but for the fields given."""
    sound: dict[str, Any] = {"vrid": 50, "addrlist": ["192.168.4.15"], "authtype": 1, "adv": 1, "auth1": PASSWORD}
    return bytes(VRRP(**(sound | {"priority": priority} | fields)))


def frame(payload: bytes, ttl: int = 255) -> bytes:
    """What carries a message to the group."""
    ethernet = Ether(src="02:00:00:00:00:0a", dst="01:00:5e:00:00:12")
    return bytes(ethernet / IP(src=ATTACKER, dst="224.0.0.18", ttl=ttl, tos=0xC0, proto=112) / Raw(payload))


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
SENT = Counter({kind.counted_as: 0 for kind in KINDS})
for _kind in KINDS:
    SENT[_kind.counted_as] += ROUNDS * len(PRIORITIES)
FOREIGN = (frame(message(255, vrid=51)), frame(b""), frame(message(255)[:1]))
"""For another virtual router, or for none that could be told."""


@dataclass(frozen=True)
class Metrics:
    """What one daemon tells of its virtual router."""

    state: str
    transitions: int
    rejected: Counter[str]
    unknown: int

    @property
    def refused(self) -> int:
        """Packets that led to nothing."""
        return self.rejected.total() + self.unknown


def metrics(host: Host) -> Metrics:
    """Ask the host's daemon."""
    with host.entered(), urlopen(f"http://{LISTEN}/metrics", timeout=ANSWER_TIMEOUT_S) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    rejected = Counter(
        {sample.labels["reason"]: int(sample.value) for sample in samples if sample.name == "vrrpd_adverts_rejected_total"}
    )
    return Metrics(
        state=next(
            sample.labels["state"] for sample in samples if sample.name == "vrrpd_virtual_router_state" and sample.value
        ),
        transitions=sum(int(sample.value) for sample in samples if sample.name == "vrrpd_transitions_total"),
        rejected=rejected,
        unknown=sum(int(sample.value) for sample in samples if sample.name == "vrrpd_unknown_virtual_router_adverts_total"),
    )


@dataclass(frozen=True)
class Witness:
    """One daemon through all of it."""

    before: Metrics
    after_kinds: Metrics
    after_noise: Metrics
    log: str
    """Up to here."""
    believes: bool
    """What differs from the rest in nothing but that it is sound."""


@dataclass(frozen=True)
class Siege:
    """Both daemons through all of it, and what was heard of the master."""

    master: Witness
    backup: Witness
    adverts: list[Advert]


@pytest.fixture(scope="module")
def siege() -> Siege:
    """vrrpd as master and as backup, attacked by their client."""
    with Lab(topology.load("lvs-dr")) as lab:
        pair = Pair(lab, ("vrrpd", "vrrpd"))
        parties = (pair.first, pair.second)
        for party in parties:
            party.start("-P", "--http", LISTEN)
        pair.wait_for_holder(pair.first)
        wait_for(lambda: all(serves(party.host) for party in parties), ANSWER_TIMEOUT_S, "both daemons' metrics")

        def is_of_master(seen: Frame) -> bool:
            return is_vrrp(seen) and seen.octets[IPV4_SOURCE] == pair.first.address.packed

        with on_bridge(lab, is_of_master) as sniffer:
            before = [metrics(party.host) for party in parties]
            heard = []
            for _ in range(ROUNDS):
                send(pair.client.host, [*FOREIGN, *(kind.build(priority) for kind in KINDS for priority in PRIORITIES)])
                heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            total = ROUNDS * (len(FOREIGN) + len(KINDS) * len(PRIORITIES))
            after_kinds = [counted(party.host, total) for party in parties]
            send(pair.client.host, list(noise()))
            heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            after_noise = [counted(party.host, total + NOISE_PACKETS) for party in parties]
            logs = [party.daemon.log() for party in parties]
            heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            send(pair.client.host, [frame(message(priority=1))])
            believed = [believes(party) for party in parties]
        master, backup = (Witness(*words) for words in zip(before, after_kinds, after_noise, logs, believed, strict=True))
        return Siege(master, backup, adverts(heard))


def serves(host: Host) -> bool:
    """Whether the daemon's metrics can be had; that begins a little after its virtual router."""
    try:
        metrics(host)
    except URLError:
        return False
    return True


def send(host: Host, frames: list[bytes]) -> None:
    """Put frames on the wire as they are."""
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as attacker:
        attacker.bind(("eth0", 0))
        for octets in frames:
            attacker.send(octets)


def noise() -> Iterator[bytes]:
    """Frames with anything in them; every other one is addressed to the directors' virtual router."""
    chance = random.Random(SEED)
    for number in range(NOISE_PACKETS):
        payload = bytearray(chance.randbytes(chance.randrange(2, NOISE_OCTETS_MAX)))
        payload[1] = 50 if number % 2 else 51
        yield frame(bytes(payload))


def counted(host: Host, total: int) -> Metrics:
    """The metrics when so many packets have been refused."""
    wait_for(lambda: metrics(host).refused >= total, COUNTED_TIMEOUT_S, f"{total} packets refused by {host}")
    return metrics(host)


def believes(party: Party) -> bool:
    """Whether it tells, before long, of another master with priority 1."""
    try:
        wait_for(lambda: BELIEVED.search(party.daemon.log()), BELIEVED_TIMEOUT_S, "a line in the log")
    except TimeoutError:
        return False
    return True


@pytest.fixture(params=["master", "backup"])
def witness(request: pytest.FixtureRequest, siege: Siege) -> Witness:
    """One of the two."""
    found = getattr(siege, request.param)
    assert isinstance(found, Witness)
    assert found.before.state == request.param
    return found


def test_a_hostile_packet_changes_no_state(witness: Witness) -> None:
    assert witness.after_noise.state == witness.before.state
    assert witness.after_noise.transitions == witness.before.transitions


def test_every_kind_is_counted_by_its_reason(witness: Witness) -> None:
    assert witness.after_kinds.rejected - witness.before.rejected == SENT


def test_packets_for_nobody_here_are_counted_apart(witness: Witness) -> None:
    assert witness.after_kinds.unknown - witness.before.unknown == ROUNDS * len(FOREIGN)


def test_noise_is_counted_to_the_last_packet(witness: Witness) -> None:
    rejected = witness.after_noise.rejected.total() - witness.after_kinds.rejected.total()
    unknown = witness.after_noise.unknown - witness.after_kinds.unknown
    assert (rejected, unknown) == (NOISE_PACKETS // 2, NOISE_PACKETS // 2)


@pytest.mark.parametrize("fault", {kind.told_as: None for kind in KINDS}, ids=lambda fault: fault.name.lower())
def test_every_kind_is_told_once(witness: Witness, fault: PacketFault | Rejection) -> None:
    told = [line for line in witness.log.splitlines() if ATTACKER in line and fault.value in line]
    assert len(told) == 1, told


def test_nothing_raises(witness: Witness) -> None:
    assert "Traceback" not in witness.log


def test_adverts_keep_their_second(siege: Siege) -> None:
    assert {advert.priority for advert in siege.adverts} == {100}
    intervals_s = [after.time_s - before.time_s for before, after in pairwise(siege.adverts)]
    assert intervals_s == pytest.approx([1.0] * (ROUNDS + 1), abs=INTERVAL_TOLERANCE_S)


def test_the_same_packet_without_a_fault_is_believed(witness: Witness) -> None:
    assert witness.believes
