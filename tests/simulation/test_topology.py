"""What the configurations tell of the network: segments and addresses."""

from __future__ import annotations

from ipaddress import ip_address

from tests.simulation.plans import HostPlan, RouterPlan
from vrrpd.simulation.topology import links


def test_interfaces_of_one_name_are_on_one_segment() -> None:
    found = links({"one": HostPlan("one", (RouterPlan(),)).config(), "two": HostPlan("two", (RouterPlan(),)).config()})
    assert found["one"]["eth0"].segment == found["two"]["eth0"].segment
    assert found["one"]["eth0"].sources == {4: ip_address("10.0.0.1"), 6: ip_address("fe80::1")}
    assert found["two"]["eth0"].sources == {4: ip_address("10.0.0.2"), 6: ip_address("fe80::2")}


def test_interfaces_of_one_virtual_router_are_on_one_segment_whatever_their_names() -> None:
    one = HostPlan("one", (RouterPlan(interface="eth0"),)).config()
    two = HostPlan("two", (RouterPlan(interface="ens3"),)).config()
    found = links({"one": one, "two": two})
    assert found["one"]["eth0"].segment == found["two"]["ens3"].segment


def test_other_interfaces_are_on_other_segments() -> None:
    plan = HostPlan("one", (RouterPlan(), RouterPlan("VI_2", "eth1", 52, addresses=("198.51.100.1",))))
    found = links({"one": plan.config()})
    assert found["one"]["eth0"].segment != found["one"]["eth1"].segment


def test_who_has_unicast_peers_has_the_address_that_the_others_know() -> None:
    def with_peer(address: str) -> RouterPlan:
        return RouterPlan(settings=(f"unicast_peer {{\n    {address}\n  }}",))

    one = HostPlan("one", (with_peer("203.0.113.2"),)).config()
    two = HostPlan("two", (with_peer("203.0.113.1"),)).config()
    found = links({"one": one, "two": two})
    assert found["one"]["eth0"].sources[4] == ip_address("203.0.113.1")
    assert found["two"]["eth0"].sources[4] == ip_address("203.0.113.2")
