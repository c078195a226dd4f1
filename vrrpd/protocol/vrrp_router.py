"""All virtual routers of one host: packets, events and the time go in, actions come out, each with the one that wants it.

The daemon's router process and the simulation both run this; neither decides anything beside it::

    routers.on_packet("eth0", datagram, now_s)
    for instance, action in routers.actions():
        ...
    sleep until routers.deadline()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from vrrpd.config.model import GarpGroup, SyncGroup, Tracking, VirtualRouter
from vrrpd.protocol.actions import Action, Announce, LowerPriorityHeard, ReleaseAddresses, WantsMaster
from vrrpd.protocol.deadlines import Deadlines
from vrrpd.protocol.events import AnnounceAgain, Event, Failover, Reconfigured, Shutdown, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.lateness import Lateness
from vrrpd.protocol.memory import InstanceMemory, RouterMemory, memory_of, recall
from vrrpd.protocol.pacing import AnnounceAddresses, Pacing
from vrrpd.protocol.states import State
from vrrpd.protocol.sync_group import Group
from vrrpd.protocol.trackers import Demands, Kind, demands
from vrrpd.protocol.wire import Heard, Refused, virtual_router_key


class InstanceKey(NamedTuple):
    """What tells virtual routers apart on the wire."""

    interface: str
    family: int
    """4 or 6."""
    virtual_router_id: int


def key_of(router: VirtualRouter) -> InstanceKey:
    """The key under which packets find a virtual router."""
    return InstanceKey(router.interface, router.family, router.virtual_router_id)


@dataclass(frozen=True, slots=True)
class GroupTransition:
    """A sync group has changed its state; its members have done so before."""

    name: str
    old: State
    new: State


class VrrpRouter:
    """Every virtual router of one host."""

    def __init__(self, starts_from_s: float = float("-inf")) -> None:
        self.made = 0
        """How many virtual routers there have ever been: the number of the last one."""
        self.starts_from_s = starts_from_s
        """When the first may take part (`vrrp_startup_delay`); those that resume do so at once."""
        self._instances: dict[InstanceKey, Instance] = {}
        self._leavers: dict[Instance, InstanceKey] = {}
        """No longer wanted; each is forgotten when it has let go of its addresses."""
        self._postponed: set[Instance] = set()
        """Those that wait for `starts_from_s`."""
        self._groups: dict[str, Group] = {}
        self._group_of: dict[Instance, Group] = {}
        self._group_transitions: list[GroupTransition] = []
        self._results: dict[tuple[Kind, str], bool | int] = {}
        self._demands: dict[Instance, Demands] = {}
        """What each was told of the results."""
        self._pacing = Pacing()
        self._deadlines: Deadlines[Instance] = Deadlines()
        self._actions: list[tuple[Instance, Action | AnnounceAddresses]] = []
        self.lateness = Lateness()
        """How late the deadlines of all of them were served."""
        self.unknown_virtual_router_ids = 0
        """Packets for virtual routers that are not here."""

    @property
    def instances(self) -> Mapping[InstanceKey, Instance]:
        """Those that are wanted, started or not."""
        return MappingProxyType(self._instances)

    @property
    def leavers(self) -> tuple[Instance, ...]:
        """Those that were dismissed and still hold their addresses."""
        return tuple(self._leavers)

    @property
    def groups(self) -> Mapping[str, Group]:
        """The sync groups by their names."""
        return MappingProxyType(self._groups)

    def deadline(self) -> float | None:
        """When `on_timer` is to be called next; None while nothing is waited for. It may change with every call."""
        paced_s, own_s = self._pacing.deadline(), self._deadlines.next_s()
        return own_s if paced_s is None else paced_s if own_s is None else min(paced_s, own_s)

    def actions(self) -> list[tuple[Instance, Action | AnnounceAddresses]]:
        """What is to be done since the last time this was asked, in order."""
        drained, self._actions = self._actions, []
        return drained

    def group_transitions(self) -> list[GroupTransition]:
        """Which sync groups have changed their state since the last time this was asked. It belongs behind `actions`."""
        drained, self._group_transitions = self._group_transitions, []
        return drained

    # -- configuration --------------------------------------------------------------------------------------------------

    def add(self, router: VirtualRouter) -> Instance:
        """Have one more virtual router, which takes no part before `start`; tell it meanwhile what it has to know.

        Raises ValueError if there is one with its key.
        """
        key = key_of(router)
        if key in self._instances:
            raise ValueError(f"there is a virtual router {router.virtual_router_id} on {router.interface} already")
        self.made += 1
        instance = self._instances[key] = Instance(router, self.lateness, self.made)
        return instance

    def start_from(self, at_s: float) -> None:
        """Have virtual routers that are to start wait until then."""
        self.starts_from_s = at_s

    def start(self, key: InstanceKey, now_s: float, *, resume_master: bool = False) -> None:
        """Let it take part; as master if it was that before its process died a moment ago."""
        instance = self._instances[key]
        if now_s < self.starts_from_s and not resume_master:
            self._postponed.add(instance)
            self._deadlines.set(instance, self.starts_from_s)
            return
        self._review_demands(instance, now_s)
        self._tell(instance, Start(resume_master=resume_master), now_s)

    def reconfigure(self, key: InstanceKey, router: VirtualRouter, now_s: float) -> None:
        """A reload changes a virtual router, but not its key."""
        instance = self._instances[key]
        self._tell(instance, Reconfigured(router), now_s)
        self._review_demands(instance, now_s)

    def dismiss(self, key: InstanceKey, now_s: float) -> None:
        """Have a virtual router give up. A master may serve on for a while, beside those that stay."""
        instance = self._instances.pop(key)
        self._postponed.discard(instance)
        group = self._group_of.pop(instance, None)
        if group is not None:
            group.drop(instance)
            self._keep_together(group, now_s)
        self._leavers[instance] = key
        self._tell(instance, Shutdown(), now_s)

    def abandon_leavers(self) -> None:
        """Wait no longer for those that still hand over; what they hold is for the caller to take away."""
        for leaver in self._leavers:
            self._deadlines.set(leaver, None)
            self._demands.pop(leaver, None)
            self._pacing.forget(leaver)
        self._leavers.clear()

    def group(self, groups: Iterable[SyncGroup], now_s: float) -> None:
        """Have these sync groups and no others. New virtual routers belong to theirs before they start.

        Whoever is in one as before notices nothing. Members that are not here are passed over.
        """
        wanted = {group.name: group for group in groups}
        by_name = {instance.router.name: instance for instance in self._instances.values()}
        for name in [name for name in self._groups if name not in wanted]:
            self._order(self._groups.pop(name).admit([]), now_s)
        for name, settings in wanted.items():
            group = self._groups.setdefault(name, Group(settings))
            group.settings = settings
            self._order(group.admit([by_name[member] for member in settings.members if member in by_name]), now_s)
        self._group_of = {member: group for group in self._groups.values() for member in group.members}
        for instance in self._instances.values():
            instance.in_group = instance in self._group_of  # who changed groups was dropped by one after the other took it
            self._review_demands(instance, now_s)
        for group in self._groups.values():
            self._keep_together(group, now_s)

    def pace(self, garp_s: float, neighbour_advert_s: float, groups: Iterable[GarpGroup]) -> None:
        """Set the least times between two announcements on an interface, and on groups of interfaces."""
        self._pacing.configure(garp_s, neighbour_advert_s, groups)

    # -- what comes in --------------------------------------------------------------------------------------------------

    def tell(self, key: InstanceKey, event: Event, now_s: float) -> None:
        """Tell a virtual router what happened, and those with its key that still hand over."""
        for instance in self._with_key(key):
            self._tell(instance, event, now_s)

    def learn(self, kind: Kind, name: str, result: bool | int, now_s: float) -> None:
        """A tracked thing is well or not; of a file, its number. Those concerned hear of it, also when they start later."""
        if self._results.get((kind, name)) != result:
            self._results[kind, name] = result
            for instance in (*self._instances.values(), *self._leavers):
                self._review_demands(instance, now_s)

    def fail_over(self, key: InstanceKey, now_s: float) -> None:
        """The operator wants another master. Those that are master together go together."""
        group = self._group_of.get(self._instances[key])
        for member in list(group.members) if group else [self._instances[key]]:
            self._tell(member, Failover(), now_s)

    def inform(self, instance: Instance, event: Event, now_s: float) -> None:
        """Tell this one alone, be it wanted or handing over."""
        self._tell(instance, event, now_s)

    def on_packet(self, interface: str, datagram: bytes, now_s: float) -> None:
        """Take in a whole IP packet that came through `interface`. Never raises, whatever is in it."""
        key = virtual_router_key(datagram)
        heard_by = [] if key is None else self._with_key(InstanceKey(interface, *key))
        for instance in heard_by:
            heard = instance.read(datagram, now_s)
            if heard is not None:
                self.hear(instance, heard, now_s)
        self.unknown_virtual_router_ids += not heard_by

    def hear(self, instance: Instance, heard: Heard | Refused, now_s: float) -> None:
        """Let this one alone know what it heard: what `on_packet` read, or somebody else before."""
        instance.hear(heard, now_s)
        self._settle(instance, now_s)

    def on_timer(self, now_s: float) -> None:
        """Do what is due. Called too early it does nothing; called late it does each thing once."""
        for _deadline_s, instance in self._deadlines.due(now_s):
            if instance in self._postponed:
                self._postponed.discard(instance)
                self._review_demands(instance, now_s)
                self._tell(instance, Start(), now_s)
                continue
            instance.on_timer(now_s)
            self._settle(instance, now_s)
        self._actions.extend(self._pacing.on_timer(now_s))

    # -- memory ---------------------------------------------------------------------------------------------------------

    def memory(self) -> RouterMemory:
        """What they remember, when there is nothing to be drained."""
        everybody = (*self._leavers, *self._instances.values())
        return RouterMemory(
            instances=tuple(InstanceMemory(one.number, one.router, memory_of(one)) for one in everybody),
            made=self.made,
            starts_from_s=self.starts_from_s,
            wanted=tuple(instance.number for instance in self._instances.values()),
            leaving=tuple(leaver.number for leaver in self._leavers),
            postponed=frozenset(instance.number for instance in self._postponed),
            groups=tuple(group.memory() for group in self._groups.values()),
            results=dict(self._results),
            demands={instance.number: demands for instance, demands in self._demands.items()},
            pacing=self._pacing.memory(),
            deadlines=tuple((deadline_s, instance.number) for deadline_s, instance in self._deadlines.armed()),
        )

    def recall(self, memory: RouterMemory) -> None:
        """Have these virtual routers, before there are any. Raises LookupError or ValueError where that is not sound."""
        instances = {number: Instance(router, self.lateness, number) for number, router, _ in memory.instances}
        for number, _router, remembered in memory.instances:
            recall(instances[number], remembered)
        self.made, self.starts_from_s = memory.made, memory.starts_from_s
        self._instances = {key_of(instances[number].router): instances[number] for number in memory.wanted}
        self._leavers = {instances[number]: key_of(instances[number].router) for number in memory.leaving}
        self._postponed = {instances[number] for number in memory.postponed}
        groups = [Group.recalled(group, instances) for group in memory.groups]
        self._groups = {group.settings.name: group for group in groups}
        self._group_of = {member: group for group in groups for member in group.members}
        self._results = dict(memory.results)
        self._demands = {instances[number]: demands for number, demands in memory.demands.items()}
        self._pacing.recall(memory.pacing, instances)
        for deadline_s, number in memory.deadlines:
            self._deadlines.set(instances[number], deadline_s)

    # -- pieces ---------------------------------------------------------------------------------------------------------

    def _tell(self, instance: Instance, event: Event, now_s: float) -> None:
        instance.on_event(event, now_s)
        self._settle(instance, now_s)

    def _with_key(self, key: InstanceKey) -> list[Instance]:
        """The virtual router of this key, behind those of the same key that still hand over."""
        instance = self._instances.get(key)
        return [*self._leavers_with(key), *([instance] if instance else [])]

    def _leavers_with(self, key: InstanceKey) -> Iterator[Instance]:
        return (leaver for leaver, its_key in self._leavers.items() if its_key == key)

    def _settle(self, instance: Instance, now_s: float) -> None:
        """Take over what an instance wants and waits for, and let its sync group follow."""
        self._take(instance, now_s)
        group = self._group_of.get(instance)
        if group is not None:
            self._keep_together(group, now_s)

    def _take(self, instance: Instance, now_s: float) -> None:
        """What an instance wants and waits for; a leaver that has let go is forgotten."""
        for action in instance.actions():
            match action:
                case Announce():
                    self._actions.extend(self._pacing.announce(instance, action, now_s))
                    continue
                case ReleaseAddresses():
                    self._pacing.forget(instance)
                case LowerPriorityHeard():
                    self._announce_together(instance, now_s)
                case WantsMaster(cause) if instance in self._group_of:
                    self._group_of[instance].note_wish(instance, cause)
                case _:
                    pass
            self._actions.append((instance, action))
        if instance not in self._postponed:
            self._deadlines.set(instance, instance.deadline())
        if instance.state is State.INITIALIZE and self._leavers.pop(instance, None) is not None:
            self._demands.pop(instance, None)

    def _keep_together(self, group: Group, now_s: float) -> None:
        """Let a sync group say what its members are to do, until it has no more to say."""
        before = group.state
        while orders := group.review():
            self._order(orders, now_s)
        if group.state is not before:
            self._group_transitions.append(GroupTransition(group.settings.name, before, group.state))

    def _order(self, orders: Iterable[tuple[Instance, Event]], now_s: float) -> None:
        for member, event in orders:
            member.on_event(event, now_s)
            self._take(member, now_s)

    def _announce_together(self, instance: Instance, now_s: float) -> None:
        """A master met a lesser one: clients of its whole sync group may have been led astray."""
        group = self._group_of.get(instance)
        if group is not None:
            self._order([(other, AnnounceAgain()) for other in group.members if other is not instance], now_s)

    def _review_demands(self, instance: Instance, now_s: float) -> None:
        """Tell a virtual router what has changed for it of all that is tracked."""
        if instance in self._postponed:
            return
        group = self._group_of.get(instance)
        before = self._demands.get(instance, Demands())
        now = demands(instance.router, group.settings.tracking if group else Tracking(), self._results)
        self._demands[instance] = now
        for event in now.events_since(before):
            self._tell(instance, event, now_s)
