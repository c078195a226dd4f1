"""The files in examples/ as they stand, all in force at once on two load balancers, in front of servers of their kind.

Each is asked for what it promises: clients are served through the virtual address; a server that dies gets nobody new after the
time that its comment names, and serves again when it is back.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import cast

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from netns_lab import programs, topology
from netns_lab.client import Client
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import DNS_PORT, REDIS_PORT, REPOSITORY, Daemon
from netns_lab.topology import Address
from netns_lab.waiting import wait_for
from tests.lab.running import ELECTED_S, Vrrpd

pytestmark = pytest.mark.kernel

ALL_OF_THEM = f"include {REPOSITORY}/examples/*.conf\n"
INSTANCES = ("KUBERNETES_API", "INGRESS", "DNS", "REDIS", "NODEPORT")
KUBERNETES_API, INGRESS, NAMES, REDIS, NODEPORT = (IPv4Address(f"192.0.2.{octet}") for octet in range(10, 15))
MASTERS = tuple(IPv4Address(f"192.0.2.{octet}") for octet in (21, 22, 23))
CONTROLLERS = tuple(IPv4Address(f"192.0.2.{octet}") for octet in (31, 32))
NAME_SERVERS = tuple(IPv4Address(f"192.0.2.{octet}") for octet in (41, 42))
REDIS_MASTER, REDIS_REPLICA = (IPv4Address(f"192.0.2.{octet}") for octet in (51, 52))
NODES = tuple(IPv4Address(f"198.51.100.{octet}") for octet in (11, 12))
API_PORT, NODE_PORT, NODE_HEALTH_PORT, INGRESS_HEALTH_PORT = 6443, 30080, 10256, 10254
HEALTH_RECORD = "--host-record=health.example.com,192.0.2.41"

CONFIGURED_S = 3.0
"""In which every example takes out a server whose port is closed: `delay_loop 2` and `delay_before_retry 1`."""
REDIS_CONFIGURED_S = 2.0
ALLOWANCE_S = 0.5
"""For the checks themselves on a guest that shares its CPU with all that runs here."""
BACK_S = 3.0
"""`delay_loop`, and a second for a server's start."""
ANSWER_TIMEOUT_S = 2.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """All hosts, with nothing running on them."""
    with Lab(topology.load("examples")) as lab:
        yield lab


@dataclass
class Servers:
    """What runs on s1, s2, s3 and the nodes, by host."""

    web: dict[str, Daemon]
    names: dict[str, Daemon]
    redis: dict[str, Daemon]


@pytest.fixture(scope="module")
def servers(lab: Lab) -> Servers:
    """API servers, controllers, name servers, Redis and nodes."""
    web = {name: start_web(lab.host(name)) for name in ("s1", "s2", "s3", "node1", "node2")}
    names = {name: programs.start_name_server(lab.host(name), HEALTH_RECORD) for name in ("s1", "s2")}
    redis = {"s1": start_redis(lab.host("s1")), "s2": programs.start_redis(lab.host("s2"), "--replicaof", *REPLICA_OF)}
    return Servers(web, names, redis)


REPLICA_OF = (str(REDIS_MASTER), str(REDIS_PORT))


def start_web(host: Host) -> Daemon:
    """nginx as an API server and an ingress controller, or as a node's service and kube-proxy."""
    if host.plan.name.startswith("node"):
        return programs.start_web_server(host, NODE_PORT, NODE_HEALTH_PORT)
    return programs.start_web_server(host, 80, INGRESS_HEALTH_PORT, tls_ports=(443, API_PORT))


def start_redis(host: Host) -> Daemon:
    """The master."""
    return programs.start_redis(host)


@pytest.fixture(scope="module")
def balancers(lab: Lab, servers: Servers) -> tuple[Vrrpd, Vrrpd]:
    """lb1, which is master of everything, and lb2."""
    first, second = (Vrrpd(lab.host(name), ALL_OF_THEM) for name in ("lb1", "lb2"))
    for each in (first, second):
        each.start("--config-id", each.host.plan.name)
    for each in (first, second):
        each.wait_until_ready()
    for name in INSTANCES:
        first.wait_until("master", name)
        second.wait_until("backup", name)
    return first, second


