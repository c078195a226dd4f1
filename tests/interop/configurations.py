"""The corpus: short configurations, sound and broken, in a folder for each block of the language.

A mistake is marked where it stands by a remark that ends in `# wrong`, or by `# wrong above` on the next line where the line
itself can hold no remark. All other files are meant to be sound.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vrrpd.config import Loaded, load

CORPUS = Path(__file__).parent / "corpus"
DIFFERENCES = Path(__file__).parent / "differences.toml"
CONFIG_ID = "director1"
"""What `@ID` lines of the corpus are compared with."""
CLEAN, ERRORS, CRASH = "clean", "errors", "crash"


def names() -> list[str]:
    """Every configuration of the corpus, as `folder/name.conf`."""
    return sorted(str(path.relative_to(CORPUS)) for path in CORPUS.rglob("*.conf"))


@dataclass(frozen=True)
class Difference:
    """A configuration of which keepalived and vrrpd think differently."""

    file: str
    theirs: str
    ours: str
    reason: str


@cache
def differences() -> dict[str, Difference]:
    """The known differences, by file."""
    rows = [Difference(**row) for row in tomllib.loads(DIFFERENCES.read_text())["difference"]]
    assert len({row.file for row in rows}) == len(rows), "a file has two rows"
    return {row.file: row for row in rows}


@cache
def loaded(name: str) -> Loaded:
    """What vrrpd makes of a configuration of the corpus."""
    return load(str(CORPUS / name), config_id=CONFIG_ID)


def mistakes(path: Path) -> set[int]:
    """Numbers of the lines that are marked as wrong."""
    lines = path.read_bytes().split(b"\n")
    here = {number for number, line in enumerate(lines, 1) if line.endswith(b"# wrong")}
    return here | {number - 1 for number, line in enumerate(lines, 1) if line.endswith(b"# wrong above")}
