from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from healthcheck.types import NotProbed, Outcome, Pace, ProbeResult, Round, StepPassed, WeightSet, WeightWish
from healthcheck.verdict import TRANSITIONS, Finding, State, Verdict, VerdictChange

PACE = Pace(delay_loop_s=6.0, retry=2, delay_before_retry_s=1.0)
GOOD = ProbeResult(True, 0.001, "connected")
BAD = ProbeResult(False, 3.0, "timed out after 3 s")
UNABLE = NotProbed("cannot open a socket: too many open files")
LETTERS: dict[str, Outcome] = {"+": GOOD, "-": BAD, "?": UNABLE}


def run(history: str, pace: Pace = PACE) -> tuple[str, list[float]]:
    """Feed one result after another, each half a second after its start.

    Returns the verdict after each as a letter (U, D, or . for none yet), and each pause from an end to the next start.
    """
    verdict = Verdict(pace, first_at_s=10.0)
    verdicts, pauses_s = "", []
    for letter in history:
        start_s = verdict.deadline()
        assert start_s is not None
        assert verdict.on_timer(start_s)
        verdict.on_result(LETTERS[letter], start_s + 0.5)
        verdicts += {None: ".", True: "U", False: "D"}[verdict.up]
        next_s = verdict.deadline()
        assert next_s is not None
        pauses_s.append(next_s - (start_s + 0.5))
    return verdicts, pauses_s


@pytest.mark.parametrize(
    ("rule_", "history", "verdicts", "pauses_s"),
    [
        ("the first failure counts at once, whatever retry says", "-", "D", [6]),
        ("the first success is up at once", "+", "U", [6]),
        ("retry + 1 failures in a row are down, with the short pause between them", "+---", "UUUD", [6, 1, 1, 6]),
        ("a success gives all tries back", "+--+--+", "UUUUUUU", [6, 1, 1, 6, 1, 1, 6]),
        ("while down there is one try per delay_loop and no retry", "---", "DDD", [6, 6, 6]),
        ("one success is up", "--+", "DDU", [6, 6, 6]),
        ("a server that came up has its tries", "-+---", "DUUUD", [6, 6, 1, 1, 6]),
        ("what could not be tried says nothing, first", "??-", "..D", [6, 6, 6]),
        ("what could not be tried says nothing while up", "+?-", "UUU", [6, 6, 1]),
        ("what could not be tried costs no try", "+-?-?-", "UUUUUD", [6, 1, 6, 1, 6, 6]),
        ("what could not be tried says nothing while down", "-?+", "DDU", [6, 6, 6]),
    ],
)
def test_a_history_of_results_has_its_verdicts_and_pauses(
    rule_: str, history: str, verdicts: str, pauses_s: list[float]
) -> None:
    assert run(history) == (verdicts, pauses_s), rule_


def test_without_retries_one_failure_is_down() -> None:
    assert run("+-+", Pace(delay_loop_s=6.0, retry=0)) == ("UDU", [6, 6, 6])


def test_each_new_verdict_is_reported_once_and_says_whether_it_is_the_first() -> None:
    verdict = Verdict(PACE, first_at_s=0.0)
    changes: list[VerdictChange | None] = []
    for outcome in (UNABLE, GOOD, GOOD, BAD, BAD, BAD, BAD, GOOD):
        assert verdict.on_timer(1e9)
        changes.append(verdict.on_result(outcome, 0.0))
    assert changes == [
        None,
        VerdictChange(True, True, GOOD),
        None,
        None,
        None,
        VerdictChange(False, False, BAD),
        None,
        VerdictChange(True, False, GOOD),
    ]


def test_a_first_failure_is_reported_as_the_first_verdict() -> None:
    verdict = Verdict(PACE, first_at_s=0.0)
    assert verdict.on_timer(0.0)
    assert verdict.on_result(BAD, 3.0) == VerdictChange(False, True, BAD)


def test_a_try_starts_at_its_time_and_not_again_while_it_is_under_way() -> None:
    verdict = Verdict(PACE, first_at_s=10.0)
    assert not verdict.on_timer(9.999)
    assert verdict.on_timer(10.0)
    assert verdict.deadline() is None
    assert not verdict.on_timer(99.0)


def test_every_state_has_its_way_out_for_every_finding_that_can_meet_it() -> None:
    assert set(TRANSITIONS) == {
        (state, finding)
        for state in State
        for finding in Finding
        if finding is not Finding.FAILURE or state in (State.UP, State.DOUBTED)  # elsewhere no tries are left
    }


def test_the_diagram_in_the_documentation_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "healthcheck.md"
    drawn = {line.strip() for line in page.read_text().splitlines() if "-->" in line and "[*]" not in line}
    assert drawn == {f"{start.value} --> {end.value}: {finding.value}" for (start, finding), end in TRANSITIONS.items()}


