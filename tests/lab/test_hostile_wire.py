"""A master and a backup under packets that nobody should send: they stay what they are, count, tell once, and go on."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from netns_lab import topology
from netns_lab.namespaces import Host, Lab
from netns_lab.sniffer import from_host, is_vrrp
from netns_lab.waiting import wait_for
from tests.interop.wire import Advert, adverts
from tests.lab.hostile import ATTACKER, FAULTY, FOREIGN, KINDS, PRIORITIES, frame, in_name_of, message, noise
from tests.lab.running import PROMPT_S, Vrrpd
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import PacketFault

pytestmark = pytest.mark.kernel

BELIEVED = re.compile(rf"{re.escape(ATTACKER)} (is master too, its|has) priority 1,")
ADVERT_TIMEOUT_S = 3.0
INTERVAL_TOLERANCE_S = 0.1
ROUNDS = 3
"""Each with all kinds of packets, and an advert of the master after it."""
NOISE_PACKETS = 100
SENT = Counter({kind.counted_as: 0 for kind in KINDS})
for _kind in KINDS:
    SENT[_kind.counted_as] += ROUNDS * len(PRIORITIES)
SENT["own_address"] = ROUNDS * len(PRIORITIES)


@dataclass(frozen=True)
class Metrics:
    """What one daemon tells of its virtual router."""

    state: str | None
    transitions: int
    rejected: Counter[str]
    unknown: int

    @property
    def refused(self) -> int:
        """Packets that led to nothing."""
        return self.rejected.total() + self.unknown


def metrics(router: Vrrpd) -> Metrics:
    """Ask the daemon."""
    samples = router.metrics()
    rejected = {
        dict(labels)["reason"]: int(value)
        for (name, labels), value in samples.items()
        if name == "vrrpd_adverts_rejected_total"
    }
    return Metrics(
        state=router.state(),
        transitions=int(router.metric("vrrpd_transitions_total")),
        rejected=Counter(rejected),
        unknown=int(router.metric("vrrpd_unknown_virtual_router_adverts_total")),
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
    with Lab(topology.load("web-ha")) as lab:
        routers = [Vrrpd(lab.host(name)) for name in ("web1", "web2")]
        attacker = lab.host("client")
        for router, state in zip(routers, ("master", "backup"), strict=True):
            let_own_address_in(router.host)
            router.start("-P")
            router.wait_until(state)
        spoofed = [octets for router in routers for octets in in_name_of(router.host)]
        with from_host(lab, routers[0].host, is_vrrp) as sniffer:
            before = [metrics(router) for router in routers]
            heard = []
            for _ in range(ROUNDS):
                send(attacker, [*FOREIGN, *FAULTY, *spoofed])
                heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            total = ROUNDS * (len(FOREIGN) + len(FAULTY) + len(PRIORITIES))
            after_kinds = [counted(router, total) for router in routers]
            send(attacker, noise(NOISE_PACKETS))
            heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            after_noise = [counted(router, total + NOISE_PACKETS) for router in routers]
            logs = [router.daemon.log() for router in routers]
            heard.append(sniffer.wait(ADVERT_TIMEOUT_S))
            send(attacker, [frame(message(priority=1))])
            believed = [believes(router) for router in routers]
        master, backup = (Witness(*words) for words in zip(before, after_kinds, after_noise, logs, believed, strict=True))
        return Siege(master, backup, adverts(heard))


def let_own_address_in(host: Host) -> None:
    """Else the kernel alone drops what comes with the host's own address."""
    with host.entered():
        Path("/proc/sys/net/ipv4/conf/eth0/accept_local").write_text("1")


def send(host: Host, frames: Iterable[bytes]) -> None:
    """Put frames on the wire as they are."""
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as attacker:
        attacker.bind(("eth0", 0))
        for octets in frames:
            attacker.send(octets)


def counted(router: Vrrpd, total: int) -> Metrics:
    """The metrics when so many packets have been refused."""
    wait_for(lambda: metrics(router).refused >= total, PROMPT_S, f"{total} packets refused by {router.host}")
    return metrics(router)


def believes(router: Vrrpd) -> bool:
    """Whether it tells, before long, of another master with priority 1."""
    try:
        wait_for(lambda: BELIEVED.search(router.daemon.log()), PROMPT_S, "a line in the log")
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


def test_adverts_in_our_own_name_are_told_once(witness: Witness) -> None:
    told = [line for line in witness.log.splitlines() if "own address" in line]
    assert len(told) == 1, told


def test_nothing_raises(witness: Witness) -> None:
    assert "Traceback" not in witness.log


def test_adverts_keep_their_second(siege: Siege) -> None:
    assert {advert.priority for advert in siege.adverts} == {100}
    intervals_s = [after.time_s - before.time_s for before, after in pairwise(siege.adverts)]
    assert intervals_s == pytest.approx([1.0] * (ROUNDS + 1), abs=INTERVAL_TOLERANCE_S)


def test_the_same_packet_without_a_fault_is_believed(witness: Witness) -> None:
    assert witness.believes
