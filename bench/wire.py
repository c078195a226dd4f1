"""What leaves an interface and when, by the kernel's own clock: the same witness for every daemon."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

SO_TIMESTAMPNS, SO_ATTACH_FILTER, SO_RCVBUFFORCE = 35, 26, 33
"""include/uapi/asm-generic/socket.h."""
ETH_P_IP = 0x0800
QUEUE_OCTETS = 1 << 26
TIMESPEC = struct.Struct("=qq")
SOURCE, DESTINATION, TCP_PORT = slice(12, 16), slice(16, 20), slice(22, 24)
"""In an IPv4 packet without options."""

SYN_ONLY = ((0x30, 0, 0, 9), (0x15, 0, 3, 6), (0x30, 0, 0, 33), (0x15, 0, 1, 2), (0x6, 0, 0, 64), (0x6, 0, 0, 0))
"""TCP whose only flag is SYN, its first 64 octets; classic BPF as (code, true, false, value)."""
VRRP = ((0x30, 0, 0, 9), (0x15, 0, 1, 112), (0x6, 0, 0, 64), (0x6, 0, 0, 0))


class Witness:
    """Notes when packets of one kind left, and where they went."""

    def __init__(self, interface: str, program: tuple[tuple[int, int, int, int], ...]) -> None:
        self.seen: list[tuple[float, IPv4Address, int]] = []
        """Time in Unix seconds, destination and TCP port."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_OCTETS)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        octets = b"".join(struct.pack("=HBBI", *step) for step in program)
        steps = ctypes.create_string_buffer(octets)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(steps)))
        self._socket.bind((interface, 0x0003))  # ETH_P_ALL: what goes out is seen under no other number
        self._socket.settimeout(0.2)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def close(self) -> None:
        """Note nothing more."""
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        while not self._ended.is_set():
            try:
                packet, ancillary, _flags, address = self._socket.recvmsg(64, 64)
            except TimeoutError:
                continue
            if address[2] != socket.PACKET_OUTGOING or len(packet) < TCP_PORT.stop:
                continue
            seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
            to = IPv4Address(packet[DESTINATION])
            self.seen.append((seconds + nanoseconds / 1e9, to, int.from_bytes(packet[TCP_PORT], "big")))


@contextmanager
def watching(interface: str, program: tuple[tuple[int, int, int, int], ...]) -> Iterator[Witness]:
    """A witness for as long as that takes."""
    witness = Witness(interface, program)
    try:
        yield witness
    finally:
        witness.close()
