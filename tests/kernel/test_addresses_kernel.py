"""Addresses on a real kernel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from ipvs.netlink import NetlinkSocket
from tests.kernel.conftest import NETLINK_ROUTE, Namespace
from vrrpd.config.model import VirtualAddress
from vrrpd.kernel.addresses import AddAddress, AddressKey, AddressTable, Applied, DeleteAddress, diff, wanted
from vrrpd.kernel.links import primary_address
from vrrpd.kernel.rtnetlink import KEEPALIVED_PROTOCOL

pytestmark = pytest.mark.kernel

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
