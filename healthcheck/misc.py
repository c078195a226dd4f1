"""MISC_CHECK: a command says how a server is, by its exit status.

The command leads a process group of its own. When it is over, whatever it left behind in that group is killed, so that
no check can fill the machine with processes; a program that is to stay makes itself a session, as daemons do. One that runs for
too long gets SIGTERM with all its group, and SIGKILL if that does not help.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import select
import signal
import subprocess
import time
from functools import lru_cache
from typing import TypedDict

from healthcheck.sockets import error_text
from healthcheck.types import MiscCheck, NotProbed, ProbeResult, Round, WeightAdded, WeightSet

COMMANDS_IN_FLIGHT_MAX = 256
"""Commands at once; more would rather hide what a server is like than find it out."""
TERM_GRACE_S = 2.0
"""From SIGTERM to SIGKILL, as in keepalived."""
START_S_MAX = 10.0
"""In which all that are due together are started, one after the other, also on a machine that is busy with them."""
DEFAULT_USER = "keepalived_script"
OUTPUT_KEPT_OCTETS = 200
"""Of what a command writes; the rest is read and thrown away, so that it never blocks."""
READ_OCTETS = 65_536
"""What a pipe holds."""
WEIGHT_OFFSET = 2
"""An exit status of this or more is a weight with this added."""
CONFIGURED_WEIGHT = WeightAdded(0)
"""What status 0 asks for: a command that has no more to say takes back what it said before."""


class CommandRunner:
    """Runs commands, and starts one in each turn of the event loop: a start takes a millisecond in which nothing else runs."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()

    async def probe(self, check: MiscCheck, _round: Round) -> ProbeResult | NotProbed:
        """Run the command and read its exit status."""
        async with self._starting:
            await asyncio.sleep(0)
            started_s = time.monotonic()
            command = _start(check)
        if isinstance(command, NotProbed):
            return command
        try:
            in_time = await _ended(command, check.timeout_s)
            if not in_time:
                command.tell_group(signal.SIGTERM)
                await _ended(command, TERM_GRACE_S)
        finally:
            command.end()
        latency_s = time.monotonic() - started_s
        if not in_time:
            return ProbeResult(False, latency_s, f"no end within {check.timeout_s:g} s{command.output.shown()}")
        assert command.process.returncode is not None  # it has ended, and `end` took its status
        return judged(check, command.process.returncode, latency_s, command.output.shown())


def longest_s(check: MiscCheck) -> float:
    """How long a probe may take in all."""
    return START_S_MAX + check.timeout_s + TERM_GRACE_S


def judged(check: MiscCheck, status: int, latency_s: float, output: str = "") -> ProbeResult:
    """What an exit status means; below 0 it is the number of a signal, as in :mod:`subprocess`."""
    if status < 0:
        return ProbeResult(False, latency_s, f"ended by {signal.Signals(-status).name}{output}")
    said = f"exit status {status}{output}"
    if check.sets_weight and status >= WEIGHT_OFFSET:
        return ProbeResult(True, latency_s, said, WeightSet(status - WEIGHT_OFFSET))
    return ProbeResult(status == 0, latency_s, said, CONFIGURED_WEIGHT if check.sets_weight and status == 0 else None)


class _Command:
    """A running command, its output, and the way to be rid of it."""

    def __init__(self, process: subprocess.Popen[bytes], pidfd: int, output: _Output) -> None:
        self.process = process
        self.pidfd = pidfd
        """Readable once the command has ended."""
        self.output = output
        self._loop = asyncio.get_running_loop()

    def tell_group(self, number: signal.Signals) -> None:
        # As long as the command is not waited for, its number can be nobody else's group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def end(self) -> None:
        """Kill what is left of the group and give everything back; never waits."""
        self.tell_group(signal.SIGKILL)
        self.output.close()
        if _readable(self.pidfd):
            self._reap()
        else:  # dying, or stuck in the kernel
            self._loop.add_reader(self.pidfd, self._reap_later)

    def _reap_later(self) -> None:
        self._loop.remove_reader(self.pidfd)
        self._reap()

    def _reap(self) -> None:
        self.process.wait()  # has ended
        os.close(self.pidfd)


class _Output:
    """Reads what a command writes and keeps the beginning."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def close(self) -> None:
        self._read()
        if self._descriptor >= 0:
            self._give_back()

    def shown(self) -> str:
        """Its first line, for a reason; nothing where there was none."""
        line = self._kept.strip().partition(b"\n")[0].decode(errors="replace")
        return f": {''.join(letter if letter.isprintable() else '?' for letter in line)}" if line else ""

    def _read(self) -> None:
        if self._descriptor < 0:
            return
        try:
            octets = os.read(self._descriptor, READ_OCTETS)
        except BlockingIOError:
            return
        if not octets:
            self._give_back()
        elif len(self._kept) < OUTPUT_KEPT_OCTETS:
            self._kept += octets[: OUTPUT_KEPT_OCTETS - len(self._kept)]

    def _give_back(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


def _start(check: MiscCheck) -> _Command | NotProbed:
    name = check.command[0]
    try:
        credentials = _credentials(check.user, check.group)
    except LookupError as error:
        return NotProbed(f"cannot run {name}: {error.args[0]}")
    try:
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        return NotProbed(f"cannot run {name}: {error_text(error.errno)}")
    os.set_blocking(read_end, False)
    try:
        process = subprocess.Popen(
            check.command, stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end, cwd="/", process_group=0, **credentials
        )
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        os.close(read_end)
        return NotProbed(f"cannot run {name}: {error_text(error.errno) if isinstance(error, OSError) else error}")
    finally:
        os.close(write_end)
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError as error:
        process.kill()
        process.wait()
        os.close(read_end)
        return NotProbed(f"cannot watch {name}: {error_text(error.errno)}")
    return _Command(process, pidfd, _Output(read_end))


class _Credentials(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@lru_cache(64)
def _credentials(user: str | None, group: str | None) -> _Credentials:
    """Who runs a command; empty where that is us, which spares a slower way to start it. LookupError names who is not there.

    Kept, because looking somebody up may take long; who is not there is looked up again.
    """
    if user is None:
        try:
            entry = pwd.getpwnam(DEFAULT_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        except KeyError:
            return {}
    else:
        try:
            entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        except KeyError:
            raise LookupError(f"there is no user {user}") from None
    group_id = entry.pw_gid
    if group is not None:
        try:
            group_id = (grp.getgrgid(int(group)) if group.isdecimal() else grp.getgrnam(group)).gr_gid
        except KeyError:
            raise LookupError(f"there is no group {group}") from None
    if (entry.pw_uid, group_id) == (os.geteuid(), os.getegid()):
        return {}
    return {"user": entry.pw_uid, "group": group_id, "extra_groups": os.getgrouplist(entry.pw_name, group_id)}


async def _ended(command: _Command, timeout_s: float) -> bool:
    """Whether the command ends in time."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(command.pidfd, over.set)
    try:
        async with asyncio.timeout(timeout_s):
            await over.wait()
    except TimeoutError:
        return _readable(command.pidfd)
    finally:
        loop.remove_reader(command.pidfd)
    return True


def _readable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))
