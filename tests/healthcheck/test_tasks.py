from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from healthcheck.tasks import TaskProber
from healthcheck.types import FIRST_STEP, Outcome, ProbeResult, Round
from tests.healthcheck.servers import descriptors_open

GOOD = ProbeResult(True, 0.001, "answered")
PATIENCE_S = 20.0
Probe = Callable[[str, Round], Awaitable[Outcome]]
Prober = TaskProber[str, str]


@asynccontextmanager
async def proving(probe: Probe, longest_s: float = PATIENCE_S, in_flight_max: int = 512) -> AsyncIterator[Prober]:
    prober: Prober = TaskProber(probe, lambda _check: longest_s, in_flight_max=in_flight_max)
    try:
        yield prober
    finally:
        prober.close()
        async with asyncio.timeout(PATIENCE_S):
            await prober.closed()


async def ended(prober: Prober, count: int = 1) -> list[tuple[str, Outcome]]:
    """Run the prober as the scheduler does: when it is readable or its deadline is there."""
    loop, bell = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(prober.fileno(), bell.set)
    taken: list[tuple[str, Outcome]] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(taken) < count:
                deadline_s = prober.deadline()
                wait_s = None if deadline_s is None else max(0.0, deadline_s - loop.time())
                try:
                    async with asyncio.timeout(wait_s):
                        await bell.wait()
                except TimeoutError:
                    pass
                bell.clear()
                taken += prober.run()
    finally:
        loop.remove_reader(prober.fileno())
    return taken


async def test_a_probe_is_a_coroutine_that_is_told_its_check_and_its_step() -> None:
    async def probe(check: str, round_: Round) -> Outcome:
        await asyncio.sleep(0)
        return ProbeResult(True, 0.001, f"{check} {round_.step}")

    async with proving(probe) as prober:
        prober.start("web", "first")
        prober.start("mail", "second", Round(3, 1))
        assert prober.in_flight == 2
        outcomes = dict(await ended(prober, 2))
        assert {token: outcome.reason for token, outcome in outcomes.items()} == {"first": "web 0", "second": "mail 3"}
        assert (prober.in_flight, prober.deadline(), prober.run()) == (0, None, [])
        assert not select.select([prober], [], [], 0)[0]


async def test_a_probe_that_does_not_end_is_broken_off_and_takes_room_until_it_has_cleaned_up() -> None:
    cleaning, may_end = asyncio.Event(), asyncio.Event()

    async def probe(_check: str, _round: Round) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await may_end.wait()
        return GOOD

    async with proving(probe, longest_s=0.1, in_flight_max=1) as prober:
        prober.start("web", "probe")
        ((token, outcome),) = await ended(prober)
        assert (token, outcome.reason) == ("probe", "no end after 0.1 s")
        await cleaning.wait()
        assert not prober.has_room
        may_end.set()
        (leaving,) = prober._leaving
        await asyncio.wait([leaving])
        await asyncio.sleep(0)
        assert prober.has_room
        assert prober.run() == []


@pytest.mark.parametrize(
    ("error", "reason", "told"),
    [
        (ValueError("no such thing"), "the probe broke off: no such thing", True),
        (ConnectionResetError("reset"), "the probe broke off: reset", False),
        (asyncio.CancelledError(), "the probe broke off: cancelled", False),
    ],
)
async def test_a_probe_that_raises_has_failed_and_a_fault_of_its_own_is_told(
    error: BaseException, reason: str, told: bool
) -> None:
    async def probe(_check: str, _round: Round) -> Outcome:
        raise error

    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
    async with proving(probe) as prober:
        prober.start("web", "probe")
        ((_, outcome),) = await ended(prober)
    assert isinstance(outcome, ProbeResult)
    assert (outcome.success, outcome.reason) == (False, reason)
    assert heard == ([error] if told else [])


async def test_a_probe_that_ends_just_in_time_is_heard() -> None:
    now_s = 100.0
    go = asyncio.Event()

    async def probe(_check: str, _round: Round) -> Outcome:
        await go.wait()
        return GOOD

    prober: Prober = TaskProber(probe, lambda _check: 5.0, clock=lambda: now_s)
    prober.start("web", "probe", FIRST_STEP)
    (task,) = prober._probes
    await asyncio.sleep(0)
    go.set()
    while not task.done():  # its outcome is there, the news of it still on its way
        await asyncio.sleep(0)
        now_s = 200.0
    early = prober.run()
    await asyncio.sleep(0)
    assert [*early, *prober.run()] == [("probe", GOOD)]
    prober.close()


async def test_close_breaks_off_what_is_under_way_and_leaves_nothing_open() -> None:
    before = descriptors_open()

    async def probe(_check: str, _round: Round) -> Outcome:
        ends = os.pipe()
        try:
            await asyncio.Event().wait()
        finally:
            for end in ends:
                os.close(end)
        return GOOD

    async with proving(probe) as prober:
        for name in "abc":
            prober.start(name, name)
        await asyncio.sleep(0)
        assert descriptors_open() == before + 7
    assert descriptors_open() == before
