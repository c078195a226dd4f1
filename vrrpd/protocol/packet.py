"""VRRP version 2 as bytes: the advert (RFC 3768 section 5), and the IPv4 packet that carries it.

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
    |   Auth Type   |   Adver Int   |          Checksum             |
    |                 IP address, as often as counted               |
    |               Authentication data, 8 octets                   |

Parsing asks only whether this is a sound advert. Whether it is one for us is the business of :mod:`vrrpd.protocol.acceptance`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

VRRP_VERSION = 2
ADVERTISEMENT_TYPE = 1
"""The only message type there is (RFC 3768 section 5.3.2)."""
IP_PROTOCOL_VRRP = 112
TTL = 255
"""No router forwards a packet and leaves this: a packet that has it was sent on this very link (RFC 3768 section 5.2.3)."""
TYPE_OF_SERVICE = 0xC0
"""Precedence "internetwork control", as keepalived sets it."""
AUTHENTICATION_OCTETS = 8
"""Authentication data is always there, zeros where none is used (RFC 3768 section 5.3.10)."""
ADDRESSES_MAX = 255
"""What the count octet can say."""
SURPLUS_OCTETS_MAX = 3
"""Padding that is tolerated behind a message; four octets could be an address that the count does not mention."""

IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
"""Version and header length, TOS, total length, identification, fragments, TTL, protocol, checksum, source, destination."""
VRRP_HEADER = struct.Struct("!BBBBBBH")
"""Version and type, virtual router id, priority, count, authentication type, advert interval, checksum."""

_IPV4_VERSION_AND_LENGTH = 0x45
_VERSION_AND_TYPE = VRRP_VERSION << 4 | ADVERTISEMENT_TYPE
_TTL_OFFSET = 8
_CHECKSUM_OFFSET = 6


@dataclass(frozen=True, slots=True)
class Advertisement:
    """One advert."""

    virtual_router_id: int
    """1 to 255."""
    priority: int
    """0: the master gives up; 255: it owns the addresses."""
    authentication_type: int
    """The number on the wire: 0 none, 1 PASS, 2 AH (RFC 2338 section 5.3.6)."""
    advert_interval_s: int
    """Whole seconds, 0 to 255."""
    addresses: tuple[IPv4Address, ...]
    """At most :data:`ADDRESSES_MAX`, in the order of the configuration."""
    authentication_data: bytes = bytes(AUTHENTICATION_OCTETS)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A sound advert and what its IPv4 header tells of its way here."""

    source: IPv4Address
    destination: IPv4Address
    advertisement: Advertisement


class PacketFault(Enum):
    """Why a packet is no sound advert; the value completes the sentence "dropped, because ..."."""

    LENGTH = "its length does not fit its contents"
    TTL = "its TTL is not 255, so it may come from another link"
    VERSION = "it is not VRRP version 2"
    TYPE = "it is no advertisement"
    CHECKSUM = "its checksum is wrong"


def checksum(octets: bytes) -> int:
    """The one's complement of the one's complement sum (RFC 1071): 0 over octets that carry a right checksum already."""
    padded = octets + bytes(len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)  # at most 2**16 words: two folds carry everything
    return ~(total + (total >> 16)) & 0xFFFF


def encode(advertisement: Advertisement) -> bytes:
    """The VRRP message: header, addresses, authentication data. The checksum covers all of it and no pseudo-header."""
    header = VRRP_HEADER.pack(
        _VERSION_AND_TYPE,
        advertisement.virtual_router_id,
        advertisement.priority,
        len(advertisement.addresses),
        advertisement.authentication_type,
        advertisement.advert_interval_s,
        0,
    )
    body = b"".join(address.packed for address in advertisement.addresses) + advertisement.authentication_data
    return header[:_CHECKSUM_OFFSET] + checksum(header + body).to_bytes(2, "big") + body


def ipv4_datagram(message: bytes, source: IPv4Address, destination: IPv4Address, identification: int, ttl: int = TTL) -> bytes:
    """A whole IPv4 packet around a VRRP message, for a raw socket that takes the header from us (IP_HDRINCL)."""
    length = IPV4_HEADER.size + len(message)
    fields = (_IPV4_VERSION_AND_LENGTH, TYPE_OF_SERVICE, length, identification, 0, ttl, IP_PROTOCOL_VRRP)
    without_sum = IPV4_HEADER.pack(*fields, 0, source.packed, destination.packed)
    return IPV4_HEADER.pack(*fields, checksum(without_sum), source.packed, destination.packed) + message


def virtual_router_id(datagram: bytes) -> int | None:
    """Whom an IPv4 packet is for, before anything about it is checked; None if it is too short to say."""
    offset = _header_octets(datagram) + 1
    return datagram[offset] if offset < len(datagram) else None


def source_address(datagram: bytes) -> IPv4Address | None:
    """Who sent an IPv4 packet, however broken the rest; None if it is too short to say."""
    return IPv4Address(datagram[12:16]) if len(datagram) >= IPV4_HEADER.size else None


def parse(datagram: bytes) -> Parsed | PacketFault:
    """Read an IPv4 packet as a raw socket gives it: the advert in it, or the first thing that is wrong with it.

    Never raises. The order of the checks is keepalived's: length, TTL, version, type, checksum.
    """
    start = _header_octets(datagram)
    if len(datagram) < start + VRRP_HEADER.size:
        return PacketFault.LENGTH
    version_and_type, router_id, priority, count, authentication_type, interval_s, _ = VRRP_HEADER.unpack_from(datagram, start)
    addresses_at = start + VRRP_HEADER.size
    authentication_at = addresses_at + 4 * count
    end = authentication_at + AUTHENTICATION_OCTETS
    if not end <= len(datagram) <= end + SURPLUS_OCTETS_MAX:
        return PacketFault.LENGTH
    if datagram[_TTL_OFFSET] != TTL:
        return PacketFault.TTL
    if version_and_type >> 4 != VRRP_VERSION:
        return PacketFault.VERSION
    if version_and_type & 0x0F != ADVERTISEMENT_TYPE:
        return PacketFault.TYPE
    if checksum(datagram[start:end]) != 0:
        return PacketFault.CHECKSUM
    return Parsed(
        source=IPv4Address(datagram[12:16]),
        destination=IPv4Address(datagram[16:20]),
        advertisement=Advertisement(
            virtual_router_id=router_id,
            priority=priority,
            authentication_type=authentication_type,
            advert_interval_s=interval_s,
            addresses=tuple(IPv4Address(datagram[at : at + 4]) for at in range(addresses_at, authentication_at, 4)),
            authentication_data=bytes(datagram[authentication_at:end]),
        ),
    )


def _header_octets(datagram: bytes) -> int:
    """Length of the IPv4 header with its options; never less than the fixed part, whatever the field claims."""
    return max(IPV4_HEADER.size, (datagram[0] & 0x0F) * 4) if datagram else IPV4_HEADER.size
