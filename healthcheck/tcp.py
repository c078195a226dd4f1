"""Probes that open a TCP connection: thousands at once on one epoll object.

A probe is a socket, an entry in a table and a slot in a timer wheel; there is no task and no callback for each. Its connection
is closed as soon as it is open.

Most of what a probe costs is the kernel's work, and packets are most of that. So the acknowledgement that ends the handshake
is held back, for 200 ms at most, and leaves with the FIN: the server gets one packet in place of two.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from healthcheck.in_flight import ProbesInFlight
from healthcheck.sockets import VERDICTS_OF_THE_NETWORK, endpoint, error_text, numeric, open_bare_socket
from healthcheck.types import FIRST_STEP, NotProbed, Outcome, ProbeResult, Round, TcpCheck

Token = TypeVar("Token")


@dataclass(slots=True)
class _Probe(Generic[Token]):
    token: Token
    connection: socket.SocketType
    started_s: float
    timeout_s: float


class TcpEngine(ProbesInFlight[_Probe[Token]], Generic[Token]):
    """Runs probes; a token of the caller's says which is which. Must be closed."""

    def __init__(self, *, in_flight_max: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(in_flight_max, clock)

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
            probe = _Probe(token, connection, started_s, check.connect_timeout_s)
            self._follow(probe, select.EPOLLOUT, started_s + check.connect_timeout_s)
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
            probe = self._end(descriptor)
            ended.append((probe.token, ProbeResult(False, now_s - probe.started_s, f"timed out after {probe.timeout_s:g} s")))
        return ended


def _result(code: int, latency_s: float) -> ProbeResult:
    return ProbeResult(not code, latency_s, error_text(code) if code else "connected")
