"""The status model: one snapshot of everything there is to know, of which every view shows a part.

No view computes; what a view needs stands here. Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ipvs.statistics import Statistics
from vrrpd.config.model import CompatMetrics
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.states import State

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class AddressStatus:
    """A virtual address of a virtual router."""

    address: str
    """With its prefix length unless that is the whole address, as `ip address` and keepalived write it."""
    interface: str
    excluded: bool
    """Held but not advertised (`virtual_ipaddress_excluded`)."""
    present: bool
    """On the interface now."""


@dataclass(frozen=True, slots=True)
class VirtualRouterStatus:
    """One virtual router."""

    name: str
    interface: str
    virtual_router_id: int
    family: int
    """4 or 6."""
    version: int
    state: State
    priority: int
    effective_priority: int
    advert_interval_s: float
    master_advert_interval_s: float
    """The master's, where it was learned from it (version 3), else the same."""
    master_down_interval_s: float
    announcement_delay_s: float
    master_address: Address | None
    master_priority: int | None
    last_transition_unix_s: float
    addresses: tuple[AddressStatus, ...]
    counters: Counters
    transitions: tuple[tuple[str, str, int], ...]
    """How often it went to a state for a cause: (new state, cause, count)."""
    alarms: tuple[tuple[str, int], ...]
    """How often each kind of alarm was sounded, also never: (kind, count)."""


@dataclass(frozen=True, slots=True)
class SyncGroupStatus:
    """One sync group."""

    name: str
    state: State
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LatenessStatus:
    """How late deadlines were served since the start: a histogram."""

    bounds_s: tuple[float, ...] = ()
    """The upper bound of each bucket but the last, which has none."""
    counts: tuple[int, ...] = (0,)
    """How many fell into each bucket and no earlier one."""
    sum_s: float = 0.0
    max_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RouterStatus:
    """The router process and its virtual routers."""

    virtual_routers: tuple[VirtualRouterStatus, ...]
    unknown_virtual_router_ids: int
    """Adverts heard for virtual routers that are not configured here."""
    address_repairs: int
    """Virtual addresses put back after something else removed them."""
    send_errors: int
    lateness: LatenessStatus
    messages_dropped: int
    sync_groups: tuple[SyncGroupStatus, ...] = ()
    receive_errors: int = 0
    """Times that adverts could not be read."""
    receive_drops: int = 0
    """Packets that the kernel dropped because they came faster than they are read; some were heard on another socket."""


@dataclass(frozen=True, slots=True)
class RealServerStatus:
    """One real server of a virtual server."""

    address: Address
    port: int
    up: bool
    configured_weight: int
    effective_weight: int
    changed_unix_s: float
    reason: str
    checks: int
    check_failures: int
    check_latency_s: float | None
    traffic: Statistics | None
    """None while it has no row in IPVS."""
    certificate_end_unix_s: float | None = None
    """When the first of the certificates that its checks saw ends; None if none saw one."""


@dataclass(frozen=True, slots=True)
class VirtualServerStatus:
    """One virtual server."""

    name: str
    address: Address | None
    """None for a firewall mark or a group, which have none or several."""
    port: int
    protocol: int
    """IP protocol number; 0 for a firewall mark, which stands for all."""
    scheduler: str
    quorum_up: bool
    alive_weight: int
    real_servers: tuple[RealServerStatus, ...]
    traffic: Statistics | None
    sorry_server_serves: bool = False


@dataclass(frozen=True, slots=True)
class DirectorStatus:
    """The director process and its virtual servers."""

    virtual_servers: tuple[VirtualServerStatus, ...]
    foreign_rows: int
    """Services and destinations in IPVS that are not ours; they are left alone."""
    row_repairs: int
    """Rows put back after something else changed or removed them."""
    ipvs_messages: int
    """Requests sent to IPVS, dumps included."""
    ipvs_changes: int
    """Requests sent to IPVS that change a row."""
    ipvs_refusals: int
    messages_dropped: int


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One of the daemon's children."""

    name: str
    process_id: int | None
    needed: bool
    """Whether the configuration gives it work."""
    answers: bool
    restarts: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything, at one moment."""

    reloads: int
    reloads_refused: int
    configuration_loaded_unix_s: float
    compat_metrics: CompatMetrics
    processes: tuple[ProcessStatus, ...]
    router: RouterStatus | None
    """None while the router process is away or has nothing to do."""
    director: DirectorStatus | None
