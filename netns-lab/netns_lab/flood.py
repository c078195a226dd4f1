"""Send frames at a steady pace, many with one system call: more than a program that sends them one by one could.

    python flood.py INTERFACE PACKETS_A_SECOND DURATION_S < FRAMES

A process of its own, started by a test in a host of the lab. Its standard input has a frame in each line, in hexadecimal; they
are sent in turn. It prints a line when it has begun, and when it is done what it sent, as JSON.

A pace that this machine cannot keep is not made up for: the packets that are missing stay so.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys
import time
from typing import TypedDict

SOL_PACKET = 263
PACKET_QDISC_BYPASS = 20
PAUSE_S = 0.0005
"""Between two looks at the clock: half a millisecond's packets go out together, as they would from a busy link."""
BATCH = 64
"""Frames of one system call."""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("octets", ctypes.c_size_t))  # struct iovec


class _Message(ctypes.Structure):
    _fields_ = (  # struct msghdr
        ("name", ctypes.c_void_p),
        ("name_octets", ctypes.c_uint),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_octets", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _OneOfMany(ctypes.Structure):
    _fields_ = (("message", _Message), ("sent_octets", ctypes.c_uint))  # struct mmsghdr


class Summary(TypedDict):
    """What is printed in the end."""

    sent: int
    """Packets that the kernel took."""
    duration_s: float


class Flood:
    """Frames that are sent again and again through one interface."""

    def __init__(self, interface: str, frames: list[bytes]) -> None:
        """Make everything ready, so that a call sends `BATCH` of them or more."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0 hears nothing
        self._socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self._socket.bind((interface, 0))
        frames = frames * -(-BATCH // len(frames))
        self._buffers = [ctypes.create_string_buffer(frame, len(frame)) for frame in frames]
        self._vectors = [_Vector(ctypes.addressof(buffer), len(buffer)) for buffer in self._buffers]
        self._count = len(frames)
        self._messages = (_OneOfMany * self._count)()
        for one, vector in zip(self._messages, self._vectors, strict=True):
            one.message.vectors, one.message.vector_count = ctypes.pointer(vector), 1

    def run(self, packets_a_second: float, duration_s: float) -> Summary:
        """Send until the time is over."""
        sent, start_s = 0, time.monotonic()
        while (spent_s := time.monotonic() - start_s) < duration_s:
            if sent < spent_s * packets_a_second:
                sent += max(0, self._libc.sendmmsg(self._socket.fileno(), self._messages, self._count, 0))
            else:
                time.sleep(PAUSE_S)
        return Summary(sent=sent, duration_s=spent_s)


def main(interface: str, packets_a_second: str, duration_s: str) -> None:
    """Run as the module's docstring says."""
    flood = Flood(interface, [bytes.fromhex(line) for line in sys.stdin])
    print("begun", flush=True)
    print(json.dumps(flood.run(float(packets_a_second), float(duration_s))))


if __name__ == "__main__":
    main(*sys.argv[1:])
