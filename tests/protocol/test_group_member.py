"""A virtual router in a sync group: it says what it wants, and does what the group does."""

from __future__ import annotations

import pytest

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, heard, router, story
from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.events import (
    BecomeMaster,
    ClockSet,
    FaultCleared,
    FaultRaised,
    FollowGroup,
    Shutdown,
    SourceChanged,
    Start,
)
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State

MASTER_DOWN_S = 3.609375


def member(configuration: VirtualRouter | None = None) -> Instance:
    """A backup in a group, started at `NOW_S`."""
    instance = Instance(configuration or router())
    instance.in_group = True
    instance.on_event(SourceChanged(DIRECTOR_1), NOW_S)
    instance.on_event(Start(), NOW_S)
    instance.actions()
    return instance


def group_master() -> Instance:
    instance = member()
    instance.on_event(BecomeMaster(Cause.SYNC_GROUP), NOW_S)
    instance.actions()
    return instance


def test_a_member_says_that_it_would_be_master_and_waits_anew() -> None:
    instance = member()
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    assert story(instance.actions()) == ["wants: master-timeout"]
    assert (instance.state, instance.wants_master) == (State.BACKUP, True)
    assert instance.deadline() == NOW_S + 2 * MASTER_DOWN_S
    instance.on_timer(NOW_S + 2 * MASTER_DOWN_S)
    assert story(instance.actions()) == ["wants: master-timeout"]


@pytest.mark.parametrize("priority", [0, 100, 200])
def test_a_member_that_hears_a_master_or_the_end_of_one_wants_no_more(priority: int) -> None:
    instance = member()
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    instance.on_packet(heard(priority), NOW_S + 4)
    assert not instance.wants_master


def test_the_last_that_wanted_becomes_master_for_its_own_reason() -> None:
    instance = member()
    instance.on_packet(heard(0), NOW_S + 1)
    instance.on_timer(NOW_S + 1.609375)
    assert story(instance.actions()) == ["wants: priority-zero"]
    instance.on_event(BecomeMaster(Cause.PRIORITY_ZERO), NOW_S + 1.609375)
    told = f"BACKUP > MASTER: priority-zero of {DIRECTOR_2} (0)"
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", told]
    assert not instance.wants_master


def test_the_others_become_master_because_of_the_group() -> None:
    instance = member()
    instance.on_event(BecomeMaster(Cause.SYNC_GROUP), NOW_S + 1)
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", "BACKUP > MASTER: sync-group"]


def test_a_member_whose_living_master_is_preempted_announces_before_it_speaks() -> None:
    instance = member()
    instance.on_packet(heard(50), NOW_S + 1)
    instance.actions()
    instance.on_event(BecomeMaster(Cause.SYNC_GROUP), NOW_S + 1.5)
    assert story(instance.actions()) == ["hold", "announce 5", "advert 100", "BACKUP > MASTER: sync-group"]


def test_only_a_backup_becomes_master() -> None:
    instance = group_master()
    instance.on_event(BecomeMaster(Cause.SYNC_GROUP), NOW_S + 0.5)
    assert instance.actions() == []


def test_a_member_goes_back_with_its_group_without_a_word() -> None:
    instance = group_master()
    instance.on_event(FollowGroup(State.BACKUP), NOW_S + 0.5)
    assert story(instance.actions()) == ["release", "MASTER > BACKUP: sync-group"]
    assert instance.deadline() == NOW_S + 0.5 + MASTER_DOWN_S


def test_a_member_goes_to_fault_with_its_group_and_says_farewell() -> None:
    instance = group_master()
    instance.on_event(FollowGroup(State.FAULT), NOW_S + 0.5)
    assert story(instance.actions()) == ["advert 0", "release", "MASTER > FAULT: sync-group"]
    assert not instance.has_own_fault


def test_a_member_comes_back_with_its_group_unless_it_has_a_fault_of_its_own() -> None:
    instance = member()
    instance.on_event(FollowGroup(State.FAULT), NOW_S + 1)
    instance.on_event(FaultRaised("cable"), NOW_S + 2)
    assert instance.has_own_fault
    instance.actions()
    instance.on_event(FollowGroup(State.BACKUP), NOW_S + 3)
    assert (instance.state, instance.actions()) == (State.FAULT, [])
    instance.on_event(FaultCleared("cable"), NOW_S + 4)
    assert story(instance.actions()) == ["FAULT > BACKUP: interface-up"]
    assert not instance.has_own_fault


def test_a_member_s_own_recovery_is_for_the_group_to_decide() -> None:
    instance = member()
    instance.on_event(FaultRaised("cable"), NOW_S + 1)
    instance.on_event(FollowGroup(State.FAULT), NOW_S + 1)
    instance.on_event(FaultCleared("cable"), NOW_S + 2)
    assert (instance.state, instance.has_own_fault) == (State.FAULT, False)
    instance.actions()
    instance.on_event(FollowGroup(State.BACKUP), NOW_S + 2)
    assert story(instance.actions()) == ["FAULT > BACKUP: sync-group"]


def test_a_backup_that_is_told_to_be_one_is_one() -> None:
    instance = member()
    instance.on_event(FollowGroup(State.BACKUP), NOW_S + 1)
    assert (instance.actions(), instance.deadline()) == ([], NOW_S + MASTER_DOWN_S)


def test_without_a_source_a_member_has_a_fault_of_its_own() -> None:
    assert Instance(router()).has_own_fault


def test_a_group_s_fault_ends_a_hand_over() -> None:
    instance = group_master()
    instance.on_event(Shutdown(), NOW_S + 0.5)
    instance.on_event(FollowGroup(State.FAULT), NOW_S + 0.6)
    assert instance.state is State.INITIALIZE


def test_a_member_that_starts_while_its_group_is_in_fault_says_so() -> None:
    instance = Instance(router())
    instance.on_event(SourceChanged(DIRECTOR_1), NOW_S)
    instance.on_event(FollowGroup(State.FAULT), NOW_S)
    instance.on_event(Start(), NOW_S)
    assert story(instance.actions()) == ["release", "INITIALIZE > FAULT: sync-group"]


def test_an_owner_in_a_group_asks_after_one_interval() -> None:
    instance = member(router(priority=255))
    assert (instance.state, instance.deadline()) == (State.BACKUP, NOW_S + 1 + 1 / 256)


def test_the_time_of_day_changes_nothing_that_has_no_hash() -> None:
    instance = member()
    instance.on_event(ClockSet(1.7e9), NOW_S + 1)
    assert (instance.actions(), instance.deadline()) == ([], NOW_S + MASTER_DOWN_S)
