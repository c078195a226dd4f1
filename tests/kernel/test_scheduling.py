"""What a process asks of the scheduler, tried by children of the test so that the test itself stays as it was."""

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

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks for what only root is granted")


def in_a_child(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run([sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.strip()


@needs_root
def test_what_is_granted_is_in_force() -> None:
    printed = in_a_child(
        "outcomes = [scheduling.real_time_priority(5), scheduling.nice(-3), scheduling.lock_memory(), "
        "scheduling.name_process('vrrpd: router'), scheduling.die_with_parent(os.getppid())]; "
        "print(*outcomes, sep=', '); "
        "print(all(o.granted for o in outcomes), os.sched_getscheduler(0) == os.SCHED_RR | os.SCHED_RESET_ON_FORK, "
        "os.sched_getparam(0).sched_priority, os.getpriority(os.PRIO_PROCESS, 0), open('/proc/self/comm').read().strip()); "
        "locked = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmLck')]; print(int(*locked) > 0)"
    )
    assert printed.splitlines() == [
        "real-time priority 5, nice value -3, locked memory, process name 'vrrpd: router', signal on the parent's death",
        "True True 5 -3 vrrpd: router",
        "True",
    ]


@needs_root
def test_without_rights_each_refusal_says_why_and_none_raises() -> None:
    printed = in_a_child(
        "import resource; "
        "[resource.setrlimit(limit, (0, 0)) for limit in "
        "(resource.RLIMIT_MEMLOCK, resource.RLIMIT_RTPRIO, resource.RLIMIT_NICE)]; os.setuid(65534); "
        "print(scheduling.real_time_priority(5), scheduling.nice(-3), scheduling.lock_memory(), sep='\\n')"
    )
    assert printed.splitlines() == [
        "no real-time priority 5: Operation not permitted (needs CAP_SYS_NICE or a higher RLIMIT_RTPRIO)",
        "no nice value -3: Permission denied (needs CAP_SYS_NICE or a higher RLIMIT_NICE)",
        "no locked memory: Operation not permitted (needs CAP_IPC_LOCK or a higher RLIMIT_MEMLOCK)",
    ]


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
