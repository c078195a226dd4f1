"""Commands run in order for each virtual server, beside each other for several, and never without bounds."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from netns_lab.waiting import wait_for
from vrrpd.config.model import Command
from vrrpd.notify.commands import COMMANDS_WAITING_MAX, CommandQueue
from vrrpd.status.events import QuorumChanged, RealServerChanged

WEB, DNS = "[192.0.2.100]:tcp:80", "[192.0.2.100]:udp:53"
DEADLINE_S = 20.0


def write(path: Path, word: str, first: str = "") -> Command:
    """A command that adds a word to a file."""
    return Command((sys.executable, "-c", f"{first}\nopen({str(path)!r}, 'a').write({word!r} + ' ')"))


def lost(name: str, command: Command | None) -> QuorumChanged:
    return QuorumChanged(0.0, name, up=False, alive_weight=0, quorum=1, mail=False, command=command)


async def written(path: Path, words: str) -> None:
    """Wait until the file holds these words."""
    await asyncio.to_thread(wait_for, lambda: path.exists() and path.read_text().strip() == words, DEADLINE_S, "the words")


async def closed(queue: CommandQueue, timeout_s: float) -> None:
    """End what runs and wait until nothing of it is left."""
    await queue.close(timeout_s)
    async with asyncio.timeout(DEADLINE_S):
        while has_children():  # noqa: ASYNC110  the event loop itself takes their status
            await asyncio.sleep(0.01)


def has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


async def test_commands_of_one_virtual_server_run_in_the_order_of_what_happened(tmp_path: Path) -> None:
    path, queue = tmp_path / "log", CommandQueue()
    for number in range(5):
        delay = f"import time; time.sleep({0.2 if number == 0 else 0})"
        queue.hear(lost(WEB, write(path, str(number), delay)))
    await written(path, "0 1 2 3 4")
    await closed(queue, 1.0)


async def test_a_command_that_hangs_holds_up_its_own_virtual_server_only(tmp_path: Path) -> None:
    path, queue = tmp_path / "log", CommandQueue()
    queue.hear(lost(WEB, Command(("/bin/sleep", "600"))))
    queue.hear(lost(WEB, write(path, "web")))
    queue.hear(lost(DNS, write(path, "dns")))
    await written(path, "dns")
    await closed(queue, 0.0)


async def test_what_waits_is_bounded_and_the_latest_is_kept(tmp_path: Path) -> None:
    path, queue = tmp_path / "log", CommandQueue()
    queue.hear(lost(WEB, Command(("/bin/sleep", "600"))))
    for number in range(COMMANDS_WAITING_MAX + 3):
        queue.hear(lost(WEB, write(path, str(number))))
    assert queue.dropped in {3, 4}  # whether the first one has begun
    await closed(queue, 0.0)


async def test_events_without_a_command_run_none() -> None:
    queue = CommandQueue()
    queue.hear(lost(WEB, None))
    queue.hear(RealServerChanged(0.0, WEB, "[192.0.2.1]:tcp:80", up=True, reason="connected", mail=False))
    await closed(queue, 0.0)


async def test_failures_are_told(caplog: pytest.LogCaptureFixture) -> None:
    queue = CommandQueue()
    queue.hear(lost(WEB, Command(("/nowhere/to/be/found",))))
    queue.hear(lost(WEB, Command(("/bin/false",))))
    await closed(queue, DEADLINE_S)
    assert "cannot run /nowhere/to/be/found: no such file or directory" in caplog.text.lower()
    assert "command /bin/false: exit status 1" in caplog.text
