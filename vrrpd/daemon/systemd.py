"""The service manager: readiness, reload, status line and watchdog, as sd_notify(3) defines them.

Without a service manager ($NOTIFY_SOCKET unset) every call does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time

MICROSECONDS_PER_S = 1_000_000


def notify(*assignments: str) -> None:
    """Tell the service manager. An unreachable one is no reason to stop, so errors are passed over."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # an abstract socket's name begins with a zero octet
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
        end.setblocking(False)  # a service manager that does not read must not stop the supervisor
        end.sendto("\n".join(assignments).encode(errors="replace"), address)


def ready(status: str) -> None:
    """Started, or reloaded."""
    notify("READY=1", f"STATUS={status}", f"MAINPID={os.getpid()}")


def reloading() -> None:
    """A reload begins; `ready` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    """The service is on its way down."""
    notify("STOPPING=1", "STATUS=stopping")


def watchdog_interval_s() -> float | None:
    """How often the watchdog is to be fed: half of what the service manager allows; None without one."""
    timeout_us = os.environ.get("WATCHDOG_USEC", "")
    if not timeout_us.isdecimal() or int(timeout_us) == 0:
        return None
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(timeout_us) / MICROSECONDS_PER_S / 2


def feed_watchdog() -> None:
    """Still alive."""
    notify("WATCHDOG=1")
