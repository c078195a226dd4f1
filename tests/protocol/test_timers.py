"""The formulas of RFC 3768 section 6.1, and timers that are never late twice."""

from __future__ import annotations

import pytest

from vrrpd.protocol.timers import Timer, Timers, master_down_interval_s, skew_time_s


@pytest.mark.parametrize(
    ("priority", "skew_s"), [(255, 1 / 256), (254, 2 / 256), (100, 0.609375), (50, 0.8046875), (1, 255 / 256)]
)
def test_the_better_router_waits_less(priority: int, skew_s: float) -> None:
    assert skew_time_s(priority) == skew_s


@pytest.mark.parametrize(("interval_s", "skew_s"), [(1.0, 0.609375), (0.01, 0.00609375), (40.0, 24.375)])
def test_in_version_3_the_skew_is_a_part_of_the_interval(interval_s: float, skew_s: float) -> None:
    assert skew_time_s(100, interval_s) == pytest.approx(skew_s)
    assert master_down_interval_s(100, interval_s, skew_unit_s=interval_s) == pytest.approx(3 * interval_s + skew_s)


@pytest.mark.parametrize(
    ("priority", "interval_s", "adverts", "expected_s"),
    [(100, 1, 3, 3.609375), (50, 1, 3, 3.8046875), (200, 1, 3, 3.21875), (100, 5, 3, 15.609375), (100, 1, 10, 10.609375)],
)
def test_a_master_is_down_after_three_intervals_and_the_skew(
    priority: int, interval_s: float, adverts: int, expected_s: float
) -> None:
    assert master_down_interval_s(priority, interval_s, adverts) == expected_s


def test_the_deadline_is_the_earliest_of_all_timers() -> None:
    timers = Timers()
    assert timers.next_s() is None
    timers.set(Timer.ADVERT, 5.0)
    timers.set(Timer.SECOND_ANNOUNCEMENT, 3.0)
    assert timers.next_s() == 3.0
    timers.clear(Timer.SECOND_ANNOUNCEMENT)
    timers.clear(Timer.MASTER_DOWN)  # did not run: nothing to stop
    assert timers.next_s() == 5.0
    timers.clear_all()
    assert timers.next_s() is None


def test_a_timer_is_due_at_its_end_and_not_before() -> None:
    timers = Timers()
    timers.set(Timer.ADVERT, 5.0)
    assert [timers.is_due(Timer.ADVERT, now_s) for now_s in (4.999, 5.0, 6.0)] == [False, True, True]
    assert not timers.is_due(Timer.MASTER_DOWN, 99.0)


def test_all_timers_but_one_can_be_stopped() -> None:
    timers = Timers()
    for timer in (Timer.ADVERT, Timer.PENANCE):
        timers.set(timer, 5.0 + timer)
    timers.clear_all(but=Timer.PENANCE)
    assert timers.due(99.0) == [(Timer.PENANCE, 5.0 + Timer.PENANCE)]
    timers.clear_all(but=Timer.ADVERT)
    assert timers.next_s() is None


def test_what_is_due_at_once_comes_in_the_order_of_the_timers() -> None:
    timers = Timers()
    timers.set(Timer.LEAVER_GONE, 1.0)
    timers.set(Timer.ADVERT, 2.0)
    timers.set(Timer.ANNOUNCEMENT_REFRESH, 9.0)
    assert timers.due(2.0) == [(Timer.ADVERT, 2.0), (Timer.LEAVER_GONE, 1.0)]
    assert timers.due(1.5) == [(Timer.LEAVER_GONE, 1.0)]


@pytest.mark.parametrize(("by_s", "expected_s"), [(2.0, 7.0), (-1.0, 4.0), (-4.0, 3.0)])
def test_a_timer_is_moved_but_not_into_the_past(by_s: float, expected_s: float) -> None:
    timers = Timers()
    timers.set(Timer.MASTER_DOWN, 5.0)
    timers.move(Timer.MASTER_DOWN, by_s, now_s=3.0)
    assert timers.next_s() == expected_s


@pytest.mark.parametrize(
    ("now_s", "expected_s"),
    [
        pytest.param(5.0, 6.0, id="in time"),
        pytest.param(5.4, 6.0, id="a little late: the beat is kept"),
        pytest.param(6.0, 7.0, id="a whole beat late: it is left out"),
        pytest.param(99.5, 100.5, id="very late: one beat, not ninety-four"),
    ],
)
def test_a_periodic_timer_keeps_its_beat_and_leaves_out_what_was_slept_through(now_s: float, expected_s: float) -> None:
    timers = Timers()
    timers.set(Timer.ADVERT, 5.0)
    timers.repeat(Timer.ADVERT, 1.0, now_s)
    assert timers.next_s() == expected_s
