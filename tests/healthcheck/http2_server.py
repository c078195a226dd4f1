"""A server of HTTP/2 by the library's other half, and frames by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
HUGE_FRAME = b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"
"""The beginning of one with data, as long as its length can say."""
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)


@dataclass
class Server:
    """Answers one request of HTTP/2."""

    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    instead: Callable[[H2Connection], None] | None = None
    """Done in place of an answer."""
    heard: list[tuple[str, str]] = field(default_factory=list)
    heard_body: bytes = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        protocol.initiate_connection()
        sent, answered = 0, False
        while True:
            writer.write(protocol.data_to_send())
            await writer.drain()
            octets = await reader.read(65536)
            if not octets:
                return
            for event in protocol.receive_data(octets):
                if isinstance(event, RequestReceived):
                    self.heard = [(str(name), str(value)) for name, value in event.headers or ()]
                elif isinstance(event, DataReceived):
                    self.heard_body += event.data or b""
                elif isinstance(event, StreamEnded):
                    answered = True
                    if self.instead is not None:
                        self.instead(protocol)
                        continue
                    protocol.send_headers(1, self.headers, end_stream=not (self.body or self.trailers))
            if answered and self.instead is None:
                sent = self._send(protocol, sent)

    def _send(self, protocol: H2Connection, sent: int) -> int:
        """As much more of the body as the other end's window takes; how much was sent in all."""
        end = len(self.body)
        while sent < end and (room := min(protocol.local_flow_control_window(1), protocol.max_outbound_frame_size)) > 0:
            piece = self.body[sent : sent + room]
            sent += len(piece)
            protocol.send_data(1, piece, end_stream=sent == end and not self.trailers)
            if sent == end and self.trailers:
                protocol.send_headers(1, self.trailers, end_stream=True)
        return sent


def headers_alone(protocol: H2Connection) -> None:
    """The beginning of a good answer."""
    protocol.send_headers(1, [(":status", "200")])
