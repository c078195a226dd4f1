"""What the daemons of a test had to say is shown when it fails."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from netns_lab.namespaces import Lab

LOG_LINES_SHOWN = 60


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With the logs of each lab that a fixture of the test has."""
    report = yield
    if report.failed:
        values = getattr(item, "funcargs", {}).values()
        for lab in {getattr(getattr(value, "pair", value), "lab", None) for value in values}:
            if isinstance(lab, Lab):
                for log in sorted(lab.directory.glob("*/*.log")):
                    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
                    report.sections.append((f"end of {log.stem}'s log on {log.parent.name}", "\n".join(lines)))
    return report
