"""What errors do to the socket pair."""

from __future__ import annotations

import errno
from ipaddress import IPv4Address

from vrrpd.config.model import VRRP_GROUP
from vrrpd.kernel.vrrp_socket import VrrpSocket


class Failing:
    """A socket whose every call fails."""

    def __init__(self, number: int) -> None:
        self.error = OSError(number, "refused")

    def recv(self, _octets: int) -> bytes:
        raise self.error

    def sendto(self, _datagram: bytes, _flags: int, _destination: tuple[str, int]) -> int:
        raise self.error


def failing(number: int) -> VrrpSocket:
    """A pair of which both fail."""
    vrrp = VrrpSocket.__new__(VrrpSocket)
    vrrp.receive_errors = 0
    vrrp._sender = vrrp._receiver = Failing(number)  # type: ignore[assignment]  # stands in for both sockets
    return vrrp


def test_a_refused_advert_is_returned_as_its_error() -> None:
    for number, destination in ((errno.EPERM, VRRP_GROUP), (errno.ENOBUFS, IPv4Address("192.0.2.1"))):
        error = failing(number).send(b"advert", destination)
        assert error is not None
        assert error.errno == number


def test_a_failed_read_is_counted_and_nothing_was_received() -> None:
    vrrp = failing(errno.ENETDOWN)
    assert vrrp.receive() == []
    assert vrrp.receive_errors == 1


def test_nothing_waiting_is_no_error() -> None:
    vrrp = failing(errno.EAGAIN)
    assert vrrp.receive() == []
    assert vrrp.receive_errors == 0
