"""keepalived and vrrpd as the two routers of every kind of virtual router at once, both ways round.

What they are put through is told in :mod:`tests.interop.story`; both ways round at once, for most of the time is waiting. The
tests only look.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

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
from tests.interop.members import Wiretap, connected
from tests.interop.pair import EARLY_S, MIXED, complaints
from tests.interop.story import LESSENED, RAISED, Episode, Pair, Story, tell, unusual
from tests.interop.wire import searched_for_duplicates

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Story]]:
    """What happened, by who was the first and who the second."""
    with ExitStack() as undo:
        pairs = [_pair(undo, tmp_path_factory.mktemp("mixed"), number, routers) for number, routers in enumerate(MIXED)]
        with ThreadPoolExecutor(len(pairs)) as narrators:
            told = dict(zip(MIXED, narrators.map(tell, pairs), strict=True))
        yield told


def _pair(undo: ExitStack, directory: Path, number: int, routers: tuple[str, str]) -> Pair:
    for own in (FIRST, SECOND):
        (directory / f"{own}.conf").write_text(configuration(own))
    members = undo.enter_context(connected(f"mixed{number}-", directory, dict(zip((FIRST, SECOND), routers, strict=True))))
    return Pair(members[FIRST], members[SECOND], undo.enter_context(Wiretap(members[FIRST].lab)))


@pytest.fixture(params=MIXED, ids=" with ".join)
def story(request: pytest.FixtureRequest, stories: dict[tuple[str, str], Story]) -> Story:
    """One way round."""
    return stories[request.param]


def every(*kinds: Kind) -> pytest.MarkDecorator:
    """Run a test for each of these virtual routers."""
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


def takes_over(episode: Episode, kind: Kind, host: int, priority: int) -> float:
    """When a host's first advert was seen; all have that priority."""
    own = episode.adverts_of(host, kind)
    assert [advert.priority for advert in own] == [priority] * len(own)
    return own[0].time_s


@every(*KINDS)
def test_after_a_farewell_the_second_takes_over_by_its_skew(story: Story, kind: Kind) -> None:
    *living, farewell = story.stop.adverts_of(FIRST, kind)
    assert {advert.priority for advert in living} <= {PRIORITIES[FIRST]}
    assert farewell.priority == 0
    wait_s = takes_over(story.stop, kind, SECOND, PRIORITIES[SECOND]) - farewell.time_s
    assert kind.skew_s(PRIORITIES[SECOND]) - EARLY_S <= wait_s < kind.master_down_s(PRIORITIES[SECOND])


@every(*(kind for kind in KINDS if kind != NO_PREEMPTION))
def test_the_first_comes_home_and_the_second_yields(story: Story, kind: Kind) -> None:
    takes_over(story.homecoming, kind, FIRST, PRIORITIES[FIRST])
    assert story.homecoming.masters(kind) == [SECOND, FIRST]
    assert {advert.priority for advert in story.homecoming.adverts_of(SECOND, kind)} == {PRIORITIES[SECOND]}


def test_a_router_that_may_not_preempt_leaves_a_living_master_alone(story: Story) -> None:
    assert story.homecoming.masters(NO_PREEMPTION) == [SECOND]


def test_a_router_that_has_to_wait_takes_its_time(story: Story) -> None:
    """From the first advert of the lesser master, which it cannot have heard before its start."""
    prompt_s, late_s = (story.homecoming.adverts_of(FIRST, kind)[0].time_s for kind in (TRACKING, LATE_PREEMPTION))
    assert late_s - story.homecoming.begin_s >= PREEMPT_DELAY_S
    assert prompt_s < late_s


def test_what_is_tracked_takes_priority_and_gives_it_back(story: Story) -> None:
    assert story.lost_track.adverts_of(FIRST, TRACKING)[-1].priority == PRIORITIES[FIRST] + WEIGHT
    takes_over(story.lost_track, TRACKING, SECOND, PRIORITIES[SECOND])
    takes_over(story.found_track, TRACKING, FIRST, PRIORITIES[FIRST])


@every(*GROUPED)
def test_a_sync_group_goes_with_the_link_of_one_and_comes_back_with_it(story: Story, kind: Kind) -> None:
    takes_over(story.lost_link, kind, SECOND, PRIORITIES[SECOND])
    takes_over(story.found_link, kind, FIRST, PRIORITIES[FIRST])


def test_the_member_with_a_link_says_farewell(story: Story) -> None:
    outside, _inside = GROUPED
    assert story.lost_link.adverts_of(FIRST, outside)[-1].priority == 0


