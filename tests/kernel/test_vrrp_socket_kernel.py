"""Adverts between two hosts on a real kernel."""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

import pytest

from tests.kernel.conftest import Namespace
from vrrpd.config.model import VRRP_GROUP, VRRP_GROUP6, Address
from vrrpd.kernel import vrrp_socket
from vrrpd.kernel.links import Link
from vrrpd.kernel.vrrp_socket import (
    DATAGRAMS_MAX,
    IPPROTO_AH,
    IPPROTO_VRRP,
    RECEIVE_BUFFER_OCTETS,
    AdvertReceiver,
    AdvertSender,
    Reception,
)
from vrrpd.protocol.wire import Datagram

pytestmark = pytest.mark.kernel

DEADLINE_S = 10.0
MULTICAST = Reception(IPPROTO_VRRP, VRRP_GROUP)
MULTICAST6 = Reception(IPPROTO_VRRP, VRRP_GROUP6)
ADVERT = bytes.fromhex("21326401010152b1c0a8040f3131313100000000")

AUTHENTICATED = bytes.fromhex(
    "45c0004000010000ff33160ac0a80405e000001270040000c0a8040500000005bf3961af84ab347ebb9847a621326401"
    "0201b413c0a8040f0000000000000000"
)
"""keepalived's advert with an authentication header."""
CAPTURED6 = bytes.fromhex(
    "6c000000002870fffe80000000000000000000fffe000005ff020000000000000000000000000012"
    "313264020064"
    "7184fe800000000000000000000000000015fd000004000000000000000000000015"
)
"""keepalived's advert over IPv6, without its flow label."""


def datagram(source: str, identification: int = 1, destination: IPv4Address = VRRP_GROUP) -> bytes:
    """An advert in an IPv4 header of its own, checksum left to the kernel."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0xC0, 20 + len(ADVERT), identification, 0, 255, 112, 0),
        *(IPv4Address(source).packed, destination.packed),
    )
    return header + ADVERT


@dataclass
class Ends:
    """One host's sockets of one reception: what it sends with, and what it hears."""

    host: Namespace
    sender: AdvertSender
    receiver: AdvertReceiver

    def send(self, octets: bytes, destination: Address | None = None) -> OSError | None:
        """Send a packet to where it says itself that it goes, if not told otherwise."""
        return self.sender.send(Datagram(destination or destination_of(octets), octets))

    def receive(self) -> list[bytes]:
        """What is there already."""
        return self.receiver.receive()

    def received(self) -> list[bytes]:
        """What arrives within the deadline; of IPv4 the kernel's checksum is blanked."""
        assert select.select([self.receiver], [], [], DEADLINE_S)[0], "nothing was heard"
        return [octets[:10] + bytes(2) + octets[12:] if octets[0] >> 4 == 4 else octets for octets in self.receive()]


def destination_of(octets: bytes) -> Address:
    return IPv4Address(octets[16:20]) if octets[0] >> 4 == 4 else IPv6Address(octets[24:40])


