"""Version 3: times in units of the master's interval, which a backup learns, and routers that are much faster than a second."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, heard, master, router, started, story
from vrrpd.config.model import VRRP_GROUP6, Authentication, VirtualAddress, VirtualRouter
from vrrpd.protocol.actions import SendAdvert, Transition
from vrrpd.protocol.events import FaultCleared, FaultRaised, Reconfigured, Shutdown, SourceChanged, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State
from vrrpd.protocol.timers import SUCCESSOR_GRACE_S
from vrrpd.protocol.wire import Heard, Wire

SKEW = 156 / 256
"""Of priority 100, in intervals."""


def version_3(**changes: Any) -> VirtualRouter:
    return router(**({"version": 3, "authentication": Authentication(), "advert_interval_s": 0.5} | changes))


def said(priority: int, source: IPv4Address = DIRECTOR_2, **changes: Any) -> bytes:
    (datagram,) = Wire(version_3(**changes)).adverts(source, priority, 0.0)
    return datagram.octets


def test_the_skew_is_a_part_of_the_interval() -> None:
    assert started(version_3()).deadline() == NOW_S + 0.5 * (3 + SKEW)


def test_a_backup_waits_by_the_interval_of_the_master_it_hears() -> None:
    instance = started(version_3())
    instance.on_packet(said(150, advert_interval_s=2.0), NOW_S + 1)
    assert story(instance.actions()) == ["notice ADVERT_INTERVAL_LEARNT"]
    assert instance.master_advert_interval_s == 2.0
    assert instance.deadline() == NOW_S + 1 + 2 * (3 + SKEW)
    instance.on_packet(said(150, advert_interval_s=0.25), NOW_S + 2)
    assert instance.actions() == [], "told once for each master"
    assert instance.deadline() == NOW_S + 2 + 0.25 * (3 + SKEW)
    instance.on_packet(said(0, advert_interval_s=9.0), NOW_S + 3)
    assert instance.deadline() == NOW_S + 3 + 0.25 * SKEW


def test_an_interval_like_our_own_is_not_news() -> None:
    instance = started(version_3())
    instance.on_packet(said(150), NOW_S + 1)
    assert instance.actions() == []


def test_nothing_is_learnt_of_a_master_that_will_be_replaced() -> None:
    instance = started(version_3())
    instance.on_packet(said(50, advert_interval_s=2.0), NOW_S + 1)
    assert instance.master_advert_interval_s == 0.5


def test_a_new_master_returns_to_its_own_interval() -> None:
    instance = started(version_3())
    instance.on_packet(said(150, advert_interval_s=0.1), NOW_S + 1)
    instance.on_timer(NOW_S + 1 + 0.1 * (3 + SKEW))
    assert (instance.state, instance.master_advert_interval_s) == (State.MASTER, 0.5)
    assert instance.deadline() == NOW_S + 1 + 0.1 * (3 + SKEW) + 0.5


def test_who_comes_out_of_a_fault_waits_by_its_own_interval() -> None:
    instance = started(version_3())
    instance.on_packet(said(150, advert_interval_s=4.0), NOW_S + 1)
    for event in (FaultRaised("cable"), FaultCleared("cable")):
        instance.on_event(event, NOW_S + 2)
    assert instance.deadline() == NOW_S + 2 + 0.5 * (3 + SKEW)


def test_a_master_that_yields_learns_the_interval_of_the_better_one() -> None:
    instance = master(version_3())
    instance.on_packet(said(150, advert_interval_s=2.0), NOW_S + 0.2)
    told = story(instance.actions())
    assert told[0] == "notice ADVERT_INTERVAL_DIFFERS"
    assert instance.deadline() == NOW_S + 0.2 + 2 * (3 + SKEW)


def test_a_master_tells_of_another_interval_once_and_keeps_its_own() -> None:
    instance = master(version_3())
    for late_s in (0.1, 0.2):
        instance.on_packet(said(50, advert_interval_s=2.0), NOW_S + late_s)
    assert story(instance.actions()).count("notice ADVERT_INTERVAL_DIFFERS") == 1
    assert instance.deadline() == NOW_S + 0.7


def test_what_was_learnt_outlives_a_reload() -> None:
    instance = started(version_3())
    instance.on_packet(said(150, advert_interval_s=2.0), NOW_S + 1)
    instance.on_event(Reconfigured(version_3(advert_interval_s=0.1)), NOW_S + 1.5)
    assert instance.deadline() == NOW_S + 1 + 2 * (3 + SKEW)


def test_a_fast_router_hands_over_in_tens_of_milliseconds() -> None:
    instance = master(version_3(advert_interval_s=0.01))
    instance.on_event(Shutdown(), NOW_S + 0.005)
    assert instance.deadline() == pytest.approx(NOW_S + 0.005 + 0.01 + SUCCESSOR_GRACE_S)
    assert instance.hand_over_max_s == pytest.approx(0.01 + 2 * SUCCESSOR_GRACE_S)
    assert started(router()).hand_over_max_s == pytest.approx(1 + 2 * SUCCESSOR_GRACE_S)


def test_a_router_of_ipv6_elects_like_one_of_ipv4() -> None:
    here, there = IPv6Address("fe80::5"), IPv6Address("fe80::6")
    virtual = (VirtualAddress(IPv6Address("fe80::f"), 64, "eth0"),)
    configuration = version_3(family=6, multicast_group=VRRP_GROUP6, addresses=virtual)
    instance = Instance(configuration)
    instance.on_event(SourceChanged(here), NOW_S)
    instance.on_event(Start(resume_master=True), NOW_S)
    (sent,) = [action.datagrams[0] for action in instance.actions() if isinstance(action, SendAdvert)]
    read = Wire(configuration).read(sent.octets, 0.0)
    assert isinstance(read, Heard)
    assert (read.source, read.priority, sent.destination) == (here, 100, VRRP_GROUP6)
    instance.on_packet(Wire(configuration).adverts(there, 100, 0.0)[0].octets, NOW_S + 0.1)
    moved = instance.actions()[-1]
    assert isinstance(moved, Transition)
    assert (moved.new, moved.sender, moved.sender_priority) == (State.BACKUP, there, 100)


def test_version_2_does_not_learn() -> None:
    instance = started()
    instance.on_packet(heard(150, DIRECTOR_1 + 7, advert_interval_s=2.0), NOW_S + 1)
    assert instance.master_advert_interval_s == 1.0
