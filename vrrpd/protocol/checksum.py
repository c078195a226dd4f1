"""The Internet checksum (RFC 1071), and the pseudo headers that are put before a message for it.

The sum of 16-bit words with end-around carry is arithmetic modulo 65,535, and as 65,536 leaves 1 there, the words are the
digits of one long number. Python divides one long number faster than it adds many short ones.
"""

from __future__ import annotations

MODULUS = 0xFFFF


def words(octets: bytes) -> int:
    """A number congruent to the sum of the 16-bit words; numbers of several pieces, each of even length, may be added."""
    return int.from_bytes(octets + bytes(len(octets) % 2), "big")


def closing(total: int) -> int:
    """The checksum that makes a `total` of :func:`words` with it come out right."""
    return -total % MODULUS


def is_closed(total: int) -> bool:
    """Whether the words of a `total`, their checksum among them, are as they were sent."""
    return total % MODULUS == 0


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> int:
    """The words of a pseudo header, of IPv4 (RFC 9293 section 3.1) or IPv6 (RFC 8200 section 8.1)."""
    return words(source) + words(destination) + protocol + length
