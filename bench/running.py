"""Run a program and say what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """A program that has ended."""

    exit_code: int
    """Negative for a signal."""
    output: str
    """What it printed, errors included."""
    elapsed_s: float
    processor_s: float
    """In user and kernel mode, its children included."""
    peak_mib: float
    """Most memory that it, or one of its children, had at a time; at least what the caller has, of which it is a copy first."""


def run(command: Sequence[str | os.PathLike[str]]) -> Run:
    """Run a program to its end."""
    with tempfile.TemporaryFile() as output:
        began_s = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed_s = time.monotonic() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped: nobody else is to wait for it
        output.seek(0)
        return Run(
            process.returncode,
            output.read().decode(errors="replace"),
            elapsed_s,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
        )