def rows(host: Host, port: int, *addresses: Address) -> set[Address]:
    """Which of these real servers are in a host's table on that port."""
    return {address for address in addresses if (address, port) in host.real_servers()}


def serves_without(
    lost: Address, remaining: set[Address], port: int, balancers: tuple[Vrrpd, Vrrpd], *, within_s: float = CONFIGURED_S
) -> None:
    """Wait until the dead server is out of both tables, which must be in its time, and the others are in."""
    hosts = [each.host for each in balancers]
    gone = f"{lost} out of both tables"
    wait_for(lambda: all(rows(host, port, lost, *remaining) == remaining for host in hosts), within_s + ALLOWANCE_S, gone)


def serves_with(all_of_them: set[Address], port: int, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    """Wait until all servers are in both tables."""
    hosts = [each.host for each in balancers]
    wait_for(lambda: all(rows(host, port, *all_of_them) == all_of_them for host in hosts), BACK_S + ALLOWANCE_S, "all servers")


# -- one example after the other -----------------------------------------------------------------------------------------


def test_kubernetes_api(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    client = lab.host("client")
    serves_with(set(MASTERS), API_PORT, balancers)
    assert encrypted(client, KUBERNETES_API, API_PORT, 6) == {"s1": 2, "s2": 2, "s3": 2}
    servers.web["s3"].crash()
    serves_without(MASTERS[2], set(MASTERS[:2]), API_PORT, balancers)
    assert encrypted(client, KUBERNETES_API, API_PORT, 6).keys() == {"s1", "s2"}
    servers.web["s3"] = start_web(lab.host("s3"))
    serves_with(set(MASTERS), API_PORT, balancers)
    assert "s3" in encrypted(client, KUBERNETES_API, API_PORT, 6)


def test_kubernetes_api_server_that_is_not_ready(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    serves_with(set(MASTERS), API_PORT, balancers)
    sick = programs.sick(lab.host("s3"))
    sick.touch()
    serves_without(MASTERS[2], set(MASTERS[:2]), API_PORT, balancers)
    sick.unlink()
    serves_with(set(MASTERS), API_PORT, balancers)


def test_ingress(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    client = lab.host("client")
    for port in (80, 443):
        serves_with(set(CONTROLLERS), port, balancers)
    (served_by,) = Client(client).request(INGRESS, 80, 6)
    assert encrypted(client, INGRESS, 443, 6).total() == 6
    lost, left = (CONTROLLERS if served_by == "s1" else CONTROLLERS[::-1])[:2]
    other = "s2" if served_by == "s1" else "s1"
    servers.web[served_by].crash()
    for port in (80, 443):
        serves_without(lost, {left}, port, balancers)
    assert encrypted(client, INGRESS, 443, 6) == {other: 6}
    assert Client(client).request(INGRESS, 80, 6) == {other: 6}, "also who was persistent goes to the other one"
    servers.web[served_by] = start_web(lab.host(served_by))
    for port in (80, 443):
        serves_with(set(CONTROLLERS), port, balancers)


def test_dns(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    client = lab.host("client")
    serves_with(set(NAME_SERVERS), DNS_PORT, balancers)
    assert who_answers(client, dns.query.udp, 8) == {"s1": 4, "s2": 4}
    assert who_answers(client, dns.query.tcp, 8) == {"s1": 4, "s2": 4}
    servers.names["s2"].crash()
    serves_without(NAME_SERVERS[1], {NAME_SERVERS[0]}, DNS_PORT, balancers)
    assert who_answers(client, dns.query.udp, 8) == {"s1": 8}
    servers.names["s2"] = programs.start_name_server(lab.host("s2"))
    assert refuses(lab.host("s2"))
    assert rows(balancers[0].host, DNS_PORT, *NAME_SERVERS) == {NAME_SERVERS[0]}, "it runs, but knows nothing"
    assert servers.names["s2"].stop() == 0
    servers.names["s2"] = programs.start_name_server(lab.host("s2"), HEALTH_RECORD)
    serves_with(set(NAME_SERVERS), DNS_PORT, balancers)
    assert who_answers(client, dns.query.tcp, 8) == {"s1": 4, "s2": 4}


def test_redis(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    serves_with({REDIS_MASTER}, REDIS_PORT, balancers)
    assert rows(balancers[0].host, REDIS_PORT, REDIS_REPLICA) == set()
    with redis(lab.host("client")) as connection:
        assert b"master" in ask(connection, "ROLE")
    servers.redis["s1"].crash()
    serves_without(REDIS_MASTER, {REDIS_REPLICA}, REDIS_PORT, balancers, within_s=REDIS_CONFIGURED_S)
    with redis(lab.host("client")) as to_the_replica:
        assert b"slave" in ask(to_the_replica, "ROLE")
        assert ask(to_the_replica, "SET name value").startswith(b"-READONLY")
        servers.redis["s1"] = start_redis(lab.host("s1"))
        serves_without(REDIS_REPLICA, {REDIS_MASTER}, REDIS_PORT, balancers, within_s=BACK_S)
        with pytest.raises(ConnectionResetError):
            ask(to_the_replica, "PING")
    with redis(lab.host("client")) as connection:
        assert ask(connection, "SET name value") == b"+OK\r\n"


def test_nodeport(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    client = Client(lab.host("client"))
    serves_with(set(NODES), NODE_PORT, balancers)
    assert client.request(NODEPORT, 80, 8) == {"node1": 4, "node2": 4}
    servers.web["node2"].crash()
    serves_without(NODES[1], {NODES[0]}, NODE_PORT, balancers)
    assert client.request(NODEPORT, 80, 8) == {"node1": 8}
    servers.web["node2"] = start_web(lab.host("node2"))
    serves_with(set(NODES), NODE_PORT, balancers)
    assert client.request(NODEPORT, 80, 8) == {"node1": 4, "node2": 4}


def test_the_other_load_balancer_serves_all_of_it_too(lab: Lab, servers: Servers, balancers: tuple[Vrrpd, Vrrpd]) -> None:
    first, second = balancers
    client = lab.host("client")
    first.daemon.stop()
    for name in INSTANCES:
        wait_for(lambda name=name: second.state(name) == "master", ELECTED_S, f"{name} on lb2")  # type: ignore[misc]
    assert encrypted(client, KUBERNETES_API, API_PORT, 3).total() == 3
    assert Client(client).request(INGRESS, 80, 2).total() == 2
    assert who_answers(client, dns.query.udp, 2).total() == 2
    with redis(client) as connection:
        assert b"master" in ask(connection, "ROLE")
    assert Client(client).request(NODEPORT, 80, 2) == {"node1": 1, "node2": 1}


# -- clients ---------------------------------------------------------------------------------------------------------------


def encrypted(host: Host, address: Address, port: int, count: int) -> Counter[str]:
    """How often each server answered over TLS, with the certificate of its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    answers: Counter[str] = Counter()
    with host.entered():
        for _ in range(count):
            with (
                socket.create_connection((str(address), port), ANSWER_TIMEOUT_S) as plain,
                context.wrap_socket(plain) as connection,
            ):
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with connection.makefile("rb") as answer:
                    answers[answer.read().split()[-1].decode()] += 1
    return answers


def who_answers(host: Host, ask_over: Callable[..., dns.message.Message], count: int) -> Counter[str]:
    """Which name servers answered that many questions."""
    question = dns.message.make_query("whoami", dns.rdatatype.TXT)
    names: Counter[str] = Counter()
    with host.entered():
        for _ in range(count):
            answer = ask_over(question, str(NAMES), timeout=ANSWER_TIMEOUT_S)
            names[answer.answer[0][0].to_text().strip('"')] += 1
    return names


def refuses(host: Host) -> bool:
    """Whether the name server on a host does not know the name that its health is measured by."""
    question = dns.message.make_query("health.example.com", dns.rdatatype.A)
    with host.entered():
        return cast("int", dns.query.udp(question, "127.0.0.1", timeout=ANSWER_TIMEOUT_S).rcode()) == dns.rcode.REFUSED


@contextlib.contextmanager
def redis(host: Host) -> Iterator[socket.socket]:
    """A connection to the virtual address of Redis."""
    with host.entered():
        connection = socket.create_connection((str(REDIS), REDIS_PORT), ANSWER_TIMEOUT_S)
    with connection:
        yield connection


def ask(connection: socket.socket, command: str) -> bytes:
    """The beginning of Redis' answer."""
    connection.sendall(f"{command}\r\n".encode())
    return connection.recv(4_096)
