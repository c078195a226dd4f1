"""PING_CHECK of hosts that answer wrongly or not at all, all at once."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from threading import Event, Thread

import pytest

from healthcheck import ping
from healthcheck.ping import ECHO_REPLY, ECHO_REQUEST, HEADER, internet_checksum
from healthcheck.types import PingCheck
from tests.healthcheck.observing import PACE, TIMEOUT_S, Case, differing, late, observe
from tests.healthcheck.servers import PATIENCE_S

NO_ANSWER = "no answer within 1 s"
LOOK_UP_S = 0.05
IP_HEADER_OCTETS = 20


def reply(request: bytes, **changes: int) -> bytes:
    """To an echo request, with something in it changed."""
    _type, _code, _sum, identifier, sequence = HEADER.unpack_from(request)
    fields = {"type": ECHO_REPLY, "sequence": sequence} | changes
    body = request[HEADER.size :]
    summed = HEADER.pack(fields["type"], 0, 0, identifier, fields["sequence"]) + body
    return HEADER.pack(fields["type"], 0, internet_checksum(summed), identifier, fields["sequence"]) + body


PINGED: dict[str, Callable[[bytes], list[bytes]]] = {
    "says nothing": lambda _request: [],
    "tells other numbers": lambda request: [reply(request, sequence=1), reply(request, type=3)],
    "is cut short": lambda request: [reply(request)[:4]],
    "sends garbage": lambda _request: [bytes(60000)],
    "sends a flood": lambda request: [reply(request, sequence=1)] * 500,
    "comes to the point": lambda request: [reply(request, sequence=1), reply(request)],
}
"""Hosts, and what they answer; only the last one is up."""


@contextmanager
def answering_pings() -> Iterator[list[Case]]:
    """Each of the hosts at an address of its own, which the kernel leaves to us."""
    Path("/proc/sys/net/ipv4/icmp_echo_ignore_all").write_text("1")
    over = Event()
    with ExitStack() as opened:
        hosts = {
            opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)): name for name in PINGED
        }
        for number, host in enumerate(hosts):
            host.bind((f"127.0.0.{number + 2}", 0))

        def serve() -> None:
            while not over.is_set():
                for host in select.select(hosts, [], [], LOOK_UP_S)[0]:
                    packet, (peer, _port) = host.recvfrom(65535)
                    request = packet[IP_HEADER_OCTETS:]
                    for answer in PINGED[hosts[host]](request) if request[0] == ECHO_REQUEST else ():
                        host.sendto(answer, (peer, 0))

        thread = Thread(target=serve)
        thread.start()
        try:
            yield [ping_case(name, IPv4Address(host.getsockname()[0])) for host, name in hosts.items()]
        finally:
            over.set()
            thread.join()


def ping_case(name: str, address: IPv4Address) -> Case:
    success = name == list(PINGED)[-1]
    check = PingCheck(address, 0, PACE, PATIENCE_S if success else TIMEOUT_S)
    return Case(f"PING_CHECK: {name}", check, "answered" if success else NO_ANSWER, success)


@pytest.mark.kernel
@pytest.mark.parametrize("datagrams", [True, False], ids=["datagram sockets", "raw sockets"])
def test_ping(datagrams: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    monkeypatch.setattr(ping, "_datagrams_allowed", lambda _version: datagrams)
    with answering_pings() as cases:
        seen = asyncio.run(observe(cases))
    assert (differing(cases, seen), late(cases, seen)) == ({}, {})
