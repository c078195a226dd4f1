"""Every scheduler and every way of forwarding: who serves is asked of the client, of the servers and of IPVS itself.

One daemon has all virtual servers in one file. Real servers have no checks here, so they serve from the start.
"""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

import dns.message
import dns.query
import dns.rdatatype
import pytest

from netns_lab import programs, topology
from netns_lab.client import Client
from netns_lab.namespaces import Host, Lab
from netns_lab.waiting import wait_for
from tests.lab.running import PROMPT_S, Vrrpd

pytestmark = pytest.mark.kernel

ROUND = 12
"""Requests: shared one to one, one to two and one to three without a rest."""
SERVERS = ("web1", "web2")
ADDRESSES = {4: ("192.168.4.100", "192.168.4.200"), 6: ("fd00:4::100", "fd00:4::200")}
CLIENTS = tuple(IPv4Address(f"192.168.4.{octet}") for octet in range(30, 46))
WEB_PORTS = tuple(range(80, 100))
BEHIND_NAT = 8080
ANSWER_TIMEOUT_S = 2.0
COUNTED_S = 6.0
"""Deadline for IPVS' statistics, which the kernel adds up every 2 s (net/netfilter/ipvs/ip_vs_est.c)."""


@dataclass(frozen=True)
class Case:
    """A virtual server, and how a round of requests is to be shared by web1 and web2."""

    name: str
    head: str
    """What stands behind `virtual_server`."""
    settings: str
    targets: tuple[tuple[str, int], ...]
    """Where the client asks, a round each."""
    shares: tuple[int, int]
    """Of web1 and web2 in each round."""
    weights: tuple[int, int] = (1, 1)
    behind: int = 4
    """The family of the real servers."""
    port: int | str = ""
    """Of the real servers, where it is not the virtual server's."""

    def services(self) -> list[str]:
        """As ipvsadm(8) calls them."""
        if self.head.startswith("fwmark"):
            return [self.head.split()[1]]
        return [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address, port in self.targets]

    def block(self) -> str:
        """As it stands in the file."""
        protocol = "" if "fwmark" in self.head else "protocol TCP\n"
        servers = "".join(
            f"  real_server {address} {self.port} {{\n    weight {weight}\n  }}\n"
            for address, weight in zip(ADDRESSES[self.behind], self.weights, strict=True)
        )
        return f"virtual_server {self.head} {{\n  {self.settings}\n  {protocol}{servers}}}\n"


def direct(name: str, scheduler: str, port: int, shares: tuple[int, int], weights: tuple[int, int] = (1, 1)) -> Case:
    """A service of 192.168.4.15 by direct routing."""
    address = "192.168.4.15"
    settings = f"lb_algo {scheduler}\n  lb_kind DR"
    return Case(name, f"{address} {port}", settings, ((address, port),), shares, weights, port=port)


