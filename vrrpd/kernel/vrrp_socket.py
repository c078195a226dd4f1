"""Adverts in and out: the raw sockets that the virtual routers of one interface share.

A datagram is one whole IP packet, of IPv4 or IPv6. One socket for each family sends them with the headers that they bring. One
for each `Reception` hears them; apart from the senders, because one that sends would also be handed every VRRP packet of the
network namespace.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address

from vrrpd.config.model import Address, AuthenticationType, VirtualRouter
from vrrpd.kernel.links import Link
from vrrpd.kernel.socket_options import (
    DROP,
    JUMP_IF_EQUAL,
    LOAD_BYTE_BEHIND_X,
    LOAD_WORD,
    LOAD_X_WITH_IPV4_HEADER_LENGTH,
    NETWORK_HEADER,
    TAKE,
    Instruction,
    attach_filter,
    bind_to_interface,
    dropped,
    set_receive_buffer,
)
from vrrpd.protocol.ip_header import IPV6_HEADER
from vrrpd.protocol.wire import Datagram

IPPROTO_VRRP = 112
IPPROTO_AH = socket.IPPROTO_AH

IP_FREEBIND = 15  # include/uapi/linux/in.h
IPV6_MULTICAST_ALL = 29  # include/uapi/linux/in6.h
IPV6_FREEBIND = 78
MEMBERSHIP = struct.Struct("=4s4si")  # struct ip_mreqn: group, local address, interface index
MEMBERSHIP6 = struct.Struct("=16si")  # struct ipv6_mreq: group, interface index
PACKET_INFO6 = struct.Struct("=16sI")  # struct in6_pktinfo: destination, interface index
NUMBER = struct.Struct("=i")
ANCILLARY_OCTETS = socket.CMSG_SPACE(PACKET_INFO6.size) + 2 * socket.CMSG_SPACE(NUMBER.size)

TC_PRIO_CONTROL = 7
"""SO_PRIORITY of adverts: ahead of all else in the interface's queue (include/uapi/linux/pkt_sched.h)."""
DATAGRAM_OCTETS_MAX = 4_352
"""The longest advert has an IPv6 header, 255 addresses and a keyed hash behind them: 4,156 octets. Longer ones are dropped."""
DATAGRAMS_MAX = 64
"""Read in one call, so that a flood cannot keep the event loop from its timers; the rest stays readable for the next."""
RECEIVE_BUFFER_OCTETS = 524_288
"""Unless configured. The kernel doubles it and charges 768 octets or more for an advert: room for some 1,300, which is all 255
virtual routers of a segment for five seconds."""

SENDERS_MAX = 256
"""Told apart by a filter, which compares them one by one, two instructions each; the rest counts as unknown. More would not fit
the 20,480 octets (net.core.optmem_max) of older kernels, where a filter and its successor are charged together."""
SENDER_TAIL_AT = {4: NETWORK_HEADER + 12, 6: NETWORK_HEADER + 20}
"""Where the last four octets of the source are in an IP header, by family."""

AH_CARRIES_VRRP: tuple[Instruction, ...] = (
    (LOAD_X_WITH_IPV4_HEADER_LENGTH, 0, 0, 0),
    (LOAD_BYTE_BEHIND_X, 0, 0, 0),  # the authentication header begins with what comes next (RFC 4302 section 2.1)
    (JUMP_IF_EQUAL, 1, 0, IPPROTO_VRRP),
    DROP,
)
"""Keeps IPsec's packets from a socket that hears authenticated adverts."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What one receiving socket hears on its interface."""

    protocol: int
    """IPPROTO_VRRP, or IPPROTO_AH for adverts with an authentication header, which exist over IPv4 only."""
    destination: Address
    """The multicast group, or the own address to which unicast peers send."""


