"""What holds on this host whatever the state of its virtual routers: static entries, and settings of interfaces."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.model.network import Route, Rule, VirtualAddress


@dataclass(frozen=True, slots=True)
class TrackGroup:
    """One `track_group`: virtual routers that are in FAULT while a static entry of the group is missing."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Static:
    """Addresses, routes and rules that are there from start to stop."""

    addresses: tuple[VirtualAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    track_groups: tuple[TrackGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class PolledInterface:
    """A line of `linkbeat_interfaces`."""

    interface: str
    method: str | None = None
    """`MII`, `ETHTOOL` or `IOCTL`; None is whatever works."""


@dataclass(frozen=True, slots=True)
class LinkDelay:
    """A line of `interface_up_down_delays`: shorter changes of the link count for nothing."""

    interface: str
    down_s: float
    up_s: float


@dataclass(frozen=True, slots=True)
class GarpGroup:
    """One `garp_group`: the least time between announcements on some interfaces; None sets no pace."""

    interfaces: tuple[str, ...]
    garp_interval_s: float | None = None
    neighbour_advert_interval_s: float | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Settings of interfaces."""

    polled: tuple[PolledInterface, ...] = ()
    delays: tuple[LinkDelay, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
