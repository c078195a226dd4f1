"""Every real server of a lab in one process, which does as it is told: `python servers.py CERTIFICATE KEY`.

Commands come on standard input, one JSON list a line, and each is answered with a line on standard output:

    ["open", kind, address, port, mood]    listens; kind is one of KINDS
    ["close", address, port]               refuses from now on
    ["mood", address, port, mood, times]   from now on, or for each client's next `times` requests
    ["forget", address, port]              counts from now on; so do the others
    ["asked"]                              is answered with how often each client has asked each server

One process, because starting one is slow in a guest, and because it knows when it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

KINDS = ("tcp", "http", "https", "smtp", "dns", "udp")
WELL, SICK, CHANGED, SILENT = "well", "sick", "changed", "silent"
"""Moods. A sick server answers with an error, a changed one with another page; a silent one hears and says nothing."""
PAGE, OTHER_PAGE = b"service as usual\n", b"closed for today\n"
HEAD_END = b"\r\n\r\n"
NO_ERROR, SERVER_FAILURE = 0, 2
"""Response codes of DNS."""
DNS_RESPONSE = 0x80
RECEIVED_OCTETS_MAX = 4096

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """One address and port; closed again by `close`."""

    def __init__(self, kind: str, mood: str) -> None:
        self.kind = kind
        self.mood = mood
        self.passing_mood = WELL
        self.passing: Counter[str] = Counter()
        """For how many more requests a client meets the passing mood; those who are not here have met it often enough."""
        self.passing_times = 0
        self.asked: Counter[str] = Counter()
        self.close: Callable[[], None]

    def meet(self, client: str) -> str:
        """Count a request and say how it is to be answered."""
        self.asked[client] += 1
        self.passing[client] += 1
        return self.passing_mood if self.passing[client] <= self.passing_times else self.mood

    def change_mood(self, mood: str, times: int) -> None:
        """From now on, or for each client's next `times` requests."""
        self.passing.clear()
        self.asked.clear()
        self.passing_times = times
        if times:
            self.passing_mood = mood
        else:
            self.mood = mood

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client of a kind that has connections."""
        mood = self.meet(writer.get_extra_info("peername")[0])
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            if mood == SILENT:
                await reader.read()
            elif self.kind in ("http", "https"):
                await _serve_page((reader, writer), mood)
            elif self.kind == "smtp":
                await _greet((reader, writer), mood)
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.close()


async def _serve_page(stream: Stream, mood: str) -> None:
    reader, writer = stream
    await reader.readuntil(HEAD_END)
    status = b"503 Service Unavailable" if mood == SICK else b"200 OK"
    page = OTHER_PAGE if mood == CHANGED else PAGE
    writer.write(b"HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(page), page))
    await writer.drain()


async def _greet(stream: Stream, mood: str) -> None:
    reader, writer = stream
    writer.write(b"554 not today\r\n" if mood == SICK else b"220 mail.example.com\r\n")
    while line := await reader.readline():
        quits = line.upper().startswith(b"QUIT")
        writer.write(b"221 bye\r\n" if quits else b"250 mail.example.com\r\n")
        if quits:
            break


class Datagrams(asyncio.DatagramProtocol):
    """Answers of a server without connections."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by asyncio."""
        mood = self._server.meet(addr[0])
        if mood == SILENT:
            return
        if self._server.kind == "udp":
            self._transport.sendto(b"\xff" if mood == CHANGED else b"\x2a\x01\x02", addr)
            return
        code = SERVER_FAILURE if mood == SICK else NO_ERROR
        self._transport.sendto(data[:2] + bytes((DNS_RESPONSE | data[2], code)) + data[4:], addr)


class Servers:
    """All of them, by address and port."""

    def __init__(self, certificate: str, key: str) -> None:
        self._servers: dict[tuple[str, int], Server] = {}
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)

    async def do(self, verb: str, *arguments: Any) -> Any:
        """Carry out one command and return its answer."""
        match verb, *arguments:
            case ["open", kind, address, port, mood]:
                await self._open(kind, address, port, mood)
            case ["close", address, port]:
                self._servers[address, port].close()
            case ["mood", address, port, mood, times]:
                self._servers[address, port].change_mood(mood, times)
            case ["forget", address, port]:
                self._servers[address, port].asked.clear()
            case ["asked"]:
                return [[*key, server.asked] for key, server in self._servers.items()]
            case _:
                raise ValueError(f"unknown command {verb!r}")
        return None

    async def _open(self, kind: str, address: str, port: int, mood: str) -> None:
        server = self._servers[address, port] = Server(kind, mood)
        if kind in ("dns", "udp"):
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Datagrams(server), local_addr=(address, port)
            )
            server.close = transport.close
            return
        tls = self._tls if kind == "https" else None
        listener = await asyncio.start_server(server.on_connection, address, port, ssl=tls)
        server.close = listener.close


async def main() -> None:
    """Read commands until standard input ends."""
    servers = Servers(*sys.argv[1:])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await servers.do(*json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
