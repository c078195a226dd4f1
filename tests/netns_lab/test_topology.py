"""Topology files: what is read from them, and what is refused with which words."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

import pytest

from netns_lab.topology import HostPlan, Role, Service, TopologyError, load, parse

ONE_HOST = """#  client
#    |
# a drawing

virtual_address = "192.0.2.1"

[hosts.director]
role = "director"
address = "192.0.2.2/24"
runs = ["router"]
configuration = "director.conf"
"""


def test_a_host_is_read_with_its_role_address_programs_and_configuration(tmp_path: Path) -> None:
    topology = parse("one", ONE_HOST, tmp_path)
    assert topology.virtual_address == IPv4Address("192.0.2.1")
    assert topology.hosts == {
        "director": HostPlan(
            "director",
            Role.DIRECTOR,
            IPv4Interface("192.0.2.2/24"),
            frozenset({Service.ROUTER}),
            tmp_path / "director.conf",
        )
    }


def test_a_host_may_have_more_than_an_address_and_the_network_more_than_one_to_share(tmp_path: Path) -> None:
    text = ONE_HOST.replace("\n[hosts", 'further_virtual_addresses = ["2001:db8::1"]\n\n[hosts')
    text += 'further_addresses = ["2001:db8::2/64"]\ngateways = ["192.0.2.3"]\nsettings = { "ipv4/ip_forward" = "1" }\n'
    topology = parse("one", text, tmp_path)
    host = topology.hosts["director"]
    assert topology.further_virtual_addresses == (IPv6Address("2001:db8::1"),)
    assert host.further_addresses == (IPv6Interface("2001:db8::2/64"),)
    assert host.gateways == (IPv4Address("192.0.2.3"),)
    assert host.settings == {"ipv4/ip_forward": "1"}


def test_the_drawing_is_the_comment_at_the_top_without_its_marks(tmp_path: Path) -> None:
    assert parse("one", ONE_HOST, tmp_path).drawing == " client\n   |\na drawing"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"director"\n', '"boss"\n', "hosts.director: 'boss' is not a valid Role"),
        ("192.0.2.2/24", "192.0.2.256/24", "hosts.director: '192.0.2.256/24' does not appear to be"),
        ('["router"]', '["rooter"]', "hosts.director: 'rooter' is not a valid Service"),
        ('["router"]', "[]", "hosts.director: a host that runs a router has a configuration"),
        ('configuration = "director.conf"', "", "hosts.director: a host that runs a router has a configuration"),
        ("role =", "role", "one: Expected '=' after a key"),
        ("runs =", "run =", "hosts.director: unknown key 'run'; expected address, configuration, further"),
        ("virtual_address =", "vip =", "one: unknown key 'vip'; expected further_virtual_addresses, hosts, virtual_address"),
        ('"192.0.2.1"', '"somewhere"', "one: virtual_address: 'somewhere' does not appear to be"),
        ("[hosts.director]", "[hosts.a-name-of-16-octs]", "the name is longer than 15 octets"),
        ("[hosts.director]", "[director]", "one: unknown key 'director'; expected further"),
    ],
)
def test_a_mistake_is_named_with_its_place(before: str, after: str, message: str, tmp_path: Path) -> None:
    assert before in ONE_HOST
    with pytest.raises(TopologyError) as raised:
        parse("one", ONE_HOST.replace(before, after, 1), tmp_path)
    assert message in str(raised.value)


def test_a_file_without_hosts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="expected a table"):
        parse("none", 'virtual_address = "192.0.2.1"', tmp_path)


def test_an_unknown_topology_is_refused_with_the_names_of_those_that_there_are() -> None:
    with pytest.raises(TopologyError, match="no topology 'lvs-nat'; there are examples, forwarding, lvs-dr, web-ha"):
        load("lvs-nat")


@pytest.mark.parametrize(("name", "routers"), [("lvs-dr", {"lvs1", "lvs2"}), ("web-ha", {"web1", "web2"})])
def test_the_topologies_of_the_lab_have_a_drawing_and_their_configurations_exist(name: str, routers: set[str]) -> None:
    topology = load(name)
    assert all(host in topology.drawing for host in topology.hosts)
    assert str(topology.virtual_address) in topology.drawing
    configurations = {host.name: host.configuration for host in topology.hosts.values() if host.configuration}
    assert configurations.keys() == routers
    assert all(str(topology.virtual_address) in path.read_text() for path in configurations.values())
