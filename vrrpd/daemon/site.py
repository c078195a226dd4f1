"""What the virtual routers of this process have around them: interfaces, addresses, each other, and the time."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ipvs.netlink import NetlinkSocket
from vrrpd.config.model import Address, SyncGroup, VirtualRouter
from vrrpd.daemon.holdings import Holdings
from vrrpd.daemon.segment import Segment
from vrrpd.daemon.station import Station, interfaces
from vrrpd.kernel.addresses import AddressTable
from vrrpd.protocol.events import ClockSet
from vrrpd.protocol.instance import Instance
from vrrpd.recording.recorder import RecordedRouter

CLOCK_STEP_S = 0.1
"""The time of day may drift so far from the monotonic clock before virtual routers hear of it; keyed hashes are checked with a
tolerance of seconds."""


class Site:
    """One for the whole process; each of its parts works on it."""

    def __init__(self, netlink: NetlinkSocket) -> None:
        self.netlink = netlink
        self.holdings = Holdings(AddressTable(netlink))
        self.routers = RecordedRouter()
        self.segments: dict[str, Segment] = {}
        """By the names of the interfaces."""
        self.stations: dict[Instance, Station] = {}
        """Of every virtual router, also of those that still hand over."""
        self.groups: tuple[SyncGroup, ...] = ()
        self.virtual: frozenset[Address] = frozenset()
        """Every virtual address: none of them can be a source of adverts."""
        self.unix_offset_s = 0.0

    def now_s(self) -> float:
        """The clock that nobody sets. If somebody has set the other one, those that need the time of day hear of it first."""
        now_s = time.monotonic()
        offset_s = time.time() - now_s
        if abs(offset_s - self.unix_offset_s) > CLOCK_STEP_S:
            self.unix_offset_s = offset_s
            for instance in self.stations:
                self.routers.inform(instance, ClockSet(offset_s), now_s)
        return now_s

    def staying(self) -> list[Station]:
        """Of the virtual routers that do not merely hand over."""
        return [self.stations[instance] for instance in self.routers.instances.values()]

    def names_needed(self, routers: Iterable[VirtualRouter]) -> set[str]:
        """Of the interfaces that these virtual routers or sync groups have to do with."""
        tracked = {tracker.name for group in self.groups for tracker in group.tracking.interfaces}
        return tracked.union(*map(interfaces, routers))
