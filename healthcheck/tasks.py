"""Probes that are coroutines: what is a dialogue and not one question.

A task for each probe costs two to three times what the engines without tasks do, and reads from top to bottom. Whatever a probe
does, its check gets an outcome in time: one that does not end by itself is cancelled, and one that raises has failed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from healthcheck.types import FIRST_STEP, Outcome, ProbeResult, Round
from healthcheck.wheel import TimerWheel

PROBES_IN_FLIGHT_MAX = 512
"""Dialogues at once. With a time-out of 5 s that is 100 dead servers a second, and the buffers of all stay below 64 MiB if each
keeps to 128 KiB."""

CheckKind = TypeVar("CheckKind")
Token = TypeVar("Token")


@dataclass(slots=True)
class _Probe(Generic[Token]):
    token: Token
    started_s: float
    longest_s: float


class TaskProber(Generic[CheckKind, Token]):
    """Runs `probe(check, round)` as a task for each check; a token of the caller's says which is which. Must be closed.

    `probe` must give back what it opened when it is cancelled. `longest_s(check)` is how long it may take in all: more than its
    own time-outs add up to, for these say in better words what took so long.
    """

    def __init__(
        self,
        probe: Callable[[CheckKind, Round], Awaitable[Outcome]],
        longest_s: Callable[[CheckKind], float],
        *,
        in_flight_max: int = PROBES_IN_FLIGHT_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._longest_s = longest_s
        self._in_flight_max = in_flight_max
        self._clock = clock
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable while there are outcomes to be fetched."""
        self._probes: dict[asyncio.Task[Outcome], _Probe[Token]] = {}
        self._timeouts: TimerWheel[asyncio.Task[Outcome]] = TimerWheel(clock())
        self._ended: list[tuple[Token, Outcome]] = []
        self._leaving: set[asyncio.Task[Outcome]] = set()
        """Cancelled and not yet ended; they take room until they are."""

    def fileno(self) -> int:
        """Readable when `run` has something to do before its deadline."""
        return self._bell

    def close(self) -> None:
        """Cancel all probes. What they opened is given back when the event loop runs on; see :meth:`closed`."""
        for task in self._probes:
            task.cancel()
        self._leaving.update(self._probes)
        self._probes.clear()
        self._ended.clear()
        os.close(self._bell)
        self._bell = -1

    async def closed(self) -> None:
        """After :meth:`close`, wait until every probe has given back what it had opened."""
        while self._leaving:
            await asyncio.wait(self._leaving)

    @property
    def in_flight(self) -> int:
        """Probes under way, those included that were told to end."""
        return len(self._probes) + len(self._leaving)

    @property
    def has_room(self) -> bool:
        """Whether one more probe may start."""
        return self.in_flight < self._in_flight_max

    def deadline(self) -> float | None:
        """When the next probe may have taken too long; None while there is none."""
        return self._timeouts.deadline()

    def start(self, check: CheckKind, token: Token, round_: Round = FIRST_STEP, /) -> None:
        """Start a probe while there is room; `run` has its outcome when it is there."""
        assert self.has_room
        started_s = self._clock()
        longest_s = self._longest_s(check)
        task = asyncio.ensure_future(self._probe(check, round_))
        self._probes[task] = _Probe(token, started_s, longest_s)
        self._timeouts.arm(task, started_s + longest_s)
        task.add_done_callback(self._on_done)

    def run(self) -> list[tuple[Token, Outcome]]:
        """Take in what has happened; never waits. Returns the probes that ended."""
        if not self._probes and not self._ended:
            return []
        if self._ended:
            os.eventfd_read(self._bell)
        now_s = self._clock()
        for task in self._timeouts.expire(now_s):
            if task.done():  # just in time
                continue
            probe = self._probes.pop(task)
            self._leaving.add(task)
            task.cancel()
            self._ended.append(
                (probe.token, ProbeResult(False, now_s - probe.started_s, f"no end after {probe.longest_s:g} s"))
            )
        ended, self._ended = self._ended, []
        return ended

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._leaving.discard(task)
        error = (
            None if task.cancelled() else task.exception()
        )  # asked for even if nobody waits, for asyncio complains otherwise
        probe = self._probes.pop(task, None)
        if probe is None:
            return
        self._timeouts.cancel(task)
        outcome: Outcome
        if task.cancelled() or error is not None:
            outcome = ProbeResult(False, self._clock() - probe.started_s, f"the probe broke off: {error or 'cancelled'}")
        else:
            outcome = task.result()
        if error is not None and not isinstance(error, OSError):  # a fault of the probe's; the server may have provoked it
            task.get_loop().call_exception_handler({"message": "a health check failed", "exception": error, "task": task})
        self._ended.append((probe.token, outcome))
        os.eventfd_write(self._bell, 1)
