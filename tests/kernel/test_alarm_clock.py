"""The clock against the kernel's timer; how punctual it is is for a benchmark."""

from __future__ import annotations

import asyncio
import time

import pytest

from vrrpd.kernel import alarm_clock
from vrrpd.kernel.alarm_clock import AlarmClock

DEADLINE_S = 10.0


class Rung:
    """Notes when the clock rang, and lets a test wait for that."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.at_s.append(time.monotonic())
        self.event.set()

    async def wait(self) -> float:
        await asyncio.wait_for(self.event.wait(), DEADLINE_S)
        self.event.clear()
        return self.at_s[-1]


async def test_it_rings_once_and_never_too_early() -> None:
    rung = Rung()
    clock = AlarmClock(rung)
    for delay_s in (0.0004, 0.0031, 0.01):
        deadline_s = time.monotonic() + delay_s
        clock.set(deadline_s)
        assert clock.deadline_s == deadline_s
        assert await rung.wait() >= deadline_s
        assert clock.deadline_s is None
    assert len(rung.at_s) == 3
    clock.close()


async def test_a_time_that_is_over_rings_at_once() -> None:
    rung = Rung()
    clock = AlarmClock(rung)
    for deadline_s in (time.monotonic() - 5, 0.0, -1.0):
        clock.set(deadline_s)
        await rung.wait()
    clock.close()


async def test_what_is_set_anew_rings_at_the_new_time_alone_and_what_is_unset_not_at_all() -> None:
    rung = Rung()
    clock = AlarmClock(rung)
    now_s = time.monotonic()
    clock.set(now_s + 0.001)
    clock.set(now_s + 0.02)
    assert await rung.wait() >= now_s + 0.02

    unset = Rung()
    silent = AlarmClock(unset)
    silent.set(time.monotonic() + 0.001)
    silent.set(None)
    clock.set(time.monotonic() + 0.02)
    await rung.wait()
    assert unset.at_s == []
    silent.close()
    clock.close()


async def test_one_that_is_due_and_set_later_before_the_loop_looks_does_not_ring_twice() -> None:
    rung = Rung()
    clock = AlarmClock(rung)
    clock.set(time.monotonic() - 1)
    later_s = time.monotonic() + 0.02
    asyncio.get_running_loop().call_soon(clock.set, later_s)
    clock._ring()  # as the loop would, had both been found ready in one turn
    assert rung.at_s != []
    clock._ring()
    assert len(rung.at_s) == 1
    rung.event.clear()
    assert await rung.wait() >= later_s
    assert len(rung.at_s) == 2
    clock.close()


async def test_it_can_be_set_again_as_it_rings() -> None:
    clock: AlarmClock
    times: list[float] = []
    done = asyncio.Event()

    def again() -> None:
        times.append(time.monotonic())
        clock.set(times[-1] + 0.001)
        if len(times) == 5:
            done.set()

    clock = AlarmClock(again)
    clock.set(time.monotonic())
    await asyncio.wait_for(done.wait(), DEADLINE_S)
    assert times == sorted(times)
    clock.close()


async def test_a_kernel_that_has_no_timer_for_us_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        @staticmethod
        def timerfd_create(*_arguments: object) -> int:
            return -1

    monkeypatch.setattr(alarm_clock, "_libc", Refusing)
    with pytest.raises(OSError, match=r".*"):
        AlarmClock(lambda: None)
