"""A promise that was not kept."""

from __future__ import annotations

TOLERANCE_S = 1e-6
"""Sums of floats differ by less; nothing in VRRP is as short."""


class BrokenPromiseError(Exception):
    """Something that must hold did not."""

    def __init__(self, promise: str, at_s: float, seen: str) -> None:
        super().__init__(f"{at_s:.6f} s: {promise}: {seen}")
        self.promise = promise
        """What must hold, in the words of its checker: the same mistake in two histories has the same words."""
        self.at_s = at_s
        self.seen = seen
