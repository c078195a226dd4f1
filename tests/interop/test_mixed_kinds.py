"""keepalived and vrrpd as the two routers of every kind of virtual router at once, both ways round.

Each step is a fixture that builds on the one before it and keeps what passed the wire; the tests only look. The first host has
priority 100 and the second 50.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import pytest

from netns_lab.sniffer import Frame
from netns_lab.topology import Address
from netns_lab.waiting import wait_for
from tests.interop.every_kind import (
    FIRST,
    GROUPED,
    KINDS,
    LATE_PREEMPTION,
    NO_PREEMPTION,
    PREEMPT_DELAY_S,
    PRIORITIES,
    RELOADED,
    SECOND,
    TRACKING,
    WEIGHT,
    Kind,
    configuration,
)
from tests.interop.members import HOLDERS_S, Member, Wiretap, connected
from tests.interop.pair import MIXED
from tests.interop.wire import SOURCE_MAC, Advert, Announcement, adverts, announcements, searched_for_duplicates

pytestmark = pytest.mark.kernel

ROUNDS = 5
"""`garp_master_repeat`."""
LESSENED = {FIRST: 40, SECOND: 30}
"""What reloading makes of the priorities: by it the first router gives way, and then the second."""
EARLY_S = 0.005
"""A wait may seem to be so much too short: its end is seen on the bridge before its begin was, where the machine is busy."""
COMPLAINTS = re.compile(
    r"bogus|invalid|mismatch|incorrect|wrong|bad |error|unknown|expected|dropp|discarding|ignor", re.IGNORECASE
)
"""Words by which keepalived speaks of adverts that it does not like."""
PREEMPTION = re.compile(r"received lower priority \(\d+\) advert from \S+ - discarding$")
"""What keepalived says of the master that it is about to replace, whoever that is."""


def sender(seen: Advert | Announcement) -> int:
    """Which host it came from: its number ends its hardware addresses."""
    return seen.octets[SOURCE_MAC][-1]


@dataclass(frozen=True)
class Episode:
    """One thing that was done, as the wire saw it."""

    frames: list[Frame]

    def adverts(self, kind: Kind) -> list[Advert]:
        """Those of one virtual router."""
        mine = (kind.family, kind.virtual_router_id)
        return [advert for advert in adverts(self.frames) if (advert.source.version, advert.virtual_router_id) == mine]

    def adverts_of(self, host: int, kind: Kind) -> list[Advert]:
        """What one host sent of them."""
        return [advert for advert in self.adverts(kind) if sender(advert) == host]

    def announced_by(self, host: int) -> Counter[Address]:
        """How often one host announced each address."""
        return Counter(one.address for one in announcements(self.frames) if sender(one) == host)

    def masters(self, kind: Kind) -> list[int]:
        """The hosts that sent adverts of a virtual router, in the order of their first."""
        return list(dict.fromkeys(map(sender, self.adverts(kind))))


class MixedPair:
    """The two hosts and who is to hold what."""

    def __init__(self, first: Member, second: Member, wiretap: Wiretap) -> None:
        self.first = first
        self.second = second
        self._second_has: Collection[Kind] = ()
        self._wiretap = wiretap
        self.refusals: list[float] = []
        """What the vrrpd had refused, each time that it ended."""
        self.tentative: set[Address] = set()
        """Virtual addresses that were not in use yet when their holder was seen."""

    @property
    def keepalived(self) -> Member:
        """Whoever it is."""
        return self.first if self.first.router == "keepalived" else self.second

    @property
    def vrrpd(self) -> Member:
        """The other one."""
        return self.second if self.first.router == "keepalived" else self.first

    def record(self, act: Callable[[], object]) -> Episode:
        """Do something, and keep what passed meanwhile."""
        self._wiretap.frames()
        act()
        return Episode(self._wiretap.frames())

    def observe(self, act: Callable[[], object], second_has: Collection[Kind]) -> Episode:
        """Do something, wait until the second host is master of these virtual routers, and keep what passed meanwhile."""
        before = self._second_has
        moved = {kind: SECOND if kind in second_has else FIRST for kind in KINDS if (kind in second_has) != (kind in before)}

        def act_and_wait() -> None:
            act()
            self.wait(second_has)

        episode = self.record(act_and_wait)
        wait_for(lambda: self._is_announced(moved, episode), HOLDERS_S, f"announcements of {[kind.name for kind in moved]}")
        return episode

    def _is_announced(self, moved: Mapping[Kind, int], episode: Episode) -> bool:
        """Whether each address was announced often enough by its new holder, which begins when it is there already."""
        episode.frames.extend(self._wiretap.frames())
        return all(episode.announced_by(host)[address] >= ROUNDS for kind, host in moved.items() for address in kind.addresses)

    def wait(self, second_has: Collection[Kind]) -> None:
        """Until the second host has the addresses of these virtual routers, the first all others, and neither any more."""
        others = {address for kind in KINDS if kind not in second_has for address in kind.addresses}
        theirs = {address for kind in second_has for address in kind.addresses}
        wanted: dict[Member, set[Address]] = {self.first: others, self.second: theirs}
        wait_for(
            lambda: all(member.addresses() == member.own_addresses | mine for member, mine in wanted.items()),
            HOLDERS_S,
            f"{[kind.name for kind in second_has]} at {self.second}, all others at {self.first}",
        )
        self._second_has = second_has
        self.tentative |= self.first.tentative() & others | self.second.tentative() & theirs

    def stop(self, member: Member, end: Callable[[], object]) -> None:
        """End a daemon, after a look at what it has counted."""
        if member is self.vrrpd:
            self.refusals.append(member.statistics.metric("vrrpd_adverts_rejected_total"))
            self.refusals.append(member.statistics.metric("vrrpd_unknown_virtual_router_adverts_total"))
        end()


@pytest.fixture(scope="module", params=MIXED, ids=" with ".join)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MixedPair]:
    """Both daemons at work, the first being master of all."""
    directory = tmp_path_factory.mktemp("mixed")
    for own in (FIRST, SECOND):
        (directory / f"{own}.conf").write_text(configuration(own))
    with connected("", directory, dict(zip((FIRST, SECOND), request.param, strict=True))) as members:
        first, second = members[FIRST], members[SECOND]
        with Wiretap(first.lab) as wiretap:
            pair = MixedPair(first, second, wiretap)
            first.start()
            pair.wait(second_has=())
            second.start()
            second.wait_until_listening(KINDS)
            yield pair


@pytest.fixture(scope="module")
def stop(pair: MixedPair) -> Episode:
    """The first is stopped in good order."""
    return pair.observe(lambda: pair.stop(pair.first, pair.first.daemon.stop), second_has=KINDS)


@pytest.fixture(scope="module")
def homecoming(pair: MixedPair, stop: Episode) -> Episode:
    """The first is started again, while the second is a living master."""
    return pair.observe(pair.first.start, second_has=[NO_PREEMPTION])


@pytest.fixture(scope="module")
def lost_track(pair: MixedPair, homecoming: Episode) -> Episode:
    """What the first tracks goes down."""
    return pair.observe(pair.first.lose_track, second_has=[NO_PREEMPTION, TRACKING])


@pytest.fixture(scope="module")
def found_track(pair: MixedPair, lost_track: Episode) -> Episode:
    """And comes up again."""
    return pair.observe(pair.first.find_track, second_has=[NO_PREEMPTION])


@pytest.fixture(scope="module")
def lost_link(pair: MixedPair, found_track: Episode) -> Episode:
    """The first loses the link of one member of its sync group."""
    return pair.observe(pair.first.lose_link, second_has=[NO_PREEMPTION, *GROUPED])


@pytest.fixture(scope="module")
def found_link(pair: MixedPair, lost_link: Episode) -> Episode:
    """And has it again."""
    return pair.observe(pair.first.find_link, second_has=[NO_PREEMPTION])


@pytest.fixture(scope="module")
def first_reload(pair: MixedPair, found_link: Episode) -> Episode:
    """The first is told of less priority for two virtual routers."""
    return pair.observe(lambda: reload(pair.first), second_has=[NO_PREEMPTION, *RELOADED])


@pytest.fixture(scope="module")
def second_reload(pair: MixedPair, first_reload: Episode) -> Episode:
    """The second is told of even less."""
    return pair.observe(lambda: reload(pair.second), second_has=[NO_PREEMPTION])


def reload(member: Member) -> None:
    """Have a daemon read its file again, with less priority for some virtual routers."""
    own = member.own
    member.reload(*((kind.text(own, PRIORITIES[own]), kind.text(own, LESSENED[own])) for kind in RELOADED))


@pytest.fixture(scope="module")
def second_stop(pair: MixedPair, second_reload: Episode) -> Episode:
    """The second is stopped, and is master of what the first may not take from it."""
    return pair.observe(lambda: pair.stop(pair.second, pair.second.daemon.stop), second_has=())


@pytest.fixture(scope="module")
def crash(pair: MixedPair, second_stop: Episode) -> Episode:
    """The second is back, and the first loses its power."""
    written = len(pair.second.daemon.log())
    pair.second.start()
    pair.second.wait_until_listening(KINDS, after=written)
    return pair.observe(lambda: pair.stop(pair.first, pair.first.lose_power), second_has=KINDS)


@pytest.fixture(scope="module")
def end(pair: MixedPair, crash: Episode) -> Episode:
    """The second is stopped, and nobody is there to follow it."""
    return pair.record(lambda: pair.stop(pair.second, pair.second.daemon.stop))


def every(*kinds: Kind) -> pytest.MarkDecorator:
    """Run a test for each of these virtual routers."""
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


def takes_over(episode: Episode, kind: Kind, host: int, priority: int) -> float:
    """When a host's first advert was seen; all have that priority."""
    own = episode.adverts_of(host, kind)
    assert [advert.priority for advert in own] == [priority] * len(own)
    return own[0].time_s


