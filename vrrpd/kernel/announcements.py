"""Announcements: a new master tells its neighbours and their switches where its addresses are now.

Gratuitous ARP for IPv4 (RFC 3768 section 6.4.1), unsolicited neighbour advertisements for IPv6 (RFC 5798 section 6.4.1).
Frames are made beforehand, when the configuration or the link changes; at a takeover they are only sent.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from vrrpd.config.model import Address
from vrrpd.kernel.arp import gratuitous_arp
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import neighbour_advertisement

WAIT_MAX_S = 0.02
"""How long one set of announcements may wait for room in the send buffer, in seconds: adverts and timers of every virtual
router wait as long."""

HOPELESS = frozenset({errno.EAGAIN, errno.ENETDOWN, errno.ENODEV, errno.ENXIO})
"""Errors after which the rest of the set is not tried: no room within WAIT_MAX_S, or the interface is down or gone. ENOBUFS is
none of them: the interface's queue dropped that one frame."""


def announcements(link: Link, addresses: Iterable[Address]) -> tuple[bytes, ...]:
    """The frames that announce `addresses` on `link`, in their order; none where neighbours are not found by asking."""
    if not link.arp:
        return ()
    return tuple(
        gratuitous_arp(link.mac, address)
        if isinstance(address, IPv4Address)
        else neighbour_advertisement(link.mac, address, router=link.forwards_ipv6)
        for address in addresses
    )


@dataclass(frozen=True, slots=True)
class Announced:
    """What became of a set of announcements."""

    sent: int
    not_sent: int
    error: OSError | None = None
    """The last reason for a frame that was not sent."""


class FrameSocket:
    """Sends Ethernet frames on one interface; hears none. Raises OSError where there is no such interface or no CAP_NET_RAW."""

    def __init__(self, link: Link) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        try:
            self._socket.bind((link.name, 0))
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Give the socket back; it cannot be used after that."""
        self._socket.close()

    def announce(self, frames: Sequence[bytes], repeat: int) -> Announced:
        """Send all frames, then all of them again, `repeat` rounds in all. Never raises; waits at most WAIT_MAX_S.

        In rounds, so that every address is announced once before any is announced twice.
        """
        deadline_s = time.monotonic() + WAIT_MAX_S
        total, sent, last_error = len(frames) * repeat, 0, None
        for _ in range(repeat):
            for frame in frames:
                error = self._send(frame, deadline_s)
                if error is None:
                    sent += 1
                    continue
                last_error = error
                if error.errno in HOPELESS:
                    return Announced(sent, total - sent, error)
        return Announced(sent, total - sent, last_error)

    def _send(self, frame: bytes, deadline_s: float) -> OSError | None:
        while True:
            try:
                self._socket.send(frame)
            except BlockingIOError as full:
                if not self._writable_before(deadline_s):
                    return full
            except OSError as error:
                return error
            else:
                return None

    def _writable_before(self, deadline_s: float) -> bool:
        wait_s = deadline_s - time.monotonic()
        if wait_s <= 0:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        return bool(poll.poll(wait_s * 1000))
