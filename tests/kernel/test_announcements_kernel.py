"""Announcements between two hosts on a real kernel."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.kernel.conftest import Namespace
from vrrpd.kernel.announcements import Announced, FrameSocket, announcements
from vrrpd.kernel.arp import ETH_P_ARP
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import ETH_P_IPV6

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
ADDRESSES = [IPv4Address("192.168.4.15"), IPv4Address("192.168.4.16")]
CAPTURED = bytes.fromhex("ffffffffffff02000000000508060001080006040001020000000005c0a8040fffffffffffffc0a8040f")
ADVERTISEMENT_CAPTURED = bytes.fromhex(
    "33330000000102000000000586dd6000000000203afffd000004000000000000000000000015ff020000000000000000000000000001"
    "88005a6720000000fd0000040000000000000000000000150201020000000005"
)


@pytest.fixture
def link(hosts: tuple[Namespace, Namespace]) -> Link:
    """The first host's end of the cable."""
    return hosts[0].link("eth0")


@pytest.fixture
def announcer(hosts: tuple[Namespace, Namespace], link: Link) -> Iterator[FrameSocket]:
    """A socket there."""
    with hosts[0].entered():
        announcer = FrameSocket(link)
    yield announcer
    announcer.close()


def test_each_round_announces_every_address_as_captured_from_keepalived(
    hosts: tuple[Namespace, Namespace], link: Link, announcer: FrameSocket
) -> None:
    frames = announcements(link, ADDRESSES)
    with hosts[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as wire:
        wire.bind(("eth0", ETH_P_ARP))
        wire.settimeout(DEADLINE_S)
        assert announcer.announce(frames, repeat=2) == Announced(sent=4, not_sent=0)
        seen = [wire.recv(2048) for _ in range(4)]

    second = CAPTURED[:31] + b"\x10" + CAPTURED[32:41] + b"\x10"
    assert seen == [CAPTURED, second, CAPTURED, second]


def test_ipv6_is_announced_on_the_wire_as_captured_from_keepalived(
    hosts: tuple[Namespace, Namespace], link: Link, announcer: FrameSocket
) -> None:
    frames = announcements(link, [IPv6Address("fd00:4::15")])
    with hosts[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IPV6)) as wire:
        wire.bind(("eth0", ETH_P_IPV6))
        wire.settimeout(DEADLINE_S)
        assert announcer.announce(frames, repeat=1) == Announced(sent=1, not_sent=0)
        while (seen := wire.recv(2048)) != ADVERTISEMENT_CAPTURED:  # the hosts' own chatter, until the deadline
            assert seen


def test_a_neighbour_learns_the_new_place_of_an_ipv6_address(
    hosts: tuple[Namespace, Namespace], link: Link, announcer: FrameSocket
) -> None:
    hosts[1].ip("neighbour add fd00:4::15 lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    announcer.announce(announcements(link, [IPv6Address("fd00:4::15")]), repeat=1)

    deadline_s = time.monotonic() + DEADLINE_S
    while "fd00:4::15 dev eth0 lladdr 02:00:00:00:00:05" not in neighbours(hosts[1]):
        assert time.monotonic() < deadline_s, neighbours(hosts[1])


def neighbours(host: Namespace) -> str:
    """What iproute2 shows of the host's neighbours."""
    with host.entered():
        return subprocess.run(["ip", "neighbour", "show"], check=True, text=True, capture_output=True).stdout


def test_a_neighbour_learns_where_an_address_is_now(
    hosts: tuple[Namespace, Namespace], link: Link, announcer: FrameSocket
) -> None:
    hosts[1].ip("neighbour add 192.168.4.15 lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    announcer.announce(announcements(link, ADDRESSES[:1]), repeat=1)

    deadline_s = time.monotonic() + DEADLINE_S
    while "192.168.4.15 dev eth0 lladdr 02:00:00:00:00:05" not in neighbours(hosts[1]):
        assert time.monotonic() < deadline_s, neighbours(hosts[1])


def test_an_interface_that_is_down_ends_the_set_at_once_and_the_socket_serves_again_later(
    hosts: tuple[Namespace, Namespace], link: Link, announcer: FrameSocket
) -> None:
    frames = announcements(link, ADDRESSES)
    hosts[0].ip("link set eth0 down")
    announced = announcer.announce(frames, repeat=5)
    assert (announced.sent, announced.not_sent) == (0, 10)
    assert announced.error is not None
    assert announced.error.errno == errno.ENETDOWN

    hosts[0].ip("link set eth0 up")
    assert announcer.announce(frames, repeat=5) == Announced(sent=10, not_sent=0)


def test_the_socket_is_refused_where_there_is_no_such_interface(namespace: Namespace) -> None:
    with namespace.entered(), pytest.raises(OSError, match="No such device"):
        FrameSocket(Link(index=9999, name="eth9", up=True, mac=bytes(6), mtu=1500, arp=True))


def test_links_say_whether_they_speak_arp(namespace: Namespace) -> None:
    assert namespace.link("eth0").arp
    assert not namespace.link("lo").arp
    namespace.ip("link set eth0 arp off")
    assert announcements(namespace.link("eth0"), ADDRESSES) == ()
