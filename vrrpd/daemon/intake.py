"""What reaches the virtual routers: adverts and answers from their segments, and what the kernel tells of links and addresses.

Everything ends in an event for :class:`vrrpd.protocol.vrrp_router.VrrpRouter`, after which what that wants is done at once.
"""

from __future__ import annotations

import asyncio
import logging

from ipvs.netlink import NetlinkError
from vrrpd.config.model import Address
from vrrpd.daemon.performer import Performer
from vrrpd.daemon.segment import Segment
from vrrpd.daemon.site import Site
from vrrpd.daemon.station import Station, all_addresses, interfaces
from vrrpd.kernel.addresses import AddressKey
from vrrpd.kernel.links import Link, link_local_address, primary_address, read_links
from vrrpd.kernel.monitor import AddressAdded, AddressRemoved, LinkChanged, LinkRemoved, Overrun, RouteMonitor
from vrrpd.protocol.events import AddressAnswered, Event, SourceChanged
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.tracking import OWNER_PRIORITY

log = logging.getLogger(__name__)


class Intake:
    """Opens the segments, and follows the kernel from the first moment."""

    def __init__(self, site: Site, performer: Performer) -> None:
        self._site = site
        self._performer = performer
        self._monitor = RouteMonitor()
        asyncio.get_running_loop().add_reader(self._monitor.fileno(), self._on_kernel)

    # -- segments -------------------------------------------------------------------------------------------------------

    def open_segments(self, names: set[str]) -> None:
        """Listen on these interfaces, too, and know how they and all others are."""
        new = names - self._site.segments.keys()
        for name in new:
            self._site.segments[name] = Segment(name, self._on_datagram, self._on_answer, self._known_senders)
        self._learn_everything()
        for name in new:
            self._site.routers.learn(Kind.INTERFACE, name, self._site.segments[name].up, self._site.now_s())

    def close_segments(self) -> None:
        """Of interfaces that no virtual router has to do with any more."""
        needed = self._site.names_needed(instance.router for instance in self._site.stations)
        for name in self._site.segments.keys() - needed:
            self._site.segments.pop(name).close()

    def _on_datagram(self, segment: Segment, datagram: bytes) -> None:
        """Hand an advert to its virtual router."""
        self._site.routers.on_packet(segment.name, datagram, self._site.now_s())
        self._performer.perform()

    def _known_senders(self, segment: Segment) -> set[Address]:
        """Masters of the segment, and the peers that are configured."""
        instances = [instance for instance in self._site.stations if instance.router.interface == segment.name]
        peers = {peer.address for each in instances if each.router.unicast for peer in each.router.unicast.peers}
        return peers | {each.master_address for each in instances if each.master_address is not None}

    def _on_answer(self, segment: Segment, address: Address, mac: bytes) -> None:
        """Somebody else says that he holds an address of ours."""
        for station in list(self._site.stations.values()):
            held = {(each.interface, each.address) for each in all_addresses(station.instance.router)}
            if (segment.name, address) in held:
                self._tell(station, AddressAnswered(address, mac))

    def _tell(self, station: Station, event: Event) -> None:
        self._site.routers.inform(station.instance, event, self._site.now_s())
        self._performer.perform()

    # -- the kernel -----------------------------------------------------------------------------------------------------

    def _on_kernel(self) -> None:
        """Follow what the kernel tells: links come and go, and addresses, ours or such that adverts may come from."""
        holdings = self._site.holdings
        for event in self._monitor.read():
            match event:
                case LinkChanged(link):
                    self._learn_link(link.name, link)
                case LinkRemoved(index, name):
                    holdings.interface_vanished(index)
                    self._forget_link(name, index)
                case AddressAdded(key, attributes):
                    holdings.appeared(key, attributes)
                    self._learn_sources(key)
                case AddressRemoved(key):
                    holdings.vanished(key)
                    self._learn_sources(key)
                case Overrun():
                    log.warning("notifications of the kernel were lost; reading links and addresses again")
                    self._learn_everything()
        self._performer.repair_soon()

    def _learn_everything(self) -> None:
        try:
            links = {link.name: link for link in read_links(self._site.netlink).values()}
            self._site.holdings.read()
        except NetlinkError as error:
            log.error("links and addresses cannot be read: %s", error.strerror)  # noqa: TRY400
            return
        for name in list(self._site.segments):
            self._learn_link(name, links.get(name))
        for station in list(self._site.stations.values()):
            self.learn_source(station)

    def _forget_link(self, name: str, index: int) -> None:
        """An interface is gone; one of the same name may have taken its place already."""
        segment = self._site.segments.get(name)
        if segment is not None and segment.link is not None and segment.link.index == index:
            self._learn_link(name, None)

    def _learn_link(self, name: str, link: Link | None) -> None:
        segment = self._site.segments.get(name)
        if segment is None or segment.link == link:
            return
        segment.learn(link)
        for station in list(self._site.stations.values()):
            router = station.instance.router
            if name in interfaces(router):
                station.prepare(self._site.segments)
            if name == router.interface:
                segment.join(router, station.source)
                self.learn_source(station)
        self._site.routers.learn(Kind.INTERFACE, name, segment.up, self._site.now_s())
        self._performer.perform()

    def _learn_sources(self, key: AddressKey) -> None:
        """An address came or went; a takeover's own hundreds are passed over at once."""
        if key.address in self._site.virtual:
            return
        for station in list(self._site.stations.values()):
            link = self._site.segments[station.instance.router.interface].link
            if link is not None and link.index == key.interface_index:
                self.learn_source(station)

    def learn_source(self, station: Station) -> None:
        """Adverts come from the interface's first address that is nobody's virtual one; an owner's own may be just that."""
        router = station.instance.router
        segment = self._site.segments[router.interface]
        virtual = frozenset[Address]() if router.priority == OWNER_PRIORITY else self._site.virtual
        find = link_local_address if router.family == 6 else primary_address
        address = None if segment.link is None else find(segment.link, self._site.holdings.current, virtual)
        if address != station.source:
            station.source = address
            segment.join(router, address)
            self._tell(station, SourceChanged(address))
