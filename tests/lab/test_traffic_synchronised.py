"""Connections that outlive their director: with the synchronisation daemon the other one goes on with them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from netns_lab.namespaces import Host
from netns_lab.waiting import wait_for
from tests.lab.conftest import VIRTUAL_ADDRESS, Pair
from tests.lab.running import ELECTED_S, PROMPT_S, Vrrpd

pytestmark = pytest.mark.kernel

SYNCHRONISED = ("router_id lvs", "lvs_sync_daemon eth0 VI_1\n  router_id lvs")
ANSWER_TIMEOUT_S = 3.0
LINES = 6
"""The kernel tells of a connection with its third packet (net.ipv4.vs.sync_threshold)."""


class SlowRequest:
    """A request that comes line by line: each is a packet, and the last one brings the answer."""

    def __init__(self, host: Host) -> None:
        with host.entered():
            self.socket = socket.create_connection((str(VIRTUAL_ADDRESS), 80), ANSWER_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.socket.sendall(b"GET / HTTP/1.0\r\n")

    @property
    def port(self) -> int:
        """Of the client."""
        return int(self.socket.getsockname()[1])

    def go_on(self) -> None:
        """Say a little more."""
        self.socket.sendall(b"X-Patience: yes\r\n")

    def finish(self) -> str:
        """Who answers."""
        self.socket.sendall(b"\r\n")
        with self.socket.makefile("rb") as answer:
            return answer.read().split()[-1].decode()


@contextlib.contextmanager
def slow_request(host: Host) -> Iterator[SlowRequest]:
    """A request of which some lines are said."""
    request = SlowRequest(host)
    with request.socket:
        for _ in range(LINES):
            request.go_on()
        yield request


def established(host: Host, client: IPv4Address, port: int) -> bool:
    """Whether IPVS on a host knows the connection."""
    rows = map(str.split, host.run("ipvsadm", "-Lnc").stdout.splitlines()[2:])
    return any(row[2:4] == ["ESTABLISHED", f"{client}:{port}"] for row in rows)


def daemons(router: Vrrpd) -> list[str]:
    """What the kernel runs, such as `master sync daemon (mcast=eth0, syncid=50`."""
    lines = router.host.run("ipvsadm", "-Ln", "--daemon").stdout.splitlines()
    return [",".join(line.split(",")[:2]) for line in lines]


@pytest.fixture(scope="module")
def client(pair: Pair) -> Host:
    """The client; lvs1 is master, and nothing is synchronised yet."""
    return pair.client.host


def test_without_it_a_connection_ends_with_its_director(pair: Pair, client: Host) -> None:
    assert daemons(pair.first) == []
    with slow_request(client) as request:
        pair.first.daemon.stop()
        wait_for(lambda: pair.lab.holders() == [pair.second.host], ELECTED_S, "lvs2 as the only master")
        with pytest.raises(ConnectionResetError):
            request.finish()


def test_a_connection_outlives_a_director_without_power(pair: Pair, client: Host) -> None:
    for each in (pair.first, pair.second):
        each.edit(SYNCHRONISED)
    pair.second.reload()
    wait_for(lambda: daemons(pair.second) == ["master sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs2 sending")
    pair.first.start()
    wait_for(lambda: pair.lab.holders() == [pair.first.host], ELECTED_S, "lvs1 as the only master")
    wait_for(lambda: daemons(pair.first) == ["master sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs1 sending")
    wait_for(lambda: daemons(pair.second) == ["backup sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs2 receiving")
    address = pair.client.host.plan.address.ip
    assert isinstance(address, IPv4Address)
    with slow_request(client) as one, slow_request(client) as another:
        for request in (one, another):
            wait_for(lambda port=request.port: established(pair.second.host, address, port), PROMPT_S, "lvs2 knowing of it")  # type: ignore[misc]
        pair.first.host.unplug()
        pair.first.daemon.crash()
        wait_for(lambda: pair.second.host.holds(VIRTUAL_ADDRESS), ELECTED_S, "lvs2 as master")
        for request in (one, another):
            request.go_on()
        assert {one.finish(), another.finish()} == {"web1", "web2"}
    wait_for(lambda: daemons(pair.second) == ["master sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs2 sending again")


def test_the_daemon_goes_with_its_line_in_the_file(pair: Pair) -> None:
    pair.second.edit(SYNCHRONISED[::-1])
    pair.second.reload()
    assert daemons(pair.second) == []
