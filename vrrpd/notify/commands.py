"""Commands that a configuration wants run when something happens: `notify_up`, `notify_down`, `quorum_up`, `quorum_down`.

Those of one virtual server run one after another, in the order of what happened, so that the last one run tells how things are.
Those of different ones do not wait for each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from healthcheck.misc import CommandRunner
from healthcheck.types import FIRST_STEP, MiscCheck, ProbeResult
from vrrpd.config.model import Command
from vrrpd.status.events import Event, QuorumChanged, RealServerChanged

COMMAND_TIMEOUT_S = 60.0
"""A command that takes longer is ended, for whatever comes next waits for it."""
COMMANDS_WAITING_MAX = 100
"""For one virtual server. A command that hangs while its servers flap must not fill the memory; the oldest ones go first."""
COMMANDS_AT_ONCE_MAX = 32
"""A power cut behind a thousand virtual servers must not start a thousand programs in the same moment."""

log = logging.getLogger(__name__)


class CommandQueue:
    """Runs what events ask for."""

    def __init__(self) -> None:
        self._runner = CommandRunner()
        self._room = asyncio.Semaphore(COMMANDS_AT_ONCE_MAX)
        self._waiting: dict[str, deque[Command]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.dropped = 0
        """Commands that were never run because too many waited."""

    def hear(self, event: Event) -> None:
        """Queue the command of an event that has one."""
        if not isinstance(event, RealServerChanged | QuorumChanged) or event.command is None:
            return
        waiting = self._waiting.setdefault(event.virtual_server, deque(maxlen=COMMANDS_WAITING_MAX))
        self.dropped += len(waiting) == COMMANDS_WAITING_MAX
        waiting.append(event.command)
        if event.virtual_server not in self._tasks:
            self._tasks[event.virtual_server] = asyncio.create_task(self._run_all(event.virtual_server))

    async def close(self, timeout_s: float) -> None:
        """Let what is queued run for a while, then end it."""
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _run_all(self, virtual_server: str) -> None:
        waiting = self._waiting[virtual_server]
        try:
            while waiting:
                async with self._room:
                    await self._run(waiting.popleft())
        finally:
            del self._tasks[virtual_server], self._waiting[virtual_server]

    async def _run(self, command: Command) -> None:
        """A command is run as a check is, and what a check would be told of it goes to the log."""
        check = MiscCheck(command.words, COMMAND_TIMEOUT_S, user=command.user, group=command.group)
        outcome = await self._runner.probe(check, FIRST_STEP)
        if not isinstance(outcome, ProbeResult):
            log.error("%s", outcome.reason)
        elif not outcome.success:
            log.warning("command %s: %s", command.words[0], outcome.reason)
