"""How much may be read of what comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrpd.daemon.listener import DATAGRAMS_A_SECOND, DATAGRAMS_AT_ONCE, Allowance

NOW_S = 1_000.0


def test_a_burst_may_be_read_at_once_and_then_no_more_than_the_rate() -> None:
    allowance = Allowance(NOW_S)
    assert allowance.reckon(NOW_S) == DATAGRAMS_AT_ONCE
    assert not allowance.spend(DATAGRAMS_AT_ONCE - 1)
    assert allowance.spend(1)
    assert allowance.reckon(NOW_S) == 0
    assert allowance.reckon(NOW_S + 0.01) == pytest.approx(0.01 * DATAGRAMS_A_SECOND, abs=1)


def test_no_more_is_saved_than_a_burst() -> None:
    allowance = Allowance(NOW_S)
    assert allowance.reckon(NOW_S + 3_600) == DATAGRAMS_AT_ONCE


@given(st.lists(st.tuples(st.floats(0, 0.1), st.integers(0, 64)), max_size=50))
def test_whatever_comes_the_rate_is_kept(readings: list[tuple[float, int]]) -> None:
    allowance, now_s, read = Allowance(NOW_S), NOW_S, 0
    for pause_s, waiting in readings:
        now_s += pause_s
        count = min(waiting, allowance.reckon(now_s))
        allowance.spend(count)
        read += count
        assert read <= DATAGRAMS_AT_ONCE + (now_s - NOW_S) * DATAGRAMS_A_SECOND + 1
