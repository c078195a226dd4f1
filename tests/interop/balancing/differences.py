"""The named differences between keepalived's tables and vrrpd's, from `differences.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIFFERENCES = Path(__file__).parent / "differences.toml"


@dataclass(frozen=True)
class Difference:
    """A step of a case after which the two tables are not the same, and why."""

    case: str
    step: int
    """Counted from 0, which is the start."""
    theirs: str
    ours: str
    reason: str


@cache
def differences() -> dict[tuple[str, int], Difference]:
    """The known differences, by case and step."""
    rows = [Difference(**row) for row in tomllib.loads(DIFFERENCES.read_text()).get("difference", [])]
    assert len({(row.case, row.step) for row in rows}) == len(rows), "a step has two rows"
    return {(row.case, row.step): row for row in rows}
