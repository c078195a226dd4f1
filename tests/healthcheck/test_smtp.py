"""SMTP_CHECK against mail servers, real and hostile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from healthcheck.smtp import probe_smtp
from healthcheck.types import ProbeResult, SmtpCheck
from tests.healthcheck.servers import (
    HOSTILE,
    LOCALHOST,
    PATIENCE_S,
    TIMEOUT_S,
    Handler,
    closed_again,
    descriptors_open,
    serving,
)


async def probe(check: SmtpCheck) -> tuple[bool, str]:
    async with asyncio.timeout(PATIENCE_S):
        result = await probe_smtp(check)
    assert isinstance(result, ProbeResult)
    return result.success, result.reason


def speaking(*answers: bytes, heard: asyncio.Queue[bytes] | None = None) -> Handler:
    """Says one answer after the other, and waits for a line between them."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            line = await reader.readline()
            if heard is not None:
                heard.put_nowait(line)
        writer.write_eof()
        await reader.read()

    return handle


async def ask(handler: Handler, **settings: object) -> tuple[bool, str]:
    async with serving(handler) as port:
        return await probe(replace(SmtpCheck(LOCALHOST, port), **settings))  # type: ignore[arg-type]


async def test_what_is_said() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    server = speaking(b"220 mail\r\n", b"250 hello\r\n", b"221 bye\r\n", heard=heard)
    async with serving(server) as port:
        assert await probe(SmtpCheck(LOCALHOST, port, helo_name="lb.example.org")) == (True, "greeted")
        for expected in (b"HELO lb.example.org\r\n", b"QUIT\r\n"):
            assert await asyncio.wait_for(heard.get(), PATIENCE_S) == expected


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((b"220\n", b"250\n"), "greeted"),
        ((b"554 no\r\n",), "`554 no` where 220 was expected"),
        ((b"220 a\r\n", b"550 \x1b[2J\r\n"), "`550 ?[2J` where 250 was expected"),
        ((b"220-one\r\n220 two\r\n",), "`220-one` where 220 was expected"),
        ((b"220 a\r\n", b"250-one\r\n250 two\r\n"), "`250-one` where 250 was expected"),
        ((b"220 a\r\n",), "closed without an answer"),
        ((b"2200\r\n",), "`2200` where 220 was expected"),
    ],
)
async def test_what_is_answered(answers: tuple[bytes, ...], reason: str) -> None:
    assert await ask(speaking(*answers)) == (reason == "greeted", reason)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_server_is_down_in_time_and_leaves_nothing_behind(name: str) -> None:
    before = descriptors_open()
    success, _reason = await ask(HOSTILE[name], connect_timeout_s=TIMEOUT_S)
    assert not success
    await closed_again(before)


async def test_a_real_mail_server() -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), str(LOCALHOST), 0)
    async with server:
        assert await probe(SmtpCheck(LOCALHOST, server.sockets[0].getsockname()[1])) == (True, "greeted")
