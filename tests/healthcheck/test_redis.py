"""Redis, the real one and hostile ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from healthcheck.redis import probe_redis, request
from healthcheck.types import FIRST_STEP, NotProbed, ProbeResult, RedisCheck
from tests.healthcheck.servers import LOCALHOST, PATIENCE_S, TIMEOUT_S, answering, closed_again, descriptors_open, serving


@asynccontextmanager
async def redis(directory: Path, *options: str) -> AsyncIterator[int]:
    """A Redis server of its own; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory), *options]
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while b"Ready to accept connections" not in await server.stdout.readline():
                assert server.returncode is None
        yield port
    finally:
        server.kill()
        await server.communicate()


async def found(check: RedisCheck) -> tuple[bool, str]:
    before = descriptors_open()
    outcome = await probe_redis(check, FIRST_STEP)
    await closed_again(before)
    assert isinstance(outcome, ProbeResult), outcome
    return outcome.success, outcome.reason


async def test_a_real_server(tmp_path: Path) -> None:
    async with redis(tmp_path) as port:
        outcome = await probe_redis(RedisCheck(LOCALHOST, port), FIRST_STEP)
        assert isinstance(outcome, ProbeResult)
        assert (outcome.success, outcome.reason) == (True, "PONG")


async def test_a_real_server_that_wants_a_password(tmp_path: Path) -> None:
    async with redis(tmp_path, "--requirepass", "se cret") as port:
        reasons = [
            (await found_open(RedisCheck(LOCALHOST, port, user=user, password=password)))
            for user, password in ((None, "se cret"), ("default", "se cret"), (None, "wrong"), (None, None))
        ]
    assert reasons[:2] == ["PONG", "PONG"]
    assert reasons[2].startswith("AUTH was answered with '-WRONGPASS")
    assert reasons[3].startswith("PING was answered with '-NOAUTH")


async def found_open(check: RedisCheck) -> str:
    """As `found`, beside a server whose own descriptors come and go."""
    return (await probe_redis(check, FIRST_STEP)).reason


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (
            b"-LOADING Redis is loading the dataset in memory\r\n",
            "PING was answered with '-LOADING Redis is loading the dataset in memory'",
        ),
        (b"HTTP/1.0 400 \xff\x1b\r\n", "PING was answered with 'HTTP/1.0 400 \\\\xff\\x1b'"),
        (b"", "closed without an answer"),
        (b"+PO", "closed in the middle of an answer"),
        (b"x" * 100_000, "sent a line of more than 4096 octets"),
    ],
)
async def test_anything_but_pong_is_a_failure_and_named(octets: bytes, reason: str) -> None:
    async with serving(answering(octets)) as port:
        success, seen = await reason_of(port)
    assert (success, seen) == (False, reason)


async def reason_of(port: int) -> tuple[bool, str]:
    outcome = await probe_redis(RedisCheck(LOCALHOST, port, connect_timeout_s=PATIENCE_S), FIRST_STEP)
    return isinstance(outcome, ProbeResult) and outcome.success, outcome.reason


async def test_silence_is_a_failure_in_time() -> None:
    async with serving(answering(b"", then_wait=True)) as port:
        outcome = await probe_redis(RedisCheck(LOCALHOST, port, connect_timeout_s=TIMEOUT_S), FIRST_STEP)
    assert outcome.reason == "timed out after 0.3 s waiting for the answer to PING"


async def test_nobody_there() -> None:
    assert await found(RedisCheck(LOCALHOST, 1)) == (False, "connection refused")
    assert isinstance(await probe_redis(RedisCheck(LOCALHOST, 1, bind_interface="nosuch0"), FIRST_STEP), NotProbed)


def test_a_password_may_hold_anything_and_is_shown_nowhere() -> None:
    check = RedisCheck(LOCALHOST, 6379, password="ä\r\nPING")
    assert request(check) == b"*2\r\n$4\r\nAUTH\r\n$8\r\n\xc3\xa4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"
    assert "PING" not in repr(check)