CASES = (
    direct("rr", "rr", 80, (6, 6)),
    direct("wrr", "wrr", 81, (3, 9), weights=(1, 3)),
    direct("wlc", "wlc", 82, (4, 8), weights=(1, 2)),
    direct("weight 0", "wrr", 86, (12, 0), weights=(1, 0)),
    direct("lc", "lc", 87, (6, 6)),
    direct("fo", "fo", 88, (0, 12), weights=(1, 3)),
    direct("ovf", "ovf", 89, (0, 12), weights=(1, 3)),
    Case("TUN", "192.168.4.16 80", "lb_algo rr\n  lb_kind TUN", (("192.168.4.16", 80),), (6, 6), port=80),
    Case("NAT", "10.8.0.15 80", "lb_algo rr\n  lb_kind NAT", (("10.8.0.15", 80),), (6, 6), port=BEHIND_NAT),
    Case("DR over IPv6", "fd00:4::15 80", "lb_algo wrr\n  lb_kind DR", (("fd00:4::15", 80),), (3, 9), (1, 3), 6, 80),
    Case("TUN over IPv6", "fd00:4::15 81", "lb_algo rr\n  lb_kind TUN", (("fd00:4::15", 81),), (6, 6), behind=6, port=81),
    Case(
        "NAT over IPv6", "fd00:8::15 80", "lb_algo rr\n  lb_kind NAT", (("fd00:8::15", 80),), (6, 6), behind=6, port=BEHIND_NAT
    ),
    Case(
        "TUN over IPv6 for IPv4",
        "192.168.4.16 81",
        "lb_algo rr\n  lb_kind TUN",
        (("192.168.4.16", 81),),
        (6, 6),
        behind=6,
        port=81,
    ),
    Case(
        "TUN over IPv4 for IPv6", "fd00:4::15 82", "lb_algo rr\n  lb_kind TUN", (("fd00:4::15", 82),), (6, 6), behind=4, port=82
    ),
    Case(
        "a group with a range",
        "group THREE",
        "lb_algo rr\n  lb_kind DR",
        (("192.168.4.20", 80), ("192.168.4.21", 80), ("192.168.4.22", 80), ("192.168.4.20", 81)),
        (6, 6),
    ),
    Case(
        "a mark on two ports",
        "fwmark 5",
        "lb_algo rr\n  lb_kind DR",
        (("192.168.4.17", 80), ("192.168.4.17", 81)),
        (6, 6),
    ),
    Case(
        "a mark over IPv6", "fwmark 6", "ip_family inet6\n  lb_algo rr\n  lb_kind DR", (("fd00:4::17", 80),), (6, 6), behind=6
    ),
)
PERSISTENT = direct("persistence", "rr\n  persistence_timeout 60", 85, (0, 0))
HASHED = (direct("sh", "sh", 83, (0, 0)), direct("mh", "mh", 84, (0, 0)))
"""By the client's address."""
LOCAL = tuple(direct(name, name, port, (0, 0)) for name, port in (("dh", 90), ("lblc", 91), ("lblcr", 92)))
"""By the address that is asked for: one of a cache's pages is asked of one cache."""
SHORTEST = tuple(direct(name, name, port, (0, 0), weights=(1, 3)) for name, port in (("sed", 93), ("nq", 94)))
"""By connections that are open."""
NAMES = """
virtual_server 192.168.4.15 53 {
  lb_algo rr
  lb_kind DR
  protocol UDP
  ops
  real_server 192.168.4.100 53 {
    weight 1
  }
  real_server 192.168.4.200 53 {
    weight 1
  }
}
"""
GROUP = """
virtual_server_group THREE {
  192.168.4.20-22 80
  192.168.4.20 81
}
"""
MARKS = (
    "qdisc add dev eth0 clsact",
    "filter add dev eth0 ingress protocol ip u32 match ip dst 192.168.4.17/32 action skbedit mark 5",
    "filter add dev eth0 ingress protocol ipv6 u32 match ip6 dst fd00:4::17/128 action skbedit mark 6",
)


Traffic = Mapping[str, "Observation"]
"""What came of each case, by its name."""


@dataclass
class Observation:
    """What came of the requests of one case."""

    answers: list[Counter[str]] = field(default_factory=list)
    """For each target how often each server answered the client."""
    logged: dict[str, Counter[tuple[str, int]]] = field(default_factory=dict)
    """For each server at which address and port it says that it was asked, and how often."""
    scheduled: Counter[str] = field(default_factory=Counter)
    """How many connections IPVS says that it gave to each server."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One director and two servers of everything, which accept packets from tunnels."""
    with Lab(topology.load("forwarding")) as lab:
        lab.host("client").ip_batch([f"addr add {address}/24 dev eth0" for address in CLIENTS])
        for name in SERVERS:
            host = lab.host(name)
            host.run("modprobe", "-a", "ipip", "ip6_tunnel", "sit")
            local = ADDRESSES[6][SERVERS.index(name)]
            tunnels = [f"link add any0 type ip6tnl mode any local {local} remote ::"]
            host.ip_batch([*tunnels, *(f"link set {tunnel} up" for tunnel in ("tunl0", "sit0", "ip6tnl0", "any0"))])
            programs.start_web_server(host, *WEB_PORTS, BEHIND_NAT)
            programs.start_name_server(host)
        yield lab


