"""A lab on a real kernel: keepalived elects and balances in it, outages are seen, and nothing is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from netns_lab import processes, topology
from netns_lab.client import Client
from netns_lab.namespaces import Lab
from netns_lab.programs import start_router, start_web_server, start_web_servers
from netns_lab.sniffer import Sniffer, is_vrrp, on_bridge
from netns_lab.topology import Role
from netns_lab.waiting import wait_for

pytestmark = pytest.mark.kernel

ELECTION_TIMEOUT_S = 10.0
NAMED_NAMESPACES = Path("/run/netns")


class RuinError(Exception):
    """What goes wrong in a test that wants it to."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lvs-dr topology with its web servers, under names of its own."""
    with Lab(topology.load("lvs-dr"), prefix="ours-") as lab:
        start_web_servers(lab)
        yield lab


def test_keepalived_elects_the_better_director_which_balances_one_to_two_and_loses_nothing_unseen(lab: Lab) -> None:
    directors = lab.role(Role.DIRECTOR)
    client = Client(lab.host("client"))
    with on_bridge(lab, accept=is_vrrp) as sniffer:
        daemons = [start_router(host, "keepalived") for host in directors]
        wait_for(lambda: lab.holders() == [directors[0]], ELECTION_TIMEOUT_S, "lvs1 as master")
        assert sniffer.wait(timeout_s=2.0).octets[26:30] == IPv4Address("192.168.4.5").packed
    weights = {(IPv4Address("192.168.4.100"), 80): 1, (IPv4Address("192.168.4.200"), 80): 2}
    assert [host.real_servers() for host in directors] == [weights, weights]
    assert "192.168.4.15:80 wrr" in directors[0].ipvsadm()
    assert client.request(lab.topology.virtual_address, count=300) == {"web1": 100, "web2": 200}

    with client.measure(lab.topology.virtual_address) as measurement:
        measurement.wait_for_answers(20)
        assert daemons[0].stop() == 0
        measurement.wait_for_answers(20)
    assert lab.holders() == [directors[1]]
    assert 300 < measurement.result.longest_outage_ms < 1_200, "the second waits for its skew of 0.8 s"
    assert measurement.result.failures.keys() <= {"timed out", "EHOSTUNREACH"}


def test_a_host_that_is_isolated_keeps_its_link_and_one_that_is_unplugged_loses_it(lab: Lab) -> None:
    host, client = lab.host("web1"), lab.host("client")
    carrier = ["ip", "-o", "link", "show", "eth0"]
    ping = ["ping", "-c1", "-W1", "-q", "192.168.4.100"]
    assert client.run(*ping, check=False).returncode == 0
    host.isolate()
    assert client.run(*ping, check=False).returncode != 0
    assert "LOWER_UP" in host.run(*carrier).stdout
    host.rejoin()
    assert client.run(*ping, check=False).returncode == 0
    host.unplug()
    assert "NO-CARRIER" in host.run(*carrier).stdout
    host.plug()
    assert "LOWER_UP" in host.run(*carrier).stdout


def test_a_crash_ends_all_processes_of_a_daemon_at_once_and_it_can_start_again(lab: Lab) -> None:
    web_server = start_web_server(lab.host("web1"), 8080)
    pids = web_server.pids()
    assert len(pids) == 2, "nginx's master and worker"
    web_server.crash()
    assert web_server.process.returncode == -9
    assert not any(processes.is_alive(pid) for pid in pids)
    start_web_server(lab.host("web1"), 8080)


def test_the_sniffer_tells_what_was_sent_from_what_was_received(lab: Lab) -> None:
    client = lab.host("client")
    with Sniffer(client, accept=lambda frame: frame.ethertype == 0x0800) as sniffer:
        client.run("ping", "-c1", "-q", "192.168.4.100")
        request, reply = sniffer.frames()
    assert (request.outgoing, reply.outgoing) == (True, False)
    assert request.time_s < reply.time_s
    assert request.octets[0:6] == reply.octets[6:12]


def test_two_labs_coexist_and_nothing_is_left_of_one_that_failed() -> None:
    before = _namespaces()
    plan = topology.load("web-ha")
    with Lab(plan, prefix="first-") as first:
        with pytest.raises(RuinError), Lab(plan, prefix="second-") as second:  # noqa: PT012  the whole life of the second
            directory = second.directory
            host = second.host("web1")
            host.spawn("sh", "-c", "trap '' TERM; setsid sleep 1000 & wait")
            inside = {host.inode}
            wait_for(lambda: len(processes.in_network_namespaces(inside)) == 2, 5.0, "a shell deaf to SIGTERM, and its child")
            pids = processes.in_network_namespaces(inside)
            raise RuinError
        assert not directory.exists()
        assert not any(processes.is_alive(pid) for pid in pids)
        assert first.host("web1").run("ip", "-br", "addr", "show", "eth0").stdout.split()[2] == "192.168.4.100/24"
    assert _namespaces() == before


def test_a_lab_never_touches_a_namespace_that_is_not_its_own() -> None:
    with Lab(topology.load("web-ha"), prefix="taken-"):
        before = _namespaces()
        with pytest.raises(FileExistsError, match="'taken-bridge' already"), Lab(topology.load("web-ha"), prefix="taken-"):
            pass
        assert _namespaces() == before


def _namespaces() -> list[str]:
    return sorted(path.name for path in NAMED_NAMESPACES.iterdir()) if NAMED_NAMESPACES.exists() else []
