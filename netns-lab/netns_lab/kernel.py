"""Choose the kernel that a lab runs on, without being asked.

IPVS in network namespaces is what a lab needs. The host's own kernel is taken if it has that and the caller is root; else
user-mode Linux, a kernel that runs as an ordinary process, from Debian's package `user-mode-linux`.
"""

from __future__ import annotations

from collections.abc import Callable

from netns_lab import host_kernel, user_mode_linux
from netns_lab.job import Job


class NoKernelError(Exception):
    """No kernel with IPVS is at hand; the text names the remedy."""


def choose(*, systemd: bool) -> Callable[[Job], int]:
    """The runner for a job; only a guest can have a systemd of its own.

    Raises NoKernelError.
    """
    if not systemd and host_kernel.has_ipvs():
        return host_kernel.run
    if user_mode_linux.is_installed():
        return user_mode_linux.run
    reason = "systemd needs a guest of its own" if systemd else "this kernel has no IPVS, or this user may not use it"
    raise NoKernelError(f"{reason}, and there is no user-mode Linux: apt-get install {user_mode_linux.PACKAGE}")


def run(job: Job) -> int:
    """Run a job on the kernel that is at hand; the exit status is as :mod:`netns_lab.job` says.

    Raises NoKernelError.
    """
    return choose(systemd=job.systemd)(job)
