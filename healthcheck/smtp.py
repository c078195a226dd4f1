"""A mail server's greeting (RFC 5321): 220, HELO, 250, QUIT."""

from __future__ import annotations

from healthcheck.connection import Failed, PlainStream, Stream, converse, within
from healthcheck.lines import receive_line
from healthcheck.types import FIRST_STEP, NotProbed, ProbeResult, Round, SmtpCheck

SHOWN_OCTETS_MAX = 80
"""Of an answer, in a reason."""


async def probe_smtp(check: SmtpCheck, _round: Round = FIRST_STEP) -> ProbeResult | NotProbed:
    """Be greeted, and greet."""

    async def dialogue(stream: PlainStream) -> ProbeResult:
        rest = await _expect(stream, b"", b"220", check.connect_timeout_s, "waiting for the greeting")
        hello = f"HELO {check.helo_name}\r\n".encode(errors="surrogateescape")
        await within(check.connect_timeout_s, "sending HELO", stream.send(hello))
        await _expect(stream, rest, b"250", check.connect_timeout_s, "waiting for the answer to HELO")
        stream.send_now(b"QUIT\r\n")
        return ProbeResult(True, 0.0, "greeted")

    return await converse(check, dialogue)


async def _expect(stream: Stream, begun: bytes, code: bytes, timeout_s: float, what: str) -> bytes:
    """Read an answer, of which more than one line is a failure, as it is for keepalived. Returns what came behind it."""
    line, rest = await within(timeout_s, what, receive_line(stream, begun))
    if line[:3] != code or line[3:4] not in (b" ", b""):
        raise Failed(f"`{_shown(line)}` where {code.decode()} was expected")
    return rest


def _shown(line: bytes) -> str:
    text = line[:SHOWN_OCTETS_MAX].decode("ascii", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)