@every(*KINDS)
def test_after_a_farewell_the_second_takes_over_by_its_skew(pair: MixedPair, stop: Episode, kind: Kind) -> None:
    *living, farewell = stop.adverts_of(FIRST, kind)
    assert {advert.priority for advert in living} <= {PRIORITIES[FIRST]}
    assert farewell.priority == 0
    wait_s = takes_over(stop, kind, SECOND, PRIORITIES[SECOND]) - farewell.time_s
    assert kind.skew_s(PRIORITIES[SECOND]) - EARLY_S <= wait_s < kind.master_down_s(PRIORITIES[SECOND])


@every(*(kind for kind in KINDS if kind != NO_PREEMPTION))
def test_the_first_comes_home_and_the_second_yields(pair: MixedPair, homecoming: Episode, kind: Kind) -> None:
    own_s = takes_over(homecoming, kind, FIRST, PRIORITIES[FIRST])
    of_second = homecoming.adverts_of(SECOND, kind)
    assert {advert.priority for advert in of_second} == {PRIORITIES[SECOND]}
    assert of_second[0].time_s < own_s
    assert of_second[-1].time_s < own_s + kind.interval_s


def test_a_router_that_may_not_preempt_leaves_a_living_master_alone(homecoming: Episode) -> None:
    assert homecoming.masters(NO_PREEMPTION) == [SECOND]


