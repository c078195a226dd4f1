"""The histogram of lateness, and what counts as having slept."""

from __future__ import annotations

import pytest

from vrrpd.protocol.lateness import BUCKETS_S, Lateness, listening_time_s, slept_over


def test_each_deadline_falls_into_the_first_bucket_that_holds_it() -> None:
    lateness = Lateness()
    for late_s in (0.0, 0.0001, 0.00011, 0.9, 10.0, 11.0):
        lateness.observe(late_s)
    filled = {bound_s: count for bound_s, count in zip((*BUCKETS_S, None), lateness.counts, strict=True) if count}
    assert filled == {0.0001: 2, 0.0002: 1, 1.0: 1, 10.0: 1, None: 1}
    assert lateness.count == 6
    assert lateness.max_s == 11.0
    assert lateness.sum_s == pytest.approx(21.90021)


def test_buckets_rise_from_a_tenth_of_a_millisecond_to_ten_seconds() -> None:
    assert (BUCKETS_S[0], BUCKETS_S[-1]) == (0.0001, 10.0)
    assert list(BUCKETS_S) == sorted(set(BUCKETS_S))


def test_two_histograms_share_nothing() -> None:
    Lateness().observe(1.0)
    assert Lateness().count == 0


@pytest.mark.parametrize(
    ("late_s", "interval_s", "slept"),
    [(0.05, 1.0, False), (0.1, 1.0, False), (0.11, 1.0, True), (0.009, 0.01, False), (0.011, 0.01, True), (0.11, 40.0, True)],
)
def test_a_takeover_was_slept_over_when_it_comes_later_than_machines_are(late_s: float, interval_s: float, slept: bool) -> None:
    assert slept_over(late_s, interval_s) is slept


def test_a_living_master_is_heard_within_the_time_of_listening() -> None:
    assert listening_time_s(1.0) > 1.0
    assert listening_time_s(0.01) < 0.1
