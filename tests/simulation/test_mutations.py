"""The checkers see every mistake there is in `mutations`. Without this, ten thousand good histories would say little."""

from __future__ import annotations

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import broken_promise, report
from tests.simulation.mutations import MUTATIONS

HISTORIES_MAX = 400
"""A mistake that takes longer to be seen is as good as unseen."""


@pytest.mark.parametrize("mistake", MUTATIONS)
def test_every_mistake_breaks_the_promise_that_it_should(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, promises = MUTATIONS[mistake]
    mutate(monkeypatch)
    for seed in range(HISTORIES_MAX):
        error = broken_promise(draw(seed))
        if error is not None:
            assert error.promise in promises, str(error)
            return
    pytest.fail(f"{HISTORIES_MAX} histories and none shows it")


def test_a_broken_promise_is_told_with_the_fewest_faults_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, promises = MUTATIONS["addresses are not taken"]
    mutate(monkeypatch)
    told = report(0).splitlines()
    assert any(promise in told[-2] for promise in promises)
    assert told[-1] == "again: python -m tests.simulation.history 0"
    assert not any(" ^ " in line and " s  ^ " in line for line in told), "it needs no fault at all"
    assert "vrrp_instance VI_1 {" in told


def test_where_nothing_is_broken_that_is_told() -> None:
    assert report(0) == "seed 0: every promise is kept"
