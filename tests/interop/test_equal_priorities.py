"""keepalived and vrrpd with the same priority: the first to be master stays it, and where two are, the higher address wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.sniffer import is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.interop.pair import HOLDER_TIMEOUT_S, MIXED, WIRE_TOLERANCE_S, Pair
from tests.interop.wire import adverts

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


@pytest.fixture(params=MIXED, ids=" with ".join)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Director 2 has the higher address."""
    with Lab(topology.parse("equals", EQUALS, DATA)) as lab:
        yield Pair(lab, request.param)


def test_a_living_master_is_left_alone_and_of_two_masters_the_higher_address_stays(pair: Pair) -> None:
    first, second = pair.first, pair.second
    first.start("-P")
    pair.wait_for_holder(first)
    second.start("-P")
    with on_bridge(pair.lab, is_vrrp) as sniffer:
        heard = adverts(sniffer.wait(ADVERT_TIMEOUT_S) for _ in range(ADVERTS_HEARD))
    assert {advert.source for advert in heard} == {first.address}
    second.host.isolate()
    wait_for(lambda: second.host.holds(pair.address), HOLDER_TIMEOUT_S, "director 2 as a second master")
    assert first.host.holds(pair.address)
    with on_bridge(pair.lab, is_vrrp) as sniffer:
        second.host.rejoin()
        pair.wait_for_holder(second)
        seen = adverts(sniffer.frames())
    begin_s = next(advert.time_s for advert in seen if advert.source == second.address)
    late = [advert for advert in seen if advert.source == first.address and advert.time_s > begin_s + WIRE_TOLERANCE_S]
    assert late == []
