"""What is worth a line in the log, and for how long it is not worth another."""

from __future__ import annotations

from collections.abc import Hashable

from vrrpd.protocol.actions import AlarmKind, NoticeKind

NOTICE_PAUSE_S = 60.0
"""Another master makes old problems news again, but not sooner than this after the last news. A backup that hears two masters
in turn, because they do not hear each other, would otherwise fill a line of the log with each advert."""
ALARM_QUIET_S = 60.0
"""A conflict of which nothing was seen for so long is over; the next one is news."""
ALARMS_MAX = 16
"""Conflicts that are remembered at once. Whoever makes up more senders gets no more lines of the log for them."""


class Notices:
    """Problems that were told already."""

    __slots__ = ("_since_s", "_told")

    def __init__(self) -> None:
        self._told: set[NoticeKind] = set()
        self._since_s = 0.0

    def is_first(self, kind: NoticeKind) -> bool:
        """Whether a problem is new since all was forgotten: each fills one line of the log, not one a second."""
        if kind in self._told:
            return False
        self._told.add(kind)
        return True

    def forget(self, now_s: float) -> None:
        """Let everything be news again."""
        self._told.clear()
        self._since_s = now_s

    def forget_if_old(self, now_s: float) -> None:
        """The same, but only if the last time is long ago."""
        if now_s - self._since_s >= NOTICE_PAUSE_S:
            self.forget(now_s)


class Conflicts:
    """Conflicts that go on."""

    __slots__ = ("_seen_s",)

    def __init__(self) -> None:
        self._seen_s: dict[tuple[AlarmKind, Hashable], float] = {}

    def is_news(self, kind: AlarmKind, with_whom: Hashable, now_s: float) -> bool:
        """Whether a conflict begins with what was seen of it now."""
        known = (kind, with_whom) in self._seen_s
        if not known and len(self._seen_s) >= ALARMS_MAX:
            self._seen_s = {key: seen_s for key, seen_s in self._seen_s.items() if now_s - seen_s < ALARM_QUIET_S}
            if len(self._seen_s) >= ALARMS_MAX:
                return False
        begins = not known or now_s - self._seen_s[kind, with_whom] >= ALARM_QUIET_S
        self._seen_s[kind, with_whom] = now_s
        return begins
