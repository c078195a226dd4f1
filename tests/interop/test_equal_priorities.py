"""keepalived and vrrpd with the same priority: the first to be master stays it, and where two are, the higher address wins."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.sniffer import is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.interop.pair import HOLDER_TIMEOUT_S, MIXED, Pair
from tests.interop.wire import Advert, adverts

pytestmark = pytest.mark.kernel

EQUALS = """
virtual_address = "192.168.4.15"

[hosts.client]
role = "client"
address = "192.168.4.10/24"

[hosts.lvs1]
role = "router"
address = "192.168.4.5/24"
runs = ["router"]
configuration = "equal.conf"

[hosts.lvs2]
role = "router"
address = "192.168.4.6/24"
runs = ["router"]
configuration = "equal.conf"
"""
DATA = Path(__file__).parent / "data"
ADVERT_TIMEOUT_S = 3.0
ADVERTS_HEARD = 5
"""By then a second router that did not yield, which waits 3.6 s, would have spoken, however slowly it starts."""


LATE_MAX = 2
"""Adverts of the one that yields after the first of the other: one was on its way, and a vrrpd has the last word."""


@dataclass(frozen=True)
class Meeting:
    """What was heard while the second listened to the first, and after the two had been masters apart from each other."""

    pair: Pair
    while_listening: list[Advert]
    met: list[Advert]


@pytest.fixture(scope="module")
def meetings() -> Iterator[dict[tuple[str, str], Meeting]]:
    """By who was the first and who the second; both ways round at once, for most of the time is waiting."""
    with ExitStack() as undo:
        labs = [undo.enter_context(Lab(topology.parse("equals", EQUALS, DATA), f"equal{n}-")) for n in range(len(MIXED))]
        with ThreadPoolExecutor(len(labs)) as observers:
            yield dict(zip(MIXED, observers.map(_meet, map(Pair, labs, MIXED)), strict=True))


def _meet(pair: Pair) -> Meeting:
    first, second = pair.first, pair.second
    first.start("-P")
    pair.wait_for_holder(first)
    second.start("-P")
    with on_bridge(pair.lab, is_vrrp) as sniffer:
        while_listening = adverts(sniffer.wait(ADVERT_TIMEOUT_S) for _ in range(ADVERTS_HEARD))
    second.host.isolate()
    wait_for(lambda: second.host.holds(pair.address), HOLDER_TIMEOUT_S, "director 2 as a second master")
    assert first.host.holds(pair.address)
    with on_bridge(pair.lab, is_vrrp) as sniffer:
        second.host.rejoin()
        pair.wait_for_holder(second)
        return Meeting(pair, while_listening, adverts(sniffer.frames()))


@pytest.fixture(params=MIXED, ids=" with ".join)
def meeting(request: pytest.FixtureRequest, meetings: dict[tuple[str, str], Meeting]) -> Meeting:
    """One way round. Director 2 has the higher address."""
    return meetings[request.param]


def test_a_living_master_is_left_alone(meeting: Meeting) -> None:
    assert {advert.source for advert in meeting.while_listening} == {meeting.pair.first.address}


def test_of_two_masters_the_higher_address_stays(meeting: Meeting) -> None:
    first, second = meeting.pair.first.address, meeting.pair.second.address
    begin_s = next(advert.time_s for advert in meeting.met if advert.source == second)
    late = [advert for advert in meeting.met if advert.source == first and advert.time_s > begin_s]
    assert len(late) <= LATE_MAX
