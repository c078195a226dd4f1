"""What virtual routers want done is done here, in their order: adverts, addresses, announcements, and reports of it all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from vrrpd.config.model import Address
from vrrpd.daemon.ledger import Ledger
from vrrpd.daemon.reporter import Reporter
from vrrpd.daemon.site import Site
from vrrpd.daemon.station import Station, all_addresses
from vrrpd.kernel.alarm_clock import AlarmClock
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
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.states import State
from vrrpd.protocol.vrrp_router import key_of

REPAIR_DELAY_S = 0.05
"""An address removed by somebody else is put back so much later: at once for people, and at most twenty times a second when a
program fights for it."""
RETRY_S = 1.0
"""An address that the kernel refused is tried again so often."""

log = logging.getLogger(__name__)


class Performer:
    """Does what is wanted, and wakes the virtual routers when they want to be woken."""

    def __init__(self, site: Site, ledger: Ledger, reporter: Reporter, on_gone: Callable[[], None]) -> None:
        """`on_gone` is called when virtual routers have let go for good."""
        self._site = site
        self._ledger = ledger
        self._reporter = reporter
        self._on_gone = on_gone
        self._clock = AlarmClock(self._on_timer)
        self._repair_timer: asyncio.TimerHandle | None = None
        self._watch_is_stale = False

    def perform(self) -> None:
        """Do what is wanted, forget those that have let go, and set the timer for what comes next."""
        site = self._site
        for instance, action in site.routers.actions():
            self._do(site.stations[instance], action)
        if self._watch_is_stale:
            self._watch()
        for changed in site.routers.group_transitions():
            self._reporter.group_transition(changed, site.groups)
        if len(site.stations) > len(site.routers.instances) + len(site.routers.leavers):
            self._forget_the_gone()
        self._clock.set(site.routers.deadline())

    def release(self, station: Station) -> None:
        """What a reload gave to another virtual router meanwhile is no longer for a leaver to take away."""
        keys = {addition.key for addition in station.additions}
        if self._site.routers.instances.get(key_of(station.instance.router)) is not station.instance:
            keys -= {addition.key for other in self._site.staying() for addition in other.additions}
        self._site.holdings.release(keys)

    def repair_soon(self, delay_s: float = REPAIR_DELAY_S) -> None:
        """Put back what is missing, if anything is."""
        if self._repair_timer is None and self._site.holdings.missing():
            self._repair_timer = asyncio.get_running_loop().call_later(delay_s, self._repair)

    def _on_timer(self) -> None:
        self._site.routers.on_timer(self._site.now_s())
        self.perform()

    def _forget_the_gone(self) -> None:
        site = self._site
        staying = {*site.routers.instances.values(), *site.routers.leavers}
        for instance in site.stations.keys() - staying:
            router = site.stations.pop(instance).instance.router
            if not any(key_of(other.router) == key_of(router) for other in staying):
                site.segments[router.interface].leave(router.family, router.virtual_router_id)
        self._on_gone()

    def _repair(self) -> None:
        self._repair_timer = None
        restored = set(self._site.holdings.repair())
        for station in self._site.staying():
            again = [addition.key for addition in station.additions if addition.key in restored]
            if again:
                log.warning("%s: put back %s, which had gone missing", station.name, ", ".join(map(str, again)))
                station.announce(self._site.segments, station.instance.router.announcements.repeat, only=restored)
        self.repair_soon(RETRY_S)

    def _do(self, station: Station, action: Action | AnnounceAddresses) -> None:
        site = self._site
        match action:
            case SendAdvert(datagrams, priority):
                self._note(station, master=priority > 0)  # first: who is killed in between must not use a number twice
                for datagram in datagrams:
                    site.segments[station.instance.router.interface].send(datagram)
            case HoldAddresses():
                site.holdings.hold(station.additions)
                self._watch_is_stale = True
                self.repair_soon(RETRY_S)
            case ReleaseAddresses():
                self.release(station)
                self._watch_is_stale = True
            case Announce(repeat):
                station.announce(site.segments, repeat)
            case AnnounceAddresses(addresses, repeat):
                station.announce(site.segments, repeat, only=station.keys_of(addresses))
            case Probe():
                self._probe(station)
            case Transition(_, new):
                self._note(station, master=new is State.MASTER)
                self._reporter.transition(station, action)
            case Alarm():
                self._reporter.alarm(station, action)
            case PriorityChanged(old, new):
                log.info("%s: effective priority %d -> %d", station.name, old, new)
            case Notice(_kind, text):
                log.warning("%s: %s", station.name, text)

    def _probe(self, station: Station) -> None:
        """Of the first address only: who else is master for one of them is so for all."""
        first = station.instance.router.addresses[0]
        self._site.segments[first.interface].probe(first.address, station.source)

    def _watch(self) -> None:
        """Listen for others that answer for what our masters hold; once, however many of them have changed."""
        self._watch_is_stale = False
        watched: dict[str, set[Address]] = {name: set() for name in self._site.segments}
        for instance in self._site.stations:
            router = instance.router
            if instance.holds_addresses and router.probe_addresses:
                for each in all_addresses(router):
                    watched[each.interface].add(each.address)
        for name, addresses in watched.items():
            self._site.segments[name].watch(addresses)

    def _note(self, station: Station, *, master: bool) -> None:
        instance = station.instance
        key, now_s = key_of(instance.router), time.monotonic()
        self._ledger.write(key, master=master, last_advert_s=now_s, sequence=instance.sequence)
