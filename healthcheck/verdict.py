"""The verdict on one check: when it is tried, and what its results mean.

A server is taken out after `retry` + 1 failures in a row and put back after one success. The number of tries left starts at
zero, so the very first failure counts at once: whoever starts up in front of a dead server should not send it clients for
`retry` more tries. Each pause runs from the end of a try to the start of the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from healthcheck.types import NotProbed, Outcome, Pace, ProbeResult


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
    """A verdict that was not there before: the first one, or the other one."""

    up: bool
    first: bool
    """Nothing was known before."""
    result: ProbeResult
    """The result that settled it."""


class Verdict:
    """The state machine of one check. Times are seconds on one monotonic clock."""

    __slots__ = ("_next_s", "_pace", "_tries_left", "state")

    def __init__(self, pace: Pace, first_at_s: float) -> None:
        """Begin with nothing known and the first try at `first_at_s`."""
        self.state = State.UNTRIED
        self._pace = pace
        self._tries_left = 0
        self._next_s: float | None = first_at_s

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
        return True

    def on_result(self, outcome: Outcome, now_s: float) -> VerdictChange | None:
        """Take in how the try ended, and return the verdict if it is a new one.

        A try that could not be made changes nothing and is made a whole `delay_loop` later: what this machine lacks is not
        mended by asking more often.
        """
        if isinstance(outcome, NotProbed):
            self._next_s = now_s + self._pace.delay_loop_s
            return None
        up_before = self.up
        self.state = TRANSITIONS[self.state, self._find(outcome)]
        doubted = self.state is State.DOUBTED
        self._next_s = now_s + (self._pace.delay_before_retry_s if doubted else self._pace.delay_loop_s)
        if self.up is up_before:
            return None
        return VerdictChange(outcome.success, up_before is None, outcome)

    def _find(self, result: ProbeResult) -> Finding:
        if result.success:
            self._tries_left = self._pace.retry
            return Finding.SUCCESS
        if self._tries_left == 0:
            return Finding.LAST_FAILURE
        self._tries_left -= 1
        return Finding.FAILURE
