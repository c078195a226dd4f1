"""keepalived and vrrpd as the two directors of one virtual address, both ways round: through stop, return, crash and return.

Each step is a fixture that builds on the one before it and keeps what the wire and the client saw; the tests only look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.programs import start_web_servers
from netns_lab.waiting import wait_for
from tests.interop.pair import (
    EARLY_S,
    HOLDER_TIMEOUT_S,
    LATE_S,
    MASTER_DOWN_50_S,
    MIXED,
    SKEW_50_S,
    Episode,
    Pair,
    Party,
    complaints,
)

pytestmark = pytest.mark.kernel

REQUESTS = 300
REAL_SERVERS = 2
TABLE_TIMEOUT_S = 10.0
OUTAGE_MAX_MS = SKEW_50_S / 2 * 1000
"""Where somebody serves all the time. How little it is depends on the machine, too, and stands in tests/lab/test_hand_over.py.
Half of the time in which nobody would serve is a clear difference."""
STOP_OUTAGE_MAX_MS = {"vrrpd": OUTAGE_MAX_MS, "keepalived": (SKEW_50_S + LATE_S) * 1000}
"""By who stops: a vrrpd serves until the other does."""
TAKEOVER_MAX_S = MASTER_DOWN_50_S + LATE_S
ROUNDS = 5
"""`garp_master_repeat`."""
ANNOUNCED_BEFORE_FIRST_ADVERT = {"vrrpd": ROUNDS, "keepalived": 0}
"""Gratuitous ARPs of a director that preempts."""
LAST_WORDS = {"vrrpd": 1, "keepalived": 0}
"""Adverts of a director that is preempted, after it has heard its better."""


@pytest.fixture(scope="module", params=MIXED, ids=" with ".join)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Both directors at work, director 1 being master."""
    with Lab(topology.load("lvs-dr")) as lab:
        start_web_servers(lab)
        pair = Pair(lab, request.param)
        pair.first.start()
        pair.second.start()
        pair.wait_for_holder(pair.first)
        for party in (pair.first, pair.second):
            wait_for_table(party)
        yield pair


def wait_for_table(party: Party) -> None:
    """Until both real servers are in the director's table."""
    wait_for(lambda: len(party.host.real_servers()) == REAL_SERVERS, TABLE_TIMEOUT_S, f"both servers in {party.host}")


class Election(NamedTuple):
    """How it stood after the start."""

    holders: list[str]
    answers: dict[str, int]


@pytest.fixture(scope="module")
def election(pair: Pair) -> Election:
    """Requests to whoever was elected."""
    answers = pair.client.request(pair.address, count=REQUESTS)
    return Election([host.plan.name for host in pair.lab.holders()], dict(answers))


@pytest.fixture(scope="module")
def stop(pair: Pair, election: Election) -> Episode:
    """Director 1 is stopped in good order."""

    def act() -> None:
        pair.first.daemon.stop()
        pair.wait_for_holder(pair.second)

    return pair.observe(act)


@pytest.fixture(scope="module")
def first_return(pair: Pair, stop: Episode) -> Episode:
    """Director 1 is started again, while director 2 is a living master."""

    def act() -> None:
        pair.first.start()
        pair.wait_for_holder(pair.first)

    return pair.observe(act)


@pytest.fixture(scope="module")
def crash(pair: Pair, first_return: Episode) -> Episode:
    """Director 1 loses its power."""

    def act() -> None:
        pair.first.host.unplug()
        pair.first.daemon.crash()
        wait_for(lambda: pair.second.host.holds(pair.address), HOLDER_TIMEOUT_S, "director 2 as the master")

    return pair.observe(act)


@pytest.fixture(scope="module")
def second_return(pair: Pair, crash: Episode) -> Episode:
    """Director 1 has power again: its kernel remembers nothing."""
    pair.first.host.run("ip", "address", "flush", "dev", "eth0", "to", str(pair.address))
    pair.first.host.run("ipvsadm", "--clear")

    def act() -> None:
        pair.first.host.plug()
        pair.first.start()
        pair.wait_for_holder(pair.first)

    return pair.observe(act)


@pytest.fixture(params=["first_return", "second_return"])
def homecoming(request: pytest.FixtureRequest, pair: Pair) -> Episode:
    """Director 1 of the pair preempts, after a stop and after a crash."""
    episode = request.getfixturevalue(request.param)
    assert isinstance(episode, Episode)
    return episode


