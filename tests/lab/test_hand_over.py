"""A planned stop costs the client next to nothing: the master serves on until the other has taken its place.

Beside it keepalived in the same lab, which lets go with its farewell, so that nobody serves for the other's skew time.
"""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from netns_lab.client import Client, Result
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import ROUTERS, Daemon, vrrpd
from netns_lab.sniffer import Frame, is_arp, is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.lab.conftest import BOTH_SERVERS, VIRTUAL_ADDRESS, Pair
from tests.lab.running import ELECTED_S, PROMPT_S
from tests.lab.witnesses import ARP_SENDER, ARP_SENDER_MAC, PRIORITY, adverts_of, announces, source

pytestmark = pytest.mark.kernel

RUNS = 5
RUNS_OF_OTHERS = 2
OUTAGE_MAX_MS = 20.0
OUTAGE_BEFORE_KEEPALIVED_MAX_MS = 50.0
"""Where keepalived takes over."""
OUTAGE_OF_BREAKING_FIRST_MIN_MS = 700.0
"""Where the old master lets go first, nobody serves for the skew of priority 50 (RFC 3768 section 6.1), 805 ms, less what it
takes from its farewell until its addresses are gone."""
INTERVAL_MS = 5.0
GRACE_MS = 50.0
"""What the old master leaves a new one between its first advert and its announcements."""
WARM_UP_ANSWERS = 50
AFTERMATH_ANSWERS = 100
LAST_ANNOUNCEMENT_S = 0.15
"""When the new master, counted from its first advert, has announced itself once more, and a little."""
ARP_REPLY = 2
ARP_OPERATION = slice(20, 22)

SIOCDARP, SIOCGARP = 0x8953, 0x8954
ARP_REQUEST = struct.Struct("=HH4s8xH14sI16s16s")
"""struct arpreq of linux/if_arp.h: protocol address, hardware address, flags, netmask, device."""

Starter = Callable[[Host], Daemon]


def of(name: str) -> Starter:
    """Starts the daemon of that name on the operators' own file."""
    return lambda host: ROUTERS[name](host, _configuration(host))


def breaking_first(host: Host) -> Daemon:
    """vrrpd in keepalived's order."""
    configuration = host.directory / "break-before-make.conf"
    configuration.write_text(_configuration(host).read_text() + "\nvrrpd {\n  hand_over break_before_make\n}\n")
    return vrrpd(host, configuration)


class Directors:
    """lvs1 of priority 100 and lvs2 of priority 50, at work."""

    def __init__(self, pair: Pair, first: Starter, second: Starter) -> None:
        self.lab: Lab = pair.lab
        self.client: Client = pair.client
        self.first, self.second = pair.first.host, pair.second.host
        self._starters = {self.first: first, self.second: second}
        self.daemons: dict[Host, Daemon] = {}

    def start(self, host: Host) -> None:
        """Start one and wait until it could serve."""
        self.daemons[host] = self._starters[host](host)
        wait_for(lambda: host.real_servers() == BOTH_SERVERS, ELECTED_S, f"both servers in the table of {host.plan.name}")

    def start_first(self) -> None:
        """The preferred master returns."""
        self.start(self.first)
        self.wait_for_holder(self.first)

    def stop_first(self) -> None:
        """The master's planned stop."""
        assert self.daemons[self.first].stop() == 0
        self.wait_for_holder(self.second)

    def wait_for_holder(self, host: Host) -> None:
        """Until it and nobody else has the virtual address."""
        wait_for(lambda: self.lab.holders() == [host], ELECTED_S, f"{host.plan.name} as the only holder")

    def requests(self, act: Callable[[], None]) -> Result:
        """What became of a client's requests while something was done."""
        with self.client.measure(VIRTUAL_ADDRESS, interval_ms=INTERVAL_MS) as measurement:
            measurement.wait_for_answers(WARM_UP_ANSWERS)
            act()
            measurement.wait_for_answers(AFTERMATH_ANSWERS)
        return measurement.result


@dataclass(frozen=True)
class Changes:
    """What a client saw of some planned stops and returns of the preferred master, and how long the other took to announce."""

    stops: list[Result]
    returns: list[Result]
    announced_after_ms: list[float]
    """From the other's first advert to the last of its first five announcements."""


@contextmanager
def at_work(pair: Pair, first: Starter, second: Starter) -> Iterator[Directors]:
    """Both at work, lvs1 as master; stopped at the end."""
    directors = Directors(pair, first, second)
    try:
        directors.start(directors.second)
        directors.start_first()
        yield directors
    finally:
        for daemon in directors.daemons.values():
            if daemon.process.poll() is None:
                daemon.stop()


