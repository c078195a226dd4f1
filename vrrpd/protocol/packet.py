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
from enum import Enum
from typing import NamedTuple

from vrrpd.protocol.checksum import closing, words
from vrrpd.protocol.ip_header import read_ip_header

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