def test_the_pauses_of_commands_run_from_start_to_start_and_never_backwards() -> None:
    verdict = Verdict(Pace(delay_loop_s=6.0, retry=1, delay_before_retry_s=1.0, from_start=True), first_at_s=10.0)
    dues_s = []
    for outcome, duration_s in ((GOOD, 2.0), (BAD, 0.5), (GOOD, 9.0), (UNABLE, 1.0)):
        start_s = verdict.deadline()
        assert start_s is not None
        verdict.on_timer(start_s)
        verdict.on_result(outcome, start_s + duration_s)
        dues_s.append(verdict.deadline())
    assert dues_s == [16.0, 17.0, 26.0, 32.0]


def weighed(weight: WeightWish | None, *, success: bool = True) -> ProbeResult:
    return ProbeResult(success, 0.001, "exit status", weight)


def test_another_weight_is_a_new_verdict_and_stays_until_the_next() -> None:
    verdict = Verdict(PACE, first_at_s=0.0)
    told = []
    for result in (
        GOOD,
        weighed(WeightSet(5)),
        GOOD,
        weighed(WeightSet(5)),
        BAD,
        weighed(WeightSet(7)),
        BAD,
        BAD,
        weighed(WeightSet(9), success=False),
        GOOD,
    ):
        change = verdict.on_result(result, 0.0)
        told.append(change and (change.up, change.result.weight))
    assert told == [
        (True, None),
        (True, WeightSet(5)),
        None,
        None,
        None,
        (True, WeightSet(7)),
        None,
        None,
        (False, WeightSet(7)),
        (True, WeightSet(7)),
    ]


def test_a_passed_step_is_no_verdict_and_costs_no_try() -> None:
    passed = StepPassed(0.001, "status 200", Round(1, 1))
    verdict = Verdict(PACE, first_at_s=0.0)
    outcomes: tuple[Outcome, ...] = (passed, GOOD, BAD, passed, BAD, passed, BAD)
    changes = [verdict.on_result(outcome, 10.0) for outcome in outcomes]
    assert [change and change.up for change in changes] == [None, True, None, None, None, None, False]


@pytest.mark.parametrize(("before", "due_s"), [(None, 10.0), (BAD, 10.0), (GOOD, 16.0)], ids=["untried", "down", "up"])
def test_a_step_that_hurries_waits_for_nothing_unless_the_server_is_up(before: ProbeResult | None, due_s: float) -> None:
    verdict = Verdict(PACE, first_at_s=0.0)
    if before is not None:
        verdict.on_result(before, 0.0)
    verdict.on_result(StepPassed(0.001, "status 200", Round(1, 1), at_once=True), 10.0)
    assert verdict.deadline() == due_s


def test_what_an_earlier_check_found_holds_until_a_result_of_our_own_settles_it() -> None:
    up = Verdict(PACE, 0.0, VerdictChange(True, True, weighed(WeightSet(5))))
    assert up.up
    assert [up.on_result(outcome, 0.0) for outcome in (GOOD, BAD, BAD)] == [None] * 3
    assert up.on_result(BAD, 0.0) == VerdictChange(False, False, ProbeResult(False, 3.0, BAD.reason, WeightSet(5)))
    down = Verdict(PACE, 0.0, VerdictChange(False, True, BAD))
    assert down.on_result(BAD, 0.0) is None
    assert down.on_result(GOOD, 0.0) == VerdictChange(True, False, GOOD)


class VerdictHistory(RuleBasedStateMachine):
    """The rules in the words of an operator, over any sequence of results and any pace."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.under_way = False
        self.results: list[bool] = []
        self.verdict = Verdict(PACE, first_at_s=0.0)
        self.up_before: bool | None = None
        self.due_s = 0.0

    @precondition(lambda self: not self.under_way)
    @rule(early_s=st.floats(0.001, 5.0), late_s=st.floats(0.0, 5.0))
    def start(self, early_s: float, late_s: float) -> None:
        assert not self.verdict.on_timer(self.due_s - early_s)
        self.now_s = self.due_s + late_s
        assert self.verdict.on_timer(self.now_s)
        self.under_way = True

    @precondition(lambda self: self.under_way)
    @rule(duration_s=st.floats(0.0, 3.0))
    def fail_to_try(self, duration_s: float) -> None:
        self.now_s += duration_s
        assert self.verdict.on_result(UNABLE, self.now_s) is None
        self.due_s = self.now_s + PACE.delay_loop_s
        self.under_way = False

    @precondition(lambda self: self.under_way)
    @rule(success=st.booleans(), duration_s=st.floats(0.0, 3.0))
    def end(self, success: bool, duration_s: float) -> None:
        self.now_s += duration_s
        change = self.verdict.on_result(GOOD if success else BAD, self.now_s)
        self.results.append(success)
        self.under_way = False
        up = self.verdict.up
        assert (change is not None) == (up is not self.up_before)
        assert change is None or change.up is up
        if success:
            assert up is True
        elif self.up_before:
            assert up is (self.results[-PACE.retry - 1 :] != [False] * (PACE.retry + 1))
        else:
            assert up is False
        retrying = up is True and not success
        self.due_s = self.now_s + (PACE.delay_before_retry_s if retrying else PACE.delay_loop_s)
        self.up_before = up

    @invariant()
    def there_is_a_deadline_unless_a_try_is_under_way(self) -> None:
        assert self.verdict.deadline() == (None if self.under_way else self.due_s)


TestVerdictHistory = VerdictHistory.TestCase
