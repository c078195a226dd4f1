"""One virtual router and its peers' adverts: what a backup and a master do with each, and when."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.protocol import routers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, addresses, heard, master, router, started, story
from vrrpd.config.model import Announcements, Authentication, AuthenticationType, VirtualRouter
from vrrpd.protocol.actions import Notice, SendAdvert, Transition
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.events import Reconfigured
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State

MASTER_DOWN_S = 3.609375
"""Of the router under test, with priority 100."""
LOWER_ADDRESS = IPv4Address("192.168.4.4")
THIRD = IPv4Address("192.168.4.7")

# ---------------------------------------------------------------------------------------------------------------- backup


@pytest.mark.parametrize(
    ("changes", "priority", "wait_s", "actions"),
    [
        pytest.param({}, 0, 0.609375, [], id="priority 0: the skew alone is waited"),
        pytest.param({}, 101, MASTER_DOWN_S, [], id="higher: wait anew"),
        pytest.param({}, 100, MASTER_DOWN_S, [], id="equal: wait anew, whatever the address"),
        pytest.param({}, 99, MASTER_DOWN_S - 1, ["notice LOWER_PRIORITY_DISCARDED"], id="lower: the timer runs on"),
        pytest.param({"preempt": False}, 99, MASTER_DOWN_S, [], id="lower, nopreempt: wait anew"),
        pytest.param({"preempt": False}, 0, 0.609375, [], id="priority 0, nopreempt: compete by skew"),
        pytest.param({"preempt_delay_s": 60.0}, 99, MASTER_DOWN_S, [], id="lower, preempt_delay: wait anew"),
    ],
)
@pytest.mark.parametrize("sender", [LOWER_ADDRESS, DIRECTOR_2])
def test_a_backup_hears_an_advert(
    changes: dict[str, object], priority: int, wait_s: float, actions: list[str], sender: IPv4Address
) -> None:
    instance = started(router(**changes))
    instance.on_packet(heard(priority, sender), NOW_S + 1)
    assert instance.state is State.BACKUP
    assert instance.deadline() == NOW_S + 1 + wait_s
    assert story(instance.actions()) == actions


def test_a_backup_takes_over_from_a_silent_master_with_its_advert_first() -> None:
    instance = started()
    instance.on_packet(heard(150), NOW_S + 1)
    instance.on_timer(NOW_S + 1 + MASTER_DOWN_S - 0.001)
    assert instance.actions() == []
    instance.on_timer(NOW_S + 1 + MASTER_DOWN_S)
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", "BACKUP > MASTER: master-timeout"]
    assert instance.holds_addresses


def test_a_backup_takes_over_within_the_skew_from_a_master_that_gives_up() -> None:
    instance = started()
    instance.on_packet(heard(150), NOW_S + 1)
    instance.on_packet(heard(0), NOW_S + 1.5)
    instance.on_timer(NOW_S + 1.5 + 0.609375)
    cause = "BACKUP > MASTER: priority-zero of 192.168.4.6 (0)"
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", cause]
    assert (instance.counters.advertisements_received, instance.counters.priority_zero_received) == (2, 1)


def test_a_backup_stays_when_another_master_follows_the_one_that_gave_up() -> None:
    instance = started()
    instance.on_packet(heard(0), NOW_S + 1)
    instance.on_packet(heard(120, THIRD), NOW_S + 1.2)
    assert instance.deadline() == NOW_S + 1.2 + MASTER_DOWN_S
    instance.on_timer(NOW_S + 1.2 + MASTER_DOWN_S)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_a_backup_preempts_a_living_lesser_master_with_its_advert_last() -> None:
    instance = started()
    for second in (1, 2, 3):
        instance.on_packet(heard(50), NOW_S + second)
    assert story(instance.actions()) == ["notice LOWER_PRIORITY_DISCARDED"]
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    cause = "BACKUP > MASTER: lower-priority-master of 192.168.4.6 (50)"
    assert story(instance.actions()) == ["hold", "announce 5", "advert 100", cause]


def test_a_lesser_master_that_gave_up_is_not_preempted_but_followed() -> None:
    instance = started()
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_packet(heard(0), NOW_S + 2)
    instance.on_timer(NOW_S + 2.609375)
    assert story(instance.actions())[1:] == [
        "advert 100",
        "hold",
        "announce 5",
        "BACKUP > MASTER: priority-zero of 192.168.4.6 (0)",
    ]


def test_a_lesser_master_that_is_no_more_is_not_preempted() -> None:
    instance = started(router(down_timer_adverts=10))
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_event(Reconfigured(router(down_timer_adverts=1)), NOW_S + 3)  # by this it is silent for too long already
    instance.actions()
    instance.on_timer(NOW_S + 3)
    assert story(instance.actions()) == ["advert 100", "hold", "announce 5", "BACKUP > MASTER: master-timeout"]


def test_a_lesser_master_that_a_better_one_has_replaced_is_not_preempted() -> None:
    instance = started()
    instance.on_packet(heard(1), NOW_S + 1)
    instance.on_packet(heard(150, THIRD), NOW_S + 1.1)
    instance.actions()
    instance.on_timer(NOW_S + 1.1 + MASTER_DOWN_S)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_a_preempted_master_is_history_once_we_were_master() -> None:
    instance = started()
    instance.on_packet(heard(1), NOW_S + 3.5)
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    instance.on_packet(heard(150, THIRD), NOW_S + 3.61)
    instance.actions()
    instance.on_timer(NOW_S + 3.61 + MASTER_DOWN_S)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_preempt_delay_runs_from_the_first_lesser_advert_and_then_the_timer_decides() -> None:
    instance = started(router(preempt_delay_s=10.0))
    for second in range(1, 11):
        instance.on_packet(heard(50), NOW_S + second)
        assert instance.deadline() == NOW_S + second + MASTER_DOWN_S
    for second in (11, 12, 13):  # the delay is over: these do not count any more
        instance.on_packet(heard(50), NOW_S + second)
        assert instance.deadline() == NOW_S + 10 + MASTER_DOWN_S
    instance.on_timer(NOW_S + 10 + MASTER_DOWN_S)
    assert instance.state is State.MASTER


def test_preempt_delay_begins_anew_after_an_advert_that_is_good_enough() -> None:
    instance = started(router(preempt_delay_s=10.0))
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_packet(heard(100, THIRD), NOW_S + 10)
    instance.on_packet(heard(50), NOW_S + 12)
    assert instance.deadline() == NOW_S + 12 + MASTER_DOWN_S


def test_preempt_delay_does_not_hold_up_a_backup_whose_master_dies() -> None:
    instance = started(router(preempt_delay_s=60.0))
    instance.on_packet(heard(50), NOW_S + 1)
    instance.on_timer(NOW_S + 1 + MASTER_DOWN_S)
    assert story(instance.actions())[-1] == "BACKUP > MASTER: master-timeout"


def test_a_backup_knows_who_is_master() -> None:
    instance = started()
    assert (instance.master_address, instance.master_priority) == (None, None)
    instance.on_packet(heard(150), NOW_S + 1)
    assert (instance.master_address, instance.master_priority) == (DIRECTOR_2, 150)
    instance.on_packet(heard(0), NOW_S + 2)
    assert (instance.master_address, instance.master_priority) == (DIRECTOR_2, 150)
    instance.on_timer(NOW_S + 2.609375)
    assert (instance.master_address, instance.master_priority) == (DIRECTOR_1, 100)


# ---------------------------------------------------------------------------------------------------------------- master

ANSWER = ["lower 99", "notice LOWER_PRIORITY_MASTER", "advert 100", "announce 5"]
YIELD = ["advert 100", "release"]


@pytest.mark.parametrize(
    ("changes", "priority", "sender", "actions"),
    [
        pytest.param({}, 0, DIRECTOR_2, ["advert 100"], id="priority 0: an advert at once"),
        pytest.param(
            {}, 101, LOWER_ADDRESS, [*YIELD, "MASTER > BACKUP: higher-priority-master of 192.168.4.4 (101)"], id="higher: yield"
        ),
        pytest.param(
            {"higher_priority_send_advert": True},
            101,
            LOWER_ADDRESS,
            [*YIELD, "MASTER > BACKUP: higher-priority-master of 192.168.4.4 (101)"],
            id="higher, told to send an advert: the one that is sent anyway",
        ),
        pytest.param(
            {},
            100,
            DIRECTOR_2,
            [*YIELD, "MASTER > BACKUP: equal-priority-higher-address of 192.168.4.6 (100)"],
            id="equal from a higher address: yield",
        ),
        pytest.param({}, 100, LOWER_ADDRESS, ["lower 100", *ANSWER[1:]], id="equal from a lower address: as lower"),
        pytest.param({}, 99, DIRECTOR_2, ANSWER, id="lower: force an election"),
        pytest.param(
            {"lower_priority_no_advert": True}, 99, DIRECTOR_2, [*ANSWER[:2], ANSWER[3]], id="lower, no advert wanted: announce"
        ),
        pytest.param(
            {"announcements": Announcements(lower_priority_repeat=0)}, 99, DIRECTOR_2, ANSWER[:3], id="lower, no set wanted"
        ),
        pytest.param(
            {"addresses": addresses(15, 16)}, 99, DIRECTOR_2, [*ANSWER, "notice ADDRESS_LIST_MISMATCH"], id="other list"
        ),
    ],
)
def test_a_master_hears_an_advert(changes: dict[str, object], priority: int, sender: IPv4Address, actions: list[str]) -> None:
    instance = master(router(**changes))
    instance.on_packet(heard(priority, sender), NOW_S + 0.5)
    assert story(instance.actions()) == actions


def test_a_lesser_master_that_persists_is_answered_each_time_and_told_once() -> None:
    instance = master()
    for second in (0.25, 0.5):
        instance.on_packet(heard(99), NOW_S + second)
    assert story(instance.actions()) == [*ANSWER, ANSWER[0], *ANSWER[2:]]


@pytest.mark.parametrize(("priority", "next_s"), [(0, 1.5), (99, 1.5)])
def test_an_answer_puts_off_the_next_advert_by_a_whole_interval(priority: int, next_s: float) -> None:
    instance = master()
    instance.on_packet(heard(priority), NOW_S + 0.5)
    instance.on_timer(NOW_S + 0.6)
    assert instance.deadline() == NOW_S + next_s


def test_a_master_that_hears_another_one_s_farewell_announces_its_addresses_when_that_one_is_gone() -> None:
    instance = master()
    instance.on_packet(heard(0), NOW_S + 0.5)
    assert story(instance.actions()) == ["advert 100"]
    instance.on_timer(NOW_S + 0.6)
    assert story(instance.actions()) == ["announce 1"]


def test_without_an_answer_the_beat_of_adverts_stays() -> None:
    instance = master(router(lower_priority_no_advert=True))
    instance.on_packet(heard(99), NOW_S + 0.5)
    assert instance.deadline() == NOW_S + 1


def test_a_master_that_yielded_waits_as_a_backup_and_knows_its_master() -> None:
    instance = master()
    instance.on_packet(heard(101), NOW_S + 0.5)
    assert (instance.state, instance.holds_addresses) == (State.BACKUP, False)
    assert (instance.master_address, instance.master_priority) == (DIRECTOR_2, 101)
    assert instance.deadline() == NOW_S + 0.5 + MASTER_DOWN_S
    assert instance.counters.priority_zero_sent == 0


def test_announcements_against_a_lesser_master_are_said_twice() -> None:
    quick = Announcements(lower_priority_delay_s=0.25, lower_priority_repeat=2)
    instance = master(router(announcements=quick))
    instance.on_packet(heard(99), NOW_S + 0.5)
    assert story(instance.actions())[-1] == "announce 2"
    assert instance.deadline() == NOW_S + 0.75
    instance.on_timer(NOW_S + 0.75)
    assert story(instance.actions()) == ["announce 2"]
    assert instance.deadline() == NOW_S + 1.5


def test_without_a_delay_the_second_set_that_a_new_master_owes_stays_as_it_is() -> None:
    instance = new_master(Announcements(delay_s=0.75, lower_priority_delay_s=0.0, lower_priority_repeat=2))
    instance.on_packet(heard(99), NOW_S + 0.5)
    assert story(instance.actions())[-1] == "announce 2"
    assert diary(instance, until_s=1.0) == [(0.75, "announce 5")]


def test_without_a_delay_there_is_no_second_set_of_announcements() -> None:
    instance = master(router(announcements=Announcements(lower_priority_delay_s=0.0)))
    instance.on_packet(heard(99), NOW_S + 0.5)
    instance.actions()
    instance.on_timer(NOW_S + 1.5)
    assert story(instance.actions()) == ["advert 100"]


# ------------------------------------------------------------------------------------------------------------------ time


def new_master(announcements: Announcements) -> Instance:
    """Master since `NOW_S`, after a silent one."""
    instance = started(router(announcements=announcements))
    instance.on_packet(heard(100), NOW_S - MASTER_DOWN_S)  # the last that was heard of the old one
    instance.on_timer(NOW_S)
    assert instance.state is State.MASTER
    instance.actions()
    return instance


def diary(instance: Instance, until_s: float) -> list[tuple[float, str]]:
    """What the timers bring forth, with the seconds since `NOW_S`."""
    entries = []
    while (deadline_s := instance.deadline()) is not None and deadline_s <= NOW_S + until_s:
        instance.on_timer(deadline_s)
        entries += [(deadline_s - NOW_S, word) for word in story(instance.actions())]
    return entries


def test_a_new_master_announces_again_after_the_delay_and_then_at_each_refresh() -> None:
    announcements = Announcements(delay_s=2.5, repeat=4, refresh_s=1.5, refresh_repeat=2)
    assert diary(new_master(announcements), until_s=4.0) == [
        (1.0, "advert 100"),
        (1.5, "announce 2"),
        (2.0, "advert 100"),
        (2.5, "announce 4"),
        (3.0, "advert 100"),
        (3.0, "announce 2"),
        (4.0, "advert 100"),
    ]


def test_by_default_a_new_master_announces_again_after_five_seconds_and_never_more() -> None:
    sets = [entry for entry in diary(new_master(Announcements()), until_s=60.0) if entry[1] != "advert 100"]
    assert sets == [(5.0, "announce 5")]


def test_a_timer_called_late_sends_one_advert_and_finds_its_beat_again() -> None:
    instance = master()
    instance.on_timer(NOW_S + 1.3)
    assert story(instance.actions()) == ["advert 100"]
    assert instance.deadline() == NOW_S + 2
    instance.on_timer(NOW_S + 4.2)
    assert story(instance.actions()) == ["advert 100"]
    assert instance.deadline() == NOW_S + 5.2


# ------------------------------------------------------------------------------------------------- what a packet must be


def altered(offset: int, value: int) -> bytes:
    octets = bytearray(heard(99))
    octets[offset] = value
    return bytes(octets)


OTHER_GROUP = IPv4Address("224.0.0.19")
OTHER_PASSWORD = Authentication(AuthenticationType.PASS, b"1112")
REFUSED = [
    pytest.param(heard(99)[:-1], "packet_length_errors", "LENGTH", id="short"),
    pytest.param(b"", "packet_length_errors", "LENGTH", id="empty"),
    pytest.param(altered(8, 64), "ttl_errors", "TTL", id="TTL"),
    pytest.param(altered(20, 0x31), "version_errors", "VERSION", id="version"),
    pytest.param(altered(20, 0x22), "invalid_type_received", "TYPE", id="type"),
    pytest.param(altered(22, 98), "checksum_errors", "CHECKSUM", id="checksum"),
    pytest.param(
        heard(99, authentication=Authentication()),
        "authentication_type_mismatch",
        "AUTHENTICATION_TYPE_MISMATCH",
        id="other type",
    ),
    pytest.param(heard(99, authentication=OTHER_PASSWORD), "authentication_failures", "AUTHENTICATION_FAILURE", id="password"),
    pytest.param(heard(99, advert_interval_s=2.0), "advert_interval_errors", "ADVERT_INTERVAL_MISMATCH", id="interval"),
    pytest.param(heard(99, multicast_group=OTHER_GROUP), "destination_errors", "WRONG_DESTINATION", id="other group"),
]


@pytest.mark.parametrize(("datagram", "counter", "notice"), REFUSED)
@pytest.mark.parametrize("make", [started, master])
def test_a_packet_that_fails_a_check_is_dropped_counted_and_told_once(
    datagram: bytes, counter: str, notice: str, make: type[Instance]
) -> None:
    instance = make(router())
    before, deadline_s = replace(instance.counters), instance.deadline()
    instance.on_packet(datagram, NOW_S + 0.5)
    instance.on_packet(datagram, NOW_S + 0.6)
    assert story(instance.actions()) == [f"notice {notice}"]
    assert instance.deadline() == deadline_s
    assert instance.counters == replace(before, **{counter: 2})


def test_a_notice_says_who_sent_what_and_what_was_expected() -> None:
    instance = started()
    instance.on_packet(heard(99, advert_interval_s=2.0), NOW_S)
    instance.on_packet(altered(22, 98), NOW_S)
    instance.on_packet(b"?", NOW_S)
    texts = [action.text for action in instance.actions() if isinstance(action, Notice)]
    assert texts == [
        "dropped an advert of 192.168.4.6: its advertisement interval is not ours (2 s, ours is 1 s)",
        "dropped a packet of 192.168.4.6: its checksum is wrong",
        "dropped a packet of an unknown sender: its length does not fit its contents (1 octets)",
    ]


def test_other_addresses_in_an_advert_are_counted_and_told_and_the_advert_is_used() -> None:
    instance = started()
    other = heard(150, addresses=addresses(16, 15))
    for second in (1, 2):
        instance.on_packet(other, NOW_S + second)
    assert instance.deadline() == NOW_S + 2 + MASTER_DOWN_S
    assert instance.counters == Counters(advertisements_received=2, address_list_errors=2)
    (notice,) = instance.actions()
    assert isinstance(notice, Notice)
    assert notice.text == "192.168.4.6 advertises 2 addresses that are not our 1: 1 only there, 0 only here"


def test_a_problem_is_told_again_when_the_master_has_changed() -> None:
    instance = started()
    wrong_list = {"addresses": addresses(16, 15)}
    for second, sender in enumerate((DIRECTOR_2, DIRECTOR_2, THIRD, THIRD)):
        instance.on_packet(heard(150, sender), NOW_S + 31 * second)
        instance.on_packet(heard(150, sender, **wrong_list), NOW_S + 31 * second)
    assert story(instance.actions()) == ["notice ADDRESS_LIST_MISMATCH"] * 2


def test_two_masters_heard_in_turn_fill_a_line_a_minute_and_not_one_a_second() -> None:
    instance = started()
    wrong_list = {"addresses": addresses(16, 15)}
    for second in range(121):
        instance.on_packet(heard(150, (DIRECTOR_2, THIRD)[second % 2], **wrong_list), NOW_S + second)
    assert story(instance.actions()) == ["notice ADDRESS_LIST_MISMATCH"] * 3


def test_a_problem_is_told_again_when_the_state_has_changed() -> None:
    instance = started()
    instance.on_packet(b"", NOW_S + 1)
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    instance.actions()
    instance.on_packet(b"", NOW_S + 4)
    assert story(instance.actions()) == ["notice LENGTH"]


@pytest.mark.parametrize("make", [started, master])
def test_our_own_advert_come_back_is_counted_and_changes_nothing(make: type[Instance]) -> None:
    instance = make(router())
    before, deadline_s = replace(instance.counters), instance.deadline()
    for priority in (0, 50, 100, 255):
        instance.on_packet(heard(priority, DIRECTOR_1), NOW_S + 0.5)
    assert (instance.counters, instance.deadline()) == (replace(before, own_address_heard=4), deadline_s)
    assert story(instance.actions()) == ["notice OWN_ADDRESS_HEARD"]


@pytest.mark.parametrize("make", [started, master])
def test_a_packet_for_another_virtual_router_is_not_ours_to_count(make: type[Instance]) -> None:
    instance = make(router())
    before = replace(instance.counters)
    instance.on_packet(heard(255, virtual_router_id=51), NOW_S + 0.5)
    assert (instance.counters, instance.actions()) == (before, [])


def test_a_router_that_does_not_take_part_hears_nothing() -> None:
    instance = Instance(router())
    instance.on_packet(heard(255), NOW_S)
    assert (instance.counters, instance.actions(), instance.deadline()) == (Counters(), [], None)


# --------------------------------------------------------------------------------------------------- keepalived's bytes


def test_an_election_of_the_captures_repeats_itself_to_the_last_bit() -> None:
    """Director 1 starts beside director 2, preempts it, and is stopped with its eighth packet; see keepalived's captures."""
    instance = started()
    for second in (0.5, 1.5, 2.5, 3.5):
        instance.on_packet(routers.KEEPALIVED_PASS_DIRECTOR_2, NOW_S + second)
    instance.on_timer(NOW_S + MASTER_DOWN_S)
    actions = instance.actions()
    assert [action.datagrams[0].octets for action in actions if isinstance(action, SendAdvert)] == [routers.KEEPALIVED_PASS]
    assert isinstance(actions[-1], Transition)
    assert instance.counters.became_master == 1


def test_keepalived_s_farewell_is_understood() -> None:
    instance = started(router(priority=50), DIRECTOR_2)
    instance.on_packet(routers.KEEPALIVED_PASS, NOW_S)
    instance.on_packet(routers.KEEPALIVED_PASS_FAREWELL, NOW_S + 1)
    assert instance.deadline() == NOW_S + 1 + 0.8046875


def test_what_is_not_settled_by_the_configuration_stands_on_the_instance() -> None:
    configuration: VirtualRouter = router(priority=7)
    instance = Instance(configuration)
    assert instance.router is configuration
    assert instance.priority == 7
    assert instance.master_down_interval_s == 3 + 249 / 256
    assert (instance.state, instance.holds_addresses, instance.last_transition_s) == (State.INITIALIZE, False, 0.0)
