"""Lines from a stream whose other end may send anything."""

from __future__ import annotations

from healthcheck.connection import Failed, Stream

LINE_OCTETS_MAX = 4096
"""Longer than any line that a probe understands."""


async def receive_line(stream: Stream, begun: bytes = b"", *, end_is_line_end: bool = False) -> tuple[bytes, bytes]:
    """One line without its end, and what came behind it. `begun` is what came before.

    Fails on a line that is too long, and on one that breaks off unless `end_is_line_end`.
    """
    octets = begun
    while b"\n" not in octets:
        if len(octets) > LINE_OCTETS_MAX:
            raise Failed(f"sent a line of more than {LINE_OCTETS_MAX} octets")
        more = await stream.receive()
        if not more:
            if end_is_line_end and octets:
                return octets, b""
            raise Failed("closed in the middle of an answer" if octets else "closed without an answer")
        octets += more
    line, _, rest = octets.partition(b"\n")
    return line.removesuffix(b"\r"), rest
