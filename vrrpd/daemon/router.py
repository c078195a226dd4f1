"""The router process: every virtual router of this host, on one event loop, waiting for nothing but packets and time.

It forks no script, opens no file, resolves no name and waits for no other process (DESIGN rule 3). Packets, link and address
changes and one timer drive the state machines of :mod:`vrrpd.protocol`; what they want done is done here, in their order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from ipvs.netlink import NetlinkError, NetlinkSocket
from vrrpd.config.model import Address, Scheduling, VirtualRouter
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.child import take_place
from vrrpd.daemon.holdings import Holdings
from vrrpd.daemon.ledger import Ledger
from vrrpd.daemon.messages import EventReport, RouterWork
from vrrpd.daemon.segment import Segment
from vrrpd.daemon.station import Station, interfaces, status
from vrrpd.kernel.addresses import AddressKey, AddressTable
from vrrpd.kernel.links import Link, primary_address, read_links
from vrrpd.kernel.monitor import AddressAdded, AddressRemoved, LinkChanged, LinkRemoved, Overrun, RouteMonitor
from vrrpd.protocol.actions import Action, Announce, HoldAddresses, Notice, ReleaseAddresses, SendAdvert, Transition
from vrrpd.protocol.events import Event, FaultCleared, FaultRaised, Reconfigured, Shutdown, SourceChanged, Start
from vrrpd.protocol.instance import OWNER_PRIORITY
from vrrpd.protocol.packet import virtual_router_id
from vrrpd.protocol.states import State
from vrrpd.status.events import VirtualRouterChanged
from vrrpd.status.model import RouterStatus

REPAIR_DELAY_S = 0.05
"""An address removed by somebody else is put back so much later: at once for people, and at most twenty times a second when a
program fights for it."""
RETRY_S = 1.0
"""An address that the kernel refused is tried again so often."""
HAND_OVER_MAX_S = 3.0
"""A safety net when the process is to end: hand-overs end by themselves after 1.1 s at most. The supervisor waits for 10 s."""
REAL_TIME_PRIORITY = 20
"""Unless configured: ahead of everything that is not real-time itself, behind the kernel's own threads (50 and above)."""

GIVEN_UP = frozenset({State.INITIALIZE, State.RELINQUISHING})
"""States that an operator asked for, and need no mail."""