def reception(router: VirtualRouter, source: Address | None) -> Reception | None:
    """Where a virtual router hears its peers' adverts.

    Unicast peers send theirs to where its own come from: the configured address, or else `source`, which is what its interface
    has; None while that is not known.
    """
    authenticated = router.version == 2 and router.family == 4 and router.authentication.type is AuthenticationType.AH
    protocol = IPPROTO_AH if authenticated else IPPROTO_VRRP
    destination = router.multicast_group if router.unicast is None else router.source_address or source
    return None if destination is None else Reception(protocol, destination)


class AdvertSender:
    """Sends the adverts of one family on one interface. Non-blocking; hears nothing, and this host does not hear its multicast.

    Raises OSError where the socket cannot be had: no such interface, no CAP_NET_RAW or CAP_NET_ADMIN, no IPv6.
    """

    def __init__(self, link: Link, family: int) -> None:
        self._link = link
        with ExitStack() as opened:
            # IPPROTO_RAW sends headers as they come, in both families, and hears nothing.
            self._socket = opened.enter_context(_raw_socket(family, socket.IPPROTO_RAW))
            bind_to_interface(self._socket, link)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, TC_PRIO_CONTROL)
            if family == 4:
                membership = MEMBERSHIP.pack(bytes(4), bytes(4), link.index)
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            else:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, link.index)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            opened.pop_all()

    def close(self) -> None:
        """Give the socket back; it cannot be used after that."""
        self._socket.close()

    def send(self, datagram: Datagram) -> OSError | None:
        """Send one packet with its own header; of IPv4 the kernel fills in the header's checksum, else it changes nothing.

        A group is reached on the link itself; a unicast peer may be behind a router. Returns the error if it was not sent
        (ENETDOWN, ENOBUFS, EPERM from a packet filter ...). None of them is fatal: the next advert may pass.
        """
        flags = socket.MSG_DONTROUTE if datagram.destination.is_multicast else 0
        try:
            self._socket.sendto(datagram.octets, flags, _socket_address(datagram.destination, self._link))
        except OSError as error:
            return error
        return None


class AdvertReceiver:
    """Hears the adverts of one `Reception` on one interface. Non-blocking.

    Raises OSError where the socket cannot be had: as for `AdvertSender`, and where the group cannot be joined.
    """

    def __init__(self, link: Link, what: Reception, buffer_octets: int = RECEIVE_BUFFER_OCTETS, *, deaf: bool = False) -> None:
        """A deaf one hears nobody before it is told whom."""
        self.errors = 0
        """Times that reading failed other than for want of datagrams, and datagrams that were too long."""
        self.buffer_octets = 0
        self._reception = what
        with ExitStack() as opened:
            self._socket = opened.enter_context(_raw_socket(what.destination.version, what.protocol))
            if deaf:
                self.hear_only(())
            else:
                self.hear_all_but(())
            _bind_receiver(self._socket, link, what)
            self.widen(buffer_octets)
            opened.pop_all()
        self.receive()  # what came from other interfaces before the socket was bound to this one

    def fileno(self) -> int:
        """For the event loop: readable when adverts are waiting."""
        return self._socket.fileno()

    def close(self) -> None:
        """Leave the group and give the socket back; it cannot be used after that."""
        self._socket.close()

    @property
    def drops(self) -> int:
        """Adverts that the kernel dropped because they came faster than they were read."""
        return dropped(self._socket)

    def widen(self, buffer_octets: int) -> None:
        """Have room for more; a socket that several virtual routers share has what the neediest asks for."""
        if buffer_octets > self.buffer_octets:
            self.buffer_octets = buffer_octets
            set_receive_buffer(self._socket, buffer_octets)

    def hear_only(self, senders: Collection[Address]) -> None:
        """Let the kernel drop, from now on, what others send; what is waiting stays. Raises OSError."""
        self._filter(senders, theirs=TAKE, of_others=DROP)

    def hear_all_but(self, senders: Collection[Address]) -> None:
        """Let the kernel drop, from now on, what these send; what is waiting stays. Raises OSError."""
        self._filter(senders, theirs=DROP, of_others=TAKE)

    def _filter(self, senders: Collection[Address], *, theirs: Instruction, of_others: Instruction) -> None:
        tails = sorted({int.from_bytes(sender.packed[-4:], "big") for sender in senders})[:SENDERS_MAX]
        is_vrrp = AH_CARRIES_VRRP if self._reception.protocol == IPPROTO_AH else ()
        is_of = [instruction for tail in tails for instruction in ((JUMP_IF_EQUAL, 0, 1, tail), theirs)]
        load = (LOAD_WORD, 0, 0, SENDER_TAIL_AT[self._reception.destination.version])
        attach_filter(self._socket, (*is_vrrp, load, *is_of, of_others))

    def receive(self, at_most: int = DATAGRAMS_MAX) -> list[bytes]:
        """The waiting datagrams, IP header included, at most so many of them, and DATAGRAMS_MAX. Never raises."""
        datagrams: list[bytes] = []
        try:
            for _ in range(min(at_most, DATAGRAMS_MAX)):
                octets, ancillary, flags, sender = self._socket.recvmsg(DATAGRAM_OCTETS_MAX, ANCILLARY_OCTETS)
                if flags & socket.MSG_TRUNC:
                    self.errors += 1
                elif isinstance(self._reception.destination, IPv4Address):
                    datagrams.append(octets)
                else:
                    datagrams.append(_with_header(octets, ancillary, sender[0], self._reception.protocol))
        except BlockingIOError:
            pass
        except OSError:
            self.errors += 1
        return datagrams


