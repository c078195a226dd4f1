"""HTTP/2 and gRPC against servers of the library's other half, and hostile ones."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from dataclasses import replace

import pytest
from h2.connection import H2Connection
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.connection import Failed
from healthcheck.grpc import METHOD, probe_grpc, request_message, serving_state
from healthcheck.http2 import FRAME_OCTETS_MAX, Framing, exchange
from healthcheck.types import GrpcCheck, HttpCheck, HttpVersion, Outcome, ProbeResult, Regex, Sni, SslCheck, Tls, TlsFiles, Url
from healthcheck.web import probe_web
from tests.healthcheck.http2_server import HUGE_FRAME, PING, SETTINGS, Server, headers_alone
from tests.healthcheck.servers import (
    HOSTILE,
    LOCALHOST,
    NAME,
    PATIENCE_S,
    TIMEOUT_S,
    Authority,
    Handler,
    Issued,
    answering,
    closed_again,
    descriptors_open,
    endless,
    serving,
)

PAGE = b"well" * 20000
"""More than the window of a stream at its beginning, 65,535 octets."""


def ok(body: bytes = b"") -> Server:
    return Server([(":status", "200")], body)


async def probe(check: HttpCheck | GrpcCheck) -> Outcome:
    async with asyncio.timeout(PATIENCE_S):
        return await (probe_grpc(check) if isinstance(check, GrpcCheck) else probe_web(check))


async def ask(handler: Handler, url: Url = Url("/"), **settings: object) -> tuple[bool, str]:  # noqa: B008  a value
    async with serving(handler) as port:
        check = HttpCheck(LOCALHOST, port, urls=(url,), version=HttpVersion.HTTP_2)
        result = await probe(replace(check, **settings))  # type: ignore[arg-type]
    assert isinstance(result, ProbeResult)
    return result.success, result.reason


async def test_what_is_asked() -> None:
    server = ok()
    assert await ask(server, Url("/a?b", virtual_host=NAME)) == (True, "status 200 over HTTP/2")
    assert server.heard == [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", NAME),
        (":path", "/a?b"),
        ("user-agent", "KeepAliveClient"),
    ]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (Url("/", digest=hashlib.md5(PAGE).digest()), None),  # noqa: S324
        (Url("/", regex=Regex("well")), None),
        (Url("/", regex=Regex("fire")), "the page does not match the expression"),
        (Url("/", statuses=((300, 301),)), "status 200"),
    ],
)
async def test_a_long_page(url: Url, fault: str | None) -> None:
    assert await ask(ok(PAGE), url) == (fault is None, fault or "status 200 over HTTP/2")


async def test_over_tls_as_alpn_agrees(authority: Authority, issued: Issued) -> None:
    tls = Tls(TlsFiles(authorities=str(authority.file)), verify=True)
    server = ok()
    for protocols, expected in (
        (("h2",), (True, "status 200 over HTTP/2")),
        ((), (False, "TLS: the server does not speak h2")),
    ):
        async with serving(server, issued.server(*protocols)) as port:
            url = Url("/", virtual_host=NAME)
            check = SslCheck(LOCALHOST, port, urls=(url,), version=HttpVersion.HTTP_2, tls=tls)
            result = await probe(check)
        assert isinstance(result, ProbeResult)
        assert (result.success, result.reason) == expected
        assert result.certificate_end_unix_s == issued.end.timestamp()
    assert (":scheme", "https") in server.heard


# -- hostile servers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_server_is_down_in_time_and_leaves_nothing_behind(name: str) -> None:
    before = descriptors_open()
    success, _reason = await ask(HOSTILE[name], connect_timeout_s=TIMEOUT_S)
    assert not success
    await closed_again(before)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(SETTINGS + b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + struct.pack("!II", 0, 11)), "enhance your calm"),
        (Server([], instead=lambda protocol: protocol.reset_stream(1, 7)), "refused stream"),
        (Server([], instead=lambda protocol: protocol.close_connection(2)), "internal error"),
        (
            Server([(":status", "200")], b"", instead=lambda _protocol: None),
            "timed out after 0.3 s waiting for the answer's head",
        ),
        (endless(SETTINGS, PING * 1000), "more than 2000 frames"),
        (endless(SETTINGS, SETTINGS * 1000), "more than 2000 frames"),
        (
            endless(SETTINGS, b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82" + b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x82" * 100),
            "HTTP/2: ",
        ),
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP/2: the server answers in HTTP/1"),
        (endless(SETTINGS + HUGE_FRAME, bytes(65536)), "breaks the protocol: a frame of 16777215 octets"),
    ],
    ids=["goaway", "reset", "close", "no answer", "pings", "settings", "continuations", "HTTP/1", "a huge frame"],
)
async def test_what_a_server_may_do(handler: Handler, reason: str) -> None:
    before = descriptors_open()
    timeout_s = TIMEOUT_S if "timed out" in reason else PATIENCE_S
    success, words = await ask(handler, connect_timeout_s=timeout_s)
    assert not success
    assert reason in words
    await closed_again(before)


async def test_a_stream_that_ends_in_between() -> None:
    url = Url("/", digest=bytes(16))
    reason = (False, "timed out after 0.3 s waiting for the answer's end")
    assert await ask(Server([], instead=headers_alone), url, connect_timeout_s=TIMEOUT_S) == reason


# -- gRPC -----------------------------------------------------------------------------------------------------------------

GRPC = [(":status", "200"), ("content-type", "application/grpc")]
GOOD = [("grpc-status", "0")]


def message(state: int) -> bytes:
    return b"\0\0\0\0\2\x08" + bytes([state])


async def ask_grpc(server: Handler, **settings: object) -> tuple[bool, str]:
    async with serving(server) as port:
        result = await probe(replace(GrpcCheck(LOCALHOST, port), **settings))  # type: ignore[arg-type]
    assert isinstance(result, ProbeResult)
    return result.success, result.reason


async def test_grpc_health() -> None:
    server = Server(GRPC, message(1), GOOD)
    assert await ask_grpc(server, service="shop.Cart") == (True, "serving")
    assert dict(server.heard) | {":authority": ""} == {
        ":method": "POST",
        ":scheme": "http",
        ":authority": "",
        ":path": METHOD,
        "content-type": "application/grpc",
        "te": "trailers",
        "grpc-timeout": "5000m",
    }
    assert server.heard_body == b"\0\0\0\0\x0b\x0a\x09shop.Cart"


def nothing_but_good_news(protocol: H2Connection) -> None:
    protocol.send_headers(1, GRPC)
    protocol.send_headers(1, GOOD, end_stream=True)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (Server(GRPC, message(2), GOOD), "gRPC: not serving"),
        (Server(GRPC, message(3), GOOD), "gRPC: service unknown"),
        (Server(GRPC, message(9), GOOD), "gRPC: state 9"),
        (Server(GRPC, b"\0\0\0\0\0", GOOD), "gRPC: unknown"),
        (Server([*GRPC, ("grpc-status", "5")]), "gRPC: no such service"),
        (Server([*GRPC, ("grpc-status", "12")]), "gRPC: no health service"),
        (Server(GRPC, message(1), [("grpc-status", "99")]), "gRPC: status 99"),
        (Server(GRPC, message(1)), "gRPC: no status"),
        (Server(GRPC, instead=nothing_but_good_news), "gRPC: the answer is malformed"),
        (Server(GRPC, b"\1" + message(1)[1:], GOOD), "gRPC: the answer is malformed"),
        (Server(GRPC, b"\0\0\0\0\x02\x10\x01", GOOD), "gRPC: the answer is malformed"),
        (Server(GRPC, bytes(5000), GOOD), "gRPC: the answer is too long"),
        (Server([(":status", "404")], b"no"), "gRPC: status 404 of HTTP"),
    ],
)
async def test_grpc_that_does_not_serve(server: Server, reason: str) -> None:
    assert await ask_grpc(server) == (False, reason)


async def test_grpc_over_tls(authority: Authority, issued: Issued) -> None:
    tls = Tls(TlsFiles(authorities=str(authority.file)), verify=True, certificate_days_min=7)
    async with serving(Server(GRPC, message(1), GOOD), issued.server("h2")) as port:
        check = GrpcCheck(LOCALHOST, port, tls=tls, sni=Sni(NAME))
        for one, expected in (
            (check, (True, "serving")),
            (replace(check, sni=Sni("other.example.org")), (False, "TLS: Hostname mismatch")),
            (replace(check, tls=replace(tls, certificate_days_min=60)), (False, "TLS: certificate ends in 30.0 days")),
            (replace(check, tls=None), (False, "")),
        ):
            result = await probe(replace(one, connect_timeout_s=2.0))
            assert isinstance(result, ProbeResult)
            assert (result.success, result.reason[: len(expected[1])]) == expected


@pytest.mark.parametrize("name", HOSTILE)
async def test_grpc_of_a_hostile_server(name: str) -> None:
    before = descriptors_open()
    success, _reason = await ask_grpc(HOSTILE[name], connect_timeout_s=TIMEOUT_S)
    assert not success
    await closed_again(before)


@given(st.binary(max_size=12))
def test_an_answer_may_be_anything(octets: bytes) -> None:
    try:
        assert serving_state(octets) in range(128)
    except Failed:
        return


def test_a_long_name_of_a_service() -> None:
    name = "a" * 300
    assert request_message(name) == b"\0" + struct.pack("!I", 303) + b"\x0a\xac\x02" + name.encode()
    assert request_message("") == bytes(5)


class Said:
    """A stream on which everything was said before."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    async def send(self, octets: bytes) -> None:
        pass

    async def receive(self) -> bytes:
        octets, self._octets = self._octets, b""
        return octets


