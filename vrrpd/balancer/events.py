"""What happens to a virtual server, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from healthcheck.types import AnyCheck, WeightWish
from ipvs.types import DestinationKey, RowKey
from vrrpd.balancer.overrides import Override
from vrrpd.config import model
from vrrpd.config.model import VirtualServerKey

# -- what happens -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckChanged:
    """A check has a verdict: its first, or one that differs from the last. Telling it again does no harm."""

    check: AnyCheck
    up: bool
    reason: str
    latency_s: float
    weight: WeightWish | None = None
    """What a server that is up should weigh, where the check has a say in that."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The same virtual server is described anew."""

    config: model.VirtualServer
    services: tuple[RowKey, ...]
    """Under which the kernel is to have it."""


@dataclass(frozen=True, slots=True)
class Overridden:
    """An operator asks something of a real server, or (None) takes it back."""

    server: DestinationKey
    override: Override | None


@dataclass(frozen=True, slots=True)
class Emptied:
    """A real server that a reload removed has no connection left."""

    server: DestinationKey


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The end. With `omega` it is told as if all had failed."""


Event = CheckChanged | Reconfigured | Overridden | Emptied | Shutdown


# -- what comes of it ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RealServerUp:
    """A real server takes clients again."""

    key: VirtualServerKey
    server: model.RealServer
    check: AnyCheck | None
    """The check that settled it; None when something else did."""
    reason: str
    latency_s: float | None
    after_s: float
    """How long it had been as it was."""


@dataclass(frozen=True, slots=True)
class RealServerDown:
    """A real server takes no new clients."""

    key: VirtualServerKey
    server: model.RealServer
    check: AnyCheck | None
    """The check that settled it; None when something else did."""
    reason: str
    latency_s: float | None
    after_s: float
    """How long it had been as it was."""


@dataclass(frozen=True, slots=True)
class WeightChanged:
    """A real server that is up weighs something else because a check or an operator asked for it."""

    key: VirtualServerKey
    server: model.RealServer
    old: int
    new: int
    reason: str


@dataclass(frozen=True, slots=True)
class QuorumGained:
    """The weights that are up reach the quorum; also told at the start. A sorry server goes."""

    key: VirtualServerKey
    alive_weight: int
    quorum: int


@dataclass(frozen=True, slots=True)
class QuorumLost:
    """The weights that are up no longer reach the quorum. A sorry server serves, where there is one."""

    key: VirtualServerKey
    alive_weight: int
    quorum: int


Action = RealServerUp | RealServerDown | WeightChanged | QuorumGained | QuorumLost
