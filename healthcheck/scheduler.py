"""Which check runs when: verdicts on one side, probers on the other, one for each kind of check.

Equal checks are one check here, however many servers wait for its verdict. The set of checks is given as a whole and compared
with the one before, so what did not change keeps its verdict and its place in time. A check that replaces another one of the
same kind and subject begins with that one's verdict.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from healthcheck.types import FIRST_STEP, Check, NotProbed, Outcome, ProbeResult, Round
from healthcheck.verdict import Verdict, VerdictChange
from healthcheck.wheel import TimerWheel

FIRST_RUN_DELAY_S = 1.0
"""Before this nothing is checked, so that a machine that is starting up can set up its addresses and routes."""
STARTS_PER_RUN_MAX = 100
"""Probes started before looking at results again: after a sleep all are due at once, and each start costs some 30 us."""


@dataclass(slots=True, eq=False)
class Watch:
    """One check with what is known of it; to be read only."""

    check: Check
    verdict: Verdict
    last_change: VerdictChange | None = None
    """The verdict in force; None while nothing is known."""
    round: Round = FIRST_STEP
    last_outcome: Outcome | None = None
    runs: int = 0
    """Probes that ended with a result."""
    failures: int = 0
    not_probed: int = 0
    """Probes that this machine could not make."""
    start_lateness_s: float = 0.0
    """How much after its due time the last probe started."""
    start_lateness_max_s: float = 0.0
    dropped: bool = False
    """No longer wanted; a probe may still be under way."""


class Prober(Protocol):
    """What carries out the probes of one kind of check, as :class:`healthcheck.tcp.TcpEngine` and
    :class:`healthcheck.tasks.TaskProber` do.
    """

    @property
    def has_room(self) -> bool: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def deadline(self) -> float | None: ...
    def start(self, check: Any, token: Watch, round_: Round, /) -> Outcome | None: ...
    def run(self) -> list[tuple[Watch, Outcome]]: ...


@dataclass(slots=True, eq=False)
class _Lane:
    """A prober with what waits for its turn there: slow scripts hold up no connection."""

    prober: Prober
    due: dict[Watch, None] = field(default_factory=dict)
    """Waiting for room, in order."""

    def deadline(self) -> float | None:
        if self.due and self.prober.has_room:
            return next(iter(self.due)).verdict.deadline()
        return self.prober.deadline()


class Scheduler:
    """Runs checks by their pace and reports verdicts. `probers` has one for each class of check; several may share one.

    `on_change(check, change)` hears each check's first verdict and every change after it; `on_failure(check, outcome)` hears
    what changed nothing and should be told all the same: that a probe could not be made, once for each reason in a row, and
    each failure of a check with `log_all_failures`. Both are called when all results at hand have been taken in.
    """

    def __init__(
        self,
        probers: Mapping[type, Prober],
        on_change: Callable[[Check, VerdictChange], None],
        *,
        now_s: float,
        on_failure: Callable[[Check, Outcome], None] = lambda _check, _outcome: None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        lanes = {prober: _Lane(prober) for prober in probers.values()}
        self._lanes = tuple(lanes.values())
        self._lane_of = {kind: lanes[prober] for kind, prober in probers.items()}
        self._on_change = on_change
        self._on_failure = on_failure
        self._uniform = uniform
        self._watches: dict[Check, Watch] = {}
        self._starts: TimerWheel[Watch] = TimerWheel(now_s)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def watches(self) -> Mapping[Check, Watch]:
        """Every check with its verdict and counters."""
        return MappingProxyType(self._watches)

    def apply(self, checks: Iterable[Check], now_s: float) -> None:
        """Check these and nothing else. New ones first run after one second and a random part of their warm-up."""
        wanted = dict.fromkeys(checks)
        predecessors: dict[tuple[type, str], VerdictChange] = {}
        for check in self._watches.keys() - wanted.keys():
            watch = self._watches.pop(check)
            watch.dropped = True
            self._starts.cancel(watch)
            self._lane_of[type(check)].due.pop(watch, None)
            if watch.last_change is not None:
                key = (type(check), check.subject)
                if key not in predecessors or predecessors[key].up:  # of several the bad news holds
                    predecessors[key] = watch.last_change
        for check in wanted:
            if check not in self._watches:
                warmup_s = check.pace.delay_loop_s if check.pace.warmup_s is None else check.pace.warmup_s
                first_at_s = now_s + FIRST_RUN_DELAY_S + self._uniform(0.0, warmup_s)
                inherited = predecessors.get((type(check), check.subject))
                self._watches[check] = watch = Watch(check, Verdict(check.pace, first_at_s, inherited), inherited)
                self._starts.arm(watch, first_at_s)
        self._rearm()

    def deadline(self) -> float | None:
        """When `run` is to be called even if nothing is readable; may lie in the past. None if there is nothing to wait for."""
        deadlines_s = (self._starts.deadline(), *(lane.deadline() for lane in self._lanes))
        return min((at_s for at_s in deadlines_s if at_s is not None), default=None)

    def run(self, now_s: float) -> None:
        """Take in results and start what is due; never waits."""
        ended = [end for lane in self._lanes for end in lane.prober.run()]
        for watch in self._starts.expire(now_s):
            self._lane_of[type(watch.check)].due[watch] = None
        for lane in self._lanes:
            if not lane.due:
                continue
            for _ in range(STARTS_PER_RUN_MAX):
                if not lane.due or not lane.prober.has_room:
                    break
                watch = next(iter(lane.due))
                del lane.due[watch]
                outcome = self._start(watch, lane.prober, now_s)
                if outcome is not None:
                    ended.append((watch, outcome))
            ended += lane.prober.run()  # who is near answered while others were asked; that saves waking up for it
        news = [(watch, told) for watch, outcome in ended if (told := self._take(watch, outcome, now_s)) is not None]
        for watch, told in news:
            if isinstance(told, VerdictChange):
                self._on_change(watch.check, told)
            else:
                self._on_failure(watch.check, told)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run by itself on `loop`, whose clock must be the one that all times here are of."""
        self._loop = loop
        for lane in self._lanes:
            loop.add_reader(lane.prober.fileno(), self._wake)
        self._rearm()

    def close(self) -> None:
        """Leave the loop and break off what is under way."""
        if self._loop is not None:
            for lane in self._lanes:
                self._loop.remove_reader(lane.prober.fileno())
            self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for lane in self._lanes:
            lane.prober.close()

    def _start(self, watch: Watch, prober: Prober, now_s: float) -> Outcome | None:
        due_s = watch.verdict.deadline()
        assert due_s is not None
        watch.start_lateness_s = now_s - due_s
        watch.start_lateness_max_s = max(watch.start_lateness_max_s, watch.start_lateness_s)
        watch.verdict.on_timer(now_s)
        return prober.start(watch.check, watch, watch.round)

    def _take(self, watch: Watch, outcome: Outcome, now_s: float) -> VerdictChange | Outcome | None:
        """Count one outcome and set the next start. Returns what should be told of it: the new verdict, or else the outcome."""
        if watch.dropped:
            return None
        change = watch.verdict.on_result(outcome, now_s)
        next_s = watch.verdict.deadline()
        assert next_s is not None
        self._starts.arm(watch, next_s)
        before, watch.last_outcome = watch.last_outcome, outcome
        if isinstance(outcome, ProbeResult):
            watch.runs += 1
            if outcome.success:
                watch.round = FIRST_STEP
            else:
                watch.failures += 1
                watch.round = Round(watch.round.step)
            worth_telling = watch.check.log_all_failures and not outcome.success
        elif isinstance(outcome, NotProbed):
            watch.not_probed += 1
            worth_telling = outcome != before
        else:
            watch.round = outcome.next
            worth_telling = False
        if change is not None:
            watch.last_change = change
            return change
        return outcome if worth_telling else None

    def _wake(self) -> None:
        assert self._loop is not None
        try:
            self.run(self._loop.time())
        finally:
            self._rearm()

    def _on_timer(self) -> None:
        self._timer = None
        self._wake()

    def _rearm(self) -> None:
        """Set the loop's timer, unless it is set for the right moment already."""
        if self._loop is None:
            return
        deadline_s = self.deadline()
        if self._timer is not None:
            if self._timer.when() == deadline_s:
                return
            self._timer.cancel()
            self._timer = None
        if deadline_s is not None:
            self._timer = self._loop.call_at(deadline_s, self._on_timer)
