"""What a process asks for: of a C library that grants or refuses all, and in children so that the test stays as it was."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from unittest import mock

import pytest

from vrrpd.kernel import scheduling

PREAMBLE = "import os, signal, sys; from vrrpd.kernel import scheduling; "


def in_a_child(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run([sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.strip()


def test_a_child_is_signalled_when_its_parent_dies() -> None:
    """A parent starts a child, waits until that has asked, and dies. `run` returns when the child's stderr is closed too."""
    grandchild = PREAMBLE + "print(scheduling.die_with_parent(os.getppid(), signal.SIGKILL), flush=True); signal.pause()"
    parent = (
        "import subprocess, sys, os; "
        f"child = subprocess.Popen([sys.executable, '-c', {grandchild!r}], stdout=subprocess.PIPE); "
        "line = child.stdout.readline(); sys.stdout.buffer.write(line); sys.stdout.flush(); "
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    run = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, "signal on the parent's death\n")


def test_a_long_name_is_cut() -> None:
    assert in_a_child("scheduling.name_process('v' * 40); print(open('/proc/self/comm').read().strip())") == "v" * 15


def libc(monkeypatch: pytest.MonkeyPatch, *, refuse: bool) -> mock.Mock:
    """A C library that grants or refuses all, and the calls that it got."""
    calls = mock.Mock()
    calls.prctl.return_value = calls.mlockall.return_value = -1 if refuse else 0
    monkeypatch.setattr(scheduling, "_libc", calls)
    monkeypatch.setattr("ctypes.get_errno", lambda: errno.EINVAL)
    for function in ("sched_setscheduler", "setpriority"):
        side_effect = OSError(errno.EINVAL, "refused") if refuse else None
        monkeypatch.setattr(os, function, mock.Mock(side_effect=side_effect))
    return calls


ASKED: dict[str, Callable[[], scheduling.Outcome]] = {
    "real-time priority 100": lambda: scheduling.real_time_priority(100),
    "nice value -21": lambda: scheduling.nice(-21),
    "locked memory": scheduling.lock_memory,
    "signal on the parent's death": lambda: scheduling.die_with_parent(os.getppid()),
    "process name 'x'": lambda: scheduling.name_process("x"),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_grant_and_a_refusal_are_told(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    libc(monkeypatch, refuse=False)
    outcome = ASKED[what]()
    assert (outcome.granted, str(outcome)) == (True, what)

    libc(monkeypatch, refuse=True)
    outcome = ASKED[what]()
    assert not outcome.granted
    assert str(outcome).startswith(f"no {what}: Invalid argument (")


def test_the_kernel_is_asked_with_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = libc(monkeypatch, refuse=False)
    scheduling.lock_memory()
    scheduling.die_with_parent(os.getppid(), signal.SIGKILL)
    calls.mlockall.assert_called_once_with(1 | 2 | 4)
    calls.prctl.assert_called_once_with(1, 9, 0, 0, 0)


def test_a_parent_that_died_before_is_no_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    libc(monkeypatch, refuse=False)
    assert str(scheduling.die_with_parent(1 << 30)).endswith(f"the parent, process {1 << 30}, is gone")
