"""Servers that do what no server should, each on a port of its own, in a process of their own.

    python -m tests.healthcheck.hostile DIRECTORY

puts an authority and its certificates into the directory, prints the ports by name as JSON and serves until its input ends.
What they send and keep is then no part of what the checking process has open and in memory.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.healthcheck.http2_server import HUGE_FRAME, PING, SETTINGS, Server, headers_alone
from tests.healthcheck.servers import (
    LOCALHOST,
    Authority,
    Handler,
    answering,
    closing,
    endless,
    garbage,
    resetting,
    serving,
    silent,
)

NAME = "www.example.org"
DRIP_S = 0.02
"""Between octets: many come within a time-out, so that each could be taken for a sign of life."""
FLOOD_DATAGRAMS = 2000
FULL_QUEUE = 8
"""Connections that nobody accepts: more than the queue of a socket takes that listens with a backlog of 0."""
HANDSHAKE = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
"""A record of TLS of 16 KiB, in it a ServerHello of that length."""
EMPTY_RECORD = b"\x16\x03\x03\x00\x00"
CHANGE_CIPHER_SPEC = b"\x14\x03\x03\x00\x01\x01"
CONTINUATIONS = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x88" + b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x88" * 1000
"""A head of HTTP/2 that does not end."""


@dataclass(frozen=True)
class Speech:
    """How an answer of a protocol begins, and what may follow for ever."""

    beginning: bytes
    filler: bytes


SPEECHES = {
    "HTTP": Speech(b"HTTP/1.1 200 OK\r\nX-Filler: ", b"a"),
    "HTTP/2": Speech(SETTINGS, PING),
    "SMTP": Speech(b"220-", b"a"),
    "Redis": Speech(b"+", b"a"),
    "agent": Speech(b"up # ", b"a"),
}
PAGE = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def dripping(beginning: bytes, filler: bytes, at_once: bytes = b"") -> Handler:
    """One octet after the other, for ever."""

    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(at_once)
        octets = beginning
        while True:
            for octet in octets:
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(DRIP_S)
            octets = filler

    return handle


def breaking_off(octets: bytes) -> Handler:
    """Says the beginning of an answer without being asked, and no more."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await closing(reader, writer)

    return handle


def handlers() -> Iterator[tuple[str, str, Handler]]:
    """The server's protocol, what is wrong with it, and what it does on a connection."""
    for protocol, speech in SPEECHES.items():
        yield protocol, "silence", silent
        yield protocol, "a byte at a time", dripping(speech.beginning, speech.filler)
        yield protocol, "an endless beginning", endless(speech.beginning, speech.filler * 1000)
        yield protocol, "garbage", garbage
        yield protocol, "an early close", closing
        yield protocol, "a close in between", breaking_off(speech.beginning)
        yield protocol, "a reset", resetting
    yield "HTTP", "an endless page", endless(PAGE, bytes(65536))
    yield "HTTP", "an endless page in chunks", endless(CHUNKS, b"8000\r\n" + bytes(0x8000) + b"\r\n")
    yield "HTTP", "an endless page in tiny chunks", endless(CHUNKS, b"1\r\na\r\n" * 5000)
    yield "HTTP", "an endless chunk's head", endless(CHUNKS + b"8;", b"a" * 1000)
    yield "HTTP", "a page, a byte at a time", dripping(b"", b"a", at_once=PAGE)
    yield "HTTP", "interim answers for ever", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    yield "HTTP/2", "an endless head", endless(SETTINGS, CONTINUATIONS)
    yield "HTTP/2", "an endless frame", endless(SETTINGS + HUGE_FRAME, bytes(65536))
    yield "HTTP/2", "an endless page", Server([(":status", "200")], bytes(2**25))
    yield (
        "HTTP/2",
        "a page that never comes",
        Server([], instead=headers_alone),
    )


def handlers_before_tls() -> Iterator[tuple[str, Handler]]:
    """What a server of TLS may do before there is any."""
    yield "silence", silent
    yield "a handshake that never ends", dripping(HANDSHAKE, b"\0")
    yield "an endless handshake", endless(b"", EMPTY_RECORD * 1000)
    yield "an endless change of ciphers", endless(b"", CHANGE_CIPHER_SPEC * 1000)
    yield "garbage", garbage
    yield "an early close", closing
    yield "a close in between", breaking_off(HANDSHAKE)
    yield "a reset", resetting


