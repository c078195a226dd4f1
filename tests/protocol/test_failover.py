"""An operator who wants another master gets one, and keeps it."""

from __future__ import annotations

import pytest

from tests.protocol.routers import DIRECTOR_2, NOW_S, heard, master, router, started, story
from tests.protocol.segment import Segment
from vrrpd.config.model import HandOver
from vrrpd.protocol.events import Event, Failover, FaultCleared, FaultRaised, Shutdown
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State


def failing_over() -> Instance:
    """A master that was told to hand over at `NOW_S` + 0.5."""
    instance = master()
    instance.on_event(Failover(), NOW_S + 0.5)
    assert story(instance.actions()) == ["advert 0", "MASTER > RELINQUISHING: failover"]
    return instance


def test_a_master_hands_over_and_stays_as_backup() -> None:
    instance = failing_over()
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_timer(NOW_S + 1.05)
    assert story(instance.actions()) == ["release", f"RELINQUISHING > BACKUP: handed-over of {DIRECTOR_2} (50)"]
    assert instance.master_address == DIRECTOR_2


def test_a_master_that_nobody_follows_goes_on() -> None:
    instance = failing_over()
    instance.on_timer(NOW_S + 1.55)
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", "RELINQUISHING > MASTER: no-successor"]


def test_it_leaves_the_router_that_took_over_alone_until_that_one_is_gone() -> None:
    instance = failing_over()
    for second in range(1, 100):
        instance.on_packet(heard(50), NOW_S + second)
        instance.on_timer(NOW_S + second + 0.05)
    assert instance.state is State.BACKUP
    instance.actions()
    instance.on_timer(NOW_S + 99 + 3.609375)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_who_was_master_since_preempts_again() -> None:
    instance = failing_over()
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_timer(NOW_S + 1.05)
    instance.on_packet(heard(0), NOW_S + 2)
    instance.on_timer(NOW_S + 2.609375)
    instance.on_packet(heard(200), NOW_S + 2.7)
    instance.actions()
    instance.on_packet(heard(50), NOW_S + 3)
    assert story(instance.actions()) == ["notice LOWER_PRIORITY_DISCARDED"]


def test_between_two_hosts_the_master_can_be_sent_to_and_fro() -> None:
    segment = Segment(router(priority=100), router(priority=50))
    one, two = segment.hosts
    segment.start()
    segment.run(6.0)
    for master_before, master_after in ((one, two), (two, one), (one, two)):
        assert segment.masters() == [master_before]
        segment.tell(master_before, Failover())
        for _ in range(100):
            segment.run(0.1)
            assert any(host.holds for host in segment.hosts)
        assert segment.masters() == [master_after]


@pytest.mark.parametrize(("event", "end"), [(FaultRaised("cable"), State.FAULT), (Shutdown(), State.RELINQUISHING)])
def test_a_failover_can_be_overtaken(event: Event, end: State) -> None:
    instance = failing_over()
    instance.on_event(event, NOW_S + 0.7)
    assert instance.state is end


def test_a_failover_that_became_a_stop_ends() -> None:
    instance = failing_over()
    instance.on_event(Shutdown(), NOW_S + 0.7)
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_timer(NOW_S + 1.05)
    assert story(instance.actions()) == ["release", f"RELINQUISHING > INITIALIZE: handed-over of {DIRECTOR_2} (50)"]


def test_a_stop_does_not_become_a_failover() -> None:
    instance = master()
    instance.on_event(Shutdown(), NOW_S + 0.5)
    instance.on_event(Failover(), NOW_S + 0.6)
    instance.on_timer(NOW_S + 1.55)
    assert instance.state is State.INITIALIZE


def test_a_fault_ends_a_failover_and_its_end_begins_a_backup_that_still_defers() -> None:
    instance = failing_over()
    instance.on_event(FaultRaised("cable"), NOW_S + 0.7)
    assert story(instance.actions()) == ["release", "RELINQUISHING > FAULT: interface-down"]
    instance.on_event(FaultCleared("cable"), NOW_S + 2)
    instance.on_packet(heard(50), NOW_S + 3)
    assert instance.deadline() == NOW_S + 3 + 3.609375


def test_a_master_that_breaks_before_another_makes_is_a_backup_at_once() -> None:
    instance = master(router(hand_over=HandOver.BREAK_BEFORE_MAKE))
    instance.on_event(Failover(), NOW_S + 0.5)
    assert story(instance.actions()) == ["advert 0", "release", "MASTER > BACKUP: failover"]
    instance.on_packet(heard(50), NOW_S + 1.3)
    assert instance.deadline() == NOW_S + 1.3 + 3.609375


def test_only_a_master_can_fail_over() -> None:
    instance = started()
    instance.on_event(Failover(), NOW_S + 1)
    instance.on_packet(heard(50), NOW_S + 1)
    assert story(instance.actions()) == ["notice LOWER_PRIORITY_DISCARDED"]
