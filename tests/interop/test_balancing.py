"""keepalived and vrrpd, given the same file and the same failures of servers, leave the same rows in IPVS after each step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.balancing.arena import PARTIES, Player, arena
from tests.interop.balancing.cases import Case
from tests.interop.balancing.checkers import CHECKERS, LOSSES, RETRIES
from tests.interop.balancing.differences import differences
from tests.interop.balancing.quorums import QUORUMS, WEIGHTS
from tests.interop.balancing.services import SERVICES

pytestmark = pytest.mark.kernel

CASES = (*CHECKERS, *RETRIES, *LOSSES, *QUORUMS, *WEIGHTS, *SERVICES)


@pytest.fixture(scope="module")
def played() -> Iterator[dict[str, Player]]:
    """Every case by its name, played to its end."""
    with arena(CASES, differences()) as built:
        built.play()
        yield {player.case.name: player for player in built.players}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rows_are_the_same_after_each_step(case: Case, played: dict[str, Player]) -> None:
    judge(played[case.name])


def judge(player: Player) -> None:
    before = ""
    for number, (step, record) in enumerate(zip(player.case.steps, player.history, strict=True)):
        where = f"step {number}, {step.do!r}"
        difference = differences().get((player.case.name, number))
        if difference is None:
            assert record.shown == dict.fromkeys(PARTIES, step.shows), where
            assert record.rows["theirs"] == record.rows["ours"], where
        else:
            assert difference.theirs != difference.ours, where
            assert record.shown == {"theirs": difference.theirs, "ours": difference.ours}, where
        if step.tries is not None:
            assert record.tries == dict.fromkeys(PARTIES, step.tries), where
        if step.after:
            assert record.asked["theirs"] >= step.after, where
            assert record.asked["ours"] >= step.after, where
        if step.shows == before:
            assert record.strayed == {}, where
        before = step.shows
