"""What happened, as plain values: the one stream that the log, mail and every later listener read.

Times are Unix seconds, as people and other systems read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.model import Command

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class VirtualRouterChanged:
    """A virtual router went from one state to another."""

    at_unix_s: float
    name: str
    interface: str
    virtual_router_id: int
    old: str
    new: str
    cause: str
    """Why, in the vocabulary of ietf-vrrp."""
    sender: Address | None = None
    """Who sent the advert that caused it, where one did."""
    sender_priority: int | None = None
    mail: bool = False
    """Whether its configuration asks for mail."""
    detail: str = ""
    """What else there is to say of the cause."""

    def headline(self) -> str:
        """One line for the log."""
        by = f", heard {self.sender} with priority {self.sender_priority}" if self.sender is not None else ""
        about = f" ({self.detail})" if self.detail else ""
        return (
            f"({self.name}) {self.interface} vrid {self.virtual_router_id}: {self.old} -> {self.new}: {self.cause}{by}{about}"
        )


@dataclass(frozen=True, slots=True)
class SyncGroupChanged:
    """All members of a sync group went to another state."""

    at_unix_s: float
    name: str
    old: str
    new: str
    mail: bool = False
    """Whether its configuration asks for mail."""

    def headline(self) -> str:
        """One line for the log."""
        return f"sync group {self.name}: {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Something must not be as it is, and does not go away by itself."""

    at_unix_s: float
    name: str
    interface: str
    virtual_router_id: int
    kind: str
    text: str
    sender: Address | None = None
    """Who is the other, where an advert told it."""
    sender_priority: int | None = None
    mail: bool = False
    """Whether its configuration asks for mail."""

    def headline(self) -> str:
        """One line for the log."""
        return f"({self.name}) {self.interface} vrid {self.virtual_router_id}: {self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class RealServerChanged:
    """A real server went up or down."""

    at_unix_s: float
    virtual_server: str
    real_server: str
    up: bool
    reason: str
    mail: bool
    """Whether its configuration asks for mail."""
    check: str | None = None
    """The check that settled it, such as `TCP [192.0.2.101]:80`; None when something else did."""
    latency_s: float | None = None
    """How long that check took."""
    after_s: float | None = None
    """How long the server had been as it was."""
    command: Command | None = None
    """What its configuration wants run."""

    def headline(self) -> str:
        """One line for the log."""
        by = (
            f" ({self.check}" + (f", {self.latency_s * 1000:.1f} ms)" if self.latency_s is not None else ")")
            if self.check
            else ""
        )
        before = f", after {self.after_s:.1f} s" if self.after_s is not None else ""
        state = "up" if self.up else "down"
        return f"{self.virtual_server}: real server {self.real_server} is {state}: {self.reason}{by}{before}"


@dataclass(frozen=True, slots=True)
class RealServerWeighed:
    """A real server that is up weighs something else."""

    at_unix_s: float
    virtual_server: str
    real_server: str
    old: int
    new: int
    reason: str

    def headline(self) -> str:
        """One line for the log."""
        change = f"weight of real server {self.real_server} changed from {self.old} to {self.new}"
        return f"{self.virtual_server}: {change}: {self.reason}"


@dataclass(frozen=True, slots=True)
class QuorumChanged:
    """A virtual server gained or lost its quorum."""

    at_unix_s: float
    virtual_server: str
    up: bool
    alive_weight: int
    quorum: int
    mail: bool
    """Whether its configuration asks for mail."""
    command: Command | None = None
    """What its configuration wants run."""

    def headline(self) -> str:
        """One line for the log."""
        verb = "gained" if self.up else "lost"
        return f"{self.virtual_server}: quorum {verb}: weight {self.alive_weight} is alive, quorum {self.quorum}"


Event = VirtualRouterChanged | SyncGroupChanged | AlarmRaised | RealServerChanged | RealServerWeighed | QuorumChanged
