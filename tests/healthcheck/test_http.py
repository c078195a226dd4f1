"""HTTP_GET against servers on the loopback interface."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from healthcheck.connection import CONNECTION_OCTETS_MAX, longest_s
from healthcheck.http import Chunks, host_header
from healthcheck.types import (
    FIRST_STEP,
    HttpCheck,
    HttpVersion,
    NotProbed,
    Outcome,
    ProbeResult,
    Regex,
    Round,
    StepPassed,
    Url,
)
from healthcheck.web import probe_web
from tests.healthcheck.servers import (
    HOSTILE,
    LOCALHOST,
    PATIENCE_S,
    TIMEOUT_S,
    Handler,
    answering,
    closed_again,
    descriptors_open,
    endless,
    serving,
    silent,
)

OK = b"HTTP/1.1 200 OK\r\n"
PAGE = b"<p>all is well</p>\n"
DIGEST = hashlib.md5(PAGE).digest()  # noqa: S324


async def probe(check: HttpCheck, round_: Round = FIRST_STEP) -> Outcome:
    async with asyncio.timeout(PATIENCE_S):
        return await probe_web(check, round_)


async def ask(handler: Handler, url: Url, **settings: object) -> tuple[bool, str]:
    """Success, and in words why."""
    async with serving(handler) as port:
        result = await probe(replace(HttpCheck(LOCALHOST, port, urls=(url,)), **settings))  # type: ignore[arg-type]
    assert isinstance(result, ProbeResult)
    return result.success, result.reason


async def asked(check: HttpCheck) -> bytes:
    """The request that is made."""
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"\r\n")

    async with serving(handle) as port:
        await probe(replace(check, port=port))
    return heard[0].replace(str(port).encode(), b"PORT")


@pytest.mark.parametrize(
    ("version", "request_line", "last"),
    [
        (HttpVersion.HTTP_1_0, b"GET /a?b HTTP/1.0", b"Host: 127.0.0.1:PORT"),
        (HttpVersion.HTTP_1_0_CLOSE, b"GET /a?b HTTP/1.0", b"Connection: close"),
        (HttpVersion.HTTP_1_1, b"GET /a?b HTTP/1.1", b"Connection: close"),
    ],
)
async def test_what_is_asked(version: HttpVersion, request_line: bytes, last: bytes) -> None:
    lines = (await asked(HttpCheck(LOCALHOST, 0, urls=(Url("/a?b"),), version=version))).split(b"\r\n")
    assert lines[:3] == [request_line, b"User-Agent: KeepAliveClient", b"Host: 127.0.0.1:PORT"]
    assert lines[-3:] == [last, b"", b""]


def test_the_host_header() -> None:
    check = HttpCheck(IPv6Address("2001:db8::1"), 8080)
    assert host_header(check, Url("/")) == "[2001:db8::1]:8080"
    assert host_header(check, Url("/", virtual_host="www.example.org")) == "www.example.org"


@pytest.mark.parametrize(
    ("answer", "url", "success", "reason"),
    [
        (OK + b"\r\n", Url("/"), True, "status 200"),
        (b"HTTP/1.0 299 \r\n\r\n", Url("/"), True, "status 299"),
        (b"HTTP/1.0 204\n\n", Url("/"), True, "status 204"),
        (b"HTTP/1.0 302 Found\r\n\r\n", Url("/"), False, "status 302"),
        (b"HTTP/1.0 302 Found\r\n\r\n", Url("/", statuses=((200, 200), (301, 303))), True, "status 302"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n\r\n", Url("/"), False, "status 503"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n", Url("/", statuses=((100, 100),)), True, "status 100"),
        (b"HTTP/1.0 2000 OK\r\n\r\n", Url("/"), False, "the answer is not HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", Url("/"), False, "the answer is not HTTP"),
        (b"HTTP/1.0 200 OK\r\n", Url("/"), False, "closed within the answer's head"),
        (b"", Url("/"), False, "closed without an answer"),
    ],
)
async def test_the_status(answer: bytes, url: Url, success: bool, reason: str) -> None:
    assert await ask(answering(answer), url) == (success, reason)


LENGTH = b"Content-Length: %d\r\n\r\n" % len(PAGE)
CHUNKED = (
    b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n" + PAGE[:5] + b"\r\n%x\r\n" % (len(PAGE) - 5) + PAGE[5:] + b"\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("then_wait", [False, True])
@pytest.mark.parametrize("answer", [LENGTH + PAGE + b"what is no longer the page", CHUNKED], ids=["length", "chunks"])
async def test_a_page_ends_where_it_says(answer: bytes, then_wait: bool) -> None:
    url = Url("/", digest=DIGEST)
    assert await ask(answering(OK + answer, then_wait=then_wait), url) == (True, "status 200")


async def test_a_page_without_length_ends_with_the_connection() -> None:
    assert await ask(answering(OK + b"\r\n" + PAGE), Url("/", digest=DIGEST)) == (True, "status 200")
    assert await ask(answering(OK + b"Content-Length: many\r\n\r\n" + PAGE), Url("/", digest=DIGEST)) == (True, "status 200")


async def test_a_page_shorter_than_announced_is_no_failure() -> None:
    url = Url("/", digest=DIGEST)
    assert await ask(answering(OK + b"Content-Length: 1000\r\n\r\n" + PAGE), url) == (True, "status 200")


async def test_another_page_has_another_digest() -> None:
    success, reason = await ask(answering(OK + b"\r\n" + PAGE[:-1]), Url("/", digest=DIGEST))
    assert not success
    assert reason == f"the page's digest is {hashlib.md5(PAGE[:-1]).hexdigest()}"  # noqa: S324


@pytest.mark.parametrize(
    ("regex", "fault"),
    [
        (Regex("all is (well|fine)"), None),
        (Regex("fire"), "the page does not match the expression"),
        (Regex("fire", must_match=False), None),
        (Regex("well", must_match=False), "the page matches the expression"),
    ],
)
async def test_an_expression(regex: Regex, fault: str | None) -> None:
    assert await ask(answering(OK + b"\r\n" + PAGE), Url("/", regex=regex)) == (fault is None, fault or "status 200")


async def test_an_expression_that_takes_too_long_is_a_failure() -> None:
    page = b"a" * 50 + b"!"
    success, reason = await ask(answering(OK + b"\r\n" + page), Url("/", regex=Regex(r"^(a|aa|a?a)+$", must_match=False)))
    assert (success, reason) == (False, "the page takes too long to be compared with the expression")


async def test_chunks_that_are_none() -> None:
    bad = (b"x\r\n", b"-1\r\n", b"1\r\nab\r\n", b"1" * 2000, b"\r\n\r\n", b"fffffffffffffffff\r\n")
    for chunks in bad:
        answer = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        assert await ask(answering(answer), Url("/", digest=DIGEST)) == (False, "the page's chunks are malformed"), chunks


def test_chunks_come_in_pieces_of_any_size() -> None:
    whole = CHUNKED.partition(b"\r\n\r\n")[2]
    for size in range(1, len(whole)):
        chunks = Chunks()
        assert b"".join(chunks.feed(whole[at : at + size]) for at in range(0, len(whole), size)) == PAGE
        assert chunks.ended


# -- hostile servers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_server_is_down_in_time_and_leaves_nothing_behind(name: str) -> None:
    before = descriptors_open()
    success, reason = await ask(HOSTILE[name], Url("/", digest=DIGEST), connect_timeout_s=TIMEOUT_S)
    expected = {
        "silence": "timed out after 0.3 s waiting for the answer's head",
        "a byte at a time": "timed out after 0.3 s waiting for the answer's head",
        "an endless head": "the answer's head is longer than 32 KiB",
        "an endless line": "the answer is not HTTP",
        "garbage": "the answer is not HTTP",
        "an early close": "closed without an answer",
        "a reset": "connection reset by peer",
    }
    assert (success, reason) == (False, expected[name])
    await closed_again(before)


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 999999999999999\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_an_endless_page_is_a_failure_and_takes_little_memory(framing: bytes) -> None:
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    tracemalloc.start()
    try:
        reason = await ask(endless(OK + framing + b"\r\n", chunk), Url("/", digest=DIGEST))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason == (False, "sent more than 16 MiB")
    assert peak < CONNECTION_OCTETS_MAX / 8


async def test_an_expression_looks_at_the_beginning_of_an_endless_page() -> None:
    server = endless(OK + b"\r\nwell", bytes(65536))
    assert await ask(server, Url("/", regex=Regex("well"))) == (True, "status 200")


async def test_without_anything_to_look_for_an_endless_page_is_not_read() -> None:
    assert await ask(endless(OK + b"\r\n", bytes(65536)), Url("/")) == (True, "status 200")


async def test_a_page_that_stops_within_is_a_failure_in_time() -> None:
    server = answering(OK + LENGTH + PAGE[:-1], then_wait=True)
    result = await ask(server, Url("/", digest=DIGEST), connect_timeout_s=TIMEOUT_S)
    assert result == (False, "timed out after 0.3 s waiting for the page's end")


async def test_nobody_listens() -> None:
    result = await probe(HttpCheck(LOCALHOST, 9, urls=(Url("/"),)))
    assert isinstance(result, ProbeResult)
    assert (result.success, result.reason) == (False, "connection refused")


async def test_what_this_machine_lacks_says_nothing_about_the_server() -> None:
    before = descriptors_open()
    result = await probe(HttpCheck(LOCALHOST, 9, urls=(Url("/"),), bind_address=IPv6Address("2001:db8::1")))
    assert isinstance(result, NotProbed)
    await closed_again(before)


async def test_a_probe_that_is_broken_off_closes_its_connection() -> None:
    before = descriptors_open()
    connected = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await silent(reader, writer)

    async with serving(handle) as port:
        task = asyncio.ensure_future(probe_web(HttpCheck(LOCALHOST, port, urls=(Url("/"),))))
        await asyncio.wait_for(connected.wait(), PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await closed_again(before)


def test_the_whole_takes_no_longer_than_is_said() -> None:
    assert longest_s(HttpCheck(LOCALHOST, 80, connect_timeout_s=3.0)) > 4 * 3.0


# -- several pages ------------------------------------------------------------------------------------------------------------


async def paths(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    writer.write(b"HTTP/1.0 %d x\r\n\r\n" % (200 if b"good" in line else 500))


async def test_pages_are_asked_for_in_turn() -> None:
    urls = (Url("/good1"), Url("/good2"), Url("/good3"))
    async with serving(paths) as port:
        check = HttpCheck(LOCALHOST, port, urls=urls)
        first = await probe(check, Round(1, 0))
        assert isinstance(first, StepPassed)
        assert (first.next, first.reason, first.at_once) == (Round(2, 1), "/good2: status 200", False)
        second = await probe(replace(check, fast_recovery=True), first.next)
        assert isinstance(second, StepPassed)
        assert (second.next, second.at_once) == (Round(0, 2), True)
        last = await probe(check, second.next)
        assert isinstance(last, ProbeResult)
        assert (last.success, last.reason) == (True, "/good1: status 200")


async def test_one_bad_page_is_a_failure() -> None:
    async with serving(paths) as port:
        result = await probe(HttpCheck(LOCALHOST, port, urls=(Url("/good"), Url("/bad"))), Round(1, 1))
    assert isinstance(result, ProbeResult)
    assert (result.success, result.reason) == (False, "/bad: status 500")


# -- a real server ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Path]:
    """nginx with a few pages, which it would compress if asked to; its port stands in the file `port` of this directory."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "page").write_bytes(PAGE)
    (tmp_path / "html" / "large").write_bytes(PAGE * 20000)
    port = free_port()
    (tmp_path / "port").write_text(str(port))
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; user {'root' if os.getuid() == 0 else 'nobody'}; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log {tmp_path}/access.log; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"gzip on; gzip_types *; server {{ listen 127.0.0.1:{port}; root {tmp_path}/html; }} }}\n"
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([program, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        yield tmp_path
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind((str(LOCALHOST), 0))
        port = opened.getsockname()[1]
        assert isinstance(port, int)
        return port


@pytest.mark.parametrize("version", [HttpVersion.HTTP_1_0, HttpVersion.HTTP_1_0_CLOSE, HttpVersion.HTTP_1_1])
async def test_nginx(nginx: Path, version: HttpVersion) -> None:
    check = HttpCheck(LOCALHOST, int((nginx / "port").read_text()), version=version)
    large = hashlib.md5(PAGE * 20000).digest()  # noqa: S324
    cases = {
        Url("/page", digest=DIGEST, regex=Regex("well")): (True, "status 200"),
        Url("/large", digest=large): (True, "status 200"),
        Url("/missing"): (False, "status 404"),
    }
    for url, expected in cases.items():
        result = await until_it_listens(replace(check, urls=(url,)))
        assert (result.success, result.reason) == expected


async def until_it_listens(check: HttpCheck) -> ProbeResult:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            result = await probe_web(check)
            assert isinstance(result, ProbeResult)
            if result.reason != "connection refused":
                return result
            await asyncio.sleep(0.02)
