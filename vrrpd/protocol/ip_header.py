"""The IP packet that carries a message: its header, of IPv4 (RFC 791) or IPv6 (RFC 8200).

A *datagram* is one whole IP packet. Of IPv6 the kernel shows and takes no header on raw sockets; whoever owns those puts one
there and takes it away, so that here both families look alike. There are no extension headers.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from vrrpd.protocol.checksum import closing, words

TRAFFIC_CLASS = 0xC0
"""Precedence "internetwork control", as keepalived sets it; in IPv4 the type of service."""
SURPLUS_OCTETS_MAX = 3
"""Padding that is tolerated behind a packet or a message; four octets could be an address that no count mentions."""

IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
"""Version and header length, TOS, total length, identification, fragments, TTL, protocol, checksum, source, destination."""
IPV6_HEADER = struct.Struct("!IHBB16s16s")
"""Version, traffic class and flow label, payload length, next header, hop limit, source, destination."""

_IPV4_VERSION_AND_LENGTH = 0x45
_IPV6_VERSION_AND_CLASS = 6 << 28 | TRAFFIC_CLASS << 20
_MORE_FRAGMENTS_AND_OFFSET = 0x3FFF


class IpHeader(NamedTuple):
    """What the header of a packet says."""

    family: int
    """4 or 6."""
    protocol: int
    hop_limit: int
    """In IPv4 the TTL."""
    source: bytes
    destination: bytes
    payload_at: int
    """Where in the packet its payload begins."""
    end: int
    """Where it ends."""
    is_fragment: bool


def read_ip_header(datagram: bytes) -> IpHeader | None:
    """The header of a packet; None if it contradicts itself, or the octets that are there."""
    if len(datagram) < IPV4_HEADER.size:
        return None
    version = datagram[0] >> 4
    if version == 4:
        first, _, end, _, fragment, ttl, protocol, _, source, destination = IPV4_HEADER.unpack_from(datagram)
        payload_at = (first & 0x0F) * 4
        header = IpHeader(4, protocol, ttl, source, destination, payload_at, end, fragment & _MORE_FRAGMENTS_AND_OFFSET != 0)
    elif version == 6 and len(datagram) >= IPV6_HEADER.size:
        _, length, protocol, hop_limit, source, destination = IPV6_HEADER.unpack_from(datagram)
        payload_at = IPV6_HEADER.size
        header = IpHeader(6, protocol, hop_limit, source, destination, payload_at, payload_at + length, is_fragment=False)
    else:
        return None
    if payload_at < IPV4_HEADER.size or not payload_at <= header.end <= len(datagram) <= header.end + SURPLUS_OCTETS_MAX:
        return None
    return header


def source_octets(datagram: bytes) -> bytes | None:
    """Who sent a packet, however broken the rest; None if it is too short to say."""
    if datagram and datagram[0] >> 4 == 6:
        return datagram[8:24] if len(datagram) >= IPV6_HEADER.size else None
    return datagram[12:16] if len(datagram) >= IPV4_HEADER.size else None


def ip_header(source: bytes, destination: bytes, protocol: int, payload_octets: int, hop_limit: int) -> bytes:
    """The header of a packet to send; that of IPv4 still lacks its identification and checksum."""
    if len(source) == 4:
        length = IPV4_HEADER.size + payload_octets
        return IPV4_HEADER.pack(
            _IPV4_VERSION_AND_LENGTH, TRAFFIC_CLASS, length, 0, 0, hop_limit, protocol, 0, source, destination
        )
    return IPV6_HEADER.pack(_IPV6_VERSION_AND_CLASS, payload_octets, protocol, hop_limit, source, destination)


def numbered(header: bytes, identification: int) -> bytes:
    """An IPv4 header of :func:`ip_header` with its identification and checksum."""
    checksum = closing(words(header) + identification)
    return b"%b%b%b%b%b" % (
        header[:4],
        identification.to_bytes(2, "big"),
        header[6:10],
        checksum.to_bytes(2, "big"),
        header[12:],
    )
