"""Who waits for what, and who is due first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vrrpd.protocol.deadlines import MOVED_MAX, Deadlines


def test_who_waits_for_nothing_is_never_due() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("one", None)
    assert deadlines.next_s() is None
    assert list(deadlines.due(1e9)) == []


def test_the_earliest_is_first_and_of_equals_the_one_that_was_set_first() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for who, deadline_s in (("late", 3.0), ("one", 2.0), ("two", 2.0), ("early", 1.0), ("not yet", 3.5)):
        deadlines.set(who, deadline_s)
    assert deadlines.next_s() == 1.0
    assert list(deadlines.due(3.0)) == [(1.0, "early"), (2.0, "one"), (2.0, "two"), (3.0, "late")]
    assert deadlines.next_s() == 3.5


def test_a_deadline_that_moves_or_is_given_up_is_due_no_more_at_its_old_time() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("moved", 1.0)
    deadlines.set("given up", 1.5)
    deadlines.set("moved", 5.0)
    deadlines.set("given up", None)
    assert list(deadlines.due(4.0)) == []
    assert list(deadlines.due(5.0)) == [(5.0, "moved")]


def test_who_is_due_may_wait_again_at_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("one", 1.0)
    served = []
    for deadline_s, who in deadlines.due(3.0):
        served.append(deadline_s)
        deadlines.set(who, deadline_s + 1.0)
    assert served == [1.0, 2.0, 3.0]
    assert deadlines.next_s() == 4.0


def test_what_was_moved_again_and_again_fills_no_memory() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("early", 0.5)
    for number in range(10 * MOVED_MAX):
        deadlines.set("moved", 10.0 + number)
        deadlines.set("to and fro", 1.0 + number % 2)
    assert len(deadlines._heap) <= MOVED_MAX + 2 * 3
    assert deadlines.armed() == [(0.5, "early"), (2.0, "to and fro"), (9.0 + 10 * MOVED_MAX, "moved")]
    assert list(deadlines.due(1e9)) == [(0.5, "early"), (2.0, "to and fro"), (9.0 + 10 * MOVED_MAX, "moved")]


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 20))), st.integers(0, 20))
def test_it_is_a_table_that_is_read_in_order(settings: list[tuple[int, int | None]], now: int) -> None:
    deadlines: Deadlines[int] = Deadlines()
    table: dict[int, int] = {}
    for who, deadline in settings:
        deadlines.set(who, deadline)
        table.pop(who, None)
        if deadline is not None:
            table[who] = deadline
    assert deadlines.next_s() == min(table.values(), default=None)
    due = [(deadline, who) for who, deadline in table.items() if deadline <= now]
    served = list(deadlines.due(now))
    assert [deadline for deadline, _who in served] == sorted(deadline for deadline, _who in due)
    assert set(served) == set(due)
