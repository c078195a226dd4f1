"""Commands on the kernel that is at hand, through the command line: status, output, time-out, and that nothing stays behind.

A guest takes two seconds to boot, so each test asks much of one.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from netns_lab import host_kernel, kernel, processes, user_mode_linux
from netns_lab.job import EXIT_NO_STATUS, EXIT_SIGNALLED, EXIT_TIMED_OUT, Job
from netns_lab.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
END_TIMEOUT_S = 5.0
TERMINAL_TIMEOUT_S = 15.0

pytestmark = pytest.mark.skipif(
    not (host_kernel.has_ipvs() or user_mode_linux.is_installed()), reason="neither IPVS here nor user-mode Linux"
)
needs_guest = pytest.mark.skipif(not user_mode_linux.is_installed(), reason="needs user-mode Linux")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory with a name short enough for a guest, where the runner shall leave nothing but its CPUs' locks."""
    with tempfile.TemporaryDirectory(prefix="t.") as directory:
        monkeypatch.setenv("TMPDIR", directory)
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)
        assert [path.name for path in Path(directory).iterdir() if path.suffix not in {".cpu0", ".cpu1"}] == []


def test_output_comes_live_and_the_exit_status_is_the_commands(scratch: Path) -> None:
    kept = scratch / "a directory"
    kept.mkdir()
    script = "echo begun; until [ -e go ]; do sleep 0.05; done; cp /proc/net/ip_vs table; echo end >&2; exit 7"
    with _run("--rw", str(kept), "--timeout", "30", "--", "sh", "-c", f"cd '{kept}'; {script}") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        (kept / "go").touch()  # the command waits for this, so the line came while it ran
        assert process.stdout.read() == b"end\n"
    assert process.returncode == 7
    assert "IP Virtual Server" in (kept / "table").read_text()
    (kept / "table").unlink()
    (kept / "go").unlink()
    kept.rmdir()


def test_a_command_that_does_not_end_is_killed_when_its_time_is_up(scratch: Path) -> None:
    with _run("--timeout", "4", "--", "sh", "-c", "echo begun; sleep 60") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == EXIT_TIMED_OUT
    assert b"begun\n" in output


def test_two_commands_have_kernels_of_their_own_and_a_signal_ends_one(scratch: Path) -> None:
    with _run("--", "sh", "-c", "echo begun; sleep 60") as first, _run("--", "sh", "-c", "echo begun; sleep 60") as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
        kernels = [processes.tree(process.pid)[1] for process in (first, second)]
        if user_mode_linux.is_installed() and not host_kernel.has_ipvs():
            cpus = [os.sched_getaffinity(pid) for pid in kernels]
            assert [len(cpu) for cpu in cpus] == [1, 1]
            assert len(cpus[0] | cpus[1]) == min(2, len(os.sched_getaffinity(0)))
        first.terminate()
        assert first.wait(END_TIMEOUT_S) == 128 + signal.SIGTERM
        assert second.poll() is None
        second.terminate()
        second.wait(END_TIMEOUT_S)
    assert not any(processes.is_alive(pid) for pid in kernels)


def test_a_runner_that_is_killed_takes_everything_with_it(scratch: Path) -> None:
    with _run("--", "sh", "-c", "echo begun; sleep 60") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        _, *started = processes.tree(process.pid)
        assert started
        process.kill()
    wait_for(lambda: not any(processes.is_alive(pid) for pid in started), END_TIMEOUT_S, "the end of what the runner started")
    for stale in scratch.glob(f"{user_mode_linux.DIRECTORY_PREFIX}*"):
        os.utime(stale, (0, 0))  # as if it had been there for long: the next runner removes it
    assert kernel.run(Job(["true"])) == 0


@needs_guest
def test_a_guest_that_panics_leaves_no_status_and_shows_its_console(scratch: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 9"
    assert user_mode_linux.run(Job(["sh", "-c", script], timeout_s=30)) == EXIT_NO_STATUS
    assert "sysrq triggered crash" in capfd.readouterr().err


@needs_guest
def test_with_systemd_the_command_is_a_unit_and_nothing_has_failed(scratch: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = "cat /proc/1/comm; systemctl --failed --no-legend | cat; exit 5"
    assert kernel.run(Job(["sh", "-c", script], timeout_s=60, systemd=True)) == 5
    assert capfd.readouterr().out == "systemd\n"


@needs_root
def test_on_the_hosts_kernel_a_command_has_a_network_of_its_own_and_leaves_no_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    script = "ip -br link; sleep 60 & echo pids $(ls /run) end; exit 7"
    assert host_kernel.run(Job(["sh", "-c", script], timeout_s=10)) == 7
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["lo", "pids"]
    assert lines[1] == "pids end"


@needs_root
def test_on_the_hosts_kernel_orphans_are_reaped() -> None:
    script = """
import os, subprocess, time
orphan = int(subprocess.check_output(["sh", "-c", "true >&- & echo $!"]))
while os.path.exists(f"/proc/{orphan}"):
    time.sleep(0.01)
"""
    assert host_kernel.run(Job([sys.executable, "-S", "-c", script], timeout_s=5)) == 0


@needs_root
def test_on_the_hosts_kernel_time_is_up_as_well() -> None:
    assert host_kernel.run(Job(["sleep", "60"], timeout_s=0.2)) == EXIT_TIMED_OUT


def test_without_any_kernel_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_kernel, "has_ipvs", lambda: False)
    monkeypatch.setattr(user_mode_linux, "is_installed", lambda: False)
    with pytest.raises(kernel.NoKernelError, match="apt-get install user-mode-linux"):
        kernel.run(Job(["true"]))


def test_a_writable_directory_that_is_not_there_is_named(scratch: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        user_mode_linux.run(Job(["true"], writable=[scratch / "nowhere"]))


def test_a_lab_at_a_terminal_gives_a_shell_whose_status_is_returned(scratch: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        os.environ["PYTHONPATH"] = "netns-lab"
        os.execv(sys.executable, [sys.executable, "-m", "netns_lab", "lab", "web-ha", "--routers", "keepalived"])  # noqa: S606  no shell is wanted
    output = _read_until(terminal, b"web-ha# ")
    os.write(terminal, b"on web1 curl -s http://192.168.4.200/; exit 3\r")
    output += _read_until(terminal, None)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert "VIP 192.168.4.80, port 80" in output, "the drawing is shown"
    assert re.search(r"[\r\n]web2\r\n", output), "what the host answered is shown"


def test_a_lab_whose_terminal_is_closed_ends_with_all_its_processes(scratch: Path) -> None:
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "netns_lab", "lab", "web-ha", "--routers", "keepalived"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "netns-lab")},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,  # so that it hears of the end by its input alone
    ) as runner:
        os.close(terminal)
        _read_until(ours, b"web-ha# ")
        os.close(ours)
        assert runner.wait(TERMINAL_TIMEOUT_S) == EXIT_SIGNALLED + signal.SIGHUP


@contextmanager
def _run(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m netns_lab run ...`, with both outputs in one pipe; ended with the block."""
    command = [sys.executable, "-m", "netns_lab", "run", *arguments]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "netns-lab")}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _read_until(terminal: int, end: bytes | None) -> str:
    """What comes, up to `end` or until the other end of the terminal is closed."""
    output = b""
    with suppress(OSError):  # EIO: it is closed
        while end is None or end not in output:
            assert select.select([terminal], [], [], TERMINAL_TIMEOUT_S)[0], output
            output += os.read(terminal, 4_096)
    return output.decode()
