"""Notifications from a real kernel."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from ipvs.netlink import NetlinkSocket
from tests.kernel.conftest import NETLINK_ROUTE, Namespace
from vrrpd.config.model import VirtualAddress
from vrrpd.kernel.addresses import AddressKey, AddressTable, DeleteAddress, wanted
from vrrpd.kernel.monitor import (
    AddressAdded,
    AddressRemoved,
    Event,
    LinkChanged,
    LinkRemoved,
    Overrun,
    RouteMonitor,
)

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0


@pytest.fixture
def monitor(namespace: Namespace) -> Iterator[RouteMonitor]:
    """A monitor in the namespace."""
    with namespace.entered():
        monitor = RouteMonitor()
    yield monitor
    monitor.close()


def heard(monitor: RouteMonitor, wanted: Callable[[Event], bool]) -> Event:
    """The first event that is wanted; those before it are passed over."""
    deadline_s = time.monotonic() + DEADLINE_S
    while select.select([monitor], [], [], max(0, deadline_s - time.monotonic()))[0]:
        for event in monitor.read():
            if wanted(event):
                return event
    raise AssertionError(f"not heard within {DEADLINE_S:g} s")


def test_a_link_that_loses_its_peer_goes_down_and_comes_up_again(namespace: Namespace, monitor: RouteMonitor) -> None:
    namespace.ip("link set far0 down")
    down = heard(monitor, lambda event: isinstance(event, LinkChanged) and event.link.name == "eth0" and not event.link.up)
    assert isinstance(down, LinkChanged)
    assert down.link == namespace.link("eth0")

    namespace.ip("link set far0 up")
    heard(monitor, lambda event: isinstance(event, LinkChanged) and event.link.name == "eth0" and event.link.up)


def test_a_link_that_is_switched_off_or_deleted_is_told(namespace: Namespace, monitor: RouteMonitor) -> None:
    index = namespace.link("eth0").index
    namespace.ip("link set eth0 down")
    heard(monitor, lambda event: isinstance(event, LinkChanged) and event.link.index == index and not event.link.up)

    namespace.ip("link delete eth0")
    heard(monitor, lambda event: event == LinkRemoved(index, "eth0"))


def test_a_port_that_leaves_its_bridge_is_not_a_removed_link(namespace: Namespace, monitor: RouteMonitor) -> None:
    namespace.ip(
        "link add bridge0 type bridge", "link set eth0 master bridge0", "link set eth0 nomaster", "link delete bridge0"
    )
    removed = heard(monitor, lambda event: isinstance(event, LinkRemoved))  # the bridge itself, and none before it
    assert isinstance(removed, LinkRemoved)
    assert removed.name == "bridge0"


def test_an_address_that_somebody_else_adds_and_removes_is_told(namespace: Namespace, monitor: RouteMonitor) -> None:
    key = AddressKey(namespace.link("eth0").index, IPv4Address("192.168.4.15"), 32)

    namespace.ip("address add 192.168.4.15/32 dev eth0 scope link")
    added = heard(monitor, lambda event: isinstance(event, AddressAdded))
    assert isinstance(added, AddressAdded)
    assert (added.key, added.attributes.scope, added.attributes.label) == (key, 253, "eth0")

    namespace.ip("address delete 192.168.4.15/32 dev eth0")
    heard(monitor, lambda event: event == AddressRemoved(key))


def test_lost_notifications_are_told_once_and_the_monitor_goes_on(namespace: Namespace, monitor: RouteMonitor) -> None:
    monitor._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    index = namespace.link("eth0").index
    with namespace.entered():
        netlink = NetlinkSocket(NETLINK_ROUTE)
    table = AddressTable(netlink)
    many = [wanted(VirtualAddress(IPv4Address("10.1.0.0") + n, 32, "eth0"), index) for n in range(100)]
    table.apply(many)

    assert monitor.read() == [Overrun()]
    assert monitor.read() == []
    assert len(table.read()) == 100

    table.apply([DeleteAddress(many[0].key)])
    netlink.close()
    assert monitor.read() == [AddressRemoved(many[0].key)]


def test_what_another_process_writes_to_the_socket_is_no_event(namespace: Namespace, monitor: RouteMonitor) -> None:
    forged = wanted(VirtualAddress(IPv4Address("10.1.0.1"), 32, "eth0"), 1).message
    with namespace.entered(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as forger:
        forger.sendto(forged, (monitor._socket.getsockname()[0], 0))

    assert select.select([monitor], [], [], DEADLINE_S)[0]
    assert monitor.read() == []


def test_ipv6_addresses_that_others_add_and_remove_are_told(namespace: Namespace, monitor: RouteMonitor) -> None:
    key = AddressKey(namespace.link("eth0").index, IPv6Address("fd00:4::15"), 64)
    namespace.ip("address add fd00:4::15/64 dev eth0 nodad")
    added = heard(monitor, lambda event: isinstance(event, AddressAdded) and event.key == key)
    assert isinstance(added, AddressAdded)
    assert not added.attributes.tentative

    namespace.ip("address delete fd00:4::15/64 dev eth0")
    heard(monitor, lambda event: event == AddressRemoved(key))


def test_a_link_says_whether_it_forwards_ipv6(namespace: Namespace, monitor: RouteMonitor) -> None:
    assert not namespace.link("eth0").forwards_ipv6
    with namespace.entered(), open("/proc/sys/net/ipv6/conf/all/forwarding", "w") as setting:
        setting.write("1")
    assert namespace.link("eth0").forwards_ipv6
    namespace.ip("link set eth0 mtu 1400")
    heard(monitor, lambda event: isinstance(event, LinkChanged) and event.link.name == "eth0" and event.link.forwards_ipv6)
