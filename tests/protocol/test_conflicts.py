"""Two masters, foreign virtual routers, hosts that answer for our addresses: one alarm each, and a survivor that says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, addresses, heard, master, router, started, story
from tests.protocol.segment import Segment
from vrrpd.config.model import Announcements
from vrrpd.protocol.actions import Action, Alarm, AlarmKind, Probe
from vrrpd.protocol.events import AddressAnswered, AnnounceAgain, Shutdown
from vrrpd.protocol.instance import ADVERT_FOLLOWS_S, ALARM_AFTER_S, Instance
from vrrpd.protocol.states import State

LOWER_ADDRESS = DIRECTOR_1 - 1
VIRTUAL = addresses(15)[0].address
MAC = bytes.fromhex("020000000006")
ANSWERED = AddressAnswered(VIRTUAL, MAC)


def alarms(instance: Instance) -> list[Alarm]:
    return [action for action in instance.actions() if isinstance(action, Alarm)]


# ----------------------------------------------------------------------------------------------------------- two masters


def test_a_master_that_meets_a_lesser_one_sounds_the_alarm_once_and_announces_itself_each_time() -> None:
    instance = master()
    instance.on_packet(heard(99), NOW_S + 1)
    assert story(instance.actions()) == [
        f"alarm TWO_MASTERS of {DIRECTOR_2}",
        "lower 99",
        "notice LOWER_PRIORITY_MASTER",
        "advert 100",
        "announce 5",
    ]
    for second in range(2, 100):
        instance.on_packet(heard(99), NOW_S + second)
        assert story(instance.actions()) == ["lower 99", "advert 100", "announce 5"]


def test_an_alarm_names_the_other_and_what_it_is_about() -> None:
    instance = master()
    instance.on_packet(heard(99), NOW_S + 1)
    (alarm,) = alarms(instance)
    assert (alarm.kind, alarm.sender, alarm.sender_priority) == (AlarmKind.TWO_MASTERS, DIRECTOR_2, 99)
    assert alarm.text == (
        "192.168.4.6 is master of virtual router id 50 on eth0 too, its priority 99, ours 100: "
        "the link was divided, or one of us does not take the other's adverts"
    )


def test_a_master_that_yields_to_an_equal_one_sounds_it_too_for_that_is_no_preemption() -> None:
    instance = master()
    instance.on_packet(heard(100), NOW_S + 1)
    assert story(instance.actions())[0] == f"alarm TWO_MASTERS of {DIRECTOR_2}"


@pytest.mark.parametrize(("priority", "late_s"), [(99, 0.9), (100, 0.9), (101, 1.0)])
def test_the_end_of_an_election_and_a_preemption_are_no_conflicts(priority: int, late_s: float) -> None:
    instance = master()
    instance.on_packet(heard(priority), NOW_S + late_s)
    assert alarms(instance) == []


def test_an_ordinary_life_knows_no_alarm() -> None:
    segment = Segment(router(priority=100), router(priority=50))
    one, two = segment.hosts
    segment.start(two)
    segment.run(6.0)
    segment.start(one)  # it preempts
    segment.run(6.0)
    segment.tell(one, Shutdown())
    segment.run(6.0)
    segment.start(one)
    segment.run(6.0)
    assert one.instance.counters.became_master == 2
    assert one.times(Alarm) == two.times(Alarm) == []


# -------------------------------------------------------------------------------------------------------------- foreigners


@pytest.mark.parametrize("make", [started, master])
@pytest.mark.parametrize("priority", [0, 50, 200])
def test_who_uses_our_id_for_wholly_other_addresses_is_named(make: type[Instance], priority: int) -> None:
    instance = make(router())
    for second in (1, 1.5):
        instance.on_packet(heard(priority, addresses=addresses(31, 32, 33, 34)), NOW_S + second)
    (alarm,) = alarms(instance)
    assert (alarm.kind, alarm.sender) == (AlarmKind.FOREIGN_VIRTUAL_ROUTER, DIRECTOR_2)
    assert alarm.text == (
        "192.168.4.6 uses virtual router id 50 on eth0 for other addresses (192.168.4.31, 192.168.4.32, 192.168.4.33, ...): "
        "give one of the two another id"
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(addresses(15), addresses(15, 16), id="one in common: a list that somebody has begun to change"),
        pytest.param(addresses(), addresses(16), id="we have none"),
        pytest.param(addresses(15), addresses(), id="they have none"),
    ],
)
def test_a_peer_with_another_list_is_no_foreigner(ours: Any, theirs: Any) -> None:
    instance = started(router(addresses=ours))
    instance.on_packet(heard(150, addresses=theirs), NOW_S + 1)
    assert story(instance.actions()) == ["notice ADDRESS_LIST_MISMATCH"]


def test_few_foreign_addresses_are_all_named() -> None:
    instance = started()
    instance.on_packet(heard(150, addresses=addresses(31)), NOW_S + 1)
    (alarm,) = alarms(instance)
    assert "(192.168.4.31)" in alarm.text


# ------------------------------------------------------------------------------------------------------------------ probes


def probes(interval_s: float, adverts: int, **changes: Any) -> list[bool]:
    """Whether each of the adverts of a master is led by a probe."""
    instance = master(router(version=3, advert_interval_s=interval_s, **({"probe_addresses": True} | changes)))
    led = []
    for _ in range(adverts):
        deadline_s = instance.deadline()
        assert deadline_s is not None
        instance.on_timer(deadline_s)
        words = story(instance.actions())
        assert words[-1] == "advert 100"
        led.append(words[0] == "probe")
    return led


def test_a_master_probes_before_each_of_its_adverts() -> None:
    assert probes(1.0, 3) == probes(0.1, 3) == [True] * 3


def test_fast_adverts_are_led_by_a_probe_ten_times_a_second() -> None:
    assert sum(probes(0.01, 101)) in (10, 11)


def test_no_probe_is_sent_without_an_address_or_where_none_is_wanted() -> None:
    assert probes(1.0, 2, probe_addresses=False) == probes(1.0, 2, addresses=()) == [False] * 2


def test_an_advert_out_of_turn_is_not_led_by_a_probe() -> None:
    instance = master(router(probe_addresses=True))
    instance.on_packet(heard(0), NOW_S + 0.5)
    assert Probe() not in instance.actions()


# ---------------------------------------------------------------------------------------------------------------- answers


def defend(instance: Instance, answered_s: float) -> list[Action]:
    """What a master does when somebody answers and nothing follows."""
    instance.on_event(ANSWERED, answered_s)
    assert instance.actions() == []
    instance.on_timer(answered_s + ADVERT_FOLLOWS_S)
    return instance.actions()


def alarmed(instance: Instance, answered_s: float) -> list[Action]:
    """What it does a while later."""
    instance.on_timer(answered_s + ALARM_AFTER_S)
    return instance.actions()


def test_who_answers_for_our_address_is_named_and_outdone() -> None:
    announcements = Announcements(lower_priority_delay_s=0.5, lower_priority_repeat=2)
    instance = master(router(advert_interval_s=40, announcements=announcements))
    assert story(defend(instance, NOW_S + 1)) == ["announce 2", "advert 100"]
    assert instance.deadline() == NOW_S + 1.6, "a second set follows"
    *again, alarm = alarmed(instance, NOW_S + 1)
    assert story(again) == ["announce 2"]
    assert isinstance(alarm, Alarm)
    assert alarm.text == (
        "02:00:00:00:00:06 answers for 192.168.4.15 of virtual router id 50 on eth0: another master that we did not hear, "
        "or a host that was given our address"
    )


def test_who_answers_again_and_again_is_outdone_once_a_second() -> None:
    instance = master(router(version=3, advert_interval_s=40.0))
    for number in range(11, 42):
        instance.on_event(ANSWERED, NOW_S + number / 10)
        instance.on_timer(NOW_S + number / 10 + 0.05)
    said = story(instance.actions())
    assert [words for words in said if words != "alarm ADDRESS_IN_USE"] == ["announce 5", "advert 100"] * 3
    assert said.count("alarm ADDRESS_IN_USE") == 1


@pytest.mark.parametrize("priority", [150, 255])
def test_who_takes_our_place_may_answer_before_it_says_so(priority: int) -> None:
    instance = master()
    instance.on_event(ANSWERED, NOW_S + 1)
    instance.on_packet(heard(priority), NOW_S + 1.05)
    assert instance.state is State.BACKUP
    assert alarms(instance) == []
    instance.on_timer(NOW_S + 1.2)
    assert instance.actions() == []


def test_a_busy_host_that_takes_our_place_may_be_late_to_say_so() -> None:
    instance = master()
    assert story(defend(instance, NOW_S + 1))[-2:] == ["announce 5", "advert 100"]
    instance.on_packet(heard(150), NOW_S + 1.9)
    assert instance.state is State.BACKUP
    assert alarms(instance) == []
    instance.on_timer(NOW_S + 2.1)
    assert instance.actions() == []


def test_a_late_advert_of_the_lesser_one_does_not_spare_it_the_alarm() -> None:
    instance = master(router(version=3, advert_interval_s=40.0))
    instance.on_event(ANSWERED, NOW_S + 1)
    instance.on_packet(heard(50, version=3), NOW_S + 1.05)
    instance.actions()
    instance.on_timer(NOW_S + 1.1)
    assert story(instance.actions()) == ["announce 5", "advert 100"]
    assert story(alarmed(instance, NOW_S + 1)) == ["alarm ADDRESS_IN_USE"]


def test_announcements_follow_an_answer_even_where_lesser_masters_get_none() -> None:
    instance = master(router(advert_interval_s=40, announcements=Announcements(lower_priority_repeat=0)))
    assert story(defend(instance, NOW_S + 1)) == ["announce 1", "advert 100"]


def test_who_gave_up_a_moment_ago_may_answer() -> None:
    instance = master()
    instance.on_event(ANSWERED, NOW_S + 0.09)
    instance.on_timer(NOW_S + 0.9)
    assert instance.actions() == []


def test_an_answer_is_what_a_backup_expects() -> None:
    instance = started()
    instance.on_event(ANSWERED, NOW_S + 1)
    assert instance.actions() == []


def test_a_master_announces_what_another_of_its_group_has_to() -> None:
    instance = master()
    instance.on_event(AnnounceAgain(), NOW_S + 0.5)
    assert story(instance.actions()) == ["announce 5"]
    backup = started()
    backup.on_event(AnnounceAgain(), NOW_S + 0.5)
    assert backup.actions() == []


def test_an_alarm_of_an_owner_s_conflict_is_not_said_of_a_lower_one() -> None:
    instance = master(router(priority=255))
    instance.on_packet(heard(255, LOWER_ADDRESS), NOW_S + 1)
    assert [alarm.sender for alarm in alarms(instance)] == [LOWER_ADDRESS]
