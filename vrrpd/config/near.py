"""Which known word a misspelled one is closest to."""

from __future__ import annotations

from collections.abc import Iterable

WORD_MAX = 64
"""Longer words are no misspelled keywords; comparing them would only cost time."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate at the least edit distance, if that is small for the word's length; the first of several."""
    if len(word) > WORD_MAX:
        return None
    folded = word.lower().replace("-", "_")
    limit = max(1, len(word) // 4) + 1
    best = None
    for candidate in candidates:
        if abs(len(candidate) - len(word)) >= limit:
            continue
        distance = _distance(folded, candidate.lower(), limit)
        if distance < limit:
            best, limit = candidate, distance
    return best


def _distance(left: str, right: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from `left` to `right`, or `limit` if there are as many."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, mine in enumerate(left, 1):
        before, above, row = row, before, [i]
        for j, theirs in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == right[j - 2] and left[i - 2] == theirs:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return row[-1]
