"""A process's place on the machine: its turn at the processor, its memory, its name, and what happens when its parent dies.

Each function asks for one thing and says what became of it; none raises. A process without the right to what it asked for
runs all the same, and its log says in one line what it runs without.
"""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import dataclass

MCL_CURRENT = 1
MCL_FUTURE = 2
MCL_ONFAULT = 4
PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
NAME_OCTETS_MAX = 15
"""TASK_COMM_LEN less its terminator."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was asked for, and why it was refused if it was."""

    what: str
    refusal: str | None = None

    @property
    def granted(self) -> bool:
        """Whether it was granted."""
        return self.refusal is None

    def __str__(self) -> str:
        return self.what if self.refusal is None else f"no {self.what}: {self.refusal}"


def real_time_priority(priority: int) -> Outcome:
    """Run ahead of every process without real-time priority: SCHED_RR at `priority`, 1 to 99. Children do not inherit it."""
    what = f"real-time priority {priority}"
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError as error:
        return Outcome(what, _reason(error.errno, "needs CAP_SYS_NICE or a higher RLIMIT_RTPRIO"))
    return Outcome(what)


def nice(value: int) -> Outcome:
    """Run at nice `value`, -20 (first) to 19 (last)."""
    what = f"nice value {value}"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, value)
    except OSError as error:
        return Outcome(what, _reason(error.errno, "needs CAP_SYS_NICE or a higher RLIMIT_NICE"))
    return Outcome(what)


def lock_memory() -> Outcome:
    """Keep every page in memory once it has been touched.

    Without MCL_ONFAULT all that is mapped would be read in at once, and each thread's stack and arena with it.
    """
    what = "locked memory"
    if _libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        return Outcome(what, _reason(ctypes.get_errno(), "needs CAP_IPC_LOCK or a higher RLIMIT_MEMLOCK"))
    return Outcome(what)


def die_with_parent(parent_pid: int, signal_number: signal.Signals = signal.SIGTERM) -> Outcome:
    """Be sent `signal_number` when the parent dies.

    A parent that died before this call sends nothing any more, so the caller passes the process id that its parent had at the
    fork, and ends itself where this is refused.
    """
    what = "signal on the parent's death"
    if _libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0):
        return Outcome(what, _reason(ctypes.get_errno(), "prctl(2)"))
    if os.getppid() != parent_pid:
        return Outcome(what, f"the parent, process {parent_pid}, is gone")
    return Outcome(what)


def name_process(name: str) -> Outcome:
    """Be called `name` by ps and top; longer names are cut to NAME_OCTETS_MAX octets."""
    what = f"process name {name!r}"
    if _libc.prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()[:NAME_OCTETS_MAX]), 0, 0, 0):
        return Outcome(what, _reason(ctypes.get_errno(), "prctl(2)"))
    return Outcome(what)


def _reason(error_number: int | None, needs: str) -> str:
    return f"{os.strerror(error_number or 0)} ({needs})"
