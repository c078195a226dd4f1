"""gRPC's own health service, `grpc.health.v1.Health/Check`, over HTTP/2 with or without TLS.

Its messages have one field each, so they are written and read here: a request names a service, an answer is a number.
"""

from __future__ import annotations

from typing import Final

from healthcheck.connection import Failed, PlainStream, Stream, converse
from healthcheck.http2 import ALPN, Answer, exchange
from healthcheck.tls import Secured, converse_over_tls
from healthcheck.types import FIRST_STEP, GrpcCheck, NotProbed, ProbeResult, Round

METHOD = "/grpc.health.v1.Health/Check"
ANSWER_OCTETS_MAX = 4096
"""An answer has 7 octets; fields that this version does not know may follow."""
PREFIX_OCTETS = 5
"""Before each message: whether it is compressed, and its length."""
SERVICE_FIELD = 0x0A
"""Field 1 of the request, octets."""
STATUS_FIELD = 0x08
"""Field 1 of the answer, a varint."""
SERVING: Final = 1
STATES = {0: "unknown", SERVING: "serving", 2: "not serving", 3: "service unknown"}
OK = "0"
STATUSES = {
    "5": "no such service",
    "7": "permission denied",
    "12": "no health service",
    "14": "unavailable",
    "16": "unauthenticated",
}


async def probe_grpc(check: GrpcCheck, _round: Round = FIRST_STEP) -> ProbeResult | NotProbed:
    """Ask whether the service is serving."""

    async def dialogue(plain: PlainStream) -> ProbeResult:
        if check.tls is None:
            return ProbeResult(True, 0.0, await _ask(plain, check, "http"))
        secured = Secured(check.tls, check.sni, check.virtual_host, (ALPN,))
        return await converse_over_tls(plain, check, secured, lambda stream: _ask(stream, check, "https"))

    return await converse(check, dialogue)


async def _ask(stream: Stream, check: GrpcCheck, scheme: str) -> str:
    address = f"[{check.address}]" if check.address.version == 6 else str(check.address)
    request = (
        (":method", "POST"),
        (":scheme", scheme),
        (":authority", check.virtual_host or f"{address}:{check.port}"),
        (":path", METHOD),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", f"{max(1, int(check.connect_timeout_s * 1000))}m"),
    )
    received = bytearray()

    def take(octets: bytes) -> None:
        received.extend(octets)
        if len(received) > ANSWER_OCTETS_MAX:
            raise Failed("gRPC: the answer is too long")

    answer = await exchange(stream, check.connect_timeout_s, request, request_message(check.service), take, _refused)
    _judge_status(answer)
    state = serving_state(bytes(received))
    if state != SERVING:
        raise Failed(f"gRPC: {STATES.get(state, f'state {state}')}")
    return "serving"


def _refused(answer: Answer) -> bool:
    """Whether no message will come."""
    return answer.headers.get(":status") != "200"


def _judge_status(answer: Answer) -> None:
    if _refused(answer):
        raise Failed(f"gRPC: status {answer.headers.get(':status')} of HTTP")
    status = answer.trailers.get("grpc-status", answer.headers.get("grpc-status", ""))
    if status != OK:
        raise Failed(f"gRPC: {STATUSES.get(status, f'status {status[:16]}' if status else 'no status')}")


def request_message(service: str) -> bytes:
    """The request with its prefix; an empty name asks for the server as a whole."""
    name = service.encode(errors="surrogateescape")
    message = bytes([SERVICE_FIELD]) + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def serving_state(octets: bytes) -> int:
    """The number in the answer, which is 0 where it is left out."""
    message = octets[PREFIX_OCTETS:]
    if len(octets) < PREFIX_OCTETS or octets[0] != 0 or int.from_bytes(octets[1:PREFIX_OCTETS], "big") != len(message):
        raise Failed("gRPC: the answer is malformed")
    if not message:
        return 0
    if len(message) < 2 or message[0] != STATUS_FIELD or message[1] >= 0x80:
        raise Failed("gRPC: the answer is malformed")
    return message[1]


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number >= 0x80:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)