@every(LATE_PREEMPTION)
def test_a_router_that_has_to_wait_takes_its_time(homecoming: Episode, kind: Kind) -> None:
    prompt_s, late_s = (homecoming.adverts_of(FIRST, one)[0].time_s for one in (TRACKING, kind))
    assert late_s - prompt_s > PREEMPT_DELAY_S - kind.interval_s


def test_what_is_tracked_takes_priority_and_gives_it_back(lost_track: Episode, found_track: Episode) -> None:
    lessened = PRIORITIES[FIRST] + WEIGHT
    assert lost_track.adverts_of(FIRST, TRACKING)[-1].priority == lessened
    takes_over(lost_track, TRACKING, SECOND, PRIORITIES[SECOND])
    takes_over(found_track, TRACKING, FIRST, PRIORITIES[FIRST])


@every(*GROUPED)
def test_a_sync_group_goes_with_the_link_of_one_and_comes_back_with_it(
    lost_link: Episode, found_link: Episode, kind: Kind
) -> None:
    takes_over(lost_link, kind, SECOND, PRIORITIES[SECOND])
    takes_over(found_link, kind, FIRST, PRIORITIES[FIRST])


def test_the_member_with_a_link_says_farewell(lost_link: Episode) -> None:
    assert lost_link.adverts_of(FIRST, GROUPED[0])[-1].priority == 0


