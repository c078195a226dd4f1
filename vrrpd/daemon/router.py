"""The router process: every virtual router of this host, on one event loop, waiting for nothing but packets and time.

It forks no script, opens no file, resolves no name and waits for no other process (DESIGN rule 3). Packets, link and address
changes and one timer drive :class:`vrrpd.protocol.vrrp_router.VrrpRouter`; what that wants done is done here, in its order.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from ipvs.netlink import NetlinkError, NetlinkSocket
from vrrpd.config.model import Address, Scheduling, SyncGroup, VirtualRouter
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.child import take_place
from vrrpd.daemon.holdings import Holdings
from vrrpd.daemon.ledger import Ledger
from vrrpd.daemon.messages import EventReport, RouterWork
from vrrpd.daemon.segment import Segment
from vrrpd.daemon.station import Station, all_addresses, interfaces, status
from vrrpd.kernel.addresses import AddressKey, AddressTable, wanted
from vrrpd.kernel.alarm_clock import AlarmClock
from vrrpd.kernel.links import Link, link_local_address, primary_address, read_links
from vrrpd.kernel.monitor import AddressAdded, AddressRemoved, LinkChanged, LinkRemoved, Overrun, RouteMonitor
from vrrpd.protocol.actions import (
    Action,
    Alarm,
    Announce,
    HoldAddresses,
    Notice,
    PriorityChanged,
    Probe,
    ReleaseAddresses,
    SendAdvert,
    Transition,
)
from vrrpd.protocol.events import AddressAnswered, ClockSet, Event, SourceChanged
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.lateness import BUCKETS_S
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.states import State
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.tracking import OWNER_PRIORITY
from vrrpd.protocol.vrrp_router import InstanceKey, VrrpRouter, key_of
from vrrpd.status.events import AlarmRaised, SyncGroupChanged, VirtualRouterChanged
from vrrpd.status.model import LatenessStatus, RouterStatus, SyncGroupStatus

REPAIR_DELAY_S = 0.05
"""An address removed by somebody else is put back so much later: at once for people, and at most twenty times a second when a
program fights for it."""
RETRY_S = 1.0
"""An address that the kernel refused is tried again so often."""
HAND_OVER_MARGIN_S = 2.0
"""A safety net when the process is to end: hand-overs end by themselves, and those that have not so much later never will."""
CLOCK_STEP_S = 0.1
"""The time of day may drift so far from the monotonic clock before virtual routers hear of it; keyed hashes are checked with a
tolerance of seconds."""
REAL_TIME_PRIORITY = 20
"""Unless configured: ahead of everything that is not real-time itself, behind the kernel's own threads (50 and above)."""

GIVEN_UP = frozenset({State.INITIALIZE, State.RELINQUISHING})
"""States that an operator asked for, and need no mail."""

log = logging.getLogger(__name__)


