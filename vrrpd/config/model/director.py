"""Virtual servers, their real servers and the checks of those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from healthcheck.types import AnyCheck
from ipvs.types import (
    PLAIN_TUNNEL,
    Forwarding,
    MarkKey,
    Protocol,
    ServiceFlags,
    ServiceKey,
    Tunnel,
)
from vrrpd.config.model.command import Command
from vrrpd.config.model.network import Address
from vrrpd.config.position import Position


@dataclass(frozen=True, slots=True)
class RealServer:
    """One `real_server`: where packets go, and what must hold for it to get any."""

    address: Address
    port: int
    """What IPVS is told. Of a group of virtual servers the port as written, which only NAT uses."""
    weight: int
    forwarding: Forwarding
    position: Position = field(compare=False)
    upper_threshold: int = 0
    lower_threshold: int = 0
    inhibit_on_failure: bool = False
    """When down, keep the row at weight 0 in place of removing it."""
    alpha: bool = False
    """Down until the first check succeeds."""
    checks: tuple[AnyCheck, ...] = ()
    smtp_alert: bool = True
    tunnel: Tunnel = PLAIN_TUNNEL
    alpha_checks: tuple[AnyCheck, ...] = ()
    """Those of `checks` that must succeed first; the others count as up until they fail."""
    notify_up: Command | None = None
    notify_down: Command | None = None
    snmp_name: str | None = None


@dataclass(frozen=True, slots=True)
class SorryServer:
    """Serves while the quorum is lost."""

    address: Address
    port: int
    forwarding: Forwarding
    tunnel: Tunnel = PLAIN_TUNNEL
    inhibit: bool = False
    """Always there, at weight 0 while it is not needed."""


@dataclass(frozen=True, slots=True)
class GroupKey:
    """`virtual_server group NAME`: whatever the group of that name holds."""

    group: str
    protocol: Protocol
    family: int = 4
    """4 or 6: of all that the group holds."""

    def __str__(self) -> str:
        return f"[{self.group}]"


VirtualServerKey = ServiceKey | MarkKey | GroupKey


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """One `virtual_server`."""

    key: VirtualServerKey
    """What clients reach."""
    scheduler: str
    position: Position = field(compare=False)
    flags: ServiceFlags = ServiceFlags.NONE
    persistence_timeout_s: int = 0
    persistence_prefix_length: int | None = None
    quorum: int = 1
    hysteresis: int = 0
    real_servers: tuple[RealServer, ...] = ()
    smtp_alert: bool = False
    persistence_engine: str | None = None
    """None for a virtual server that is not persistent."""
    sorry_server: SorryServer | None = None
    omega: bool = False
    """Notify at the end, as if all had failed."""
    ha_suspend: bool = False
    """Checks run only while the address is on this host; of no effect for a group."""
    slow_start_s: float = 0.0
    """A server that comes back reaches its whole weight so much later; 0 gives it all at once."""
    tells_first_state: bool = False
    """Of each real server it is told when it is first known to be up, and not only when that changes."""
    drain_removed_s: float = 0.0
    """A server that a reload removes may keep its connections so long; 0 breaks them."""
    quorum_up: Command | None = None
    quorum_down: Command | None = None
    snmp_name: str | None = None

    @property
    def service(self) -> ServiceKey:
        """The key by which IPVS knows a virtual server with an address; the others have none, or several."""
        assert isinstance(self.key, ServiceKey)
        return self.key


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses from `first` to `last`, both included, on one port; 0 is every port."""

    first: Address
    last: Address
    port: int = 0

    def addresses(self) -> Iterator[Address]:
        """Each address, in ascending order."""
        for number in range(int(self.first), int(self.last) + 1):
            yield type(self.first)(number)


@dataclass(frozen=True, slots=True)
class VirtualServerGroup:
    """One `virtual_server_group`: what is balanced alike. All of one family."""

    name: str
    position: Position = field(compare=False)
    ranges: tuple[AddressRange, ...] = ()
    marks: tuple[MarkKey, ...] = ()
