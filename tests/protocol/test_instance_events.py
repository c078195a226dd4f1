"""One virtual router and its own host: start, faults, source address, reload, shutdown."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.protocol import routers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, addresses, heard, master, router, started, story
from vrrpd.config.model import Announcements, Authentication, HandOver, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol.actions import SendAdvert
from vrrpd.protocol.events import Event, FaultCleared, FaultRaised, Reconfigured, Shutdown, SourceChanged, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import IllegalTransitionError, State
from vrrpd.protocol.wire import Heard, Wire

MASTER_DOWN_S = 3.609375
CARRIER = "interface down"


def after(*events: Event, configuration: VirtualRouter | None = None) -> tuple[Instance, list[str]]:
    """An instance after some events at `NOW_S`, and what it wanted done for the last of them."""
    instance = Instance(configuration or router())
    for event in events:
        instance.actions()
        instance.on_event(event, NOW_S)
    return instance, story(instance.actions())


def said(instance: Instance) -> list[Heard]:
    """The adverts among the actions, as a peer with the same configuration reads them."""
    peer = Wire(instance.router)
    read = [peer.read(action.datagrams[0].octets, 0.0) for action in instance.actions() if isinstance(action, SendAdvert)]
    return [each for each in read if isinstance(each, Heard)]


SOURCE = SourceChanged(DIRECTOR_1)

# ----------------------------------------------------------------------------------------------------------------- start


@pytest.mark.parametrize("starts_as_master", [False, True])
def test_a_router_starts_as_backup_and_waits_even_with_state_master(starts_as_master: bool) -> None:
    instance, actions = after(SOURCE, Start(), configuration=router(starts_as_master=starts_as_master))
    assert actions == ["release", "INITIALIZE > BACKUP: startup"]
    assert instance.deadline() == NOW_S + MASTER_DOWN_S
    assert instance.last_transition_s == NOW_S


def test_the_owner_of_the_addresses_starts_as_master() -> None:
    instance, actions = after(SOURCE, Start(), configuration=router(priority=255))
    assert actions == ["advert 255", "hold", "announce 5", "INITIALIZE > MASTER: startup"]
    assert instance.deadline() == NOW_S + 1


@pytest.mark.parametrize("priority", [100, 255])
def test_a_restarted_master_goes_on_without_letting_go_and_announces_once(priority: int) -> None:
    configuration = router(priority=priority)
    instance, actions = after(SOURCE, Start(resume_master=True), configuration=configuration)
    assert actions == [f"advert {priority}", "hold", "announce 5", "INITIALIZE > MASTER: resumed"]
    instance.on_timer(NOW_S + 1)
    assert story(instance.actions()) == [f"advert {priority}"]
    assert instance.deadline() == NOW_S + 2, "no second set"


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        ((), "no-primary-ip-address"),
        ((SOURCE, FaultRaised(CARRIER)), "interface-down"),
        ((FaultRaised(CARRIER),), "interface-down"),
    ],
)
@pytest.mark.parametrize("start", [Start(), Start(resume_master=True)])
def test_a_router_that_cannot_work_starts_in_fault(before: tuple[Event, ...], cause: str, start: Start) -> None:
    instance, actions = after(*before, start)
    assert actions == ["release", f"INITIALIZE > FAULT: {cause}"]
    assert instance.deadline() is None


def test_a_second_start_is_a_programming_error_and_changes_nothing() -> None:
    instance = master()
    with pytest.raises(IllegalTransitionError):
        instance.on_event(Start(), NOW_S + 1)
    assert (instance.state, instance.deadline(), instance.actions()) == (State.MASTER, NOW_S + 1, [])


# ---------------------------------------------------------------------------------------------------------------- faults


def test_a_master_whose_interface_fails_gives_up_first() -> None:
    instance = master()
    instance.on_event(FaultRaised(CARRIER), NOW_S + 1)
    assert story(instance.actions()) == ["advert 0", "release", "MASTER > FAULT: interface-down"]
    assert (instance.deadline(), instance.master_address, instance.master_priority) == (None, None, None)
    assert (instance.counters.priority_zero_sent, instance.counters.released_master) == (1, 1)


def test_a_master_that_lost_its_source_has_nobody_to_give_up_as() -> None:
    instance = master()
    instance.on_event(SourceChanged(None), NOW_S + 1)
    assert story(instance.actions()) == ["release", "MASTER > FAULT: no-primary-ip-address"]
    assert (instance.counters.priority_zero_sent, instance.counters.released_master) == (0, 1)


def test_a_backup_in_fault_is_silent_and_deaf() -> None:
    instance = started()
    instance.on_event(FaultRaised(CARRIER), NOW_S + 1)
    assert story(instance.actions()) == ["BACKUP > FAULT: interface-down"]
    instance.on_packet(heard(0), NOW_S + 2)
    instance.on_timer(NOW_S + 99)
    assert (instance.actions(), instance.deadline(), instance.counters.advertisements_received) == ([], None, 0)


def test_every_fault_must_be_cleared_before_a_router_is_back() -> None:
    instance = started()
    for event in (FaultRaised(CARRIER), FaultRaised("something else"), FaultRaised(CARRIER), SourceChanged(None)):
        instance.on_event(event, NOW_S + 1)
    instance.actions()
    instance.on_event(FaultCleared(CARRIER), NOW_S + 2)
    instance.on_event(FaultCleared("never raised"), NOW_S + 3)
    instance.on_event(SourceChanged(DIRECTOR_1), NOW_S + 4)
    assert (instance.state, instance.actions()) == (State.FAULT, [])
    instance.on_event(FaultCleared("something else"), NOW_S + 5)
    assert story(instance.actions()) == ["FAULT > BACKUP: interface-up"]
    assert instance.deadline() == NOW_S + 5 + MASTER_DOWN_S


def test_a_router_is_back_when_its_source_is() -> None:
    instance, actions = after(Start(), SOURCE)
    assert actions == ["FAULT > BACKUP: primary-ip-address"]
    assert instance.deadline() == NOW_S + MASTER_DOWN_S


def test_what_was_heard_before_a_fault_is_forgotten() -> None:
    instance = started(router(preempt_delay_s=10.0))
    instance.on_packet(heard(50), NOW_S + 1)  # preempt_delay begins
    instance.on_packet(heard(0), NOW_S + 2)  # the skew alone would be waited
    instance.on_event(FaultRaised(CARRIER), NOW_S + 2.1)
    instance.on_event(FaultCleared(CARRIER), NOW_S + 12)
    assert (instance.deadline(), instance.master_address) == (NOW_S + 12 + MASTER_DOWN_S, None)
    instance.on_packet(heard(50), NOW_S + 13)
    assert instance.deadline() == NOW_S + 13 + MASTER_DOWN_S


def test_an_owner_is_back_after_one_interval_and_its_skew() -> None:
    instance, _ = after(Start(), SOURCE, configuration=router(priority=255, preempt_delay_s=60.0))
    assert instance.deadline() == NOW_S + 1 + 1 / 256
    instance.on_packet(heard(50), NOW_S + 1)
    instance.actions()
    instance.on_timer(NOW_S + 1 + 1 / 256)
    assert story(instance.actions())[:3] == ["hold", "announce 5", "advert 255"]


def test_a_fault_that_is_cleared_while_others_are_unknown_does_not_disturb_a_master() -> None:
    instance = master()
    instance.on_event(FaultCleared(CARRIER), NOW_S + 0.5)
    instance.on_event(SourceChanged(DIRECTOR_1), NOW_S + 0.5)
    assert (instance.state, instance.actions(), instance.deadline()) == (State.MASTER, [], NOW_S + 1)


def test_the_next_advert_comes_from_the_new_source() -> None:
    instance = master()
    instance.on_event(SourceChanged(DIRECTOR_2), NOW_S + 0.5)
    assert instance.master_address == DIRECTOR_2
    instance.on_timer(NOW_S + 1)
    assert [each.source for each in said(instance)] == [DIRECTOR_2]


def test_a_configured_source_needs_none_from_the_interface() -> None:
    configured = IPv4Address("192.168.4.77")
    instance, _ = after(SourceChanged(None), Start(resume_master=True), configuration=router(source_address=configured))
    for address in (None, DIRECTOR_2):
        instance.on_event(SourceChanged(address), NOW_S + 0.5)
    instance.on_timer(NOW_S + 1)
    assert [each.source for each in said(instance)] == [configured]


# ---------------------------------------------------------------------------------------------------------------- reload


def reload(instance: Instance, now_s: float = NOW_S + 0.5, **changes: Any) -> list[str]:
    instance.actions()
    instance.on_event(Reconfigured(replace(instance.router, **changes)), now_s)
    return story(instance.actions())


@pytest.mark.parametrize("make", [started, master, Instance])
def test_a_reload_that_changes_nothing_does_nothing(make: type[Instance]) -> None:
    instance = make(router())
    deadline_s = instance.deadline()
    assert reload(instance, position=Position("keepalived.conf", 7)) == []
    assert instance.deadline() == deadline_s
    assert instance.router.position.line == 7


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({"priority": 20}, ["advert 20"]),
        ({"authentication": Authentication()}, ["advert 100"]),
        ({"addresses": addresses(15, 16)}, ["hold", "announce 5", "advert 100"]),
        ({"excluded_addresses": addresses(17)}, ["hold", "announce 5", "advert 100"]),
        ({"addresses": ()}, ["hold", "announce 5", "advert 100"]),
    ],
)
def test_a_master_stays_master_over_a_reload_and_tells_what_changed(changes: dict[str, Any], actions: list[str]) -> None:
    instance = master()
    assert reload(instance, **changes) == actions
    assert (instance.state, instance.counters.became_master) == (State.MASTER, 1)


def test_a_master_s_new_interval_and_addresses_are_in_force_at_once() -> None:
    instance = master()
    instance.on_event(Reconfigured(router(advert_interval_s=3.0, addresses=addresses(15, 16))), NOW_S + 0.5)
    (sent,) = said(instance)
    assert (sent.advert_interval_s, len(sent.addresses)) == (3.0, 2)
    assert instance.deadline() == NOW_S + 3.5


def test_new_addresses_are_announced_a_second_time_after_the_delay() -> None:
    instance = master()
    reload(instance, addresses=addresses(15, 16), announcements=Announcements(delay_s=0.25, repeat=3))
    assert instance.deadline() == NOW_S + 0.75
    instance.on_timer(NOW_S + 0.75)
    assert story(instance.actions()) == ["announce 3"]


def test_a_refresh_can_be_switched_on_and_off_by_a_reload() -> None:
    instance = master()
    reload(instance, announcements=Announcements(refresh_s=0.25))
    assert instance.deadline() == NOW_S + 0.75
    reload(instance, NOW_S + 0.6, priority=101)  # changes something else: the refresh keeps its beat
    assert instance.deadline() == NOW_S + 0.75
    reload(instance, announcements=Announcements())
    assert instance.deadline() == NOW_S + 1.5


@pytest.mark.parametrize(
    ("changes", "wait_s"),
    [
        pytest.param({"priority": 228}, 3 + 28 / 256, id="skew of the new priority"),
        pytest.param({"advert_interval_s": 2.0}, 6 + 156 / 256, id="interval"),
        pytest.param({"down_timer_adverts": 5}, 5 + 156 / 256, id="adverts that may be missed"),
        pytest.param({"addresses": addresses(15, 16)}, MASTER_DOWN_S, id="addresses"),
    ],
)
def test_a_backup_s_remaining_wait_is_recomputed_by_a_reload(changes: dict[str, Any], wait_s: float) -> None:
    instance = started()
    assert reload(instance, **changes) == []
    assert (instance.state, instance.deadline()) == (State.BACKUP, NOW_S + wait_s)


def test_a_backup_that_has_waited_long_enough_by_the_new_configuration_waits_no_more() -> None:
    instance = started()
    reload(instance, NOW_S + 3, down_timer_adverts=1)
    assert instance.deadline() == NOW_S + 3


def test_a_reload_does_not_make_a_backup_forget_that_its_master_has_gone() -> None:
    instance = started()
    instance.on_packet(heard(0), NOW_S)
    reload(instance, advert_interval_s=9.0, priority=228)
    assert instance.deadline() == NOW_S + 0.5  # 28/256 s are over already


def test_a_reload_can_take_the_source_away_and_give_one() -> None:
    configured = IPv4Address("192.168.4.77")
    instance, _ = after(Start(), configuration=router(source_address=configured))
    assert instance.state is State.BACKUP
    assert reload(instance, source_address=None) == ["BACKUP > FAULT: no-primary-ip-address"]
    assert reload(instance, source_address=configured, advert_interval_s=2.0) == ["FAULT > BACKUP: primary-ip-address"]
    assert instance.deadline() == NOW_S + 0.5 + MASTER_DOWN_S + 3


def test_a_reload_of_a_router_that_cannot_work_waits_for_its_return() -> None:
    instance, _ = after(SOURCE, Start(), FaultRaised(CARRIER))
    assert reload(instance, priority=228) == []
    instance.on_event(FaultCleared(CARRIER), NOW_S + 1)
    assert instance.deadline() == NOW_S + 1 + 3 + 28 / 256


def test_a_problem_is_told_again_after_a_reload() -> None:
    instance = started()
    instance.on_packet(b"", NOW_S)
    reload(instance, priority=101)
    instance.on_packet(b"", NOW_S + 1)
    assert story(instance.actions()) == ["notice LENGTH"]


# -------------------------------------------------------------------------------------------------------------- shutdown


def relinquishing(**changes: Any) -> Instance:
    """A master that was stopped at `NOW_S` + 0.5."""
    instance = master(router(**changes))
    instance.on_event(Shutdown(), NOW_S + 0.5)
    instance.actions()
    return instance


def test_a_master_says_farewell_and_keeps_its_addresses_until_nobody_can_come_any_more() -> None:
    instance = master(router(announcements=Announcements(refresh_s=0.1)))
    instance.on_event(Shutdown(), NOW_S + 0.5)
    assert story(instance.actions()) == ["advert 0", "MASTER > RELINQUISHING: shutdown"]
    assert instance.holds_addresses
    assert (instance.master_address, instance.counters.released_master) == (None, 1)
    assert instance.deadline() == pytest.approx(NOW_S + 0.5 + 1.0 + 0.05)  # the skew of priority 0, and the grace
    instance.on_timer(NOW_S + 1.5)
    assert instance.actions() == [], "neither adverts nor announcements"
    instance.on_timer(NOW_S + 1.55)
    assert story(instance.actions()) == ["release", "RELINQUISHING > INITIALIZE: no-successor"]
    assert (instance.holds_addresses, instance.deadline()) == (False, None)


@pytest.mark.parametrize("priority", [1, 50, 100, 255])
def test_a_master_that_gave_up_lets_go_a_little_after_the_first_advert_of_whoever_follows(priority: int) -> None:
    instance = relinquishing()
    instance.on_packet(heard(priority), NOW_S + 0.9)
    assert (instance.state, instance.master_address) == (State.RELINQUISHING, DIRECTOR_2)
    assert instance.deadline() == pytest.approx(NOW_S + 0.95)
    instance.on_packet(heard(priority), NOW_S + 0.94)
    assert instance.actions() == [], "it answers no election"
    instance.on_timer(NOW_S + 0.95)
    told = f"RELINQUISHING > INITIALIZE: handed-over of {DIRECTOR_2} ({priority})"
    assert story(instance.actions()) == ["release", told]


def test_another_router_that_gives_up_as_well_is_no_successor() -> None:
    instance = relinquishing()
    instance.on_packet(heard(0), NOW_S + 0.9)
    assert instance.deadline() == pytest.approx(NOW_S + 1.55)


def test_a_successor_that_comes_at_the_last_moment_gets_its_time() -> None:
    instance = relinquishing()
    instance.on_packet(heard(50), NOW_S + 1.54)
    assert instance.deadline() == pytest.approx(NOW_S + 1.59)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(FaultRaised("interface down"), "interface-down"), (SourceChanged(None), "no-primary-ip-address")],
)
def test_a_fault_ends_a_hand_over_at_once(fault: Event, cause: str) -> None:
    instance = relinquishing()
    instance.on_event(fault, NOW_S + 0.7)
    assert story(instance.actions()) == ["release", f"RELINQUISHING > INITIALIZE: {cause}"]
    assert instance.deadline() is None


@pytest.mark.parametrize("event", [Shutdown(), FaultCleared("interface down"), Reconfigured(router(priority=7))])
def test_nothing_else_ends_a_hand_over_or_prolongs_it(event: Event) -> None:
    instance = relinquishing()
    instance.on_event(event, NOW_S + 0.7)
    assert instance.actions() == []
    assert instance.deadline() == pytest.approx(NOW_S + 1.55)


def test_a_router_that_hands_over_cannot_be_started_before_that_is_over() -> None:
    instance = relinquishing()
    with pytest.raises(IllegalTransitionError):
        instance.on_event(Start(), NOW_S + 0.7)
    instance.on_timer(NOW_S + 1.55)
    instance.actions()
    instance.on_event(Start(), NOW_S + 2)
    assert story(instance.actions()) == ["release", "INITIALIZE > BACKUP: startup"]


def test_who_follows_a_master_that_gave_up_announces_again_when_that_one_must_be_gone() -> None:
    instance = started(router(announcements=Announcements(delay_s=0.0)))
    instance.on_packet(heard(0), NOW_S + 1)
    taken_over_s = NOW_S + 1 + 0.609375
    instance.on_timer(taken_over_s)
    instance.actions()
    assert instance.deadline() == pytest.approx(taken_over_s + 0.1)
    instance.on_timer(taken_over_s + 0.1)
    assert story(instance.actions()) == ["announce 1"]
    assert instance.deadline() == taken_over_s + 1


def test_a_master_that_breaks_before_another_makes_says_farewell_and_lets_go() -> None:
    instance = master(router(hand_over=HandOver.BREAK_BEFORE_MAKE))
    for second in range(1, 7):
        instance.on_timer(NOW_S + second)
    instance.actions()
    instance.on_event(Shutdown(), NOW_S + 6.5)
    actions = instance.actions()
    assert story(actions) == ["advert 0", "release", "MASTER > INITIALIZE: shutdown"]
    (farewell,) = [action.datagrams[0].octets for action in actions if isinstance(action, SendAdvert)]
    assert farewell == routers.KEEPALIVED_PASS_FAREWELL  # keepalived's eighth packet too
    counters = instance.counters
    assert (counters.advertisements_sent, counters.priority_zero_sent, counters.released_master) == (8, 1, 1)


@pytest.mark.parametrize(
    ("events", "actions"),
    [
        ((SOURCE, Start(), Shutdown()), ["BACKUP > INITIALIZE: shutdown"]),
        ((Start(), Shutdown()), ["FAULT > INITIALIZE: shutdown"]),
        ((Shutdown(),), []),
        ((SOURCE, Start(), Shutdown(), Shutdown()), []),
    ],
)
def test_who_is_not_master_ends_without_a_word(events: tuple[Event, ...], actions: list[str]) -> None:
    instance, done = after(*events)
    assert done == actions
    assert (instance.state, instance.deadline()) == (State.INITIALIZE, None)


def test_a_router_can_be_started_again_after_a_shutdown() -> None:
    _, actions = after(SOURCE, Start(), Shutdown(), Start())
    assert actions == ["release", "INITIALIZE > BACKUP: startup"]