@pytest.fixture(scope="module")
def director(lab: Lab) -> Vrrpd:
    """All virtual servers at work, on a host that has no virtual router."""
    host = lab.host("lvs1")
    host.run("tc", "-batch", "-", stdin="\n".join(MARKS) + "\n")
    # The kernel would take a virtual address as the source of its tunnels' packets, which the servers have themselves.
    host.ip_batch([f"addr change {address}/128 dev eth0 preferred_lft 0" for address in ("fd00:4::15", "fd00:4::17")])
    director = Vrrpd(
        host, "\n".join([GROUP, NAMES, *(case.block() for case in (*CASES, *HASHED, *LOCAL, *SHORTEST, PERSISTENT))])
    )
    director.start("-C")
    director.wait_until_ready()
    return director


@pytest.fixture(scope="module")
def traffic(lab: Lab, director: Vrrpd) -> Traffic:
    """A round of requests to every target of every case, counted by everybody who saw them."""
    traffic = {case.name: observe(case, lab) for case in CASES}
    requests = sum(len(case.targets) * ROUND for case in CASES)
    wait_for(
        lambda: sum(scheduled(director.host).values(), Counter()).total() == requests, COUNTED_S, "all of it in IPVS' count"
    )
    counted = scheduled(director.host)
    for case in CASES:
        traffic[case.name].scheduled = sum((counted[service] for service in case.services()), Counter())
    return traffic


def observe(case: Case, lab: Lab) -> Observation:
    """Make the requests of one case."""
    before = {name: programs.served(lab.host(name)) for name in SERVERS}
    seen = Observation()
    for address, port in case.targets:
        seen.answers.append(Client(lab.host("client")).request(ip_address(address), port, ROUND))
    seen.logged = {name: programs.served(lab.host(name)) - before[name] for name in SERVERS}
    return seen


def scheduled(host: Host) -> dict[str, Counter[str]]:
    """How many connections IPVS has given to each server, for each service as ipvsadm(8) calls it."""
    names = {address: name for family in ADDRESSES.values() for address, name in zip(family, SERVERS, strict=True)}
    counted: dict[str, Counter[str]] = {}
    service = ""
    for row in map(str.split, host.run("ipvsadm", "-Ln", "--stats", "--exact").stdout.splitlines()[3:]):
        if row[0] != "->":
            service = row[1]
            counted[service] = Counter()
        elif int(row[2]):
            counted[service][names[row[1].rpartition(":")[0].strip("[]")]] += int(row[2])
    return counted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_requests_are_shared_as_configured(case: Case, traffic: Traffic) -> None:
    seen = traffic[case.name]
    expected = Counter({name: share for name, share in zip(SERVERS, case.shares, strict=True) if share})
    assert seen.answers == [expected] * len(case.targets)
    in_all = Counter({name: share * len(case.targets) for name, share in expected.items()})
    assert seen.scheduled == in_all
    assert Counter({name: log.total() for name, log in seen.logged.items() if log}) == in_all


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_nat_changes_where_servers_are_asked(case: Case, traffic: Traffic) -> None:
    asked = {name: set(log) for name, log in traffic[case.name].logged.items() if log}
    if "NAT" in case.name:
        family = ADDRESSES[case.behind]
        assert asked == {name: {(address, BEHIND_NAT)} for name, address in zip(SERVERS, family, strict=True)}
    else:
        assert asked == {name: set(case.targets) for name in asked}


@pytest.mark.parametrize("case", HASHED, ids=lambda case: case.name)
def test_a_hash_gives_each_client_one_server_and_all_clients_both(case: Case, lab: Lab, director: Vrrpd) -> None:
    client = Client(lab.host("client"))
    ((address, port),) = case.targets
    answers = [client.request(ip_address(address), port, 3, source=each) for each in CLIENTS]
    assert all(each in ({"web1": 3}, {"web2": 3}) for each in answers)
    assert sum(answers, Counter()).keys() == set(SERVERS)


