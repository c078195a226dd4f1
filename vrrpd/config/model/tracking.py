"""What lowers or raises a priority, or puts a virtual router into FAULT."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from vrrpd.config.model.command import Command
from vrrpd.config.model.network import Address
from vrrpd.config.position import Position


@dataclass(frozen=True, slots=True)
class Tracker:
    """Something tracked by a virtual router or sync group, with the weight that holds there."""

    name: str
    weight: int = 0
    """0 puts into FAULT; a positive one is added while all is well, a negative one while it is not."""
    reverse: bool = False
    """Well and not well change places."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """All that one virtual router or sync group tracks."""

    interfaces: tuple[Tracker, ...] = ()
    """Beside the virtual router's own."""
    scripts: tuple[Tracker, ...] = ()
    files: tuple[Tracker, ...] = ()
    processes: tuple[Tracker, ...] = ()
    bfd_sessions: tuple[Tracker, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackScript:
    """One `vrrp_script`."""

    name: str
    command: Command
    position: Position = field(compare=False)
    interval_s: float = 1.0
    """From start to start."""
    timeout_s: float = 1.0
    """A longer run counts as a failure."""
    weight: int = 0
    reverse: bool = False
    rise: int = 1
    fall: int = 1
    fails_first: bool = False
    """Failed until it succeeds (`init_fail`)."""


@dataclass(frozen=True, slots=True)
class TrackFile:
    """One `track_file`: its number, times the weight, counts."""

    name: str
    path: str
    position: Position = field(compare=False)
    weight: int = 1
    reverse: bool = False
    initial_value: int | None = None
    """What it is made with at the start; None does not make it."""
    overwrite: bool = False
    """Make it anew if it is there."""


class ParameterMatch(Enum):
    """Which of a process's parameters must be as configured."""

    NONE = "none"
    EXACT = "exact"
    INITIAL = "initial"
    """All that are configured; there may be more."""
    PARTIAL = "partial"
    """The last one may be a beginning only."""


@dataclass(frozen=True, slots=True)
class TrackProcess:
    """One `vrrp_track_process`: well while `quorum` to `quorum_max` such processes run."""

    name: str
    process: str
    """A path, or a name as in /proc/PID/comm."""
    position: Position = field(compare=False)
    parameters: tuple[str, ...] = ()
    match: ParameterMatch = ParameterMatch.NONE
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    quorum_max: int | None = None
    fork_delay_s: float = 0.0
    """Shorter lives count for nothing."""
    terminate_delay_s: float = 0.0
    """Shorter absences count for nothing."""
    full_command: bool = False


@dataclass(frozen=True, slots=True)
class BfdSession:
    """One `bfd_instance` (RFC 5880)."""

    name: str
    neighbour: Address
    ttl: int
    position: Position = field(compare=False)
    source: Address | None = None
    min_rx_ms: float = 10.0
    min_tx_ms: float = 10.0
    idle_tx_ms: float = 1000.0
    multiplier: int = 5
    passive: bool = False
    max_hops: int | None = 0
    """Hops that a packet may have come; None asks for no limit."""
    multihop: bool = False
    """UDP port 4784 (RFC 5883) in place of 3784."""
    weight: int = 0
    reverse: bool = False
    for_routers: bool = True
    for_checks: bool = True


@dataclass(frozen=True, slots=True)
class Tracked:
    """Everything that can be tracked by name."""

    scripts: tuple[TrackScript, ...] = ()
    files: tuple[TrackFile, ...] = ()
    processes: tuple[TrackProcess, ...] = ()
    bfd_sessions: tuple[BfdSession, ...] = ()