# -- datagrams ------------------------------------------------------------------------------------------------------------


Answer = Callable[[bytes], Iterator[bytes]]
"""What comes back for a datagram."""


def lying(query: bytes) -> Iterator[bytes]:
    """A good answer to another question."""
    yield bytes([query[0] ^ 1, query[1], 0x80, 0]) + query[4:]


def flooding(_query: bytes) -> Iterator[bytes]:
    """Noise, one piece after the other."""
    noise = random.Random(7)
    for _ in range(FLOOD_DATAGRAMS):
        yield noise.randbytes(500)


DATAGRAMS: dict[str, Answer] = {
    "silence": lambda _query: iter(()),
    "an empty answer": lambda _query: iter((b"",)),
    "garbage": lambda _query: iter((random.Random(7).randbytes(300),)),
    "a huge answer": lambda _query: iter((bytes(65000),)),
    "an echo": lambda query: iter((query,)),
    "another question's answer": lying,
    "a flood": flooding,
}


@asynccontextmanager
async def datagrams(answer: Answer) -> AsyncIterator[int]:
    """A server of datagrams on a port of its own. (asyncio's own would send no empty ones.)"""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind((str(LOCALHOST), 0))

        async def reply(query: bytes, peer: tuple[str, int]) -> None:
            for octets in answer(query):
                await loop.sock_sendto(server, octets, peer)
                await asyncio.sleep(0)

        async def serve(replies: asyncio.TaskGroup) -> None:
            while True:
                replies.create_task(reply(*await loop.sock_recvfrom(server, 65535)))

        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(tasks))
            yield server.getsockname()[1]
            serving.cancel()


# -- all of them ----------------------------------------------------------------------------------------------------------


@contextmanager
def full() -> Iterator[int]:
    """A port that listens and whose queue is full: the kernel leaves further connections without an answer."""
    with socket.create_server((str(LOCALHOST), 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(FULL_QUEUE)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for each in waiting:
            each.close()


@contextmanager
def closed() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can have."""
    with socket.socket() as reserved:
        reserved.bind((str(LOCALHOST), 0))
        yield reserved.getsockname()[1]


def contexts(authority: Authority, stranger: Authority) -> dict[str, ssl.SSLContext]:
    """What is wrong with a certificate."""
    return {
        "an expired certificate": authority.issue(NAME, -1).server("h2", "http/1.1"),
        "another name's certificate": authority.issue("other.example.org").server("h2", "http/1.1"),
        "a certificate of a stranger": stranger.issue(NAME, 29).server("h2", "http/1.1"),
        "a certificate that ends": authority.issue(NAME, 5).server("h2", "http/1.1"),
    }


async def serve(directory: Path) -> None:
    """Serve until the input ends."""
    authority, stranger = Authority(directory), Authority(directory, "stranger")
    good = authority.issue(NAME).server("h2", "http/1.1")
    async with AsyncExitStack() as running:
        ports = {"full": running.enter_context(full()), "closed": running.enter_context(closed())}
        ports["good"] = await running.enter_async_context(serving(answering(PAGE)))
        for protocol, what, handler in handlers():
            ports[f"{protocol}: {what}"] = await running.enter_async_context(serving(handler))
            if protocol in ("HTTP", "HTTP/2"):
                ports[f"{protocol} over TLS: {what}"] = await running.enter_async_context(serving(handler, good))
        for what, handler in handlers_before_tls():
            ports[f"TLS: {what}"] = await running.enter_async_context(serving(handler))
        for what, context in contexts(authority, stranger).items():
            ports[f"TLS: {what}"] = await running.enter_async_context(serving(silent, context))
        for what, answer in DATAGRAMS.items():
            ports[f"UDP: {what}"] = await running.enter_async_context(datagrams(answer))
        print(json.dumps(ports), flush=True)  # noqa: T201  it is what this program is asked for
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
