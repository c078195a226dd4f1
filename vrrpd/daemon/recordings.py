"""Recordings on their way out of the router process: in parts to the supervisor, and into files of the run directory.

The router process makes the lines, because only it has the values, but for a millisecond at a time, and it opens no file: the
parts go over the channel to the supervisor, which gives them to whom asked, or writes them where they are kept after a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

from vrrpd.daemon.messages import AskRecording, RecordingPart
from vrrpd.recording.lines import NoRecordingError

FILES_MAX = 8
"""Recordings that are kept, the youngest of them; a fault that comes again and again has the same story to tell. 4 MiB each, at
most, of a busy host."""
PART_TIMEOUT_S = 5.0
"""A router that has not gone on after so long is busy with something worse, or has died over it."""
UNASKED = 0
"""The number of a recording that the router tells of its own accord, to be kept."""

log = logging.getLogger(__name__)


class RecordingFiles:
    """The files `recording-<Unix time>.jsonl` of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, parts: Iterable[str]) -> Path:
        """Write one, readable by its owner alone, and remove those that are too many. Raises OSError."""
        path = self._directory / f"recording-{time.time():.0f}.jsonl"
        new = path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.writelines(parts)
        new.replace(path)
        for old in sorted(self._directory.glob("recording-*.jsonl"), key=lambda each: each.name)[:-FILES_MAX]:
            old.unlink()
        return path


class Recordings:
    """The supervisor's end: puts parts together."""

    def __init__(self, files: RecordingFiles, ask: Callable[[AskRecording], bool]) -> None:
        """`ask` tells the router; False if there is none."""
        self._files = files
        self._ask = ask
        self._numbers = itertools.count(UNASKED + 1)
        self._asked: tuple[int, asyncio.Queue[RecordingPart]] | None = None
        self._kept: list[str] = []

    def hear(self, part: RecordingPart) -> None:
        """A part has come. Those of a recording that nobody waits for any more are passed over."""
        if part.number == UNASKED:
            self._keep(part)
        elif self._asked is not None and self._asked[0] == part.number:
            self._asked[1].put_nowait(part)

    async def parts(self) -> AsyncGenerator[str, None]:
        """The lines of a recording of this moment, many at a time. Raises NoRecordingError, also in the midst."""
        if self._asked is not None:
            raise NoRecordingError("another recording is under way; ask again in a minute")
        number, waiting = self._asked = next(self._numbers), asyncio.Queue[RecordingPart]()
        try:
            if not self._ask(AskRecording(number)):
                raise NoRecordingError("there is no router process that could tell")
            is_last = False
            while not is_last:
                async with asyncio.timeout(PART_TIMEOUT_S):
                    part = await waiting.get()
                yield part.lines
                is_last = part.is_last
        except TimeoutError:
            raise NoRecordingError("the router process does not answer") from None
        finally:
            self._asked = None

    def _keep(self, part: RecordingPart) -> None:
        if part.place == 0:
            self._kept = []  # what is there is of a process that died over it
        if part.place != len(self._kept):
            return
        self._kept.append(part.lines)
        if part.is_last:
            kept, self._kept = self._kept, []
            try:
                log.warning("the recording of what led to the fault is in %s", self._files.keep(kept))
            except OSError as error:
                log.error("the recording of what led to the fault cannot be written: %s", error)  # noqa: TRY400
