"""The run directory: pid files, the ledger, and what of the kernel's tables is ours.

Everything here is lost at a reboot, as are the tables it speaks of.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ipvs.types import DestinationKey, MarkKey, Protocol, RowKey, ServiceKey
from vrrpd.balancer.services import destinations_of, services_of
from vrrpd.config.model import Config, VirtualAddress


class AlreadyRunningError(Exception):
    """Another daemon holds the pid file's lock."""


class PidFile:
    """A file with this process's id, locked as long as the process lives.

    The lock, not the number, says that the daemon runs: a file left behind by a crash, or by another process that happens
    to have the same number in its container, is no obstacle.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise AlreadyRunningError(
                f"vrrpd is already running with process id {other} (it holds {path}); stop it first, "
                "or give this one a run directory of its own with --run-dir"
            ) from None
        self.write(os.getpid())

    def write(self, process_id: int) -> None:
        """Replace the number."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{process_id}\n".encode(), 0)

    def remove(self) -> None:
        """Remove the file and give up the lock."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)


def write_pid_file(path: Path, process_id: int | None) -> None:
    """A child's pid file, for tools that look for one; it carries no lock. None removes it."""
    with contextlib.suppress(OSError):
        if process_id is None:
            path.unlink()
        else:
            path.write_text(f"{process_id}\n")


@dataclass(frozen=True, slots=True)
class Ownership:
    """What this daemon may have put into the kernel, so that a later run knows its own."""

    addresses: tuple[VirtualAddress, ...] = ()
    rows: tuple[tuple[RowKey, tuple[DestinationKey, ...]], ...] = ()

    @classmethod
    def of(cls, config: Config) -> Ownership:
        """Everything a configuration can put into the kernel."""
        addresses = [
            address for router in config.virtual_routers for address in (*router.addresses, *router.excluded_addresses)
        ]
        groups = {group.name: group for group in config.virtual_server_groups}
        rows = [
            (service, destinations_of(server, service))
            for server in config.virtual_servers
            for service in services_of(server.key, groups)
        ]
        return cls(tuple(addresses), tuple(rows))

    def __add__(self, other: Ownership) -> Ownership:
        """What either owns; a service that both own has the destinations of both."""
        rows: dict[RowKey, dict[DestinationKey, None]] = {}
        for service, destinations in self.rows + other.rows:
            rows.setdefault(service, {}).update(dict.fromkeys(destinations))
        addresses = dict.fromkeys(self.addresses + other.addresses)
        return Ownership(tuple(addresses), tuple((service, tuple(destinations)) for service, destinations in rows.items()))


class OwnershipFile:
    """Ownership on disk. A missing or damaged file means that nothing is known, which is safe: what is not known as ours
    is left alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Ownership | None = None

    def read(self) -> Ownership:
        """What the last run noted."""
        try:
            return _decode(json.loads(self._path.read_text()))
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return Ownership()

    def write(self, ownership: Ownership) -> None:
        """Replace the note as a whole, unless it says so already. Raises OSError."""
        if ownership == self._written:
            return
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(_encode(ownership)))
        new.replace(self._path)
        self._written = ownership


def _encode(ownership: Ownership) -> dict[str, Any]:
    return {
        "addresses": [[str(a.address), a.prefix_length, a.interface] for a in ownership.addresses],
        "rows": [
            [*_encode_key(service), [[str(d.address), d.port] for d in destinations]]
            for service, destinations in ownership.rows
        ],
    }


def _decode(note: dict[str, Any]) -> Ownership:
    return Ownership(
        tuple(
            VirtualAddress(ip_address(address), int(length), str(interface)) for address, length, interface in note["addresses"]
        ),
        tuple(
            (
                _decode_key(protocol, address, port),
                tuple(DestinationKey(ip_address(a), int(p)) for a, p in destinations),
            )
            for protocol, address, port, destinations in note["rows"]
        ),
    )


def _encode_key(key: RowKey) -> tuple[int, str, int]:
    """Protocol, address and port; of a firewall mark 0, the family and the mark."""
    if isinstance(key, MarkKey):
        return 0, str(key.family), key.mark
    return key.protocol.value, str(key.address), key.port


def _decode_key(protocol: int, address: str, port: int) -> RowKey:
    if protocol == 0:
        return MarkKey(int(port), int(address))
    return ServiceKey(Protocol(protocol), ip_address(address), int(port))
