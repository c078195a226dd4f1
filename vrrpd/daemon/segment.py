"""One interface as the virtual routers on it see it: the link, and the sockets that come and go with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial
from ipaddress import IPv4Address

from vrrpd.config.model import Address, VirtualRouter
from vrrpd.daemon.listener import Listener
from vrrpd.kernel.announcements import FrameSocket
from vrrpd.kernel.answers import AnswerSocket
from vrrpd.kernel.arp import arp_probe
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import UNSPECIFIED, neighbour_solicitation
from vrrpd.kernel.vrrp_socket import RECEIVE_BUFFER_OCTETS, AdvertSender, Reception, reception
from vrrpd.protocol.wire import Datagram

log = logging.getLogger(__name__)

IPV6_MTU_MIN = 1280
"""RFC 8200 section 5."""

ANSWERS_REST_S = 0.01
"""After each reading of answers, which are not urgent: whoever floods us with them must not have the processor to himself."""

Member = tuple[int, int]
"""Family and virtual router id."""


class Segment:
    """An interface by name, present or not. Sockets are open exactly while the link exists and somebody needs them.

    What the kernel refuses is logged once, and tried again whenever the link changes or an advert is sent.
    """

    def __init__(
        self,
        name: str,
        on_datagram: Callable[[Segment, bytes], None],
        on_answer: Callable[[Segment, Address, bytes], None],
        known_senders: Callable[[Segment], Collection[Address]],
    ) -> None:
        """`on_datagram` is given each packet that was heard; `on_answer` an address of `watch` and the MAC of somebody else
        who says that he holds it. `known_senders` tells whose packets must be heard also under a flood."""
        self.name = name
        self.link: Link | None = None
        self.send_errors = 0
        self._on_datagram = on_datagram
        self._on_answer = on_answer
        self._known_senders = known_senders
        self._loop = asyncio.get_running_loop()
        self._members: dict[Member, tuple[Reception, int]] = {}
        """What each virtual router wants to hear, and the octets of receive buffer that it asks for."""
        self._watched: frozenset[Address] = frozenset()
        self._senders: dict[int, AdvertSender] = {}
        """By family."""
        self._listeners: dict[Reception, Listener] = {}
        self._answers: dict[int, AnswerSocket] = {}
        """By family."""
        self._resting: dict[int, asyncio.TimerHandle] = {}
        """Likewise, while answers are not read."""
        self._frames: FrameSocket | None = None
        self._refusals: set[str] = set()
        """What was logged already."""
        self._lacks_sockets = False
        """The kernel refused one: each advert is an occasion to ask again."""
        self._closed_errors = self._closed_drops = 0
        """Of the listeners that are no more."""

    # -- the link -------------------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether packets pass."""
        return self.link is not None and self.link.up

    def learn(self, link: Link | None) -> None:
        """The kernel tells of the link, or (None) that it is gone. Another index is another interface of the same name."""
        if self.link is not None and (link is None or _loses_members(self.link, link)):
            self.close()
        elif self.link is not None and link is not None and link.mac != self.link.mac:
            self._close_answers()  # which would take our own announcements for somebody else's
        self.link = link
        self._open_missing()

    def close(self) -> None:
        """Close every socket. Who joined is remembered, for the interface may come back."""
        for what in list(self._listeners):
            self._close_listener(what)
        self._close_answers()
        for sender in self._senders.values():
            sender.close()
        self._senders.clear()
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        self._refusals.clear()

    # -- adverts --------------------------------------------------------------------------------------------------------

    def join(self, router: VirtualRouter, source: Address | None) -> None:
        """Listen for a virtual router's peers, in place of what it listened to before.

        To be called again whenever its configuration or `source`, the address of its own adverts, changes: unicast peers send
        to that address, and without it are not heard.
        """
        member, what = (router.family, router.virtual_router_id), reception(router, source)
        if what is None:
            self.leave(*member)
            return
        self._members[member] = what, router.receive_buffer_octets or RECEIVE_BUFFER_OCTETS
        self._close_unneeded()
        self._open_missing()

    def leave(self, family: int, virtual_router_id: int) -> None:
        """A virtual router is no more."""
        self._members.pop((family, virtual_router_id), None)
        self._close_unneeded()

    def send(self, datagram: Datagram) -> None:
        """Send one advert; an error is counted, for the next may pass."""
        if self._lacks_sockets:
            self._open_missing()
        sender = self._sender(datagram.destination.version)
        error = OSError() if sender is None else sender.send(datagram)
        if error is not None:
            self.send_errors += 1
            log.debug("%s: advert not sent: %s", self.name, error.strerror)

    @property
    def receive_errors(self) -> int:
        """Times that adverts could not be read, since the start."""
        return self._closed_errors + sum(listener.errors for listener in self._listeners.values())

    @property
    def receive_drops(self) -> int:
        """Adverts that the kernel dropped because they came faster than they were read, since the start."""
        return self._closed_drops + sum(listener.drops for listener in self._listeners.values())

    # -- neighbours -----------------------------------------------------------------------------------------------------

    def announce(self, frames: tuple[bytes, ...], repeat: int) -> None:
        """Send a set of gratuitous ARPs and neighbour advertisements."""
        if self.link is None or not frames or (announcer := self._frame_socket()) is None:
            return
        announced = announcer.announce(frames, repeat)
        if announced.not_sent:
            self.send_errors += announced.not_sent
            log.warning("%s: %d announcements not sent: %s", self.name, announced.not_sent, announced.error)

    def watch(self, addresses: Collection[Address]) -> None:
        """Hear from now on who else says that he holds one of these addresses: those that our masters hold here."""
        watched = frozenset(addresses)
        if watched == self._watched:
            return
        self._watched = watched
        for family in list(self._answers):
            self._listen_for_answers(family)
        self._open_missing()

    def probe(self, address: Address, source: Address | None = None) -> None:
        """Ask who else holds an address of `watch`; an answer comes by `on_answer`.

        `source` is where adverts of IPv6 come from: the answer then comes to us alone. Without one, and of an IPv4 address
        always, nothing is told of who asks.
        """
        if self.link is None or not self.link.arp or (prober := self._frame_socket()) is None:
            return
        if isinstance(address, IPv4Address):
            frame = arp_probe(self.link.mac, address)
        else:
            own = UNSPECIFIED if source is None or isinstance(source, IPv4Address) else source
            frame = neighbour_solicitation(self.link.mac, own, address)
        self.send_errors += prober.announce((frame,), 1).not_sent

    # -- sockets --------------------------------------------------------------------------------------------------------

    def _open_missing(self) -> None:
        """Open what is needed and not there, and give each listener the room that is asked for."""
        if self.link is None:
            return
        self._lacks_sockets = False
        for what, buffer_octets in self._members.values():
            listener = self._listeners.get(what) or self._open_listener(what)
            if listener is not None:
                listener.widen(buffer_octets)
        if self.link.arp:
            for family in {address.version for address in self._watched} - self._answers.keys():
                self._listen_for_answers(family)

    def _close_unneeded(self) -> None:
        needed = {what for what, _octets in self._members.values()}
        for what in self._listeners.keys() - needed:
            self._close_listener(what)

    def _open_listener(self, what: Reception) -> Listener | None:
        assert self.link is not None
        try:
            listener = Listener(self.link, what, partial(self._on_datagram, self), partial(self._known_senders, self))
        except OSError as error:
            self._refused(f"no socket for adverts to {what.destination}", error)
            return None
        self._listeners[what] = listener
        return listener

    def _close_listener(self, what: Reception) -> None:
        listener = self._listeners.pop(what)
        self._closed_errors += listener.errors
        self._closed_drops += listener.drops
        listener.close()

    def _sender(self, family: int) -> AdvertSender | None:
        if self.link is not None and family not in self._senders:
            try:
                self._senders[family] = AdvertSender(self.link, family)
            except OSError as error:
                self._refused(f"no socket to send adverts over IPv{family}", error)
        return self._senders.get(family)

    def _frame_socket(self) -> FrameSocket | None:
        assert self.link is not None
        try:
            self._frames = self._frames or FrameSocket(self.link)
        except OSError as error:
            self._refused("no socket for announcements", error)
            self.send_errors += 1
        return self._frames

    def _listen_for_answers(self, family: int) -> None:
        """Have the socket of a family hear of the watched addresses; it is there only while there are some."""
        assert self.link is not None
        watched = [address for address in self._watched if address.version == family]
        listener = self._answers.get(family)
        if not watched:
            if listener is not None:
                self._close_answers(family)
            return
        try:
            if listener is None:
                listener = self._answers[family] = AnswerSocket(self.link, family)
                self._read_answers(family)
            listener.watch(watched)
        except OSError as error:
            self._refused(f"no socket to hear who else holds our IPv{family} addresses", error)

    def _close_answers(self, *families: int) -> None:
        """Of these families, or of all."""
        for family in families or tuple(self._answers):
            listener = self._answers.pop(family)
            if family in self._resting:
                self._resting.pop(family).cancel()
            self._loop.remove_reader(listener.fileno())
            listener.close()

    def _refused(self, what: str, error: OSError) -> None:
        """Told once: it is tried again with every advert."""
        self._lacks_sockets = True
        if what not in self._refusals:
            self._refusals.add(what)
            log.error("%s: %s: %s; it needs CAP_NET_RAW and CAP_NET_ADMIN", self.name, what, error.strerror)

    def _read_answers(self, family: int) -> None:
        self._resting.pop(family, None)
        self._loop.add_reader(self._answers[family].fileno(), self._answered, family)

    def _answered(self, family: int) -> None:
        listener = self._answers[family]
        self._loop.remove_reader(listener.fileno())
        self._resting[family] = self._loop.call_later(ANSWERS_REST_S, self._read_answers, family)
        for address, mac in listener.receive():
            self._on_answer(self, address, mac)


def _loses_members(old: Link, new: Link) -> bool:
    """Whether the sockets of the old link hear nothing on the new one: it is another, or was too small for IPv6 meanwhile,
    which makes the kernel forget who had joined a group."""
    return old.index != new.index or old.mtu < IPV6_MTU_MIN <= new.mtu
