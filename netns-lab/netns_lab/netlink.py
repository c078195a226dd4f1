"""Reading netlink (netlink(7)) as a witness: messages and their attributes, and nothing of what they mean.

Not the daemon's code, because it is the daemon's work that is looked at. And one request that has to be quick: bridge(8)
takes a tenth of a second or more to start in a busy guest.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

MESSAGE_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE_HEADER = struct.Struct("=HH")  # length, type

NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK = 0x01, 0x04
NLA_F_NESTED = 0x8000
RTM_SETLINK = 19
LINK_HEADER = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
AF_BRIDGE = 7
IFLA_PROTINFO, IFLA_BRPORT_STATE = 12, 1
ANSWER_OCTETS_MAX = 4_096
ERROR = struct.Struct("=i")


def set_bridge_port(port: str, state: int) -> None:
    """Set the forwarding state (BR_STATE_* of linux/if_bridge.h) of a bridge's port in this namespace. Raises OSError."""
    inner = _attribute(IFLA_BRPORT_STATE, bytes([state]))
    body = LINK_HEADER.pack(AF_BRIDGE, 0, socket.if_nametoindex(port), 0, 0) + _attribute(IFLA_PROTINFO | NLA_F_NESTED, inner)
    header = MESSAGE_HEADER.pack(MESSAGE_HEADER.size + len(body), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(header + body)
        answer = kernel.recv(ANSWER_OCTETS_MAX)
    for kind, _flags, octets in messages(answer):
        if kind == NLMSG_ERROR and (number := -ERROR.unpack_from(octets)[0]):
            raise OSError(number, os.strerror(number), port)


def messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message in a datagram from the kernel."""
    while len(datagram) >= MESSAGE_HEADER.size:
        length, kind, flags, *_ = MESSAGE_HEADER.unpack_from(datagram)
        yield kind, flags, datagram[MESSAGE_HEADER.size : length]
        datagram = datagram[_aligned(length) :]


def attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each attribute."""
    while octets:
        length, kind = ATTRIBUTE_HEADER.unpack_from(octets)
        yield kind, octets[ATTRIBUTE_HEADER.size : length]
        octets = octets[_aligned(length) :]


def _attribute(kind: int, payload: bytes) -> bytes:
    length = ATTRIBUTE_HEADER.size + len(payload)
    return ATTRIBUTE_HEADER.pack(length, kind) + payload + bytes(_aligned(length) - length)


def _aligned(length: int) -> int:
    """Up to the next multiple of four."""
    return (length + 3) & ~3
