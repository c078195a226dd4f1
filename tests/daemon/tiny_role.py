"""A role that does what its work says, so that a child can be seen to work, answer, die, hang and stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

from vrrpd.config.model import Scheduling, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.messages import LogLine, RouterWork
from vrrpd.daemon.nursery import Nursling
from vrrpd.status.model import LatenessStatus, RouterStatus

log = logging.getLogger(__name__)

PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""


def order(*names: str) -> RouterWork:
    """Work that stands for what the tiny role is to do."""
    return RouterWork(tuple(VirtualRouter(name, "eth0", 51, 100, Position("vrrpd.conf", 1)) for name in names), Scheduling())


class TinyRole:
    """Notes in a file that it was told to stop; tells of everything else by its log and status."""

    def __init__(self, channel: Channel, notes: Path) -> None:
        self._channel = channel
        self._notes = notes
        self._orders: tuple[str, ...] = ()
        self._works = 0
        log.info("born")

    def work(self, work: object, done: Callable[[], None]) -> None:
        assert isinstance(work, RouterWork)
        self._orders = tuple(router.name for router in work.virtual_routers)
        self._works += 1
        for name in self._orders:
            log.info("%s at work", name)
            self._do(name)
        done()

    def _do(self, name: str) -> None:
        match name:
            case "die":
                os._exit(7)
            case "fail":
                raise ValueError("no way to do that")
            case "hang":
                while True:
                    pass
            case "hang with last words":
                signal.signal(signal.SIGABRT, lambda _number, _frame: os._exit(8))
                while True:
                    pass
            case "wake":  # by another thread, which takes what the loop's own descriptors are for
                loop = asyncio.get_running_loop()
                loop.run_in_executor(None, loop.call_soon_threadsafe, log.info, "woken")

    def hear(self, news: object) -> None:
        """A tiny role has no interest in the world."""

    def status(self, done: Callable[[RouterStatus], None]) -> None:
        done(RouterStatus((), self._works, 0, 0, LatenessStatus(), self._channel.dropped))

    def stop(self, done: Callable[[], None]) -> None:
        with self._notes.open("a") as notes:
            notes.write("stopped\n")
        log.info("stop noted")
        if "linger" not in self._orders:
            done()


class Ward:
    """One nursling and all that it was seen to do."""

    def __init__(self, notes: Path, silence_max_s: float = PATIENCE_S, *, has_last_words: bool = False) -> None:
        self.reports: list[object] = []
        self.process_ids: list[int | None] = []
        self._news = asyncio.Event()
        self.nursling = Nursling(
            "tiny", lambda channel: TinyRole(channel, notes), silence_max_s, self._on_report, has_last_words=has_last_words
        )
        self.nursling.on_process_id = self._on_process_id

    def _on_report(self, report: object) -> None:
        self.reports.append(report)
        self._news.set()

    def _on_process_id(self, process_id: int | None) -> None:
        self.process_ids.append(process_id)
        self._news.set()

    @property
    def born(self) -> list[int]:
        """The ids of all processes there were."""
        return [process_id for process_id in self.process_ids if process_id is not None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was seen makes `condition` true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def beat_until(self, condition: Callable[[], bool], interval_s: float) -> None:
        """Look after it, as the supervisor does, until `condition` is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.nursling.check_pulse()
                await asyncio.sleep(interval_s)


async def line_arrives(text: str, work: RouterWork, notes: Path) -> None:
    """One nursling from its birth to its end, by way of a line in its log."""
    ward = Ward(notes)
    giving = asyncio.create_task(ward.nursling.give(work))
    try:
        await ward.until(lambda: LogLine(logging.INFO, text) in ward.reports)
        await giving
    finally:
        await ward.nursling.stop(PATIENCE_S)
