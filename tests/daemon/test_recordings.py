"""Recordings on their way out of the router process: whole, or not at all, and never too many."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocol.routers import DIRECTOR_1, NOW_S, heard, router
from vrrpd.daemon import recordings as module
from vrrpd.daemon import scribe as scribe_module
from vrrpd.daemon.messages import AskRecording, RecordingPart
from vrrpd.daemon.recordings import FILES_MAX, UNASKED, RecordingFiles, Recordings
from vrrpd.daemon.scribe import Scribe
from vrrpd.protocol.events import SourceChanged
from vrrpd.protocol.vrrp_router import key_of
from vrrpd.recording.lines import NoRecordingError
from vrrpd.recording.reading import read
from vrrpd.recording.recorder import RecordedRouter
from vrrpd.simulation.replay import replay

PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""


def recorded(packets: int) -> RecordedRouter:
    """A backup that has heard so many adverts."""
    routers, one = RecordedRouter(), router()
    routers.add(one)
    routers.tell(key_of(one), SourceChanged(DIRECTOR_1), NOW_S)
    routers.start(key_of(one), NOW_S)
    for number in range(packets):
        routers.on_packet("eth0", heard(150), NOW_S + number / 100)
    routers.actions()
    return routers


class Parts:
    """All that a scribe sends, handed on to the supervisor's part of it."""

    def __init__(self) -> None:
        self.parts: list[RecordingPart] = []
        self.receiver: Recordings | None = None
        self.news = asyncio.Event()

    def send(self, part: RecordingPart) -> None:
        self.parts.append(part)
        if self.receiver is not None:
            self.receiver.hear(part)
        self.news.set()

    async def until_last(self) -> list[RecordingPart]:
        async with asyncio.timeout(PATIENCE_S):
            while not (self.parts and self.parts[-1].is_last):
                self.news.clear()
                await self.news.wait()
        return self.parts


@pytest.fixture
def files(tmp_path: Path) -> RecordingFiles:
    return RecordingFiles(tmp_path)


@pytest.fixture(autouse=True)
def abort_is_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGABRT)
    yield
    signal.signal(signal.SIGABRT, before)


def scribe(sent: Parts, files: RecordingFiles, packets: int = 10) -> Scribe:
    return Scribe(recorded(packets), lambda: 1_700_000_000.0, sent.send, files)


def only(directory: Path) -> Path:
    """The one recording that is kept."""
    [path] = directory.glob("recording-*.jsonl")
    return path


def test_a_kept_recording_is_the_owner_s_alone(files: RecordingFiles, tmp_path: Path) -> None:
    path = files.keep(["one\n", "two\nthree\n"])
    assert path.read_text() == "one\ntwo\nthree\n"
    assert path.name == f"recording-{int(path.name[10:-6])}.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_youngest_are_kept(files: RecordingFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ledger").write_text("not a recording")
    for number in range(FILES_MAX + 3):
        monkeypatch.setattr(time, "time", lambda number=number: 1_700_000_000.0 + number)
        files.keep([str(number)])
    kept = sorted(path.read_text() for path in tmp_path.glob("recording-*"))
    assert kept == sorted(str(number) for number in range(3, FILES_MAX + 3))
    assert (tmp_path / "ledger").exists()


