"""REDIS_CHECK: PING to a Redis server, or to what speaks its protocol, after AUTH where there is a password."""

from __future__ import annotations

from healthcheck.connection import Failed, PlainStream, converse, within
from healthcheck.lines import receive_line
from healthcheck.types import NotProbed, ProbeResult, RedisCheck, Round

WORDS_SHOWN_MAX = 100
"""Characters of a server's own words in a reason."""


async def probe_redis(check: RedisCheck, _round: Round) -> ProbeResult | NotProbed:
    """Log in and ask."""

    async def dialogue(stream: PlainStream) -> ProbeResult:
        await within(check.connect_timeout_s, "in sending", stream.send(request(check)))
        rest = b""
        for question in ("AUTH", "PING") if check.password is not None else ("PING",):
            waiting = receive_line(stream, rest)
            line, rest = await within(check.connect_timeout_s, f"waiting for the answer to {question}", waiting)
            if line != (b"+OK" if question == "AUTH" else b"+PONG"):
                raise Failed(f"{question} was answered with {shown(line)}")
        return ProbeResult(True, 0.0, "PONG")

    return await converse(check, dialogue)


def request(check: RedisCheck) -> bytes:
    """Both commands at once, in the form that allows any character in a password."""
    ping = _command("PING")
    if check.password is None:
        return ping
    return _command("AUTH", *([check.user] if check.user is not None else []), check.password) + ping


def shown(line: bytes) -> str:
    """A server's words as they can stand in a log."""
    return repr(line[:WORDS_SHOWN_MAX].decode("ascii", "backslashreplace"))


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
