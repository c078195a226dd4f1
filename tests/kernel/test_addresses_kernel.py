"""Addresses on a real kernel."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from ipvs.netlink import NetlinkSocket
from tests.kernel.conftest import NETLINK_ROUTE, Namespace
from vrrpd.config.model import Prefix, VirtualAddress
from vrrpd.kernel.addresses import (
    AddAddress,
    AddressAttributes,
    AddressKey,
    AddressTable,
    Applied,
    DeleteAddress,
    diff,
    wanted,
)
from vrrpd.kernel.links import link_local_address, primary_address
from vrrpd.kernel.monitor import AddressAdded, RouteMonitor
from vrrpd.kernel.rtnetlink import KEEPALIVED_PROTOCOL

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
NOTHING_SPECIAL = Applied(adopted=(), failures=())
VIRTUAL = VirtualAddress(IPv4Address("192.168.4.15"), 32, "eth0")


@pytest.fixture
def table(namespace: Namespace) -> Iterator[AddressTable]:
    """The address table of the namespace."""
    with namespace.entered():
        netlink = NetlinkSocket(NETLINK_ROUTE)
    yield AddressTable(netlink)
    netlink.close()


def test_an_address_is_set_with_all_its_attributes_and_read_back(namespace: Namespace, table: AddressTable) -> None:
    address = replace(VIRTUAL, prefix_length=24, label="eth0:vip", scope=253, broadcast=IPv4Address("192.168.4.255"))
    operation = wanted(address, namespace.link("eth0").index)

    assert table.apply([operation]) == NOTHING_SPECIAL

    current = table.read()
    assert current == {operation.key: operation.attributes}
    assert current[operation.key].protocol in (KEEPALIVED_PROTOCOL, 0)  # 0: kernels before 5.18
    assert diff(current, table.read(), owned=current) == []


def test_iproute2_sees_the_address_as_permanent(namespace: Namespace, table: AddressTable) -> None:
    table.apply([wanted(VIRTUAL, namespace.link("eth0").index)])

    with namespace.entered():
        shown = subprocess.run(["ip", "-4", "address", "show", "eth0"], check=True, text=True, capture_output=True).stdout

    assert "inet 192.168.4.15/32 scope global" in shown
    assert "valid_lft forever preferred_lft forever" in shown


def test_an_address_that_is_there_is_adopted_and_one_that_is_gone_is_no_failure(
    namespace: Namespace, table: AddressTable
) -> None:
    namespace.ip("address add 192.168.4.15/32 dev eth0")
    add = wanted(VIRTUAL, namespace.link("eth0").index)

    assert table.apply([add]) == Applied(adopted=(add.key,), failures=())
    assert table.apply([DeleteAddress(add.key), DeleteAddress(add.key)]) == NOTHING_SPECIAL
    assert table.read() == {}


def test_an_address_on_an_interface_that_is_gone_counts_as_gone(table: AddressTable) -> None:
    assert table.apply([DeleteAddress(AddressKey(9999, VIRTUAL.address, 32))]) == NOTHING_SPECIAL


def test_a_refusal_names_address_and_remedy_and_the_rest_is_still_applied(namespace: Namespace, table: AddressTable) -> None:
    index = namespace.link("eth0").index
    others = [wanted(replace(VIRTUAL, address=VIRTUAL.address + n), index) for n in (1, 2)]
    refused = wanted(VIRTUAL, 9999)

    applied = table.apply([others[0], refused, others[1]])

    assert [failure.operation for failure in applied.failures] == [refused]
    assert "192.168.4.15/32" in str(applied.failures[0])
    assert "the interface is gone" in applied.failures[0].remedy
    assert set(table.read()) == {other.key for other in others}


def test_a_thousand_addresses_come_and_go_and_every_answer_is_counted(namespace: Namespace, table: AddressTable) -> None:
    index = namespace.link("eth0").index
    operations = [wanted(replace(VIRTUAL, address=IPv4Address("10.1.0.0") + n), index) for n in range(1000)]
    desired = {operation.key: operation.attributes for operation in operations}

    assert table.apply(operations) == NOTHING_SPECIAL
    current = table.read()
    assert current == desired
    assert len(table.apply(operations).adopted) == 1000
    assert table.apply(diff({}, current, owned=desired)) == NOTHING_SPECIAL
    assert table.read() == {}


def test_what_goes_with_the_first_address_of_its_network_is_put_back_in_the_same_batch(
    namespace: Namespace, table: AddressTable
) -> None:
    index = namespace.link("eth0").index
    first, second = (wanted(VirtualAddress(IPv4Address(f"10.9.9.{n}"), 24, "eth0"), index) for n in (1, 2))
    table.apply([first, second])
    current = table.read()
    assert [current[add.key].secondary for add in (first, second)] == [False, True]

    table.apply(diff({second.key: second.attributes}, current, owned=current))

    assert set(table.read()) == {second.key}


def test_the_source_of_adverts_is_the_interfaces_own_address(namespace: Namespace, table: AddressTable) -> None:
    link = namespace.link("eth0")
    table.apply([wanted(VIRTUAL, link.index)])
    assert primary_address(link, table.read(), excluding={VIRTUAL.address}) is None

    namespace.ip("address add 192.168.4.5/24 dev eth0", "address add 172.16.0.1/24 dev far0")

    assert primary_address(link, table.read(), excluding={VIRTUAL.address}) == IPv4Address("192.168.4.5")


def test_a_changed_label_is_applied_to_an_address_of_ours(namespace: Namespace, table: AddressTable) -> None:
    index = namespace.link("eth0").index
    table.apply([wanted(VIRTUAL, index)])
    relabelled: AddAddress = wanted(replace(VIRTUAL, label="eth0:7"), index)
    desired = {relabelled.key: relabelled.attributes}

    assert table.apply(diff(desired, table.read(), owned=desired)) == NOTHING_SPECIAL

    assert table.read() == desired


# -- options --------------------------------------------------------------------------------------------------------------

VIRTUAL6 = VirtualAddress(IPv6Address("fd00:4::15"), 128, "eth0", preferred_lifetime_s=0)
NETWORK6 = replace(VIRTUAL6, address=IPv6Address("fd00:5::15"), prefix_length=64, preferred_lifetime_s=None)
PEER = Prefix(IPv4Address("10.9.9.9"), 32)
EVERY_OPTION = {
    "IPv6, whole": VIRTUAL6,
    "IPv6, of a network": NETWORK6,
    "IPv6, link-local": replace(NETWORK6, address=IPv6Address("fe80::15")),
    "IPv6, of a site": replace(NETWORK6, address=IPv6Address("fec0::15")),
    "home": replace(NETWORK6, home=True),
    "-nodad": replace(NETWORK6, duplicate_detection=True),
    "mngtmpaddr": replace(NETWORK6, manages_temporary_addresses=True),
    "noprefixroute": replace(NETWORK6, no_prefix_route=True),
    "noprefixroute of IPv4": replace(VIRTUAL, prefix_length=24, no_prefix_route=True),
    "autojoin": replace(NETWORK6, address=IPv6Address("ff02::4:15"), prefix_length=128, joins_groups=True),
    "autojoin of IPv4": replace(VIRTUAL, address=IPv4Address("239.1.1.1"), joins_groups=True),
    "preferred_lft": replace(NETWORK6, preferred_lifetime_s=3600),
    "preferred_lft of IPv4": replace(VIRTUAL, preferred_lifetime_s=0),
    "preferred_lft of IPv4, finite": replace(VIRTUAL, preferred_lifetime_s=3600),
    "peer": replace(VIRTUAL, peer=PEER),
    "peer's network": replace(VIRTUAL, peer=replace(PEER, length=24)),
    "peer of IPv6": replace(VIRTUAL6, peer=Prefix(IPv6Address("fd00:9::9"), 128)),
    "scope": replace(VIRTUAL, scope=253),
    "brd": replace(VIRTUAL, prefix_length=24, broadcast=IPv4Address("192.168.4.255")),
}


@pytest.mark.parametrize("address", EVERY_OPTION.values(), ids=EVERY_OPTION)
def test_what_the_kernel_makes_of_an_address_is_as_asked_and_can_be_deleted(
    namespace: Namespace, table: AddressTable, address: VirtualAddress
) -> None:
    operation = wanted(address, namespace.link("eth0").index)
    desired = {operation.key: operation.attributes}

    assert table.apply([operation]) == NOTHING_SPECIAL
    current = {key: attributes for key, attributes in table.read().items() if key.address == address.address}

    assert set(current) == {operation.key}
    assert diff(desired, current, owned=desired) == []
    assert table.apply([operation]).adopted == (operation.key,)
    assert table.apply(diff({}, current, owned=desired)) == NOTHING_SPECIAL
    assert operation.key not in table.read()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (VIRTUAL6, "inet6 fd00:4::15/128 scope global nodad deprecated"),
        (NETWORK6, "inet6 fd00:5::15/64 scope global nodad"),
        (replace(VIRTUAL, peer=PEER), "inet 192.168.4.15 peer 10.9.9.9/32 scope global eth0"),
        (replace(VIRTUAL, prefix_length=24, no_prefix_route=True), "inet 192.168.4.15/24 scope global noprefixroute eth0"),
    ],
)
def test_iproute2_sees_the_options(namespace: Namespace, table: AddressTable, address: VirtualAddress, shown: str) -> None:
    table.apply([wanted(address, namespace.link("eth0").index)])
    with namespace.entered():
        output = subprocess.run(["ip", "address", "show", "eth0"], check=True, text=True, capture_output=True).stdout
    assert shown in output.replace(" proto keepalived", "").replace(" proto 0x12", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (VIRTUAL6, replace(VIRTUAL6, preferred_lifetime_s=None)),
        (NETWORK6, replace(NETWORK6, preferred_lifetime_s=0)),
        (VIRTUAL, replace(VIRTUAL, preferred_lifetime_s=0)),
        (NETWORK6, replace(NETWORK6, no_prefix_route=True)),
        (replace(VIRTUAL, peer=PEER), VIRTUAL),
    ],
)
def test_a_changed_option_is_applied_to_an_address_of_ours(
    namespace: Namespace, table: AddressTable, before: VirtualAddress, after: VirtualAddress
) -> None:
    old, new = (wanted(address, namespace.link("eth0").index) for address in (before, after))
    table.apply([old])
    desired = {new.key: new.attributes}

    assert table.apply(diff(desired, table.read(), owned={old.key, new.key})) == NOTHING_SPECIAL

    assert diff(desired, table.read(), owned={old.key, new.key}) == []


def test_ipv6_that_is_disabled_on_the_interface_is_a_failure_with_its_remedy(namespace: Namespace, table: AddressTable) -> None:
    with namespace.entered(), open("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "w") as setting:
        setting.write("1")
    [failure] = table.apply([wanted(VIRTUAL6, namespace.link("eth0").index)]).failures
    assert "IPv6 is disabled" in failure.remedy


def test_an_address_that_somebody_else_uses_is_told_as_a_duplicate(hosts: tuple[Namespace, Namespace]) -> None:
    hosts[1].ip("address add fd00:5::15/64 dev eth0 nodad")
    with hosts[0].entered():
        netlink, monitor = NetlinkSocket(NETLINK_ROUTE), RouteMonitor()
    operation = wanted(replace(NETWORK6, duplicate_detection=True), hosts[0].link("eth0").index)
    AddressTable(netlink).apply([operation])

    told: list[AddressAttributes] = []
    while not (told and told[-1].duplicate):
        assert select.select([monitor], [], [], DEADLINE_S)[0], told
        told += [event.attributes for event in monitor.read() if isinstance(event, AddressAdded) and event.key == operation.key]
    assert AddressTable(netlink).read()[operation.key].duplicate
    assert diff({operation.key: operation.attributes}, AddressTable(netlink).read(), owned={operation.key}) == []
    monitor.close()
    netlink.close()


def test_the_source_of_adverts_over_ipv6_is_a_link_local_address_that_can_be_used(hosts: tuple[Namespace, Namespace]) -> None:
    with hosts[0].entered():
        netlink, monitor = NetlinkSocket(NETLINK_ROUTE), RouteMonitor()
    link, table = hosts[0].link("eth0"), AddressTable(netlink)
    own, virtual = IPv6Address("fe80::ff:fe00:5"), IPv6Address("fe80::1")
    table.apply([wanted(replace(NETWORK6, address=virtual), link.index)])
    while link_local_address(link, table.read(), excluding={virtual}) != own:  # found to be unique after a second or two
        assert select.select([monitor], [], [], DEADLINE_S)[0], "the kernel told of no change"
        monitor.read()
    monitor.close()
    netlink.close()
