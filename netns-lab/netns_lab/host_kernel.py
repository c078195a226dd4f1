"""Run a job on the host's own kernel, where it has IPVS, without touching the host's network.

The job gets mount, network and process namespaces of its own. When its first process ends, or the runner does, the kernel
kills all that is left in them, and with the last of them the namespaces go.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from netns_lab.job import Job, die_with_parent, supervise

FIRST_PROCESS = 'mount -t tmpfs run /run && ip link set lo up || exit 125; "$@"; exit $?'
"""`/run` is new, because ip-netns(8) and daemons keep their names and process ids there. The shell stays as the parent of
orphans: one that nobody waits for looks alive, for example to a keepalived that finds its process id in a file."""

PROC_IPVS = Path("/proc/net/ip_vs")


def has_ipvs() -> bool:
    """True if this process may use IPVS here; loads the module where it is installed but not loaded."""
    if os.geteuid() != 0:
        return False
    if not PROC_IPVS.exists() and shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "ip_vs"], check=False, stderr=subprocess.DEVNULL)
    return PROC_IPVS.exists()


def run(job: Job) -> int:
    """Run the job and return its exit status, as :mod:`netns_lab.job` says.

    The command sees the host's files themselves, so `writable` and `memory` have nothing to restrict.
    """
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    process = subprocess.Popen(
        [*namespaces, "sh", "-c", FIRST_PROCESS, "sh", *job.command],
        start_new_session=not job.terminal,
        preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  no other thread runs in the runner
    )
    killed_for = supervise(process, job.timeout_s, {}, process.kill)
    if killed_for is not None:
        return killed_for
    status = process.returncode
    return status if status >= 0 else 128 - status
