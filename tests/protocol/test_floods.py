"""Storms of adverts that ask for an answer: a master answers some at once, then only so many, and misses none of its own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tests.protocol.captures import NONE
from tests.protocol.routers import DIRECTOR_2, NOW_S, heard, master, router, story
from vrrpd.config.model import Announcements
from vrrpd.protocol.actions import Action, Announce, LowerPriorityHeard, SendAdvert
from vrrpd.protocol.hearing import ANSWERS_AT_ONCE, ANSWERS_PER_INTERVAL
from vrrpd.protocol.instance import Instance

PAUSE_S = 1.0 / ANSWERS_PER_INTERVAL
STORM_S = 5.0
STEP_S = 0.001
AFTERMATH_S = 2.0
ANSWERED_S = 0.11
"""A farewell's last announcement is made when its sender must be gone."""
SILENT = router(lower_priority_no_advert=True)
UNANNOUNCED = router(announcements=Announcements(lower_priority_repeat=0))


def weather(instance: Instance, datagrams: list[bytes]) -> list[tuple[float, Action]]:
    """What a master does, and when, while these come in turn each millisecond for a while, and a little longer."""
    done: list[tuple[float, Action]] = []
    steps = round((STORM_S + AFTERMATH_S) / STEP_S)
    for step in range(1, steps):
        now_s = NOW_S + step * STEP_S
        deadline_s = instance.deadline()
        if deadline_s is not None and deadline_s <= now_s:
            instance.on_timer(now_s)
        if step * STEP_S < STORM_S:
            instance.on_packet(datagrams[step % len(datagrams)], now_s)
        done += [(now_s, action) for action in instance.actions()]
    return done


def times_s(done: list[tuple[float, Action]], kind: type[Action]) -> list[float]:
    return [now_s for now_s, action in done if isinstance(action, kind)]


@pytest.mark.parametrize("priorities", [[0], [1], [99], [0, 99]])
def test_a_storm_is_answered_so_often_and_no_more(priorities: list[int]) -> None:
    instance = master()
    done = weather(instance, [heard(priority) for priority in priorities])
    adverts_s = times_s(done, SendAdvert)
    # An answer at once and the next advert early: two in a pause.
    assert len(adverts_s) <= ANSWERS_AT_ONCE + 2 * (STORM_S / PAUSE_S + 1) + AFTERMATH_S + 1
    assert len(times_s(done, Announce)) <= ANSWERS_AT_ONCE + STORM_S / PAUSE_S + STORM_S / ANSWERED_S + 2
    assert len(times_s(done, LowerPriorityHeard)) <= ANSWERS_AT_ONCE + STORM_S / PAUSE_S + 1
    assert max(later_s - earlier_s for earlier_s, later_s in pairwise([NOW_S, *adverts_s])) <= 1.0 + STEP_S
    storm_end_s = NOW_S + STORM_S
    assert [now_s for now_s in adverts_s if storm_end_s - STEP_S <= now_s <= storm_end_s + PAUSE_S + STEP_S], (
        "the last is answered"
    )
    assert [now_s for now_s in times_s(done, Announce) if storm_end_s <= now_s <= storm_end_s + ANSWERED_S]
    assert Counter(word.split()[0] for word in story([action for _, action in done]))["notice"] <= 1


def answers(instance: Instance, datagram: bytes, now_s: float) -> None:
    """Have it answer as many as it does at once."""
    for _ in range(ANSWERS_AT_ONCE):
        instance.on_packet(datagram, now_s)
        assert "advert 100" in story(instance.actions())


def test_what_is_too_much_is_answered_with_the_next_advert_which_comes_early() -> None:
    instance = master()
    answers(instance, heard(0), NOW_S + 0.1)
    for after_s in (0.1, 0.11, 0.13):
        instance.on_packet(heard(0), NOW_S + after_s)
        assert story(instance.actions()) == []
    assert instance.deadline() == pytest.approx(NOW_S + 0.1 + PAUSE_S / 2)
    instance.on_timer(NOW_S + 0.1 + PAUSE_S + STEP_S)
    assert story(instance.actions()) == ["advert 100"]
    instance.on_packet(heard(0), NOW_S + 0.2)
    assert story(instance.actions()) == ["advert 100"]


def test_another_lesser_master_is_then_answered_with_an_announcement_too() -> None:
    instance = master()
    answers(instance, heard(99), NOW_S + 0.1)
    instance.on_packet(heard(98, DIRECTOR_2 + 1), NOW_S + 0.11)
    assert story(instance.actions()) == []
    said = []
    while (deadline_s := instance.deadline()) is not None and deadline_s < NOW_S + 0.3:
        instance.on_timer(deadline_s)
        said += story(instance.actions())
    assert said == ["advert 100", "announce 1"]


def test_who_gives_lesser_masters_no_advert_gives_them_none_early() -> None:
    done = weather(master(SILENT), [heard(99)])
    assert len(times_s(done, SendAdvert)) == pytest.approx(STORM_S + AFTERMATH_S, abs=1)


def test_who_announces_nothing_to_lesser_masters_clients_announces_nothing_later() -> None:
    assert times_s(weather(master(UNANNOUNCED), [heard(99)]), Announce) == []


def test_at_10_ms_the_pause_is_as_much_shorter() -> None:
    fast: dict[str, Any] = {"version": 3, "authentication": NONE, "advert_interval_s": 0.01}
    instance = master(router(**fast))
    answers(instance, heard(0, **fast), NOW_S + 0.001)
    instance.on_packet(heard(0, **fast), NOW_S + 0.0012)
    assert story(instance.actions()) == []
    assert instance.deadline() == pytest.approx(NOW_S + 0.001 + 0.01 / ANSWERS_PER_INTERVAL / 2)
