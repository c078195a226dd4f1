"""Gratuitous ARP between two hosts on a real kernel."""

from __future__ import annotations

import errno
import socket
import subprocess
from ipaddress import IPv4Address

import pytest

from tests.kernel.conftest import Namespace
from vrrpd.kernel.arp import ETH_P_ARP, Announced, ArpSocket, announcements
from vrrpd.kernel.links import Link

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
ADDRESSES = [IPv4Address("192.168.4.15"), IPv4Address("192.168.4.16")]
CAPTURED = bytes.fromhex("ffffffffffff020000000005080600010800060400010200000000" + "05c0a8040fffffffffffffc0a8040f")


def test_each_round_announces_every_address_as_captured_from_keepalived(hosts: tuple[Namespace, Namespace]) -> None:
    link = hosts[0].link("eth0")
    frames = announcements(link, ADDRESSES)
    with hosts[0].entered():
        arp = ArpSocket(link)
    with hosts[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as wire:
        wire.bind(("eth0", ETH_P_ARP))
        wire.settimeout(DEADLINE_S)
        assert arp.announce(frames, repeat=2) == Announced(sent=4, not_sent=0)
        seen = [wire.recv(2048) for _ in range(4)]
    arp.close()

    second = CAPTURED[:31] + b"\x10" + CAPTURED[32:41] + b"\x10"
    assert seen == [CAPTURED, second, CAPTURED, second]


def test_a_neighbour_learns_the_new_place_of_an_address(hosts: tuple[Namespace, Namespace]) -> None:
    link = hosts[0].link("eth0")
    hosts[1].ip("neighbour add 192.168.4.15 lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    with hosts[0].entered():
        arp = ArpSocket(link)
        arp.announce(announcements(link, ADDRESSES[:1]), repeat=1)
    arp.close()

    with hosts[1].entered():
        shown = subprocess.run(["ip", "neighbour", "show"], check=True, text=True, capture_output=True).stdout
    assert "192.168.4.15 dev eth0 lladdr 02:00:00:00:00:05" in shown


def test_an_interface_that_is_down_ends_the_set_at_once_and_the_socket_serves_again_later(
    hosts: tuple[Namespace, Namespace],
) -> None:
    link = hosts[0].link("eth0")
    frames = announcements(link, ADDRESSES)
    with hosts[0].entered():
        arp = ArpSocket(link)
    hosts[0].ip("link set eth0 down")
    announced = arp.announce(frames, repeat=5)
    assert (announced.sent, announced.not_sent) == (0, 10)
    assert announced.error is not None
    assert announced.error.errno == errno.ENETDOWN

    hosts[0].ip("link set eth0 up")
    assert arp.announce(frames, repeat=5) == Announced(sent=10, not_sent=0)
    arp.close()


def test_the_socket_is_refused_where_there_is_no_such_interface(namespace: Namespace) -> None:
    with namespace.entered(), pytest.raises(OSError, match="No such device"):
        ArpSocket(Link(index=9999, name="eth9", up=True, mac=bytes(6), mtu=1500, arp=True))


def test_links_say_whether_they_speak_arp(namespace: Namespace) -> None:
    assert namespace.link("eth0").arp
    assert not namespace.link("lo").arp
    namespace.ip("link set eth0 arp off")
    assert announcements(namespace.link("eth0"), ADDRESSES) == ()
