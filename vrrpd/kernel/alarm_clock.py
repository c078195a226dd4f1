"""A clock that wakes the event loop to the microsecond: asyncio's own timers are rounded up to whole milliseconds, which is a
tenth of the shortest advert interval."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

TFD_TIMER_ABSTIME = 1
TIMER_OCTETS = 8
NANOSECONDS = 1_000_000_000

_libc = ctypes.CDLL(None, use_errno=True)  # os.timerfd_create exists from Python 3.13 on


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class AlarmClock:
    """One alarm, at an absolute time of `time.monotonic()`, which is also `loop.time()`. Raises OSError where there is none.

    `on_due` is called from the running event loop, once for each `set`; never before the time, and never after `close`.
    """

    def __init__(self, on_due: Callable[[], None]) -> None:
        self._on_due = on_due
        self._loop = asyncio.get_running_loop()
        self._timer = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._deadline_s: float | None = None
        self._loop.add_reader(self._timer, self._ring)

    @property
    def deadline_s(self) -> float | None:
        """When it rings; None where it is not set."""
        return self._deadline_s

    def set(self, deadline_s: float | None) -> None:
        """Ring at that time, at once if it is over, or (None) not at all. The time that is set already costs nothing."""
        if deadline_s == self._deadline_s:
            return
        self._deadline_s = deadline_s
        # Rounded up: a clock that rings too early would be set again and again. Zero would switch the timer off.
        at_ns = 0 if deadline_s is None else max(1, int(deadline_s * NANOSECONDS) + 1)
        spec = _TimerSpec(_TimeSpec(0, 0), _TimeSpec(*divmod(at_ns, NANOSECONDS)))
        _libc.timerfd_settime(self._timer, TFD_TIMER_ABSTIME, ctypes.byref(spec), None)

    def close(self) -> None:
        """Give the timer back; it cannot be used after that."""
        self._loop.remove_reader(self._timer)
        os.close(self._timer)

    def _ring(self) -> None:
        try:
            os.read(self._timer, TIMER_OCTETS)
        except BlockingIOError:  # set to another time between being due and this call
            return
        self._deadline_s = None
        self._on_due()