class Router:
    """The role of the router process. See `vrrpd.daemon.child.Role`."""

    def __init__(self, channel: Channel, ledger: Ledger) -> None:
        self._channel = channel
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._netlink = NetlinkSocket(socket.NETLINK_ROUTE)
        self._holdings = Holdings(AddressTable(self._netlink))
        self._monitor = RouteMonitor()
        self._loop.add_reader(self._monitor.fileno(), self._on_kernel)
        self._segments: dict[str, Segment] = {}
        self._routers = VrrpRouter()
        self._stations: dict[Instance, Station] = {}
        """Of every virtual router, also of those that still hand over."""
        self._waiting: list[Callable[[], None]] = []
        """To be called when there are no leavers: one for each order of the supervisor, which rarely gives two at once."""
        self._virtual: frozenset[Address] = frozenset()
        """Every virtual address: none of them can be a source of adverts."""
        self._groups: tuple[SyncGroup, ...] = ()
        self._clock = AlarmClock(self._on_timer)
        self._unix_offset_s = 0.0
        self._repair_timer: asyncio.TimerHandle | None = None
        self._scheduled = False

    # -- configuration --------------------------------------------------------------------------------------------------

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take the configured virtual routers: new ones start, vanished ones hand over, changed ones go on without a flap."""
        assert isinstance(work, RouterWork)
        if not self._scheduled:
            self._scheduled = True
            self._routers.starts_from_s = work.starts_from_s
            take_place("router", _ahead_of_others(work.scheduling))
        self._groups = work.sync_groups
        self._routers.pace(work.vrrp.garp_interval_s, work.vrrp.gna_interval_s, work.garp_groups)
        configured = {key_of(router): router for router in work.virtual_routers}
        for key in self._routers.instances.keys() - configured.keys():
            self._routers.dismiss(key, self._now_s())
            self._perform()
        self._open_segments(self._names_needed(work.virtual_routers))
        new = []
        for key, router in configured.items():
            instance = self._routers.instances.get(key)
            if instance is None:
                new.append(self._add(router))
            elif instance.router != router:
                self._reconfigure(self._stations[instance], router)
        self._routers.group(work.sync_groups, self._now_s())
        self._perform()
        owned = {addition.key for station in self._stations.values() for addition in station.additions}
        self._holdings.own(owned | self._resolved(work))
        self._virtual = frozenset(key.address for key in owned)
        resuming = self._resuming([station.instance.router for station in new])
        for station in new:
            self._start(station, resume_master=key_of(station.instance.router) in resuming)
        self._holdings.reconcile()
        self._holdings.disown(owned)
        remaining = {addition.key for station in self._wanted() for addition in station.additions}

        def finish() -> None:
            self._holdings.disown(remaining)
            self._close_segments()
            done()

        self._once_handed_over(finish)

    def _names_needed(self, routers: Iterable[VirtualRouter]) -> set[str]:
        """Of the interfaces that these virtual routers or sync groups have to do with."""
        tracked = {tracker.name for group in self._groups for tracker in group.tracking.interfaces}
        return tracked.union(*map(interfaces, routers))

    def _open_segments(self, names: set[str]) -> None:
        new = names - self._segments.keys()
        for name in new:
            self._segments[name] = Segment(name, self._on_datagram, self._on_answer)
        self._learn_everything()
        for name in new:
            self._routers.learn(Kind.INTERFACE, name, self._segments[name].up, self._now_s())

    def _close_segments(self) -> None:
        """Of interfaces that no virtual router has to do with any more."""
        needed = self._names_needed(station.instance.router for station in self._stations.values())
        for name in self._segments.keys() - needed:
            self._segments.pop(name).close()

    def _add(self, router: VirtualRouter) -> Station:
        """One that is prepared and does not take part yet."""
        instance = self._routers.add(router)
        station = self._stations[instance] = Station(instance)
        station.prepare(self._segments)
        self._tell(station, ClockSet(self._unix_offset_s))
        return station

    def _start(self, station: Station, *, resume_master: bool) -> None:
        """Begin as the protocol says, or go on as master where the peers cannot have noticed that we were away."""
        router = station.instance.router
        self._segments[router.interface].join(router, station.source)
        self._learn_source(station)
        self._routers.start(key_of(router), self._now_s(), resume_master=resume_master)
        self._perform()

    def _once_handed_over(self, answer: Callable[[], None]) -> None:
        """Answer the supervisor when no leaver holds an address any more, which may be now."""
        self._waiting.append(answer)
        self._answer_if_handed_over()

    def _answer_if_handed_over(self) -> None:
        while self._waiting and not self._routers.leavers:
            self._waiting.pop(0)()

    def _wanted(self) -> list[Station]:
        """Of the virtual routers that stay."""
        return [self._stations[instance] for instance in self._routers.instances.values()]

    def _reconfigure(self, station: Station, router: VirtualRouter) -> None:
        """Prepare for what the new configuration says before its state machine acts on it."""
        before = {addition.key for addition in station.additions}
        self._segments[router.interface].join(router, station.source)
        self._routers.reconfigure(key_of(router), router, self._now_s())
        station.prepare(self._segments)
        self._holdings.release(before - {addition.key for addition in station.additions})
        self._perform()

    def _resuming(self, routers: list[VirtualRouter]) -> set[InstanceKey]:
        """Who goes on as master; of a sync group all that start, or none."""
        resuming = {key_of(router) for router in routers if self._may_resume(router)}
        for group in self._groups:
            members = {key_of(router) for router in routers if router.name in group.members}
            if not members <= resuming:
                resuming -= members
        return resuming

    def _may_resume(self, router: VirtualRouter) -> bool:
        """Peers take over after `down_timer_adverts` silent intervals and a skew; before that, nobody has noticed."""
        last = self._ledger.read(key_of(router))
        if last is None or not last.was_master:
            return False
        silence_s = time.monotonic() - last.last_advert_s
        return 0 <= silence_s < router.down_timer_adverts * router.advert_interval_s

    def _resolved(self, work: RouterWork) -> set[AddressKey]:
        """Keys of the addresses that an earlier run may have left."""
        indexes = {name: segment.link.index for name, segment in self._segments.items() if segment.link is not None}
        return {
            wanted(address, indexes[address.interface]).key for address in work.formerly_owned if address.interface in indexes
        }

    # -- what comes in --------------------------------------------------------------------------------------------------

    def _now_s(self) -> float:
        """The clock that nobody sets. If somebody has set the other one, those that need the time of day hear of it first."""
        now_s = time.monotonic()
        offset_s = time.time() - now_s
        if abs(offset_s - self._unix_offset_s) > CLOCK_STEP_S:
            self._unix_offset_s = offset_s
            for instance in self._stations:
                self._routers.inform(instance, ClockSet(offset_s), now_s)
        return now_s

    def _on_datagram(self, segment: Segment, datagram: bytes) -> None:
        """Hand an advert to its virtual router."""
        self._routers.on_packet(segment.name, datagram, self._now_s())
        self._perform()

    def _on_answer(self, segment: Segment, address: Address, mac: bytes) -> None:
        """Somebody else says that he holds an address of ours."""
        for station in list(self._stations.values()):
            held = {(each.interface, each.address) for each in all_addresses(station.instance.router)}
            if (segment.name, address) in held:
                self._tell(station, AddressAnswered(address, mac))

    def _tell(self, station: Station, event: Event) -> None:
        self._routers.inform(station.instance, event, self._now_s())
        self._perform()

    def _on_timer(self) -> None:
        self._routers.on_timer(self._now_s())
        self._perform()

    def _on_kernel(self) -> None:
        """Follow what the kernel tells: links come and go, and addresses, ours or such that adverts may come from."""
        for event in self._monitor.read():
            match event:
                case LinkChanged(link):
                    self._learn_link(link.name, link)
                case LinkRemoved(index, name):
                    self._holdings.interface_vanished(index)
                    self._forget_link(name, index)
                case AddressAdded(key, attributes):
                    self._holdings.appeared(key, attributes)
                    self._learn_sources(key)
                case AddressRemoved(key):
                    self._holdings.vanished(key)
                    self._learn_sources(key)
                case Overrun():
                    log.warning("notifications of the kernel were lost; reading links and addresses again")
                    self._learn_everything()
        self._repair_later(REPAIR_DELAY_S)

    # -- what is known --------------------------------------------------------------------------------------------------

    def _learn_everything(self) -> None:
        try:
            links = {link.name: link for link in read_links(self._netlink).values()}
            self._holdings.read()
        except NetlinkError as error:
            log.error("links and addresses cannot be read: %s", error.strerror)  # noqa: TRY400
            return
        for name in list(self._segments):
            self._learn_link(name, links.get(name))
        for station in list(self._stations.values()):
            self._learn_source(station)

    def _forget_link(self, name: str, index: int) -> None:
        """An interface is gone; one of the same name may have taken its place already."""
        segment = self._segments.get(name)
        if segment is not None and segment.link is not None and segment.link.index == index:
            self._learn_link(name, None)

    def _learn_link(self, name: str, link: Link | None) -> None:
        segment = self._segments.get(name)
        if segment is None or segment.link == link:
            return
        segment.learn(link)
        for station in list(self._stations.values()):
            router = station.instance.router
            if name in interfaces(router):
                station.prepare(self._segments)
            if name == router.interface:
                segment.join(router, station.source)
                self._learn_source(station)
        self._routers.learn(Kind.INTERFACE, name, segment.up, self._now_s())
        self._perform()

    def _learn_sources(self, key: AddressKey) -> None:
        """An address came or went; a takeover's own hundreds are passed over at once."""
        if key.address in self._virtual:
            return
        for station in list(self._stations.values()):
            link = self._segments[station.instance.router.interface].link
            if link is not None and link.index == key.interface_index:
                self._learn_source(station)

    def _learn_source(self, station: Station) -> None:
        """Adverts come from the interface's first address that is nobody's virtual one; an owner's own may be just that."""
        router = station.instance.router
        link = self._segments[router.interface].link
        virtual = frozenset[Address]() if router.priority == OWNER_PRIORITY else self._virtual
        find = link_local_address if router.family == 6 else primary_address
        address = None if link is None else find(link, self._holdings.current, virtual)
        if address != station.source:
            station.source = address
            self._segments[router.interface].join(router, address)
            self._tell(station, SourceChanged(address))

    def _repair_later(self, delay_s: float) -> None:
        if self._repair_timer is None and self._holdings.missing():
            self._repair_timer = self._loop.call_later(delay_s, self._repair)

    def _repair(self) -> None:
        self._repair_timer = None
        restored = set(self._holdings.repair())
        for station in self._wanted():
            again = [addition.key for addition in station.additions if addition.key in restored]
            if again:
                log.warning("%s: put back %s, which had gone missing", station.name, ", ".join(map(str, again)))
                station.announce(self._segments, station.instance.router.announcements.repeat, only=restored)
        self._repair_later(RETRY_S)

    # -- what goes out --------------------------------------------------------------------------------------------------

    def _perform(self) -> None:
        """Do what is wanted, forget those that have let go, and set the timer for what comes next."""
        for instance, action in self._routers.actions():
            self._do(self._stations[instance], action)
        for changed in self._routers.group_transitions():
            self._report_group(changed.name, changed.old, changed.new)
        if len(self._stations) > len(self._routers.instances) + len(self._routers.leavers):
            self._forget_the_gone()
        self._clock.set(self._routers.deadline())

    def _forget_the_gone(self) -> None:
        staying = {*self._routers.instances.values(), *self._routers.leavers}
        for instance in self._stations.keys() - staying:
            router = self._stations.pop(instance).instance.router
            if not any(key_of(other.router) == key_of(router) for other in staying):
                self._segments[router.interface].leave(router.family, router.virtual_router_id)
        self._answer_if_handed_over()

    def _do(self, station: Station, action: Action | AnnounceAddresses) -> None:
        router = station.instance.router
        match action:
            case SendAdvert(datagrams, priority):
                for datagram in datagrams:
                    self._segments[router.interface].send(datagram)
                self._note(station, master=priority > 0)
            case HoldAddresses():
                self._holdings.hold(station.additions)
                self._watch()
                self._repair_later(RETRY_S)
            case ReleaseAddresses():
                self._release(station)
                self._watch()
            case Announce(repeat):
                station.announce(self._segments, repeat)
            case AnnounceAddresses(addresses, repeat):
                station.announce(self._segments, repeat, only=station.keys_of(addresses))
            case Probe():
                self._probe(station)
            case Transition():
                self._report(station, action)
            case Alarm():
                self._report_alarm(station, action)
            case PriorityChanged(old, new):
                log.info("%s: effective priority %d -> %d", station.name, old, new)
            case Notice(_kind, text):
                log.warning("%s: %s", station.name, text)

    def _probe(self, station: Station) -> None:
        """Of the first address only: who else is master for one of them is so for all."""
        first = station.instance.router.addresses[0]
        self._segments[first.interface].probe(first.address, station.source)

    def _watch(self) -> None:
        """Listen for others that answer for what our masters hold."""
        watched: dict[str, set[Address]] = {name: set() for name in self._segments}
        for instance in self._stations:
            router = instance.router
            if instance.holds_addresses and router.probe_addresses:
                for each in all_addresses(router):
                    watched[each.interface].add(each.address)
        for name, addresses in watched.items():
            self._segments[name].watch(addresses)

    def _release(self, station: Station) -> None:
        """What a reload gave to another virtual router meanwhile is no longer for a leaver to take away."""
        keys = {addition.key for addition in station.additions}
        if self._routers.instances.get(key_of(station.instance.router)) is not station.instance:
            keys -= {addition.key for other in self._wanted() for addition in other.additions}
        self._holdings.release(keys)

    def _note(self, station: Station, *, master: bool) -> None:
        self._ledger.write(key_of(station.instance.router), master=master, last_advert_s=time.monotonic())

    def _report(self, station: Station, transition: Transition) -> None:
        router, new = station.instance.router, transition.new
        station.transitions[new.name.lower(), transition.cause.value] += 1
        station.changed_unix_s = time.time()
        self._note(station, master=new is State.MASTER)
        event = VirtualRouterChanged(
            at_unix_s=station.changed_unix_s,
            name=router.name,
            interface=router.interface,
            virtual_router_id=router.virtual_router_id,
            old=transition.old.name,
            new=new.name,
            cause=transition.cause.value,
            sender=transition.sender,
            sender_priority=transition.sender_priority,
            mail=router.smtp_alert and new not in GIVEN_UP,
            detail=transition.detail,
        )
        self._channel.send(EventReport(event))

    def _report_group(self, name: str, old: State, new: State) -> None:
        mail = any(group.smtp_alert for group in self._groups if group.name == name)
        self._channel.send(EventReport(SyncGroupChanged(time.time(), name, old.name, new.name, mail=mail)))

    def _report_alarm(self, station: Station, alarm: Alarm) -> None:
        router = station.instance.router
        station.alarms[alarm.kind.value] += 1
        event = AlarmRaised(
            at_unix_s=time.time(),
            name=router.name,
            interface=router.interface,
            virtual_router_id=router.virtual_router_id,
            kind=alarm.kind.value,
            text=alarm.text,
            sender=alarm.sender,
            sender_priority=alarm.sender_priority,
            mail=router.smtp_alert,
        )
        self._channel.send(EventReport(event))

    # -- for the supervisor ---------------------------------------------------------------------------------------------

    def hear(self, news: object) -> None:
        """Nothing that is told elsewhere concerns the virtual routers."""

    def status(self) -> RouterStatus:
        """Everything there is to know of the virtual routers."""
        lateness = self._routers.lateness
        return RouterStatus(
            virtual_routers=tuple(status(station, self._holdings.current) for station in self._stations.values()),
            sync_groups=tuple(
                SyncGroupStatus(name, group.state, tuple(member.router.name for member in group.members))
                for name, group in self._routers.groups.items()
            ),
            unknown_virtual_router_ids=self._routers.unknown_virtual_router_ids,
            address_repairs=self._holdings.repairs,
            send_errors=sum(segment.send_errors for segment in self._segments.values()),
            lateness=LatenessStatus(BUCKETS_S, tuple(lateness.counts), lateness.sum_s, lateness.max_s),
            messages_dropped=self._channel.dropped,
        )

    def stop(self, done: Callable[[], None]) -> None:
        """Masters give up with priority 0 and hand over; then every address of ours leaves the kernel."""

        def give_back() -> None:
            safety_net.cancel()
            self._holdings.reconcile()
            done()

        longest_s = max((instance.hand_over_max_s for instance in self._stations), default=0.0)
        if longest_s > HAND_OVER_MARGIN_S:
            log.info("the hand-over may take %.0f s, for adverts are as rare", longest_s)
        safety_net = self._loop.call_later(longest_s + HAND_OVER_MARGIN_S, self._end_hand_overs)
        for key in list(self._routers.instances):
            self._routers.dismiss(key, self._now_s())
            self._perform()
        self._once_handed_over(give_back)

    def _end_hand_overs(self) -> None:
        """Whatever keeps them from ending by themselves must not keep our addresses in the kernel."""
        log.error("%d virtual routers did not end their hand-over; letting go of their addresses", len(self._routers.leavers))
        for leaver in self._routers.leavers:
            self._release(self._stations[leaver])
        self._routers.abandon_leavers()
        self._perform()


def _ahead_of_others(wishes: Scheduling) -> Scheduling:
    """Adverts must not wait for whatever else runs, so what is not configured is wished for all the same."""
    if wishes.real_time_priority is None and wishes.nice is None:
        wishes = replace(wishes, real_time_priority=REAL_TIME_PRIORITY)
    return replace(wishes, lock_memory=True)
