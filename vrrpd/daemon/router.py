"""The router process: every virtual router of this host, on one event loop, waiting for nothing but packets and time.

It forks no script, opens no file, resolves no name and waits for no other process (DESIGN rule 3). Here is what the supervisor
asks of it. Packets, and changes of links and addresses, come in by :mod:`vrrpd.daemon.intake` and drive
:class:`vrrpd.protocol.vrrp_router.VrrpRouter`; what that wants done is done by :mod:`vrrpd.daemon.performer`, in its order.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from ipvs.netlink import NetlinkSocket
from vrrpd.config.model import Scheduling, VirtualRouter
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.child import take_place
from vrrpd.daemon.intake import Intake
from vrrpd.daemon.ledger import Ledger
from vrrpd.daemon.messages import AskRecording, RouterWork
from vrrpd.daemon.performer import Performer
from vrrpd.daemon.recordings import RecordingFiles
from vrrpd.daemon.reporter import Reporter
from vrrpd.daemon.scribe import Scribe
from vrrpd.daemon.site import Site
from vrrpd.daemon.station import Station, status
from vrrpd.kernel.addresses import AddressKey, wanted
from vrrpd.protocol.events import AdvertsNumbered, ClockSet
from vrrpd.protocol.lateness import BUCKETS_S
from vrrpd.protocol.resumption import resuming
from vrrpd.protocol.vrrp_router import InstanceKey, key_of
from vrrpd.status.model import LatenessStatus, RouterStatus, SyncGroupStatus

HAND_OVER_MARGIN_S = 2.0
"""A safety net when the process is to end: hand-overs end by themselves, and those that have not so much later never will."""
REAL_TIME_PRIORITY = 20
"""Unless configured: ahead of everything that is not real-time itself, behind the kernel's own threads (50 and above)."""

log = logging.getLogger(__name__)


