"""Two web servers that share an address, on the operators' files as they are: elected, stopped, back, without power, back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from netns_lab import programs, topology
from netns_lab.client import Client
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import Daemon, start_router
from netns_lab.waiting import wait_for
from tests.lab.running import ELECTED_S

pytestmark = pytest.mark.kernel

VIRTUAL_ADDRESS = IPv4Address("192.168.4.80")
ANSWERS = 50

# Limits follow from the files: advert_int 1, priorities 100 and 50.
STOP_MAX_MS = 1_000
"""The skew of the router of priority 50, 805 ms, and a little."""
POWER_LOSS_MAX_MS = 3_900
"""Three adverts' time, that skew, and a little."""
RETURN_MAX_MS = 500
"""A connection may meet the change."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The web-ha topology with its web servers running."""
    with Lab(topology.load("web-ha")) as lab:
        programs.start_web_servers(lab)
        yield lab


@pytest.fixture(scope="module")
def web1(lab: Lab) -> Host:
    """The one of priority 100."""
    return lab.host("web1")


@pytest.fixture(scope="module")
def web2(lab: Lab) -> Host:
    """The one of priority 50."""
    return lab.host("web2")


@pytest.fixture(scope="module")
def routers(lab: Lab, web1: Host, web2: Host) -> dict[Host, Daemon]:
    """vrrpd on both; web1 is master."""
    routers = {host: start_router(host, "vrrpd") for host in (web1, web2)}
    wait_for(lambda: lab.holders() == [web1], ELECTED_S, "web1 as the only master")
    return routers


def outage_ms(lab: Lab, act: Callable[[], object], master: Host) -> float:
    """How long nobody answers the client when something is done after which `master` serves alone."""
    with Client(lab.host("client")).measure(VIRTUAL_ADDRESS) as measurement:
        measurement.wait_for_answers(ANSWERS)
        act()
        wait_for(lambda: lab.holders() == [master], ELECTED_S, f"{master} as the only master")
        measurement.wait_for_answers(ANSWERS)
    return measurement.result.longest_outage_ms


def test_the_better_one_is_elected_and_serves(lab: Lab, web1: Host, web2: Host, routers: dict[Host, Daemon]) -> None:
    assert Client(lab.host("client")).request(VIRTUAL_ADDRESS, count=3) == {"web1": 3}
    assert "MASTER" not in routers[web2].log()


def test_a_stop_and_a_return_cost_the_client_next_to_nothing(
    lab: Lab, web1: Host, web2: Host, routers: dict[Host, Daemon]
) -> None:
    assert outage_ms(lab, routers[web1].stop, master=web2) < STOP_MAX_MS
    assert routers[web1].process.returncode == 0

    def start() -> None:
        routers[web1] = start_router(web1, "vrrpd")

    assert outage_ms(lab, start, master=web1) < RETURN_MAX_MS


def test_a_loss_of_power_costs_what_the_protocol_needs_and_the_return_nothing(
    lab: Lab, web1: Host, web2: Host, routers: dict[Host, Daemon]
) -> None:
    def lose_power() -> None:
        web1.unplug()
        routers[web1].crash()
        if web1.holds(VIRTUAL_ADDRESS):  # what the kernel knew is lost, too, if vrrpd died before it noticed
            web1.ip_batch([f"address delete {VIRTUAL_ADDRESS}/32 dev eth0"])

    def start() -> None:
        web1.plug()
        routers[web1] = start_router(web1, "vrrpd")

    assert outage_ms(lab, lose_power, master=web2) < POWER_LOSS_MAX_MS
    assert outage_ms(lab, start, master=web1) < RETURN_MAX_MS