@every(*RELOADED)
def test_a_master_that_a_reload_makes_the_lesser_one_says_so_and_is_replaced(story: Story, kind: Kind) -> None:
    assert story.first_lessened.adverts_of(FIRST, kind)[-1].priority == LESSENED[FIRST]
    takes_over(story.first_lessened, kind, SECOND, PRIORITIES[SECOND])
    assert story.second_lessened.adverts_of(SECOND, kind)[-1].priority == LESSENED[SECOND]
    takes_over(story.second_lessened, kind, FIRST, LESSENED[FIRST])


@every(*RELOADED)
def test_a_backup_that_a_reload_makes_the_better_one_replaces_the_master(story: Story, kind: Kind) -> None:
    takes_over(story.second_raised, kind, SECOND, RAISED[SECOND])
    takes_over(story.first_raised, kind, FIRST, RAISED[FIRST])


@pytest.mark.parametrize(
    ("step", "concerned"),
    [
        ("lost_track", (TRACKING,)),
        ("found_track", (TRACKING,)),
        ("lost_link", GROUPED),
        ("found_link", GROUPED),
        ("first_lessened", RELOADED),
        ("second_lessened", RELOADED),
        ("second_raised", RELOADED),
        ("first_raised", RELOADED),
        ("second_stop", ()),
    ],
)
def test_what_is_not_concerned_keeps_its_master(story: Story, step: str, concerned: tuple[Kind, ...]) -> None:
    episode: Episode = getattr(story, step)
    others = [kind for kind in KINDS if kind not in (NO_PREEMPTION, *concerned)]
    assert {kind.name: episode.masters(kind) for kind in others if SECOND in episode.masters(kind)} == {}
    assert {advert.priority for kind in others for advert in episode.adverts(kind)} <= {PRIORITIES[FIRST], RAISED[FIRST]}


def test_a_router_that_may_not_preempt_follows_one_that_leaves(story: Story) -> None:
    assert story.second_stop.adverts_of(SECOND, NO_PREEMPTION)[-1].priority == 0
    takes_over(story.second_stop, NO_PREEMPTION, FIRST, PRIORITIES[FIRST])


@every(*KINDS)
def test_after_a_crash_the_second_takes_over_when_it_has_been_silent_for_long_enough(story: Story, kind: Kind) -> None:
    priority = RAISED[SECOND] if kind in RELOADED else PRIORITIES[SECOND]
    own_s = takes_over(story.crash, kind, SECOND, priority)
    for last_sign in story.crash.adverts_of(FIRST, kind)[-1:]:
        assert last_sign.priority, "a machine without power says no farewell"
        assert own_s - last_sign.time_s >= kind.master_down_s(priority) - EARLY_S


@every(*KINDS)
def test_in_the_end_one_farewell_is_said(story: Story, kind: Kind) -> None:
    assert [advert.priority for advert in story.end.adverts_of(SECOND, kind)].count(0) == 1


def test_nothing_is_left_after_the_end(story: Story) -> None:
    assert story.pair.second.addresses() == story.pair.second.own_addresses


@every(*KINDS)
def test_whoever_speaks_says_the_same(stories: dict[tuple[str, str], Story], kind: Kind) -> None:
    """Each host of each priority, over all that happens; what keepalived says alone is in the captures."""
    one, other = (
        {whose: {kind.as_vrrpd_says(octets) for octets in said} for whose, said in story.said(kind).items()}
        for story in stories.values()
    )
    assert one == other
    assert {(FIRST, PRIORITIES[FIRST]), (FIRST, 0), (SECOND, PRIORITIES[SECOND]), (SECOND, 0)} <= one.keys()
    assert all(len(said) == 1 for said in one.values())


def test_addresses_of_ipv6_are_in_use_at_once(story: Story) -> None:
    assert story.pair.tentative == set()


def test_nobody_is_asked_whether_a_virtual_address_is_free(story: Story) -> None:
    asked = set().union(*(searched_for_duplicates(episode.frames) for episode in story.episodes()))
    assert asked.isdisjoint(address for kind in KINDS for address in kind.addresses)


def test_keepalived_has_nothing_to_complain_about(story: Story) -> None:
    log = story.pair.keepalived.daemon.log()
    assert "Entering MASTER STATE" in log
    assert complaints(log) == []


def test_vrrpd_refuses_no_advert_of_keepalived_and_says_nothing_unusual(story: Story) -> None:
    assert "-> MASTER" in story.pair.vrrpd.daemon.log()
    assert unusual(story.pair.vrrpd) == []
    assert story.pair.refusals
    assert set(story.pair.refusals) == {0.0}
