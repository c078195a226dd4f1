"""Virtual servers, their real servers and the checks of those."""

from __future__ import annotations

from dataclasses import dataclass, field

from healthcheck.types import Check
from ipvs.types import Forwarding, Protocol, ServiceFlags
from vrrpd.config.model.network import Address
from vrrpd.config.position import Position


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
