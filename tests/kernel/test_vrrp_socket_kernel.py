"""Adverts between two hosts on a real kernel."""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from typing import Protocol

import pytest

from tests.kernel.conftest import Namespace
from vrrpd.config.model import VRRP_GROUP
from vrrpd.kernel import vrrp_socket
from vrrpd.kernel.links import Link
from vrrpd.kernel.vrrp_socket import DATAGRAMS_MAX, VrrpSocket

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
ADVERT = bytes.fromhex("21326401010152b1c0a8040f3131313100000000")


def datagram(source: str, identification: int = 1, destination: IPv4Address = VRRP_GROUP) -> bytes:
    """An advert in an IPv4 header of its own, checksum left to the kernel."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0xC0, 20 + len(ADVERT), identification, 0, 255, 112, 0),
        *(IPv4Address(source).packed, destination.packed),
    )
    return header + ADVERT


def received(vrrp: VrrpSocket) -> list[bytes]:
    """What arrives within the deadline, the kernel's checksum blanked."""
    assert select.select([vrrp], [], [], DEADLINE_S)[0], "nothing was heard"
    return [octets[:10] + bytes(2) + octets[12:] for octets in vrrp.receive()]


class Opener(Protocol):
    """Opens a socket on one of a host's interfaces."""

    def __call__(self, host: Namespace, group: IPv4Address = VRRP_GROUP, interface: str = "eth0") -> VrrpSocket: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens sockets that are closed after the test."""
    with ExitStack() as stack:

        def opened(host: Namespace, group: IPv4Address = VRRP_GROUP, interface: str = "eth0") -> VrrpSocket:
            link = host.link(interface)
            with host.entered():
                vrrp = VrrpSocket(link, group)
            stack.callback(vrrp.close)
            return vrrp

        yield opened


@pytest.fixture
def pair(hosts: tuple[Namespace, Namespace], opened: Opener) -> tuple[VrrpSocket, VrrpSocket]:
    """A socket on each host."""
    left, right = (opened(host) for host in hosts)
    return left, right


def test_two_routers_hear_each_other_and_not_themselves(pair: tuple[VrrpSocket, VrrpSocket]) -> None:
    left, right = pair
    assert left.send(datagram("192.168.4.5"), VRRP_GROUP) is None
    assert received(right) == [datagram("192.168.4.5")]

    assert right.send(datagram("192.168.4.6"), VRRP_GROUP) is None
    assert received(left) == [datagram("192.168.4.6")]  # and nothing of its own, which would have come first
    assert right.receive() == []


def test_the_advert_is_on_the_wire_as_captured_from_keepalived(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    captured = bytes.fromhex(
        "01005e000012020000000005080045c0002800010000ff7015e5c0a80405e000001221326401010152b1c0a8040f3131313100000000"
    )
    left = opened(hosts[0])
    with hosts[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind(("eth0", 0x0800))
        wire.settimeout(DEADLINE_S)
        left.send(datagram("192.168.4.5"), VRRP_GROUP)
        assert wire.recv(2048) == captured


def test_one_call_reads_a_bounded_number_and_the_rest_stays_readable(pair: tuple[VrrpSocket, VrrpSocket]) -> None:
    left, right = pair
    for number in range(DATAGRAMS_MAX + 3):
        assert left.send(datagram("192.168.4.5", identification=1 + number), VRRP_GROUP) is None

    assert [len(received(right)), len(received(right))] == [DATAGRAMS_MAX, 3]
    assert right.receive_errors == 0


def test_a_socket_hears_neither_another_group_nor_what_is_sent_to_the_host(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[VrrpSocket, VrrpSocket]
) -> None:
    other_group = IPv4Address("224.0.0.81")
    left, right = pair
    elsewhere = opened(hosts[1], other_group)
    for destination in (other_group, IPv4Address("192.168.4.6"), VRRP_GROUP):
        assert left.send(datagram("192.168.4.5", destination=destination), destination) is None

    assert received(right) == [datagram("192.168.4.5")]
    assert received(elsewhere) == [datagram("192.168.4.5", destination=other_group)]


def test_a_socket_hears_nothing_from_another_interface(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[VrrpSocket, VrrpSocket]
) -> None:
    left, right = pair
    hosts[1].ip("link add eth1 type veth peer name far1", "link set eth1 up", "link set far1 up")
    eth1 = opened(hosts[1], interface="eth1")
    left.send(datagram("192.168.4.5"), VRRP_GROUP)

    assert received(right) == [datagram("192.168.4.5")]
    assert eth1.receive() == []


def test_a_group_is_reached_on_the_link_whatever_the_routes_say(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    group = IPv4Address("239.1.1.1")
    hosts[0].ip(f"route add {group} via 192.168.4.99 dev eth0")
    left, right = (opened(host, group) for host in hosts)
    left.send(datagram("192.168.4.5", destination=group), group)

    assert received(right) == [datagram("192.168.4.5", destination=group)]


def test_adverts_go_ahead_of_all_else_in_the_interfaces_queue(pair: tuple[VrrpSocket, VrrpSocket]) -> None:
    assert pair[0]._sender.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY) == 7  # TC_PRIO_CONTROL


def test_what_comes_before_a_socket_is_bound_is_not_heard(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[VrrpSocket, VrrpSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = pair

    def bound_late(receiver: socket.socket, link: Link, group: IPv4Address) -> None:
        left.send(datagram("192.168.4.5"), group)
        assert select.select([receiver], [], [], DEADLINE_S)[0]
        bind_receiver(receiver, link, group)

    bind_receiver = vrrp_socket._bind_receiver
    monkeypatch.setattr(vrrp_socket, "_bind_receiver", bound_late)
    late = opened(hosts[1])

    assert received(right) == [datagram("192.168.4.5")]
    assert late.receive() == []


def test_an_interface_without_addresses_is_heard_too(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    hosts[1].ip("address flush dev eth0")
    left, right = (opened(host) for host in hosts)
    left.send(datagram("192.168.4.5"), VRRP_GROUP)
    assert received(right) == [datagram("192.168.4.5")]


def test_an_interface_that_is_down_refuses_each_advert_until_it_is_up(
    hosts: tuple[Namespace, Namespace], pair: tuple[VrrpSocket, VrrpSocket]
) -> None:
    left, right = pair
    hosts[0].ip("link set eth0 down")
    refused = left.send(datagram("192.168.4.5"), VRRP_GROUP)
    assert isinstance(refused, OSError)
    assert refused.errno in (errno.ENETDOWN, errno.ENETUNREACH, errno.ENODEV)
    assert left.receive() == []

    hosts[0].ip("link set eth0 up")
    assert left.send(datagram("192.168.4.5"), VRRP_GROUP) is None
    assert received(right) == [datagram("192.168.4.5")]


def test_the_sockets_are_refused_and_given_back_where_there_is_no_such_interface(namespace: Namespace) -> None:
    with namespace.entered(), pytest.raises(OSError, match="No such device"):
        VrrpSocket(Link(index=9999, name="eth9", up=True, mac=bytes(6), mtu=1500, arp=True))
