"""A connection to what is checked, in which every step has its time and every failure its words.

A probe is a dialogue: a coroutine that sends and receives on a stream, returns what it found, and raises :class:`Failed` where
the server is not as it should be. Whatever the server does, the dialogue ends in time, keeps little in memory and closes its
descriptor.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from healthcheck.sockets import VERDICTS_OF_THE_NETWORK, endpoint, error_text, open_socket
from healthcheck.types import NetworkCheck, NotProbed, ProbeResult

RECEIVE_OCTETS = 16384
"""Taken from the kernel at once: the longest TLS record."""
CONNECTION_OCTETS_MAX = 16 * 2**20
"""A server that sends more has failed: what a check looks at is small, and reading for ever would keep others waiting."""
TURN_OCTETS = 2**15
"""After so much that came without waiting the other probes get their turn; taken apart in the smallest pieces that is 10 ms."""
STEPS_MAX = 5
"""Steps of the longest dialogue, each with a time-out of its own: to connect, to agree on TLS, to get head and body, to end."""

T = TypeVar("T")


class Failed(Exception):  # noqa: N818  not an error: it is what probes look for
    """The server is not as it should be; the text says why."""


class CannotProbeError(Exception):
    """This machine lacks what the probe needs; the text says what."""


class Stream(Protocol):
    """Octets to and from a server."""

    async def send(self, octets: bytes) -> None: ...
    async def receive(self) -> bytes:
        """What came, up to some kilooctets; nothing at the end."""


Dialogue = Callable[["PlainStream"], Awaitable[ProbeResult]]
"""What is said on a connection that was just opened. The result's latency is filled in later."""


def longest_s(check: NetworkCheck) -> float:
    """How long a dialogue may take in all; longer than its steps together."""
    return STEPS_MAX * check.connect_timeout_s + 1.0


async def converse(check: NetworkCheck, dialogue: Dialogue) -> ProbeResult | NotProbed:
    """Open a connection, hold the dialogue, close."""
    started_s = time.monotonic()
    opened = open_socket(check)
    if isinstance(opened, NotProbed):
        return opened
    try:
        with opened:
            await _connect(opened, check)
            result = await dialogue(PlainStream(opened))
    except CannotProbeError as error:
        return NotProbed(str(error))
    except Failed as failed:
        result = ProbeResult(False, 0.0, str(failed))
    except OSError as error:
        result = ProbeResult(False, 0.0, _words(error))
    return replace(result, latency_s=time.monotonic() - started_s)


async def within(timeout_s: float, what: str, step: Awaitable[T]) -> T:
    """The step's result; a failure with `what` was waited for, if it takes too long."""
    try:
        async with asyncio.timeout(timeout_s):
            return await step
    except TimeoutError as error:
        if error.errno is not None:  # the kernel's own, ETIMEDOUT
            raise
        raise Failed(f"timed out after {timeout_s:g} s {what}") from None


async def _connect(opened: socket.socket, check: NetworkCheck) -> None:
    connecting = asyncio.get_running_loop().sock_connect(opened, (str(check.address), check.port))
    try:
        await within(check.connect_timeout_s, "connecting", connecting)
    except OSError as error:
        if error.errno in VERDICTS_OF_THE_NETWORK:
            raise
        where = endpoint(check.address, check.port)
        raise CannotProbeError(f"cannot connect to {where}: {_words(error)}") from error


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    return error_text(error.errno) if error.errno in errno.errorcode else str(error)


class PlainStream:
    """A socket's octets as they are; everything received is counted."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._loop = asyncio.get_running_loop()
        self._received = 0
        self._since_turn = 0

    async def send(self, octets: bytes) -> None:
        """Hand everything to the kernel."""
        await self._loop.sock_sendall(self._socket, octets)

    def send_now(self, octets: bytes) -> None:
        """Hand to the kernel what it takes without waiting: a farewell that nobody relies on."""
        try:
            self._socket.send(octets)
        except OSError:
            return

    async def receive(self) -> bytes:
        """What came, up to some kilooctets; nothing at the end."""
        octets = await self._loop.sock_recv(self._socket, RECEIVE_OCTETS)
        self._received += len(octets)
        if self._received > CONNECTION_OCTETS_MAX:
            raise Failed(f"sent more than {CONNECTION_OCTETS_MAX // 2**20} MiB")
        self._since_turn += len(octets)
        if self._since_turn > TURN_OCTETS:
            self._since_turn = 0
            await asyncio.sleep(0)
        return octets
