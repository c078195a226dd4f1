"""A timer wheel: many deadlines, few wake-ups.

Deadlines are rounded up to slots of 10 ms and kept in a ring of sets, so arming and cancelling cost the same however many
timers there are, and timers that end close together wake the process once. A number with one bit per slot says which slots
are in use; its lowest bit ahead of the cursor is the next deadline.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

SLOTS_PER_SECOND = 100
"""Slots of 10 ms: fine enough for time-outs of seconds, coarse enough that 2,000 timers a second share 100 wake-ups."""
SLOTS = 1024
"""Slots in the ring, 10.24 s in all. A later deadline waits in the farthest slot and is filed anew when that is reached."""

Item = TypeVar("Item", bound=Hashable)


class TimerWheel(Generic[Item]):
    """At most one timer for each item. Never early; late by less than a slot."""

    def __init__(self, now_s: float) -> None:
        self._cursor = _slots_until(now_s)
        """The last slot that is over, counted from the clock's zero."""
        self._ring: list[dict[Item, int]] = [{} for _ in range(SLOTS)]
        """For each slot its items in the order of arming, each with the slot in which it is really due."""
        self._occupied = 0
        self._index: dict[Item, int] = {}
        """Where in the ring an item is."""

    def __len__(self) -> int:
        return len(self._index)

    def arm(self, item: Item, at_s: float) -> None:
        """Let `item` come out of `expire` once `at_s` has come, in place of whatever was set for it before."""
        if item in self._index:
            self.cancel(item)
        self._file(item, max(_slots_from(at_s), self._cursor + 1))

    def cancel(self, item: Item) -> None:
        """Forget the item's timer, if it has one."""
        index = self._index.pop(item, None)
        if index is None:
            return
        slot = self._ring[index]
        del slot[item]
        if not slot:
            self._occupied ^= 1 << index

    def deadline(self) -> float | None:
        """When `expire` has work next, for a timer beyond the ring earlier than its own time. None without timers."""
        following = self._following()
        return None if following is None else following / SLOTS_PER_SECOND

    def expire(self, now_s: float) -> list[Item]:
        """Take out the items whose time has come, earliest slot first and in the order of arming within one."""
        over = _slots_until(now_s)
        expired: list[Item] = []
        while (following := self._following()) is not None and following <= over:
            self._cursor = following
            for item, due in self._empty(following % SLOTS).items():
                if due <= following:
                    expired.append(item)
                else:
                    self._file(item, due)
        self._cursor = max(self._cursor, over)
        return expired

    def _file(self, item: Item, due: int) -> None:
        index = min(due, self._cursor + SLOTS) % SLOTS
        slot = self._ring[index]
        if not slot:
            self._occupied |= 1 << index
        slot[item] = due
        self._index[item] = index

    def _empty(self, index: int) -> dict[Item, int]:
        items, self._ring[index] = self._ring[index], {}
        self._occupied ^= 1 << index
        for item in items:
            del self._index[item]
        return items

    def _following(self) -> int | None:
        """The next slot in use."""
        if not self._occupied:
            return None
        first = self._cursor + 1
        ahead = self._occupied >> first % SLOTS
        if ahead:
            return first + _lowest_bit(ahead)
        return first + SLOTS - first % SLOTS + _lowest_bit(self._occupied)


def _lowest_bit(number: int) -> int:
    return (number & -number).bit_length() - 1


def _slots_from(at_s: float) -> int:
    """The first slot that begins at `at_s` or later; exact, so that a deadline is due at the time that it names."""
    slot = round(at_s * SLOTS_PER_SECOND)
    return slot if slot / SLOTS_PER_SECOND >= at_s else slot + 1


def _slots_until(now_s: float) -> int:
    """The last slot that has begun at `now_s`."""
    slot = round(now_s * SLOTS_PER_SECOND)
    return slot if slot / SLOTS_PER_SECOND <= now_s else slot - 1