def test_what_a_process_that_died_left_half_written_is_no_obstacle(files: RecordingFiles, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    for second in range(3):
        (tmp_path / f"recording-{time.time() + second:.0f}.new").symlink_to(target)
    files.keep(["whole\n"])
    assert target.read_text() == "precious"


async def test_who_asks_is_given_the_recording_of_that_moment_in_parts(
    files: RecordingFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribe_module, "SLICE_S", 0.0)
    sent = Parts()
    writer = scribe(sent, files, packets=20)
    asked: list[AskRecording] = []

    def ask(question: AskRecording) -> bool:
        asked.append(question)
        writer.give(question.number)
        return True

    sent.receiver = recordings = Recordings(files, ask)
    text = "".join([part async for part in recordings.parts()])
    assert asked == [AskRecording(1)]
    assert len(sent.parts) > 20
    recording = read(text.splitlines())
    assert recording.about.why == "asked for"
    assert len(recording.inputs) == 23
    assert replay(recording).differences == ()


async def test_two_do_not_ask_at_once_and_the_next_one_can(files: RecordingFiles) -> None:
    recordings = Recordings(files, lambda _question: True)
    first = recordings.parts()
    waiting = asyncio.ensure_future(anext(first))
    await asyncio.sleep(0)
    with pytest.raises(NoRecordingError, match="another recording is under way"):
        await anext(recordings.parts())
    recordings.hear(RecordingPart(1, 0, "a\n"))
    assert await waiting == "a\n"
    await first.aclose()
    recordings.hear(RecordingPart(1, 1, "late\n"))
    second = asyncio.ensure_future(anext(recordings.parts()))
    await asyncio.sleep(0)
    recordings.hear(RecordingPart(1, 2, "very late\n", is_last=True))
    recordings.hear(RecordingPart(2, 0, "b\n", is_last=True))
    assert await second == "b\n"


async def test_a_router_that_is_not_there_or_does_not_answer_is_told(
    files: RecordingFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoRecordingError, match="there is no router process"):
        await anext(Recordings(files, lambda _question: False).parts())
    monkeypatch.setattr(module, "PART_TIMEOUT_S", 0.01)
    with pytest.raises(NoRecordingError, match="does not answer"):
        await anext(Recordings(files, lambda _question: True).parts())


async def test_a_fault_is_logged_as_before_and_its_recording_kept(
    files: RecordingFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    heard_of: list[object] = []
    loop.set_exception_handler(lambda _loop, context: heard_of.append(context["exception"]))
    sent = Parts()
    scribe(sent, files)
    sent.receiver = Recordings(files, lambda _question: True)
    error = ValueError("no way to do that")
    for _ in range(3):
        loop.call_exception_handler({"message": "fault over a packet", "exception": error})
    parts = await sent.until_last()
    assert heard_of == [error] * 3
    assert {part.number for part in parts} == {UNASKED}
    assert sum(part.place == 0 for part in parts) == 1, "a fault that comes again and again is kept once a minute"
    path = only(tmp_path)
    assert f"the recording of what led to the fault is in {path}" in caplog.text
    recording = read(path.read_text().splitlines())
    assert recording.about.why == "ValueError: no way to do that"
    assert replay(recording).differences == ()


def test_what_a_router_that_died_over_it_told_is_not_kept(files: RecordingFiles, tmp_path: Path) -> None:
    recordings = Recordings(files, lambda _question: True)
    for part in (
        RecordingPart(UNASKED, 0, "a\n"),
        RecordingPart(UNASKED, 1, "b\n"),
        RecordingPart(UNASKED, 0, "A\n"),
        RecordingPart(UNASKED, 2, "one was dropped\n", is_last=True),
        RecordingPart(UNASKED, 1, "B\n", is_last=True),
    ):
        recordings.hear(part)
    [path] = tmp_path.iterdir()
    assert path.read_text() == "A\nB\n"


def test_a_directory_that_cannot_be_written_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    recordings = Recordings(RecordingFiles(Path("/proc/nowhere")), lambda _question: True)
    recordings.hear(RecordingPart(UNASKED, 0, "a\n", is_last=True))
    assert "the recording of what led to the fault cannot be written" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


async def _hang(files: RecordingFiles) -> None:
    scribe(Parts(), files)
    signal.raise_signal(signal.SIGABRT)


def test_a_process_that_hangs_and_is_told_to_abort_leaves_its_recording(files: RecordingFiles, tmp_path: Path) -> None:
    process_id = os.fork()
    if process_id == 0:
        try:
            asyncio.set_event_loop(None)
            asyncio._set_running_loop(None)
            asyncio.run(_hang(files))
        finally:
            os._exit(7)
    _process_id, status = os.waitpid(process_id, 0)
    assert os.waitstatus_to_exitcode(status) == scribe_module.EXIT_ABORTED
    path = only(tmp_path)
    recording = read(path.read_text().splitlines())
    assert recording.about.why.startswith("did not answer in _hang, line ")
    assert replay(recording).differences == ()
