"""The fewest faults that still do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

RUNS_MAX = 400
"""Enough for the dozen faults of a history; a thousand would take too long to be minimal."""

Item = TypeVar("Item")


def shrunk(items: tuple[Item, ...], still_fails: Callable[[tuple[Item, ...]], bool]) -> tuple[Item, ...]:
    """Leave out as many items as can be while `still_fails` holds, which it must for all of them.

    Delta debugging (Zeller, Hildebrandt 2002): first large parts, then smaller ones, at last each alone.
    """
    runs_left = RUNS_MAX
    size = len(items)
    while size and runs_left:
        start, found = 0, False
        while start < len(items) and runs_left:
            shorter = items[:start] + items[start + size :]
            runs_left -= 1
            if still_fails(shorter):
                items, found = shorter, True
            else:
                start += size
        if not found or size > len(items):
            size //= 2
    return items
