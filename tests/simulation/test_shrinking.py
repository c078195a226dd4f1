"""As few faults as still do it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vrrpd.simulation.shrinking import RUNS_MAX, shrunk


@given(st.sets(st.integers(0, 19), max_size=4))
def test_what_is_needed_is_all_that_is_left(needed: set[int]) -> None:
    assert set(shrunk(tuple(range(20)), lambda items: needed <= set(items))) == needed


def test_the_order_stays() -> None:
    assert shrunk((3, 1, 2), lambda items: {3, 2} <= set(items)) == (3, 2)


def test_it_gives_up_in_time() -> None:
    runs = 0

    def odd(items: tuple[int, ...]) -> bool:
        nonlocal runs
        runs += 1
        return len(items) % 2 == 0

    shrunk(tuple(range(2000)), odd)
    assert runs <= RUNS_MAX
