"""Virtual routers that change state together, as a host runs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.protocol.routers import DIRECTOR_1, NOW_S, heard, router, story
from vrrpd.config.model import SyncGroup, Tracker, Tracking, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol.actions import Transition
from vrrpd.protocol.events import AdjustmentChanged, FaultCleared, FaultRaised, SourceChanged
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.states import State
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import GroupTransition, VrrpRouter, key_of

OUTSIDE = router(name="OUTSIDE", virtual_router_id=50)
INSIDE = router(name="INSIDE", virtual_router_id=51, interface="eth1", priority=90)
DMZ = router(name="DMZ", virtual_router_id=52, interface="eth2", priority=80)
PEER = IPv4Address("192.168.4.6")
STEPS_MAX = 10_000


def sync_group(*members: VirtualRouter, name: str = "SIDES", tracking: Tracking | None = None) -> SyncGroup:
    return SyncGroup(name, tuple(member.name for member in members), Position("x", 1), tracking or Tracking())


def host(*routers: VirtualRouter, groups: tuple[SyncGroup, ...] | None = None, resume_master: bool = False) -> VrrpRouter:
    """A host whose virtual routers are all in one group, and were started at `NOW_S`; first actions are drained."""
    here = VrrpRouter()
    for each in routers:
        here.add(each)
    here.group((sync_group(*routers),) if groups is None else groups, NOW_S)
    for each in routers:
        begin(here, each, NOW_S, resume_master=resume_master)
    return here


def begin(here: VrrpRouter, each: VirtualRouter, now_s: float, *, resume_master: bool = False) -> None:
    here.tell(key_of(each), SourceChanged(DIRECTOR_1), now_s)
    here.start(key_of(each), now_s, resume_master=resume_master)


def states(here: VrrpRouter) -> list[State]:
    return [instance.state for instance in here.instances.values()]


def told(here: VrrpRouter) -> list[tuple[str, str]]:
    """Who wants what done, in short."""
    found = []
    for instance, action in here.actions():
        assert not isinstance(action, AnnounceAddresses)
        found.append((instance.router.name, story([action])[0]))
    return found


def run(here: VrrpRouter, until_s: float) -> None:
    """Serve every deadline at its time."""
    for _ in range(STEPS_MAX):
        due_s = here.deadline()
        if due_s is None or due_s > until_s:
            return
        here.on_timer(due_s)
    raise AssertionError("it is never done")


def moved(here: VrrpRouter) -> Iterator[tuple[str, State]]:
    return ((instance.router.name, action.new) for instance, action in here.actions() if isinstance(action, Transition))


def settled(*routers: VirtualRouter) -> VrrpRouter:
    """A host that has become master, alone on its links."""
    here = host(*routers)
    run(here, NOW_S + 10)
    assert set(states(here)) == {State.MASTER}
    here.actions()
    here.group_transitions()
    return here


def test_a_member_that_wants_to_be_master_waits_for_the_others_and_the_last_one_goes_first() -> None:
    here = host(OUTSIDE, INSIDE, DMZ)
    here.actions()
    assert here.group_transitions() == [GroupTransition("SIDES", State.INITIALIZE, State.BACKUP)]
    run(here, NOW_S + 3 + 175 / 256)
    assert states(here) == [State.BACKUP] * 3
    assert list(moved(here)) == []
    run(here, NOW_S + 3 + 176 / 256)
    assert states(here) == [State.MASTER] * 3
    transitions = [
        (instance.router.name, action.cause.value) for instance, action in here.actions() if isinstance(action, Transition)
    ]
    assert transitions == [("DMZ", "master-timeout"), ("OUTSIDE", "sync-group"), ("INSIDE", "sync-group")]
    assert here.group_transitions() == [GroupTransition("SIDES", State.BACKUP, State.MASTER)]


def test_while_one_hears_a_master_none_becomes_master() -> None:
    here = host(OUTSIDE, INSIDE)
    for second in range(20):
        run(here, NOW_S + second)
        here.on_packet("eth1", heard(200, PEER, virtual_router_id=51), NOW_S + second)
    assert states(here) == [State.BACKUP] * 2
    run(here, NOW_S + 40)
    assert states(here) == [State.MASTER] * 2


def test_a_wish_is_over_when_a_master_was_heard() -> None:
    here = host(OUTSIDE, INSIDE)
    here.on_packet("eth1", heard(200, PEER, virtual_router_id=51), NOW_S + 3)
    run(here, NOW_S + 4)
    outside = here.instances[key_of(OUTSIDE)]
    assert outside.wants_master
    here.on_packet("eth0", heard(200, PEER), NOW_S + 4.5)
    assert not outside.wants_master
    run(here, NOW_S + 3 + DOWN_INSIDE_S)  # the other wants it now, and the first no more
    assert states(here) == [State.BACKUP] * 2


DOWN_INSIDE_S = 3 + 166 / 256


def test_one_that_finds_a_better_master_takes_all_to_backup_and_none_says_farewell() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.on_packet("eth0", heard(200, PEER), NOW_S + 10.1)
    assert states(here) == [State.BACKUP] * 2
    words = told(here)
    assert ("INSIDE", "MASTER > BACKUP: sync-group") in words
    assert not [word for _, word in words if word == "advert 0"]
    assert here.group_transitions() == [GroupTransition("SIDES", State.MASTER, State.BACKUP)]


def test_one_fault_takes_all_to_fault_with_farewells_until_none_has_one() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.tell(key_of(OUTSIDE), FaultRaised("cable"), NOW_S + 10.1)
    assert states(here) == [State.FAULT] * 2
    assert [name for name, word in told(here) if word == "advert 0"] == ["OUTSIDE", "INSIDE"]
    here.tell(key_of(INSIDE), FaultRaised("script"), NOW_S + 10.2)
    here.tell(key_of(OUTSIDE), FaultCleared("cable"), NOW_S + 10.3)
    assert states(here) == [State.FAULT] * 2
    here.tell(key_of(INSIDE), FaultCleared("script"), NOW_S + 10.4)
    assert states(here) == [State.BACKUP] * 2
    assert [change.new for change in here.group_transitions()] == [State.FAULT, State.BACKUP]
    run(here, NOW_S + 20)
    assert states(here) == [State.MASTER] * 2


def test_one_that_starts_with_a_fault_holds_the_others_back() -> None:
    here = VrrpRouter()
    for each in (OUTSIDE, INSIDE):
        here.add(each)
    here.group((sync_group(OUTSIDE, INSIDE),), NOW_S)
    here.start(key_of(OUTSIDE), NOW_S)  # it has no source
    begin(here, INSIDE, NOW_S)
    assert states(here) == [State.FAULT] * 2
    here.tell(key_of(OUTSIDE), SourceChanged(DIRECTOR_1), NOW_S + 1)
    assert states(here) == [State.BACKUP] * 2


def test_an_owner_waits_for_a_member_that_owns_nothing() -> None:
    here = host(replace(OUTSIDE, priority=255), INSIDE)
    assert states(here) == [State.BACKUP] * 2
    run(here, NOW_S + 5)
    assert states(here) == [State.MASTER] * 2


def test_a_crash_of_masters_resumes_them_all() -> None:
    here = host(OUTSIDE, INSIDE, resume_master=True)
    assert list(moved(here)) == [("OUTSIDE", State.MASTER), ("INSIDE", State.MASTER)]
    assert here.groups["SIDES"].state is State.MASTER


def test_a_lesser_master_on_one_side_makes_all_sides_announce() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.on_packet("eth0", heard(10, PEER), NOW_S + 10.1)
    assert {name for name, word in told(here) if word == "announce 5"} == {"OUTSIDE", "INSIDE"}
    alone = host(OUTSIDE, groups=(), resume_master=True)
    alone.actions()
    alone.on_packet("eth0", heard(10, PEER), NOW_S + 0.1)
    assert [name for name, word in told(alone) if word == "announce 5"] == ["OUTSIDE"]


def test_a_failover_moves_all_of_them_and_one_successor_is_enough() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.fail_over(key_of(INSIDE), NOW_S + 10.1)
    assert states(here) == [State.RELINQUISHING] * 2
    assert here.groups["SIDES"].state is State.MASTER
    here.on_packet("eth0", heard(10, PEER), NOW_S + 10.5)
    here.on_packet("eth1", heard(10, PEER, virtual_router_id=51), NOW_S + 10.6)
    run(here, NOW_S + 11)
    assert states(here) == [State.BACKUP] * 2


def test_after_a_failover_to_nobody_on_one_side_all_are_backups_again() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.fail_over(key_of(INSIDE), NOW_S + 10.1)
    for tenths in range(5, 30):
        run(here, NOW_S + 10 + tenths / 10)
        here.on_packet("eth0", heard(10, PEER), NOW_S + 10 + tenths / 10)
    assert states(here) == [State.BACKUP] * 2


def test_all_that_slept_listen_and_go_on_together() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.on_timer(NOW_S + 15)
    assert states(here) == [State.LISTENING] * 2
    run(here, NOW_S + 17)
    assert states(here) == [State.MASTER] * 2
    assert not here.group_transitions()


def test_what_the_group_tracks_is_tracked_by_all_members() -> None:
    group = sync_group(OUTSIDE, INSIDE, tracking=Tracking(interfaces=(Tracker("eth9"),)))
    here = host(OUTSIDE, INSIDE, DMZ, groups=(group,))
    here.learn(Kind.INTERFACE, "eth9", False, NOW_S)
    assert states(here) == [State.FAULT, State.FAULT, State.BACKUP]
    here.learn(Kind.INTERFACE, "eth9", True, NOW_S)
    assert states(here) == [State.BACKUP] * 3


# -- reloads ------------------------------------------------------------------------------------------------------------


def test_a_reload_of_the_same_groups_is_not_noticed() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.group((sync_group(OUTSIDE, INSIDE),), NOW_S + 10.1)
    assert not here.actions()
    assert not here.group_transitions()


def test_masters_are_put_together_and_taken_apart_without_a_flap() -> None:
    here = host(OUTSIDE, INSIDE, groups=(), resume_master=True)
    here.actions()
    here.group((sync_group(OUTSIDE, INSIDE),), NOW_S + 0.1)
    assert not here.actions()
    assert here.group_transitions() == [GroupTransition("SIDES", State.INITIALIZE, State.MASTER)]
    here.group((), NOW_S + 0.2)
    assert not here.actions()
    assert not here.groups
    here.on_packet("eth0", heard(200, PEER), NOW_S + 0.3)
    assert states(here) == [State.BACKUP, State.MASTER]


def test_one_that_comes_to_masters_becomes_master_when_its_time_comes() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.add(DMZ)
    here.group((sync_group(OUTSIDE, INSIDE, DMZ),), NOW_S + 10.1)
    begin(here, DMZ, NOW_S + 10.1)
    assert states(here) == [State.MASTER, State.MASTER, State.BACKUP]
    run(here, NOW_S + 14)
    assert states(here) == [State.MASTER] * 3
    assert [change for change in moved(here) if change[0] != "DMZ"] == []


@pytest.mark.parametrize(("priority", "preempt", "after"), [(200, True, State.BACKUP), (10, False, State.BACKUP)])
def test_one_that_comes_to_masters_and_finds_one_that_it_lets_live_takes_them_along(
    priority: int, preempt: bool, after: State
) -> None:
    here = settled(OUTSIDE, INSIDE)
    coming = replace(DMZ, preempt=preempt)
    here.add(coming)
    here.group((sync_group(OUTSIDE, INSIDE, coming),), NOW_S + 10.1)
    begin(here, coming, NOW_S + 10.1)
    here.on_packet("eth2", heard(priority, PEER, virtual_router_id=52), NOW_S + 10.2)
    assert states(here) == [after] * 3


def test_one_that_comes_to_masters_and_finds_a_lesser_one_preempts_it() -> None:
    here = settled(OUTSIDE, INSIDE)
    here.add(DMZ)
    here.group((sync_group(OUTSIDE, INSIDE, DMZ),), NOW_S + 10.1)
    begin(here, DMZ, NOW_S + 10.1)
    here.on_packet("eth2", heard(10, PEER, virtual_router_id=52), NOW_S + 10.2)
    assert states(here)[:2] == [State.MASTER] * 2
    run(here, NOW_S + 14)
    assert states(here) == [State.MASTER] * 3


def test_one_that_leaves_a_group_in_fault_is_free() -> None:
    here = host(OUTSIDE, INSIDE, DMZ)
    here.tell(key_of(OUTSIDE), FaultRaised("cable"), NOW_S + 1)
    here.group((sync_group(OUTSIDE, INSIDE),), NOW_S + 2)
    assert states(here) == [State.FAULT, State.FAULT, State.BACKUP]
    run(here, NOW_S + 10)
    assert states(here)[2] is State.MASTER


def test_one_that_is_removed_leaves_the_others_as_they_are() -> None:
    here = settled(OUTSIDE, INSIDE, DMZ)
    here.dismiss(key_of(DMZ), NOW_S + 10.1)
    assert states(here) == [State.MASTER] * 2
    here.dismiss(key_of(OUTSIDE), NOW_S + 10.2)
    here.dismiss(key_of(INSIDE), NOW_S + 10.2)
    assert [change.new for change in here.group_transitions()] == [State.INITIALIZE]


def test_one_goes_from_a_group_to_another() -> None:
    others = router(name="OTHER", virtual_router_id=60, interface="eth3")
    here = host(OUTSIDE, INSIDE, DMZ, others, groups=(sync_group(OUTSIDE, INSIDE), sync_group(DMZ, others, name="MORE")))
    here.group((sync_group(OUTSIDE), sync_group(INSIDE, DMZ, others, name="MORE")), NOW_S + 1)
    assert [instance.in_group for instance in here.instances.values()] == [True] * 4
    here.tell(key_of(DMZ), FaultRaised("cable"), NOW_S + 2)
    assert states(here) == [State.BACKUP, State.FAULT, State.FAULT, State.FAULT]


def test_a_priority_that_tracking_changes_stays_one_s_own() -> None:
    here = host(OUTSIDE, INSIDE)
    here.tell(key_of(OUTSIDE), AdjustmentChanged("script", -50), NOW_S)
    assert [instance.priority for instance in here.instances.values()] == [50, 90]
