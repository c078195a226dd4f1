"""PING_CHECK: an ICMP echo (RFC 792, RFC 4443).

Datagram sockets of ICMP need no privilege: the kernel puts its own identifier into the request and gives the socket the replies
to that alone. Where `net.ipv4.ping_group_range` does not allow them, root uses raw sockets, which see every ICMP packet
from the server.
"""

from __future__ import annotations

import random
import socket
import struct
from functools import cache, partial

from healthcheck.datagram import Question, Reply, Verdictless
from healthcheck.types import PingCheck

HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence number."""
ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_6, ECHO_REPLY_6 = 128, 129
DATA = bytes(range(56))
"""As many octets as ping(8) sends."""


def ping_question(check: PingCheck) -> Question:
    """An echo request with numbers of its own."""
    version = check.address.version
    identifier, sequence = random.SystemRandom().getrandbits(16), random.SystemRandom().getrandbits(16)
    if version == 4:
        request = HEADER.pack(ECHO_REQUEST, 0, 0, identifier, sequence) + DATA
        request = HEADER.pack(ECHO_REQUEST, 0, internet_checksum(request), identifier, sequence) + DATA
    else:  # the kernel fills in the checksum, which covers addresses that only it knows
        request = HEADER.pack(ECHO_REQUEST_6, 0, 0, identifier, sequence) + DATA
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    if _datagrams_allowed(version):
        return Question(request, partial(read_reply, version, None, sequence), kind=socket.SOCK_DGRAM, protocol=protocol)
    return Question(request, partial(read_reply, version, identifier, sequence), kind=socket.SOCK_RAW, protocol=protocol)


def read_reply(version: int, identifier: int | None, sequence: int, packet: bytes) -> Reply:
    """Whether this is the reply to our request. With an `identifier` the packet is from a raw socket, which for IPv4 leaves
    the IP header on.
    """
    if version == 4 and identifier is not None:
        packet = packet[(packet[0] & 0x0F) * 4 if packet else 0 :]
    if len(packet) < HEADER.size:
        return Verdictless("a packet cut short")
    type_, _code, _checksum, seen_identifier, seen_sequence = HEADER.unpack_from(packet)
    if type_ != (ECHO_REPLY if version == 4 else ECHO_REPLY_6):
        return Verdictless("other ICMP packets")
    if seen_sequence != sequence or (identifier is not None and seen_identifier != identifier):
        return Verdictless("replies to somebody else")
    return None


def internet_checksum(octets: bytes) -> int:
    """RFC 1071, of an even number of octets."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@cache
def _datagrams_allowed(version: int) -> bool:
    """Asked once: the setting is the host's, made when it starts."""
    family, protocol = (socket.AF_INET, socket.IPPROTO_ICMP) if version == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    try:
        socket.socket(family, socket.SOCK_DGRAM, protocol).close()
    except PermissionError:
        return False
    except OSError:
        return True  # another lack, which the probe itself will meet and name
    return True
