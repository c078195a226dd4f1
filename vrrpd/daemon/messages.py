"""What the processes say to each other; each message is a frozen value.

::

    supervisor                                router, director
        | -- Give(RouterWork or DirectorWork) ---> |   at start and at each reload
        | <------------------------------ Ready -- |   work done
        | -- Masters ----------------------------> |   to the director, at each change
        | -- Pulse ------------------------------> |   every second
        | <------------------------------ Pulse -- |
        | -- Ask --------------------------------> |   for each scrape
        | <--------------------- Answer(status) -- |
        | -- AskRecording -----------------------> |   to the router
        | <----------------------- RecordingPart - |   until the last one; unasked, after a fault
        | <-------------- EventReport, LogLine -- |
        | -- Stop -------------------------------> |
        | <---------------------------- Stopped -- |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ipvs.types import DestinationKey, RowKey
from vrrpd.balancer.overrides import Override
from vrrpd.config.model import (
    GarpGroup,
    Lvs,
    Scheduling,
    SyncGroup,
    VirtualAddress,
    VirtualRouter,
    VirtualServer,
    VirtualServerGroup,
    Vrrp,
)
from vrrpd.status.events import Event
from vrrpd.status.model import DirectorStatus, RouterStatus


@dataclass(frozen=True, slots=True)
class RouterWork:
    """The VRRP half of a configuration."""

    virtual_routers: tuple[VirtualRouter, ...]
    scheduling: Scheduling
    formerly_owned: tuple[VirtualAddress, ...] = ()
    """Addresses that an earlier run or configuration held and may have left behind."""
    sync_groups: tuple[SyncGroup, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
    vrrp: Vrrp = field(default_factory=Vrrp)
    starts_from_s: float = 0.0
    """When the first virtual router may take part, on the monotonic clock: `vrrp_startup_delay` counts from the daemon's start,
    and not anew from a crash."""


@dataclass(frozen=True, slots=True)
class DirectorWork:
    """The balancing half of a configuration."""

    virtual_servers: tuple[VirtualServer, ...]
    scheduling: Scheduling
    formerly_owned: tuple[tuple[RowKey, tuple[DestinationKey, ...]], ...] = ()
    """Rows that an earlier run or configuration made and may have left behind."""
    groups: tuple[VirtualServerGroup, ...] = ()
    overrides: tuple[tuple[str, str, Override], ...] = ()
    """What operators ask of real servers: virtual server and real server by the names of the log."""
    lvs: Lvs = field(default_factory=Lvs)
    """The synchronisation's number is filled in."""
    flush: bool = False
    """Empty the kernel's table first."""
    namespace: str | None = None
    """The network namespace whose IPVS it is; None is our own. The first one holds."""


@dataclass(frozen=True, slots=True)
class Give:
    """Work to be done. At a restart the same comes again under the same number."""

    number: int
    work: object
    """RouterWork or DirectorWork, as the role takes it."""


@dataclass(frozen=True, slots=True)
class Masters:
    """Of which virtual routers this host is master now; told anew at each change, and to a process that begins."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ready:
    """The work given under `number` is done: the kernel shows what the configuration wants."""

    number: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """Are you alive? I am."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Wanted: a status."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The status asked for under `number`."""

    number: int
    status: RouterStatus | DirectorStatus


@dataclass(frozen=True, slots=True)
class AskRecording:
    """Wanted: what the virtual routers were told and what they told, in parts."""

    number: int


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """Some lines of the recording asked for under `number`, or of one that nobody asked for and that is to be kept (0)."""

    number: int
    place: int
    """Counts from 0."""
    lines: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class EventReport:
    """Something happened."""

    event: Event


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the log, which only the supervisor writes."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give everything back to the kernel and end."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything was given back; the process ends now."""
