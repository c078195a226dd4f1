"""Processes, found by parentage and by network namespace in proc(5), and their end.

Read from files and not asked of ps(1) or ip(8), because starting a process is slow in a guest.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from netns_lab.waiting import wait_for

KILL_TIMEOUT_S = 5.0
"""A process that got SIGKILL is gone as soon as it may run; longer than this it hangs in the kernel."""


def is_alive(pid: int) -> bool:
    """True if the process exists and is more than a zombie."""
    return (stat := _stat(pid)) is not None and stat[0] != "Z"


def tree(root: int) -> list[int]:
    """`root` and all its living descendants, parents before children."""
    children: dict[int, list[int]] = {}
    for pid in _all():
        if (stat := _stat(pid)) is not None and stat[0] != "Z":
            children.setdefault(int(stat[1]), []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def in_network_namespaces(inodes: Collection[int]) -> list[int]:
    """All living processes whose network namespace is one of these."""
    found = []
    for pid in _all():
        with contextlib.suppress(OSError):  # it ended meanwhile, or is a zombie, which has no namespaces
            if Path(f"/proc/{pid}/ns/net").stat().st_ino in inodes:
                found.append(pid)
    return found


def crash(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants as if at once, and reap it.

    The first process is stopped before its children are killed, so that it cannot say goodbye for them; and children go
    before their parent, so that no signal at a parent's death (PR_SET_PDEATHSIG) lets them leave in good order.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)
    _, *descendants = tree(process.pid)
    for pid in reversed(descendants):
        _kill(pid)
    process.kill()
    process.wait(KILL_TIMEOUT_S)
    _wait_until_gone(descendants)


def kill_all(pids: Collection[int]) -> None:
    """Kill processes and wait until they are gone; children of the caller are left to be reaped by it."""
    for pid in pids:
        _kill(pid)
    _wait_until_gone(pids)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _wait_until_gone(pids: Collection[int]) -> None:
    wait_for(lambda: not any(is_alive(pid) for pid in pids), KILL_TIMEOUT_S, f"the end of processes {sorted(pids)}")


def _all() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def _stat(pid: int) -> list[str] | None:
    """State, parent and so on: the fields after the name, which may hold anything but ends with the last parenthesis."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(") ")[2].split()
