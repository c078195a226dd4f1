"""A child under care: started when there is work, restarted when it dies or hangs, given its work again each time.

The work last given is all a new process needs; what it finds in the kernel it adopts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import Callable

from vrrpd.daemon import child
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.messages import Answer, Ask, Give, Pulse, Ready, Stop, Stopped
from vrrpd.status.model import DirectorStatus, ProcessStatus, RouterStatus

RESTART_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The first restart is immediate, for a crash must be no event; a child that dies again and again is slowed down."""
SETTLED_S = 60.0
"""A child that lived so long starts again from the first delay."""

Status = RouterStatus | DirectorStatus

log = logging.getLogger(__name__)


class Nursling:
    """One child of the supervisor."""

    def __init__(
        self,
        name: str,
        role: child.RoleFactory,
        silence_max_s: float,
        on_report: Callable[[object], None],
        *,
        has_last_words: bool = False,
    ) -> None:
        """`has_last_words` is for one that is told to abort (SIGABRT), a beat before it is killed."""
        self.name = name
        self._has_last_words = has_last_words
        self._role = role
        self._silence_max_s = silence_max_s
        self._on_report = on_report
        self._loop = asyncio.get_running_loop()
        self._forked: child.Forked | None = None
        self._channel: Channel | None = None
        self._given: Give | None = None
        self._told: object | None = None
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._gave_back = False
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Status]] = {}
        self._restart: asyncio.TimerHandle | None = None
        self._restarts = 0
        self._failures_in_a_row = 0
        self._started_s = 0.0
        self._unanswered_since_s: float | None = None
        self._was_aborted = False
        self.on_process_id: Callable[[int | None], None] = lambda _process_id: None

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self._forked is not None

    async def give(self, work: object, once_done: object | None = None) -> None:
        """Give work, starting the process if need be, and wait until it is done.

        Should the process have to be started again after that, `once_done` is its work, without what must not be done twice.
        """
        self._given = Give(next(self._numbers), work)
        self._ready.clear()
        if self._channel is not None:
            self._channel.send(self._given, must_arrive=True)
        elif self._restart is None:
            self._start()
        await self._ready.wait()
        if once_done is not None:
            self._given = Give(self._given.number, once_done)

    def tell(self, news: object) -> None:
        """Tell what became known; the last of it is told to a process that is started again, too."""
        self._told = news
        if self._channel is not None:
            self._channel.send(news, must_arrive=True)

    def ask(self, question: object) -> bool:
        """Say something once, to the process that is there now; False if there is none that hears."""
        return self._channel is not None and self._channel.send(question)

    async def status(self, timeout_s: float) -> Status | None:
        """What the child says of itself; None if it is away or does not answer in time."""
        if self._channel is None:
            return None
        number = next(self._numbers)
        answer: asyncio.Future[Status] = self._loop.create_future()
        self._asked[number] = answer
        self._channel.send(Ask(number))
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._asked.pop(number, None)

    async def stop(self, timeout_s: float) -> None:
        """Have the child give everything back and end; after `timeout_s` it is killed."""
        self._stopping = True
        if self._restart is not None:  # it died just now: only a new one can give back what it left in the kernel
            self._restart.cancel()
            self._start()
        if self._forked is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._give_back()
        except TimeoutError:
            log.error("%s did not stop within %g s and is killed", self.name, timeout_s)  # noqa: TRY400
            self._signal(signal.SIGKILL)
            await self._ended.wait()

    async def _give_back(self) -> None:
        """Should the child die over it, a new one is to do it; should that die, too, things stay in the kernel."""
        for is_last in (False, True):
            assert self._channel is not None  # it was started
            self._channel.send(Stop(), must_arrive=True)
            await self._ended.wait()
            if self._gave_back or is_last:
                return
            log.error("%s died before it had given everything back; starting it again for that", self.name)
            self._start()

    def check_pulse(self) -> None:
        """Ask for a sign of life, and end a child that has let one go unanswered for too long.

        A supervisor that was itself held up, or stopped, has not asked meanwhile, so the child owes it nothing.
        """
        if self._channel is None:
            return
        now_s = self._loop.time()
        if self._unanswered_since_s is None:
            self._unanswered_since_s = now_s
        silence_s = now_s - self._unanswered_since_s
        if silence_s > self._silence_max_s:
            log.error("%s has not answered for %.0f s and is replaced", self.name, silence_s)
            self._signal(signal.SIGABRT if self._has_last_words and not self._was_aborted else signal.SIGKILL)
            self._was_aborted = True
        else:
            self._channel.send(Pulse())

    def process_status(self, *, answers: bool) -> ProcessStatus:
        """The process as the supervisor knows it."""
        process_id = self._forked.process_id if self._forked else None
        return ProcessStatus(self.name, process_id, self._given is not None, answers, self._restarts)

    def _start(self) -> None:
        self._restart = None
        self._ended.clear()
        given = [message for message in (self._given, self._told) if message is not None]
        self._forked = child.fork(f"vrrpd: {self.name}", self._role, given)
        self._started_s = self._loop.time()
        self._unanswered_since_s = None
        self._was_aborted = False
        self._loop.add_reader(self._forked.pidfd, self._on_end)
        self._channel = Channel(self._forked.end, self._on_message, on_close=lambda: None)
        self.on_process_id(self._forked.process_id)

    def _on_message(self, message: object) -> None:
        self._unanswered_since_s = None
        match message:
            case Ready(number):
                if self._given is not None and number == self._given.number:  # and not of work that was given before
                    self._ready.set()
            case Pulse():
                pass
            case Answer(number, status):
                waiting = self._asked.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(status)
            case Stopped():
                self._gave_back = True
                log.info("%s stopped", self.name)
            case _:
                self._on_report(message)

    def _on_end(self) -> None:
        if self._forked is None:
            return
        forked, self._forked = self._forked, None
        self._loop.remove_reader(forked.pidfd)
        _process_id, status = os.waitpid(forked.process_id, 0)
        os.close(forked.pidfd)
        self._drain_and_close()
        self.on_process_id(None)
        self._ended.set()
        if self._stopping:
            return
        if self._loop.time() - self._started_s > SETTLED_S:
            self._failures_in_a_row = 0
        self._restarts += 1
        self._start_again_later(_describe(status))

    def _start_again_later(self, what_happened: str) -> None:
        delay_s = RESTART_DELAYS_S[min(self._failures_in_a_row, len(RESTART_DELAYS_S) - 1)]
        self._failures_in_a_row += 1
        log.error("%s %s; starting it again %s", self.name, what_happened, f"in {delay_s:g} s" if delay_s else "now")
        self._restart = self._loop.call_later(delay_s, self._start_again)

    def _start_again(self) -> None:
        try:
            self._start()
        except OSError as error:  # no process or descriptor to be had now
            self._start_again_later(f"cannot be started: {error.strerror}")

    def _drain_and_close(self) -> None:
        """Read what the child said last, which tells why it died, before its channel goes."""
        if self._channel is not None:
            self._channel.drain()
            self._channel.close()
            self._channel = None

    def _signal(self, number: signal.Signals) -> None:
        if self._forked is not None:
            signal.pidfd_send_signal(self._forked.pidfd, number)


def _describe(status: int) -> str:
    """How a process ended, from its wait status."""
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with status {os.WEXITSTATUS(status)}"
