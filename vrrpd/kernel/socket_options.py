"""What the sockets of this package ask of the kernel beyond Python's socket module.

Numbers: include/uapi/asm-generic/socket.h and include/uapi/linux/filter.h.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence

from vrrpd.kernel.links import Link

SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
"""Beyond net.core.rmem_max, with CAP_NET_ADMIN."""
SO_MEMINFO = 55

MEMINFO = struct.Struct("=9I")
MEMINFO_DROPS = 8
"""SK_MEMINFO_DROPS (include/uapi/linux/sock_diag.h)."""

INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: operation, jump if true, jump if false, constant
PROGRAM = struct.Struct("@HP")  # struct sock_fprog: instructions, where they are

Instruction = tuple[int, int, int, int]
"""Operation, how many instructions to jump if true, and if false, constant."""

LOAD_WORD = 0x20
LOAD_BYTE = 0x30
LOAD_BYTE_BEHIND_X = 0x50
LOAD_X_WITH_IPV4_HEADER_LENGTH = 0xB1
JUMP_IF_EQUAL = 0x15
RETURN = 0x06
EVERYTHING = 0xFFFF_FFFF
NETWORK_HEADER = 0xFFF0_0000
"""SKF_NET_OFF: offsets from here count from the IP header, also where a socket is shown only what follows it."""

TAKE: Instruction = (RETURN, 0, 0, EVERYTHING)
DROP: Instruction = (RETURN, 0, 0, 0)


def bind_to_interface(opened: socket.socket, link: Link) -> None:
    """Neither hear nor send elsewhere. Raises OSError."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")


def set_receive_buffer(opened: socket.socket, octets: int) -> None:
    """A limit, not an allocation; the kernel doubles it and charges its own overhead to it."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, octets)
    except PermissionError:  # what net.core.rmem_max allows must do
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)


def dropped(opened: socket.socket) -> int:
    """Packets that the kernel dropped for want of room since the socket was opened; 0 where it does not say (before 4.12)."""
    try:
        octets = opened.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
    except OSError:
        return 0
    count: int = MEMINFO.unpack(octets)[MEMINFO_DROPS]
    return count


def attach_filter(opened: socket.socket, program: Sequence[Instruction]) -> None:
    """Have the kernel drop what the program refuses (classic BPF); takes the place of an earlier program. Raises OSError."""
    code = ctypes.create_string_buffer(b"".join(INSTRUCTION.pack(*instruction) for instruction in program))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, PROGRAM.pack(len(program), ctypes.addressof(code)))
