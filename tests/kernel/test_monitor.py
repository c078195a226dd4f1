"""Notifications as bytes."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.netlink import NLMSG_DONE, attribute, message
from vrrpd.kernel import monitor as monitor_module
from vrrpd.kernel import rtnetlink
from vrrpd.kernel.addresses import AddressAttributes, AddressKey
from vrrpd.kernel.links import Link
from vrrpd.kernel.monitor import (
    DATAGRAMS_MAX,
    AddressAdded,
    AddressRemoved,
    LinkChanged,
    LinkRemoved,
    Overrun,
    RouteMonitor,
    events,
)

KEY = AddressKey(7, IPv4Address("192.168.4.15"), 32)
ADDED = rtnetlink.new_address(7, KEY.address, 32, label="eth0", scope=0, broadcast=None)
REMOVED = rtnetlink.delete_address(7, KEY.address, 32)


def link_message(kind: int, family: int = 0) -> bytes:
    """A notification about `eth0`, up, with a MAC of zeros."""
    described = [(rtnetlink.IFLA_IFNAME, b"eth0\0"), (rtnetlink.IFLA_ADDRESS, bytes(6))]
    payload = rtnetlink.LINK_HEADER.pack(family, 1, 7, 0x43, 0) + b"".join(attribute(*pair) for pair in described)
    return message(kind, 0, payload + attribute(rtnetlink.IFLA_MTU, rtnetlink.U32.pack(1500)))


CHANGED = link_message(rtnetlink.RTM_NEWLINK)
GONE = link_message(rtnetlink.RTM_DELLINK)


def test_each_notification_becomes_its_event_in_order() -> None:
    assert list(events(CHANGED + ADDED + REMOVED + GONE)) == [
        LinkChanged(Link(index=7, name="eth0", up=True, mac=bytes(6), mtu=1500, arp=True)),
        AddressAdded(KEY, AddressAttributes(label="eth0")),
        AddressRemoved(KEY),
        LinkRemoved(7, "eth0"),
    ]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        message(NLMSG_DONE, 0, b""),
        link_message(rtnetlink.RTM_DELLINK, family=socket.AF_BRIDGE),
        message(rtnetlink.RTM_NEWADDR, 0, b""),
    ],
    ids=["nothing", "another type", "a bridge about its port", "an address cut short"],
)
def test_what_is_of_no_interest_is_left_out(datagram: bytes) -> None:
    assert list(events(datagram)) == []


@given(
    good=st.sampled_from([ADDED, REMOVED, CHANGED, GONE]),
    place=st.integers(0, 80),
    noise=st.binary(max_size=40),
    kind=st.sampled_from([16, 17, 20, 21]),
    payload=st.binary(max_size=100),
)
def test_no_bytes_make_it_raise(good: bytes, place: int, noise: bytes, kind: int, payload: bytes) -> None:
    list(events(good[:place] + noise + good[place + len(noise) :]))
    list(events(noise + good))
    list(events(message(kind, 0, payload)))


class Scripted:
    """A socket that answers from a list: octets from the kernel, or an error; then it has nothing more."""

    def __init__(self, *answers: bytes | OSError) -> None:
        self.answers = list(answers)

    def recv(self, _octets: int) -> bytes:
        if not self.answers:
            raise BlockingIOError
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def recvfrom(self, octets: int) -> tuple[bytes, tuple[int, int]]:
        return self.recv(octets), (0, 1)


@pytest.fixture
def monitor() -> RouteMonitor:
    """A monitor without a socket."""
    return RouteMonitor.__new__(RouteMonitor)


NO_BUFFER = OSError(errno.ENOBUFS, "No buffer space available")


def test_an_overrun_throws_away_what_is_older_than_the_dump_that_follows(monitor: RouteMonitor) -> None:
    scripted = Scripted(ADDED, NO_BUFFER, REMOVED, NO_BUFFER, REMOVED)
    monitor._socket = scripted  # type: ignore[assignment]  # stands in for the socket

    assert monitor.read() == [Overrun()]
    assert scripted.answers == []
    assert monitor.read() == []


def test_one_call_reads_a_bounded_number_of_datagrams(monitor: RouteMonitor) -> None:
    monitor._socket = Scripted(*[ADDED] * (DATAGRAMS_MAX + 1))  # type: ignore[assignment]
    assert [len(monitor.read()), len(monitor.read())] == [DATAGRAMS_MAX, 1]


def test_throwing_away_is_bounded_too(monitor: RouteMonitor) -> None:
    scripted = Scripted(NO_BUFFER, *[ADDED] * 10)
    monitor._socket = scripted  # type: ignore[assignment]
    with mock.patch.object(monitor_module, "DRAIN_MAX", 4):
        assert monitor.read() == [Overrun()]
    assert len(scripted.answers) == 6


def test_without_the_right_to_a_large_buffer_the_allowed_one_must_do() -> None:
    refused = mock.Mock(wraps=None)
    refused.setsockopt.side_effect = [PermissionError, None]
    with mock.patch("socket.socket", return_value=refused):
        RouteMonitor()
    assert refused.setsockopt.call_args.args == (socket.SOL_SOCKET, socket.SO_RCVBUF, monitor_module.RECEIVE_BUFFER_OCTETS)
    refused.bind.assert_called_once_with((0, monitor_module.GROUPS))
