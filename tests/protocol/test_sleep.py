"""Routers whose host stood still for a while: a master listens before it speaks, a backup before it takes over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.routers import DIRECTOR_2, NOW_S, addresses, heard, master, router, started, story
from vrrpd.config.model import HandOver, VirtualRouter
from vrrpd.protocol.actions import Transition
from vrrpd.protocol.events import (
    AddressAnswered,
    AnnounceAgain,
    Event,
    Failover,
    FaultRaised,
    FollowGroup,
    Reconfigured,
    Shutdown,
)
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.lateness import LISTENING_MARGIN_S
from vrrpd.protocol.states import State

TOLERATED_S = 3 + 1 / 256
"""Silence that no backup takes for a master's end."""
AWAKE_S = NOW_S + 10
LISTENING_S = 1 + LISTENING_MARGIN_S
OVERSLEPT = "MASTER > LISTENING: overslept"


def overslept(configuration: VirtualRouter | None = None) -> Instance:
    """A master that was served at `AWAKE_S` again."""
    instance = master(configuration)
    instance.on_timer(AWAKE_S)
    return instance


def test_a_master_that_slept_for_too_long_says_nothing_and_keeps_its_addresses() -> None:
    instance = overslept()
    (moved,) = instance.actions()
    assert isinstance(moved, Transition)
    assert story([moved]) == [OVERSLEPT]
    assert moved.detail == "sent no advert for 10 s"
    assert instance.holds_addresses
    assert (instance.master_address, instance.master_priority) == (None, None)
    assert instance.deadline() == AWAKE_S + LISTENING_S


def test_a_nap_that_nobody_noticed_changes_nothing() -> None:
    instance = master()
    instance.on_timer(NOW_S + TOLERATED_S)
    assert story(instance.actions()) == ["advert 100"]


def test_a_master_that_hears_nobody_goes_on_and_announces_itself() -> None:
    instance = overslept()
    instance.actions()
    instance.on_timer(AWAKE_S + LISTENING_S)
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", "LISTENING > MASTER: nobody-heard"]


@pytest.mark.parametrize("priority", [50, 100, 200])
@pytest.mark.parametrize("timer_first", [True, False])
def test_a_master_that_was_replaced_yields_to_whoever_it_hears_first(priority: int, timer_first: bool) -> None:
    instance = overslept() if timer_first else master()
    instance.on_packet(heard(priority), AWAKE_S)
    instance.on_timer(AWAKE_S)
    assert story(instance.actions()) == [
        OVERSLEPT,
        "release",
        f"LISTENING > BACKUP: master-heard of {DIRECTOR_2} ({priority})",
    ]
    assert instance.deadline() == AWAKE_S + 3.609375


def test_a_preferred_master_takes_back_without_a_gap() -> None:
    instance = overslept()
    for second in (0.5, 1.5, 2.5, 3.5):
        instance.on_packet(heard(50), AWAKE_S + second)
    instance.actions()
    instance.on_timer(AWAKE_S + 0.5 + 3.609375)
    assert story(instance.actions())[:3] == ["hold", "announce 5", "advert 100"]


def test_a_farewell_is_no_master() -> None:
    instance = overslept()
    instance.on_packet(heard(0), AWAKE_S + 0.5)
    assert instance.state is State.LISTENING


def test_a_packet_that_is_refused_wakes_as_well() -> None:
    instance = master()
    instance.on_packet(b"", AWAKE_S)
    assert instance.state is State.LISTENING


@pytest.mark.parametrize(
    "event",
    [Reconfigured(router(priority=7)), AddressAnswered(DIRECTOR_2, bytes(6)), AnnounceAgain()],
)
def test_nothing_makes_a_master_speak_that_has_slept(event: Event) -> None:
    instance = master()
    instance.on_event(event, AWAKE_S)
    assert story(instance.actions()) == [OVERSLEPT]


def test_a_reload_brings_new_addresses_to_a_listener_but_no_word() -> None:
    instance = overslept()
    instance.actions()
    instance.on_event(Reconfigured(router(addresses=addresses(15, 16))), AWAKE_S + 0.5)
    assert story(instance.actions()) == ["hold"]
    assert instance.deadline() == AWAKE_S + LISTENING_S


