"""Frames as they pass, with the kernel's time stamps, so that tests can compare bytes.

The kernel collects them in a packet socket (packet(7)) until somebody asks: no thread, no process, no file.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from netns_lab.namespaces import Host, Lab, Namespace

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806
IPPROTO_VRRP = 112
TCP_FIN = 0x01
TCP_RST = 0x04

# Where fields lie in an Ethernet frame without tags, and in an IPv4 packet without options.
ETHERTYPE = slice(12, 14)
IPV4_PROTOCOL = 23
IPV4_SOURCE = slice(26, 30)
TCP_FLAGS = 47

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_STATISTICS = 6
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("=qq")
MEMBERSHIP = struct.Struct("=iHH8s")  # interface index, type, address length, address
STATISTICS = struct.Struct("=II")  # packets, drops

QUEUE_OCTETS = 16 * 1024 * 1024
"""Frames that wait to be asked for: about 20,000 small ones, a minute of a client's requests."""
FRAME_OCTETS_MAX = 65_549
"""The largest IP packet with its Ethernet header, as it leaves with segmentation offload."""
ANCILLARY_OCTETS = 128


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame."""

    time_s: float
    """Of the wall clock (time.time()), taken by the kernel."""
    octets: bytes
    outgoing: bool
    """True if the interface sent it, False if it received it."""

    @property
    def ethertype(self) -> int:
        """What the payload is."""
        return int.from_bytes(self.octets[ETHERTYPE], "big")


class LostFramesError(Exception):
    """The kernel had no room for some frames; whatever is concluded from the others may be wrong."""


class Sniffer:
    """Collects the frames of one interface from when it is made until it is closed."""

    def __init__(
        self,
        namespace: Namespace,
        interface: str = "eth0",
        accept: Callable[[Frame], bool] = lambda _: True,
        *,
        outgoing: bool = True,
    ) -> None:
        """Listen on an interface of a host; only frames that `accept` is true for are returned.

        Without `outgoing` the kernel collects only what the interface receives, so that a flood sent through it costs nothing.
        """
        self._accept = accept
        with namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0 receives nothing until bound
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_OCTETS)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            membership = MEMBERSHIP.pack(socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, bytes(8))
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, not outgoing)
            self._socket.bind((interface, ETH_P_ALL))

    def __enter__(self) -> Self:
        """Nothing more to do: it listens already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self._socket.close()

    def frames(self) -> list[Frame]:
        """All accepted frames that have come since the last call, without waiting.

        Raises LostFramesError if some did not fit the queue.
        """
        self._socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(self._receive())
        except BlockingIOError:
            pass
        _, drops = STATISTICS.unpack(self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, STATISTICS.size))
        if drops:
            raise LostFramesError(f"{drops} frames lost")
        return [frame for frame in found if self._accept(frame)]

    def wait(self, timeout_s: float) -> Frame:
        """The next accepted frame; those that are not accepted are dropped.

        Raises TimeoutError if none comes in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            if self._accept(frame := self._receive()):
                return frame
        raise TimeoutError(f"no such frame in {timeout_s:g} s")

    def _receive(self) -> Frame:
        octets, ancillary, _, address = self._socket.recvmsg(FRAME_OCTETS_MAX, ANCILLARY_OCTETS)
        seconds, nanoseconds = next(
            TIMESPEC.unpack(data) for level, kind, data in ancillary if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)
        )
        return Frame(seconds + nanoseconds / 1e9, octets, address[2] == socket.PACKET_OUTGOING)


def on_bridge(lab: Lab, accept: Callable[[Frame], bool] = lambda _: True) -> Sniffer:
    """A sniffer of all that passes the bridge, whoever sends it to whom."""
    return Sniffer(lab.bridge, "br0", accept)


def from_host(lab: Lab, host: Host, accept: Callable[[Frame], bool] = lambda _: True) -> Sniffer:
    """A sniffer of what one host sends, at the other end of its cable."""
    return Sniffer(lab.bridge, host.plan.name, accept, outgoing=False)


def is_vrrp(frame: Frame) -> bool:
    """True for VRRP over IPv4, also behind an authentication header."""
    return frame.ethertype == ETH_P_IP and frame.octets[IPV4_PROTOCOL] in {IPPROTO_VRRP, socket.IPPROTO_AH}


def is_arp(frame: Frame) -> bool:
    """True for ARP, gratuitous or not."""
    return frame.ethertype == ETH_P_ARP


def is_tcp_end(frame: Frame) -> bool:
    """True for a segment over IPv4 that ends a connection, in good order or not."""
    is_tcp = frame.ethertype == ETH_P_IP and frame.octets[IPV4_PROTOCOL] == socket.IPPROTO_TCP
    return is_tcp and bool(frame.octets[TCP_FLAGS] & (TCP_FIN | TCP_RST))
