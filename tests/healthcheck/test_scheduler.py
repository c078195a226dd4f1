from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import pairwise

import pytest

from healthcheck.scheduler import FIRST_RUN_DELAY_S, STARTS_PER_RUN_MAX, Scheduler, Watch
from healthcheck.tcp import TcpEngine
from healthcheck.types import Check, NotProbed, Outcome, Pace, PingCheck, ProbeResult, Round, StepPassed, TcpCheck
from healthcheck.verdict import VerdictChange
from healthcheck.wheel import SLOTS_PER_SECOND

PACE = Pace(delay_loop_s=6.0, retry=1, delay_before_retry_s=1.0)
GOOD = ProbeResult(True, 0.001, "connected")
BAD = ProbeResult(False, 0.001, "connection refused")
UNABLE = NotProbed("cannot open a socket: too many open files")
FIRST = TcpCheck(IPv4Address("192.0.2.1"), 80, PACE)
SECOND = TcpCheck(IPv4Address("192.0.2.2"), 80, PACE)


@dataclass(eq=False)
class FakeEngine:
    """Ends every probe after `duration_s` with what `answer` says at its start; at once if that is 0."""

    answer: Callable[[Check], Outcome] = lambda _check: GOOD
    duration_s: float = 0.5
    room: int = 10_000
    now_s: float = 0.0
    started: list[tuple[float, Check]] = field(default_factory=list)
    under_way: list[tuple[float, Watch, Outcome]] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        return len(self.under_way) < self.room

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.under_way.clear()

    def deadline(self) -> float | None:
        return min((end_s for end_s, _, _ in self.under_way), default=None)

    def start(self, check: Check, token: Watch, _round: Round, /) -> Outcome | None:
        assert self.has_room
        self.started.append((self.now_s, check))
        outcome = self.answer(check)
        if not self.duration_s:
            return outcome
        self.under_way.append((self.now_s + self.duration_s, token, outcome))
        return None

    def run(self) -> list[tuple[Watch, Outcome]]:
        ended = [probe for probe in self.under_way if probe[0] <= self.now_s]
        self.under_way = [probe for probe in self.under_way if probe[0] > self.now_s]
        return [(watch, outcome) for _, watch, outcome in ended]


class House:
    """A scheduler in virtual time; the first checks start at the beginning of their spread unless told otherwise."""

    def __init__(self, *checks: Check, uniform: Callable[[float, float], float] = min, **engine: object) -> None:
        self.engine = FakeEngine(**engine)  # type: ignore[arg-type]  # passed on as given
        self.changes: list[tuple[float, Check, bool]] = []
        self.told: list[tuple[float, Check, str]] = []
        self.scheduler = Scheduler(
            {TcpCheck: self.engine}, self.on_change, now_s=0.0, on_failure=self.on_failure, uniform=uniform
        )
        self.scheduler.apply(checks, 0.0)

    def on_change(self, check: Check, change: VerdictChange) -> None:
        self.changes.append((self.engine.now_s, check, change.up))

    def on_failure(self, check: Check, outcome: Outcome) -> None:
        self.told.append((self.engine.now_s, check, outcome.reason))

    def pass_until(self, end_s: float) -> None:
        while (deadline_s := self.scheduler.deadline()) is not None and deadline_s <= end_s:
            self.engine.now_s = max(self.engine.now_s, deadline_s)
            self.scheduler.run(self.engine.now_s)
        self.engine.now_s = end_s

    @property
    def starts_s(self) -> list[float]:
        return [start_s for start_s, _ in self.engine.started]


def test_a_check_runs_one_delay_loop_after_the_end_of_the_last() -> None:
    house = House(FIRST)
    house.pass_until(21.0)
    assert house.starts_s == [1.0, 7.5, 14.0, 20.5]


def test_a_verdict_is_reported_when_it_is_there_and_when_it_changes() -> None:
    answers = iter([GOOD, GOOD, BAD, BAD, BAD, GOOD])
    house = House(FIRST, answer=lambda _check: next(answers))
    house.pass_until(30.0)
    # Ends at 1.5, 8 (good), 14.5, 16 (bad, with the retry's pause), 22.5 (still down), 29 (good).
    assert house.changes == [(1.5, FIRST, True), (16.0, FIRST, False), (29.0, FIRST, True)]
    watch = house.scheduler.watches[FIRST]
    assert (watch.runs, watch.failures, watch.not_probed, watch.last_outcome) == (6, 3, 0, GOOD)
    assert watch.last_change == VerdictChange(True, False, GOOD)


