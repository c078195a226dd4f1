"""Run a job in a guest of user-mode Linux, on a copy-on-write view of the host's files.

The guest is one process of the host with a few helpers. Its root directory is the host's own, read only, under an overlay in
the guest's memory; so the job finds the same programs, checkout and virtual environment at the same paths, is root there,
and what it writes is lost except in the directories that were asked for.

What the job prints goes through a serial line, kernel messages through a console that is shown only when the guest fails.
The kernel's own exit status tells nothing about the job, so the guest writes the job's status into a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

from netns_lab.job import EXIT_NO_STATUS, EXIT_TIMED_OUT, Job, die_with_parent, supervise

PACKAGE = "user-mode-linux"
PROGRAM = "linux.uml"
MODULES_DIRECTORY = Path("/usr/lib/uml/modules")
GUEST_FILES = Path(__file__).parent / "guest"

DIRECTORY_PREFIX = "netns-lab."
DIRECTORY_OCTETS_MAX = 80
"""The guest's control socket lies in the directory, and a socket's name holds 107 octets (unix(7))."""
NEW_DIRECTORY_S = 10.0
"""A directory younger than this may belong to a runner that is just about to lock it."""
ORDERLY_END_S = 1.0
"""A guest that is asked to go is gone within milliseconds, unless it hangs."""
CONSOLE_TAIL_CHARACTERS = 4_000
"""How much of the console is shown when the guest fails: a panic with its trace."""


def is_installed() -> bool:
    """True if the kernel can be found."""
    return shutil.which(PROGRAM) is not None


def run(job: Job) -> int:
    """Boot a guest, run the job in it and return its exit status, as :mod:`netns_lab.job` says."""
    with _run_directory() as directory, _own_cpu() as cpu, (directory / "console").open("w+b") as console:
        _write_instructions(job, directory)
        with _serial_line(terminal=job.terminal) as (ours, guests):
            process = subprocess.Popen(
                _kernel_command(job, directory, guests),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=[guests],
                start_new_session=True,
                preexec_fn=lambda: _prepare(cpu),  # noqa: PLW1509  no other thread runs in the runner
            )
            os.close(guests)
            relays = {ours: 1, 0: ours} if job.terminal else {ours: 1}
            killed_for = supervise(process, job.timeout_s, relays, lambda: _kill(process))
        if killed_for is not None:
            if killed_for == EXIT_TIMED_OUT:
                print(f"netns_lab: not ended after {job.timeout_s:g} s", file=sys.stderr)
            return killed_for
        try:
            return int((directory / "status").read_text())
        except (OSError, ValueError):
            console.seek(0)
            sys.stderr.write(console.read().decode(errors="replace")[-CONSOLE_TAIL_CHARACTERS:])
            print(f"netns_lab: the guest ended with {process.returncode} and left no exit status", file=sys.stderr)
            return EXIT_NO_STATUS


def _kernel_command(job: Job, directory: Path, serial_line: int) -> list[str]:
    """The kernel's command line; a setting that it does not know, `RUN`, becomes its first process' environment."""
    serial_port = f"fd:{serial_line}" if job.terminal else f"null,fd:{serial_line}"
    return [
        PROGRAM,
        *("rootfstype=hostfs", "rootflags=/", "ro"),
        f"mem={job.memory}",
        *(f"init={directory}/init", f"RUN={directory}"),
        *(f"uml_dir={directory}/", "umid=guest"),
        *("con=null", "ssl=null", "con0=null,fd:1", f"ssl0={serial_port}"),
        *("quiet", "panic=-1", "noreboot"),  # a panic ends the process instead of hanging it
    ]


def _write_instructions(job: Job, directory: Path) -> None:
    """What the guest reads once it is up: its first program, settings for it, and the job as a shell script."""
    for script in GUEST_FILES.iterdir():
        shutil.copy(script, directory / script.name)
    (directory / "init").chmod(0o755)
    settings = {
        "MODULES": str(MODULES_DIRECTORY),
        "SYSTEMD": "yes" if job.systemd else "",
        "TERMINAL": "yes" if job.terminal else "",
    }
    if job.terminal:
        size = os.get_terminal_size(0)
        settings |= {"ROWS": str(size.lines), "COLUMNS": str(size.columns)}
    _write_lines(directory / "settings", [f"{name}={shlex.quote(value)}" for name, value in settings.items()])
    _write_lines(directory / "writable", [str(path.resolve(strict=True)) for path in job.writable])
    environment = [f"export {name}={shlex.quote(value)}" for name, value in os.environ.items() if name.isidentifier()]
    there = f"cd {shlex.quote(str(Path.cwd()))} || exit 126"
    _write_lines(directory / "job", [*environment, there, "exec " + shlex.join(job.command)])


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines))


@contextlib.contextmanager
def _run_directory() -> Iterator[Path]:
    """A directory for one guest, which goes with it; those of runners that were killed go first."""
    for stale in Path(tempfile.gettempdir()).glob(DIRECTORY_PREFIX + "*"):
        with contextlib.suppress(OSError), (stale / "lock").open("rb") as lock:
            if time.time() - stale.stat().st_mtime > NEW_DIRECTORY_S:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale)
    directory = Path(tempfile.mkdtemp(prefix=DIRECTORY_PREFIX))
    try:
        if len(os.fsencode(directory)) > DIRECTORY_OCTETS_MAX or set(" \t\"',:=") & set(str(directory)):
            raise OSError(f"{directory}: a kernel's command line cannot carry this; set TMPDIR to a short, plain path")
        with (directory / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _own_cpu() -> Iterator[int]:
    """One CPU for the guest, another one for each guest while there are enough.

    A guest that wanders between CPUs pays four times as much for a system call.
    """
    cpus = sorted(os.sched_getaffinity(0))
    with contextlib.ExitStack() as locks:
        for cpu in cpus:
            path = Path(tempfile.gettempdir()) / f"netns-lab-{os.getuid()}.cpu{cpu}"
            lock = locks.enter_context(path.open("wb"))
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield cpu
                return
        yield cpus[os.getpid() % len(cpus)]


@contextlib.contextmanager
def _serial_line(*, terminal: bool) -> Iterator[tuple[int, int]]:
    """Our end and the guest's end of the line that carries the job's output, or its terminal.

    Never the caller's own output: the guest would make that non-blocking.
    """
    if not terminal:
        ours, guests = os.pipe()
        try:
            yield ours, guests
        finally:
            os.close(ours)
        return
    ours, guests = pty.openpty()
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield ours, guests
    finally:
        with contextlib.suppress(termios.error):  # it may be gone
            termios.tcsetattr(0, termios.TCSAFLUSH, before)
        os.close(ours)


def _prepare(cpu: int) -> None:
    """In the child before exec. On SIGTERM the guest ends its helpers too; on SIGKILL it could not."""
    die_with_parent(signal.SIGTERM)
    os.sched_setaffinity(0, {cpu})


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The guest and its helpers, which are one process group but for the one that watches a terminal's size.

    That one the guest ends itself if it is asked to go; a guest that does not go is killed.
    """
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ORDERLY_END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