def changes(pair: Pair, first: Starter, second: Starter, runs: int) -> Changes:
    """Stop lvs1 and start it again, some times."""
    seen = Changes([], [], [])
    with at_work(pair, first, second) as directors:
        for _ in range(runs):
            with on_bridge(pair.lab, lambda frame: is_vrrp(frame) or announces(VIRTUAL_ADDRESS)(frame)) as wire:
                seen.stops.append(directors.requests(directors.stop_first))
                frames = wire.frames()
            seen.announced_after_ms.append(announced_after_ms(frames, directors.second))
            seen.returns.append(directors.requests(directors.start_first))
    return seen


def noticed_ms(results: list[Result]) -> list[float]:
    """The outage of each as the client can have noticed it.

    A connection that is on its way while the master changes may be refused. If the client itself stands still after that, as
    it does for 50 ms and more while a daemon starts beside it in a guest, that is no outage: it asked nobody.
    """
    return [min(result.longest_outage_ms, INTERVAL_MS * sum(result.failures.values())) for result in results]


def outages_ms(results: list[Result]) -> list[float]:
    """The outage of each, from the first failure to the next answer."""
    return [result.longest_outage_ms for result in results]


def announced_after_ms(frames: list[Frame], host: Host) -> float:
    """From the first advert of a new master to the last of its first five announcements."""
    begin_s = next(frame.time_s for frame in frames if is_vrrp(frame) and source(frame) == host.plan.address.ip)
    announced = [frame.time_s for frame in frames if is_arp(frame) and frame.time_s >= begin_s]
    return (announced[4] - begin_s) * 1000


@pytest.fixture(scope="module")
def of_vrrpd(idle_pair: Pair) -> Changes:
    """vrrpd on both."""
    return changes(idle_pair, of("vrrpd"), of("vrrpd"), RUNS)


@pytest.fixture(scope="module")
def of_keepalived(idle_pair: Pair) -> Changes:
    """keepalived on both."""
    return changes(idle_pair, of("keepalived"), of("keepalived"), RUNS_OF_OTHERS)


