"""What root is granted and others are refused, in children of the test so that the test itself stays as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.kernel

PREAMBLE = "import os; from vrrpd.kernel import scheduling; "


def in_a_child(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run([sys.executable, "-c", PREAMBLE + code], capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.strip()


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