StationKey = tuple[str, int]
"""Interface and virtual router id."""

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
        self._stations: dict[StationKey, Station] = {}
        self._leavers: dict[StationKey, Station] = {}
        """No longer wanted; each is forgotten when it has let go of its addresses."""
        self._waiting: list[Callable[[], None]] = []
        """To be called when there are no leavers: one for each order of the supervisor, which rarely gives two at once."""
        self._deadlines: list[tuple[float, int, Station]] = []
        """A heap; an entry whose time is not its station's `armed_s` is stale and passed over."""
        self._order = itertools.count()
        """Between equal deadlines the older one is first."""
        self._virtual: frozenset[Address] = frozenset()
        """Every virtual address: none of them can be a source of adverts."""
        self._timer: asyncio.TimerHandle | None = None
        self._repair_timer: asyncio.TimerHandle | None = None
        self._unknown_ids = 0
        self._lateness_max_s = 0.0
        self._scheduled = False

    # -- configuration --------------------------------------------------------------------------------------------------

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take the configured virtual routers: new ones start, vanished ones hand over, changed ones go on without a flap."""
        assert isinstance(work, RouterWork)
        if not self._scheduled:
            self._scheduled = True
            take_place("router", _ahead_of_others(work.scheduling))
        wanted = {key_of(router): router for router in work.virtual_routers}
        for key in self._stations.keys() - wanted.keys():
            self._dismiss(key)
        self._open_segments({name for router in work.virtual_routers for name in interfaces(router)})
        new = []
        for key, router in wanted.items():
            station = self._stations.get(key)
            if station is None:
                station = self._stations[key] = Station(router)
                station.prepare(self._segments)
                new.append(station)
            elif station.instance.router != router:
                self._reconfigure(station, router)
        owned = {addition.key for station in self._present() for addition in station.additions}
        self._holdings.own(owned | self._resolved(work))
        self._virtual = frozenset(key.address for key in owned)
        for station in new:
            self._start(station)
        self._holdings.reconcile()
        self._holdings.disown(owned)
        remaining = {addition.key for station in self._stations.values() for addition in station.additions}

        def finish() -> None:
            self._holdings.disown(remaining)
            self._close_segments()
            done()

        self._once_handed_over(finish)

    def _open_segments(self, names: set[str]) -> None:
        for name in names - self._segments.keys():
            self._segments[name] = Segment(name, self._on_datagram)
        self._learn_everything()

    def _close_segments(self) -> None:
        """Of interfaces that no virtual router has to do with any more."""
        needed = {name for station in self._present() for name in interfaces(station.instance.router)}
        for name in self._segments.keys() - needed:
            self._segments.pop(name).close()

    def _start(self, station: Station) -> None:
        """Begin as the protocol says, or go on as master where the peers cannot have noticed that we were away."""
        router = station.instance.router
        self._segments[router.interface].join(router.multicast_group)
        self._learn_source(station)
        for name in interfaces(router):
            if not self._segments[name].up:
                self._tell(station, FaultRaised(_interface_down(name)))
        self._tell(station, Start(resume_master=self._may_resume(station)))

    def _dismiss(self, key: StationKey) -> None:
        """Have a virtual router give up. A master may serve on for a while, beside those that stay."""
        station = self._leavers[key] = self._stations.pop(key)
        self._tell(station, Shutdown())

    def _forget(self, key: StationKey) -> None:
        """A leaver has let go."""
        del self._leavers[key]
        self._answer_if_handed_over()

    def _once_handed_over(self, answer: Callable[[], None]) -> None:
        """Answer the supervisor when no leaver holds an address any more, which may be now."""
        self._waiting.append(answer)
        self._answer_if_handed_over()

    def _answer_if_handed_over(self) -> None:
        while self._waiting and not self._leavers:
            self._waiting.pop(0)()

    def _present(self) -> list[Station]:
        """Every virtual router that has something in the kernel, or may have soon."""
        return [*self._stations.values(), *self._leavers.values()]

    def _reconfigure(self, station: Station, router: VirtualRouter) -> None:
        """Prepare for what the new configuration says before its state machine acts on it."""
        before = {addition.key for addition in station.additions}
        self._segments[router.interface].join(router.multicast_group)
        station.instance.on_event(Reconfigured(router), time.monotonic())
        station.prepare(self._segments)
        self._holdings.release(before - {addition.key for addition in station.additions})
        self._perform(station)

    def _may_resume(self, station: Station) -> bool:
        """Peers take over after `down_timer_adverts` silent intervals and a skew; before that, nobody has noticed."""
        router = station.instance.router
        last = self._ledger.read(router.interface, router.virtual_router_id)
        if last is None or not last.was_master:
            return False
        silence_s = time.monotonic() - last.last_advert_s
        return 0 <= silence_s < router.down_timer_adverts * router.advert_interval_s

    def _resolved(self, work: RouterWork) -> set[AddressKey]:
        """Keys of the addresses that an earlier run may have left."""
        indexes = {name: segment.link.index for name, segment in self._segments.items() if segment.link is not None}
        return {
            AddressKey(indexes[address.interface], address.address, address.prefix_length)
            for address in work.formerly_owned
            if address.interface in indexes
        }

    # -- what comes in --------------------------------------------------------------------------------------------------

    def _on_datagram(self, segment: Segment, datagram: bytes) -> None:
        """Hand an advert to its virtual router."""
        number = virtual_router_id(datagram)
        station = None
        if number is not None:
            key = segment.name, number
            station = self._leavers.get(key) or self._stations.get(key)
        if station is None:
            self._unknown_ids += 1
            return
        station.instance.on_packet(datagram, time.monotonic())
        self._perform(station)

    def _tell(self, station: Station, event: Event) -> None:
        station.instance.on_event(event, time.monotonic())
        self._perform(station)

    def _on_timer(self) -> None:
        self._timer = None
        now_s = time.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now_s:
            due_s, _order, station = heapq.heappop(self._deadlines)
            if station.armed_s != due_s:
                continue  # re-armed for another time meanwhile
            station.armed_s = None
            self._lateness_max_s = max(self._lateness_max_s, now_s - due_s)
            station.instance.on_timer(now_s)
            self._perform(station)
        self._arm()

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
        for station in self._present():
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
        was_up = segment.up
        segment.learn(link)
        fault = _interface_down(name)
        if was_up and not segment.up:
            for leaver in list(self._leavers.values()):
                if name in interfaces(leaver.instance.router):
                    self._tell(leaver, FaultRaised(fault))
        for station in self._stations.values():
            router = station.instance.router
            if name not in interfaces(router):
                continue
            station.prepare(self._segments)
            if name == router.interface:
                segment.join(router.multicast_group)
                self._learn_source(station)
            if was_up != segment.up:
                self._tell(station, FaultCleared(fault) if segment.up else FaultRaised(fault))

    def _learn_sources(self, key: AddressKey) -> None:
        """An address came or went; a takeover's own hundreds are passed over at once."""
        if key.address in self._virtual:
            return
        for station in self._present():
            link = self._segments[station.instance.router.interface].link
            if link is not None and link.index == key.interface_index:
                self._learn_source(station)

    def _learn_source(self, station: Station) -> None:
        """Adverts come from the interface's first address that is nobody's virtual one; an owner's own may be just that."""
        router = station.instance.router
        link = self._segments[router.interface].link
        virtual = frozenset[Address]() if router.priority == OWNER_PRIORITY else self._virtual
        address = None if link is None else primary_address(link, self._holdings.current, virtual)
        if address != station.source:
            station.source = address
            self._tell(station, SourceChanged(address))

    def _repair_later(self, delay_s: float) -> None:
        if self._repair_timer is None and self._holdings.missing():
            self._repair_timer = self._loop.call_later(delay_s, self._repair)

    def _repair(self) -> None:
        self._repair_timer = None
        restored = set(self._holdings.repair())
        for station in self._stations.values():
            again = [addition.key for addition in station.additions if addition.key in restored]
            if again:
                log.warning("%s: put back %s, which had gone missing", station.name, ", ".join(map(str, again)))
                station.announce(self._segments, station.instance.router.announcements.repeat, only=restored)
        self._repair_later(RETRY_S)

    # -- what goes out --------------------------------------------------------------------------------------------------

    def _perform(self, station: Station) -> None:
        for action in station.instance.actions():
            self._do(station, action)
        due_s = station.instance.deadline()
        if due_s != station.armed_s:
            station.armed_s = due_s
            if due_s is not None:
                heapq.heappush(self._deadlines, (due_s, next(self._order), station))
            self._arm()
        key = key_of(station.instance.router)
        if station.instance.state is State.INITIALIZE and self._leavers.get(key) is station:
            self._forget(key)

    def _do(self, station: Station, action: Action) -> None:
        router = station.instance.router
        match action:
            case SendAdvert(datagram, priority):
                self._segments[router.interface].send(datagram, router.multicast_group)
                self._note(station, master=priority > 0)
            case HoldAddresses():
                self._holdings.hold(station.additions)
                self._repair_later(RETRY_S)
            case ReleaseAddresses():
                self._release(station)
            case Announce(repeat):
                station.announce(self._segments, repeat)
            case Transition():
                self._report(station, action)
            case Notice(_kind, text):
                log.warning("%s: %s", station.name, text)

    def _release(self, station: Station) -> None:
        """What a reload gave to another virtual router meanwhile is no longer for a leaver to take away."""
        keys = {addition.key for addition in station.additions}
        if self._leavers.get(key_of(station.instance.router)) is station:
            keys -= {addition.key for other in self._stations.values() for addition in other.additions}
        self._holdings.release(keys)

    def _note(self, station: Station, *, master: bool) -> None:
        router = station.instance.router
        self._ledger.write(router.interface, router.virtual_router_id, master=master, last_advert_s=time.monotonic())

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
        )
        self._channel.send(EventReport(event))

    def _arm(self) -> None:
        """One timer for all, re-armed only when the next deadline is another."""
        while self._deadlines and self._deadlines[0][2].armed_s != self._deadlines[0][0]:
            heapq.heappop(self._deadlines)
        next_s = self._deadlines[0][0] if self._deadlines else None
        if self._timer is not None:
            if self._timer.when() == next_s:
                return
            self._timer.cancel()
            self._timer = None
        if next_s is not None:
            self._timer = self._loop.call_at(next_s, self._on_timer)

    # -- for the supervisor ---------------------------------------------------------------------------------------------

    def hear(self, news: object) -> None:
        """Nothing that is told elsewhere concerns the virtual routers."""

    def status(self) -> RouterStatus:
        """Everything there is to know of the virtual routers."""
        return RouterStatus(
            virtual_routers=tuple(
                status(station, self._holdings.current) for station in (self._stations | self._leavers).values()
            ),
            unknown_virtual_router_ids=self._unknown_ids,
            address_repairs=self._holdings.repairs,
            send_errors=sum(segment.send_errors for segment in self._segments.values()),
            lateness_max_s=self._lateness_max_s,
            messages_dropped=self._channel.dropped,
        )

    def stop(self, done: Callable[[], None]) -> None:
        """Masters give up with priority 0 and hand over; then every address of ours leaves the kernel."""

        def give_back() -> None:
            safety_net.cancel()
            self._holdings.reconcile()
            done()

        safety_net = self._loop.call_later(HAND_OVER_MAX_S, self._end_hand_overs)
        for key in list(self._stations):
            self._dismiss(key)
        self._once_handed_over(give_back)

    def _end_hand_overs(self) -> None:
        """Whatever keeps them from ending by themselves must not keep our addresses in the kernel."""
        log.error("%d virtual routers did not end their hand-over; letting go of their addresses", len(self._leavers))
        for station in self._leavers.values():
            self._release(station)
        self._leavers.clear()
        self._answer_if_handed_over()


def key_of(router: VirtualRouter) -> StationKey:
    """What tells virtual routers apart on the wire."""
    return router.interface, router.virtual_router_id


def _ahead_of_others(wishes: Scheduling) -> Scheduling:
    """Adverts must not wait for whatever else runs, so what is not configured is wished for all the same."""
    if wishes.real_time_priority is None and wishes.nice is None:
        wishes = replace(wishes, real_time_priority=REAL_TIME_PRIORITY)
    return replace(wishes, lock_memory=True)


def _interface_down(name: str) -> str:
    """The fault of a virtual router that needs the interface."""
    return f"interface {name} is down"
