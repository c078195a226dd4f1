"""The checkers see every mistake there is in `mutations`. Without this, ten thousand good histories would say little."""

from __future__ import annotations

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import broken_promise
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