@pytest.mark.parametrize("case", LOCAL, ids=lambda case: case.name)
def test_a_hash_of_the_address_that_is_asked_gives_all_clients_one_server(case: Case, lab: Lab, director: Vrrpd) -> None:
    client = Client(lab.host("client"))
    ((address, port),) = case.targets
    answers = sum((client.request(ip_address(address), port, source=each) for each in CLIENTS), Counter[str]())
    assert answers in ({"web1": len(CLIENTS)}, {"web2": len(CLIENTS)})


@pytest.mark.parametrize("case", SHORTEST, ids=lambda case: case.name)
def test_open_connections_are_shared_by_weight(case: Case, lab: Lab, director: Vrrpd) -> None:
    with contextlib.ExitStack() as held:
        with lab.host("client").entered():
            for _ in range(ROUND):
                held.enter_context(socket.create_connection(case.targets[0], ANSWER_TIMEOUT_S))
        wait_for(lambda: scheduled(director.host)[case.services()[0]].total() == ROUND, COUNTED_S, "all of them in IPVS' count")
        assert scheduled(director.host)[case.services()[0]] == {"web1": 3, "web2": 9}


def test_a_client_keeps_its_server_as_long_as_it_is_persistent(lab: Lab, director: Vrrpd) -> None:
    client = Client(lab.host("client"))
    answers = [client.request(ip_address("192.168.4.15"), 85, 4, source=each) for each in CLIENTS[:4]]
    assert sorted(map(repr, answers)) == sorted(map(repr, [Counter(web1=4), Counter(web1=4), Counter(web2=4), Counter(web2=4)]))


def test_datagrams_are_scheduled_one_by_one(lab: Lab, director: Vrrpd) -> None:
    question = dns.message.make_query("whoami", dns.rdatatype.TXT)
    names: Counter[str] = Counter()
    with lab.host("client").entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one_port:
        one_port.setblocking(False)
        for _ in range(ROUND):
            answer = dns.query.udp(question, "192.168.4.15", timeout=ANSWER_TIMEOUT_S, sock=one_port)
            names[answer.answer[0][0].to_text().strip('"')] += 1
    assert names == {"web1": 6, "web2": 6}


def test_metrics_tell_what_ipvs_counted(traffic: Traffic, director: Vrrpd) -> None:
    for name in SERVERS:
        counted = sum(row[name] for row in scheduled(director.host).values())
        theirs = {f"[{family[SERVERS.index(name)]}]" for family in ADDRESSES.values()}
        told = sum(
            value
            for (metric, labels), value in director.metrics().items()
            if metric == "vrrpd_real_server_connections_total" and dict(labels)["real_server"].rpartition(":")[0] in theirs
        )
        assert told == counted > 0


@pytest.mark.parametrize(
    "command", ["-C", "-D -f 5", "-d -t [fd00:4::15]:80 -r [fd00:4::200]:80", "-E -t 192.168.4.20:81 -s wlc"]
)
def test_rows_of_every_kind_are_put_back_beside_those_of_others(command: str, traffic: Traffic, director: Vrrpd) -> None:
    host = director.host
    ours = saved_table(host)
    host.run("ipvsadm", *command.split())
    theirs = ["-A -f 99 -s rr", "-A -t [fd00:4::99]:443 -s wlc"]
    for row in theirs:
        host.run("ipvsadm", *row.split())
    wait_for(lambda: saved_table(host) == sorted(ours + theirs), PROMPT_S, "all rows, ours and theirs")
    for row in theirs:
        host.run("ipvsadm", "-D", *row.split()[1:3])


def saved_table(host: Host) -> list[str]:
    """The table as commands that make it."""
    return sorted(host.run("ipvsadm", "-Sn").stdout.splitlines())
