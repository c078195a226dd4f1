"""Announcements one after the other where a switch drops them when they come at once (`vrrp_garp_interval`, `garp_group`).

A set of gratuitous ARP for many addresses is hundreds of frames within a millisecond. Where the configuration sets a least
time between two of them, the set waits in a lane, one for each interface (or group of interfaces) and family, that lets one
announcement pass at a time. Where none is set nothing waits, and a set stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vrrpd.config.model import GarpGroup, VirtualAddress
from vrrpd.protocol.actions import Announce
from vrrpd.protocol.deadlines import Deadlines
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.memory import LaneMemory, PacingMemory


@dataclass(frozen=True, slots=True)
class AnnounceAddresses:
    """Send announcements for these addresses alone: `repeat` rounds over them."""

    addresses: tuple[VirtualAddress, ...]
    repeat: int


LaneKey = tuple[str | GarpGroup, int]
"""An interface or a group of such, and the family, 4 or 6."""


@dataclass(slots=True)
class _Lane:
    """What waits for its turn. One address of one virtual router waits once, however many sets were asked for meanwhile."""

    interval_s: float
    free_from_s: float = float("-inf")
    rounds: dict[tuple[Instance, VirtualAddress], int] = field(default_factory=dict)
    """How often each is still to be announced, in the order of their turns."""


class Pacing:
    """Every lane of a host."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, _Lane] = {}
        self._deadlines: Deadlines[LaneKey] = Deadlines()
        self.configure()

    def configure(self, garp_s: float = 0.0, neighbour_advert_s: float = 0.0, groups: Iterable[GarpGroup] = ()) -> None:
        """Set the least times. What waits already goes on as it began."""
        self._usual_s = {4: garp_s, 6: neighbour_advert_s}
        self._groups = tuple(groups)
        self._group_of = {interface: group for group in self._groups for interface in group.interfaces}

    def memory(self) -> PacingMemory:
        """What it remembers."""
        keys = list(self._lanes)
        lanes = tuple(_remembered(key, lane) for key, lane in self._lanes.items())
        deadlines = tuple((deadline_s, keys.index(key)) for deadline_s, key in self._deadlines.armed())
        return PacingMemory(self._usual_s[4], self._usual_s[6], self._groups, lanes, deadlines)

    def recall(self, memory: PacingMemory, instances: Mapping[int, Instance]) -> None:
        """Remember this, before anything else was done. Raises KeyError or IndexError where it does not hold together."""
        self.configure(memory.garp_s, memory.neighbour_advert_s, memory.groups)
        for lane in memory.lanes:
            rounds = {(instances[number], address): rounds for number, address, rounds in lane.rounds}
            self._lanes[lane.where, lane.family] = _Lane(lane.interval_s, lane.free_from_s, rounds)
        keys = list(self._lanes)
        for deadline_s, place in memory.deadlines:
            self._deadlines.set(keys[place], deadline_s)

    def deadline(self) -> float | None:
        """When the next turn comes; None while nothing waits."""
        return self._deadlines.next_s()

    def announce(
        self, instance: Instance, whole: Announce, now_s: float
    ) -> list[tuple[Instance, Announce | AnnounceAddresses]]:
        """A set is wanted. Returns what is to be sent now."""
        at_once: list[VirtualAddress] = []
        touched: dict[LaneKey, _Lane] = {}
        for address in (*instance.router.addresses, *instance.router.excluded_addresses):
            key, interval_s = self._lane_of(address)
            if interval_s <= 0:
                at_once.append(address)
                continue
            lane = touched[key] = self._lanes.setdefault(key, _Lane(interval_s))
            lane.interval_s = interval_s
            lane.rounds[instance, address] = max(whole.repeat, lane.rounds.get((instance, address), 0))
        if not touched:
            return [(instance, whole)]
        for key, lane in touched.items():
            self._deadlines.set(key, max(now_s, lane.free_from_s))
        unpaced = [(instance, AnnounceAddresses(tuple(at_once), whole.repeat))] if at_once else []
        return [*unpaced, *self.on_timer(now_s)]

    def forget(self, instance: Instance) -> None:
        """It holds its addresses no more: let nothing of it pass."""
        for key, lane in self._lanes.items():
            lane.rounds = {turn: rounds for turn, rounds in lane.rounds.items() if turn[0] is not instance}
            if not lane.rounds:
                self._deadlines.set(key, None)

    def on_timer(self, now_s: float) -> list[tuple[Instance, AnnounceAddresses]]:
        """Whose turn it is."""
        return [self._next(key, now_s) for _deadline_s, key in self._deadlines.due(now_s)]

    def _next(self, key: LaneKey, now_s: float) -> tuple[Instance, AnnounceAddresses]:
        """Repeats are the outer loop and addresses the inner one, as in a set that does not wait."""
        lane = self._lanes[key]
        instance, address = turn = next(iter(lane.rounds))
        rounds = lane.rounds.pop(turn)
        if rounds > 1:
            lane.rounds[turn] = rounds - 1
        lane.free_from_s = now_s + lane.interval_s
        if lane.rounds:
            self._deadlines.set(key, lane.free_from_s)
        return instance, AnnounceAddresses((address,), 1)

    def _lane_of(self, address: VirtualAddress) -> tuple[LaneKey, float]:
        family = address.address.version
        group = self._group_of.get(address.interface)
        if group is None:
            return (address.interface, family), self._usual_s[family]
        interval_s = group.garp_interval_s if family == 4 else group.neighbour_advert_interval_s
        return (group, family), interval_s or 0.0


def _remembered(key: LaneKey, lane: _Lane) -> LaneMemory:
    rounds = tuple((instance.number, address, rounds) for (instance, address), rounds in lane.rounds.items())
    return LaneMemory(*key, lane.interval_s, lane.free_from_s, rounds)