@given(st.lists(st.integers(0, FRAME_OCTETS_MAX), max_size=5), st.integers(1, 20000))
def test_frames_may_come_in_pieces_of_any_size(lengths: list[int], piece: int) -> None:
    octets = b"".join(length.to_bytes(3) + bytes(6 + length) for length in lengths)
    framing = Framing()
    for at in range(0, len(octets), piece):
        framing.look(octets[at : at + piece])
    too_long = (FRAME_OCTETS_MAX + 1).to_bytes(3)
    framing.look(too_long[:1])
    with pytest.raises(Failed, match="a frame of 16385 octets"):
        framing.look(too_long[1:])


FRAMES = st.builds(
    lambda kind, flags, stream, payload: len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload,
    st.integers(0, 10),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 0xFF]),
    st.sampled_from([0, 1, 1, 1, 2, 3, 2**31 - 1]),
    st.sampled_from([b"", b"\x88", bytes(4), bytes(8), b"\x00\x03\x00\x00\x00\x00"]) | st.binary(max_size=20),
)


@given(st.lists(FRAMES, max_size=8))
async def test_any_frames_in_any_order_end_in_an_answer_or_in_words(frames: list[bytes]) -> None:
    request = ((":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/"))
    octets = SETTINGS + b"".join(frames)
    try:
        answer = await exchange(Said(octets), PATIENCE_S, request, b"", lambda _octets: None, lambda _answer: False)
    except Failed:
        return
    assert answer.headers