def test_an_outcome_known_at_the_start_counts_like_any_other() -> None:
    house = House(FIRST, answer=lambda _check: BAD, duration_s=0.0)
    house.pass_until(8.0)
    assert house.changes == [(1.0, FIRST, False)]
    assert house.starts_s == [1.0, 7.0]


@pytest.mark.parametrize(("warmup_s", "spread_s"), [(None, 6.0), (2.0, 2.0), (0.0, 0.0)])
def test_first_runs_are_spread_over_the_warmup_which_is_delay_loop_by_default(warmup_s: float | None, spread_s: float) -> None:
    check = replace(FIRST, pace=replace(PACE, warmup_s=warmup_s))
    asked = []

    def uniform(low_s: float, high_s: float) -> float:
        asked.append((low_s, high_s))
        return high_s

    house = House(check, uniform=uniform)
    assert asked == [(0.0, spread_s)]
    assert house.scheduler.deadline() == FIRST_RUN_DELAY_S + spread_s


def test_equal_checks_are_probed_once() -> None:
    house = House(FIRST, replace(FIRST), SECOND)
    house.pass_until(1.0)
    assert Counter(check for _, check in house.engine.started) == {FIRST: 1, SECOND: 1}


def test_what_stays_keeps_its_verdict_and_its_place_in_time() -> None:
    house = House(FIRST)
    house.pass_until(3.0)
    watch = house.scheduler.watches[FIRST]
    house.scheduler.apply([SECOND, FIRST], 3.0)
    house.pass_until(8.0)
    assert house.scheduler.watches[FIRST] is watch
    assert house.engine.started == [(1.0, FIRST), (4.0, SECOND), (7.5, FIRST)]
    assert house.changes == [(1.5, FIRST, True), (4.5, SECOND, True)]


def test_what_is_dropped_is_not_probed_again_nor_heard_of() -> None:
    house = House(FIRST, SECOND)
    house.pass_until(1.2)
    house.scheduler.apply([SECOND], 1.2)  # while the probe is under way
    house.pass_until(8.0)
    assert [check for _, check in house.engine.started] == [FIRST, SECOND, SECOND]
    assert [check for _, check, _ in house.changes] == [SECOND]
    house.scheduler.apply([], 8.0)
    house.pass_until(99.0)
    assert house.scheduler.deadline() is None
    assert not house.scheduler.watches


def test_a_check_that_was_dropped_and_comes_back_begins_anew() -> None:
    house = House(FIRST, answer=lambda _check: BAD)
    house.pass_until(1.2)
    house.scheduler.apply([], 1.2)
    house.scheduler.apply([FIRST], 1.2)
    house.pass_until(3.0)
    assert house.starts_s == [1.0, 2.2]
    assert house.changes == [(2.7, FIRST, False)]


def test_what_could_not_be_probed_changes_no_verdict_and_is_told_once() -> None:
    answers = iter([GOOD, UNABLE, UNABLE, GOOD, UNABLE])
    house = House(FIRST, answer=lambda _check: next(answers))
    house.pass_until(28.0)
    assert house.changes == [(1.5, FIRST, True)]
    assert house.told == [(8.0, FIRST, UNABLE.reason), (27.5, FIRST, UNABLE.reason)]
    watch = house.scheduler.watches[FIRST]
    assert (watch.runs, watch.failures, watch.not_probed) == (2, 0, 3)


def test_a_server_that_flaps_ten_times_a_second_changes_its_verdict_at_most_once_in_a_delay_loop() -> None:
    house = House(FIRST, duration_s=0.01)
    house.engine.answer = lambda _check: GOOD if int(house.engine.now_s * 20) % 2 else BAD
    house.pass_until(600.0)
    changed_s = [at_s for at_s, _check, _up in house.changes]
    assert len(changed_s) > 1
    assert all(later - earlier >= PACE.delay_loop_s for earlier, later in pairwise(changed_s))


