"""A command on a lab's kernel: what is asked for, how it is watched, and how it ends.

Exit statuses are those of timeout(1): the command's own, 124 when the time was up, 125 when the kernel ended without
leaving one, and 128 plus the signal when the runner was told to stop.
"""

from __future__ import annotations

import ctypes
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

EXIT_TIMED_OUT = 124
EXIT_NO_STATUS = 125
EXIT_SIGNALLED = 128

STANDARD_INPUT = 0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
PR_SET_PDEATHSIG = 1
RELAY_OCTETS = 65_536
"""Octets moved at once: a pipe holds no more."""
BLOCKED_SINK_PAUSE_S = 0.01
"""Pause before trying again to write to a standard output that somebody has made non-blocking."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command to be run as root on a kernel with IPVS, in the caller's directory and environment."""

    command: Sequence[str]
    timeout_s: float | None = None
    """None waits for as long as the command runs."""
    writable: Sequence[Path] = ()
    """Existing directories in which what is written stays; all else is lost with a guest."""
    memory: str = "1G"
    """The guest's memory in the kernel's notation; the host gives it only as it is touched."""
    systemd: bool = False
    """The guest's first process is systemd, and the command one of its units."""
    terminal: bool = False
    """The command talks to the caller's terminal."""


def supervise(
    process: subprocess.Popen[bytes], timeout_s: float | None, relays: Mapping[int, int], kill: Callable[[], None]
) -> int | None:
    """Wait for the end of `process`, copying octets from the keys of `relays` to their values as they come.

    Returns None if the process ended by itself, else why `kill` was called, as an exit status. The process has been waited
    for, and everything that it wrote was relayed, when this returns.
    """
    killed_for: int | None = None

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal killed_for
        killed_for = killed_for or EXIT_SIGNALLED + number
        kill()

    previous = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    pidfd = os.pidfd_open(process.pid)
    try:
        if not _relay_until_end(pidfd, timeout_s, relays):
            killed_for = killed_for or EXIT_TIMED_OUT
            kill()
            _relay_until_end(pidfd, None, relays)
        process.wait()
        kill()  # processes that outlived the first one would hold the pipe open
        for source in (source for source, sink in relays.items() if sink == 1):
            while octets := _read(source):
                _write(1, octets)
    finally:
        os.close(pidfd)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return killed_for


def _relay_until_end(pidfd: int, timeout_s: float | None, relays: Mapping[int, int]) -> bool:
    """True when the process has ended, False when the time is up."""
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        for source, sink in relays.items():
            selector.register(source, selectors.EVENT_READ, sink)
        while True:
            left_s = None if deadline_s is None else deadline_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            for key, _ in selector.select(left_s):
                if key.fd == pidfd:
                    return True
                if octets := _read(key.fd):
                    _write(key.data, octets)
                    continue
                selector.unregister(key.fd)
                if key.fd == STANDARD_INPUT:  # the terminal is gone, and nobody can end the command any more
                    os.kill(os.getpid(), signal.SIGHUP)


def _read(source: int) -> bytes:
    try:
        return os.read(source, RELAY_OCTETS)
    except OSError:
        return b""  # EIO is how a terminal says that nobody holds its other end


def _write(sink: int, octets: bytes) -> None:
    """Write all of it; where nobody listens any more the command still runs on, for the sake of its exit status."""
    while octets:
        try:
            octets = octets[os.write(sink, octets) :]
        except BlockingIOError:
            time.sleep(BLOCKED_SINK_PAUSE_S)
        except OSError:
            return


def die_with_parent(number: signal.Signals) -> None:
    """In a child before exec: have the kernel send `number` when the parent ends, however it ends; leave no core."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
