"""Children as real processes: they work, answer, die, hang and stop, and none is left behind."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import vrrpd
from vrrpd.daemon import child, nursery
from vrrpd.daemon.messages import Ask, LogLine
from vrrpd.status.model import LatenessStatus, ProcessStatus, RouterStatus

from .tiny_role import PATIENCE_S, Ward, order

PR_SET_CHILD_SUBREAPER = 36
REPOSITORY = Path(vrrpd.__file__).parent.parent


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def noted(notes: Path) -> str:
    return notes.read_text() if notes.exists() else ""


def process_name(process_id: int) -> str:
    return Path(f"/proc/{process_id}/comm").read_text().rstrip("\n")


def socket_inode(end: socket.socket) -> str:
    return f"socket:[{os.fstat(end.fileno()).st_ino}]"


def sockets_of(process_id: int) -> set[str]:
    descriptors = Path(f"/proc/{process_id}/fd").iterdir()
    targets = {str(link.readlink()) for link in descriptors if int(link.name) > 2}
    return {target for target in targets if target.startswith("socket:")}


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture(autouse=True)
def nobody_is_left_behind() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
async def ward(notes: Path) -> AsyncIterator[Ward]:
    ward = Ward(notes)
    yield ward
    await ended(ward)


async def ended(ward: Ward) -> None:
    if ward.nursling.alive:
        os.kill(ward.born[-1], signal.SIGCONT)
    await ward.nursling.stop(PATIENCE_S)


@pytest.fixture
def quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "RESTART_DELAYS_S", (0.0, 0.01, 0.02, 0.03))


def line(text: str) -> LogLine:
    return LogLine(logging.INFO, text)


# ---- at work


async def test_work_starts_the_process_and_is_done_when_it_says_so(ward: Ward) -> None:
    assert not ward.nursling.alive
    assert ward.nursling.process_status(answers=False) == ProcessStatus("tiny", None, False, False, 0)
    await ward.nursling.give(order("one"))
    assert ward.reports == [line("born"), line("one at work")]
    (process_id,) = ward.process_ids
    assert ward.nursling.process_status(answers=True) == ProcessStatus("tiny", process_id, True, True, 0)


async def test_more_work_goes_to_the_same_process(ward: Ward) -> None:
    for name in ("one", "two", "three"):
        await ward.nursling.give(order(name))
    assert ward.reports == [line("born"), line("one at work"), line("two at work"), line("three at work")]
    assert len(ward.born) == 1


async def test_it_says_how_it_is(ward: Ward) -> None:
    assert await ward.nursling.status(PATIENCE_S) is None, "nobody is there to be asked"
    await ward.nursling.give(order("one"))
    answers = await asyncio.gather(*(ward.nursling.status(PATIENCE_S) for _ in range(5)))
    assert answers == [RouterStatus((), 1, 0, 0, LatenessStatus(), 0)] * 5


async def test_it_runs_under_its_own_name_and_with_no_descriptor_of_the_supervisors(ward: Ward) -> None:
    with socket.socket() as supervisors_own:
        await ward.nursling.give(order("one"))
        assert process_name(ward.born[0]) == "vrrpd: tiny"
        assert socket_inode(supervisors_own) not in sockets_of(ward.born[0])
        assert len(sockets_of(ward.born[0])) == 3, "its channel, and the pair by which its event loop wakes itself"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_signals_are_the_supervisors_business(number: signal.Signals, ward: Ward) -> None:
    await ward.nursling.give(order("one"))
    os.kill(ward.born[0], number)
    await ward.nursling.give(order("two"))
    assert len(ward.born) == 1


async def test_a_fault_in_its_work_is_told_and_survived(ward: Ward) -> None:
    giving = asyncio.create_task(ward.nursling.give(order("fail")))
    await ward.until(lambda: len(ward.reports) == 3)
    told = ward.reports[-1]
    assert isinstance(told, LogLine)
    assert told.level == logging.ERROR
    assert "ValueError: no way to do that" in told.text
    assert not giving.done(), "what failed is not done"
    await ward.nursling.give(order("one"))
    await giving
    assert len(ward.born) == 1


def test_it_lives_also_where_the_supervisor_logs_to_syslog(tmp_path: Path) -> None:
    """The handler's socket has the lowest number there is, which in the child is the event loop's."""
    story = "; ".join(
        [
            "import sys, asyncio, logging, logging.handlers",
            "from pathlib import Path",
            "from vrrpd.daemon.log import replace_handlers",
            "from tests.daemon.tiny_role import Ward, order, line_arrives",
            "replace_handlers(logging.handlers.SysLogHandler(sys.argv[1]), logging.INFO)",
            "asyncio.run(line_arrives('woken', order('wake'), Path(sys.argv[2])))",
        ]
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        arguments = [sys.executable, "-c", story, str(tmp_path / "log"), str(tmp_path / "notes")]
        done = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# ---- the end


async def test_it_gives_everything_back_and_ends_when_told_to(ward: Ward, notes: Path) -> None:
    await ward.nursling.give(order("one"))
    await ward.nursling.stop(PATIENCE_S)
    assert noted(notes) == "stopped\n"
    assert ward.process_ids == [ward.born[0], None]
    assert not ward.nursling.alive
    assert await ward.nursling.status(PATIENCE_S) is None
    ward.nursling.check_pulse()
    assert len(ward.process_ids) == 2, "it is not started again"


async def test_what_never_started_has_nothing_to_stop(ward: Ward, notes: Path) -> None:
    await ward.nursling.stop(PATIENCE_S)
    assert ward.process_ids == []
    assert noted(notes) == ""


async def test_one_that_does_not_end_in_time_is_killed(ward: Ward, notes: Path, caplog: pytest.LogCaptureFixture) -> None:
    await ward.nursling.give(order("linger"))
    await ward.nursling.stop(0.2)
    assert noted(notes) == "stopped\n"
    assert not ward.nursling.alive
    assert "tiny did not stop within 0.2 s and is killed" in caplog.messages


# ---- death and restart


async def test_one_that_is_killed_is_replaced_at_once_and_given_its_work_again(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    await ward.nursling.give(order("one"))
    os.kill(ward.born[0], signal.SIGKILL)
    await ward.until(lambda: ward.reports.count(line("one at work")) == 2)
    assert ward.process_ids == [ward.born[0], None, ward.born[1]]
    assert ward.nursling.process_status(answers=True).restarts == 1
    assert "tiny was killed by SIGKILL; starting it again now" in caplog.messages
    assert await ward.nursling.status(PATIENCE_S) == RouterStatus((), 1, 0, 0, LatenessStatus(), 0)


@pytest.mark.usefixtures("quick_restarts")
async def test_one_that_dies_again_and_again_is_restarted_ever_more_slowly(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    giving = asyncio.create_task(ward.nursling.give(order("die")))
    await ward.until(lambda: ward.process_ids.count(None) == 6)
    waits = [message.partition("again ")[2] for message in caplog.messages if "starting it again" in message]
    assert waits[:6] == ["now", "in 0.01 s", "in 0.02 s", "in 0.03 s", "in 0.03 s", "in 0.03 s"]
    assert "tiny ended with status 7; starting it again now" in caplog.messages
    assert line("die at work") in ward.reports, "its last words are heard"
    assert not giving.done()
    await ward.until(lambda: ward.process_ids[-1] is None)
    mended = asyncio.create_task(ward.nursling.give(order("one")))
    await asyncio.gather(giving, mended)


async def test_one_that_lived_long_is_restarted_as_if_it_had_never_died(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(nursery, "SETTLED_S", 0.0)
    await ward.nursling.give(order("one"))
    for death in range(3):
        await ward.until(lambda death=death: ward.reports.count(line("one at work")) == death + 1)  # type: ignore[misc]
        os.kill(ward.born[-1], signal.SIGKILL)
    await ward.until(lambda: len(ward.born) == 4)
    assert caplog.messages.count("tiny was killed by SIGKILL; starting it again now") == 3


@pytest.mark.usefixtures("quick_restarts")
async def test_a_fork_that_is_refused_is_tried_again(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))] * 2
    fork = os.fork

    def scarce() -> int:
        if refusals:
            raise refusals.pop()
        return fork()

    await ward.nursling.give(order("one"))
    monkeypatch.setattr(os, "fork", scarce)
    os.kill(ward.born[0], signal.SIGKILL)
    await ward.until(lambda: ward.reports.count(line("one at work")) == 2)
    assert caplog.messages.count("tiny cannot be started: Resource temporarily unavailable; starting it again in 0.01 s") == 1
    assert ward.nursling.process_status(answers=True).restarts == 1


async def test_one_that_died_just_before_the_stop_gives_back_all_the_same(
    ward: Ward, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "RESTART_DELAYS_S", (PATIENCE_S,))
    await ward.nursling.give(order("one"))
    os.kill(ward.born[0], signal.SIGKILL)
    await ward.until(lambda: ward.process_ids[-1] is None)
    await ward.nursling.stop(PATIENCE_S)
    assert noted(notes) == "stopped\n"
    assert len(ward.born) == 2


async def test_what_one_that_died_while_it_stopped_left_behind_a_new_one_gives_back(ward: Ward, notes: Path) -> None:
    await ward.nursling.give(order("linger"))
    stopping = asyncio.create_task(ward.nursling.stop(PATIENCE_S))
    for death in (1, 2):
        await ward.until(lambda death=death: ward.reports.count(line("stop noted")) == death)  # type: ignore[misc]
        assert noted(notes) == "stopped\n" * death
        os.kill(ward.born[-1], signal.SIGKILL)
    await stopping
    assert len(ward.born) == 2, "nobody is started a third time"


# ---- silence


@pytest.mark.parametrize("how", ["endless loop", "stopped by a signal"])
async def test_one_that_hangs_is_replaced_once_it_was_silent_too_long(
    how: str, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ward = Ward(notes, silence_max_s=0.2)
    await ward.nursling.give(order("one"))
    if how == "endless loop":
        giving = asyncio.create_task(ward.nursling.give(order("hang")))
        await ward.until(lambda: line("hang at work") in ward.reports)
        await ward.beat_until(lambda: len(ward.born) > 1, 0.05)
        giving.cancel()
    else:
        os.kill(ward.born[0], signal.SIGSTOP)
        await ward.beat_until(lambda: len(ward.born) > 1, 0.05)
        assert await ward.nursling.status(PATIENCE_S) is not None, "the new one answers"
    assert any(message.startswith("tiny has not answered for 0 s and is replaced") for message in caplog.messages)
    await ward.nursling.stop(0.2)


@pytest.mark.parametrize(
    ("how", "end"), [("hang with last words", "ended with status 8"), ("stopped by a signal", "was killed by SIGKILL")]
)
async def test_one_that_has_last_words_is_told_to_abort_and_killed_if_it_cannot(
    how: str, end: str, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ward = Ward(notes, silence_max_s=0.2, has_last_words=True)
    await ward.nursling.give(order("one"))
    giving = asyncio.create_task(ward.nursling.give(order("hang with last words")))
    await ward.until(lambda: line("hang with last words at work") in ward.reports)
    if how == "stopped by a signal":
        os.kill(ward.born[0], signal.SIGSTOP)
    await ward.beat_until(lambda: len(ward.born) > 1, 0.05)
    giving.cancel()
    assert f"tiny {end}; starting it again now" in caplog.messages
    await ward.nursling.stop(0.2)


async def test_a_question_is_put_once_to_whoever_is_there(ward: Ward) -> None:
    assert not ward.nursling.ask(Ask(1))
    await ward.nursling.give(order("one"))
    assert ward.nursling.ask(Ask(2))


async def test_a_supervisor_that_was_held_up_itself_blames_nobody(notes: Path) -> None:
    ward = Ward(notes, silence_max_s=0.1)
    await ward.nursling.give(order("one"))
    for _ in range(3):
        time.sleep(0.2)  # noqa: ASYNC251  # the event loop is held up: that is the case
        ward.nursling.check_pulse()
        assert await ward.nursling.status(PATIENCE_S) is not None
    assert len(ward.born) == 1
    await ended(ward)


async def test_one_that_does_not_answer_in_time_has_no_status(ward: Ward) -> None:
    await ward.nursling.give(order("one"))
    os.kill(ward.born[0], signal.SIGSTOP)
    assert await ward.nursling.status(0.05) is None
    os.kill(ward.born[0], signal.SIGCONT)
    assert await ward.nursling.status(PATIENCE_S) is not None


# ---- the supervisor's death


@pytest.fixture
def orphans_are_ours() -> Iterator[None]:
    """Processes whose parent dies become this one's children, so that their end can be seen."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


@pytest.mark.usefixtures("orphans_are_ours")
def test_when_the_supervisor_dies_its_child_ends_and_leaves_the_kernel_as_it_is(notes: Path) -> None:
    reading, writing = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        _supervise(notes, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        process_id = int(told.readline())
    pidfd = os.pidfd_open(process_id)
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    ended, _, _ = select.select([pidfd], [], [], PATIENCE_S)
    os.close(pidfd)
    assert ended
    _process_id, status = os.waitpid(process_id, 0)
    assert status != 0
    assert noted(notes) == "", "nobody told it to stop"


def _supervise(notes: Path, writing: int) -> None:
    """A supervisor's life: a child at work, its number told, and then whatever comes."""

    async def live() -> None:
        ward = Ward(notes)
        await ward.nursling.give(order("one"))
        os.write(writing, f"{ward.born[0]}\n".encode())
        await asyncio.Event().wait()

    try:
        asyncio.run(live())
    finally:
        os._exit(1)


def test_a_fork_that_is_refused_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", refused)
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="temporarily unavailable"):
        child.fork("tiny", lambda _channel: pytest.fail("never born"))
    assert set(Path("/proc/self/fd").iterdir()) == before