def test_director_1_alone_holds_the_address_and_balances(election: Election) -> None:
    assert election.holders == ["lvs1"]
    assert election.answers == {"web1": REQUESTS // 3, "web2": REQUESTS * 2 // 3}


def test_a_stopped_master_says_so_once_and_the_other_takes_over_after_its_skew(pair: Pair, stop: Episode) -> None:
    *_, farewell = stop.adverts_of(pair.first)
    assert [advert.priority for advert in stop.adverts_of(pair.first)].count(0) == 1
    assert farewell.priority == 0
    successor = stop.adverts_of(pair.second)[0]
    assert successor.priority == 50
    assert SKEW_50_S - EARLY_S <= successor.time_s - farewell.time_s <= SKEW_50_S + LATE_S
    assert 0 < stop.announcements_of(pair.second)[0].time_s - successor.time_s < LATE_S


def test_a_planned_stop_costs_the_client_the_skew_of_a_keepalived_and_hardly_anything_of_a_vrrpd(
    pair: Pair, stop: Episode
) -> None:
    assert stop.outage_ms <= STOP_OUTAGE_MAX_MS[pair.first.router]
    assert stop.holders == [pair.second.host]


def test_director_1_takes_its_place_again(pair: Pair, homecoming: Episode) -> None:
    assert homecoming.holders == [pair.first.host]
    assert {advert.priority for advert in homecoming.adverts_of(pair.first)} == {100}


def test_the_return_costs_the_client_hardly_anything(homecoming: Episode) -> None:
    assert homecoming.outage_ms <= OUTAGE_MAX_MS


def test_a_preempting_vrrpd_is_announced_before_its_advert_ends_the_old_masters_reign(pair: Pair, homecoming: Episode) -> None:
    first_own = homecoming.adverts_of(pair.first)[0]
    announcements = homecoming.announcements_of(pair.first)
    before = [announcement for announcement in announcements if announcement.time_s < first_own.time_s]
    assert len(before) == ANNOUNCED_BEFORE_FIRST_ADVERT[pair.first.router]
    assert all(first_own.time_s - announcement.time_s < LATE_S for announcement in before)
    assert len(announcements) >= ROUNDS


def test_a_vrrpd_that_yields_has_the_last_word_and_keepalived_answers_it(pair: Pair, homecoming: Episode) -> None:
    begin_s = homecoming.adverts_of(pair.first)[0].time_s
    last_words = [advert.priority for advert in homecoming.adverts_of(pair.second) if advert.time_s > begin_s]
    assert last_words == [50] * LAST_WORDS[pair.second.router]
    answers = [advert for advert in homecoming.adverts_of(pair.first) if 0 < advert.time_s - begin_s < LATE_S]
    assert len(answers) == len(last_words)


def test_after_a_crash_director_2_takes_over_when_its_wait_is_over(pair: Pair, crash: Episode) -> None:
    last_sign = crash.adverts_of(pair.first)[-1]
    assert last_sign.priority == 100, "a machine without power says no farewell"
    silence_s = crash.adverts_of(pair.second)[0].time_s - last_sign.time_s
    assert MASTER_DOWN_50_S - EARLY_S <= silence_s <= TAKEOVER_MAX_S
    assert crash.outage_ms <= TAKEOVER_MAX_S * 1000


def test_in_the_end_exactly_director_1_holds_the_address(pair: Pair, second_return: Episode) -> None:
    assert second_return.holders == [pair.first.host]
    wait_for_table(pair.first)


def test_keepalived_has_nothing_to_complain_about(pair: Pair, second_return: Episode) -> None:
    party = pair.first if pair.first.router == "keepalived" else pair.second
    assert "(VI_1) Entering MASTER STATE" in party.daemon.log()
    assert [line for line in complaints(party.daemon.log()) if "(VI_1)" in line] == []


def test_vrrpd_drops_no_advert_of_keepalived(pair: Pair, second_return: Episode) -> None:
    party = pair.first if pair.first.router == "vrrpd" else pair.second
    lines = party.daemon.log().splitlines()
    assert any("-> MASTER" in line for line in lines)
    assert [line for line in lines if "dropped" in line or "Traceback" in line] == []
