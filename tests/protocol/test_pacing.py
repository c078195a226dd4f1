"""Announcements that wait for each other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.protocol.routers import addresses, router
from vrrpd.config.model import GarpGroup, VirtualAddress
from vrrpd.protocol.actions import Announce
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.pacing import AnnounceAddresses, Pacing

ONE, TWO = addresses(15, 16)
SIX = VirtualAddress(IPv6Address("2001:db8::15"), 64, "eth0")
ELSEWHERE = VirtualAddress(IPv4Address("192.168.5.15"), 24, "eth1")

Sent = tuple[float, str, tuple[VirtualAddress, ...], int]


def paced(garp_s: float = 0.0, neighbour_advert_s: float = 0.0, *groups: GarpGroup) -> Pacing:
    pacing = Pacing()
    pacing.configure(garp_s, neighbour_advert_s, groups)
    return pacing


def holder(*held: VirtualAddress, name: str = "VI_1") -> Instance:
    return Instance(router(name=name, addresses=held[:1], excluded_addresses=held[1:]))


def short(at_s: float, actions: object) -> list[Sent]:
    found = []
    assert isinstance(actions, list)
    for instance, action in actions:
        assert isinstance(action, AnnounceAddresses)
        found.append((at_s, instance.router.name, action.addresses, action.repeat))
    return found


def played(pacing: Pacing) -> list[Sent]:
    """Everything that waits, each at its time."""
    sent: list[Sent] = []
    while (at_s := pacing.deadline()) is not None:
        sent += short(at_s, pacing.on_timer(at_s))
        assert len(sent) < 100, "it never ends"
    return sent


def test_without_an_interval_a_set_stays_whole_and_nothing_waits() -> None:
    pacing, instance = paced(), holder(ONE, TWO)
    assert pacing.announce(instance, Announce(5), 10.0) == [(instance, Announce(5))]
    assert pacing.deadline() is None


def test_with_one_a_set_passes_one_by_one_in_rounds() -> None:
    pacing, instance = paced(0.5), holder(ONE, TWO)
    assert short(10.0, pacing.announce(instance, Announce(2), 10.0)) == [(10.0, "VI_1", (ONE,), 1)]
    assert pacing.on_timer(10.4) == []
    assert [(at_s, which) for at_s, _name, which, _repeat in played(pacing)] == [(10.5, (TWO,)), (11.0, (ONE,)), (11.5, (TWO,))]


def test_two_virtual_routers_share_an_interface_and_its_interval_outlasts_a_set() -> None:
    pacing = paced(0.5)
    first, second = holder(ONE, name="FIRST"), holder(TWO, name="SECOND")
    assert short(1.0, pacing.announce(first, Announce(1), 1.0)) == [(1.0, "FIRST", (ONE,), 1)]
    assert pacing.deadline() is None
    assert pacing.announce(second, Announce(1), 1.2) == []
    assert played(pacing) == [(1.5, "SECOND", (TWO,), 1)]


def test_families_and_interfaces_do_not_wait_for_each_other() -> None:
    pacing, instance = paced(0.5, 0.0), holder(ONE, SIX, ELSEWHERE)
    sent = short(1.0, pacing.announce(instance, Announce(3), 1.0))
    assert sent == [(1.0, "VI_1", (SIX,), 3), (1.0, "VI_1", (ONE,), 1), (1.0, "VI_1", (ELSEWHERE,), 1)]


@pytest.mark.parametrize(
    ("group", "at_once"),
    [
        (GarpGroup(("eth0", "eth1"), garp_interval_s=1.0), [(SIX,), (ONE,)]),
        (GarpGroup(("eth0", "eth1"), neighbour_advert_interval_s=1.0), [(ONE, ELSEWHERE), (SIX,)]),
        (GarpGroup(("eth9",), garp_interval_s=1.0), [(ONE,), (SIX,), (ELSEWHERE,)]),
    ],
)
def test_the_interfaces_of_a_group_wait_for_each_other_and_for_no_interval_but_its_own(
    group: GarpGroup, at_once: list[tuple[VirtualAddress, ...]]
) -> None:
    pacing, instance = paced(0.5, 0.5, group), holder(ONE, SIX, ELSEWHERE)
    sent = short(1.0, pacing.announce(instance, Announce(1), 1.0))
    assert [which for _at_s, _name, which, _repeat in sent] == at_once


def test_what_waits_is_not_asked_for_twice() -> None:
    pacing, instance = paced(0.5), holder(ONE, TWO)
    for _ in range(10):
        pacing.announce(instance, Announce(2), 1.0)
    assert len(played(pacing)) == 4  # and one passed at once: of each address twice, and once more after that turn


def test_who_lets_go_announces_nothing_more() -> None:
    pacing = paced(0.5)
    leaving, staying = holder(ONE, name="LEAVING"), holder(TWO, name="STAYING")
    pacing.announce(leaving, Announce(2), 1.0)
    pacing.announce(staying, Announce(2), 1.0)
    pacing.forget(leaving)
    assert [name for _at_s, name, _which, _repeat in played(pacing)] == ["STAYING", "STAYING"]
    pacing.announce(leaving, Announce(2), 9.0)
    pacing.forget(leaving)
    assert pacing.deadline() is None


def test_a_new_interval_holds_from_the_next_set_on() -> None:
    pacing, instance = paced(5.0), holder(ONE)
    pacing.announce(instance, Announce(2), 1.0)
    pacing.configure(0.25)
    pacing.announce(instance, Announce(3), 1.0)
    assert [at_s for at_s, *_rest in played(pacing)] == [6.0, 6.25, 6.5]
