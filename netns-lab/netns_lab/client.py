"""The client of a lab: which servers answer it, and for how long none does.

with Client(lab.host("client")).measure(virtual_address, 80, interval_ms=5) as measurement:
    ...                                     # stop a director
    measurement.wait_for_answers(200)
measurement.result.longest_outage_ms
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from netns_lab import load
from netns_lab.namespaces import Host
from netns_lab.programs import WEB_PORT
from netns_lab.topology import Address
from netns_lab.waiting import wait_for

REPLY_TIMEOUT_S = 5.0
"""For a word from the measuring process, which always runs: also enough for its start in a guest."""
OUTSTANDING_MAX = 500
"""Requests on their way at once, about half of the descriptors that a process may have."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which no request was answered."""

    start_s: float
    """Of the monotonic clock (time.monotonic()), in which the first request failed."""
    length_ms: float
    """Up to the next request that was answered, or the last one if none was; exact to one interval."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a measurement found."""

    answers: Mapping[str, int]
    """Requests answered, by the name of the server."""
    failures: Mapping[str, int]
    """Requests not answered, by the reason."""
    outages: tuple[Outage, ...]
    latency_ms: Mapping[int, float]
    """The 50th, 90th, 99th and 100th percentile, of answered requests; empty if there was none."""
    longest_stall_ms: float
    """The longest time in which the client itself did not run: the error of an outage beyond the interval."""

    @property
    def longest_outage_ms(self) -> float:
        """0 if every request was answered."""
        return max((outage.length_ms for outage in self.outages), default=0.0)


class Measurement:
    """A measurement that is going on, and its result afterwards."""

    result: Result
    """There when the measurement is over."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Made by :meth:`Client.measure`; waits until the first request is about to begin."""
        self._process = process
        self._reply()

    def answers(self) -> int:
        """How many requests have been answered so far."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return int(self._reply())

    def wait_for_answers(self, more: int, timeout_s: float = 10.0) -> None:
        """Wait until `more` further requests have been answered.

        Raises TimeoutError if they are not in time.
        """
        wanted = self.answers() + more
        wait_for(lambda: self.answers() >= wanted, timeout_s, f"{more} more answers")

    def finish(self, timeout_s: float) -> None:
        """End the requests, wait for those on their way, and take the result."""
        output, _ = self._process.communicate(timeout=timeout_s)
        self.result = result_of(json.loads(output))

    def _reply(self) -> bytes:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], REPLY_TIMEOUT_S)[0]:
            raise TimeoutError(f"the client said nothing for {REPLY_TIMEOUT_S:g} s")
        if line := self._process.stdout.readline():
            return line
        raise RuntimeError(f"the client ended with {self._process.wait()}")


class Client:
    """A host in its part as a client."""

    def __init__(self, host: Host) -> None:
        """Any host may be one."""
        self.host = host

    def request(
        self, address: Address, port: int = WEB_PORT, count: int = 1, timeout_s: float = 2.0, source: Address | None = None
    ) -> Counter[str]:
        """Ask `count` times, one after the other, and from the address `source` if given; how often each server has answered.

        Raises OSError at the first request that is not answered within `timeout_s`.
        """
        answers: Counter[str] = Counter()
        origin = (str(source), 0) if source is not None else None
        with self.host.entered():
            for _ in range(count):
                with (
                    socket.create_connection((str(address), port), timeout_s, origin) as connection,
                    connection.makefile("rb") as answer,
                ):
                    connection.sendall(load.REQUEST)
                    answers[answer.read(load.ANSWER_OCTETS_MAX).split()[-1].decode()] += 1
        return answers

    @contextlib.contextmanager
    def measure(
        self, address: Address, port: int = WEB_PORT, interval_ms: float = 5.0, timeout_ms: float = 500.0
    ) -> Iterator[Measurement]:
        """Begin a request every `interval_ms` as long as the block lasts, in a process of its own.

        A request that has no answer after `timeout_ms` has failed. The default is below the second after which TCP sends
        its first packet again (RFC 6298, 2.1), so that each request is an answer to one question: is there service now?
        """
        if timeout_ms / interval_ms > OUTSTANDING_MAX:
            raise ValueError(f"more than {OUTSTANDING_MAX} requests would be on their way at once")
        process = self.host.spawn(
            *(sys.executable, "-I", "-S", Path(load.__file__)),
            *(str(address), str(port), str(interval_ms), str(timeout_ms)),
            log=self.host.directory / "client.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            try:
                measurement = Measurement(process)
                yield measurement
            except BaseException:
                process.kill()
                raise
            measurement.finish(timeout_ms / 1000 + REPLY_TIMEOUT_S)


def result_of(summary: load.Summary) -> Result:
    """What the measuring process found, as the tests want it."""
    latencies_ms = summary["latencies_ms"]
    return Result(
        answers=dict(summary["answers"]),
        failures=dict(summary["failures"]),
        outages=tuple(Outage(*outage) for outage in summary["outages"]),
        latency_ms={
            percent: latencies_ms[(len(latencies_ms) - 1) * percent // 100] for percent in (50, 90, 99, 100) if latencies_ms
        },
        longest_stall_ms=summary["longest_stall_ms"],
    )
