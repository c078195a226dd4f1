"""The last sequence number of each sender."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vrrpd.protocol.sequences import Sequences


@given(st.lists(st.tuples(st.sampled_from((b"a", b"b", b"c")), st.integers(0, 9))))
def test_of_each_sender_only_a_greater_number_is_taken(said: list[tuple[bytes, int]]) -> None:
    sequences, last = Sequences(3), dict.fromkeys((b"a", b"b", b"c"), -1)
    for source, sequence in said:
        assert sequences.take(source, sequence) is (sequence > last[source])
        last[source] = max(last[source], sequence)


def test_who_was_heard_longest_ago_is_forgotten_first() -> None:
    sequences = Sequences(2)
    assert [sequences.take(source, 1) for source in (b"a", b"b")] == [True, True]
    assert sequences.take(b"a", 2)
    assert sequences.take(b"c", 1)
    assert [sequences.take(source, 1) for source in (b"c", b"a", b"b")] == [False, False, True]


def test_a_smaller_limit_holds_from_the_next_number_on() -> None:
    sequences = Sequences(9)
    for octet in range(9):
        sequences.take(bytes([octet]), 1)
    sequences.senders_max = 1
    sequences.take(b"x", 1)
    assert sequences._last == {b"x": 1}
