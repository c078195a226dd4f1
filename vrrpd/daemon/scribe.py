"""Hands out what the router process has recorded: to whom asks, and of its own accord when something went wrong.

What goes wrong over one packet or message does not end the process; its recording goes to the supervisor as any other. A
process that hangs is told to abort before it is killed, and writes the file by itself: adverts are over for it anyway.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

from vrrpd import __version__
from vrrpd.daemon.messages import RecordingPart
from vrrpd.daemon.recordings import UNASKED, RecordingFiles
from vrrpd.recording.lines import About, lines
from vrrpd.recording.recorder import RecordedRouter, fault

SLICE_S = 0.001
"""Lines are made for so long, then whatever else there is has its turn: a tenth of the shortest advert interval. A line takes
some microseconds, that of a virtual router with 500 addresses some milliseconds."""
PAUSE_S = 0.002
"""Between two slices; a recording of 33,000 entries takes a second."""
FAULTS_PAUSE_S = 60.0
"""A fault with each packet has one recording a minute."""
EXIT_ABORTED = 1


class Scribe:
    """One for the router process."""

    def __init__(
        self,
        routers: RecordedRouter,
        unix_offset_s: Callable[[], float],
        send: Callable[[RecordingPart], object],
        files: RecordingFiles,
    ) -> None:
        """`send` takes parts to the supervisor."""
        self._routers = routers
        self._unix_offset_s = unix_offset_s
        self._send = send
        self._files = files
        self._loop = asyncio.get_running_loop()
        self._kept_s = float("-inf")
        self._others_handler = self._loop.get_exception_handler()
        self._loop.set_exception_handler(self._on_fault)
        signal.signal(signal.SIGABRT, self._on_abort)

    def give(self, number: int, why: str = "asked for") -> None:
        """Begin to hand out what is recorded at this moment."""
        self._give_slice(number, 0, self._lines(why))

    def _lines(self, why: str) -> Iterator[str]:
        about = About(__version__, socket.gethostname(), self._unix_offset_s(), why)
        return (f"{line}\n" for line in lines(self._routers.recording(), about))

    def _give_slice(self, number: int, place: int, remaining: Iterator[str]) -> None:
        """Should the supervisor not read, what is dropped is missed there."""
        until_s = time.monotonic() + SLICE_S
        made = []
        for line in remaining:
            made.append(line)
            if time.monotonic() >= until_s:
                self._send(RecordingPart(number, place, "".join(made)))
                self._loop.call_later(PAUSE_S, partial(self._give_slice, number, place + 1, remaining))
                return
        self._send(RecordingPart(number, place, "".join(made), is_last=True))

    def _on_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Told as before, and kept."""
        if self._others_handler is not None:
            self._others_handler(loop, context)
        now_s = time.monotonic()
        if now_s - self._kept_s >= FAULTS_PAUSE_S:
            self._kept_s = now_s
            error = context.get("exception")
            self.give(UNASKED, fault(error) if isinstance(error, BaseException) else str(context.get("message")))

    def _on_abort(self, number: int, frame: FrameType | None) -> None:
        """The last thing that this process does. What it was at may be half done; the recording tells what led there."""
        del number
        where = "" if frame is None else f" in {frame.f_code.co_qualname}, line {frame.f_lineno}"
        try:
            self._files.keep(self._lines(f"did not answer{where}"))
        finally:
            os._exit(EXIT_ABORTED)
