"""When a master announces its addresses: at once, a second time after a delay, and now and then."""

from __future__ import annotations

from vrrpd.config.model import Announcements
from vrrpd.protocol.actions import Announce
from vrrpd.protocol.timers import LEAVER_GONE_S, Timer, Timers


class Announcing:
    """The schedule of announcements, kept in the timers of one virtual router, which stop it with everything else."""

    __slots__ = ("_second_set_repeat", "_timers")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._second_set_repeat = 0

    def twice(self, repeat: int, second_after_s: float, now_s: float) -> Announce:
        """One set at once and one after a delay, in place of one that still waits; 0 s asks for none."""
        if second_after_s > 0:
            self._second_set_repeat = repeat
            self._timers.set(Timer.SECOND_ANNOUNCEMENT, now_s + second_after_s)
        return Announce(repeat)

    def schedule_refresh(self, settings: Announcements, now_s: float) -> None:
        """Begin to announce now and then, or stop it where that is not wanted."""
        self._timers.clear(Timer.ANNOUNCEMENT_REFRESH)
        if settings.refresh_s > 0:
            self._timers.set(Timer.ANNOUNCEMENT_REFRESH, now_s + settings.refresh_s)

    def once_the_leaver_is_gone(self, now_s: float) -> None:
        """Have one more set when nobody else answers any more."""
        self._timers.set(Timer.LEAVER_GONE, now_s + LEAVER_GONE_S)

    def serve(self, timer: Timer, settings: Announcements, now_s: float) -> Announce:
        """What is due when one of the three timers has ended."""
        if timer is Timer.ANNOUNCEMENT_REFRESH:
            self._timers.repeat(timer, settings.refresh_s, now_s)
            return Announce(settings.refresh_repeat)
        self._timers.clear(timer)
        return Announce(self._second_set_repeat if timer is Timer.SECOND_ANNOUNCEMENT else 1)
