"""keepalived and vrrpd, given the same file and the same failures of servers, leave the same rows in IPVS after each step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from netns_lab import programs, topology
from netns_lab.namespaces import Lab
from netns_lab.programs import REPOSITORY
from netns_lab.waiting import wait_for
from tests.interop.balancing.arena import ARENA, arena
from tests.interop.balancing.cases import Case
from tests.interop.balancing.checkers import CHECKERS, LOSSES, RETRIES
from tests.interop.balancing.differences import differences
from tests.interop.balancing.player import OURS, PARTIES, THEIRS, Player, Record
from tests.interop.balancing.quorums import QUORUMS, WEIGHTS
from tests.interop.balancing.reloads import RELOADS
from tests.interop.balancing.services import SERVICES
from tests.interop.balancing.table import table
from vrrpd.balancer.services import services_of
from vrrpd.config.load import load

FILES = (REPOSITORY / "tests/inputs/lvs-dr/lvs1.conf", *sorted((REPOSITORY / "examples").glob("*.conf")))
FULL_S = 60.0
NEVER_S = 100_000
FAILURES = (*CHECKERS, *RETRIES, *LOSSES, *QUORUMS, *WEIGHTS, *SERVICES)
CASES = (*FAILURES, *RELOADS)

Played = dict[str, Player]
"""Cases by their names, played to their ends."""


@pytest.fixture(scope="module")
def failures() -> Played:
    """All that happens while the file stays as it is."""
    return play(FAILURES)


@pytest.fixture(scope="module")
def reloads() -> Played:
    """All that a changed file does."""
    return play(RELOADS)


def play(cases: Sequence[Case]) -> Played:
    with arena(cases) as built:
        built.play()
        return {player.case.name: player for player in built.players}


def test_every_case_has_a_name_and_every_difference_a_step() -> None:
    steps = {case.name: len(case.steps) for case in CASES}
    assert len(steps) == len(CASES)
    assert [(case, step) for case, step, _ in differences() if step not in range(steps[case] + 1)] == []


@pytest.mark.kernel
@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_the_rows_are_the_same_after_each_failure(case: Case, failures: Played) -> None:
    judge(failures[case.name])


@pytest.mark.kernel
@pytest.mark.parametrize("case", RELOADS, ids=lambda case: case.name)
def test_the_rows_are_the_same_after_each_reload(case: Case, reloads: Played) -> None:
    judge(reloads[case.name])


@pytest.mark.kernel
def test_operators_files_make_the_same_table(tmp_path: Path) -> None:
    """At the start: nobody asks the servers, which are not there, before the end of the test."""
    path = tmp_path / "all.conf"
    text = re.sub(r"(?m)^ *warmup .*$", "", "\n".join(each.read_text() for each in FILES))
    path.write_text(re.sub(r"(?m)^virtual_server .*$", f"\\g<0>\nwarmup {NEVER_S}", text))
    rows = _rows(path)
    with Lab(topology.parse("arena", ARENA, tmp_path)) as lab:
        start = {THEIRS: programs.keepalived, OURS: programs.vrrpd}
        daemons = [start[party](lab.host(party), path, "-C") for party in PARTIES]

        def tables() -> list[Mapping[int | None, Sequence[str]]]:
            return [table(lab.host(party)) for party in PARTIES]

        wait_for(lambda: (seen := tables())[0] == seen[1] and len(seen[0].get(None, ())) == rows, FULL_S, "both tables")
        for daemon in daemons:
            daemon.stop()
        assert tables() == [{}, {}]


def _rows(path: Path) -> int:
    """How many services and servers in services a file asks for."""
    config = load(str(path)).config
    assert config is not None
    groups = {group.name: group for group in config.virtual_server_groups}
    return sum(len(services_of(each.key, groups)) * (1 + len(each.real_servers)) for each in config.virtual_servers)


def judge(player: Player) -> None:
    before, rows_before = dict.fromkeys(PARTIES, ""), Record().rows
    for number, (step, record) in enumerate(zip(player.steps, player.history, strict=True)):
        where = f"step {number}, {step.do!r}"
        expected = player.expected(number, "servers", step.shows)
        assert record.servers == expected, where
        if not player.difference(number, "servers"):
            assert {party: record.only(party) for party in PARTIES} == player.expected(number, "rows", ""), where
        assert all(any(step.holds in row for row in rows) for rows in record.rows.values() if step.holds), where
        assert player.was_asked(number), where
        through = player.expected(number, "through", step.through)
        if step.after or (step.do == "reload" and record.rows == rows_before):
            assert {party: player.through(number, party) for party in PARTIES} == through, where
        unchanged = {party for party in PARTIES if expected[party] == before[party] and not through[party]}
        assert unchanged & record.strayed.keys() == set(), where
        before, rows_before = expected, record.rows
    assert player.notes == dict.fromkeys(PARTIES, player.case.notes)