def test_a_server_that_dies_is_down_after_its_tries_and_no_later() -> None:
    house = House(FIRST, duration_s=0.0)
    house.pass_until(20.0)
    died_s = 20.0
    house.engine.answer = lambda _check: BAD
    house.pass_until(40.0)
    down_s = house.changes[-1][0]
    assert house.changes[-1] == (down_s, FIRST, False)
    assert died_s < down_s <= died_s + PACE.delay_loop_s + PACE.retry * PACE.delay_before_retry_s + 2 / SLOTS_PER_SECOND


def test_all_failures_are_told_only_where_that_is_asked_for() -> None:
    loud = replace(SECOND, log_all_failures=True)
    house = House(FIRST, loud, answer=lambda _check: BAD)
    house.pass_until(15.0)
    assert [(check, up) for _, check, up in house.changes] == [(FIRST, False), (loud, False)]
    assert house.told == [(8.0, loud, BAD.reason), (14.5, loud, BAD.reason)]


def test_probes_beyond_the_engines_room_wait_for_their_turn_and_their_lateness_is_known() -> None:
    checks = [replace(FIRST, port=port) for port in (1, 2, 3)]
    house = House(*checks, room=1)
    house.pass_until(3.0)
    assert house.engine.started == [(1.0, checks[0]), (1.5, checks[1]), (2.0, checks[2])]
    assert [house.scheduler.watches[check].start_lateness_s for check in checks] == [0.0, 0.5, 1.0]


def test_a_check_dropped_while_it_waits_for_room_never_starts() -> None:
    house = House(FIRST, SECOND, room=1)
    house.pass_until(1.2)
    house.scheduler.apply([FIRST], 1.2)
    house.pass_until(3.0)
    assert house.engine.started == [(1.0, FIRST)]


def test_after_a_sleep_starts_come_in_portions_without_a_pause() -> None:
    checks = [replace(FIRST, port=port) for port in range(1, 2 * STARTS_PER_RUN_MAX + 2)]
    house = House(*checks)
    house.engine.now_s = 50.0
    portions = []
    while house.scheduler.deadline() != 50.5:  # when the first probe ends
        before = len(house.engine.started)
        house.scheduler.run(50.0)
        portions.append(len(house.engine.started) - before)
    assert portions == [STARTS_PER_RUN_MAX, STARTS_PER_RUN_MAX, 1]
    assert house.scheduler.watches[checks[0]].start_lateness_max_s == 49.0


def test_one_that_raises_while_hearing_of_a_verdict_stops_no_check() -> None:
    class DeafHouse(House):
        def on_change(self, check: Check, change: VerdictChange) -> None:
            raise LookupError(check, change)

    house = DeafHouse(FIRST)
    with pytest.raises(LookupError):
        house.pass_until(2.0)
    house.pass_until(8.0)
    assert house.starts_s == [1.0, 7.5]


