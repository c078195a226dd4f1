"""The configuration as the daemon uses it: typed, frozen, complete.

Every default is already filled in and every inherited setting resolved, so nothing downstream knows that global defaults or
keepalived.conf exist. Values are hashable or tuples of such, so a reload is the difference of two models.
"""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.model.daemon import CompatMetrics, Daemon, ListenAddress, Mail, Scheduling
from vrrpd.config.model.director import RealServer, VirtualServer
from vrrpd.config.model.vrrp import (
    VRRP_GROUP,
    Address,
    Announcements,
    Authentication,
    AuthenticationType,
    VirtualAddress,
    VirtualRouter,
)

__all__ = [
    "VRRP_GROUP",
    "Address",
    "Announcements",
    "Authentication",
    "AuthenticationType",
    "CompatMetrics",
    "Config",
    "Daemon",
    "ListenAddress",
    "Mail",
    "RealServer",
    "Scheduling",
    "VirtualAddress",
    "VirtualRouter",
    "VirtualServer",
    "counted",
]


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration, read from one or more files."""

    daemon: Daemon
    virtual_routers: tuple[VirtualRouter, ...] = ()
    virtual_servers: tuple[VirtualServer, ...] = ()
    files: tuple[str, ...] = ()
    """Every file read, the main one first."""

    def contents(self) -> str:
        """What there is to run, in a few words: `1 virtual router, 1 virtual server with 2 real servers`."""
        parts = []
        if self.virtual_routers:
            parts.append(counted(len(self.virtual_routers), "virtual router"))
        if self.virtual_servers:
            real = sum(len(server.real_servers) for server in self.virtual_servers)
            parts.append(f"{counted(len(self.virtual_servers), 'virtual server')} with {counted(real, 'real server')}")
        return ", ".join(parts) or "nothing to run"


def counted(number: int, what: str) -> str:
    """`1 virtual router`, `2 virtual routers`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
