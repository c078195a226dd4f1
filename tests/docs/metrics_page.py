"""docs/metrics.md as data: what it says of each metric, and its rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/metrics.md"


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as the page has it."""

    type: str
    labels: frozenset[str]
    words: tuple[str, ...]
    """What stands as code in its meaning: of some, the values of a label."""


def described() -> dict[str, Described]:
    """Every metric of the page's tables, by the name of its samples."""
    metrics = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1].startswith("`"):
            for name in _code(cells[1]):
                assert name not in metrics, f"{name} stands twice in {PAGE}"
                metrics[name] = Described(cells[2], frozenset(_code(cells[3])), tuple(_code(cells[4])))
    return metrics


def rules() -> str:
    """The alerts, as a file of rules."""
    blocks: list[str] = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if block.startswith("groups:"))


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