@every(*RELOADED)
def test_a_reload_changes_the_priority_and_then_the_master(first_reload: Episode, second_reload: Episode, kind: Kind) -> None:
    assert first_reload.adverts_of(FIRST, kind)[-1].priority == LESSENED[FIRST]
    takes_over(first_reload, kind, SECOND, PRIORITIES[SECOND])
    assert second_reload.adverts_of(SECOND, kind)[-1].priority == LESSENED[SECOND]
    takes_over(second_reload, kind, FIRST, LESSENED[FIRST])


@pytest.mark.parametrize(
    ("step", "concerned"),
    [
        ("lost_track", (TRACKING,)),
        ("found_track", (TRACKING,)),
        ("lost_link", GROUPED),
        ("found_link", GROUPED),
        ("first_reload", RELOADED),
        ("second_reload", RELOADED),
        ("second_stop", ()),
    ],
)
def test_what_is_not_concerned_keeps_its_master(
    request: pytest.FixtureRequest, second_stop: Episode, step: str, concerned: tuple[Kind, ...]
) -> None:
    episode: Episode = request.getfixturevalue(step)
    others = [kind for kind in KINDS if kind not in (NO_PREEMPTION, *concerned)]
    assert {kind.name: episode.masters(kind) for kind in others if SECOND in episode.masters(kind)} == {}
    assert {advert.priority for kind in others for advert in episode.adverts(kind)} <= {PRIORITIES[FIRST], LESSENED[FIRST]}


def test_a_router_that_may_not_preempt_follows_one_that_leaves(second_stop: Episode) -> None:
    assert second_stop.adverts_of(SECOND, NO_PREEMPTION)[-1].priority == 0
    takes_over(second_stop, NO_PREEMPTION, FIRST, PRIORITIES[FIRST])


@every(*KINDS)
def test_after_a_crash_the_second_takes_over_when_it_has_been_silent_for_long_enough(crash: Episode, kind: Kind) -> None:
    priority = LESSENED[SECOND] if kind in RELOADED else PRIORITIES[SECOND]
    own_s = takes_over(crash, kind, SECOND, priority)
    for last_sign in crash.adverts_of(FIRST, kind)[-1:]:
        assert last_sign.priority, "a machine without power says no farewell"
        assert own_s - last_sign.time_s >= kind.master_down_s(priority) - EARLY_S


@every(*KINDS)
def test_in_the_end_one_farewell_is_said(end: Episode, kind: Kind) -> None:
    assert [advert.priority for advert in end.adverts_of(SECOND, kind)].count(0) == 1


def test_nothing_is_left_after_the_end(pair: MixedPair, end: Episode) -> None:
    assert pair.second.addresses() == pair.second.own_addresses


def test_addresses_of_ipv6_are_in_use_at_once(pair: MixedPair, end: Episode) -> None:
    assert pair.tentative == set()


@pytest.mark.parametrize("step", ["stop", "homecoming", "lost_link", "found_link", "first_reload", "second_reload", "crash"])
def test_nobody_is_asked_whether_a_virtual_address_is_free(request: pytest.FixtureRequest, end: Episode, step: str) -> None:
    episode: Episode = request.getfixturevalue(step)
    assert searched_for_duplicates(episode.frames).isdisjoint(address for kind in KINDS for address in kind.addresses)


def test_keepalived_has_nothing_to_complain_about(pair: MixedPair, end: Episode) -> None:
    lines = pair.keepalived.daemon.log().splitlines()
    assert any("Entering MASTER STATE" in line for line in lines)
    assert [line for line in lines if COMPLAINTS.search(line) and not PREEMPTION.search(line)] == []


def test_vrrpd_refuses_no_advert_of_keepalived(pair: MixedPair, end: Episode) -> None:
    lines = pair.vrrpd.daemon.log().splitlines()
    assert any("-> MASTER" in line for line in lines)
    assert [line for line in lines if "dropped" in line or "Traceback" in line or "ERROR" in line] == []
    assert pair.refusals
    assert set(pair.refusals) == {0.0}
