"""What happens to a virtual router beside packets and time."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from vrrpd.config.model import VirtualRouter


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


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """A fault is over; one that was never raised is none."""

    reason: str


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """The interface's primary address is another now. Ignored where the configuration names the source."""

    address: IPv4Address | None
    """None is a fault of its own: adverts have no sender."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """A reload. The state is kept; what differs takes effect at once."""

    router: VirtualRouter


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Give up and end: at once, but for a master that hands over. A `Start` may follow when INITIALIZE is reached."""


Event = Start | FaultRaised | FaultCleared | SourceChanged | Reconfigured | Shutdown
