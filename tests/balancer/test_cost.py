"""What a verdict costs, counted in calls: the same however many real servers there are."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from tests.balancer.servers import begun, down, real, up, virtual
from vrrpd.balancer.events import CheckChanged, RealServerDown
from vrrpd.balancer.virtual_server import VirtualServer

FEW, MANY = 10, 500


def calls(server: VirtualServer, event: CheckChanged) -> int:
    """How many functions are called for it, those written in C included."""
    count = 0

    def hear(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(hear)
    try:
        server.on_event(event, 1.0)
        server.deadline()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("slow_start_s", [0.0, 10.0])
def test_a_verdict_costs_the_same_among_few_real_servers_and_among_many(slow_start_s: float) -> None:
    few, many = (
        begun(replace(virtual(*map(real, range(count)), quorum=3), slow_start_s=slow_start_s)) for count in (FEW, MANY)
    )
    for event in (up(1), down(1), up(1)):
        assert calls(few, event) == calls(many, event) > 0
    assert few.actions()


def test_a_verdict_that_changes_nothing_is_no_news() -> None:
    server = begun(virtual(real(1), real(2)))
    server.actions()
    server.on_event(up(1), 1.0)
    assert not server.has_news
    server.on_event(down(1), 2.0)
    assert server.has_news
    assert [type(action) for action in server.actions()] == [RealServerDown]
    assert not server.has_news
