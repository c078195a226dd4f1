"""Checks that run together, as the scheduler runs them, and how what came of them is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from healthcheck import connection, misc
from healthcheck.probers import probers
from healthcheck.scheduler import Scheduler
from healthcheck.types import Check, MiscCheck, NetworkCheck, NotProbed, Outcome, Pace, ProbeResult
from healthcheck.verdict import VerdictChange
from tests.healthcheck.servers import closed_again, descriptors_open

ROUNDS = 2
"""Probes of each check, so that what one leaves behind adds up."""
PACE = Pace(delay_loop_s=0.05, retry=0, warmup_s=0.0)
TIMEOUT_S = 1.0
"""Of a check that is to run into it; a busy machine's own delays stay below."""
LATE_S = 5.0
"""Allowed to a busy machine beyond the longest time that a check may take in all."""
DEADLINE_S = 100.0
"""For all of it, which takes 10 s; reached only when something never ends."""


@dataclass(frozen=True)
class Case:
    """A check of something hostile, and how its reason begins."""

    name: str
    check: Check
    reason: str
    success: bool | None = False
    """None: nothing can be said of the server."""


@dataclass
class Observation:
    """What came of checks that ran together."""

    outcomes: dict[Check, Outcome | None] = field(default_factory=dict)
    """The last one of each."""
    changes: dict[Check, list[VerdictChange]] = field(default_factory=dict)
    memory_kib: int = 0
    """More at the peak than at the beginning."""


async def observe(cases: Sequence[Case], neighbours: Sequence[Check] = ()) -> Observation:
    """Run all checks until each has had its rounds, then close everything."""
    loop = asyncio.get_running_loop()
    seen = Observation()

    def on_change(check: Check, change: VerdictChange) -> None:
        seen.changes.setdefault(check, []).append(change)

    descriptors, before_kib = descriptors_open(), memory_kib("VmRSS")
    forget_the_peak()
    scheduler = Scheduler(probers(), on_change, now_s=loop.time())
    waiting = {case.check for case in cases}
    try:
        scheduler.attach(loop)
        async with asyncio.timeout(DEADLINE_S):
            while waiting:
                scheduler.apply([*waiting, *neighbours], loop.time())
                await asyncio.sleep(PACE.delay_loop_s)
                for check in waiting:
                    watch = scheduler.watches[check]
                    if watch.runs + watch.not_probed >= ROUNDS:
                        seen.outcomes[check] = watch.last_outcome
                waiting -= seen.outcomes.keys()
    finally:
        scheduler.close()
        await closed_again(descriptors)
    seen.memory_kib = memory_kib("VmHWM") - before_kib
    return seen


def memory_kib(line: str) -> int:
    """Of this process, as proc(5) calls it: `VmRSS` now, `VmHWM` at its peak."""
    (found,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(f"{line}:"))
    return int(found.split()[1])


def forget_the_peak() -> None:
    """Have `VmHWM` begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def differing(cases: Sequence[Case], seen: Observation) -> dict[str, Outcome | None]:
    """What was found otherwise than expected, by the case's name."""
    return {case.name: seen.outcomes[case.check] for case in cases if not expected(case, seen.outcomes[case.check])}


def expected(case: Case, outcome: Outcome | None) -> bool:
    """Whether the outcome is that of the case."""
    success = outcome.success if isinstance(outcome, ProbeResult) else None
    return isinstance(outcome, ProbeResult | NotProbed) and success is case.success and outcome.reason.startswith(case.reason)


def late(cases: Sequence[Case], seen: Observation) -> dict[str, float]:
    """How long took what took too long, or ran into its time-out too early, by the case's name."""
    took_s = {case: outcome.latency_s for case in cases if isinstance(outcome := seen.outcomes[case.check], ProbeResult)}
    return {case.name: each_s for case, each_s in took_s.items() if not least_s(case) <= each_s <= longest_s(case) + LATE_S}


def least_s(case: Case) -> float:
    """How long the check must have waited."""
    return TIMEOUT_S if f"{TIMEOUT_S:g} s" in case.reason else 0.0


def longest_s(case: Case) -> float:
    """What the check promises."""
    if isinstance(case.check, MiscCheck):
        return misc.longest_s(case.check)
    return connection.longest_s(case.check) if isinstance(case.check, NetworkCheck) else 0.0
