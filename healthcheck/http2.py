"""HTTP/2, one request on a connection (RFC 9113), by the library `h2`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from healthcheck.connection import Failed, Stream, within
from healthcheck.http import USER_AGENT, host_header
from healthcheck.page import Page
from healthcheck.types import HttpCheck, Url

ALPN = "h2"
EVENTS_MAX = 2000
"""Of one connection, pings and settings and all. A page of 16 MiB comes in 1,024 frames; a flood of empty ones ends here."""
FRAME_OCTETS_MAX = 16384
"""The longest that we allow, for we do not say otherwise (RFC 9113, 6.5.2, SETTINGS_MAX_FRAME_SIZE)."""
LENGTH_OCTETS, HEADER_OCTETS = 3, 9
"""Of a frame: its length, and all that stands before its contents."""
HTTP_1 = b"HTTP/"[:LENGTH_OCTETS]
STREAM = 1
"""The first stream that a client opens."""
Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Answer:
    """What came back so far."""

    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False


async def fetch2(stream: Stream, check: HttpCheck, url: Url, scheme: str) -> str:
    """Ask for one page. Returns what was found, in words; raises Failed."""
    page = Page(url)
    request = (
        (":method", "GET"),
        (":scheme", scheme),
        (":authority", host_header(check, url)),
        (":path", url.path),
        ("user-agent", USER_AGENT),
    )

    def enough(answer: Answer) -> bool:
        return not page.wants_more or not page.wants_status(_status(answer))

    answer = await exchange(stream, check.connect_timeout_s, request, b"", page.take, enough)
    status = _status(answer)
    if not page.wants_status(status):
        raise Failed(f"status {status}")
    if (fault := page.fault()) is not None:
        raise Failed(fault)
    return f"status {status} over HTTP/2"


def _status(answer: Answer) -> int:
    text = answer.headers.get(":status", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0


async def exchange(
    stream: Stream,
    timeout_s: float,
    request: Headers,
    body: bytes,
    take: Callable[[bytes], None],
    enough: Callable[[Answer], bool],
) -> Answer:
    """Send a request, hand the answer's body to `take`, and stop when the head is there and `enough` says so."""
    talk = _Talk(stream, take)
    try:
        await within(timeout_s, "sending the request", talk.ask(request, body))
        await within(timeout_s, "waiting for the answer's head", talk.listen(lambda answer: bool(answer.headers)))
        await within(timeout_s, "waiting for the answer's end", talk.listen(enough))
    except H2Error as error:
        raise Failed(f"HTTP/2: the server breaks the protocol: {type(error).__name__}: {error}") from error
    return talk.answer


class Framing:
    """Looks at the length of each frame as it begins; h2 asks whether it may be so long when all of it is in memory."""

    def __init__(self) -> None:
        self._begun = b""
        """Of a length that came in pieces."""
        self._missing = 0
        """Of the frame at hand."""

    def look(self, octets: bytes) -> None:
        """Look at what came next; fails where a frame is too long."""
        at = 0
        while at < len(octets):
            if self._missing:
                here = min(self._missing, len(octets) - at)
                self._missing, at = self._missing - here, at + here
                continue
            needed = LENGTH_OCTETS - len(self._begun)
            self._begun, at = self._begun + octets[at : at + needed], at + needed
            if len(self._begun) == LENGTH_OCTETS:
                self._missing = HEADER_OCTETS - LENGTH_OCTETS + self._length()
                self._begun = b""

    def _length(self) -> int:
        length = int.from_bytes(self._begun, "big")
        if self._begun == HTTP_1:
            raise Failed("HTTP/2: the server answers in HTTP/1")
        if length > FRAME_OCTETS_MAX:
            raise Failed(f"HTTP/2: the server breaks the protocol: a frame of {length} octets")
        return length


class _Talk:
    def __init__(self, stream: Stream, take: Callable[[bytes], None]) -> None:
        self.answer = Answer()
        self._stream = stream
        self._take = take
        self._events = 0
        self._framing = Framing()
        self._protocol = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._protocol.local_settings = Settings(client=True, initial_values={SettingCodes.ENABLE_PUSH: 0})

    async def ask(self, request: Headers, body: bytes) -> None:
        self._protocol.initiate_connection()
        self._protocol.send_headers(STREAM, list(request), end_stream=not body)
        if body:
            self._protocol.send_data(STREAM, body, end_stream=True)
        await self._stream.send(self._protocol.data_to_send())

    async def listen(self, enough: Callable[[Answer], bool]) -> None:
        """Take in what comes until the answer ends or is enough."""
        while not (self.answer.ended or (self.answer.headers and enough(self.answer))):
            octets = await self._stream.receive()
            if not octets:
                raise Failed("closed within the answer" if self.answer.headers else "closed without an answer")
            self._framing.look(octets)
            for event in self._protocol.receive_data(octets):
                self._on_event(event)
            if to_send := self._protocol.data_to_send():
                await self._stream.send(to_send)

    def _on_event(self, event: Event) -> None:
        self._events += 1
        if self._events > EVENTS_MAX:
            raise Failed(f"HTTP/2: more than {EVENTS_MAX} frames")
        match event:
            case ResponseReceived(headers=headers):
                self.answer.headers = _words(headers)
            case TrailersReceived(headers=headers):
                self.answer.trailers = _words(headers)
            case DataReceived(data=data, flow_controlled_length=length):
                self._take(data or b"")
                self._protocol.acknowledge_received_data(length or 0, STREAM)
            case StreamEnded():
                self.answer.ended = True
            case StreamReset(error_code=code):
                raise Failed(f"HTTP/2: the stream was reset: {_name(code)}")
            case ConnectionTerminated(error_code=code) if not self.answer.ended:
                raise Failed(f"HTTP/2: the server goes away: {_name(code)}")


def _words(headers: object) -> dict[str, str]:
    assert isinstance(headers, list)
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def _name(code: object) -> str:
    return code.name.lower().replace("_", " ") if isinstance(code, ErrorCodes) else f"code {code}"
