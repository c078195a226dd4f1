"""Labs for a module's tests: built once, with two routers of which the first is master."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from netns_lab import programs, topology
from netns_lab.client import Client
from netns_lab.namespaces import Lab
from netns_lab.programs import Daemon
from tests.lab.running import Vrrpd
from tests.lab.witnesses import AddressWitness, NetlinkWitness

VIRTUAL_ADDRESS = IPv4Address("192.168.4.15")
WEB1, WEB2 = ((IPv4Address(f"192.168.4.{octet}"), 80) for octet in (100, 200))
BOTH_SERVERS = {WEB1: 1, WEB2: 2}
"""The real servers and their weights, as the operators' files have them."""
LOG_LINES_SHOWN = 60


@dataclass(frozen=True)
class Pair:
    """Two directors with vrrpd, the first of higher priority, two web servers and a client."""

    lab: Lab
    first: Vrrpd
    second: Vrrpd
    client: Client
    web_servers: dict[str, Daemon]

    def start(self) -> None:
        """Start both routers and wait until the first is master."""
        for each in (self.first, self.second):
            each.start()
        for each in (self.first, self.second):
            each.wait_until_ready()
        self.first.wait_until("master")
        self.second.wait_until("backup")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lvs-dr topology with nothing running in it."""
    with Lab(topology.load("lvs-dr")) as lab:
        yield lab


@pytest.fixture(scope="module")
def idle_pair(lab: Lab) -> Pair:
    """Web servers that run and two directors on which nothing was started yet."""
    first, second = (Vrrpd(lab.host(name)) for name in ("lvs1", "lvs2"))
    return Pair(lab, first, second, Client(lab.host("client")), programs.start_web_servers(lab))


@pytest.fixture(scope="module")
def lone_master(idle_pair: Pair) -> Vrrpd:
    """lvs1 at work and lvs2 not: master by a priority that waits for nobody."""
    idle_pair.first.edit(("priority 100", "priority 255"))
    idle_pair.first.start()
    idle_pair.first.wait_until("master")
    return idle_pair.first


@pytest.fixture(scope="module")
def pair(idle_pair: Pair) -> Pair:
    """The operators' own files at work: lvs1 is master."""
    idle_pair.start()
    return idle_pair


@pytest.fixture
def requests(pair: Pair) -> Iterator[NetlinkWitness]:
    """What lvs1's kernel is asked to change during the test."""
    with NetlinkWitness(pair.first.host) as witness:
        yield witness


@pytest.fixture
def addresses(pair: Pair) -> Iterator[AddressWitness]:
    """Addresses that come to lvs1 and leave it during the test."""
    with AddressWitness(pair.first.host) as witness:
        yield witness


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the routers of its lab had to say."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(lab, Lab):
        for log in sorted(lab.directory.glob("*/vrrpd.log")):
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
            report.sections.append((f"end of vrrpd's log on {log.parent.name}", "\n".join(lines)))
    return report
