from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from healthcheck.wheel import SLOTS, SLOTS_PER_SECOND, TimerWheel

SLOT_S = 1 / SLOTS_PER_SECOND
RING_S = SLOTS * SLOT_S


def test_nothing_comes_out_before_its_time_and_everything_within_a_slot_after_it() -> None:
    wheel: TimerWheel[str] = TimerWheel(100.0)
    wheel.arm("probe", 100.123)
    assert wheel.deadline() == 100.13
    assert wheel.expire(100.1299) == []
    assert wheel.expire(100.13) == ["probe"]
    assert wheel.deadline() is None


def test_items_come_out_by_slot_and_then_in_the_order_of_arming() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0)
    for item, at_s in (("late", 5.0), ("second", 1.002), ("third", 1.001), ("first", 0.5)):
        wheel.arm(item, at_s)
    assert wheel.expire(7.0) == ["first", "second", "third", "late"]


def test_an_item_has_one_timer_the_last_one_set() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0)
    wheel.arm("probe", 1.0)
    wheel.arm("probe", 2.0)
    assert len(wheel) == 1
    assert wheel.expire(1.5) == []
    assert wheel.expire(2.0) == ["probe"]


def test_a_cancelled_timer_leaves_nothing_and_the_others_alone() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0)
    wheel.arm("gone", 1.0)
    wheel.arm("kept", 1.0)
    wheel.cancel("gone")
    wheel.cancel("never set")
    assert wheel.deadline() == 1.0
    assert wheel.expire(1.0) == ["kept"]
    wheel.arm("gone", 3.0)
    wheel.cancel("gone")
    assert wheel.deadline() is None
    assert len(wheel) == 0


def test_a_timer_beyond_the_ring_keeps_its_time() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0)
    at_s = 3 * RING_S + 1.0
    wheel.arm("far", at_s)
    wakings = 0
    while (deadline_s := wheel.deadline()) is not None and deadline_s < at_s:
        assert wheel.expire(deadline_s) == []
        wakings += 1
    assert wheel.deadline() == at_s
    assert wheel.expire(at_s) == ["far"]
    assert wakings == 3  # once a turn of the ring


def test_after_a_long_sleep_even_timers_beyond_the_ring_come_out_in_order() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0)
    wheel.arm("far", 2 * RING_S + 1.0)
    wheel.arm("near", 1.0)
    assert wheel.expire(1e4) == ["near", "far"]


@pytest.mark.parametrize("at_s", [0.0, 41.999, 42.0])
def test_a_time_that_is_over_is_due_in_the_next_slot(at_s: float) -> None:
    wheel: TimerWheel[str] = TimerWheel(42.0)
    wheel.arm("probe", at_s)
    assert wheel.expire(42.0) == []
    assert wheel.expire(42.01) == ["probe"]


def test_a_clock_that_stands_still_or_steps_back_expires_nothing() -> None:
    wheel: TimerWheel[str] = TimerWheel(42.0)
    wheel.arm("probe", 42.5)
    assert wheel.expire(40.0) == []
    assert wheel.deadline() == 42.5


@settings(deadline=None)  # it measures rounding, not the machine
@given(start_s=st.floats(0, 1e7), after_s=st.floats(0, RING_S - 2 * SLOT_S))
def test_whatever_the_rounding_a_deadline_is_due_at_the_time_it_names(start_s: float, after_s: float) -> None:
    wheel: TimerWheel[str] = TimerWheel(start_s)
    wheel.arm("probe", start_s + after_s)
    deadline_s = wheel.deadline()
    assert deadline_s is not None
    assert start_s + after_s <= deadline_s <= start_s + after_s + 2 * SLOT_S
    assert wheel.expire(deadline_s) == ["probe"]


class WheelAgainstSortedList(RuleBasedStateMachine):
    """Times are counted in slots, so that the oracle needs no rounding of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000
        self.wheel: TimerWheel[int] = TimerWheel(self.now / SLOTS_PER_SECOND)
        self.oracle: dict[int, int] = {}

    @rule(item=st.integers(0, 20), after=st.one_of(st.integers(-5, 50), st.integers(SLOTS - 3, 3 * SLOTS)))
    def arm(self, item: int, after: int) -> None:
        self.wheel.arm(item, (self.now + after) / SLOTS_PER_SECOND)
        self.oracle[item] = max(self.now + after, self.now + 1)

    @rule(item=st.integers(0, 20))
    def cancel(self, item: int) -> None:
        self.wheel.cancel(item)
        self.oracle.pop(item, None)

    @rule(step=st.one_of(st.integers(0, 40), st.integers(SLOTS - 2, 4 * SLOTS)))
    def pass_time(self, step: int) -> None:
        self.now += step
        expired = self.wheel.expire(self.now / SLOTS_PER_SECOND)
        dues = [self.oracle.pop(item) for item in expired]
        assert dues == sorted(dues)
        assert all(due <= self.now for due in dues)
        assert all(due > self.now for due in self.oracle.values())

    @invariant()
    def the_deadline_is_the_first_timer_or_a_turn_of_the_ring(self) -> None:
        deadline_s = self.wheel.deadline()
        assert len(self.wheel) == len(self.oracle)
        if not self.oracle:
            assert deadline_s is None
            return
        first = min(self.oracle.values())
        assert deadline_s is not None
        assert self.now < round(deadline_s * SLOTS_PER_SECOND) <= min(first, self.now + SLOTS)


TestWheelAgainstSortedList = WheelAgainstSortedList.TestCase
