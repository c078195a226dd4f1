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

from healthcheck.sockets import VERDICTS_OF_THE_NETWORK, endpoint, error_text, open_socket
from healthcheck.types import FIRST_STEP, NetworkCheck, NotProbed, Outcome, ProbeResult, Round
from healthcheck.wheel import TimerWheel

PROBES_IN_FLIGHT_MAX = 4096
"""Answers awaited at once; each takes a descriptor and a port, of which Linux has 28,000."""
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


class DatagramEngine(Generic[CheckKind, Token]):
    """Asks what `question(check)` says; a token of the caller's says which probe is which. Must be closed."""

    def __init__(
        self,
        question: Callable[[CheckKind], Question | NotProbed],
        *,
        in_flight_max: int = PROBES_IN_FLIGHT_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._question = question
        self._in_flight_max = in_flight_max
        self._clock = clock
        self._epoll = select.epoll()
        self._probes: dict[int, _Probe[Token]] = {}
        """By descriptor."""
        self._timeouts: TimerWheel[int] = TimerWheel(clock())

    def fileno(self) -> int:
        """Readable when `run` has something to do before its deadline."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Break off all probes and give everything back."""
        for probe in self._probes.values():
            probe.connection.close()
        self._probes.clear()
        self._epoll.close()

    @property
    def in_flight(self) -> int:
        """Probes under way."""
        return len(self._probes)

    @property
    def has_room(self) -> bool:
        """Whether one more probe may start."""
        return len(self._probes) < self._in_flight_max

    def deadline(self) -> float | None:
        """When the next probe may have timed out; None while there is none."""
        return self._timeouts.deadline()

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
        descriptor = connection.fileno()
        self._epoll.register(descriptor, select.EPOLLIN)
        self._probes[descriptor] = _Probe(token, connection, question, started_s, check.connect_timeout_s)
        self._timeouts.arm(descriptor, started_s + check.connect_timeout_s)
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

    def _end(self, descriptor: int) -> _Probe[Token]:
        probe = self._probes.pop(descriptor)
        probe.connection.close()
        return probe


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
