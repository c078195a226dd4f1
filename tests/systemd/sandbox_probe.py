"""Run in the service's sandbox instead of the daemon: try what it must be able to do there, and what it must not.

Prints one JSON object: for each attempt "done", or the name of the error.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ipvs.client import Client
from ipvs.settings import EXPIRE_NODEST_CONN, Settings
from vrrpd.kernel import scheduling

CLONE_NEWUSER = 0x10000000
ADDR_NO_RANDOMIZE = 0x0040000
KEYCTL_GET_KEYRING_ID = 0
IPPROTO_VRRP = 112
SO_MARK = 36
X86_64 = {"delete_module": 176, "keyctl": 250}
"""System calls without a wrapper in the C library that Debian's Python links to."""

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """A function of the C library. Raises OSError."""
    if getattr(_libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def ask_for(wish: Callable[[], scheduling.Outcome]) -> None:
    """A wish of the daemon for its place on the machine. Raises PermissionError."""
    if not wish().granted:
        raise PermissionError(errno.EPERM, "refused")


def use_socket(
    family: int, kind: int, protocol: int = 0, option: tuple[int, int, int | bytes] | None = None, port: int | None = None
) -> None:
    """Open a socket, set an option and bind it. Raises OSError."""
    with socket.socket(family, kind, protocol) as opened:
        if option is not None:
            opened.setsockopt(*option)
        if port is not None:
            opened.bind(("127.0.0.1", port))


def read_ipvs() -> None:
    """The first look at the table, which has the kernel load the module."""
    with Client() as client:
        client.table()


def make_set_uid() -> None:
    """In the one place where it may write."""
    path = Path(os.environ["RUNTIME_DIRECTORY"], "program")
    path.touch()
    path.chmod(0o4755)


def run_as_another_user() -> None:
    """As checks and notifications may ask for."""
    subprocess.run(["/bin/true"], user=1, group=1, extra_groups=[1], check=True)


NEEDED: dict[str, Callable[[], object]] = {
    "real-time priority": lambda: ask_for(lambda: scheduling.real_time_priority(20)),
    "nice value": lambda: ask_for(lambda: scheduling.nice(-10)),
    "locked memory": lambda: ask_for(scheduling.lock_memory),
    "VRRP socket": lambda: use_socket(
        socket.AF_INET, socket.SOCK_RAW, IPPROTO_VRRP, (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    ),
    "ARP socket": lambda: use_socket(socket.AF_PACKET, socket.SOCK_DGRAM),
    "marked socket": lambda: use_socket(socket.AF_INET, socket.SOCK_STREAM, 0, (socket.SOL_SOCKET, SO_MARK, 1)),
    "privileged port": lambda: use_socket(socket.AF_INET, socket.SOCK_STREAM, port=81),
    "IPVS and its module": read_ipvs,
    "setting of IPVS": lambda: Settings().set(EXPIRE_NODEST_CONN, True),
    "command as another user": run_as_another_user,
    "file in the run directory": lambda: Path(os.environ["RUNTIME_DIRECTORY"], "file").write_text("written"),
    "own configuration": lambda: Path("/etc/vrrpd/vrrpd.conf").read_text(),
    "keepalived's configuration": lambda: Path("/etc/keepalived/keepalived.conf").read_text(),
}
FORBIDDEN: dict[str, Callable[[], object]] = {
    "file in /etc": lambda: os.open("/etc/keepalived/keepalived.conf", os.O_WRONLY),
    "file in /var/lib": lambda: Path("/var/lib/probe").touch(),
    "kernel setting": lambda: Path("/proc/sys/kernel/panic").write_text("1"),
    "control group": lambda: Path("/sys/fs/cgroup/probe").mkdir(),
    "home directory": lambda: list(Path("/root").iterdir()),
    "others' processes": lambda: list(Path("/proc/1").iterdir()),
    "others' temporary files": lambda: Path("/tmp/seen-from-outside").stat(),  # noqa: S108  it lies in the guest's /tmp
    "kernel log": lambda: os.open("/dev/kmsg", os.O_RDONLY),
    "kernel memory": lambda: os.open("/dev/mem", os.O_RDONLY),
    "kernel modules": lambda: list(Path("/usr/lib/modules").iterdir()),
    "removal of a module": lambda: call("syscall", X86_64["delete_module"], b"ip_vs", os.O_NONBLOCK),
    "socket of another family": lambda: use_socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "namespace": lambda: call("unshare", CLONE_NEWUSER),
    "memory to write and execute": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "personality": lambda: call("personality", ADDR_NO_RANDOMIZE),
    "keyring": lambda: call("syscall", X86_64["keyctl"], KEYCTL_GET_KEYRING_ID, -1, 0),
    "set-user-id file": make_set_uid,
    "another user's file": lambda: os.chown(os.environ["RUNTIME_DIRECTORY"], 1, 1),
    "host name": lambda: socket.sethostname("probe"),
    "clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "restart of the machine": lambda: call("reboot", 0),
}


def outcome(attempt: Callable[[], object]) -> str:
    """What came of it."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def main() -> None:
    """Try everything, what is forbidden last."""
    parts = {"needed": NEEDED, "forbidden": FORBIDDEN}
    seen = {part: {name: outcome(attempt) for name, attempt in attempts.items()} for part, attempts in parts.items()}
    print(json.dumps(seen))  # noqa: T201  a program, and this is what it says


if __name__ == "__main__":
    main()
