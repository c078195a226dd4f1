"""Settings of the daemon as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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
