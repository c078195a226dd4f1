"""docs/architecture.md and the pages it sends to name every module of every room, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, first_cells, section

DOCS = ROOT / "docs"
MAP = DOCS / "architecture.md"
PAGES = {
    "ipvs": ("ipvs.md", "## The way of the data"),
    "healthcheck": ("healthcheck.md", "## Modules"),
    "vrrpd/protocol": ("protocol.md", "## Modules"),
    "vrrpd/kernel": ("kernel.md", "## Modules"),
    "vrrpd/simulation": ("simulation.md", "## How it is built"),
}
"""Rooms of which another page than the map tells, and where on it."""
FOLDERS = {"vrrpd/simulation": {"checkers/"}}
"""What of a room is a folder on its page."""


def rooms() -> list[str]:
    """Every package that has modules, but for folders within a room."""
    found = {path.parent.relative_to(ROOT) for top in ("vrrpd", "ipvs", "healthcheck") for path in (ROOT / top).glob("**/*.py")}
    return sorted(str(room) for room in found if len(room.parts) <= 2 and room != Path("vrrpd"))


@pytest.mark.parametrize("room", rooms())
def test_every_module_is_told_of(room: str) -> None:
    name, heading = PAGES.get(room, ("architecture.md", f"### `{room}/`"))
    told = first_cells(section(DOCS / name, heading))
    assert len(told) == len(set(told)), "a module is told of twice"
    there = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__", "__main__"}
    assert set(told) - FOLDERS.get(room, set()) == there


def test_every_room_is_on_the_map() -> None:
    on_it = {name.rstrip("/") for name in first_cells(section(MAP, "## The rooms").split("\n### ")[0]) if name.endswith("/")}
    others = {"systemd", "bench", "netns-lab", "examples", "tests"}
    assert on_it == set(rooms()) | others
    assert all((ROOT / room).is_dir() for room in others)
