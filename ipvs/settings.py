"""The kernel's settings for IPVS: net.ipv4.vs.* of one network namespace (Documentation/networking/ipvs-sysctl.rst).

    settings = Settings()
    settings.set(EXPIRE_NODEST_CONN, True)
    ...
    settings.restore()

They are there as soon as the module ip_vs is loaded, which any use of `ipvs.client.Client` brings about.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ipvs.errors import IpvsError
from ipvs.namespaces import in_namespace

T = TypeVar("T")

FOLDER = Path("/proc/sys/net/ipv4/vs")

REMEDIES = {
    errno.EROFS: "/proc/sys is read-only here (ProtectKernelTunables= of systemd, or a container): set it outside",
    errno.EACCES: "run as root, or in a namespace of your own",
    errno.EPERM: "run as root and give CAP_NET_ADMIN",
    errno.ENOENT: "the module ip_vs is not loaded (`modprobe ip_vs`), or this kernel does not have the setting",
    errno.EINVAL: "the kernel does not take this value",
}


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One setting: its name, and its value as text, both ways. `parse` raises ValueError."""

    name: str
    parse: Callable[[str], T]
    write: Callable[[T], str]

    def __str__(self) -> str:
        return f"net.ipv4.vs.{self.name}"


class SettingError(IpvsError):
    """A setting cannot be read or set. `errno` is the kernel's number; 0 for a value that is none."""

    def __init__(self, setting: str, attempt: str, code: int, kernel_text: str) -> None:
        self.setting = setting
        self.errno = code
        reason = f"{kernel_text} ({errno.errorcode[code]})" if code in errno.errorcode else kernel_text
        remedy = REMEDIES.get(code)
        super().__init__(f"cannot {attempt} net.ipv4.vs.{setting}: {reason}" + (f"; {remedy}" if remedy else ""))


def _flag(text: str) -> bool:
    return int(text) != 0


def _pair(text: str) -> tuple[int, int]:
    first, second = text.split()
    return int(first), int(second)


def flag(name: str) -> Setting[bool]:
    """A setting that is on or off."""
    return Setting(name, _flag, lambda value: str(int(value)))


def number(name: str) -> Setting[int]:
    """A setting that is a number."""
    return Setting(name, int, str)


EXPIRE_NODEST_CONN = flag("expire_nodest_conn")
"""Forget a connection at once when its server has been deleted; else its packets are dropped until it times out."""
EXPIRE_QUIESCENT_TEMPLATE = flag("expire_quiescent_template")
"""A persistent client of a server of weight 0 gets another one."""
CONN_REUSE_MODE = number("conn_reuse_mode")
"""A new connection from a port that is remembered: 0 goes to the old server, 1 is scheduled anew, 2 only after a FIN."""
SLOPPY_TCP = flag("sloppy_tcp")
"""A TCP packet without SYN may begin a connection: a director that takes over knows none."""
SLOPPY_SCTP = flag("sloppy_sctp")
"""The same for SCTP."""
CONNTRACK = flag("conntrack")
"""Keep the packet filter's connection tracking for balanced connections."""
SNAT_REROUTE = flag("snat_reroute")
"""Route answers again by the service's address (NAT)."""
SCHEDULE_ICMP = flag("schedule_icmp")
"""Balance ICMP errors, too, of which no connection is known."""
IGNORE_TUNNELED = flag("ignore_tunneled")
"""Do not balance what comes through an IPIP tunnel."""
NAT_ICMP_SEND = flag("nat_icmp_send")
"""Tell a server of the network's ICMP errors (NAT)."""
PMTU_DISC = flag("pmtu_disc")
"""Honour the path's MTU: answer what is too long in place of fragmenting it (TUN)."""
BACKUP_ONLY = flag("backup_only")
"""A synchronisation backup that is also a server balances nothing, which keeps packets from going in circles."""
CACHE_BYPASS = flag("cache_bypass")
"""Without a server send packets where they were going."""
DROP_ENTRY = number("drop_entry")
"""Defence when memory is short: drop connection entries; 0 never, 1 as needed, 3 always."""
DROP_PACKET = number("drop_packet")
"""The same for packets."""
SECURE_TCP = number("secure_tcp")
"""The same with a stricter TCP."""
SYNC_THRESHOLD: Setting[tuple[int, int]] = Setting("sync_threshold", _pair, lambda pair: f"{pair[0]} {pair[1]}")
"""Packets before a connection is synchronised first, and between two times."""
SYNC_REFRESH_PERIOD = number("sync_refresh_period")
"""Seconds between two times that a connection is synchronised; 0 goes by packets alone."""
SYNC_VERSION = number("sync_version")
"""Of the messages between directors: 1, and 0 before Linux 2.6.39."""
RUN_ESTIMATION = flag("run_estimation")
"""Keep the rates up to date; without it they and the totals stand still."""

KNOWN: tuple[Setting[bool] | Setting[int] | Setting[tuple[int, int]], ...] = (
    *(EXPIRE_NODEST_CONN, EXPIRE_QUIESCENT_TEMPLATE, CONN_REUSE_MODE, SLOPPY_TCP, SLOPPY_SCTP, CONNTRACK, SNAT_REROUTE),
    *(SCHEDULE_ICMP, IGNORE_TUNNELED, NAT_ICMP_SEND, PMTU_DISC, BACKUP_ONLY, CACHE_BYPASS, DROP_ENTRY, DROP_PACKET),
    *(SECURE_TCP, SYNC_THRESHOLD, SYNC_REFRESH_PERIOD, SYNC_VERSION, RUN_ESTIMATION),
)


class Settings:
    """The settings of one network namespace: a name of `ip netns`, a path, or None for the caller's own.

    It remembers what each setting was before it was first set here, so that `restore` can undo it.
    """

    def __init__(self, namespace: str | None = None, folder: Path = FOLDER) -> None:
        self._namespace = namespace
        self._folder = folder
        self._before: dict[str, str] = {}

    def read(self, setting: Setting[T]) -> T:
        """What a setting is now. Raises SettingError, NamespaceError."""
        text = self._read(setting.name)
        try:
            return setting.parse(text)
        except ValueError:
            raise SettingError(setting.name, "read", 0, f"{text!r} is no such value") from None

    def set(self, setting: Setting[T], value: T) -> None:
        """Change a setting; one that has the value already is not written. Raises SettingError, NamespaceError."""
        before, wanted = self._read(setting.name), setting.write(value)
        if before.split() == wanted.split():
            return
        self._write(setting.name, wanted)
        self._before.setdefault(setting.name, before)

    def restore(self) -> list[SettingError]:
        """Give every setting that was set here its former value, and return what could not be done; that is tried again by the
        next call. Raises NamespaceError.
        """
        return list(self._restore())

    def _restore(self) -> Iterator[SettingError]:
        for name, before in list(self._before.items()):
            try:
                self._write(name, before)
            except SettingError as error:
                yield error
            else:
                del self._before[name]

    def _read(self, name: str) -> str:
        try:
            return in_namespace(self._namespace, (self._folder / name).read_text).strip()
        except OSError as error:
            raise SettingError(name, "read", error.errno or 0, error.strerror or "") from error

    def _write(self, name: str, text: str) -> None:
        def write() -> None:
            with open(self._folder / name, "r+", encoding="ascii") as file:  # never makes a file where there is none
                file.write(f"{text}\n")

        try:
            in_namespace(self._namespace, write)
        except OSError as error:
            raise SettingError(name, f"set to {text!r} the setting", error.errno or 0, error.strerror or "") from error
