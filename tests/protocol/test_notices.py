"""What fills a line of the log, and what does not fill another."""

from __future__ import annotations

from vrrpd.protocol.actions import AlarmKind, Oddity
from vrrpd.protocol.notices import ALARM_QUIET_S, ALARMS_MAX, NOTICE_PAUSE_S, Conflicts, Notices

TWO, IN_USE = AlarmKind.TWO_MASTERS, AlarmKind.ADDRESS_IN_USE


def test_a_problem_is_news_once_until_it_is_forgotten() -> None:
    notices = Notices()
    assert [notices.is_first(Oddity.OVERSLEPT) for _ in range(3)] == [True, False, False]
    assert notices.is_first(Oddity.OWN_ADDRESS_HEARD)
    notices.forget(100.0)
    assert notices.is_first(Oddity.OVERSLEPT)
    notices.forget_if_old(100.0 + NOTICE_PAUSE_S - 1)
    assert not notices.is_first(Oddity.OVERSLEPT)
    notices.forget_if_old(100.0 + NOTICE_PAUSE_S)
    assert notices.is_first(Oddity.OVERSLEPT)


def test_a_conflict_is_news_when_it_begins_and_again_after_it_was_over() -> None:
    conflicts = Conflicts()
    assert [conflicts.is_news(TWO, "a", second) for second in range(200)] == [True] + [False] * 199
    assert not conflicts.is_news(TWO, "a", 199 + ALARM_QUIET_S - 1)
    assert conflicts.is_news(TWO, "a", 199 + 2 * ALARM_QUIET_S)


def test_conflicts_with_others_or_of_another_kind_are_others() -> None:
    conflicts = Conflicts()
    assert conflicts.is_news(TWO, "a", 0.0)
    assert conflicts.is_news(TWO, "b", 0.0)
    assert conflicts.is_news(IN_USE, "a", 0.0)


def test_whoever_makes_up_senders_is_not_told_of_without_end() -> None:
    conflicts = Conflicts()
    news = sum(conflicts.is_news(TWO, number, number / 100) for number in range(1000))
    assert news == ALARMS_MAX
    assert conflicts.is_news(TWO, "later", 10 + ALARM_QUIET_S), "those of then are over"
