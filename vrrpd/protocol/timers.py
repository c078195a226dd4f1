"""The times of VRRP (RFC 3768, RFC 9568, section 6.1), and the named timers of one virtual router with their one deadline."""

from __future__ import annotations

from enum import IntEnum

SKEW_UNIT_V2_S = 1.0
"""Version 2 does not scale the skew with the advert interval."""


def skew_time_s(priority: int, unit_s: float = SKEW_UNIT_V2_S) -> float:
    """Skew_Time = (256 - priority) / 256 of a unit: of several backups the best one moves first.

    The unit is a second in version 2 and the master's advert interval in version 3.
    """
    return (256 - priority) / 256 * unit_s


def master_down_interval_s(
    priority: int, advert_interval_s: float, down_timer_adverts: int = 3, skew_unit_s: float = SKEW_UNIT_V2_S
) -> float:
    """Master_Down_Interval = 3 * Advertisement_Interval + Skew_Time; the 3 is keepalived's `down_timer_adverts`."""
    return down_timer_adverts * advert_interval_s + skew_time_s(priority, skew_unit_s)


LONGEST_SKEW_S = skew_time_s(0)
"""No backup of version 2 waits longer after a farewell: priorities begin at 1."""
SUCCESSOR_GRACE_S = 0.05
"""How long a master that gave up serves on after the new one's first advert. keepalived sends that before it holds the
addresses and announces them: its first gratuitous ARP follows after 0.7 to 12 ms, its last after 2 to 21 ms. That is the
kernel's work, which no advert interval makes shorter."""
LEAVER_GONE_S = 2 * SUCCESSOR_GRACE_S
"""When a new master that follows a farewell can be sure that nobody but itself answers for the addresses any more."""


class Timer(IntEnum):
    """What a virtual router waits for. What is due at once is served in this order."""

    MASTER_DOWN = 1
    """BACKUP: the master has been silent for too long."""
    ADVERT = 2
    """MASTER: the next advert is due."""
    SECOND_ANNOUNCEMENT = 3
    """MASTER: say again who holds the addresses, for those that missed the first set."""
    ANNOUNCEMENT_REFRESH = 4
    """MASTER: say it now and then."""
    LEAVER_GONE = 5
    """MASTER: who gave up no longer answers for the addresses."""
    HAND_OVER = 6
    """RELINQUISHING: let go of the addresses."""
    LISTENING = 7
    """LISTENING: nobody has taken over."""
    PENANCE = 8
    """An owner that met another one has its priority back."""
    DEFENCE = 9
    """MASTER: who answered for our address has not proved to be a better master."""
    ALARM = 10
    """MASTER: nor has it after a while; people are to know."""


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

    def clear_all(self, but: Timer | None = None) -> None:
        """Stop every timer, or every other one."""
        kept_s = None if but is None else self._deadlines_s.get(but)
        self._deadlines_s.clear()
        if but is not None and kept_s is not None:
            self._deadlines_s[but] = kept_s

    def is_due(self, timer: Timer, now_s: float) -> bool:
        """Whether `timer` runs and has reached its end."""
        deadline_s = self._deadlines_s.get(timer)
        return deadline_s is not None and deadline_s <= now_s

    def due(self, now_s: float) -> list[tuple[Timer, float]]:
        """The timers that have reached their end, with it. Serving one may stop another: ask `is_due` again."""
        due = [(timer, deadline_s) for timer, deadline_s in self._deadlines_s.items() if deadline_s <= now_s]
        if len(due) > 1:
            due.sort()
        return due

    def move(self, timer: Timer, by_s: float, now_s: float) -> None:
        """Let a running `timer` end later by `by_s` (earlier if negative), but not in the past."""
        self._deadlines_s[timer] = max(now_s, self._deadlines_s[timer] + by_s)

    def hasten(self, timer: Timer, deadline_s: float) -> None:
        """Let a running `timer` end at `deadline_s` at the latest."""
        self._deadlines_s[timer] = min(self._deadlines_s[timer], deadline_s)

    def repeat(self, timer: Timer, period_s: float, now_s: float) -> None:
        """Set a periodic `timer` that has just ended for its next end.

        The beat is kept, so that being late by a little does not add up. Beats that were slept through are left out: nobody
        needs five adverts at once.
        """
        next_s = self._deadlines_s[timer] + period_s
        self._deadlines_s[timer] = next_s if next_s > now_s else now_s + period_s
