"""VRRP messages as bytes, of version 2 (RFC 3768 section 5) and 3 (RFC 9568 section 5), and the packets that carry them.

::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
    |   Auth Type   |   Adver Int   |          Checksum             |    version 2
    |(rsvd) |  Max Advertise Int    |          Checksum             |    version 3
    |                 IP address, as often as counted               |
    |               Authentication data, 8 octets                   |    version 2 over IPv4

Opening a packet asks only whether a message can be in it. What is to be thought of it is for :mod:`vrrpd.protocol.checks`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import NamedTuple

from vrrpd.protocol.checksum import closing, words
from vrrpd.protocol.ip_header import IPV4_HEADER, SURPLUS_OCTETS_MAX, read_ip_header

ADVERTISEMENT_TYPE = 1
"""The only message type there is (RFC 3768 section 5.3.2)."""
IP_PROTOCOL_VRRP = 112
IP_PROTOCOL_AH = 51
TTL = 255
"""No router forwards a packet and leaves this: a packet that has it was sent on this very link (RFC 3768 section 5.2.3)."""
AUTHENTICATION_OCTETS = 8
"""Authentication data of version 2 is always there, zeros where none is used (RFC 3768 section 5.3.10); not over IPv6."""
ADDRESSES_MAX = 255
"""What the count octet can say."""
INTERVAL_MAX_CS = 0x0FFF
"""What the twelve bits of version 3 can say: 40.95 s (RFC 9568 section 5.2.7)."""
CENTISECONDS = 100
"""In a second."""

VRRP_HEADER = struct.Struct("!BBBBHH")
"""Version and type, virtual router id, priority, count, authentication type and interval, checksum."""
AUTHENTICATION_HEADER = struct.Struct("!BBH4sI12s")
"""Next header, length in words less 2, reserved, SPI, sequence number, integrity check value (RFC 4302 section 2)."""
AUTHENTICATION_HEADER_WORDS_LESS_2 = AUTHENTICATION_HEADER.size // 4 - 2

_CHECKSUM_AT = 6


class PacketFault(Enum):
    """Why a packet is no sound advert; the value completes the sentence "dropped, because ..."."""

    IP_HEADER = "it is no whole packet with a VRRP message"
    LENGTH = "its length does not fit its contents"
    TTL = "its TTL is not 255, so it may come from another link"
    VERSION = "it is not of our VRRP version"
    TYPE = "it is no advertisement"
    CHECKSUM = "its checksum is wrong"


class Packet(NamedTuple):
    """A packet opened: what its headers say, true or not."""

    datagram: bytes
    family: int
    """4 or 6."""
    hop_limit: int
    source: bytes
    destination: bytes
    end: int
    """Of the packet."""
    authentication_header_at: int | None
    """Where in the packet its authentication header (RFC 4302) begins, if it has one."""
    message_at: int
    """Where its VRRP message begins, of which the header at least is there."""
    version_and_type: int
    virtual_router_id: int
    priority: int
    address_count: int
    interval_word: int
    """Authentication type and seconds in version 2, centiseconds in version 3."""

    @property
    def version(self) -> int:
        """Of VRRP."""
        return self.version_and_type >> 4

    @property
    def addresses_at(self) -> int:
        """Where the addresses begin."""
        return self.message_at + VRRP_HEADER.size

    @property
    def addresses_end(self) -> int:
        """Where the addresses end, if they are there."""
        return self.addresses_at + self.address_count * len(self.source)


def open_packet(datagram: bytes) -> Packet | PacketFault:
    """Look behind the headers of an IP packet for the one of a VRRP message. Never raises."""
    header = read_ip_header(datagram)
    if header is None:
        return PacketFault.LENGTH
    message_at, authentication_header_at = header.payload_at, None
    if header.protocol == IP_PROTOCOL_AH and header.family == 4:
        authentication_header_at = message_at
        message_at += AUTHENTICATION_HEADER.size
    elif header.protocol != IP_PROTOCOL_VRRP:
        return PacketFault.IP_HEADER
    if header.is_fragment:
        return PacketFault.IP_HEADER
    if header.end < message_at + VRRP_HEADER.size:
        return PacketFault.LENGTH
    first, router_id, priority, count, word, _ = VRRP_HEADER.unpack_from(datagram, message_at)
    return Packet(
        datagram,
        header.family,
        header.hop_limit,
        header.source,
        header.destination,
        header.end,
        authentication_header_at,
        message_at,
        first,
        router_id,
        priority,
        count,
        word,
    )


def encode_message(fixed: bytes, body: bytes, pseudo: int) -> bytes:
    """A VRRP message with its checksum: `fixed` are the octets before it, `body` those behind, `pseudo` words before both."""
    return fixed + closing(pseudo + words(fixed) + words(body)).to_bytes(2, "big") + body


def without_checksum(message: bytes) -> bytes:
    """The message with zeros in place of its checksum, as hashes cover it."""
    return message[:_CHECKSUM_AT] + b"\0\0" + message[VRRP_HEADER.size :]


_OLD_HEADER = struct.Struct("!BBBBBBH")
VRRP_VERSION = 2
_OLD_VERSION_AND_TYPE = 0x21
_IPV4_VERSION_AND_LENGTH = 0x45
TYPE_OF_SERVICE = 0xC0
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


def checksum(octets: bytes) -> int:
    """The one's complement of the one's complement sum (RFC 1071): 0 over octets that carry a right checksum already."""
    padded = octets + bytes(len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)  # at most 2**16 words: two folds carry everything
    return ~(total + (total >> 16)) & 0xFFFF


def encode(advertisement: Advertisement) -> bytes:
    """The VRRP message: header, addresses, authentication data. The checksum covers all of it and no pseudo-header."""
    header = _OLD_HEADER.pack(
        _OLD_VERSION_AND_TYPE,
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
    if len(datagram) < start + _OLD_HEADER.size:
        return PacketFault.LENGTH
    version_and_type, router_id, priority, count, authentication_type, interval_s, _ = _OLD_HEADER.unpack_from(datagram, start)
    addresses_at = start + _OLD_HEADER.size
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