class Router:
    """The role of the router process. See `vrrpd.daemon.child.Role`."""

    def __init__(self, channel: Channel, ledger: Ledger, files: RecordingFiles) -> None:
        self._channel = channel
        self._ledger = ledger
        self._site = Site(NetlinkSocket(socket.NETLINK_ROUTE))
        self._performer = Performer(self._site, ledger, Reporter(channel), self._answer_if_handed_over)
        self._intake = Intake(self._site, self._performer)
        self._scribe = Scribe(self._site.routers, lambda: self._site.unix_offset_s, channel.send, files)
        self._waiting: list[Callable[[], None]] = []
        """To be called when there are no leavers: one for each order of the supervisor, which rarely gives two at once."""
        self._scheduled = False

    # -- configuration --------------------------------------------------------------------------------------------------

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take the configured virtual routers: new ones start, vanished ones hand over, changed ones go on without a flap."""
        assert isinstance(work, RouterWork)
        site, routers = self._site, self._site.routers
        if not self._scheduled:
            self._scheduled = True
            routers.start_from(work.starts_from_s)
            take_place("router", _ahead_of_others(work.scheduling))
        site.groups = work.sync_groups
        routers.pace(work.vrrp.garp_interval_s, work.vrrp.gna_interval_s, work.garp_groups)
        configured = {key_of(router): router for router in work.virtual_routers}
        for key in routers.instances.keys() - configured.keys():
            self._dismiss(key)
        self._intake.open_segments(site.names_needed(work.virtual_routers))
        new = []
        for key, router in configured.items():
            instance = routers.instances.get(key)
            if instance is None:
                new.append(self._add(router))
            elif instance.router != router:
                self._reconfigure(site.stations[instance], router)
        routers.group(work.sync_groups, site.now_s())
        self._performer.perform()
        owned = {addition.key for station in site.stations.values() for addition in station.additions}
        site.holdings.own(owned | self._resolved(work))
        site.virtual = frozenset(key.address for key in owned)
        starting = [station.instance.router for station in new]
        masters = resuming(starting, site.groups, self._ledger.read, time.monotonic())
        for station in new:
            self._start(station, resume_master=key_of(station.instance.router) in masters)
        site.holdings.reconcile()
        site.holdings.disown(owned)
        remaining = {addition.key for station in site.staying() for addition in station.additions}

        def finish() -> None:
            site.holdings.disown(remaining)
            self._intake.close_segments()
            done()

        self._once_handed_over(finish)

    def _add(self, router: VirtualRouter) -> Station:
        """One that is prepared and does not take part yet."""
        site = self._site
        instance = site.routers.add(router)
        station = site.stations[instance] = Station(instance)
        station.prepare(site.segments)
        site.routers.inform(instance, ClockSet(site.unix_offset_s), site.now_s())
        last = self._ledger.read(key_of(router))
        if last is not None:
            site.routers.inform(instance, AdvertsNumbered(last.sequence), site.now_s())
        self._performer.perform()
        return station

    def _start(self, station: Station, *, resume_master: bool) -> None:
        """Begin as the protocol says, or go on as master where the peers cannot have noticed that we were away."""
        router = station.instance.router
        self._site.segments[router.interface].join(router, station.source)
        self._intake.learn_source(station)
        self._site.routers.start(key_of(router), self._site.now_s(), resume_master=resume_master)
        self._performer.perform()

    def _reconfigure(self, station: Station, router: VirtualRouter) -> None:
        """Prepare for what the new configuration says before its state machine acts on it."""
        site = self._site
        before = {addition.key for addition in station.additions}
        site.segments[router.interface].join(router, station.source)
        site.routers.reconfigure(key_of(router), router, site.now_s())
        station.prepare(site.segments)
        site.holdings.release(before - {addition.key for addition in station.additions})
        self._performer.perform()

    def _dismiss(self, key: InstanceKey) -> None:
        self._site.routers.dismiss(key, self._site.now_s())
        self._performer.perform()

    def _once_handed_over(self, answer: Callable[[], None]) -> None:
        """Answer the supervisor when no leaver holds an address any more, which may be now."""
        self._waiting.append(answer)
        self._answer_if_handed_over()

    def _answer_if_handed_over(self) -> None:
        while self._waiting and not self._site.routers.leavers:
            self._waiting.pop(0)()

    def _resolved(self, work: RouterWork) -> set[AddressKey]:
        """Keys of the addresses that an earlier run may have left."""
        indexes = {name: segment.link.index for name, segment in self._site.segments.items() if segment.link is not None}
        return {
            wanted(address, indexes[address.interface]).key for address in work.formerly_owned if address.interface in indexes
        }

    # -- for the supervisor ---------------------------------------------------------------------------------------------

    def hear(self, news: object) -> None:
        """Somebody wants the recording. Nothing else that is told elsewhere concerns the virtual routers."""
        if isinstance(news, AskRecording):
            self._scribe.give(news.number)

    def status(self, done: Callable[[RouterStatus], None]) -> None:
        """Everything there is to know of the virtual routers."""
        site, routers = self._site, self._site.routers
        lateness = routers.lateness
        done(
            RouterStatus(
                virtual_routers=tuple(status(station, site.holdings.current) for station in site.stations.values()),
                sync_groups=tuple(
                    SyncGroupStatus(name, group.state, tuple(member.router.name for member in group.members))
                    for name, group in routers.groups.items()
                ),
                unknown_virtual_router_ids=routers.unknown_virtual_router_ids,
                address_repairs=site.holdings.repairs,
                send_errors=sum(segment.send_errors for segment in site.segments.values()),
                receive_errors=sum(segment.receive_errors for segment in site.segments.values()),
                receive_drops=sum(segment.receive_drops for segment in site.segments.values()),
                lateness=LatenessStatus(BUCKETS_S, tuple(lateness.counts), lateness.sum_s, lateness.max_s),
                messages_dropped=self._channel.dropped,
            )
        )

    def stop(self, done: Callable[[], None]) -> None:
        """Masters give up with priority 0 and hand over; then every address of ours leaves the kernel."""
        site = self._site

        def give_back() -> None:
            safety_net.cancel()
            site.holdings.reconcile()
            done()

        longest_s = max((instance.hand_over_max_s for instance in site.stations), default=0.0)
        if longest_s > HAND_OVER_MARGIN_S:
            log.info("the hand-over may take %.0f s, for adverts are as rare", longest_s)
        safety_net = asyncio.get_running_loop().call_later(longest_s + HAND_OVER_MARGIN_S, self._end_hand_overs)
        for key in list(site.routers.instances):
            self._dismiss(key)
        self._once_handed_over(give_back)

    def _end_hand_overs(self) -> None:
        """Whatever keeps them from ending by themselves must not keep our addresses in the kernel."""
        routers = self._site.routers
        log.error("%d virtual routers did not end their hand-over; letting go of their addresses", len(routers.leavers))
        for leaver in routers.leavers:
            self._performer.release(self._site.stations[leaver])
        routers.abandon_leavers()
        self._performer.perform()


def _ahead_of_others(wishes: Scheduling) -> Scheduling:
    """Adverts must not wait for whatever else runs, so what is not configured is wished for all the same."""
    if wishes.real_time_priority is None and wishes.nice is None:
        wishes = replace(wishes, real_time_priority=REAL_TIME_PRIORITY)
    return replace(wishes, lock_memory=True)
