"""Routers that hear each other: elections, hand-overs, partitions, loss, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.routers import router
from tests.protocol.segment import LINK_DELAY_S, Host, Segment
from vrrpd.protocol.actions import Announce, Cause, ReleaseAddresses, SendAdvert
from vrrpd.protocol.events import FaultCleared, FaultRaised, Reconfigured, Shutdown, SourceChanged, Start
from vrrpd.protocol.states import State
from vrrpd.protocol.timers import master_down_interval_s

SETTLED_S = 6.0
"""Longer than any master down interval here (at most 4 s) and one advert."""


def pair(first: int = 100, second: int = 50, **changes: bool) -> tuple[Segment, Host, Host]:
    """Two routers, both started and settled."""
    segment = Segment(router(priority=first, **changes), router(priority=second, **changes))
    one, two = segment.hosts
    segment.start()
    segment.run(SETTLED_S)
    return segment, one, two


def test_of_two_that_start_together_the_better_one_becomes_master_and_no_other_ever_was() -> None:
    segment, one, two = pair()
    assert segment.masters() == [one]
    assert [each.new for each in one.transitions()] == [State.BACKUP, State.MASTER]
    assert [each.new for each in two.transitions()] == [State.BACKUP]
    assert two.instance.master_address == one.address


def test_of_two_equals_the_higher_address_remains_master() -> None:
    segment, one, two = pair(100, 100)
    assert segment.masters() == [two]
    assert one.transitions()[-1].cause is Cause.EQUAL_PRIORITY_HIGHER_ADDRESS


def test_a_better_router_that_comes_later_is_announced_before_the_old_master_lets_go() -> None:
    segment = Segment(router(priority=100), router(priority=50))
    one, two = segment.hosts
    segment.start(two)
    segment.run(SETTLED_S)
    segment.start(one)
    segment.run(SETTLED_S)
    assert segment.masters() == [one]
    assert one.times(Announce)[0] < two.times(ReleaseAddresses)[-1]
    assert one.transitions()[-1].cause is Cause.LOWER_PRIORITY_MASTER
    assert two.transitions()[-1].cause is Cause.HIGHER_PRIORITY_MASTER


def test_with_nopreempt_a_better_router_that_comes_later_waits_for_the_master_s_end() -> None:
    segment = Segment(router(priority=100, preempt=False), router(priority=50))
    one, two = segment.hosts
    segment.start(two)
    segment.run(SETTLED_S)
    segment.start(one)
    segment.run(60.0)
    assert segment.masters() == [two]
    segment.tell(two, Shutdown())
    segment.run(1.0)
    assert segment.masters() == [one]


def test_a_planned_stop_is_over_after_the_skew() -> None:
    segment, one, two = pair()
    stopped_s = segment.now_s
    segment.tell(one, Shutdown())
    segment.run(1.0)
    assert two.times(SendAdvert) == [pytest.approx(stopped_s + LINK_DELAY_S + 206 / 256)]
    assert two.transitions()[-1].cause is Cause.PRIORITY_ZERO


def test_at_a_planned_stop_the_old_master_holds_until_the_new_one_is_announced_which_has_the_last_word() -> None:
    segment, one, two = pair()
    stopped_s = segment.now_s
    segment.tell(one, Shutdown())
    segment.run(2.0)
    let_go_s = one.times(ReleaseAddresses)[-1]
    first, last = two.times(Announce, since_s=stopped_s)
    assert first < let_go_s < last
    assert let_go_s - first == pytest.approx(LINK_DELAY_S + 0.05)
    end = one.transitions()[-1]
    assert (end.cause, end.sender, end.sender_priority) == (Cause.HANDED_OVER, two.address, 50)


@pytest.mark.parametrize("priorities", [(100, 1), (100, 50, 49), (255, 254, 1)])
def test_at_a_planned_stop_the_addresses_are_held_at_every_moment(priorities: tuple[int, ...]) -> None:
    segment = Segment(*(router(priority=priority) for priority in priorities))
    one, two, *_ = segment.hosts
    segment.start()
    segment.run(SETTLED_S)
    segment.tell(one, Shutdown())
    for _ in range(1500):
        segment.run(0.001)
        assert any(host.holds for host in segment.hosts)
    assert [host for host in segment.hosts if host.holds] == segment.masters() == [two]


def test_a_crash_is_over_after_the_master_down_interval() -> None:
    segment, one, two = pair()
    last_advert_s = one.times(SendAdvert)[-1]
    segment.crash(one)
    segment.run(SETTLED_S)
    assert two.times(SendAdvert)[0] == pytest.approx(last_advert_s + LINK_DELAY_S + 3 + 206 / 256)
    assert two.transitions()[-1].cause is Cause.MASTER_TIMEOUT


def test_of_two_backups_the_better_one_follows_and_the_other_stays() -> None:
    segment = Segment(*(router(priority=priority) for priority in (200, 150, 149)))
    first, second, third = segment.hosts
    segment.start()
    segment.run(SETTLED_S)
    segment.crash(first)
    segment.run(SETTLED_S)
    assert segment.masters() == [second]
    assert third.instance.counters.became_master == 0


def test_a_master_that_dies_and_is_back_at_once_is_missed_by_nobody() -> None:
    segment, one, two = pair()
    configuration = one.instance.router
    segment.crash(one)
    segment.run(1.5)
    back = Segment(configuration).hosts[0]
    segment.hosts.insert(0, back)
    segment.tell(back, SourceChanged(back.address))
    segment.tell(back, Start(resume_master=True))
    segment.run(SETTLED_S)
    assert segment.masters() == [back]
    assert two.instance.counters.became_master == 0
    assert back.times(ReleaseAddresses) == []


@pytest.mark.parametrize("phase_s", [number / 10 for number in range(10)])
@pytest.mark.parametrize("priorities", [(100, 50), (100, 100)])
def test_a_healed_partition_is_announced_by_who_stays_whoever_speaks_first(phase_s: float, priorities: tuple[int, int]) -> None:
    segment, one, two = pair(*priorities)
    one.side = 1
    segment.run(10.0 + phase_s)
    assert segment.masters() == [one, two]
    healed_s = segment.now_s
    one.side = 0
    segment.run(1.1)
    (winner,) = segment.masters()
    assert winner is (one if priorities[0] > priorities[1] else two)
    assert winner.times(Announce, since_s=healed_s)


def test_a_fault_hands_over_and_its_end_takes_back() -> None:
    segment, one, two = pair()
    segment.tell(one, FaultRaised("interface down"))
    segment.run(1.0)
    assert segment.masters() == [two]
    segment.tell(one, FaultCleared("interface down"))
    segment.run(SETTLED_S)
    assert segment.masters() == [one]


def test_a_reload_on_both_sides_changes_no_master() -> None:
    segment, one, two = pair()
    for host in (one, two):
        segment.tell(host, Reconfigured(router(priority=host.instance.priority, advert_interval_s=2.0)))
    segment.run(60.0)
    assert segment.masters() == [one]
    assert (one.instance.counters.became_master, two.instance.counters.became_master) == (1, 0)


def test_a_lowered_priority_changes_the_master() -> None:
    segment, one, two = pair()
    segment.tell(one, Reconfigured(router(priority=20)))
    segment.run(SETTLED_S)
    assert segment.masters() == [two]


@given(
    priorities=st.lists(st.integers(1, 255), min_size=2, max_size=4),
    preempt=st.booleans(),
    delays_s=st.lists(st.floats(0, 10), min_size=4, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_without_loss_exactly_one_master_settles_within_its_time(
    priorities: list[int], preempt: bool, delays_s: list[float]
) -> None:
    segment = Segment(*(router(priority=priority, preempt=preempt) for priority in priorities))
    hosts = list(segment.hosts)
    for host, delay_s in zip(hosts, delays_s, strict=False):
        segment.start(host)
        segment.run(delay_s)
    # Time for the last to find its master silent, and an advert of every other to reach it.
    segment.run(master_down_interval_s(min(priorities), 1.0) + 1.0 + 2 * LINK_DELAY_S)
    (winner,) = segment.masters()
    if preempt:
        best = max(priorities)
        assert winner.instance.priority == best
    assert {host.instance.master_address for host in hosts} == {winner.address}
    masters_before = winner.instance.counters.became_master
    segment.run(30.0)
    assert segment.masters() == [winner]
    assert winner.instance.counters.became_master == masters_before


@pytest.mark.parametrize("seed", range(20))
def test_with_loss_there_is_nearly_always_one_master_and_in_the_end_the_better_one(seed: int) -> None:
    segment = Segment(router(priority=100), router(priority=50), loss=0.3, seed=seed)
    one, two = segment.hosts
    segment.start()
    segment.run(SETTLED_S)
    with_one = 0
    for _ in range(600):
        segment.run(0.5)
        with_one += len(segment.masters()) == 1
        assert segment.masters(), "nobody is master"
    # Two masters come of three adverts lost in a row (0.3 ** 3) and last until one gets through.
    assert with_one > 600 * 0.9
    segment._loss = 0.0
    segment.run(SETTLED_S)
    assert segment.masters() == [one]
    assert two.instance.master_address == one.address