def test_a_planned_stop_is_hardly_noticed_where_keepalived_costs_the_skew(
    of_vrrpd: Changes, of_keepalived: Changes, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        show("client's outage at a planned stop of the master, vrrpd", noticed_ms(of_vrrpd.stops))
        show("keepalived beside it", outages_ms(of_keepalived.stops))
    assert len(of_vrrpd.stops) == RUNS
    assert max(noticed_ms(of_vrrpd.stops)) <= OUTAGE_MAX_MS
    assert min(outages_ms(of_keepalived.stops)) >= OUTAGE_OF_BREAKING_FIRST_MIN_MS


def test_the_return_of_the_preferred_master_is_hardly_noticed(of_vrrpd: Changes, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        show("client's outage at its return", noticed_ms(of_vrrpd.returns))
    assert max(noticed_ms(of_vrrpd.returns)) <= OUTAGE_MAX_MS


def test_keepalived_may_take_over_and_is_left_the_time_to_announce_itself(
    idle_pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = changes(idle_pair, of("vrrpd"), of("keepalived"), RUNS_OF_OTHERS)
    with capsys.disabled():
        show("client's outage when keepalived takes over from vrrpd", noticed_ms(seen.stops))
        show("from its advert to its last announcement", seen.announced_after_ms)
    assert max(noticed_ms(seen.stops)) <= OUTAGE_BEFORE_KEEPALIVED_MAX_MS
    assert max(seen.announced_after_ms) < GRACE_MS


def test_keepalived_s_order_can_be_had(idle_pair: Pair) -> None:
    with at_work(idle_pair, breaking_first, of("vrrpd")) as directors:
        assert directors.requests(directors.stop_first).longest_outage_ms >= OUTAGE_OF_BREAKING_FIRST_MIN_MS


def test_who_asks_while_both_answer_ends_at_the_new_master(idle_pair: Pair) -> None:
    with (
        at_work(idle_pair, of("vrrpd"), of("vrrpd")) as directors,
        on_bridge(idle_pair.lab, lambda frame: is_vrrp(frame) or is_arp(frame)) as wire,
        idle_pair.client.measure(VIRTUAL_ADDRESS) as measurement,
    ):
        measurement.wait_for_answers(WARM_UP_ANSWERS)
        old_mac = hardware_address(idle_pair.client.host)
        wire.frames()
        directors.daemons[directors.first].signal(signal.SIGTERM)
        frames: list[Frame] = []
        while not (frames and is_of(directors.second, frames[-1])):
            frames.append(wire.wait(PROMPT_S))
        forget_neighbour_until(idle_pair.client.host, time.monotonic() + LAST_ANNOUNCEMENT_S / 5)
        while frames[-1].time_s < frames[0].time_s + 2:
            frames.append(wire.wait(PROMPT_S))
        measurement.wait_for_answers(AFTERMATH_ANSWERS)
        assert hardware_address(idle_pair.client.host) != old_mac
        assert directors.daemons[directors.first].process.wait(PROMPT_S) == 0
    taken_over_s = next(frame.time_s for frame in frames if is_of(directors.second, frame))
    answers = [frame for frame in frames if is_answer(frame) and frame.octets[ARP_SENDER_MAC] == old_mac]
    assert [frame for frame in answers if frame.time_s > taken_over_s], "the old master was asked after the new one had begun"
    announced_s = max(frame.time_s for frame in frames if announces(VIRTUAL_ADDRESS)(frame))
    assert max(frame.time_s for frame in answers) < announced_s < taken_over_s + LAST_ANNOUNCEMENT_S
    assert measurement.result.longest_outage_ms < LAST_ANNOUNCEMENT_S * 1000


def test_one_that_is_killed_while_it_hands_over_does_not_go_on_as_master(idle_pair: Pair) -> None:
    with at_work(idle_pair, of("vrrpd"), of("vrrpd")) as directors, on_bridge(idle_pair.lab, is_vrrp) as wire:
        dying = directors.daemons[directors.first]
        log_before = dying.log()
        dying.signal(signal.SIGTERM)
        while wire.wait(PROMPT_S).octets[PRIORITY] != 0:
            pass
        dying.crash()
        assert directors.first.holds(VIRTUAL_ADDRESS), "it was killed before it had let go"
        directors.start(directors.first)
        began = "INITIALIZE -> "
        wait_for(lambda: began in dying.log().removeprefix(log_before), PROMPT_S, "the start of lvs1")
        assert f"{began}BACKUP: startup" in dying.log().removeprefix(log_before)
        assert not directors.first.holds(VIRTUAL_ADDRESS), "what it finds is cleared away"


def test_a_link_that_goes_down_ends_a_hand_over_at_once(idle_pair: Pair) -> None:
    lvs1 = idle_pair.first
    lvs1.edit(("priority 100", "priority 255"))
    lvs1.start()
    lvs1.wait_until("master")
    with on_bridge(idle_pair.lab, adverts_of(lvs1.host)) as wire:
        lvs1.daemon.signal(signal.SIGTERM)
        while wire.wait(PROMPT_S).octets[PRIORITY] != 0:
            pass
    assert lvs1.host.holds(VIRTUAL_ADDRESS)
    lvs1.host.unplug()
    assert lvs1.daemon.process.wait(PROMPT_S) == 0
    lvs1.host.plug()
    assert "RELINQUISHING -> INITIALIZE: interface-down" in lvs1.daemon.log()
    assert not lvs1.host.holds(VIRTUAL_ADDRESS)


def forget_neighbour_until(host: Host, end_s: float) -> None:
    """Have a host ask again and again who has the virtual address."""
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        while time.monotonic() < end_s:
            try:
                fcntl.ioctl(control, SIOCDARP, _arp_request())
            except OSError:  # it does not know at the moment
                time.sleep(0.0005)


def hardware_address(host: Host) -> bytes:
    """Where a host believes the virtual address to be."""
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, SIOCGARP, _arp_request())
    hardware: bytes = ARP_REQUEST.unpack(answer)[4]
    return hardware[:6]


def _arp_request() -> bytes:
    return ARP_REQUEST.pack(socket.AF_INET, 0, VIRTUAL_ADDRESS.packed, 0, b"", 0, b"", b"eth0")


def is_of(host: Host, frame: Frame) -> bool:
    """True for an advert of that host."""
    return is_vrrp(frame) and source(frame) == host.plan.address.ip


def is_answer(frame: Frame) -> bool:
    """True for an ARP reply about the virtual address."""
    is_reply = is_arp(frame) and int.from_bytes(frame.octets[ARP_OPERATION], "big") == ARP_REPLY
    return is_reply and frame.octets[ARP_SENDER] == VIRTUAL_ADDRESS.packed


def show(what: str, times_ms: list[float]) -> None:
    """Print what was measured, for people."""
    print(f"\n{what}: {', '.join(f'{time_ms:.0f}' for time_ms in times_ms)} ms", end=" ")  # noqa: T201  # numbers to be compared


def _configuration(host: Host) -> Path:
    assert host.plan.configuration is not None
    return host.plan.configuration
