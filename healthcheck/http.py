"""HTTP/1.0 and 1.1: one request, and of its answer no more than the check looks at (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from healthcheck.connection import Failed, Stream, within
from healthcheck.page import Page
from healthcheck.types import HttpCheck, HttpVersion, Url

HEAD_OCTETS_MAX = 32768
"""Of an answer's head and all interim ones before it. Servers' own limits are 8 to 16 KiB."""
CHUNK_LINE_OCTETS_MAX = 1024
"""The line in front of a chunk: a number, and extensions that nobody uses."""
CHUNKS_MAX = 65536
"""Servers make them as long as their buffers. To take millions of tiny ones apart would hold up the other probes."""
USER_AGENT = "KeepAliveClient"
"""By this name servers leave checks out of their logs."""
STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3})(?![0-9])")
HEAD_END = re.compile(rb"\r?\n\r?\n")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
INTERIM = range(100, 200)
WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """What comes before the body."""

    status: int
    content_octets: int | None
    """None: up to the end of the connection."""
    chunked: bool


async def fetch(stream: Stream, check: HttpCheck, url: Url, *, to_the_end: bool = False) -> str:
    """Ask for one page. Returns what was found, in words; raises Failed. With `to_the_end` the server must close."""
    timeout_s = check.connect_timeout_s
    page = Page(url)
    asking = _ask(stream, _request(check, url), page)
    head, rest = await within(timeout_s, "waiting for the answer's head", asking)
    if not page.wants_status(head.status):
        raise Failed(f"status {head.status}")
    body = Body(head, page, to_the_end=to_the_end)
    if not body.take(rest):
        await within(timeout_s, "waiting for the page's end", _read(stream, body))
    if (fault := page.fault()) is not None:
        raise Failed(fault)
    return f"status {head.status}"


def host_header(check: HttpCheck, url: Url) -> str:
    """The name that is asked for, else the address."""
    if url.virtual_host:
        return url.virtual_host
    address = f"[{check.address}]" if check.address.version == 6 else str(check.address)
    return f"{address}:{check.port}"


def _request(check: HttpCheck, url: Url) -> bytes:
    lines = [
        f"GET {url.path} HTTP/{'1.1' if check.version is HttpVersion.HTTP_1_1 else '1.0'}",
        f"User-Agent: {USER_AGENT}",
        f"Host: {host_header(check, url)}",
    ]
    if check.version is not HttpVersion.HTTP_1_0:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode(errors="surrogateescape")


async def _ask(stream: Stream, request: bytes, page: Page) -> tuple[Head, bytes]:
    """The answer's head, and what came after it. Interim answers are passed over, unless one of them is what is expected."""
    await stream.send(request)
    received = b""
    passed_octets = 0
    while True:
        end = HEAD_END.search(received)
        if end is not None:
            head = _head(received[: end.start()])
            received = received[end.end() :]
            if head.status not in INTERIM or page.wants_status(head.status):
                return head, received
            passed_octets += end.end()
            _judge_length(passed_octets)
            continue
        octets = await stream.receive()
        if not octets:
            raise Failed("closed within the answer's head" if received else "closed without an answer")
        received += octets
        if HEAD_END.search(received) is None:
            _judge_length(passed_octets + len(received))
        if not received.startswith(b"HTTP/"[: len(received)]):
            raise Failed("the answer is not HTTP")


def _judge_length(octets: int) -> None:
    if octets > HEAD_OCTETS_MAX:
        raise Failed(f"the answer's head is longer than {HEAD_OCTETS_MAX // 1024} KiB")


def _head(octets: bytes) -> Head:
    first, *lines = octets.split(b"\n")
    matched = STATUS_LINE.match(first)
    if matched is None:
        raise Failed("the answer is not HTTP")
    content_octets, chunked = None, False
    for line in lines:
        name, _colon, value = line.partition(b":")
        match name.strip().lower():
            case b"content-length":
                number = value.strip()
                content_octets = int(number) if number.isdigit() and len(number) < 16 else None
            case b"transfer-encoding":
                chunked = value.strip().lower().endswith(b"chunked")
    status = int(matched[1])
    if status in WITHOUT_BODY or status in INTERIM:
        return Head(status, 0, chunked=False)
    return Head(status, None if chunked else content_octets, chunked)


async def _read(stream: Stream, body: Body) -> None:
    while octets := await stream.receive():
        if body.take(octets):
            return


class Body:
    """Hands a body to a page. That it is shorter than announced is no failure, as it is none for keepalived."""

    def __init__(self, head: Head, page: Page, *, to_the_end: bool) -> None:
        self._page = page
        self._to_the_end = to_the_end
        self._missing = head.content_octets
        self._chunks = Chunks() if head.chunked else None

    def take(self, octets: bytes) -> bool:
        """Take in what came; returns whether no more is needed."""
        if self._chunks is not None:
            self._page.take(self._chunks.feed(octets))
            complete = self._chunks.ended
        elif self._missing is not None:
            self._page.take(octets[: self._missing])
            self._missing = max(0, self._missing - len(octets))
            complete = self._missing == 0
        else:
            self._page.take(octets)
            complete = False
        return not self._to_the_end and (complete or not self._page.wants_more)


class Chunks:
    """Takes a body in chunks apart (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self.ended = False
        self._begun = 0
        self._line = b""
        self._missing = 0
        """Of the chunk at hand."""
        self._line_end_due = False
        """Behind a chunk comes an empty line's end."""

    def feed(self, octets: bytes) -> bytes:
        """The contents in what came."""
        contents = []
        while octets and not self.ended:
            if self._missing:
                contents.append(octets[: self._missing])
                octets, self._missing = octets[self._missing :], self._missing - len(contents[-1])
                self._line_end_due = True
                continue
            line, newline, octets = (self._line + octets).partition(b"\n")
            self._line = line
            if len(line) > CHUNK_LINE_OCTETS_MAX:
                raise Failed("the page's chunks are malformed")
            if newline:
                self._line = b""
                self._begin(line + newline)
        return b"".join(contents)

    def _begin(self, line: bytes) -> None:
        if self._line_end_due and not line.strip():
            self._line_end_due = False
            return
        matched = CHUNK_LINE.fullmatch(line)
        if matched is None or self._line_end_due:
            raise Failed("the page's chunks are malformed")
        self._begun += 1
        if self._begun > CHUNKS_MAX:
            raise Failed(f"the page comes in more than {CHUNKS_MAX} chunks")
        self._missing = int(matched[1], 16)
        self.ended = self._missing == 0