def test_a_check_that_replaces_another_keeps_its_verdict_until_it_has_one_of_its_own() -> None:
    answers = iter([GOOD, GOOD, BAD, BAD])
    house = House(FIRST, answer=lambda _check: next(answers))
    house.pass_until(2.0)
    edited = replace(FIRST, connect_timeout_s=9.0)
    house.scheduler.apply([edited], 2.0)
    assert house.scheduler.watches[edited].last_change == VerdictChange(True, True, GOOD)
    house.pass_until(9.9)
    assert house.changes == [(1.5, FIRST, True)]  # its own first result says the same, and one failure is not the last
    house.pass_until(12.0)
    assert house.changes == [(1.5, FIRST, True), (11.5, edited, False)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_are_replaced_the_bad_news_holds(order: tuple[int, int]) -> None:
    variants = [replace(FIRST, mark=mark) for mark in order]
    house = House(*variants, answer=lambda check: GOOD if check.mark else BAD)
    house.pass_until(2.0)
    edited = replace(FIRST, mark=7)
    house.scheduler.apply([edited, SECOND], 2.0)
    change = house.scheduler.watches[edited].last_change
    assert change is not None
    assert not change.up
    assert house.scheduler.watches[SECOND].last_change is None


def test_each_kind_has_its_own_room_and_one_that_is_full_holds_up_no_other() -> None:
    slow, quick = FakeEngine(duration_s=100.0, room=1), FakeEngine(duration_s=0.0)
    scheduler = Scheduler({PingCheck: slow, TcpCheck: quick}, lambda _check, _change: None, now_s=0.0, uniform=min)
    pings = [PingCheck(IPv4Address("192.0.2.1"), port, PACE) for port in (1, 2)]
    scheduler.apply([*pings, FIRST, SECOND], 0.0)
    scheduler.run(1.0)
    assert [check for _, check in slow.started] == pings[:1]
    assert [check for _, check in quick.started] == [FIRST, SECOND]
    assert scheduler.deadline() == 7.0  # no busy waiting for room


def test_a_check_of_several_steps_is_told_where_it_stands() -> None:
    answers: list[Outcome] = [
        StepPassed(0.001, "status 200", Round(1, 1)),
        BAD,
        StepPassed(0.001, "status 200", Round(0, 1)),
        GOOD,
        UNABLE,
        GOOD,
    ]
    seen: list[Round] = []
    house = House(FIRST, answer=lambda _check: answers[len(seen) - 1])
    start = house.engine.start

    def see(check: Check, token: Watch, round_: Round, /) -> Outcome | None:
        seen.append(round_)
        return start(check, token, round_)

    house.engine.start = see  # type: ignore[method-assign]  # to look at what it is given
    house.pass_until(36.0)
    assert seen == [Round(0, 0), Round(1, 1), Round(1, 0), Round(0, 1), Round(0, 0), Round(0, 0)]
    watch = house.scheduler.watches[FIRST]
    assert (watch.runs, watch.failures, watch.not_probed) == (3, 1, 1)


async def test_500_servers_are_watched_on_an_event_loop() -> None:
    """Real sockets on loopback: half the servers are there, one of them goes, and the loop sleeps in between."""
    pace = Pace(delay_loop_s=0.2, retry=1, delay_before_retry_s=0.05, warmup_s=0.2)
    loop = asyncio.get_running_loop()
    verdicts: dict[Check, bool] = {}
    news = asyncio.Event()

    def on_change(check: Check, change: VerdictChange) -> None:
        verdicts[check] = change.up
        news.set()

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, closing(Listener(loop, listener)):
        port = listener.getsockname()[1]
        there = [TcpCheck(IPv4Address("127.0.0.1"), port, pace, mark=0, connect_timeout_s=5 + n) for n in range(250)]
        absent = [TcpCheck(IPv4Address("127.83.21.5"), 9, pace, connect_timeout_s=5 + n) for n in range(250)]
        with closing(Scheduler({TcpCheck: TcpEngine()}, on_change, now_s=loop.time())) as scheduler:
            scheduler.attach(loop)
            scheduler.apply([*there, *absent], loop.time())
            await heard(news, lambda: len(verdicts) == 500)
            assert verdicts == dict.fromkeys(there, True) | dict.fromkeys(absent, False)
            scheduler.apply(there, loop.time())
            listener_gone = loop.time()
            loop.remove_reader(listener)
            listener.close()
            await heard(news, lambda: not any(verdicts.values()))
            assert loop.time() - listener_gone >= pace.delay_before_retry_s
            assert all(watch.runs >= 3 for watch in scheduler.watches.values())
    assert not any(verdicts.values())


class Listener:
    """Accepts and closes, so that no backlog fills up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        self._loop, self._listener = loop, listener
        listener.setblocking(False)
        loop.add_reader(listener, self._accept)

    def _accept(self) -> None:
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return

    def close(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)


async def heard(news: asyncio.Event, true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            news.clear()
            await news.wait()


async def test_the_loops_timer_is_set_anew_only_when_the_deadline_moves() -> None:
    loop = asyncio.get_running_loop()
    slow = replace(FIRST, pace=replace(PACE, delay_loop_s=3600.0, warmup_s=0.0))
    later = replace(SECOND, pace=replace(PACE, delay_loop_s=3600.0, warmup_s=3600.0))
    with closing(Scheduler({TcpCheck: TcpEngine()}, lambda _check, _change: None, now_s=loop.time(), uniform=max)) as scheduler:
        scheduler.attach(loop)
        assert scheduler._timer is None
        scheduler.apply([slow], loop.time())
        timer = scheduler._timer
        assert timer is not None
        scheduler.apply([slow, later], loop.time())
        assert scheduler._timer is timer
        scheduler.apply([later], loop.time())
        assert timer.cancelled()
    assert scheduler._timer is None
