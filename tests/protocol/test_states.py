"""The transition table, and the diagram drawn from it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from vrrpd.protocol.states import TRANSITIONS, Guard, Happening, IllegalTransitionError, State, mermaid_diagram, next_state

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_the_table_answers_what_it_has_and_refuses_everything_else() -> None:
    for key in product(State, Happening, Guard):
        if key in TRANSITIONS:
            assert next_state(*key) is TRANSITIONS[key]
        else:
            with pytest.raises(IllegalTransitionError, match=f"nothing leads out of {key[0].name}"):
                next_state(*key)


def test_no_transition_leads_to_where_it_began() -> None:
    assert all(state is not successor for (state, _, _), successor in TRANSITIONS.items())


def test_every_state_can_be_reached_and_left() -> None:
    assert set(TRANSITIONS.values()) == set(State)
    assert {state for state, _, _ in TRANSITIONS} == set(State)


def test_states_are_numbered_as_in_keepalived_s_dumps() -> None:
    numbers = {state.name: state.value for state in State}
    ours = {numbers.pop("RELINQUISHING"), numbers.pop("LISTENING")}
    assert ours.isdisjoint(numbers.values())
    assert numbers == {"INITIALIZE": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}


def test_the_documentation_shows_the_diagram_of_the_table() -> None:
    assert f"```mermaid\n{mermaid_diagram()}```" in PAGE.read_text(encoding="utf-8")


def test_the_diagram_has_one_arrow_for_each_transition() -> None:
    arrows = [line for line in mermaid_diagram().splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == len(set(arrows)) == len(TRANSITIONS)
