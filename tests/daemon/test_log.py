"""Log lines: how many, how they are marked for the journal, and where they go."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vrrpd.daemon import log as module
from vrrpd.daemon.log import LINES_BURST_MAX, LINES_PER_S_MAX, ChildHandler, LineLimit, replace_handlers


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def record(text: str = "a line", *values: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("vrrpd", level, __file__, 1, text, values, None)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, with its handlers put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


# ---- the limit


def passed(limit: LineLimit, lines: int) -> int:
    return sum(bool(limit.filter(record())) for _ in range(lines))


def test_a_burst_passes_and_no_more() -> None:
    assert passed(LineLimit(Clock()), LINES_BURST_MAX + 500) == LINES_BURST_MAX


def test_after_a_burst_lines_pass_at_the_lasting_rate() -> None:
    clock = Clock()
    limit = LineLimit(clock)
    passed(limit, LINES_BURST_MAX)
    for _second in range(10):
        clock.now_s += 1.0
        assert passed(limit, 5 * LINES_PER_S_MAX) == LINES_PER_S_MAX


def test_rest_restores_one_burst_and_never_two() -> None:
    clock = Clock()
    limit = LineLimit(clock)
    passed(limit, LINES_BURST_MAX)
    clock.now_s += 1_000_000.0
    assert passed(limit, 3 * LINES_BURST_MAX) == LINES_BURST_MAX


def test_the_next_line_tells_how_many_were_dropped_before_it() -> None:
    clock = Clock()
    limit = LineLimit(clock)
    passed(limit, LINES_BURST_MAX + 7)
    clock.now_s += 1.0
    first, second = record("%s is %d%% full", "eth0", 50), record("next")
    assert limit.filter(first)
    assert limit.filter(second)
    assert first.getMessage() == "eth0 is 50% full (7 lines before this one were dropped)"
    assert second.getMessage() == "next"


# ---- what a line looks like


@pytest.mark.parametrize(("level", "prefix"), [(10, "<7>"), (20, "<6>"), (30, "<4>"), (40, "<3>"), (50, "<2>"), (25, "<6>")])
def test_the_journal_is_told_the_priority_of_every_line(level: int, prefix: str) -> None:
    text = module._JournalFormatter().format(record("one\ntwo %s", "three", level=level))
    assert text.split("\n") == [f"{prefix}one", f"{prefix}two three"]


def test_the_journal_gets_the_traceback_too() -> None:
    try:
        int("broken")
    except ValueError:
        fault = logging.LogRecord("vrrpd", logging.ERROR, __file__, 1, "fault", (), sys.exc_info())
    lines = module._JournalFormatter().format(fault).split("\n")
    assert lines[0] == "<3>fault"
    assert lines[-1] == "<3>ValueError: invalid literal for int() with base 10: 'broken'"


def test_a_childs_lines_become_calls_with_their_level_and_traceback(root: logging.Logger) -> None:
    lines: list[tuple[int, str]] = []
    replace_handlers(ChildHandler(lambda level, text: lines.append((level, text))), logging.INFO)
    root.info("%s is up", "eth0")
    root.debug("too much detail")
    try:
        int("broken")
    except ValueError:
        root.exception("fault")
    assert lines[0] == (logging.INFO, "eth0 is up")
    assert len(lines) == 2
    assert lines[1][0] == logging.ERROR
    assert lines[1][1].startswith("fault\nTraceback")
    assert lines[1][1].endswith("ValueError: invalid literal for int() with base 10: 'broken'")


def test_the_handler_given_is_the_only_one(root: logging.Logger) -> None:
    only = logging.NullHandler()
    replace_handlers(only, logging.WARNING)
    assert root.handlers == [only]
    assert root.level == logging.WARNING


# ---- where lines go

LOG_ONE_LINE = "import logging; from vrrpd.daemon import log; {setup}; log.configure(console={console}, detail={detail}); "
LOG_ONE_LINE += "logging.debug('detail'); logging.warning('the line')"


def logged(console: bool = False, detail: bool = False, syslog: Path | None = None, journal: bool = False) -> list[str]:
    """What a process of its own writes to standard error."""
    setup = f"log.SYSLOG_SOCKET = {str(syslog)!r}" if syslog else "log.SYSLOG_SOCKET = '/nonexistent'"
    code = LOG_ONE_LINE.format(console=console, detail=detail, setup=setup)
    reading, writing = os.pipe()
    with os.fdopen(reading) as output:
        pipe = os.fstat(writing)
        environment = dict(os.environ, JOURNAL_STREAM=f"{pipe.st_dev}:{pipe.st_ino + (not journal)}")
        subprocess.run([sys.executable, "-c", code], stderr=writing, env=environment, timeout=60, check=True)
        os.close(writing)
        return output.read().splitlines()


def test_standard_error_that_is_the_journals_gets_prefixes_and_no_time(tmp_path: Path) -> None:
    assert logged(journal=True, console=True, detail=True, syslog=tmp_path) == ["<7>detail", "<4>the line"]


def test_the_console_gets_the_time_where_the_journal_is_another_stream() -> None:
    (line,) = logged(console=True)
    assert line.endswith(": the line")
    assert line[:4].isdecimal()


def test_without_a_syslog_the_console_is_better_than_nothing() -> None:
    (line,) = logged()
    assert line.endswith(": the line")


def test_syslog_gets_the_line_with_name_and_process_id(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(path))
        syslog.settimeout(10)
        assert logged(syslog=path) == []
        text = syslog.recv(1000).decode()
    facility_daemon, severity_warning = 3, 4
    assert text.startswith(f"<{facility_daemon * 8 + severity_warning}>vrrpd[")
    assert text.rstrip("\0").endswith("]: the line")
