"""keepalived and vrrpd, masters both while the network was parted, meet again: no client must go on talking to the loser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.programs import start_web_servers
from netns_lab.sniffer import Sniffer, is_vrrp
from netns_lab.waiting import wait_for
from tests.interop.pair import HOLDER_TIMEOUT_S, MIXED, Pair, Party

pytestmark = pytest.mark.kernel

ADVERT_TIMEOUT_S = 3.0
OUTAGE_MAX_MS = 1_000.0
"""Until the first advert after the healing ends one of the reigns, the client is served."""


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """web1 is master."""
    with Lab(topology.load("web-ha")) as lab:
        start_web_servers(lab)
        pair = Pair(lab, request.param)
        pair.first.start("-P")
        pair.second.start("-P")
        pair.wait_for_holder(pair.first)
        yield pair


def part(pair: Pair) -> None:
    """Cut web1 off, until web2 is master as well and serves the client."""
    pair.first.host.isolate()
    wait_for(lambda: pair.second.host.holds(pair.address), HOLDER_TIMEOUT_S, "web2 as the second master")
    assert pair.first.host.holds(pair.address)
    assert pair.client.request(pair.address) == {"web2": 1}


def heal(pair: Pair, last_heard: Party) -> None:
    """End the isolation right after an advert of `last_heard`, so that the other's is the first to get through."""
    with Sniffer(last_heard.host, accept=lambda frame: is_vrrp(frame) and frame.outgoing) as sniffer:
        sniffer.wait(ADVERT_TIMEOUT_S)
    pair.first.host.rejoin()
    pair.wait_for_holder(pair.first)


def assert_client_is_served(pair: Pair, last_heard: Party) -> None:
    """Part the two, let them meet, and look at what the client saw of it."""
    part(pair)
    episode = pair.observe(lambda: heal(pair, last_heard))
    assert episode.outage_ms <= OUTAGE_MAX_MS
    assert pair.client.request(pair.address) == {"web1": 1}


@pytest.mark.parametrize("pair", MIXED, indirect=True, ids=" with ".join)
def test_the_client_is_served_when_the_lesser_master_speaks_first(pair: Pair) -> None:
    assert_client_is_served(pair, last_heard=pair.first)


@pytest.mark.parametrize("pair", MIXED[:1], indirect=True, ids=" with ".join)
def test_the_client_is_served_when_the_better_master_speaks_first(pair: Pair) -> None:
    """Only vrrpd has a last word by itself; what keepalived needs for one is in the next test."""
    assert_client_is_served(pair, last_heard=pair.second)


@pytest.mark.parametrize("pair", MIXED[1:], indirect=True, ids=" with ".join)
def test_a_keepalived_that_is_told_to_have_a_last_word_is_answered(pair: Pair) -> None:
    second = pair.second
    text = second.configuration.read_text().replace("global_defs{", "global_defs{\n  vrrp_higher_prio_send_advert true", 1)
    second.configuration = second.host.directory / "with-last-word.conf"
    second.configuration.write_text(text)
    second.daemon.stop()
    second.start("-P")
    assert_client_is_served(pair, last_heard=second)
