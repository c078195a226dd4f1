"""A master and a backup under 50,000 packets a second: adverts go out in time and are heard, and nobody changes its state."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.sniffer import Frame, from_host, is_arp, is_vrrp
from netns_lab.waiting import wait_for
from tests.lab.hostile import FAULTY, FOREIGN, KINDS, claim, frame, message, send
from tests.lab.running import ADVERT_LATE_S, PROMPT_S, Vrrpd
from tests.lab.witnesses import intervals_s
from vrrpd.protocol.hearing import ANSWERS_AT_ONCE, ANSWERS_PER_INTERVAL

pytestmark = pytest.mark.kernel

PACKETS_A_SECOND = 50_000
FLOOD_S = 5.0
ADVERT_TIMEOUT_S = 3.0
LINES_MAX = len({kind.told_as for kind in KINDS}) + 1
"""Of the log of one daemon in all floods that change nothing: each kind of fault once, and whom a backup does not heed."""
ANNOUNCEMENTS = 5
"""Of one set (`garp_lower_prio_repeat`)."""
ANSWERS_MAX = ANSWERS_AT_ONCE + 2 * (FLOOD_S + 2) * ANSWERS_PER_INTERVAL
"""Those at once, then an answer and an early advert in each pause, until the first advert after the flood."""

CLAIMS = "claims to the virtual address"
FLOODS = {
    "faulty and foreign packets": FAULTY + FOREIGN,
    "farewells": (frame(message(0)),),
    "lesser masters": (frame(message(1)), frame(message(60))),
    CLAIMS: (claim(),),
}
"""What is sent in turn. Farewells and lesser masters' adverts are sound, and each asks for an answer."""


class Router:
    """A daemon, and what is known of it before a flood."""

    def __init__(self, lab: Lab, name: str, state: str) -> None:
        self.state = state
        self.vrrpd = Vrrpd(lab.host(name))
        self.vrrpd.start("-P")
        self.vrrpd.wait_until(state)

    def counters(self) -> Counter[str]:
        """What it has counted, by the names of metrics; rejected adverts by their reasons."""
        totals: Counter[str] = Counter()
        for (name, labels), value in self.vrrpd.metrics().items():
            if name.startswith("vrrpd_") and name.endswith("_total"):
                totals[dict(labels).get("reason", name)] += int(value)
        return totals

    def wait_until_counted(self, before: Counter[str], sent: int) -> Counter[str]:
        """What it has counted, once that is as much as was sent."""
        what = f"{sent} packets counted by {self.vrrpd.host}"
        wait_for(lambda: packets(self.counters() - before) >= sent, PROMPT_S, what)
        return self.counters()

    def processor_s(self) -> float:
        """What its router process has used."""
        _, _, fields = Path(f"/proc/{self.vrrpd.pid('router')}/stat").read_text().rpartition(")")
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")  # utime and stime (proc(5))


@dataclass(frozen=True)
class Endured:
    """What one daemon did in a flood."""

    frames: list[Frame]
    """That it sent."""
    counted: Counter[str]
    processor_s: float
    state: str | None
    log: str

    @property
    def adverts(self) -> list[Frame]:
        """Those among the frames."""
        return [frame for frame in self.frames if is_vrrp(frame)]

    @property
    def longest_gap_s(self) -> float:
        """Between two adverts."""
        return max(intervals_s(self.adverts))


