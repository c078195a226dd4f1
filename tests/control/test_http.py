"""The HTTP server on a loopback port, asked by a real client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest
from prometheus_client import parser

from tests.status.values import NO_WORK, SNAPSHOT
from vrrpd.config.model import ListenAddress
from vrrpd.control.http import REQUEST_OCTETS_MAX, HttpServer
from vrrpd.recording.lines import NoRecordingError
from vrrpd.status.model import ProcessStatus, Snapshot

PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""
PARTS = ('{"recording":1}\n', '{"end":0}\n')


class Daemon:
    """Whoever the server asks for the snapshot."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = SNAPSHOT
        self.asked = 0
        self.breaks_off_after: int | None = None

    async def answer(self) -> Snapshot:
        self.asked += 1
        if self.snapshot is None:
            raise RuntimeError("no snapshot to be had")
        return self.snapshot

    async def parts(self) -> AsyncGenerator[str, None]:
        """A recording in two parts, of which the first, or the second, may fail to come."""
        for number, part in enumerate(PARTS):
            if number == self.breaks_off_after:
                raise NoRecordingError("the router process does not answer")
            yield part


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def listen() -> ListenAddress:
    """A port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return ListenAddress(*probe.getsockname())


@pytest.fixture
async def server(listen: ListenAddress, daemon: Daemon) -> AsyncIterator[HttpServer]:
    server = HttpServer(listen, daemon.answer, daemon.parts)
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def client(server: HttpServer) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(f"http://{server.listen.host}:{server.listen.port}", timeout=timeout) as client:
        yield client


async def test_metrics_are_served_as_prometheus_expects_them(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    for scrape in (1, 2):
        async with client.get("/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            families = {family.name for family in parser.text_string_to_metric_families(await answer.text())}
        assert {"vrrpd_virtual_router_state", "keepalived_vrrp_state", "vrrpd_build_info"} <= families
        assert daemon.asked == scrape, "each scrape is of its moment"


async def test_the_scraper_s_accept_header_decides_the_format(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await answer.text()).endswith("# EOF\n")


@pytest.mark.parametrize(
    ("breaks_off_after", "status", "text"),
    [
        (None, 200, "".join(PARTS)),
        (1, 200, PARTS[0]),
        (0, 503, "no recording: the router process does not answer\n"),
    ],
)
async def test_a_recording_is_served_as_it_comes(
    breaks_off_after: int | None, status: int, text: str, client: aiohttp.ClientSession, daemon: Daemon
) -> None:
    daemon.breaks_off_after = breaks_off_after
    async with client.get("/api/v1/recording") as answer:
        assert (answer.status, await answer.text()) == (status, text)


async def test_a_recording_is_a_file_that_nobody_keeps_in_between(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/recording") as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_daemon_that_answers_is_healthy_whatever_its_processes_do(
    client: aiohttp.ClientSession, daemon: Daemon
) -> None:
    daemon.snapshot = None
    async with client.get("/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "alive\n")


@pytest.mark.parametrize(
    ("router", "director", "status", "text"),
    [
        ((True, True), (True, True), 200, "ready\n"),
        ((True, True), (False, False), 200, "ready\n"),
        ((False, False), (False, False), 200, "ready\n"),
        ((True, False), (True, True), 503, "no answer from router\n"),
        ((True, False), (True, False), 503, "no answer from router, director\n"),
    ],
)
async def test_it_is_ready_while_every_process_with_work_answers(
    router: tuple[bool, bool],
    director: tuple[bool, bool],
    status: int,
    text: str,
    client: aiohttp.ClientSession,
    daemon: Daemon,
) -> None:
    daemon.snapshot = replace(
        NO_WORK, processes=(ProcessStatus("router", 1, *router, 0), ProcessStatus("director", 2, *director, 0))
    )
    async with client.get("/readyz") as answer:
        assert (answer.status, await answer.text()) == (status, text)


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/metrics/x", "/../etc/passwd", "/%00"])
async def test_what_is_not_there_is_404(path: str, client: aiohttp.ClientSession) -> None:
    async with client.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_nothing_can_be_changed(method: str, path: str, client: aiohttp.ClientSession, daemon: Daemon) -> None:
    async with client.request(method, path, data=b"priority=255") as answer:
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
    assert daemon.asked == 0


async def test_a_fault_is_told_and_the_next_request_served(
    client: aiohttp.ClientSession, daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.snapshot = None
    async with client.get("/metrics") as answer:
        assert answer.status == 500
        assert "no snapshot" not in await answer.text(), "the reason is for the log, not for strangers"
    assert "no snapshot to be had" in caplog.text
    daemon.snapshot = SNAPSHOT
    async with client.get("/metrics") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("where", ["line", "header"])
async def test_a_request_that_is_too_long_is_refused(where: str, client: aiohttp.ClientSession) -> None:
    long = "x" * (REQUEST_OCTETS_MAX + 1)
    path, headers = (f"/metrics?{long}", {}) if where == "line" else ("/metrics", {"X-Long": long})
    async with client.get(path, headers=headers) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("garbage", [b"\0" * 100, b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n"])
async def test_garbage_costs_one_connection_and_no_more(
    garbage: bytes, client: aiohttp.ClientSession, server: HttpServer
) -> None:
    reader, writer = await asyncio.open_connection(server.listen.host, server.listen.port)
    writer.write(garbage)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        assert b" 200 " not in await reader.read()
    writer.close()
    await writer.wait_closed()
    async with client.get("/healthz") as answer:
        assert answer.status == 200


# ---- where it listens


@pytest.fixture
def taken() -> Iterator[ListenAddress]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield ListenAddress(*other.getsockname())


async def test_a_port_in_use_is_an_error_that_leaves_nothing_open(taken: ListenAddress, daemon: Daemon) -> None:
    server = HttpServer(taken, daemon.answer, daemon.parts)
    with pytest.raises(OSError, match="address already in use"):
        await server.start()
    assert server._runner.server is None
    assert not server._runner.sites


async def test_a_host_that_is_none_is_an_error(daemon: Daemon) -> None:
    with pytest.raises(OSError, match=r"."):
        await HttpServer(ListenAddress("no-such-host.invalid", 9165), daemon.answer, daemon.parts).start()


async def test_a_closed_server_is_closed_and_its_port_free(listen: ListenAddress, daemon: Daemon) -> None:
    for _life in range(2):
        server = HttpServer(listen, daemon.answer, daemon.parts)
        await server.start()
        async with aiohttp.ClientSession() as client, client.get(f"http://{listen.host}:{listen.port}/healthz") as answer:
            assert answer.status == 200
        await server.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(listen.host, listen.port)


async def test_closing_waits_for_no_idle_client(server: HttpServer, client: aiohttp.ClientSession) -> None:
    async with client.get("/healthz"):
        pass
    async with asyncio.timeout(PATIENCE_S / 2):
        await server.close()
