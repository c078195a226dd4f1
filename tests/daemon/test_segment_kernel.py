"""A segment between two hosts on a real kernel: its sockets come and go with the link and with who needs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.kernel.conftest import Namespace, hosts, namespace
from vrrpd.config.model import VRRP_GROUP, VRRP_GROUP6, Address, Unicast, UnicastPeer, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.daemon.segment import Segment
from vrrpd.kernel.announcements import announcements
from vrrpd.kernel.answers import ANSWERS_MAX
from vrrpd.protocol.ip_header import ip_header
from vrrpd.protocol.wire import Datagram

pytestmark = pytest.mark.kernel

__all__ = ["hosts", "namespace"]

DEADLINE_S = 10.0
PROBE_PAUSE_S = 0.1
OWN, PEER, OWN6, PEER6 = IPv4Address("192.168.4.5"), IPv4Address("192.168.4.6"), IPv6Address("fe80::5"), IPv6Address("fe80::6")
VIRTUAL = IPv4Address("192.168.4.15")
ROUTER = VirtualRouter("VI_1", "eth0", 50, 100, Position("test.conf", 1, 1))
ROUTER6 = replace(ROUTER, version=3, family=6, multicast_group=VRRP_GROUP6)
UNICAST = replace(ROUTER, unicast=Unicast(peers=(UnicastPeer(PEER),)))


def advert(source: Address, destination: Address) -> Datagram:
    """A packet that carries nothing worth reading."""
    payload = bytes(20)
    return Datagram(destination, ip_header(source.packed, destination.packed, 112, len(payload), 255) + payload)


class Host:
    """One host's segment, and what it heard; while the test runs, sockets are opened in the host's namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.sources: list[bytes] = []
        self.answers: list[tuple[Address, bytes]] = []
        self._arrived = asyncio.Event()
        self.segment = Segment("eth0", self._on_datagram, self._on_answer, lambda _segment: {PEER})
        self.call(self.segment.learn, namespace.link("eth0"))

    def _on_datagram(self, _segment: Segment, datagram: bytes) -> None:
        self.sources.append(datagram[12:16] if datagram[0] >> 4 == 4 else datagram[8:24])
        self._arrived.set()

    def _on_answer(self, _segment: Segment, address: Address, mac: bytes) -> None:
        self.answers.append((address, mac))
        self._arrived.set()

    def call(self, act: Callable[..., None], *arguments: object) -> None:
        with self.namespace.entered():
            act(*arguments)

    async def until(self, condition: Callable[[], object]) -> None:
        """Hear packets and answers until something holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self._arrived.wait()
                self._arrived.clear()


@pytest.fixture
def cable(hosts: tuple[Namespace, Namespace]) -> tuple[Namespace, Namespace]:
    """The hosts with link-local addresses that can be used at once."""
    for host, octet in zip(hosts, (5, 6), strict=True):
        host.ip(f"address add fe80::{octet}/64 dev eth0 nodad")
    return hosts


@pytest.fixture
async def ends(cable: tuple[Namespace, Namespace]) -> AsyncIterator[tuple[Host, Host]]:
    left, right = (Host(namespace) for namespace in cable)
    yield left, right
    for host in (left, right):
        host.segment.close()


async def test_routers_of_both_families_and_both_ways_hear_their_peers(ends: tuple[Host, Host]) -> None:
    left, right = ends
    for router, source in ((ROUTER, OWN), (ROUTER6, OWN6), (replace(UNICAST, virtual_router_id=51), OWN)):
        left.call(left.segment.join, router, source)
    for destination in (VRRP_GROUP, VRRP_GROUP6, OWN):
        sender: Address = PEER6 if destination.version == 6 else PEER
        right.call(right.segment.send, advert(sender, destination))
    await left.until(lambda: len(left.sources) == 3)
    assert sorted(left.sources) == sorted([PEER.packed, PEER6.packed, PEER.packed])
    assert (left.segment.receive_errors, left.segment.receive_drops, right.segment.send_errors) == (0, 0, 0)


async def test_a_socket_lives_as_long_as_the_last_router_that_needs_it(ends: tuple[Host, Host]) -> None:
    left, right = ends
    other = replace(ROUTER, virtual_router_id=51)
    for router in (ROUTER, other):
        left.call(left.segment.join, router, OWN)
    left.segment.leave(4, 50)
    right.call(right.segment.send, advert(PEER, VRRP_GROUP))
    await left.until(lambda: len(left.sources) == 1)

    left.call(left.segment.join, replace(other, multicast_group=IPv4Address("224.0.0.81")), OWN)
    right.call(right.segment.send, advert(PEER, VRRP_GROUP))
    right.call(right.segment.send, advert(IPv4Address("192.168.4.7"), IPv4Address("224.0.0.81")))
    await left.until(lambda: len(left.sources) == 2)
    assert left.sources[1] == IPv4Address("192.168.4.7").packed  # nothing from the group that nobody needs


async def test_a_unicast_router_is_deaf_without_its_source_and_hears_again_with_another(ends: tuple[Host, Host]) -> None:
    left, right = ends
    left.call(left.segment.join, UNICAST, None)
    left.call(left.segment.join, UNICAST, OWN)
    right.call(right.segment.send, advert(PEER, OWN))
    await left.until(lambda: len(left.sources) == 1)

    left.namespace.ip("address add 192.168.4.9/24 dev eth0")
    left.call(left.segment.join, UNICAST, IPv4Address("192.168.4.9"))
    for destination in (OWN, IPv4Address("192.168.4.9")):
        right.call(right.segment.send, advert(IPv4Address(int(destination) + 100), destination))
    await left.until(lambda: len(left.sources) == 2)
    assert left.sources[1] == IPv4Address("192.168.4.109").packed


async def test_everything_is_there_again_when_the_interface_comes_back(ends: tuple[Host, Host]) -> None:
    left, right = ends
    left.call(left.segment.join, ROUTER, OWN)
    left.call(left.segment.watch, {VIRTUAL})
    left.segment.learn(None)
    left.call(left.segment.send, advert(OWN, VRRP_GROUP))
    assert left.segment.send_errors == 1

    left.call(left.segment.learn, left.namespace.link("eth0"))
    right.call(right.segment.send, advert(PEER, VRRP_GROUP))
    assert right.segment.link is not None
    right.call(right.segment.announce, announcements(right.segment.link, [VIRTUAL]), 1)
    await left.until(lambda: left.sources and left.answers)


async def test_a_refused_socket_is_told_once_and_had_as_soon_as_the_kernel_gives_it(
    ends: tuple[Host, Host], caplog: pytest.LogCaptureFixture
) -> None:
    left, right = ends
    left.namespace.ip("link set eth0 mtu 1200")  # too small for IPv6 (RFC 8200 section 5), so there is no group to join
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            left.call(left.segment.join, ROUTER6, OWN6)
            left.call(left.segment.send, advert(OWN6, VRRP_GROUP6))
    assert len([record for record in caplog.records if "ff02::12" in record.message]) == 1

    left.namespace.ip("link set eth0 mtu 1500", "address add fe80::5/64 dev eth0 nodad")
    left.call(left.segment.send, advert(OWN6, VRRP_GROUP6))
    right.call(right.segment.send, advert(PEER6, VRRP_GROUP6))
    await left.until(lambda: left.sources)


@pytest.mark.parametrize(
    ("address", "source"), [(VIRTUAL, OWN), (IPv6Address("fd00:4::15"), OWN6), (IPv6Address("fd00:4::15"), None)]
)
async def test_a_second_holder_of_a_watched_address_answers_our_probe(
    ends: tuple[Host, Host], address: Address, source: Address | None
) -> None:
    left, right = ends
    right.namespace.ip(f"address add {address}/{address.max_prefixlen} dev eth0 {'nodad' if address.version == 6 else ''}")
    left.call(left.segment.watch, {address})
    async with asyncio.timeout(DEADLINE_S):
        while not left.answers:  # with each advert, in the daemon; an interface that has just come up may miss the first
            left.call(left.segment.probe, address, source)
            await asyncio.sleep(PROBE_PAUSE_S)
    assert set(left.answers) == {(address, right.namespace.link("eth0").mac)}

    left.call(left.segment.watch, ())
    assert left.segment._answers == {}


async def test_of_many_answers_each_is_heard_after_some_rest_and_the_timer_goes_with_the_socket(
    ends: tuple[Host, Host],
) -> None:
    left, right = ends
    left.call(left.segment.watch, {VIRTUAL})
    assert right.segment.link is not None
    right.call(right.segment.announce, announcements(right.segment.link, [VIRTUAL]), 4 * ANSWERS_MAX)
    await left.until(lambda: len(left.answers) >= 3 * ANSWERS_MAX)
    assert len(left.answers) < 4 * ANSWERS_MAX, "it rests between readings"
    (timer,) = left.segment._resting.values()
    left.call(left.segment.watch, ())
    assert timer.cancelled()
    assert left.segment._resting == {}


async def test_the_neediest_router_says_how_much_room_a_shared_socket_has(ends: tuple[Host, Host]) -> None:
    segment = ends[0].segment
    for number, octets in ((50, None), (51, 2_000_000), (52, 1_000)):
        router = replace(ROUTER, virtual_router_id=number, receive_buffer_octets=octets)
        ends[0].call(segment.join, router, OWN)
    [listener] = segment._listeners.values()
    assert [receiver.buffer_octets for receiver in listener._receivers] == [2_000_000, 2_000_000]


async def test_a_group_is_joined_again_when_the_link_can_carry_ipv6_again(ends: tuple[Host, Host]) -> None:
    left, right = ends
    left.call(left.segment.join, ROUTER6, OWN6)
    for mtu in (1200, 1500):  # the kernel forgets the members of IPv6 groups on a link too small for IPv6
        left.namespace.ip(f"link set eth0 mtu {mtu}")
        left.call(left.segment.learn, left.namespace.link("eth0"))
    right.call(right.segment.send, advert(PEER6, VRRP_GROUP6))
    await left.until(lambda: left.sources)
