"""Says at the end of a run how much was tried."""

from __future__ import annotations

import resource

import pytest

from tests.fuzz.loading import TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, if anything was tried: cases, longest case, memory of the whole process."""
    if not TALLY.cases:
        return
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    terminalreporter.write_line(
        f"fuzz: {TALLY.cases:,} configurations, at most {TALLY.longest_s:.3f} s for one, {peak_mib:.0f} MiB at most"
    )
