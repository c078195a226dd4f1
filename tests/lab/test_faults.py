"""A director whose network fails is in FAULT, lets the other one serve, and comes back as soon as it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from netns_lab.namespaces import Host
from netns_lab.waiting import wait_for
from tests.lab.conftest import VIRTUAL_ADDRESS, Pair
from tests.lab.running import ELECTED_S, PROMPT_S

pytestmark = pytest.mark.kernel

LATER_ADDRESS = IPv4Address("192.168.7.15")
OUTAGE_MAX_MS = 3_900
"""Three adverts' time, the skew of the director of priority 50, and a little."""
WARM_UP_ANSWERS = 50
INSTANCE_ON_A_LATER_INTERFACE = """
vrrp_instance VI_2 {
  interface later0
  virtual_router_id 51
  priority 255
  virtual_ipaddress { 192.168.7.15 }
}
"""
MAKE_INTERFACE = [
    "link add later0 type veth peer name later1",
    "link set later1 up",
    "link set later0 up",
    "address add 192.168.7.5/24 dev later0",
]


@dataclass(frozen=True)
class Fault:
    """How it is brought about and mended, and what the two are called as causes."""

    begin: Callable[[Host], None]
    end: Callable[[Host], None]
    cause: str
    recovery: str


FAULTS = {
    "cable pulled": Fault(Host.unplug, Host.plug, "interface-down", "interface-up"),
    "interface down": Fault(
        lambda host: host.ip_batch(["link set eth0 down"]),
        lambda host: host.ip_batch(["link set eth0 up"]),
        "interface-down",
        "interface-up",
    ),
    "own address removed": Fault(
        lambda host: host.ip_batch([f"address delete {host.plan.address} dev eth0"]),
        lambda host: host.ip_batch([f"address add {host.plan.address} dev eth0"]),
        "no-primary-ip-address",
        "primary-ip-address",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_other_one_serves_until_the_fault_is_over(fault: Fault, pair: Pair) -> None:
    lvs1, lvs2 = pair.first, pair.second
    faults = lvs1.metric("vrrpd_transitions_total", state="fault", cause=fault.cause)
    returns = lvs1.metric("vrrpd_transitions_total", state="backup", cause=fault.recovery)
    with pair.client.measure(VIRTUAL_ADDRESS) as measurement:
        measurement.wait_for_answers(WARM_UP_ANSWERS)
        fault.begin(lvs1.host)
        lvs1.wait_until("fault")
        assert not lvs1.host.holds(VIRTUAL_ADDRESS)
        wait_for(lambda: pair.lab.holders() == [lvs2.host], ELECTED_S, "lvs2 as master")
        measurement.wait_for_answers(WARM_UP_ANSWERS)
    assert measurement.result.longest_outage_ms < OUTAGE_MAX_MS
    assert lvs1.metric("vrrpd_transitions_total", state="fault", cause=fault.cause) == faults + 1
    fault.end(lvs1.host)
    lvs1.wait_until("master")
    assert lvs1.metric("vrrpd_transitions_total", state="backup", cause=fault.recovery) == returns + 1
    wait_for(lambda: pair.lab.holders() == [lvs1.host], PROMPT_S, "lvs2 letting go")


def test_an_interface_may_come_after_the_start_and_go_and_come_again(pair: Pair) -> None:
    lvs2 = pair.second
    assert lvs2.daemon.stop() == 0
    lvs2.edit(("virtual_server", f"{INSTANCE_ON_A_LATER_INTERFACE}virtual_server"))
    lvs2.start()
    lvs2.wait_until("fault", "VI_2")
    lvs2.wait_until("backup", "VI_1")
    for _ in range(2):
        lvs2.host.ip_batch(MAKE_INTERFACE)
        lvs2.wait_until("master", "VI_2")
        shown = lvs2.host.run("ip", "-oneline", "address", "show", "dev", "later0").stdout
        assert f"{LATER_ADDRESS}/32" in shown
        lvs2.host.ip_batch(["link delete later0"])
        lvs2.wait_until("fault", "VI_2")
    assert lvs2.state("VI_1") == "backup"
