"""Who saw what: the kernel's own word on addresses, on what it was asked to change, and on what went over the wire."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self

from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.netlink import NetlinkSocket
from netns_lab.namespaces import Host
from netns_lab.netlink import attributes, messages
from netns_lab.sniffer import ETH_P_ALL, IPV4_SOURCE, Frame, Sniffer, is_arp, is_vrrp

NLM_F_REQUEST = 0x01
ADDRESS_HEADER_OCTETS = 8
IFA_LOCAL = 2
RTM_NEWADDR, RTM_DELADDR = 20, 21
RTMGRP_IPV4_IFADDR = 0x10
DATAGRAM_OCTETS_MAX = 1 << 18
QUEUE_OCTETS = 1 << 22
SO_RCVBUFFORCE = 33

IPVS_CHANGES = {1: "NEW_SERVICE", 2: "SET_SERVICE", 3: "DEL_SERVICE", 5: "NEW_DEST", 6: "SET_DEST", 7: "DEL_DEST", 17: "FLUSH"}
"""Commands of IPVS that change its table (IPVS_CMD_* of linux/ip_vs.h)."""
ADDRESS_CHANGES = {RTM_NEWADDR: "NEWADDR", RTM_DELADDR: "DELADDR"}

# Where fields lie in an Ethernet frame with an advert, or with an ARP packet for IPv4.
VIRTUAL_ROUTER_ID = 35
PRIORITY = 36
ARP_SENDER_MAC = slice(22, 28)
ARP_SENDER = slice(28, 32)
ARP_TARGET = slice(38, 42)


class AddressWitness:
    """Is told by the kernel of every IPv4 address that comes to a host or leaves it."""

    def __init__(self, host: Host) -> None:
        with host.entered():
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_OCTETS)
        self._socket.bind((0, RTMGRP_IPV4_IFADDR))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def changes(self) -> list[str]:
        """What happened since the last call, in order, such as `+192.168.4.15` and `-192.168.4.15`."""
        seen = []
        for datagram, _protocol in _waiting(self._socket):
            for kind, _flags, body in messages(datagram):
                address = IPv4Address(dict(attributes(body[ADDRESS_HEADER_OCTETS:]))[IFA_LOCAL])
                seen.append(f"{'+' if kind == RTM_NEWADDR else '-'}{address}")
        return seen


class NetlinkWitness:
    """Reads along whatever anybody in a host asks the kernel to change, from a device made for that (drivers/net/nlmon.c)."""

    def __init__(self, host: Host) -> None:
        self._host = host
        host.ip_batch(["link add nlmon0 type nlmon", "link set nlmon0 up"])
        with host.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_OCTETS)
            self._socket.bind(("nlmon0", ETH_P_ALL))
            generic = NetlinkSocket(NETLINK_GENERIC)
        self._ipvs = family_id(generic, "IPVS")
        generic.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()
        self._host.ip_batch(["link del nlmon0"])

    def changes(self) -> list[str]:
        """Requests since the last call that change IPVS or an address, in order and by the kernel's names for them."""
        seen = []
        for datagram, protocol in _waiting(self._socket):
            for kind, flags, body in messages(datagram):
                if not flags & NLM_F_REQUEST:
                    continue
                if protocol == socket.NETLINK_ROUTE and kind in ADDRESS_CHANGES:
                    seen.append(ADDRESS_CHANGES[kind])
                elif protocol == NETLINK_GENERIC and kind == self._ipvs and body[0] in IPVS_CHANGES:
                    seen.append(IPVS_CHANGES[body[0]])
        return seen


def source(frame: Frame) -> IPv4Address:
    """Who sent an advert."""
    return IPv4Address(frame.octets[IPV4_SOURCE])


def adverts_of(host: Host, virtual_router_id: int = 50) -> Callable[[Frame], bool]:
    """True for the adverts of one host for one virtual router."""
    sender = host.plan.address.ip
    return lambda frame: is_vrrp(frame) and source(frame) == sender and frame.octets[VIRTUAL_ROUTER_ID] == virtual_router_id


def announces(address: IPv4Address) -> Callable[[Frame], bool]:
    """True for gratuitous ARP for an address."""
    wanted = address.packed
    return lambda frame: is_arp(frame) and frame.octets[ARP_SENDER] == frame.octets[ARP_TARGET] == wanted


def intervals_s(frames: list[Frame]) -> list[float]:
    """The times between frames."""
    return [later.time_s - earlier.time_s for earlier, later in itertools.pairwise(frames)]


def watch(sniffer: Sniffer, duration_s: float, timeout_s: float) -> list[Frame]:
    """Accepted frames as they come, from the next one until one that is `duration_s` later.

    Raises TimeoutError when none comes for `timeout_s`.
    """
    frames = [sniffer.wait(timeout_s)]
    while frames[-1].time_s - frames[0].time_s < duration_s:
        frames.append(sniffer.wait(timeout_s))
    return frames


def _waiting(queue: socket.socket) -> Iterator[tuple[bytes, int]]:
    """Every datagram that has come, without waiting, and for a packet socket its protocol."""
    queue.setblocking(False)
    while True:
        try:
            datagram, address = queue.recvfrom(DATAGRAM_OCTETS_MAX)
        except BlockingIOError:
            return
        yield datagram, address[1]
