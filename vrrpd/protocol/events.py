"""What happens to a virtual router beside packets and time."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.model import Address, VirtualRouter
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.states import State


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to take part."""

    resume_master: bool = False
    """It was master when its process died a moment ago and its addresses are still in place: go on as if nothing had been."""


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """Something without which it cannot work failed. It stays in FAULT until every fault is cleared."""

    reason: str
    """Names the fault among the others, such as `interface down`; the same name clears it."""
    cause: Cause = Cause.INTERFACE_DOWN


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """A fault is over; one that was never raised is none."""

    reason: str
    cause: Cause = Cause.INTERFACE_UP


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """The interface's primary address is another now. Ignored where the configuration names the source."""

    address: Address | None
    """None is a fault of its own: adverts have no sender."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """A reload. The state is kept; what differs takes effect at once."""

    router: VirtualRouter


@dataclass(frozen=True, slots=True)
class AdjustmentChanged:
    """Something tracked adds another number to the priority now."""

    name: str
    """Names it among the others. Over a reload its adjustment stays until it is told anew."""
    adjustment: int
    """0 if it adds nothing, or is not tracked any more."""


@dataclass(frozen=True, slots=True)
class ClockSet:
    """What the time of day is. Only keyed hashes depend on it."""

    unix_offset_s: float
    """What added to the caller's clock gives Unix time."""


@dataclass(frozen=True, slots=True)
class AdvertsNumbered:
    """An earlier process on this host has numbered its authenticated adverts; peers take no number of it twice."""

    last: int
    """As `Machine.sequence` said."""


@dataclass(frozen=True, slots=True)
class AddressAnswered:
    """Somebody else answered a `Probe`: one of our addresses is in use elsewhere."""

    address: Address
    mac: bytes
    """Six octets: whose answer it was."""


@dataclass(frozen=True, slots=True)
class Failover:
    """The operator wants another master. Nothing but a master heeds it."""


@dataclass(frozen=True, slots=True)
class BecomeMaster:
    """Every member of its sync group wants to be master, so be it now. Nothing but a backup heeds it."""

    cause: Cause
    """That of its own `WantsMaster` for the member that wanted last, else `Cause.SYNC_GROUP`."""


@dataclass(frozen=True, slots=True)
class FollowGroup:
    """Another member of its sync group changed its state, and this one goes with it."""

    state: State
    """BACKUP, which also ends an earlier FAULT; or FAULT, until it is told BACKUP and has no fault of its own."""
    cause: Cause = Cause.SYNC_GROUP


@dataclass(frozen=True, slots=True)
class AnnounceAgain:
    """Another member of its sync group met a lesser master: a master announces its addresses as if it had met it."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Give up and end: at once, but for a master that hands over. A `Start` may follow when INITIALIZE is reached."""


Event = (
    Start
    | FaultRaised
    | FaultCleared
    | SourceChanged
    | Reconfigured
    | AdjustmentChanged
    | ClockSet
    | AdvertsNumbered
    | AddressAnswered
    | Failover
    | BecomeMaster
    | FollowGroup
    | AnnounceAgain
    | Shutdown
)
