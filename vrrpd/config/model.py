"""The configuration as the daemon uses it: typed, frozen, complete.

Every default is already filled in and every inherited setting resolved, so nothing downstream knows that global defaults or
keepalived.conf exist. Values are hashable or tuples of such, so a reload is the difference of two models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from healthcheck.types import Check
from ipvs.types import Forwarding, Protocol, ServiceFlags
from vrrpd.config.position import Position

Address = IPv4Address | IPv6Address

VRRP_GROUP = IPv4Address("224.0.0.18")
"""Where adverts go (RFC 3768 section 5.2.2)."""


class AuthenticationType(Enum):
    """VRRPv2 authentication; the value is the number on the wire (RFC 2338 section 5.3.6)."""

    NONE = 0
    PASS = 1


@dataclass(frozen=True, slots=True)
class Authentication:
    """How adverts of a virtual router are authenticated."""

    type: AuthenticationType = AuthenticationType.NONE
    password: bytes = b""
    """At most 8 octets; padded with zeros on the wire."""


@dataclass(frozen=True, slots=True)
class VirtualAddress:
    """An address that its master holds."""

    address: Address
    prefix_length: int
    interface: str
    label: str | None = None
    scope: int = 0
    """RT_SCOPE_*: 0 universe, 253 link, 254 host."""
    broadcast: Address | None = None


@dataclass(frozen=True, slots=True)
class Announcements:
    """When gratuitous ARP is sent (keepalived's garp_* settings), seconds and counts."""

    delay_s: float = 5.0
    """From becoming master to the second set; 0 sends no second set."""
    repeat: int = 5
    refresh_s: float = 0.0
    """Period of further sets while master; 0 sends none."""
    refresh_repeat: int = 1
    lower_priority_delay_s: float = 5.0
    lower_priority_repeat: int = 5


class HandOver(Enum):
    """When a master that is stopped lets go of its addresses."""

    MAKE_BEFORE_BREAK = "make_before_break"
    """When the new master has been heard, or nobody can come any more."""
    BREAK_BEFORE_MAKE = "break_before_make"
    """With its last advert, as keepalived does."""


@dataclass(frozen=True, slots=True)
class VirtualRouter:
    """One `vrrp_instance`."""

    name: str
    interface: str
    virtual_router_id: int
    priority: int
    """1 to 254, or 255 for the owner of the addresses."""
    position: Position = field(compare=False)
    starts_as_master: bool = False
    """`state MASTER`: only the default priority and a few checks depend on it (facts: a master waits like a backup)."""
    advert_interval_s: float = 1.0
    down_timer_adverts: int = 3
    """Adverts missed before the master counts as down."""
    preempt: bool = True
    preempt_delay_s: float = 0.0
    authentication: Authentication = Authentication()
    source_address: IPv4Address | None = None
    """`mcast_src_ip`; None is the interface's first address that is not a virtual one."""
    multicast_group: IPv4Address = VRRP_GROUP
    addresses: tuple[VirtualAddress, ...] = ()
    """Carried in adverts, in this order."""
    excluded_addresses: tuple[VirtualAddress, ...] = ()
    announcements: Announcements = Announcements()
    higher_priority_send_advert: bool = False
    lower_priority_no_advert: bool = False
    hand_over: HandOver = HandOver.MAKE_BEFORE_BREAK
    smtp_alert: bool = False


@dataclass(frozen=True, slots=True)
class RealServer:
    """One `real_server`: where packets go, and what must hold for it to get any."""

    address: Address
    port: int
    weight: int
    forwarding: Forwarding
    position: Position = field(compare=False)
    upper_threshold: int = 0
    lower_threshold: int = 0
    inhibit_on_failure: bool = False
    """When down, keep the row at weight 0 in place of removing it."""
    alpha: bool = False
    """Down until the first check succeeds."""
    checks: tuple[Check, ...] = ()
    smtp_alert: bool = True


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """One `virtual_server` with an address."""

    address: Address
    port: int
    protocol: Protocol
    scheduler: str
    position: Position = field(compare=False)
    flags: ServiceFlags = ServiceFlags.NONE
    persistence_timeout_s: int = 0
    persistence_prefix_length: int | None = None
    quorum: int = 1
    hysteresis: int = 0
    real_servers: tuple[RealServer, ...] = ()
    smtp_alert: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail goes; without a server and a recipient none is sent."""

    recipients: tuple[str, ...] = ()
    sender: str | None = None
    """None is user@host."""
    server: str | None = None
    port: int = 25
    helo_name: str | None = None
    connect_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Wishes for a process's place in the kernel's queue."""

    nice: int | None = None
    real_time_priority: int | None = None
    lock_memory: bool = False


class CompatMetrics(Enum):
    """Which exporters' metric names are served beside our own."""

    NONE = "none"
    MEHDY = "mehdy"
    GEN2BRAIN = "gen2brain"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the HTTP server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """Settings of the process as a whole: parts of `global_defs`, and the `vrrpd` block."""

    router_id: str
    mail: Mail = Mail()
    router_scheduling: Scheduling = Scheduling()
    director_scheduling: Scheduling = Scheduling()
    http_listen: ListenAddress | None = None
    compat_metrics: CompatMetrics = CompatMetrics.BOTH


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
