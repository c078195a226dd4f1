"""Commands that succeed, fail, hang, fork, flood and refuse to die; counted is what they leave behind."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from healthcheck import misc
from healthcheck.misc import CommandRunner, judged
from healthcheck.types import FIRST_STEP, MiscCheck, NotProbed, Outcome, ProbeResult, WeightAdded, WeightSet, WeightWish
from tests.healthcheck.servers import assert_none_lives, closed_again, descriptors_open

PATIENCE_S = 20.0
TIMEOUT_S = 0.3


def shell(script: str, timeout_s: float = PATIENCE_S, *, sets_weight: bool = False) -> MiscCheck:
    return MiscCheck(("/bin/sh", "-c", script), timeout_s, sets_weight=sets_weight)


async def run(check: MiscCheck) -> Outcome:
    """Probe, and make sure that no descriptor is left."""
    before = descriptors_open()
    outcome = await CommandRunner().probe(check, FIRST_STEP)
    await closed_again(before)
    return outcome


async def result(check: MiscCheck) -> ProbeResult:
    outcome = await run(check)
    assert isinstance(outcome, ProbeResult), outcome
    return outcome


@pytest.mark.parametrize(
    ("status", "sets_weight", "success", "weight"),
    [
        (0, False, True, None),
        (1, False, False, None),
        (2, False, False, None),
        (0, True, True, WeightAdded(0)),
        (1, True, False, None),
        (2, True, True, WeightSet(0)),
        (7, True, True, WeightSet(5)),
        (255, True, True, WeightSet(253)),
    ],
)
async def test_the_exit_status_is_the_verdict_and_the_weight(
    status: int, sets_weight: bool, success: bool, weight: WeightWish | None
) -> None:
    outcome = await result(shell(f"exit {status}", sets_weight=sets_weight))
    assert (outcome.success, outcome.weight, outcome.reason) == (success, weight, f"exit status {status}")


async def test_the_first_line_that_it_writes_is_part_of_the_reason() -> None:
    outcome = await result(shell("echo; echo 'no \033[31mreplica' >&2; echo more; exit 1"))
    assert outcome.reason == "exit status 1: no ?[31mreplica"


async def test_a_command_that_dies_of_a_signal_has_failed() -> None:
    assert (await result(shell("kill -SEGV $$", sets_weight=True))).reason == "ended by SIGSEGV"


def test_a_signal_is_never_a_weight() -> None:
    assert judged(shell("", sets_weight=True), -9, 0.0) == ProbeResult(False, 0.0, "ended by SIGKILL")


async def test_arguments_reach_the_program_as_they_are_and_no_shell_is_involved() -> None:
    check = MiscCheck(("/usr/bin/printf", "%s|", "$HOME; a  b"), PATIENCE_S)
    assert (await result(check)).reason == "exit status 0: $HOME; a  b|"


FORKS_AND_HANGS = "sleep 1000 & echo $! >> {0}; (sleep 1000 & echo $! >> {0}; wait) & echo $! >> {0}; echo $$ >> {0}; wait"
IGNORES_TERM = "trap '' TERM; " + FORKS_AND_HANGS
LEAVES_SOMETHING_BEHIND = "sleep 1000 & echo $! >> {0}"


@pytest.mark.parametrize(
    ("script", "count", "reason", "at_least_s"),
    [
        (FORKS_AND_HANGS, 4, "no end within 0.3 s", TIMEOUT_S),
        (IGNORES_TERM, 4, "no end within 0.3 s", TIMEOUT_S + 0.2),
        (LEAVES_SOMETHING_BEHIND, 1, "exit status 0", 0.0),
    ],
    ids=["forks and hangs", "ignores TERM", "leaves something behind"],
)
async def test_nothing_of_a_command_outlives_its_check(
    script: str, count: int, reason: str, at_least_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misc, "TERM_GRACE_S", 0.2)
    written = tmp_path / "pids"
    timeout_s = TIMEOUT_S if at_least_s else PATIENCE_S
    began_s = time.monotonic()
    outcome = await result(shell(script.format(written), timeout_s))
    assert time.monotonic() - began_s >= at_least_s
    assert outcome.reason == reason
    pids = [int(line) for line in written.read_text().split()]
    assert len(pids) == count
    assert_none_lives(pids)


async def test_a_command_that_floods_is_read_and_not_kept() -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = await result(MiscCheck(("/usr/bin/yes",), TIMEOUT_S))
    assert outcome.reason == "no end within 0.3 s: y"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 4096
    quick = await result(shell("head -c 1000000 /dev/zero | tr '\\0' x; exit 3"))
    assert quick.reason == f"exit status 3: {'x' * misc.OUTPUT_KEPT_OCTETS}"


async def test_a_command_that_closes_its_output_is_waited_for() -> None:
    assert (await result(shell("exec >&- 2>&-; read x < /dev/null; exit 4"))).reason == "exit status 4"


async def test_a_probe_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    before = descriptors_open()
    written = tmp_path / "pids"
    os.mkfifo(written)
    reader = os.open(written, os.O_RDONLY | os.O_NONBLOCK)
    started = asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, started.set)
    task = asyncio.ensure_future(CommandRunner().probe(shell(f"echo $$ > {written}; sleep 1000"), FIRST_STEP))
    await started.wait()
    asyncio.get_running_loop().remove_reader(reader)
    pid = int(os.read(reader, 100))
    os.close(reader)
    task.cancel()
    await asyncio.wait([task])
    assert_none_lives([pid])
    await closed_again(before)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"command": ("/nonexistent", "x")}, "cannot run /nonexistent: no such file or directory"),
        ({"command": ("/etc/passwd",)}, "cannot run /etc/passwd: permission denied"),
        ({"user": "nosuchuser"}, "cannot run /bin/sh: there is no user nosuchuser"),
        ({"user": "root", "group": "nosuchgroup"}, "cannot run /bin/sh: there is no group nosuchgroup"),
        ({"command": ("/bin/\0",)}, "cannot run /bin/\0: embedded null byte"),
    ],
)
async def test_a_command_that_cannot_be_run_is_no_verdict(change: dict[str, object], reason: str) -> None:
    assert await run(replace(shell("true"), **change)) == NotProbed(reason)  # type: ignore[arg-type]  # the columns differ


@pytest.mark.parametrize(
    ("user", "group", "expected"), [("nobody", None, "65534 65534"), ("nobody", "0", "65534 0"), ("0", None, "0 0")]
)
@pytest.mark.kernel
async def test_the_command_runs_as_whom_it_should(user: str, group: str | None, expected: str) -> None:
    outcome = await result(replace(shell("echo $(id -u) $(id -g)"), user=user, group=group))
    assert outcome.reason == f"exit status 0: {expected}"


async def test_starts_are_spread_over_turns_of_the_loop() -> None:
    """A hundred commands that are due together do not hold up everything else for as long as all their starts take."""
    runner, turns, running = CommandRunner(), 0, True

    async def count_turns() -> None:
        nonlocal turns
        while running:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count_turns())
    probes: list[Awaitable[Outcome]] = [runner.probe(MiscCheck(("/bin/true",), PATIENCE_S), FIRST_STEP) for _ in range(20)]
    outcomes = await asyncio.gather(*probes)
    running = False
    await counting
    assert [outcome.reason for outcome in outcomes] == ["exit status 0"] * 20
    assert turns >= 20
