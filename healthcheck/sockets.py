"""Sockets as checks want them: marked, bound to an interface, an address or a port; and what their errors mean."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from healthcheck.types import Address, NetworkCheck, NotProbed

IP_BIND_ADDRESS_NO_PORT = 24
"""include/uapi/linux/in.h: bind an address and leave the port to connect, which may share it between destinations."""

CLOSE_WITH_RESET = struct.pack("=ii", 1, 0)
"""struct linger, on for 0 s: close sends RST and keeps no TIME_WAIT."""
MARK = struct.Struct("=I")
"""SO_MARK's value; a plain number could only be a signed one."""

VERDICTS_OF_THE_NETWORK = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
"""What connect may say at once and still speak of the way to the server. Any other error there is this machine's own: no
free port, no such address, forbidden by its packet filter."""


FAMILIES = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
NO_WAITING = int(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
STREAM = int(socket.SOCK_STREAM)

Socket = TypeVar("Socket", bound=socket.SocketType)


def open_socket(check: NetworkCheck, kind: int = STREAM, protocol: int = 0) -> socket.socket | NotProbed:
    """A socket that does not block, bound as the check wants it, and not connected."""
    return _open(socket.socket, check, kind, protocol)


def open_bare_socket(check: NetworkCheck) -> socket.SocketType | NotProbed:
    """The same for TCP without what `socket.socket` wraps around it, which costs as much as opening and closing do."""
    return _open(socket.SocketType, check, STREAM, 0)


def _open(make: Callable[[int, int, int], Socket], check: NetworkCheck, kind: int, protocol: int) -> Socket | NotProbed:
    connection = None
    step = "open a socket"
    try:
        connection = make(FAMILIES[check.address.version], kind | NO_WAITING, protocol)
        if check.mark:
            step = f"mark packets with {check.mark}"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK.pack(check.mark))
        if check.bind_interface is not None:
            step = f"bind to interface {check.bind_interface}"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, check.bind_interface.encode())
        if check.bind_address is not None or check.bind_port:
            address = "" if check.bind_address is None else str(check.bind_address)
            step = f"bind to {endpoint(check.bind_address or '*', check.bind_port)}"
            _bind(connection, address, check.bind_port)
    except OSError as error:
        if connection is not None:
            connection.close()
        return NotProbed(f"cannot {step}: {error_text(error.errno)}")
    return connection


def _bind(connection: socket.SocketType, address: str, port: int) -> None:
    if port:
        # Our close would leave the port in TIME_WAIT for a minute, and each next probe would find it taken.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CLOSE_WITH_RESET)
    else:
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    connection.bind((address, port))


def numeric(address: Address) -> str:
    """The address as text, in a quarter of the time that `str` takes."""
    if address.version == 4:
        return socket.inet_ntoa(address.packed)
    return str(address)


@cache
def error_text(code: int | None) -> str:
    """An error's number in words; `connection refused`. The C library looks for a translation each time, which takes long."""
    return os.strerror(code or 0).lower()


def endpoint(address: Address | str, port: int) -> str:
    """`[192.0.2.1]:80`."""
    return f"[{address}]:{port}"
