"""A child process: forked from the supervisor, at start or while its event loop runs, and run to its end.

The fork keeps what is imported and configured in shared memory and makes a restart quick. What the child must not share it
gives up first: descriptors, signal handlers, the running event loop. It never returns to the supervisor's code.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from vrrpd.config.model import Scheduling
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.log import ChildHandler, replace_handlers
from vrrpd.daemon.messages import Answer, Ask, Give, LogLine, Pulse, Ready, Stop, Stopped
from vrrpd.kernel import scheduling as kernel_scheduling
from vrrpd.status.model import DirectorStatus, RouterStatus

DESCRIPTORS_MAX = 1 << 20
"""Descriptors are closed up to here at most; one system call does them all."""
LAST_WORDS_TIMEOUT_S = 1.0
"""How long an ending child tries to hand over its last reports."""
GARBAGE_THRESHOLDS = (50_000, 20, 100)
"""Frozen objects aside, collections are rare: a full one of a large director paused 20 ms with the defaults."""
EXIT_FAILURE = 1

log = logging.getLogger(__name__)


class Role(Protocol):
    """What a child does; one object of it lives as long as the process."""

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take a configuration, the first or a new one at a reload, and call `done` when the kernel shows it."""

    def hear(self, news: object) -> None:
        """Take in what became known elsewhere."""

    def status(self, done: Callable[[Any], None]) -> None:
        """Call `done` with everything there is to know about it: a RouterStatus or a DirectorStatus."""

    def stop(self, done: Callable[[], None]) -> None:
        """Give everything back to the kernel, then call `done`."""


RoleFactory = Callable[[Channel], Role]


@dataclass(frozen=True, slots=True)
class Forked:
    """A child as the supervisor sees it."""

    process_id: int
    pidfd: int
    """Readable when the process has ended (pidfd_open(2))."""
    end: socket.socket


def fork(title: str, role: RoleFactory, given: Sequence[object] = ()) -> Forked:
    """Start a child that runs `role`. Raises OSError.

    `given` are its first messages. They go with the fork: to write and to read a large configuration takes a second.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    supervisor = os.getpid()
    try:
        process_id = os.fork()
        if process_id == 0:
            _run(title, role, given, theirs, supervisor)
        return Forked(process_id, os.pidfd_open(process_id), ours)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()


def _run(title: str, role: RoleFactory, given: Sequence[object], end: socket.socket, supervisor: int) -> None:
    """The child's whole life; does not return."""
    status = EXIT_FAILURE
    try:
        gc.freeze()  # the supervisor's objects are neither collected nor copied here
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        kernel_scheduling.name_process(title)
        if not kernel_scheduling.die_with_parent(supervisor, signal.SIGKILL).granted:
            return  # it is gone already
        _give_up_the_parents(end.fileno())
        status = asyncio.run(_Child(end, role).live(given))
    except BaseException:  # noqa: BLE001  # the supervisor's stack lies below: nothing may unwind into it
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(status)


def _give_up_the_parents(keep: int) -> None:
    """Let go of what belongs to the supervisor.

    Its log handler goes before the descriptors do: freed later, it would close its socket's number, then one of the child's.
    """
    replace_handlers(logging.NullHandler(), logging.getLogger().level)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # the supervisor decides, also when a terminal signals the whole group
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.closerange(3, keep)
    os.closerange(keep + 1, DESCRIPTORS_MAX)
    asyncio._set_running_loop(None)  # noqa: SLF001  # the documented way for whoever makes an event loop
    asyncio.set_event_loop(None)


class _Child:
    """Between the channel and the role."""

    def __init__(self, end: socket.socket, role: RoleFactory) -> None:
        self._end = end
        self._factory = role

    async def live(self, given: Sequence[object]) -> int:
        """Serve the supervisor until it says stop; its end is ours, and then the kernel is left as it is."""
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().set_exception_handler(_log_fault)
        self._channel = Channel(self._end, self._on_message, on_close=lambda: os._exit(EXIT_FAILURE))
        replace_handlers(ChildHandler(lambda level, text: self._channel.send(LogLine(level, text))), logging.getLogger().level)
        self._role = self._factory(self._channel)
        for message in given:
            asyncio.get_running_loop().call_soon(self._on_message, message)
        return await self._ended

    def _on_message(self, message: object) -> None:
        match message:
            case Pulse():
                self._channel.send(message)
            case Ask(number):
                self._role.status(partial(self._answer, number))
            case Give(number, work):
                self._role.work(work, partial(self._ready, number))
                gc.collect()
                gc.freeze()
            case Stop():
                self._role.stop(self._stopped)
            case _:
                self._role.hear(message)

    def _ready(self, number: int) -> None:
        self._channel.send(Ready(number), must_arrive=True)

    def _answer(self, number: int, status: RouterStatus | DirectorStatus) -> None:
        self._channel.send(Answer(number, status))

    def _stopped(self) -> None:
        self._channel.send(Stopped(), must_arrive=True)
        self._channel.flush(LAST_WORDS_TIMEOUT_S)
        if not self._ended.done():
            self._ended.set_result(0)


def _log_fault(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """A fault in one handler is logged and the process goes on: one bad packet, one odd row, not the service."""
    del loop
    error = context.get("exception")
    trace = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
    log.error("internal fault, going on: %s\n%s", context.get("message"), trace)


def take_place(name: str, wishes: Scheduling) -> None:
    """Take the process's place on the machine as far as the rights allow, and say in one line what came of it."""
    outcomes = []
    if wishes.real_time_priority is not None:
        outcomes.append(kernel_scheduling.real_time_priority(wishes.real_time_priority))
    if wishes.nice is not None:
        outcomes.append(kernel_scheduling.nice(wishes.nice))
    if wishes.lock_memory:
        outcomes.append(kernel_scheduling.lock_memory())
    refused = any(not outcome.granted for outcome in outcomes)
    if outcomes:
        log.log(logging.WARNING if refused else logging.INFO, "%s runs with %s", name, "; ".join(map(str, outcomes)))
