"""Servers to be probed, good ones and hostile ones, on the loopback interface; and certificates for them."""

from __future__ import annotations

import asyncio
import os
import random
import select
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOCALHOST = IPv4Address("127.0.0.1")
NAME = "www.example.org"
PATIENCE_S = 30.0
"""How long a test waits for what must come; reached only when it fails."""
TIMEOUT_S = 0.3
"""The time-out of a probe whose server is to run into it."""
RESET = struct.pack("=ii", 1, 0)
"""struct linger: close sends RST."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a port of its own. Every connection is over, on both ends, when it is left."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(handle, str(LOCALHOST), 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def descriptors_open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def closed_again(before: int) -> None:
    """Wait until as many descriptors are open as before; the servers' own ends close a little later."""
    async with asyncio.timeout(PATIENCE_S):
        while descriptors_open() != before:  # noqa: ASYNC110  the kernel tells nobody
            await asyncio.sleep(0.005)


def assert_none_lives(pids: list[int]) -> None:
    """A killed process takes a moment to go."""
    for pid in pids:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        readable = select.select([pidfd], [], [], PATIENCE_S)[0]
        os.close(pidfd)
        assert readable, f"{pid} lives"


def answering(octets: bytes, *, then_wait: bool = False) -> Handler:
    """Answers whatever is asked, and closes, or waits for the other end to do so."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(octets)
        await writer.drain()
        if then_wait:
            await reader.read()
        elif writer.get_extra_info("ssl_object") is not None:
            writer.close()
            await writer.wait_closed()
        else:
            writer.write_eof()
            await reader.read()

    return handle


# -- hostile ones ---------------------------------------------------------------------------------------------------------


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def a_byte_at_a_time(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for octet in b"HTTP/1.0 200 OK\r\nX: " + b"a" * 10**6:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.02)


def endless(first: bytes, again: bytes) -> Handler:
    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)  # over TLS the end of the connection would else never be heard of

    return handle


async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(random.Random(7).randbytes(20000))
    await writer.drain()
    await silent(_reader, writer)


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if writer.can_write_eof():
        writer.write_eof()  # to close with what was asked unread would be a reset
        await silent(reader, writer)
    else:
        writer.close()
        await writer.wait_closed()


async def resetting(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    opened: socket.socket = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


HOSTILE: dict[str, Handler] = {
    "silence": silent,
    "a byte at a time": a_byte_at_a_time,
    "an endless head": endless(b"HTTP/1.0 200 OK\r\n", b"X-Filler: " + b"a" * 1000 + b"\r\n"),
    "an endless line": endless(b"", b"220-" + b"a" * 1000),
    "garbage": garbage,
    "an early close": closing,
    "a reset": resetting,
}


# -- certificates ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path
    end: datetime

    def server(self, *protocols: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


class Authority:
    """Issues certificates."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = directory / f"{name}.pem"
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
        own = (
            builder.not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=100))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, days: float = 30.0, password: str | None = None) -> Issued:
        """A certificate for a name or an address that ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
        try:
            subject: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        signed = (
            x509.CertificateBuilder(self._name, x509.Name([]), key.public_key(), x509.random_serial_number())
            .not_valid_before(end - timedelta(days=60))
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([subject]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        issued = Issued(self._directory / f"{name}{days}.pem", self._directory / f"{name}{days}.key", end)
        issued.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        issued.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
        return issued