@pytest.mark.parametrize(
    ("changes", "event", "actions"),
    [
        ({}, Shutdown(), ["advert 0", "LISTENING > RELINQUISHING: shutdown"]),
        ({}, Failover(), ["advert 0", "LISTENING > RELINQUISHING: failover"]),
        (
            {"hand_over": HandOver.BREAK_BEFORE_MAKE},
            Shutdown(),
            ["advert 0", "release", "LISTENING > INITIALIZE: shutdown"],
        ),
        ({"hand_over": HandOver.BREAK_BEFORE_MAKE}, Failover(), ["advert 0", "release", "LISTENING > BACKUP: failover"]),
        ({}, FaultRaised("cable"), ["advert 0", "release", "LISTENING > FAULT: interface-down"]),
        ({}, FollowGroup(State.BACKUP), ["release", "LISTENING > BACKUP: sync-group"]),
        ({}, FollowGroup(State.FAULT), ["advert 0", "release", "LISTENING > FAULT: sync-group"]),
    ],
)
def test_a_listener_can_go_elsewhere(changes: dict[str, Any], event: Event, actions: list[str]) -> None:
    instance = overslept(router(**changes))
    instance.actions()
    instance.on_event(event, AWAKE_S + 0.5)
    assert story(instance.actions()) == actions


@pytest.mark.parametrize(
    ("slept_s", "actions"),
    [
        (3.05, [OVERSLEPT]),
        (3 + 206 / 256, [OVERSLEPT]),
        (3.81, ["release", "MASTER > BACKUP: overslept"]),
    ],
)
def test_a_stalled_master_yields_unheard_to_a_router_that_must_have_taken_over(slept_s: float, actions: list[str]) -> None:
    instance = master(router(stalled_master_yields_to=50, preempt=False))
    instance.on_timer(NOW_S + slept_s)
    assert story(instance.actions()) == actions


# ---------------------------------------------------------------------------------------------------------------- backup


def test_a_backup_does_not_take_over_because_of_its_own_sleep() -> None:
    instance = started()
    instance.on_packet(heard(150), NOW_S + 1)
    instance.on_timer(AWAKE_S)
    assert story(instance.actions()) == ["notice OVERSLEPT"]
    assert instance.deadline() == AWAKE_S + LISTENING_S
    instance.on_packet(heard(150), AWAKE_S)  # it had waited in the socket
    assert instance.deadline() == AWAKE_S + 3.609375


def test_a_backup_whose_packets_come_first_does_not_even_listen() -> None:
    instance = started()
    instance.on_packet(heard(150), AWAKE_S)
    instance.on_timer(AWAKE_S)
    assert (instance.actions(), instance.deadline()) == ([], AWAKE_S + 3.609375)


def test_a_backup_that_heard_nobody_takes_over_even_if_it_is_late_again() -> None:
    instance = started()
    instance.on_timer(AWAKE_S)
    instance.actions()
    instance.on_timer(AWAKE_S + LISTENING_S + 5)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_a_backup_that_is_always_late_listens_each_time_that_a_master_was_heard() -> None:
    instance = started()
    for round_s in (100, 200):
        instance.on_packet(heard(150), NOW_S + round_s)
        instance.on_timer(NOW_S + round_s + 50)
        assert instance.state is State.BACKUP
    assert story(instance.actions()) == ["notice OVERSLEPT"], "told once for each master"


def test_a_listener_that_sleeps_again_listens_again_but_not_for_ever() -> None:
    instance = overslept()
    instance.actions()
    instance.on_timer(AWAKE_S + 60)
    assert story(instance.actions()) == ["notice OVERSLEPT"]
    instance.on_timer(AWAKE_S + 120)
    assert story(instance.actions())[-1] == "LISTENING > MASTER: nobody-heard"


# -------------------------------------------------------------------------------------------------------------- lateness


def test_each_deadline_that_is_served_is_measured() -> None:
    instance = master()
    for late_s in (0.0, 0.02, 7.0):
        deadline_s = instance.deadline()
        assert deadline_s is not None
        instance.on_timer(deadline_s + late_s)
    assert instance.lateness.count == 3
    assert instance.lateness.max_s == pytest.approx(7.0)


def test_a_timer_called_too_early_measures_nothing() -> None:
    instance = master()
    instance.on_timer(NOW_S)
    assert instance.lateness.count == 0
