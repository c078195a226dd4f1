"""Probes that open a TCP connection: thousands at once on one epoll object.

A probe is a socket, an entry in a table and a slot in a timer wheel; there is no task and no callback for each. The epoll
object can itself be watched by an event loop. A probe's connection is closed as soon as it is open.

Most of what a probe costs is the kernel's work, and packets are most of that. So the acknowledgement that ends the handshake
is held back, for 200 ms at most, and leaves with the FIN: the server gets one packet in place of two.
"""

from __future__ import annotations

import errno
import resource
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from healthcheck.sockets import VERDICTS_OF_THE_NETWORK, endpoint, error_text, numeric, open_bare_socket
from healthcheck.types import FIRST_STEP, NotProbed, Outcome, ProbeResult, Round, TcpCheck
from healthcheck.wheel import TimerWheel

PROBES_IN_FLIGHT_MAX = 4096
"""Connections being opened at once. 10,000 dead servers with a delay of 6 s and a time-out of 3 s keep 3,333 open; more than
this would eat into the 28,000 ports that Linux gives to outgoing connections."""

DESCRIPTORS_SHARE = 0.75
"""Of the descriptors that this process may have; without one a probe cannot be made, and there are other uses for them."""

Token = TypeVar("Token")


@dataclass(slots=True)
class _Probe(Generic[Token]):
    token: Token
    connection: socket.SocketType
    started_s: float
    timeout_s: float


class TcpEngine(Generic[Token]):
    """Runs probes; a token of the caller's says which is which. Must be closed."""

    def __init__(self, *, in_flight_max: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._in_flight_max = _in_flight_max() if in_flight_max is None else in_flight_max
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

    def start(self, check: TcpCheck, token: Token, _round: Round = FIRST_STEP, /) -> Outcome | None:
        """Start a probe while there is room. Returns its outcome where that is known at once; else `run` does."""
        assert self.has_room
        started_s = self._clock()
        connection = open_bare_socket(check)
        if isinstance(connection, NotProbed):
            return connection
        if not check.bind_port:  # else the connection ends by a reset, and the server would never see it opened
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        code = connection.connect_ex((numeric(check.address), check.port))
        if code == errno.EINPROGRESS:
            descriptor = connection.fileno()
            self._epoll.register(descriptor, select.EPOLLOUT)
            self._probes[descriptor] = _Probe(token, connection, started_s, check.connect_timeout_s)
            self._timeouts.arm(descriptor, started_s + check.connect_timeout_s)
            return None
        connection.close()
        if code and code not in VERDICTS_OF_THE_NETWORK:
            return NotProbed(f"cannot connect to {endpoint(check.address, check.port)}: {error_text(code)}")
        return _result(code, self._clock() - started_s)

    def run(self) -> list[tuple[Token, Outcome]]:
        """Take in what has happened; never waits. Returns the probes that ended."""
        if not self._probes:
            return []
        ended: list[tuple[Token, Outcome]] = []
        events = self._epoll.poll(0, len(self._probes))  # room for all: a connection that is open has not timed out
        now_s = self._clock()
        for descriptor, event in events:
            self._timeouts.cancel(descriptor)
            probe = self._probes.pop(descriptor)
            # A connection that opened is writable and nothing more; only otherwise is there an error to be fetched.
            code = 0 if event == select.EPOLLOUT else probe.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            probe.connection.close()
            ended.append((probe.token, _result(code, now_s - probe.started_s)))
        for descriptor in self._timeouts.expire(now_s):
            probe = self._probes.pop(descriptor)
            probe.connection.close()
            ended.append((probe.token, ProbeResult(False, now_s - probe.started_s, f"timed out after {probe.timeout_s:g} s")))
        return ended


def _in_flight_max() -> int:
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(PROBES_IN_FLIGHT_MAX, int(descriptors * DESCRIPTORS_SHARE))


def _result(code: int, latency_s: float) -> ProbeResult:
    return ProbeResult(not code, latency_s, error_text(code) if code else "connected")
