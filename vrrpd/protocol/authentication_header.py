"""Authentication of version 2 by an IP authentication header (RFC 2338 section 5.3.6.3, RFC 4302, RFC 2403), over IPv4.

The integrity check value is the first 96 bits of an HMAC-MD5, keyed with the password, of the IP header but for what changes on
the way, the authentication header, and the message.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import (
    AUTHENTICATION_HEADER,
    AUTHENTICATION_HEADER_WORDS_LESS_2,
    IP_PROTOCOL_VRRP,
    Packet,
)
from vrrpd.protocol.sequences import Sequences

SEQUENCE_MAX = 0xFFFF_FFFF
ICV_OCTETS = 12
_ICV_AT = AUTHENTICATION_HEADER.size - ICV_OCTETS


class HeaderAuthentication:
    """Puts authentication headers before our messages, and checks those of others."""

    def __init__(self, password: bytes, *, is_unicast: bool, senders_max: int) -> None:
        self.sequence = 0
        """The greatest one that was sent or heard: a new master goes on after it, so that who heard the old one hears us."""
        self._heard = Sequences(senders_max)
        self.reconfigure(password, is_unicast=is_unicast, senders_max=senders_max)

    def reconfigure(self, password: bytes, *, is_unicast: bool, senders_max: int) -> None:
        """Use another password, of at most 8 octets; the numbering goes on. The TTL of unicast is not covered."""
        self._keyed = hmac.new(password, digestmod=_md5)
        self._ttl_is_covered = not is_unicast
        self._heard.senders_max = senders_max

    def next_sequence(self) -> int:
        """The number of the next packet of ours, 1 to 2**32 - 1."""
        self.sequence = self.sequence % SEQUENCE_MAX + 1
        return self.sequence

    def go_on_after(self, sequence: int) -> None:
        """Number on from there; what is no number of ours is passed over."""
        if sequence <= SEQUENCE_MAX:
            self.sequence = max(self.sequence, sequence)

    def seal(self, ip_header: bytes, message: bytes, sequence: int) -> bytes:
        """The authentication header for a message, given the final IPv4 header."""
        fields = (IP_PROTOCOL_VRRP, AUTHENTICATION_HEADER_WORDS_LESS_2, 0, ip_header[12:16], sequence)
        bare = AUTHENTICATION_HEADER.pack(*fields, bytes(ICV_OCTETS))
        return bare[:_ICV_AT] + self._check_value(ip_header, bare, message)

    def refusal(self, packet: Packet, header_at: int) -> Rejection | None:
        """What is wrong with the authentication header of a packet; a good one is remembered."""
        message_at, end = packet.message_at, packet.end
        octets = packet.datagram
        following, words, _, spi, sequence, check_value = AUTHENTICATION_HEADER.unpack_from(octets, header_at)
        if following != IP_PROTOCOL_VRRP or words != AUTHENTICATION_HEADER_WORDS_LESS_2 or spi != packet.source:
            return Rejection.AUTHENTICATION_HEADER
        bare = octets[header_at : header_at + _ICV_AT] + bytes(ICV_OCTETS)
        expected = self._check_value(octets[:header_at], bare, octets[message_at:end])
        if not hmac.compare_digest(expected, check_value):
            return Rejection.AUTHENTICATION_HEADER
        if not self._heard.take(packet.source, sequence):
            return Rejection.SEQUENCE
        self.sequence = max(self.sequence, sequence)
        return None

    def _check_value(self, ip_header: bytes, bare: bytes, message: bytes) -> bytes:
        """Over zeros for type of service, fragmentation, header checksum and, of unicast, TTL (RFC 4302 section 3.3.3.1)."""
        ttl = ip_header[8:9] if self._ttl_is_covered else b"\0"
        covered = (ip_header[:1], b"\0", ip_header[2:6], b"\0\0", ttl, ip_header[9:10], b"\0\0", ip_header[12:], bare, message)
        keyed = self._keyed.copy()
        keyed.update(b"".join(covered))
        return keyed.digest()[:ICV_OCTETS]


def _md5(octets: bytes = b"") -> Any:
    """The protocol demands it, so it is asked for also where a machine's policy holds it for unsafe."""
    return hashlib.md5(octets, usedforsecurity=False)
