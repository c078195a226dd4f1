"""The named differences between keepalived's tables and vrrpd's, from `differences.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIFFERENCES = Path(__file__).parent / "differences.toml"
WHAT = ("servers", "rows", "through")


@dataclass(frozen=True)
class Difference:
    """A step of a case after which the two are not the same, and why."""

    case: str
    step: int
    """Counted from 0, which is the start; the last is the stop."""
    what: str
    """`servers`: who serves, with what weight. `rows`: what of ipvsadm's output only one has. `through`: what the server was on
    the way; in the end the tables are the same."""
    theirs: str
    ours: str
    reason: str


@cache
def differences() -> dict[tuple[str, int, str], Difference]:
    """The known differences, by case, step and kind."""
    rows = [Difference(**row) for row in tomllib.loads(DIFFERENCES.read_text())["difference"]]
    known = {(row.case, row.step, row.what): row for row in rows}
    assert len(known) == len(rows), "a step has two rows of a kind"
    assert all(row.what in WHAT and row.theirs != row.ours and row.reason for row in rows)
    return known
