"""Says at the end of a run how much was tried."""

from __future__ import annotations

import resource

import pytest

from tests.fuzz.loading import DATAGRAMS, TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each kind that was tried: how many, how fast, and the memory of the whole process."""
    if DATAGRAMS.count:
        rate = DATAGRAMS.count / DATAGRAMS.whole_s
        terminalreporter.write_line(f"fuzz: {DATAGRAMS.count:,} datagrams read, {rate:,.0f} a second")
    if not TALLY.cases:
        return
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    terminalreporter.write_line(
        f"fuzz: {TALLY.cases:,} configurations, at most {TALLY.longest_s:.3f} s for one, {peak_mib:.0f} MiB at most"
    )
