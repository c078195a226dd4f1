"""One interface as the virtual routers on it see it: the link, and the sockets that come and go with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from ipaddress import IPv4Address

from vrrpd.config.model import Address
from vrrpd.kernel.arp import ArpSocket
from vrrpd.kernel.links import Link
from vrrpd.kernel.vrrp_socket import VrrpSocket

log = logging.getLogger(__name__)


class Segment:
    """An interface by name, present or not. Sockets are open exactly while the link exists."""

    def __init__(self, name: str, on_datagram: Callable[[Segment, bytes], None]) -> None:
        self.name = name
        self.link: Link | None = None
        self._on_datagram = on_datagram
        self._groups: dict[IPv4Address, VrrpSocket] = {}
        self._arp: ArpSocket | None = None
        self._loop = asyncio.get_running_loop()
        self.send_errors = 0

    @property
    def up(self) -> bool:
        """Whether packets pass."""
        return self.link is not None and self.link.up

    def learn(self, link: Link | None) -> None:
        """The kernel tells of the link, or (None) that it is gone. Another index is another interface of the same name."""
        if self.link is not None and (link is None or link.index != self.link.index):
            self.close()
        self.link = link

    def join(self, group: Address) -> None:
        """Listen to a group. What the kernel refuses is logged; it is tried again whenever adverts are sent."""
        assert isinstance(group, IPv4Address)  # as version 2 is of IPv4
        if self.link is None or group in self._groups:
            return
        try:
            receiver = VrrpSocket(self.link, group)
        except OSError as error:
            log.error("%s: no VRRP socket: %s; it needs CAP_NET_RAW and CAP_NET_ADMIN", self.name, error.strerror)  # noqa: TRY400
            return
        self._groups[group] = receiver
        self._loop.add_reader(receiver.fileno(), self._readable, receiver)

    def send(self, datagram: bytes, destination: Address) -> None:
        """Send one advert; an error is counted, for the next may pass."""
        assert isinstance(destination, IPv4Address)
        self.join(destination)
        sender = self._groups.get(destination)
        error = OSError() if sender is None else sender.send(datagram, destination)
        if error is not None:
            self.send_errors += 1
            log.debug("%s: advert not sent: %s", self.name, error.strerror)

    def announce(self, frames: tuple[bytes, ...], repeat: int) -> None:
        """Send a set of gratuitous ARPs."""
        if self.link is None or not frames:
            return
        try:
            self._arp = self._arp or ArpSocket(self.link)
        except OSError as error:
            self.send_errors += len(frames) * repeat
            log.error("%s: no ARP socket: %s; it needs CAP_NET_RAW", self.name, error.strerror)  # noqa: TRY400
            return
        announced = self._arp.announce(frames, repeat)
        if announced.not_sent:
            self.send_errors += announced.not_sent
            log.warning("%s: %d announcements not sent: %s", self.name, announced.not_sent, announced.error)

    def close(self) -> None:
        """Close every socket."""
        for receiver in self._groups.values():
            self._loop.remove_reader(receiver.fileno())
            receiver.close()
        self._groups.clear()
        if self._arp is not None:
            self._arp.close()
            self._arp = None

    def _readable(self, receiver: VrrpSocket) -> None:
        for datagram in receiver.receive():
            self._on_datagram(self, datagram)
