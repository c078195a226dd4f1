"""Where log lines go: the console, the journal, or syslog; and how the children's lines get there.

Only the supervisor writes. Its children hand their lines up the channel, so that a full pipe or a slow disk under the log
never holds up an advert.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import time
from collections.abc import Callable

SYSLOG_SOCKET = "/dev/log"
LINES_BURST_MAX = 2_000
"""Lines let through at once: a broken configuration's worth of diagnostics, or all servers of a site going down."""
LINES_PER_S_MAX = 100
"""Lines per second in the long run; more than that nobody reads and the journal throttles anyway."""
JOURNAL_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class LineLimit(logging.Filter):
    """A token bucket: what is over the rate is dropped, and the next line let through tells how many were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._tokens = float(LINES_BURST_MAX)
        self._filled_s = clock()
        self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = self._clock()
        self._tokens = min(LINES_BURST_MAX, self._tokens + (now_s - self._filled_s) * LINES_PER_S_MAX)
        self._filled_s = now_s
        if self._tokens < 1:
            self._dropped += 1
            return False
        self._tokens -= 1
        if self._dropped:
            record.msg = f"{record.getMessage()} ({self._dropped} lines before this one were dropped)"
            record.args = ()
            self._dropped = 0
        return True


class _JournalFormatter(logging.Formatter):
    """The priority as sd-daemon(3) wants it at the head of each line; the journal adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{JOURNAL_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


class ChildHandler(logging.Handler):
    """In a child: each record becomes a call of `send(level, text)`, which must not block."""

    def __init__(self, send: Callable[[int, str], object]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(record.levelno, self.format(record))


def to_journal() -> bool:
    """Whether standard error is connected to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    device_inode = os.environ.get("JOURNAL_STREAM", "").split(":")
    status = os.fstat(sys.stderr.fileno())
    return device_inode == [str(status.st_dev), str(status.st_ino)]


def configure(*, console: bool, detail: bool) -> None:
    """Set up the supervisor's log: the journal where it listens, else the console if asked for, else syslog."""
    handler: logging.Handler
    if to_journal():
        handler = logging.StreamHandler()
        handler.setFormatter(_JournalFormatter())
    elif console or not os.path.exists(SYSLOG_SOCKET):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d: %(message)s", "%Y-%m-%d %H:%M:%S"))
    else:
        handler = logging.handlers.SysLogHandler(SYSLOG_SOCKET, logging.handlers.SysLogHandler.LOG_DAEMON)
        handler.setFormatter(logging.Formatter(f"vrrpd[{os.getpid()}]: %(message)s"))
    handler.addFilter(LineLimit())
    replace_handlers(handler, logging.DEBUG if detail else logging.INFO)


def replace_handlers(handler: logging.Handler, level: int) -> None:
    """Make `handler` the only one."""
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
