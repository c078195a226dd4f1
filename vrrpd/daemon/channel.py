"""The channel between the supervisor and a child: whole messages over an unnamed socket pair, never waiting.

A message is one frozen dataclass, framed by its length. Both ends are forks of one process image, run as the same user, and
the socket pair has no name, so pickle is the codec; still only values of this project and the plain types they are made of
are let in. Neither end ever blocks: what the other does not read is queued up to a bound, after which reports are dropped
and counted. That is how the router can report and yet wait for nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import pickle
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any

LENGTH = struct.Struct("=I")
MESSAGE_OCTETS_MAX = 256 * 1024 * 1024
"""A configuration of 40,000 real servers takes 20 MiB; ten times that is a fault."""
QUEUE_MESSAGES_MAX = 4_096
"""Reports kept for a reader that does not read: some minutes of a busy director."""
READ_OCTETS = 1 << 18
"""Read at most this much before other events have their turn."""
PACKAGES_ALLOWED = frozenset({"vrrpd", "ipvs", "healthcheck", "ipaddress"})
"""Where a message's classes may come from."""


class ChannelError(Exception):
    """The other end sent what is no message."""


class _Pickler(pickle.Pickler):
    """Writes enumerations and scoped addresses as a call of their class with a plain value.

    Left to themselves, early releases of Python 3.11 write a member as a call of `getattr` or `operator.or_`, which the other
    end does not let in, and leave out the scope of an IPv6 address.
    """

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, Enum):
            return type(value), (value.value,)
        if isinstance(value, IPv6Address) and value.scope_id is not None:
            return IPv6Address, (str(value),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Lets in classes of values only: calling another class, or a function, could do anything."""

    def find_class(self, module: str, name: str) -> object:
        if module.partition(".")[0] in PACKAGES_ALLOWED:
            found = super().find_class(module, name)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum | IPv4Address | IPv6Address)):
                return found
        raise ChannelError(f"{module}.{name} has no place in a message")


def encode(message: object) -> bytes:
    """One framed message."""
    frame = io.BytesIO()
    frame.write(bytes(LENGTH.size))
    _Pickler(frame, protocol=pickle.HIGHEST_PROTOCOL).dump(message)
    LENGTH.pack_into(frame.getbuffer(), 0, frame.tell() - LENGTH.size)
    return frame.getvalue()


def decode(body: bytes) -> object:
    """The message in a frame. Raises ChannelError."""
    try:
        return _Unpickler(io.BytesIO(body)).load()
    except ChannelError:
        raise
    except Exception as error:  # a broken pickle can raise nearly anything
        raise ChannelError(f"not a message: {error}") from error


class Channel:
    """One end of a channel on the running event loop.

    `on_message` is called with each message, `on_close` once when the other end is gone. What `on_message` raises goes to the
    event loop's exception handler: a fault over one message holds up none of those behind it.
    """

    def __init__(self, end: socket.socket, on_message: Callable[[object], None], on_close: Callable[[], None]) -> None:
        self._socket = end
        self._socket.setblocking(False)
        self._on_message = on_message
        self._on_close = on_close
        self._received = bytearray()
        self._unsent: deque[memoryview] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._read)
        self.closed = False
        self.dropped = 0
        """Messages given up because the other end did not read."""

    def send(self, message: object, *, must_arrive: bool = False) -> bool:
        """Queue a message; False if it was dropped because the queue is full or the channel closed.

        `must_arrive` messages (a configuration, an order to stop) are few and are queued beyond the bound.
        """
        if self.closed or (len(self._unsent) >= QUEUE_MESSAGES_MAX and not must_arrive):
            self.dropped += 1
            return False
        self._unsent.append(memoryview(encode(message)))
        if len(self._unsent) == 1:
            self._writable()
        return True

    def flush(self, timeout_s: float) -> None:
        """Send what is queued, waiting at most `timeout_s`: the last words of a process that ends."""
        if self.closed:
            return
        self._socket.settimeout(timeout_s)
        with contextlib.suppress(OSError):
            self._socket.sendall(b"".join(self._unsent))
        self._unsent.clear()
        self._socket.setblocking(False)

    def drain(self) -> None:
        """Deliver everything that a sender that has ended left behind."""
        while not self.closed and self._read():
            pass

    def close(self) -> None:
        """Close this end; what is queued is lost."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._unsent.clear()

    def _read(self) -> bool:
        """Read once and deliver what is complete; whether there was anything."""
        try:
            octets = self._socket.recv(READ_OCTETS)
        except BlockingIOError:
            return False
        except OSError:
            octets = b""
        if not octets:
            self._lost()
            return False
        self._received += octets
        try:
            self._deliver()
        except ChannelError:
            self._lost()
        return True

    def _deliver(self) -> None:
        while len(self._received) >= LENGTH.size and not self.closed:
            (length,) = LENGTH.unpack_from(self._received)
            if length > MESSAGE_OCTETS_MAX:
                raise ChannelError(f"a message of {length} octets")
            if len(self._received) < LENGTH.size + length:
                return
            body = bytes(self._received[LENGTH.size : LENGTH.size + length])
            del self._received[: LENGTH.size + length]
            message = decode(body)
            try:
                self._on_message(message)
            except Exception as error:  # noqa: BLE001  # see the class
                context = {"message": f"fault over {type(message).__name__}", "exception": error}
                self._loop.call_exception_handler(context)

    def _writable(self) -> None:
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent[0])
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                    break
                self._unsent.popleft()
        except BlockingIOError:
            pass
        except OSError:  # the other end is gone; its last words are still to be read, and after them its end
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _lost(self) -> None:
        if not self.closed:
            self.close()
            self._on_close()
