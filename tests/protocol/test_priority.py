"""Priorities that change: by what is tracked, and between two owners."""

from __future__ import annotations

import pytest

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, heard, master, router, started, story
from vrrpd.protocol.events import AdjustmentChanged, FaultRaised, Reconfigured, Shutdown
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.priority import OwnPriority
from vrrpd.protocol.states import State

LOWER_ADDRESS, HIGHER_ADDRESS = DIRECTOR_1 - 1, DIRECTOR_2


def test_adjustments_are_kept_by_name() -> None:
    own = OwnPriority(100)
    for name, adjustment, expected in (
        ("a", 10, 110),
        ("b", -30, 80),
        ("a", 20, 90),
        ("a", 0, 70),
        ("c", 0, 70),
        ("b", 0, 100),
    ):
        own.adjust(name, adjustment)
        assert own.value == expected


def test_a_reload_keeps_what_is_added() -> None:
    own = OwnPriority(100)
    own.adjust("a", -10)
    own.rebase(200)
    assert own.value == 190


def test_an_owner_is_one_unless_it_does_penance() -> None:
    own = OwnPriority(255)
    own.adjust("a", -10)
    assert own.is_owner
    own.do_penance(begins=True)
    assert (own.value, own.is_owner) == (254, False)
    own.do_penance(begins=False)
    assert own.is_owner


def test_penance_is_nothing_to_who_owns_nothing() -> None:
    own = OwnPriority(100)
    own.do_penance(begins=True)
    assert own.value == 100


# ------------------------------------------------------------------------------------------------------------ an instance


@pytest.mark.parametrize(("adjustment", "skew_s"), [(50, 106 / 256), (-50, 206 / 256)])
def test_a_backup_waits_by_the_skew_of_its_changed_priority(adjustment: int, skew_s: float) -> None:
    instance = started()
    instance.on_event(AdjustmentChanged("script", adjustment), NOW_S + 1)
    assert story(instance.actions()) == [f"priority 100 > {100 + adjustment}"]
    assert instance.deadline() == NOW_S + 3 + skew_s


def test_a_master_says_its_changed_priority_with_its_next_advert_and_stays() -> None:
    instance = master()
    instance.on_event(AdjustmentChanged("script", -90), NOW_S + 0.5)
    assert (story(instance.actions()), instance.deadline()) == (["priority 100 > 10"], NOW_S + 1)
    instance.on_timer(NOW_S + 1)
    assert story(instance.actions()) == ["advert 10"]
    instance.on_packet(heard(11), NOW_S + 1.1)
    assert instance.state is State.BACKUP


def test_what_changes_nothing_is_not_told() -> None:
    instance = started(router(priority=254))
    instance.on_event(AdjustmentChanged("script", 50), NOW_S + 1)
    assert (instance.priority, instance.actions()) == (254, [])


def test_an_owner_is_not_adjusted() -> None:
    instance = master(router(priority=255))
    instance.on_event(AdjustmentChanged("script", -100), NOW_S + 0.5)
    assert (instance.priority, instance.actions()) == (255, [])


def test_a_reload_changes_the_base_beneath_the_adjustments() -> None:
    instance = started()
    instance.on_event(AdjustmentChanged("script", -50), NOW_S)
    instance.on_event(Reconfigured(router(priority=178)), NOW_S + 1)
    assert (instance.priority, instance.deadline()) == (128, NOW_S + 3.5)


# ------------------------------------------------------------------------------------------------------------- two owners


def owner() -> Instance:
    return master(router(priority=255))


def test_an_owner_stays_before_another_one_of_a_lower_address() -> None:
    instance = owner()
    for number in range(1, 6):
        instance.on_packet(heard(255, LOWER_ADDRESS), NOW_S + number / 10)
    assert (instance.state, instance.priority) == (State.MASTER, 255)


def test_an_owner_gives_way_to_another_one_of_a_higher_address_but_not_to_a_single_packet() -> None:
    instance = owner()
    instance.on_packet(heard(255, HIGHER_ADDRESS), NOW_S + 0.5)
    assert story(instance.actions()) == ["lower 255", "notice LOWER_PRIORITY_MASTER", "advert 255", "announce 5"]
    instance.on_packet(heard(255, HIGHER_ADDRESS), NOW_S + 1.4)
    assert story(instance.actions()) == [
        f"alarm TWO_MASTERS of {HIGHER_ADDRESS}",
        "priority 255 > 254",
        "advert 254",
        "release",
        f"MASTER > BACKUP: higher-priority-master of {HIGHER_ADDRESS} (255)",
    ]


def penitent() -> Instance:
    """An owner that gave way to another one at `NOW_S` + 0.6."""
    instance = owner()
    for late_s in (0.5, 0.6):
        instance.on_packet(heard(255, HIGHER_ADDRESS), NOW_S + late_s)
    instance.actions()
    return instance


def test_an_owner_has_its_priority_back_after_a_while_and_the_other_one_stays() -> None:
    instance = penitent()
    for second in range(1, 61):
        instance.on_packet(heard(255, HIGHER_ADDRESS), NOW_S + second)
    assert instance.deadline() == NOW_S + 60.6
    instance.on_timer(NOW_S + 60.6)
    assert story(instance.actions()) == ["priority 254 > 255"]
    assert instance.deadline() == NOW_S + 60 + 3 + 1 / 256
    instance.on_packet(heard(255, HIGHER_ADDRESS), NOW_S + 61)
    assert instance.state is State.BACKUP


def test_an_owner_that_is_master_again_meanwhile_has_its_priority_back_all_the_same() -> None:
    instance = penitent()
    instance.on_timer(NOW_S + 0.6 + 3 + 2 / 256)
    assert instance.state is State.MASTER
    while instance.priority == 254:
        deadline_s = instance.deadline()
        assert deadline_s is not None
        instance.on_timer(deadline_s)
    assert deadline_s == NOW_S + 60.6
    assert story(instance.actions())[-1] == "priority 254 > 255"


@pytest.mark.parametrize("event", [FaultRaised("cable"), Shutdown()])
def test_an_owner_that_does_not_take_part_any_more_has_nothing_to_repent(event: FaultRaised | Shutdown) -> None:
    instance = penitent()
    instance.on_event(event, NOW_S + 2)
    assert (instance.priority, instance.deadline()) == (255, None)
