"""What a tracked thing does to a priority, as keepalived reckons it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrpd.config.model import Tracker
from vrrpd.protocol.tracking import Verdict, adjustment, effective_priority, file_adjustment

FAULT = Verdict.FAULT


@pytest.mark.parametrize(
    ("weight", "reverse", "when_well", "when_not"),
    [
        pytest.param(0, False, 0, FAULT, id="no weight: a fault"),
        pytest.param(0, True, FAULT, 0, id="no weight, reversed"),
        pytest.param(20, False, 20, 0, id="positive: added while all is well"),
        pytest.param(-20, False, 0, -20, id="negative: added while it is not"),
        pytest.param(20, True, 0, 20, id="positive, reversed"),
        pytest.param(-20, True, -20, 0, id="negative, reversed"),
    ],
)
def test_what_is_well_or_not_adds_its_weight_or_is_a_fault(
    weight: int, reverse: bool, when_well: int | Verdict, when_not: int | Verdict
) -> None:
    tracker = Tracker("any", weight, reverse)
    assert adjustment(tracker, well=True) == when_well
    assert adjustment(tracker, well=False) == when_not


@pytest.mark.parametrize(
    ("weight", "reverse", "value", "expected"),
    [
        (1, False, 30, 30),
        (2, False, 30, 60),
        (1, True, 30, -30),
        (-2, False, 30, -60),
        (1, False, 0, 0),
        (1, False, 10**6, 253),
        (1, False, -253, -253),
        (1, False, -254, FAULT),
        (-254, False, 1, FAULT),
        (0, False, 0, 0),
        (0, False, -1, FAULT),
        (0, True, 0, FAULT),
        (0, True, 7, 0),
    ],
)
def test_a_file_s_number_counts_times_its_weight(weight: int, reverse: bool, value: int, expected: int | Verdict) -> None:
    assert file_adjustment(Tracker("file", weight, reverse), value) == expected


@pytest.mark.parametrize(
    ("base", "adjustments", "expected"),
    [
        (100, (), 100),
        (100, (20, -50), 70),
        (100, (200,), 254),
        (254, (1,), 254),
        (100, (-100,), 1),
        (10, (-253, -1), 1),
        (255, (-253,), 255),
    ],
)
def test_adjustments_add_up_but_make_neither_a_farewell_nor_an_owner(
    base: int, adjustments: tuple[int, ...], expected: int
) -> None:
    assert effective_priority(base, adjustments) == expected


@given(st.integers(1, 254), st.lists(st.integers(-253, 253)))
def test_an_effective_priority_can_be_advertised(base: int, adjustments: list[int]) -> None:
    assert 1 <= effective_priority(base, adjustments) <= 254
