"""Probes that are one datagram and one answer: DNS, UDP and ping, thousands at once on one epoll object.

What is asked, and what an answer means, are pure functions of each kind; see :class:`Question`. Each probe has its own socket;
it is connected, so the kernel lets only the server's answers in and tells of ICMP errors.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from healthcheck.in_flight import ProbesInFlight
from healthcheck.sockets import VERDICTS_OF_THE_NETWORK, endpoint, error_text, open_socket
from healthcheck.types import FIRST_STEP, NetworkCheck, NotProbed, Outcome, ProbeResult, Round

REPLY_OCTETS_MAX = 65_535
"""The longest datagram there is."""
REPLIES_PER_LOOK_MAX = 8
"""Answers that mean nothing, taken from one socket before the others have their turn; a peer may send any number."""

CheckKind = TypeVar("CheckKind", bound=NetworkCheck)
Token = TypeVar("Token")


@dataclass(frozen=True, slots=True)
class Verdictless:
    """A datagram that settles nothing; the right one may still come."""

    oddity: str
    """What was wrong with it, to be told if nothing better comes."""


Reply = str | Verdictless | None
"""What a datagram amounts to: None is success, words are a failure and its reason."""


@dataclass(frozen=True, slots=True)
class Question:
    """One datagram, and what its answers mean."""

    octets: bytes
    read: Callable[[bytes], Reply]
    """Judges a datagram that came back; must not raise, whatever it holds."""
    good: str = "answered"
    """The reason of a success."""
    silence_is_good: bool = False
    kind: int = socket.SOCK_DGRAM
    protocol: int = 0


@dataclass(slots=True)
class _Probe(Generic[Token]):
    token: Token
    connection: socket.socket
    question: Question
    started_s: float
    timeout_s: float
    oddity: str | None = None


class DatagramEngine(ProbesInFlight[_Probe[Token]], Generic[CheckKind, Token]):
    """Asks what `question(check)` says; a token of the caller's says which probe is which. Must be closed."""

    def __init__(
        self,
        question: Callable[[CheckKind], Question | NotProbed],
        *,
        in_flight_max: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(in_flight_max, clock)
        self._question = question

    def start(self, check: CheckKind, token: Token, _round: Round = FIRST_STEP, /) -> Outcome | None:
        """Start a probe while there is room. Returns its outcome where that is known at once; else `run` does."""
        assert self.has_room
        started_s = self._clock()
        question = self._question(check)
        if isinstance(question, NotProbed):
            return question
        connection = open_socket(check, question.kind, question.protocol)
        if isinstance(connection, NotProbed):
            return connection
        try:
            connection.connect((str(check.address), check.port))
            connection.send(question.octets)
        except OSError as error:
            connection.close()
            if error.errno in VERDICTS_OF_THE_NETWORK:
                return ProbeResult(False, self._clock() - started_s, error_text(error.errno))
            return NotProbed(f"cannot send to {endpoint(check.address, check.port)}: {error_text(error.errno)}")
        probe = _Probe(token, connection, question, started_s, check.connect_timeout_s)
        self._follow(probe, select.EPOLLIN, started_s + check.connect_timeout_s)
        return None

    def run(self) -> list[tuple[Token, Outcome]]:
        """Take in what has happened; never waits. Returns the probes that ended."""
        if not self._probes:
            return []
        ended: list[tuple[Token, Outcome]] = []
        events = self._epoll.poll(0, len(self._probes))  # room for all: what was answered has not timed out
        now_s = self._clock()
        for descriptor, _event in events:
            probe = self._probes[descriptor]
            outcome = _hear(probe, now_s - probe.started_s)
            if outcome is not None:
                self._timeouts.cancel(descriptor)
                self._end(descriptor)
                ended.append((probe.token, outcome))
        for descriptor in self._timeouts.expire(now_s):
            probe = self._end(descriptor)
            ended.append((probe.token, _of_silence(probe, now_s - probe.started_s)))
        return ended


def _hear(probe: _Probe[Token], latency_s: float) -> ProbeResult | None:
    """Take what came; None while it settles nothing."""
    for _ in range(REPLIES_PER_LOOK_MAX):
        try:
            datagram = probe.connection.recv(REPLY_OCTETS_MAX)
        except BlockingIOError:
            return None
        except OSError as error:
            return ProbeResult(False, latency_s, error_text(error.errno))
        reply = probe.question.read(datagram)
        if not isinstance(reply, Verdictless):
            return ProbeResult(reply is None, latency_s, reply or probe.question.good)
        probe.oddity = reply.oddity
    return None


def _of_silence(probe: _Probe[Token], latency_s: float) -> ProbeResult:
    if probe.question.silence_is_good:
        return ProbeResult(True, latency_s, "no error came back")
    reason = f"no answer within {probe.timeout_s:g} s"
    return ProbeResult(False, latency_s, f"{reason}, only {probe.oddity}" if probe.oddity else reason)