def _raw_socket(family: int, protocol: int) -> socket.socket:
    address_family = socket.AF_INET if family == 4 else socket.AF_INET6
    return socket.socket(address_family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)


def _socket_address(address: Address, link: Link) -> tuple[str, int] | tuple[str, int, int, int]:
    if isinstance(address, IPv4Address):
        return str(address), 0
    of_the_link = address.is_link_local or address.is_multicast
    return str(address), 0, 0, link.index if of_the_link else 0


def _bind_receiver(receiver: socket.socket, link: Link, what: Reception) -> None:
    """Hear the one destination: not the groups of other sockets, nor what is sent to other addresses of this host.

    A unicast source may come later than the socket, and go and come again: hence FREEBIND.
    """
    destination = what.destination
    bind_to_interface(receiver, link)
    if isinstance(destination, IPv4Address):
        receiver.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        receiver.bind(_socket_address(destination, link))
        if destination.is_multicast:
            membership = MEMBERSHIP.pack(destination.packed, bytes(4), link.index)
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        return
    receiver.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    # Or a socket that joined no group would hear every group that the host is in, although it is bound to an address.
    receiver.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
    receiver.bind(_socket_address(destination, link))
    for option in (socket.IPV6_RECVPKTINFO, socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVTCLASS):
        receiver.setsockopt(socket.IPPROTO_IPV6, option, 1)
    if destination.is_multicast:
        membership = MEMBERSHIP6.pack(destination.packed, link.index)
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)


def _with_header(payload: bytes, ancillary: list[tuple[int, int, bytes]], sender: str, protocol: int) -> bytes:
    """The packet as it was on the wire, but for its flow label: of IPv6 the kernel hands on what follows the header."""
    said = {kind: octets for level, kind, octets in ancillary if level == socket.IPPROTO_IPV6}
    destination, _interface_index = PACKET_INFO6.unpack(said[socket.IPV6_PKTINFO])
    hop_limit, traffic_class = (NUMBER.unpack(said[kind])[0] for kind in (socket.IPV6_HOPLIMIT, socket.IPV6_TCLASS))
    source = socket.inet_pton(socket.AF_INET6, sender)
    return IPV6_HEADER.pack(6 << 28 | traffic_class << 20, len(payload), protocol, hop_limit, source, destination) + payload
