"""Ask a web server for its name every few milliseconds, and remember which requests were answered.

    python load.py ADDRESS PORT INTERVAL_MS TIMEOUT_MS

A process of its own, started by :mod:`netns_lab.client` in a host of the lab. It prints a line when it has begun; answers
every line of its standard input with the number of requests answered so far; and when that input ends it waits for the
requests still on their way, prints what it found as JSON, and ends.

A request is begun at its time whether or not the one before was answered, so how finely an outage is known depends on the
interval and not on the time-out. Only the standard library's smallest parts are imported, because importing is slow in a guest.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import TypedDict

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
ANSWER_OCTETS_MAX = 4_096
"""A name with its header has some 200."""
TIMED_OUT = "timed out"
NICENESS = -10
"""Begin each request at its time also while daemons are starting: the measure must not wait for what is measured."""


class Summary(TypedDict):
    """What is printed in the end; times are of the monotonic clock, which all processes share."""

    answers: dict[str, int]
    """Requests answered, by the answer."""
    failures: dict[str, int]
    """Requests not answered, by the reason."""
    outages: list[tuple[float, float]]
    """Start in s and length in ms of every outage."""
    latencies_ms: list[float]
    """Of every request that was answered, sorted."""
    longest_stall_ms: float
    """How late the most belated request was begun: an outage may be longer than measured by as much."""


class Request:
    """A request on its way, and afterwards what became of it."""

    def __init__(self, family: int, target: tuple[str, int], start_s: float) -> None:
        """Begin to connect."""
        self.start_s = start_s
        self.answer: str | None = None
        self.failure: str | None = None
        self.latency_ms = 0.0
        self._received = b""
        self._is_sent = False
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        number = self.socket.connect_ex(target)
        if number not in {0, errno.EINPROGRESS}:
            self.fail(errno.errorcode.get(number, str(number)))

    @property
    def is_over(self) -> bool:
        """True when it was answered or has failed."""
        return self.answer is not None or self.failure is not None

    def go_on(self, now_s: float) -> None:
        """Take what the network has brought: the connection, the answer, or an error."""
        try:
            if not self._is_sent:
                self.socket.send(REQUEST)
                self._is_sent = True
            while octets := self.socket.recv(ANSWER_OCTETS_MAX):
                self._received = (self._received + octets)[-ANSWER_OCTETS_MAX:]
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(errno.errorcode.get(error.errno or 0, str(error)))
            return
        words = self._received.split()
        if not words:
            self.fail("empty")
            return
        self.answer = words[-1].decode(errors="replace")
        self.latency_ms = (now_s - self.start_s) * 1000
        self.socket.close()

    def fail(self, reason: str) -> None:
        """It will not be answered."""
        self.failure = reason
        self.socket.close()


class Load:
    """Requests to one address at a steady pace."""

    def __init__(self, address: str, port: int, interval_s: float, timeout_s: float) -> None:
        """Begin with the first request at once."""
        self._target = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._epoll = select.epoll()
        self._pending: dict[int, Request] = {}  # by descriptor, in the order in which they were begun
        self._requests: list[Request] = []
        self._next_s = time.monotonic()
        self._longest_stall_s = 0.0

    def run(self, commands: int, replies: int) -> Summary:
        """Go on until `commands` ends; write to `replies` how many requests were answered whenever it has a line."""
        self._epoll.register(commands, select.EPOLLIN)
        is_stopping = False
        while not is_stopping or self._pending:
            now_s = time.monotonic()
            self._expire(now_s)
            if not is_stopping and now_s >= self._next_s:
                self._begin(now_s)
            for fd, _ in self._epoll.poll(self._pause_s(now_s)):
                if fd != commands:
                    self._advance(fd)
                elif lines := os.read(commands, select.PIPE_BUF):
                    answered = sum(request.answer is not None for request in self._requests)
                    os.write(replies, f"{answered}\n".encode() * lines.count(b"\n"))
                else:
                    is_stopping = True
                    self._epoll.unregister(commands)
        return summarise(self._requests, self._longest_stall_s)

    def _begin(self, now_s: float) -> None:
        self._longest_stall_s = max(self._longest_stall_s, now_s - self._next_s)
        # After a stall go on from now: making up for what was missed would be a burst that no client sends.
        self._next_s = max(self._next_s + self._interval_s, now_s)
        request = Request(self._family, self._target, now_s)
        self._requests.append(request)
        if not request.is_over:
            fd = request.socket.fileno()
            self._pending[fd] = request
            self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def _advance(self, fd: int) -> None:
        request = self._pending[fd]
        request.go_on(time.monotonic())
        if request.is_over:
            del self._pending[fd]

    def _expire(self, now_s: float) -> None:
        while self._pending:
            fd, oldest = next(iter(self._pending.items()))
            if now_s < oldest.start_s + self._timeout_s:
                return
            oldest.fail(TIMED_OUT)
            del self._pending[fd]

    def _pause_s(self, now_s: float) -> float:
        due_s = self._next_s
        if self._pending:
            due_s = min(due_s, next(iter(self._pending.values())).start_s + self._timeout_s)
        return max(0.0, due_s - now_s)


def summarise(requests: Sequence[Request], longest_stall_s: float) -> Summary:
    """What became of all requests, all of them over."""
    return Summary(
        answers=collections.Counter(request.answer for request in requests if request.answer is not None),
        failures=collections.Counter(request.failure for request in requests if request.failure is not None),
        outages=find_outages([(request.start_s, request.answer is not None) for request in requests]),
        latencies_ms=sorted(round(request.latency_ms, 3) for request in requests if request.answer is not None),
        longest_stall_ms=longest_stall_s * 1000,
    )


def find_outages(requests: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Start in s and length in ms of every run of failed requests, given as their starts in s and whether they were answered.

    An outage lasts from the start of the first request that failed to the start of the next one that was answered, or, if
    service never came back, of the last one.
    """
    outages = []
    start_s: float | None = None
    for time_s, is_answered in requests:
        if not is_answered and start_s is None:
            start_s = time_s
        elif is_answered and start_s is not None:
            outages.append((start_s, (time_s - start_s) * 1000))
            start_s = None
    if start_s is not None:
        outages.append((start_s, (requests[-1][0] - start_s) * 1000))
    return outages


def main(address: str, port: str, interval_ms: str, timeout_ms: str) -> None:
    """Run as the module's docstring says."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    load = Load(address, int(port), float(interval_ms) / 1000, float(timeout_ms) / 1000)
    print("begun", flush=True)
    print(json.dumps(load.run(sys.stdin.fileno(), sys.stdout.fileno())))


if __name__ == "__main__":
    main(*sys.argv[1:])
