"""The deadlines of many, with the next one always at hand."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting")


MOVED_MAX = 1_000
"""Deadlines that were moved and may stay in the heap, beside as many as there are who wait. A flood moves many a second."""


class Deadlines(Generic[Waiting]):
    """At most one deadline for each of those that wait, in seconds of the clock that the caller reads.

    A heap in which a deadline that was moved stays until it comes up; it is passed over then.
    """

    __slots__ = ("_armed_s", "_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Waiting]] = []
        self._order = 0
        """Between equal deadlines the older one is first."""
        self._armed_s: dict[Waiting, float] = {}

    def set(self, who: Waiting, deadline_s: float | None) -> None:
        """Let `who` wait for `deadline_s`, whatever it waited for before; None waits for nothing."""
        if deadline_s is None:
            self._armed_s.pop(who, None)
        elif self._armed_s.get(who) != deadline_s:
            self._armed_s[who] = deadline_s
            self._order += 1
            heapq.heappush(self._heap, (deadline_s, self._order, who))
            if len(self._heap) > 2 * len(self._armed_s) + MOVED_MAX:
                self._heap = self._in_order()  # which is a heap, too

    def armed(self) -> list[tuple[float, Waiting]]:
        """All of them, in the order in which they come up."""
        return [(deadline_s, who) for deadline_s, _order, who in self._in_order()]

    def _in_order(self) -> list[tuple[float, int, Waiting]]:
        first: dict[Waiting, tuple[float, int, Waiting]] = {}
        for entry in sorted(self._heap, key=lambda entry: entry[:2]):
            deadline_s, _order, who = entry
            if self._armed_s.get(who) == deadline_s:
                first.setdefault(who, entry)
        return list(first.values())

    def next_s(self) -> float | None:
        """The earliest deadline, or None while nobody waits."""
        while self._heap and self._armed_s.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float) -> Iterator[tuple[float, Waiting]]:
        """Take away, one by one, what is due, with its deadline. Who is given may set a new one at once."""
        while (next_s := self.next_s()) is not None and next_s <= now_s:
            _deadline_s, _order, who = heapq.heappop(self._heap)
            del self._armed_s[who]
            yield next_s, who