class Opener(Protocol):
    """Opens sockets on one of a host's interfaces."""

    def __call__(self, host: Namespace, what: Reception = MULTICAST, interface: str = "eth0") -> Ends: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens sockets that are closed after the test."""
    with ExitStack() as stack:

        def opened(host: Namespace, what: Reception = MULTICAST, interface: str = "eth0") -> Ends:
            link = host.link(interface)
            with host.entered():
                sender = AdvertSender(link, what.destination.version)
                stack.callback(sender.close)
                receiver = AdvertReceiver(link, what)
                stack.callback(receiver.close)
            return Ends(host, sender, receiver)

        yield opened


@pytest.fixture
def pair(hosts: tuple[Namespace, Namespace], opened: Opener) -> tuple[Ends, Ends]:
    """Sockets on each host."""
    left, right = (opened(host) for host in hosts)
    return left, right


def test_two_routers_hear_each_other_and_not_themselves(pair: tuple[Ends, Ends]) -> None:
    left, right = pair
    assert left.send(datagram("192.168.4.5")) is None
    assert right.received() == [datagram("192.168.4.5")]

    assert right.send(datagram("192.168.4.6")) is None
    assert left.received() == [datagram("192.168.4.6")]  # and nothing of its own, which would have come first
    assert right.receive() == []


def test_the_advert_is_on_the_wire_as_captured_from_keepalived(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    captured = bytes.fromhex(
        "01005e000012020000000005080045c0002800010000ff7015e5c0a80405e000001221326401010152b1c0a8040f3131313100000000"
    )
    left = opened(hosts[0])
    with hosts[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind(("eth0", 0x0800))
        wire.settimeout(DEADLINE_S)
        left.send(datagram("192.168.4.5"))
        while (seen := wire.recv(2048))[23] != IPPROTO_VRRP:  # the hosts' own reports of their groups, until the deadline
            assert seen
    assert seen == captured


def test_one_call_reads_a_bounded_number_and_the_rest_stays_readable(pair: tuple[Ends, Ends]) -> None:
    left, right = pair
    for number in range(DATAGRAMS_MAX + 3):
        assert left.send(datagram("192.168.4.5", identification=1 + number)) is None

    assert [len(right.received()), len(right.received())] == [DATAGRAMS_MAX, 3]
    assert right.receiver.errors == 0


def test_a_socket_hears_neither_another_group_nor_what_is_sent_to_the_host(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends]
) -> None:
    other_group = IPv4Address("224.0.0.81")
    left, right = pair
    elsewhere = opened(hosts[1], Reception(IPPROTO_VRRP, other_group))
    for destination in (other_group, IPv4Address("192.168.4.6"), VRRP_GROUP):
        assert left.send(datagram("192.168.4.5", destination=destination)) is None

    assert right.received() == [datagram("192.168.4.5")]
    assert elsewhere.received() == [datagram("192.168.4.5", destination=other_group)]


def test_a_socket_hears_nothing_from_another_interface(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends]
) -> None:
    left, right = pair
    hosts[1].ip("link add eth1 type veth peer name far1", "link set eth1 up", "link set far1 up")
    eth1 = opened(hosts[1], interface="eth1")
    left.send(datagram("192.168.4.5"))

    assert right.received() == [datagram("192.168.4.5")]
    assert eth1.receive() == []


def test_a_group_is_reached_on_the_link_whatever_the_routes_say(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    group = IPv4Address("239.1.1.1")
    hosts[0].ip(f"route add {group} via 192.168.4.99 dev eth0")
    left, right = (opened(host, Reception(IPPROTO_VRRP, group)) for host in hosts)
    left.send(datagram("192.168.4.5", destination=group))

    assert right.received() == [datagram("192.168.4.5", destination=group)]


def test_adverts_go_ahead_of_all_else_in_the_interfaces_queue(pair: tuple[Ends, Ends]) -> None:
    assert pair[0].sender._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY) == 7  # TC_PRIO_CONTROL


def test_what_comes_before_a_socket_is_bound_is_not_heard(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = pair

    def bound_late(receiver: socket.socket, link: Link, what: Reception) -> None:
        left.send(datagram("192.168.4.5"))
        assert select.select([receiver], [], [], DEADLINE_S)[0]
        bind_receiver(receiver, link, what)

    bind_receiver = vrrp_socket._bind_receiver
    monkeypatch.setattr(vrrp_socket, "_bind_receiver", bound_late)
    late = opened(hosts[1])

    assert right.received() == [datagram("192.168.4.5")]
    assert late.receive() == []


def test_an_interface_without_addresses_is_heard_too(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    hosts[1].ip("address flush dev eth0")
    left, right = (opened(host) for host in hosts)
    left.send(datagram("192.168.4.5"))
    assert right.received() == [datagram("192.168.4.5")]


def test_an_interface_that_is_down_refuses_each_advert_until_it_is_up(
    hosts: tuple[Namespace, Namespace], pair: tuple[Ends, Ends]
) -> None:
    left, right = pair
    hosts[0].ip("link set eth0 down")
    refused = left.send(datagram("192.168.4.5"))
    assert isinstance(refused, OSError)
    assert refused.errno in (errno.ENETDOWN, errno.ENETUNREACH, errno.ENODEV)
    assert left.receive() == []

    hosts[0].ip("link set eth0 up")
    assert left.send(datagram("192.168.4.5")) is None
    assert right.received() == [datagram("192.168.4.5")]


def test_the_sockets_are_refused_and_given_back_where_there_is_no_such_interface(namespace: Namespace) -> None:
    nowhere = Link(index=9999, name="eth9", up=True, mac=bytes(6), mtu=1500, arp=True)
    for family, what in ((4, MULTICAST), (6, MULTICAST6)):
        with namespace.entered():
            with pytest.raises(OSError, match="No such device"):
                AdvertSender(nowhere, family)
            with pytest.raises(OSError, match="No such device"):
                AdvertReceiver(nowhere, what)


# -- authentication header, unicast, IPv6 -----------------------------------------------------------------------------------


def test_an_authentication_header_is_heard_where_it_carries_vrrp(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends]
) -> None:
    left, right = (opened(host, Reception(IPPROTO_AH, VRRP_GROUP)) for host in hosts)
    foreign = AUTHENTICATED[:20] + bytes([6]) + AUTHENTICATED[21:]
    for octets in (foreign, AUTHENTICATED):
        assert left.send(octets) is None

    assert [octets[20:] for octets in right.received()] == [AUTHENTICATED[20:]]
    assert pair[1].receive() == []  # which hears protocol 112


def test_a_unicast_advert_goes_to_its_peer_behind_a_router_with_the_ttl_that_it_brings(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends]
) -> None:
    peer = IPv4Address("10.1.1.6")
    right = opened(hosts[1], Reception(IPPROTO_VRRP, peer))  # before the address is there
    hosts[0].ip(f"route add {peer} via 192.168.4.6")
    hosts[1].ip(f"address add {peer}/32 dev lo")
    octets = datagram("192.168.4.5", destination=peer)
    octets = octets[:8] + bytes([64]) + octets[9:]
    assert pair[0].send(octets) is None

    assert right.received() == [octets]
    assert pair[1].receive() == []


@pytest.fixture
def hosts6(hosts: tuple[Namespace, Namespace]) -> tuple[Namespace, Namespace]:
    """The hosts with IPv6 addresses that can be used at once: fe80::5 and fd00:4::5, fe80::6 and fd00:4::6."""
    for host, octet in zip(hosts, (5, 6), strict=True):
        host.ip(f"address add fe80::{octet}/64 dev eth0 nodad", f"address add fd00:4::{octet}/64 dev eth0 nodad")
    return hosts


def test_ipv6_adverts_arrive_as_whole_packets_and_not_at_their_sender(
    hosts6: tuple[Namespace, Namespace], opened: Opener
) -> None:
    left, right = (opened(host, MULTICAST6) for host in hosts6)
    assert left.send(CAPTURED6) is None
    assert right.received() == [CAPTURED6]

    assert right.send(CAPTURED6[:8] + IPv6Address("fe80::6").packed + CAPTURED6[24:]) is None
    assert left.received()[0][23] == 6  # and nothing of its own, which would have come first


def test_the_ipv6_advert_is_on_the_wire_as_keepalived_sends_it(hosts6: tuple[Namespace, Namespace], opened: Opener) -> None:
    left = opened(hosts6[0], MULTICAST6)
    with hosts6[1].entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD)) as wire:
        wire.bind(("eth0", 0x86DD))
        wire.settimeout(DEADLINE_S)
        left.send(CAPTURED6)
        while (seen := wire.recv(2048))[:6] != bytes.fromhex("333300000012"):  # the hosts' own chatter, until the deadline
            assert seen
    assert seen == bytes.fromhex("33330000001202000000000586dd") + CAPTURED6


def test_a_wrong_ipv6_checksum_is_neither_mended_nor_refused_by_the_kernel(
    hosts6: tuple[Namespace, Namespace], opened: Opener
) -> None:
    left, right = (opened(host, MULTICAST6) for host in hosts6)
    wrong = CAPTURED6[:46] + b"\xbe\xef" + CAPTURED6[48:]
    left.send(wrong)
    assert right.received() == [wrong]


def test_unicast_ipv6_goes_to_link_local_and_other_peers_with_the_hop_limit_that_it_brings(
    hosts6: tuple[Namespace, Namespace], opened: Opener
) -> None:
    left = opened(hosts6[0], MULTICAST6)
    for source, destination in (("fe80::5", "fe80::6"), ("fd00:4::5", "fd00:4::6")):
        right = opened(hosts6[1], Reception(IPPROTO_VRRP, IPv6Address(destination)))
        ends = IPv6Address(source).packed + IPv6Address(destination).packed
        octets = CAPTURED6[:7] + bytes([64]) + ends + CAPTURED6[40:]
        assert left.send(octets) is None
        assert right.received() == [octets]


def test_who_listens_for_unicast_ipv6_hears_no_group(hosts6: tuple[Namespace, Namespace], opened: Opener) -> None:
    left, group = opened(hosts6[0], MULTICAST6), opened(hosts6[1], MULTICAST6)
    peer = opened(hosts6[1], Reception(IPPROTO_VRRP, IPv6Address("fe80::6")))
    left.send(CAPTURED6)
    assert group.received() == [CAPTURED6]
    assert peer.receive() == []


# -- senders told apart -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "known", "stranger"),
    [
        (MULTICAST, datagram("192.168.4.5"), datagram("192.168.4.7")),
        (Reception(IPPROTO_AH, VRRP_GROUP), AUTHENTICATED, AUTHENTICATED[:15] + b"\7" + AUTHENTICATED[16:]),
        (MULTICAST6, CAPTURED6, CAPTURED6[:23] + b"\7" + CAPTURED6[24:]),
    ],
    ids=["IPv4", "authentication header", "IPv6"],
)
def test_senders_can_be_heard_apart(
    hosts6: tuple[Namespace, Namespace], opened: Opener, what: Reception, known: bytes, stranger: bytes
) -> None:
    left, right = (opened(host, what) for host in hosts6)
    senders: list[Address] = [IPv4Address("192.168.4.5"), IPv6Address(CAPTURED6[8:24])]

    def heard() -> list[int]:
        """The senders' last octets, when both have spoken."""
        for octets in (known, stranger):
            assert left.send(octets) is None
        return [octets[15 if octets[0] >> 4 == 4 else 23] for octets in right.receive()]

    assert heard() == [5, 7]
    right.receiver.hear_only(senders)
    assert heard() == [5]
    right.receiver.hear_all_but(senders)
    assert heard() == [7]
    right.receiver.hear_only(())
    assert heard() == []
    right.receiver.hear_all_but(())
    assert heard() == [5, 7]


