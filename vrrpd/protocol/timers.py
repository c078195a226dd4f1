"""The times of VRRP (RFC 3768 section 6.1), and the named timers of one virtual router with their one deadline."""

from __future__ import annotations

from enum import Enum


def skew_time_s(priority: int) -> float:
    """Skew_Time = (256 - priority) / 256 seconds: of several backups the best one moves first.

    Version 2 does not scale it with the advert interval.
    """
    return (256 - priority) / 256


def master_down_interval_s(priority: int, advert_interval_s: float, down_timer_adverts: int = 3) -> float:
    """Master_Down_Interval = 3 * Advertisement_Interval + Skew_Time; the 3 is keepalived's `down_timer_adverts`."""
    return down_timer_adverts * advert_interval_s + skew_time_s(priority)


LONGEST_SKEW_S = skew_time_s(0)
"""No backup waits longer after a farewell: priorities begin at 1."""
SUCCESSOR_GRACE_S = 0.05
"""How long a master that gave up serves on after the new one's first advert. keepalived sends that before it holds the
addresses and announces them: its first gratuitous ARP follows after 0.7 to 12 ms, its last after 2 to 21 ms."""
LEAVER_GONE_S = 2 * SUCCESSOR_GRACE_S
"""When a new master that follows a farewell can be sure that nobody but itself answers for the addresses any more."""


class Timer(Enum):
    """What a virtual router waits for."""

    MASTER_DOWN = "master down"
    """BACKUP: the master has been silent for too long."""
    ADVERT = "advert"
    """MASTER: the next advert is due."""
    SECOND_ANNOUNCEMENT = "second announcement"
    """MASTER: say again who holds the addresses, for those that missed the first set."""
    ANNOUNCEMENT_REFRESH = "announcement refresh"
    """MASTER: say it now and then."""
    LEAVER_GONE = "leaver gone"
    """MASTER: who gave up no longer answers for the addresses."""
    HAND_OVER = "hand-over"
    """RELINQUISHING: let go of the addresses."""


class Timers:
    """The deadlines of one virtual router, in seconds of the clock that its caller reads."""

    __slots__ = ("_deadlines_s",)

    def __init__(self) -> None:
        self._deadlines_s: dict[Timer, float] = {}

    def next_s(self) -> float | None:
        """The earliest deadline, or None while nothing is waited for."""
        return min(self._deadlines_s.values(), default=None)

    def set(self, timer: Timer, deadline_s: float) -> None:
        """Let `timer` end at `deadline_s`, whatever it was set to before."""
        self._deadlines_s[timer] = deadline_s

    def clear(self, timer: Timer) -> None:
        """Stop `timer` if it runs."""
        self._deadlines_s.pop(timer, None)

    def clear_all(self) -> None:
        """Stop every timer."""
        self._deadlines_s.clear()

    def is_due(self, timer: Timer, now_s: float) -> bool:
        """Whether `timer` runs and has reached its end."""
        deadline_s = self._deadlines_s.get(timer)
        return deadline_s is not None and deadline_s <= now_s

    def move(self, timer: Timer, by_s: float, now_s: float) -> None:
        """Let a running `timer` end later by `by_s` (earlier if negative), but not in the past."""
        self._deadlines_s[timer] = max(now_s, self._deadlines_s[timer] + by_s)

    def repeat(self, timer: Timer, period_s: float, now_s: float) -> None:
        """Set a periodic `timer` that has just ended for its next end.

        The beat is kept, so that being late by a little does not add up. Beats that were slept through are left out: nobody
        needs five adverts at once.
        """
        next_s = self._deadlines_s[timer] + period_s
        self._deadlines_s[timer] = next_s if next_s > now_s else now_s + period_s