@dataclass(frozen=True)
class Flood:
    """One flood."""

    kind: str
    sent: int
    counted_min: int
    """Only what is sent as VRRP is counted."""
    duration_s: float
    master: Endured
    backup: Endured


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The web-ha topology with nothing running in it."""
    with Lab(topology.load("web-ha")) as lab:
        yield lab


@pytest.fixture(scope="module")
def routers(lab: Lab) -> tuple[Router, Router]:
    """Master and backup."""
    return Router(lab, "web1", "master"), Router(lab, "web2", "backup")


@pytest.fixture(scope="module", params=FLOODS)
def flood(request: pytest.FixtureRequest, lab: Lab, routers: tuple[Router, Router]) -> Flood:
    """Both daemons through a flood, from one advert of the master to the next one after it."""
    master, backup = routers
    with from_host(lab, master.vrrpd.host) as of_master, from_host(lab, backup.vrrpd.host) as of_backup:
        frames = [of_master.wait(ADVERT_TIMEOUT_S)]
        counted = [router.counters() for router in routers]
        used_s = [router.processor_s() for router in routers]
        lengths = [len(router.vrrpd.daemon.log()) for router in routers]
        summary = send(lab.host("client"), FLOODS[request.param], PACKETS_A_SECOND, FLOOD_S)
        used_s = [router.processor_s() - before_s for router, before_s in zip(routers, used_s, strict=True)]
        frames += of_master.frames()
        while not is_vrrp(frames[-1]):
            frames.append(of_master.wait(ADVERT_TIMEOUT_S))
        spoken = frames, of_backup.frames()
        counted_min = 0 if request.param == CLAIMS else summary["sent"]
        afterwards = [router.wait_until_counted(before, counted_min) for router, before in zip(routers, counted, strict=True)]
    endured = [
        Endured(
            frames,
            after - before,
            processor_s,
            router.vrrpd.state(),
            router.vrrpd.daemon.log()[length:],
        )
        for router, frames, before, after, processor_s, length in zip(
            routers, spoken, counted, afterwards, used_s, lengths, strict=True
        )
    ]
    return Flood(request.param, summary["sent"], counted_min, summary["duration_s"], *endured)


@pytest.fixture(params=["master", "backup"])
def endured(request: pytest.FixtureRequest, flood: Flood) -> Endured:
    """One of the two in one flood."""
    found = getattr(flood, request.param)
    assert isinstance(found, Endured)
    assert found.state == request.param
    return found


def test_adverts_keep_their_second_and_nobody_else_speaks(flood: Flood, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        show(flood)
    assert flood.sent > 0
    assert flood.master.longest_gap_s <= ADVERT_LATE_S
    assert flood.backup.adverts == []


def test_nobody_changes_its_state(endured: Endured) -> None:
    assert endured.counted["vrrpd_transitions_total"] == 0


def test_the_backup_hears_its_master(flood: Flood) -> None:
    """At one moment, when it begins to hear it apart, an advert may be lost."""
    assert flood.backup.counted["vrrpd_adverts_received_total"] >= len(flood.master.adverts) - 1


def test_every_packet_is_counted_and_each_kind_by_its_reason(flood: Flood, endured: Endured) -> None:
    assert packets(endured.counted) >= flood.counted_min
    if flood.kind == "faulty and foreign packets":
        for reason in ("vrrpd_unknown_virtual_router_adverts_total", *(kind.counted_as for kind in KINDS)):
            assert endured.counted[reason] > 0, reason


def test_the_log_stays_short(endured: Endured) -> None:
    assert len(endured.log.splitlines()) <= LINES_MAX
    assert "Traceback" not in endured.log


def test_no_flood_makes_another_one(flood: Flood) -> None:
    assert len(flood.master.adverts) <= ANSWERS_MAX
    assert sum(map(is_arp, flood.master.frames)) <= ANSWERS_MAX * ANNOUNCEMENTS
    assert [frame for frame in flood.backup.frames if is_arp(frame)] == []


def packets(counted: Counter[str]) -> int:
    """That came in, read or not."""
    reasons = {kind.counted_as for kind in KINDS}
    others = {"vrrpd_adverts_received_total", "vrrpd_unknown_virtual_router_adverts_total", "vrrpd_receive_drops_total"}
    return sum(counted[name] for name in reasons | others)


def show(flood: Flood) -> None:
    """Print what was measured, for people."""
    rate = flood.sent / flood.duration_s
    print(f"\n{flood.kind}: {flood.sent:,} packets in {flood.duration_s:.1f} s, {rate:,.0f} a second", end="; ")  # noqa: T201
    print(  # noqa: T201  # numbers to be compared
        f"adverts at most {flood.master.longest_gap_s * 1000:.1f} ms apart; processor time of the master's router"
        f" {flood.master.processor_s:.2f} s, of the backup's {flood.backup.processor_s:.2f} s",
        end=" ",
    )