def test_more_senders_than_a_filter_can_tell_apart_are_no_error(pair: tuple[Ends, Ends]) -> None:
    left, right = pair
    right.receiver.hear_only([IPv4Address(number) for number in range(1, 2_000)])
    assert left.send(datagram("0.0.0.9")) is None
    assert left.send(datagram("192.168.4.5")) is None
    assert [octets[12:16] for octets in right.receive()] == [bytes((0, 0, 0, 9))]


def test_a_deaf_socket_hears_whom_it_is_told_to_hear(hosts: tuple[Namespace, Namespace], opened: Opener) -> None:
    left = opened(hosts[0])
    with hosts[1].entered():
        deaf = AdvertReceiver(hosts[1].link("eth0"), MULTICAST, deaf=True)
    left.send(datagram("192.168.4.5"))
    assert deaf.receive() == []
    deaf.hear_only([IPv4Address("192.168.4.5")])
    left.send(datagram("192.168.4.5"))
    assert len(deaf.receive()) == 1
    deaf.close()


# -- floods -----------------------------------------------------------------------------------------------------------------


def test_what_a_flood_drops_is_counted_and_a_wider_buffer_drops_less(
    hosts: tuple[Namespace, Namespace], opened: Opener, pair: tuple[Ends, Ends]
) -> None:
    left, right = pair
    with hosts[1].entered():
        narrow = AdvertReceiver(hosts[1].link("eth0"), MULTICAST, buffer_octets=8_192)
    assert narrow.drops == right.receiver.drops == 0
    for number in range(300):
        left.send(datagram("192.168.4.5", identification=1 + number))

    heard = 0
    while octets := right.receive():
        heard += len(octets)
    assert heard + right.receiver.drops == 300
    assert right.receiver.drops < narrow.drops < 300
    narrow.widen(RECEIVE_BUFFER_OCTETS)
    before = narrow.drops
    while narrow.receive():
        pass
    for _ in range(300):
        left.send(datagram("192.168.4.5"))
    assert narrow.drops == before
    narrow.close()
