"""What a virtual router wants done, in this order, by whoever has sockets and a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import PacketFault
from vrrpd.protocol.states import State


class Cause(Enum):
    """Why a virtual router changed its state: the event names of ietf-vrrp (RFC 8347) where it has one."""

    STARTUP = "startup"
    SHUTDOWN = "shutdown"
    RESUMED = "resumed"
    """It went on as master after its process was restarted (ours)."""
    MASTER_TIMEOUT = "master-timeout"
    PRIORITY_ZERO = "priority-zero"
    """The master said that it gives up (ours; ietf-vrrp has no name for it)."""
    LOWER_PRIORITY_MASTER = "lower-priority-master"
    """It preempted a living master of lower priority."""
    HIGHER_PRIORITY_MASTER = "higher-priority-master"
    """It was master and heard a better one (ours; the new master's own event is "lower-priority-master")."""
    EQUAL_PRIORITY_HIGHER_ADDRESS = "equal-priority-higher-address"
    """It was master and heard an equal one with a higher address (ours)."""
    HANDED_OVER = "handed-over"
    """It had given up and heard the new master (ours)."""
    NO_SUCCESSOR = "no-successor"
    """It had given up and nobody took over (ours)."""
    INTERFACE_DOWN = "interface-down"
    INTERFACE_UP = "interface-up"
    NO_PRIMARY_IP_ADDRESS = "no-primary-ip-address"
    PRIMARY_IP_ADDRESS = "primary-ip-address"


class Oddity(Enum):
    """What a good advert can still tell that somebody should look into."""

    ADDRESS_LIST_MISMATCH = "address list mismatch"
    LOWER_PRIORITY_MASTER = "lower priority master"
    LOWER_PRIORITY_DISCARDED = "lower priority discarded"
    OWN_ADDRESS_HEARD = "own address heard"


NoticeKind = PacketFault | Rejection | Oddity


@dataclass(frozen=True, slots=True)
class SendAdvert:
    """Send a whole IPv4 packet to the virtual router's group."""

    datagram: bytes
    priority: int
    """The one in the packet; 0 when giving up."""


@dataclass(frozen=True, slots=True)
class HoldAddresses:
    """Let the interface have the virtual router's addresses, excluded ones included, and none that a reload took from it."""


@dataclass(frozen=True, slots=True)
class ReleaseAddresses:
    """Take the virtual router's addresses off the interface."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Send one set of gratuitous ARP: `repeat` rounds over all addresses."""

    repeat: int


@dataclass(frozen=True, slots=True)
class Transition:
    """The state has changed; everything that goes with it stands before this in the list."""

    old: State
    new: State
    cause: Cause
    sender: IPv4Address | None = None
    """Who sent the advert that caused it, where one did."""
    sender_priority: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something for the log. Each kind comes once until the state or the master changes."""

    kind: NoticeKind
    text: str


Action = SendAdvert | HoldAddresses | ReleaseAddresses | Announce | Transition | Notice
