"""The verdict on one check: when it is tried, and what its results mean.

A server is taken out after `retry` + 1 failures in a row and put back after one success. The number of tries left starts at
zero, so the very first failure counts at once: whoever starts up in front of a dead server should not send it clients for
`retry` more tries. Each pause runs from the end of a try to the start of the next, unless the pace says from its start.

A server that is up may be asked to weigh something else; that stays until another weight is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from healthcheck.types import Outcome, Pace, ProbeResult, StepPassed, WeightWish


class State(Enum):
    """What is held of a server, by one check."""

    UNTRIED = "untried"
    """Nothing is known. Whether such a server gets clients is its owner's choice."""
    UP = "up"
    DOUBTED = "doubted"
    """It was up and failed; it counts as up while tries are left."""
    DOWN = "down"


class Finding(Enum):
    """What one result amounts to."""

    SUCCESS = "success"
    FAILURE = "failure"
    """And there are tries left."""
    LAST_FAILURE = "last failure"
    """And there are none."""


TRANSITIONS: Mapping[tuple[State, Finding], State] = MappingProxyType(
    {
        (State.UNTRIED, Finding.SUCCESS): State.UP,
        (State.UNTRIED, Finding.LAST_FAILURE): State.DOWN,
        (State.UP, Finding.SUCCESS): State.UP,
        (State.UP, Finding.FAILURE): State.DOUBTED,
        (State.UP, Finding.LAST_FAILURE): State.DOWN,
        (State.DOUBTED, Finding.SUCCESS): State.UP,
        (State.DOUBTED, Finding.FAILURE): State.DOUBTED,
        (State.DOUBTED, Finding.LAST_FAILURE): State.DOWN,
        (State.DOWN, Finding.SUCCESS): State.UP,
        (State.DOWN, Finding.LAST_FAILURE): State.DOWN,
    }
)
"""The whole machine; what is not listed cannot happen."""

_UP: Mapping[State, bool | None] = MappingProxyType(
    {State.UNTRIED: None, State.UP: True, State.DOUBTED: True, State.DOWN: False}
)


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A verdict that was not there before: the first one, the other one, or another weight of a server that stays up."""

    up: bool
    first: bool
    """Nothing was known before."""
    result: ProbeResult
    """The result that settled it, with the weight that is in force."""


class Verdict:
    """The state machine of one check. Times are seconds on one monotonic clock."""

    __slots__ = ("_next_s", "_pace", "_started_s", "_tries_left", "_weight", "state")

    def __init__(self, pace: Pace, first_at_s: float, inherited: VerdictChange | None = None) -> None:
        """Begin with the first try at `first_at_s` and nothing known, or with what an earlier check of the same thing found."""
        self.state = State.UNTRIED
        self._pace = pace
        self._tries_left = 0
        self._weight: WeightWish | None = None
        self._started_s = first_at_s
        self._next_s: float | None = first_at_s
        if inherited is not None:
            self.state = State.UP if inherited.up else State.DOWN
            self._tries_left = pace.retry
            self._weight = inherited.result.weight

    @property
    def up(self) -> bool | None:
        """The verdict; None while nothing is known."""
        return _UP[self.state]

    def deadline(self) -> float | None:
        """When the next try is due; None while one is under way."""
        return self._next_s

    def on_timer(self, now_s: float) -> bool:
        """Whether a try is to start now. If so it is under way until `on_result`."""
        if self._next_s is None or now_s < self._next_s:
            return False
        self._next_s = None
        self._started_s = now_s
        return True

    def on_result(self, outcome: Outcome, now_s: float) -> VerdictChange | None:
        """Take in how the try ended, and return the verdict if it is a new one.

        A try that could not be made changes nothing and is made a whole `delay_loop` later: what this machine lacks is not
        mended by asking more often.
        """
        if self.state is State.UP and isinstance(outcome, ProbeResult) and outcome.success and outcome.weight is None:
            self._tries_left = self._pace.retry
            self._next_s = self._after(self._pace.delay_loop_s, now_s)
            return None  # as the table has it; nearly all results are of this kind, and there are thousands a second
        if not isinstance(outcome, ProbeResult):
            hurry = isinstance(outcome, StepPassed) and outcome.at_once and not self.up
            self._next_s = now_s if hurry else self._after(self._pace.delay_loop_s, now_s)
            return None
        up_before, weight_before = self.up, self._weight
        self.state = TRANSITIONS[self.state, self._find(outcome)]
        doubted = self.state is State.DOUBTED
        self._next_s = self._after(self._pace.delay_before_retry_s if doubted else self._pace.delay_loop_s, now_s)
        if outcome.success and outcome.weight is not None:
            self._weight = outcome.weight
        if self.up is up_before and self._weight == weight_before:
            return None
        return VerdictChange(outcome.success, up_before is None, replace(outcome, weight=self._weight))

    def _after(self, pause_s: float, now_s: float) -> float:
        """When the next try is due; if that is over already, now."""
        return max(now_s, self._started_s + pause_s) if self._pace.from_start else now_s + pause_s

    def _find(self, result: ProbeResult) -> Finding:
        if result.success:
            self._tries_left = self._pace.retry
            return Finding.SUCCESS
        if self._tries_left == 0 or not self.up:
            return Finding.LAST_FAILURE
        self._tries_left -= 1
        return Finding.FAILURE
