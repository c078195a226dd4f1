"""Announcements: what is sent for which address, and what becomes of a set of them."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrpd.kernel import announcements as announcements_module
from vrrpd.kernel.announcements import Announced, FrameSocket, announcements
from vrrpd.kernel.arp import gratuitous_arp
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import neighbour_advertisement

MAC = bytes.fromhex("020000000005")
ETH0 = Link(index=7, name="eth0", up=True, mac=MAC, mtu=1500, arp=True)
FRAMES = (b"first", b"second", b"third")


class Scripted:
    """A socket that answers each frame from a list: None takes it; afterwards it takes all."""

    def __init__(self, *answers: OSError | None) -> None:
        self.answers = list(answers)
        self.taken: list[bytes] = []

    def send(self, frame: bytes) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.taken.append(frame)


def frame_socket(stand_in: object) -> FrameSocket:
    """A FrameSocket around a stand-in for its socket."""
    opened = FrameSocket.__new__(FrameSocket)
    opened._socket = stand_in  # type: ignore[assignment]
    return opened


def test_addresses_of_both_families_are_announced_in_order_where_neighbours_are_asked_for() -> None:
    first, second, third = IPv4Address("192.168.4.16"), IPv6Address("2001:db8::15"), IPv4Address("192.168.4.15")
    frames = gratuitous_arp(MAC, first), neighbour_advertisement(MAC, second, router=False), gratuitous_arp(MAC, third)
    assert announcements(ETH0, [first, second, third]) == frames
    tunnel = Link(index=8, name="tun0", up=True, mac=b"", mtu=1500, arp=False)
    assert announcements(tunnel, [first, second, third]) == ()


def test_a_routers_interface_announces_a_router() -> None:
    address = IPv6Address("2001:db8::15")
    frames = announcements(replace(ETH0, forwards_ipv6=True), [address])
    assert frames == (neighbour_advertisement(MAC, address, router=True),)


def test_rounds_are_outside_and_addresses_inside() -> None:
    stand_in = Scripted()
    assert frame_socket(stand_in).announce(FRAMES, repeat=2) == Announced(sent=6, not_sent=0)
    assert stand_in.taken == [*FRAMES, *FRAMES]


def test_a_frame_that_the_interfaces_queue_dropped_is_counted_and_the_rest_is_sent() -> None:
    dropped = OSError(errno.ENOBUFS, "No buffer space available")
    stand_in = Scripted(None, dropped)
    assert frame_socket(stand_in).announce(FRAMES, repeat=2) == Announced(sent=5, not_sent=1, error=dropped)
    assert stand_in.taken == [b"first", b"third", *FRAMES]


@pytest.mark.parametrize("number", [errno.ENETDOWN, errno.ENXIO, errno.ENODEV])
def test_a_dead_interface_ends_the_set_at_once(number: int) -> None:
    dead = OSError(number, "dead")
    stand_in = Scripted(None, dead)
    assert frame_socket(stand_in).announce(FRAMES, repeat=5) == Announced(sent=1, not_sent=14, error=dead)
    assert stand_in.taken == [b"first"]


def test_a_full_buffer_is_waited_for_within_a_bound_and_then_ends_the_set() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        near.setblocking(False)
        announced = frame_socket(near).announce(FRAMES, repeat=100_000)
        assert announced.sent > 0
        assert announced.sent + announced.not_sent == 300_000
        assert isinstance(announced.error, BlockingIOError)


def test_a_set_that_has_waited_its_time_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements_module, "WAIT_MAX_S", 0.0)
    full = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    assert frame_socket(Scripted(full)).announce(FRAMES, repeat=1) == Announced(sent=0, not_sent=3, error=full)


def test_a_buffer_that_empties_in_time_costs_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        monkeypatch.setattr(announcements_module, "WAIT_MAX_S", 60.0)

        class Emptied:
            """Sends to the pair; whenever that is full, the far end reads all of it."""

            def send(self, frame: bytes) -> int:
                try:
                    return near.send(frame)
                except BlockingIOError:
                    with suppress(BlockingIOError):
                        while far.recv(100):
                            pass
                    raise

            def fileno(self) -> int:
                return near.fileno()

        assert frame_socket(Emptied()).announce(FRAMES, repeat=1000) == Announced(sent=3000, not_sent=0)
