"""What the kernel tells unasked: links that come, go and change, addresses that somebody adds or removes.

Notifications are a hint about what changed and may be lost (`Overrun`); what holds is a dump. They come in the order in which
things happened, but a dump made meanwhile may already know more than the next notification.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from ipvs.netlink import messages
from vrrpd.kernel import rtnetlink
from vrrpd.kernel.addresses import AddressAttributes, AddressKey, observed_address
from vrrpd.kernel.links import Link, observed_link
from vrrpd.kernel.socket_options import set_receive_buffer

GROUPS = rtnetlink.RTMGRP_LINK | rtnetlink.RTMGRP_IPV4_IFADDR | rtnetlink.RTMGRP_IPV6_IFADDR

RECEIVE_BUFFER_OCTETS = 4_194_304
"""The kernel doubles it and charges about 900 octets for each notification of an address: room for some 9,000, more than a
takeover of our own makes at once. A limit, not an allocation."""
DATAGRAM_OCTETS = 65_536
"""More than the kernel puts in one notification."""
DATAGRAMS_MAX = 256
"""Read in one call, some milliseconds of work; the rest stays readable for the next."""
DRAIN_MAX = 20_000
"""Datagrams thrown away after an overrun: more than the receive buffer holds."""


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link is new, or something about it is; the whole link as it is now."""

    link: Link


@dataclass(frozen=True, slots=True)
class LinkRemoved:
    """A link is gone, by deletion or into another network namespace."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class AddressAdded:
    """An address is new, or something about it is."""

    key: AddressKey
    attributes: AddressAttributes


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """An address is gone."""

    key: AddressKey


@dataclass(frozen=True, slots=True)
class Overrun:
    """Notifications were lost: what is known of links and addresses must be read anew."""


Event = LinkChanged | LinkRemoved | AddressAdded | AddressRemoved | Overrun


def events(datagram: bytes) -> Iterator[Event]:
    """The events in one datagram from the kernel. What is malformed or of no interest is left out."""
    for kind, _flags, _sequence, payload in messages(datagram):
        if kind in (rtnetlink.RTM_NEWLINK, rtnetlink.RTM_DELLINK):
            link_message = rtnetlink.decode_link(payload)
            if link_message is None:
                continue
            if kind == rtnetlink.RTM_NEWLINK:
                yield LinkChanged(observed_link(link_message))
            else:
                yield LinkRemoved(link_message.index, link_message.name)
        elif kind in (rtnetlink.RTM_NEWADDR, rtnetlink.RTM_DELADDR):
            address_message = rtnetlink.decode_address(payload)
            if address_message is None:
                continue
            key, attributes = observed_address(address_message)
            yield AddressAdded(key, attributes) if kind == rtnetlink.RTM_NEWADDR else AddressRemoved(key)


class RouteMonitor:
    """A non-blocking socket that hears of links and addresses in the network namespace where it was opened."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        set_receive_buffer(self._socket, RECEIVE_BUFFER_OCTETS)
        self._socket.bind((0, GROUPS))

    def fileno(self) -> int:
        """For the event loop: readable when `read` has something to tell."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the socket back; it cannot be used after that."""
        self._socket.close()

    def read(self) -> list[Event]:
        """What happened since the last call, in order; a bounded number, the rest at the next call. Never raises."""
        happened: list[Event] = []
        for _ in range(DATAGRAMS_MAX):
            try:
                datagram, (port, _groups) = self._socket.recvfrom(DATAGRAM_OCTETS)
            except BlockingIOError:
                break
            except OSError:  # ENOBUFS
                self._drain()
                return [Overrun()]
            if port == 0:  # the kernel; other processes with CAP_NET_ADMIN can write to this socket too
                happened += events(datagram)
        return happened

    def _drain(self) -> None:
        """Throw away what is queued: it is older than the dump that follows an overrun, and would contradict it."""
        for _ in range(DRAIN_MAX):
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError:  # another overrun
                continue
