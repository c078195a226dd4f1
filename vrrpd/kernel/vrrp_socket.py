"""Adverts in and out: the pair of raw sockets that the virtual routers of one interface and group share.

Two sockets, because one that sends would also be handed every VRRP packet of the network namespace.
"""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from ipaddress import IPv4Address

from vrrpd.config.model import VRRP_GROUP
from vrrpd.kernel.links import Link

IPPROTO_VRRP = 112
MEMBERSHIP = struct.Struct("=4s4si")  # struct ip_mreqn: group, local address, interface index

TC_PRIO_CONTROL = 7
"""SO_PRIORITY of adverts: ahead of all else in the interface's queue (include/uapi/linux/pkt_sched.h)."""
DATAGRAM_OCTETS_MAX = 2_048
"""The longest advert has an IPv4 header of 60 octets, an authentication header of 24, and 255 addresses: 1,120 octets. What is
longer is cut, and then contradicts its own length field."""
DATAGRAMS_MAX = 64
"""Read in one call, so that a flood cannot keep the event loop from its timers; the rest stays readable for the next."""


class VrrpSocket:
    """Sends and receives the adverts of one multicast group on one interface. Non-blocking; does not hear itself.

    Raises OSError where the sockets cannot be had: no such interface, no CAP_NET_RAW or CAP_NET_ADMIN.
    """

    def __init__(self, link: Link, group: IPv4Address = VRRP_GROUP) -> None:
        self.receive_errors = 0
        """Times that reading failed other than for want of datagrams."""
        with ExitStack() as opened:
            self._sender = opened.enter_context(_raw_socket(socket.IPPROTO_RAW))  # implies IP_HDRINCL, and hears nothing
            self._receiver = opened.enter_context(_raw_socket(IPPROTO_VRRP))
            _bind_sender(self._sender, link)
            _bind_receiver(self._receiver, link, group)
            opened.pop_all()
        self.receive()  # what came from other interfaces before the socket was bound to this one

    def fileno(self) -> int:
        """For the event loop: readable when adverts are waiting."""
        return self._receiver.fileno()

    def close(self) -> None:
        """Leave the group and give the sockets back; they cannot be used after that."""
        self._sender.close()
        self._receiver.close()

    def receive(self) -> list[bytes]:
        """The waiting IPv4 datagrams, header included, at most DATAGRAMS_MAX of them. Never raises."""
        datagrams: list[bytes] = []
        try:
            while len(datagrams) < DATAGRAMS_MAX:
                datagrams.append(self._receiver.recv(DATAGRAM_OCTETS_MAX))
        except BlockingIOError:
            pass
        except OSError:
            self.receive_errors += 1
        return datagrams

    def send(self, datagram: bytes, destination: IPv4Address) -> OSError | None:
        """Send one IPv4 datagram with its own header; the kernel fills in the header's checksum.

        Returns the error if it was not sent (ENETDOWN, ENOBUFS, EPERM from a packet filter ...). None of them is fatal: the
        next advert may pass.
        """
        flags = socket.MSG_DONTROUTE if destination.is_multicast else 0
        try:
            self._sender.sendto(datagram, flags, (str(destination), 0))
        except OSError as error:
            return error
        return None


def _raw_socket(protocol: int) -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)


def _bind_sender(sender: socket.socket, link: Link) -> None:
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, MEMBERSHIP.pack(bytes(4), bytes(4), link.index))
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, TC_PRIO_CONTROL)


def _bind_receiver(receiver: socket.socket, link: Link, group: IPv4Address) -> None:
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    receiver.bind((str(group), 0))  # not the groups of other sockets, nor what is sent to this host's own addresses
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, MEMBERSHIP.pack(group.packed, bytes(4), link.index))
