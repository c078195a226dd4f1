"""Loads whatever it is given, minds the time that takes, and counts."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.interop.configurations import CORPUS
from vrrpd.config import Loaded, load, render

CASE_S = 10.0
"""One case of a few kilobytes may take this long, on a machine that is busy with other things; it takes milliseconds."""


@dataclass
class Tally:
    """What was done in this run."""

    cases: int = 0
    longest_s: float = 0.0


TALLY = Tally()


@dataclass
class Readings:
    """Datagrams that were read in this run."""

    count: int = 0
    whole_s: float = 0.0

    def took(self, count: int, whole_s: float) -> None:
        """So many more were read in this time."""
        self.count += count
        self.whole_s += whole_s


DATAGRAMS = Readings()


class Folder:
    """A folder with the files that the corpus includes, and one configuration that is written anew for each case."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "case.conf"
        shutil.copytree(CORPUS / "include" / "parts", folder / "parts")

    def load(self, contents: bytes) -> Loaded:
        """Load a configuration, and look at every message as somebody would who shows it."""
        self.path.write_bytes(contents)
        began_s = time.monotonic()
        with alarm(CASE_S):
            loaded = load(str(self.path), config_id="director1")
            for one in loaded.diagnostics:
                render(one, colour=True).encode()
        TALLY.cases += 1
        TALLY.longest_s = max(TALLY.longest_s, time.monotonic() - began_s)
        return loaded


@contextmanager
def alarm(timeout_s: float) -> Iterator[None]:
    """Raise TimeoutError in what does not end in time, so that a hang is a failure like any other."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {timeout_s} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
