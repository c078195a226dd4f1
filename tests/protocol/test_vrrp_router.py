"""All virtual routers of a host: who hears what, who is due when, and who leaves."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, addresses, heard, router, story
from vrrpd.config.model import HandOver, Tracker, Tracking, VirtualRouter
from vrrpd.protocol.actions import Action
from vrrpd.protocol.events import FaultCleared, FaultRaised, SourceChanged
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.states import State
from vrrpd.protocol.timers import LONGEST_SKEW_S, SUCCESSOR_GRACE_S
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import InstanceKey, VrrpRouter, key_of

DOWN_S = 3 + 156 / 256
"""Of the virtual router with priority 100."""


def host(*routers: VirtualRouter, resume_master: bool = False) -> VrrpRouter:
    """A host whose virtual routers have their source and were started at `NOW_S`; their first actions are drained."""
    here = VrrpRouter()
    for each in routers:
        here.add(each)
        here.tell(key_of(each), SourceChanged(DIRECTOR_1), NOW_S)
        here.start(key_of(each), NOW_S, resume_master=resume_master)
    here.actions()
    return here


def stories(here: VrrpRouter) -> dict[str, list[str]]:
    """What each virtual router wants done, in short."""
    found: dict[str, list[Action]] = {}
    for instance, action in here.actions():
        assert not isinstance(action, AnnounceAddresses)
        found.setdefault(instance.router.name, []).append(action)
    return {name: story(actions) for name, actions in found.items()}


def states(here: VrrpRouter) -> dict[str, State]:
    """Where each virtual router stands."""
    return {instance.router.name: instance.state for instance in here.instances.values()}


ONE, TWO = router(name="ONE"), router(name="TWO", virtual_router_id=51, priority=90)


def test_the_key_is_what_the_wire_tells() -> None:
    assert key_of(router(interface="eth1", virtual_router_id=7)) == InstanceKey("eth1", 4, 7)


def test_a_virtual_router_that_was_not_started_does_nothing() -> None:
    here = VrrpRouter()
    instance = here.add(ONE)
    here.tell(key_of(ONE), SourceChanged(DIRECTOR_1), NOW_S)
    here.on_packet("eth0", heard(200), NOW_S)
    assert here.actions() == []
    assert here.deadline() is None
    assert instance.state is State.INITIALIZE
    assert here.instances == {key_of(ONE): instance}


def test_two_of_one_key_are_refused() -> None:
    here = host(ONE)
    with pytest.raises(ValueError, match="virtual router 50 on eth0"):
        here.add(router(name="AGAIN"))


def test_each_is_due_in_its_turn() -> None:
    here = host(ONE, TWO)
    assert here.deadline() == NOW_S + DOWN_S
    here.on_timer(NOW_S + DOWN_S)
    assert states(here) == {"ONE": State.MASTER, "TWO": State.BACKUP}
    here.on_timer(NOW_S + 3 + 166 / 256)
    assert states(here) == {"ONE": State.MASTER, "TWO": State.MASTER}
    assert list(stories(here)) == ["ONE", "TWO"]
    assert here.deadline() == pytest.approx(NOW_S + DOWN_S + 1)


def test_how_late_a_deadline_was_served_is_remembered() -> None:
    here = host(ONE)
    here.on_timer(NOW_S + DOWN_S + 0.05)
    here.on_timer(NOW_S + DOWN_S + 1.05)
    assert here.lateness.max_s == pytest.approx(0.05)
    assert here.lateness.count == 2


def test_a_packet_is_for_the_virtual_router_whose_number_and_interface_it_has() -> None:
    elsewhere = router(name="ELSEWHERE", interface="eth1")
    here = host(ONE, TWO, elsewhere)
    here.on_packet("eth0", heard(200), NOW_S + 1)
    received = {instance.router.name: instance.counters.advertisements_received for instance in here.instances.values()}
    assert received == {"ONE": 1, "TWO": 0, "ELSEWHERE": 0}
    assert here.deadline() == NOW_S + DOWN_S  # of the one on the other interface
    assert here.unknown_virtual_router_ids == 0


@pytest.mark.parametrize("datagram", [b"", b"\x45", bytes(300), heard(200, virtual_router_id=52)])
def test_a_packet_for_nobody_is_counted(datagram: bytes) -> None:
    here = host(ONE)
    here.on_packet("eth0", datagram, NOW_S)
    here.on_packet("eth7", datagram, NOW_S)
    assert here.unknown_virtual_router_ids == 2
    assert here.actions() == []


def test_what_happens_is_told_to_the_one_it_is_meant_for() -> None:
    here = host(ONE, TWO)
    here.tell(key_of(ONE), FaultRaised("cable"), NOW_S)
    assert states(here) == {"ONE": State.FAULT, "TWO": State.BACKUP}
    here.tell(key_of(ONE), FaultCleared("cable"), NOW_S)
    assert states(here) == {"ONE": State.BACKUP, "TWO": State.BACKUP}
    here.tell(InstanceKey("eth0", 4, 99), FaultRaised("nobody"), NOW_S)


def test_a_reload_changes_one_without_a_flap() -> None:
    here = host(ONE, resume_master=True)
    here.reconfigure(key_of(ONE), router(name="ONE", priority=120), NOW_S + 0.5)
    assert stories(here) == {"ONE": ["advert 120"]}
    assert here.deadline() == NOW_S + 1.5


def leaving(**changes: Any) -> VrrpRouter:
    """A master that was dismissed at `NOW_S`."""
    here = host(router(name="ONE", **changes), resume_master=True)
    here.dismiss(key_of(ONE), NOW_S)
    return here


def test_a_master_that_is_dismissed_leaves_when_its_hand_over_is_done() -> None:
    here = leaving()
    assert not here.instances
    assert [leaver.state for leaver in here.leavers] == [State.RELINQUISHING]
    assert stories(here) == {"ONE": ["advert 0", "MASTER > RELINQUISHING: shutdown"]}
    here.on_packet("eth0", heard(50), NOW_S + 0.8)
    assert here.deadline() == NOW_S + 0.8 + SUCCESSOR_GRACE_S
    here.on_timer(NOW_S + 0.8 + SUCCESSOR_GRACE_S)
    assert stories(here) == {"ONE": ["release", f"RELINQUISHING > INITIALIZE: handed-over of {DIRECTOR_2} (50)"]}
    assert not here.leavers
    assert here.deadline() is None


def test_a_leaver_hears_of_faults() -> None:
    here = leaving()
    here.tell(key_of(ONE), FaultRaised("cable"), NOW_S + 0.1)
    assert not here.leavers


def test_who_has_nothing_to_hand_over_is_gone_at_once() -> None:
    assert not leaving(hand_over=HandOver.BREAK_BEFORE_MAKE).leavers
    here = host(ONE)
    here.dismiss(key_of(ONE), NOW_S)
    assert not here.leavers


def test_a_virtual_router_that_comes_back_while_it_leaves_is_a_new_one_and_both_hear_the_master() -> None:
    here = leaving()
    here.actions()
    again = here.add(ONE)
    here.tell(key_of(ONE), SourceChanged(DIRECTOR_1), NOW_S + 0.1)
    here.start(key_of(ONE), NOW_S + 0.1)
    here.on_packet("eth0", heard(200, IPv4Address("192.168.4.9")), NOW_S + 0.2)
    assert again.master_priority == 200
    assert [leaver.master_priority for leaver in here.leavers] == [200]
    here.dismiss(key_of(ONE), NOW_S + 0.21)  # the second hand-over ends at once: it never was master
    assert len(here.leavers) == 1
    here.on_timer(NOW_S + 0.2 + SUCCESSOR_GRACE_S)
    assert not here.leavers


def test_leavers_can_be_abandoned() -> None:
    here = leaving()
    here.actions()
    here.abandon_leavers()
    assert not here.leavers
    here.on_timer(NOW_S + LONGEST_SKEW_S + 1)
    assert here.actions() == []


def test_a_start_is_postponed_and_packets_are_thrown_away_meanwhile() -> None:
    here = VrrpRouter(starts_from_s=NOW_S + 10)
    here.add(ONE)
    here.tell(key_of(ONE), SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(ONE), NOW_S)
    here.on_packet("eth0", heard(200), NOW_S + 1)
    here.learn(Kind.INTERFACE, "eth0", False, NOW_S + 2)
    here.learn(Kind.INTERFACE, "eth0", True, NOW_S + 3)
    assert here.actions() == []
    assert here.deadline() == NOW_S + 10
    here.on_timer(NOW_S + 10)
    assert stories(here) == {"ONE": ["release", "INITIALIZE > BACKUP: startup"]}
    assert here.deadline() == NOW_S + 10 + DOWN_S
    here.add(TWO)
    here.tell(key_of(TWO), SourceChanged(DIRECTOR_1), NOW_S + 11)
    here.start(key_of(TWO), NOW_S + 11)  # a reload is no start of the daemon
    assert states(here) == {"ONE": State.BACKUP, "TWO": State.BACKUP}


def test_who_resumes_waits_for_no_start() -> None:
    here = VrrpRouter(starts_from_s=NOW_S + 10)
    here.add(ONE)
    here.tell(key_of(ONE), SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(ONE), NOW_S, resume_master=True)
    assert states(here) == {"ONE": State.MASTER}


def test_who_waits_for_its_start_can_be_dismissed() -> None:
    here = VrrpRouter(starts_from_s=NOW_S + 10)
    here.add(ONE)
    here.start(key_of(ONE), NOW_S)
    here.dismiss(key_of(ONE), NOW_S + 1)
    assert not here.leavers
    assert here.deadline() is None


def test_what_is_tracked_is_told_to_those_concerned_also_to_one_that_starts_later() -> None:
    scripted = router(name="SCRIPTED", virtual_router_id=52, tracking=Tracking(scripts=(Tracker("check", 30),)))
    here = host(ONE, scripted)
    assert states(here) == {"ONE": State.BACKUP, "SCRIPTED": State.BACKUP}
    here.learn(Kind.SCRIPT, "check", True, NOW_S)
    assert here.instances[key_of(scripted)].priority == 130
    for _ in range(2):
        here.learn(Kind.INTERFACE, "eth0", False, NOW_S)
    assert states(here) == {"ONE": State.FAULT, "SCRIPTED": State.FAULT}
    here.add(TWO)
    here.tell(key_of(TWO), SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(TWO), NOW_S)
    assert states(here)["TWO"] is State.FAULT
    here.learn(Kind.INTERFACE, "eth0", True, NOW_S)
    assert set(states(here).values()) == {State.BACKUP}


def test_a_reload_of_what_is_tracked_takes_effect_at_once() -> None:
    tracking = Tracking(interfaces=(Tracker("eth9"),))
    here = host(ONE)
    here.learn(Kind.INTERFACE, "eth9", False, NOW_S)
    assert states(here) == {"ONE": State.BACKUP}
    here.reconfigure(key_of(ONE), router(name="ONE", tracking=tracking), NOW_S)
    assert states(here) == {"ONE": State.FAULT}
    here.reconfigure(key_of(ONE), ONE, NOW_S)
    assert states(here) == {"ONE": State.BACKUP}


def test_a_leaver_whose_interface_fails_lets_go() -> None:
    here = leaving()
    here.learn(Kind.INTERFACE, "eth0", False, NOW_S + 0.1)
    assert not here.leavers


def test_the_operator_moves_a_master_away() -> None:
    here = host(ONE, resume_master=True)
    here.fail_over(key_of(ONE), NOW_S)
    assert states(here) == {"ONE": State.RELINQUISHING}


def test_announcements_wait_where_a_pace_is_set() -> None:
    here = VrrpRouter()
    here.pace(0.5, 0.0, ())
    many = router(name="MANY", addresses=addresses(15, 16, 17))
    here.add(many)
    here.tell(key_of(many), SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(many), NOW_S, resume_master=True)
    first, second, third = addresses(15, 16, 17)
    assert [action for _, action in here.actions()][2] == AnnounceAddresses((first,), 1)
    assert here.deadline() == NOW_S + 0.5
    here.on_timer(NOW_S + 0.5)
    assert [action for _, action in here.actions()] == [AnnounceAddresses((second,), 1)]
    here.on_timer(NOW_S + 1.0)
    assert AnnounceAddresses((third,), 1) in [action for _, action in here.actions()]
    here.tell(key_of(many), FaultRaised("cable"), NOW_S + 1.2)
    assert here.deadline() is None  # nothing more is announced of what is let go


def test_a_host_can_be_told_to_start_later() -> None:
    here = VrrpRouter()
    here.start_from(NOW_S + 10)
    instance = here.add(ONE)
    here.inform(instance, SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(ONE), NOW_S)
    assert (here.deadline(), states(here)) == (NOW_S + 10, {"ONE": State.INITIALIZE})
    here.on_timer(NOW_S + 10)
    assert states(here) == {"ONE": State.BACKUP}
