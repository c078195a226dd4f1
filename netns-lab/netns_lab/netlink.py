"""Reading netlink (netlink(7)) as a witness: messages and their attributes, and nothing of what they mean.

Not the daemon's code, because it is the daemon's work that is looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MESSAGE_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE_HEADER = struct.Struct("=HH")  # length, type


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


def _aligned(length: int) -> int:
    """Up to the next multiple of four."""
    return (length + 3) & ~3
