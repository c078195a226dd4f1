"""Where a virtual router listens, and what errors do to its sockets."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrpd.config.model import (
    VRRP_GROUP,
    VRRP_GROUP6,
    Address,
    Authentication,
    AuthenticationType,
    Unicast,
    UnicastPeer,
    VirtualRouter,
)
from vrrpd.config.position import Position
from vrrpd.kernel.links import Link
from vrrpd.kernel.vrrp_socket import (
    DATAGRAMS_MAX,
    IPPROTO_AH,
    IPPROTO_VRRP,
    AdvertReceiver,
    AdvertSender,
    Reception,
    reception,
)
from vrrpd.protocol.wire import Datagram

ROUTER = VirtualRouter("VI_1", "eth0", 50, 100, Position("test.conf", 1, 1))
AUTHENTICATED = Authentication(AuthenticationType.AH, b"1111")
UNICAST = Unicast(peers=(UnicastPeer(IPv4Address("192.168.4.6")),))
OWN = IPv4Address("192.168.4.5")
OTHER = IPv4Address("192.168.4.105")
OWN6 = IPv6Address("fe80::5")


@pytest.mark.parametrize(
    ("router", "source", "expected"),
    [
        (ROUTER, None, Reception(IPPROTO_VRRP, VRRP_GROUP)),
        (replace(ROUTER, authentication=AUTHENTICATED), OWN, Reception(IPPROTO_AH, VRRP_GROUP)),
        (replace(ROUTER, version=3, authentication=AUTHENTICATED), OWN, Reception(IPPROTO_VRRP, VRRP_GROUP)),
        (replace(ROUTER, version=3, family=6, multicast_group=VRRP_GROUP6), OWN6, Reception(IPPROTO_VRRP, VRRP_GROUP6)),
        (replace(ROUTER, unicast=UNICAST), OWN, Reception(IPPROTO_VRRP, OWN)),
        (replace(ROUTER, unicast=UNICAST, authentication=AUTHENTICATED), OWN, Reception(IPPROTO_AH, OWN)),
        (replace(ROUTER, unicast=UNICAST, source_address=OTHER), OWN, Reception(IPPROTO_VRRP, OTHER)),
        (replace(ROUTER, unicast=UNICAST), None, None),
    ],
    ids=[
        "group",
        "authenticated",
        "version 3 has no authentication",
        "IPv6",
        "unicast",
        "both",
        "unicast from another address than the interface's first",
        "unicast without a source",
    ],
)
def test_where_a_virtual_router_listens(router: VirtualRouter, source: Address | None, expected: Reception | None) -> None:
    assert reception(router, source) == expected


class Failing:
    """A socket whose every call fails."""

    def __init__(self, number: int) -> None:
        self.error = OSError(number, "refused")

    def recvmsg(self, _octets: int, _ancillary_octets: int) -> None:
        raise self.error

    def getsockopt(self, _level: int, _option: int, _octets: int) -> bytes:
        raise self.error

    def sendto(self, _datagram: bytes, _flags: int, _destination: object) -> int:
        raise self.error


class Overlong:
    """A socket that has two datagrams, the first of them longer than what was asked for."""

    def __init__(self) -> None:
        self.flags = [socket.MSG_TRUNC, 0]

    def recvmsg(self, octets: int, _ancillary_octets: int) -> tuple[bytes, list[object], int, tuple[str, int]]:
        if not self.flags:
            raise BlockingIOError
        return bytes(octets), [], self.flags.pop(0), ("192.168.4.6", 0)


def receiver(stand_in: object) -> AdvertReceiver:
    """A receiver around a stand-in for its socket."""
    opened = AdvertReceiver.__new__(AdvertReceiver)
    opened.errors = 0
    opened._reception = Reception(IPPROTO_VRRP, VRRP_GROUP)
    opened._socket = stand_in  # type: ignore[assignment]
    return opened


def test_a_refused_advert_is_returned_as_its_error() -> None:
    for number, destination in ((errno.EPERM, VRRP_GROUP), (errno.ENOBUFS, IPv6Address("fe80::1"))):
        sender = AdvertSender.__new__(AdvertSender)
        sender._link = Link(index=7, name="eth0", up=True, mac=bytes(6), mtu=1500, arp=True)
        sender._socket = Failing(number)  # type: ignore[assignment]
        error = sender.send(Datagram(destination, b"advert"))
        assert error is not None
        assert error.errno == number


def test_a_failed_read_is_counted_and_nothing_was_received() -> None:
    failing = receiver(Failing(errno.ENETDOWN))
    assert failing.receive() == []
    assert failing.errors == 1


def test_no_more_is_read_than_may_be() -> None:
    class Endless:
        def recvmsg(self, octets: int, _ancillary_octets: int) -> tuple[bytes, list[object], int, tuple[str, int]]:
            return bytes(octets), [], 0, ("192.168.4.6", 0)

    assert [len(receiver(Endless()).receive(count)) for count in (0, 5, DATAGRAMS_MAX + 1)] == [0, 5, DATAGRAMS_MAX]


def test_nothing_waiting_is_no_error() -> None:
    empty = receiver(Failing(errno.EAGAIN))
    assert empty.receive() == []
    assert empty.errors == 0


def test_a_datagram_that_is_too_long_is_dropped_and_the_next_is_read() -> None:
    overlong = receiver(Overlong())
    assert len(overlong.receive()) == 1
    assert overlong.errors == 1


def test_a_kernel_that_does_not_count_drops_has_dropped_nothing() -> None:
    assert receiver(Failing(errno.ENOPROTOOPT)).drops == 0
