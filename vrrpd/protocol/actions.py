"""What a virtual router wants done, in this order, by whoever has sockets and a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vrrpd.config.model import Address
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import PacketFault
from vrrpd.protocol.states import State
from vrrpd.protocol.wire import Datagram


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
    PREEMPT_HOLD_TIMEOUT = "preempt-hold-timeout"
    """It preempted one when `preempt_delay` was over."""
    OWNER_PREEMPT = "owner-preempt"
    """It preempted one because the addresses are its own (priority 255)."""
    HIGHER_PRIORITY_MASTER = "higher-priority-master"
    """It was master and heard a better one (ours; the new master's own event is "lower-priority-master")."""
    EQUAL_PRIORITY_HIGHER_ADDRESS = "equal-priority-higher-address"
    """It was master and heard an equal one with a higher address (ours)."""
    HANDED_OVER = "handed-over"
    """It had given up and heard the new master (ours)."""
    NO_SUCCESSOR = "no-successor"
    """It had given up and nobody took over (ours)."""
    FAILOVER = "failover"
    """The operator wanted another master (ours)."""
    OVERSLEPT = "overslept"
    """It was master and did not run for so long that another may have taken over (ours)."""
    MASTER_HEARD = "master-heard"
    """It had overslept and heard the master that took over (ours)."""
    NOBODY_HEARD = "nobody-heard"
    """It had overslept and nobody took over (ours)."""
    SYNC_GROUP = "sync-group"
    """It followed the other members of its sync group (ours)."""
    INTERFACE_DOWN = "interface-down"
    INTERFACE_UP = "interface-up"
    NO_PRIMARY_IP_ADDRESS = "no-primary-ip-address"
    PRIMARY_IP_ADDRESS = "primary-ip-address"
    TRACKER_DOWN = "tracker-down"
    """Something tracked without a weight is not well (ours)."""
    TRACKER_UP = "tracker-up"
    """It is well again (ours)."""


class Oddity(Enum):
    """What a good advert can still tell that somebody should look into."""

    ADDRESS_LIST_MISMATCH = "address list mismatch"
    LOWER_PRIORITY_MASTER = "lower priority master"
    LOWER_PRIORITY_DISCARDED = "lower priority discarded"
    OWN_ADDRESS_HEARD = "own address heard"
    ADVERT_INTERVAL_LEARNT = "advert interval learnt"
    ADVERT_INTERVAL_DIFFERS = "advert interval differs"
    OVERSLEPT = "overslept"


class AlarmKind(Enum):
    """What must not be, and does not go away by itself."""

    TWO_MASTERS = "two masters"
    """A healed partition, or two that do not understand each other."""
    FOREIGN_VIRTUAL_ROUTER = "foreign virtual router"
    """Another virtual router uses our virtual router id."""
    ADDRESS_IN_USE = "address in use"
    """Somebody else answers for one of our addresses."""


NoticeKind = PacketFault | Rejection | Oddity


@dataclass(frozen=True, slots=True)
class SendAdvert:
    """Send an advert: one packet to the group, or one to each unicast peer."""

    datagrams: tuple[Datagram, ...]
    priority: int
    """The one in the packets; 0 when giving up."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask on the wire whether somebody else answers for our first address (RFC 5227 section 2.1.1), just before an advert.

    A master that yields without a word, as keepalived does, answers no more once it has heard the advert.
    """


@dataclass(frozen=True, slots=True)
class HoldAddresses:
    """Let the interface have the virtual router's addresses, excluded ones included, and none that a reload took from it."""


@dataclass(frozen=True, slots=True)
class ReleaseAddresses:
    """Take the virtual router's addresses off the interface."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Send one set of gratuitous ARP or unsolicited neighbour adverts: `repeat` rounds over all addresses."""

    repeat: int


@dataclass(frozen=True, slots=True)
class Transition:
    """The state has changed; everything that goes with it stands before this in the list."""

    old: State
    new: State
    cause: Cause
    sender: Address | None = None
    """Who sent the advert that caused it, where one did."""
    sender_priority: int | None = None
    detail: str = ""
    """What else there is to say of the cause, such as the name of the fault."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something for the log. Each kind comes once until the state or the master changes."""

    kind: NoticeKind
    text: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that somebody has to look after. Each conflict comes once, and again when it was over in between."""

    kind: AlarmKind
    text: str
    sender: Address | None = None
    """Who is the other, where an advert told it."""
    sender_priority: int | None = None


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """What is tracked has changed the effective priority."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class LowerPriorityHeard:
    """A master heard a lesser one; with each of its adverts."""

    sender: Address
    sender_priority: int


@dataclass(frozen=True, slots=True)
class WantsMaster:
    """A member of a sync group would be master now, were it alone. It comes again until the group or a master decides."""

    cause: Cause


Action = (
    SendAdvert
    | Probe
    | HoldAddresses
    | ReleaseAddresses
    | Announce
    | Transition
    | Notice
    | Alarm
    | PriorityChanged
    | LowerPriorityHeard
    | WantsMaster
)
