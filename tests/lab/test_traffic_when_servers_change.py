"""Servers that die, hang, flap, come back, are drained or removed: what the kernel's table does, and what clients see of it."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from netns_lab import programs, topology
from netns_lab.client import Client
from netns_lab.namespaces import Lab
from netns_lab.programs import Daemon
from netns_lab.waiting import wait_for
from tests.lab.running import PROMPT_S, Vrrpd

pytestmark = pytest.mark.kernel

ADDRESS = IPv4Address("192.168.4.15")
WEB1, WEB2, SORRY = (IPv4Address(f"192.168.4.{octet}") for octet in (100, 200, 5))
PLAIN, SLOW_START, DRAINED, SORRY_SERVED = 80, 81, 82, 83
"""The virtual servers, by port."""

DELAY_LOOP_S, TIMEOUT_S, PAUSE_S = 0.5, 0.4, 0.25
CLOSED_S = DELAY_LOOP_S + PAUSE_S
"""In which a server whose port is closed is out: the next check, and one more after the pause."""
HANGING_S = CLOSED_S + 2 * TIMEOUT_S
"""In which one that does not answer is out: each check waits for its time."""
PRECISION_S = 0.1
FLAP_S, FLAPPED_S = 0.05, 4.0
"""A server that is half of the time up, ten times a second."""
SLOW_START_S = 2.0

SETTINGS = f"""
  lb_kind DR
  lb_algo wrr
  protocol TCP
  delay_loop {DELAY_LOOP_S}
  connect_timeout {TIMEOUT_S}
  delay_before_retry {PAUSE_S}
  retry 1
  warmup 0
"""
CHECK = """
    HTTP_GET {
      connect_port 80
      url {
        path /healthz
        status_code 200
      }
    }
"""


def virtual_server(port: int, more: str = "", servers: tuple[IPv4Address, ...] = (WEB1, WEB2)) -> str:
    """One of 192.168.4.15, in front of servers of weight 10."""
    real = "".join(f"  real_server {server} {port} {{\n    weight 10\n{CHECK}  }}\n" for server in servers)
    return f"virtual_server {ADDRESS} {port} {{\n{SETTINGS}  {more}\n{real}}}\n"


CONFIGURATION = "\n".join(
    [
        virtual_server(PLAIN),
        virtual_server(SLOW_START, f"slow_start {SLOW_START_S}"),
        virtual_server(DRAINED, "drain_removed 60"),
        virtual_server(SORRY_SERVED, f"sorry_server {SORRY} {SORRY_SERVED}"),
    ]
)


@dataclass
class Site:
    """The director, its servers, and a client."""

    director: Vrrpd
    lab: Lab
    web: dict[str, Daemon]

    def weights(self, port: int) -> dict[IPv4Address, int]:
        """Of the rows of one virtual server, by the server's address."""
        found = {address: weight for (address, number), weight in self.director.host.real_servers().items() if number == port}
        return {address: weight for address, weight in found.items() if isinstance(address, IPv4Address)}

    def wait_for_weights(self, port: int, wished: dict[IPv4Address, int], within_s: float) -> float:
        """How long it took; raises TimeoutError if it does not come about."""
        began_s = time.monotonic()
        wait_for(lambda: self.weights(port) == wished, within_s, f"{wished} on port {port}")
        return time.monotonic() - began_s

    def is_checked(self) -> bool:
        """Whether every check has been made."""
        names = [name for name, _labels in self.director.metrics()]
        return names.count("vrrpd_real_server_check_latency_seconds") == names.count("vrrpd_real_server_up") > 0

    def override(self, port: int, **wishes: object) -> None:
        """Ask something of the servers of one virtual server, as an operator does, and reload."""
        servers = {f"[{WEB1 if name == 'web1' else WEB2}]:{port}": wish for name, wish in wishes.items()}
        write_overrides(self.director, {f"[{ADDRESS}]:tcp:{port}": servers})
        self.director.reload()

    def connect(self, port: int) -> socket.socket:
        """A connection of the client on which nothing was said yet."""
        with self.lab.host("client").entered():
            return socket.create_connection((str(ADDRESS), port), TIMEOUT_S)

    def request(self, port: int, count: int) -> dict[str, int]:
        """How often each server answered the client."""
        return Client(self.lab.host("client")).request(ADDRESS, port, count)


BOTH = {WEB1: 10, WEB2: 10}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One director, with a server of its own that says sorry, and two web servers."""
    with Lab(topology.load("forwarding")) as lab:
        programs.start_web_server(lab.host("lvs1"), SORRY_SERVED)
        yield lab


@pytest.fixture(scope="module")
def site(lab: Lab) -> Site:
    """The daemon, which was told to drain web2 before it was started for the first time."""
    director = Vrrpd(lab.host("lvs1"), CONFIGURATION)
    director.run_directory.mkdir()
    write_overrides(director, {f"[{ADDRESS}]:tcp:{PLAIN}": {f"[{WEB2}]:{PLAIN}": "drain"}})
    web = {name: start_web(lab, name) for name in ("web1", "web2")}
    director.start("-C")
    director.wait_until_ready()
    return Site(director, lab, web)


@pytest.fixture
def settled(site: Site) -> Site:
    """Nothing asked for by hand, both servers up and in every table with their whole weights."""
    write_overrides(site.director, {})
    site.director.configuration.write_text(CONFIGURATION)
    site.director.reload()
    programs.sick(site.lab.host("web2")).unlink(missing_ok=True)
    if site.web["web2"].process.poll() is not None:
        site.web["web2"] = start_web(site.lab, "web2")
    for port in (PLAIN, SLOW_START, DRAINED, SORRY_SERVED):
        site.wait_for_weights(port, BOTH, PROMPT_S)
    wait_for(site.is_checked, PROMPT_S, "a first check of everything, for failures before it need no second one")
    return site


def start_web(lab: Lab, name: str) -> Daemon:
    """nginx on every port."""
    return programs.start_web_server(lab.host(name), PLAIN, SLOW_START, DRAINED, SORRY_SERVED)


def write_overrides(director: Vrrpd, overrides: dict[str, dict[str, object]]) -> None:
    """What operators ask of servers."""
    (director.run_directory / "overrides.json").write_text(json.dumps(overrides))


def answer(connection: socket.socket) -> str:
    """Who is at the other end."""
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with connection.makefile("rb") as page:
        return page.read().split()[-1].decode()


def test_what_was_asked_for_before_the_start_holds_from_the_start(site: Site) -> None:
    assert site.weights(PLAIN) == {WEB1: 10, WEB2: 0}
    assert site.weights(SLOW_START) == BOTH
    assert site.request(PLAIN, 4) == {"web1": 4}


# -- failures --------------------------------------------------------------------------------------------------------------


def test_a_server_that_dies_is_out_in_its_time_and_back_after_one_good_check(settled: Site) -> None:
    settled.web["web2"].crash()
    assert settled.wait_for_weights(PLAIN, {WEB1: 10}, CLOSED_S + PRECISION_S) > PAUSE_S
    assert settled.request(PLAIN, 4) == {"web1": 4}
    settled.web["web2"] = start_web(settled.lab, "web2")
    settled.wait_for_weights(PLAIN, BOTH, DELAY_LOOP_S + PRECISION_S)
    assert settled.request(PLAIN, 4) == {"web1": 2, "web2": 2}


def test_a_server_that_hangs_is_out_in_its_time(settled: Site) -> None:
    pids = settled.web["web2"].pids()
    for pid in pids:
        settled.lab.host("web2").run("kill", "-STOP", str(pid))
    try:
        assert settled.wait_for_weights(PLAIN, {WEB1: 10}, HANGING_S + PRECISION_S) > TIMEOUT_S
    finally:
        for pid in pids:
            settled.lab.host("web2").run("kill", "-CONT", str(pid))
    settled.wait_for_weights(PLAIN, BOTH, CLOSED_S + PRECISION_S)


def test_a_server_that_flaps_ten_times_a_second_does_not_make_the_table_flap(settled: Site) -> None:
    changes = settled.director.metric("vrrpd_ipvs_changes_total")
    failures = settled.director.metric("vrrpd_real_server_check_failures_total")
    sick = programs.sick(settled.lab.host("web2"))
    end_s = time.monotonic() + FLAPPED_S
    flaps = 0
    while time.monotonic() < end_s:
        sick.touch()
        time.sleep(FLAP_S)
        sick.unlink()
        time.sleep(FLAP_S)
        flaps += 1
    assert flaps > FLAPPED_S * 8
    assert settled.director.metric("vrrpd_real_server_check_failures_total") > failures, "it was seen to flap"
    # A check and the one after its pause see different halves of a flap; a late one may take in each virtual server once.
    assert settled.director.metric("vrrpd_ipvs_changes_total") - changes <= 2 * 4
    settled.wait_for_weights(PLAIN, BOTH, DELAY_LOOP_S + PRECISION_S)


def test_a_server_that_comes_back_gets_its_weight_in_steps(settled: Site) -> None:
    settled.web["web2"].crash()
    settled.wait_for_weights(SLOW_START, {WEB1: 10}, CLOSED_S + PRECISION_S)
    settled.web["web2"] = start_web(settled.lab, "web2")
    wait_for(lambda: WEB2 in settled.weights(SLOW_START), PROMPT_S, "web2 in the table")
    began_s = time.monotonic()
    seen: list[int] = []
    while not seen or seen[-1] < 10:
        seen.append(settled.weights(SLOW_START)[WEB2])
        assert time.monotonic() < began_s + SLOW_START_S + PROMPT_S
        time.sleep(0.02)
    assert seen == sorted(seen)
    assert set(seen) == set(range(1, 11))
    assert time.monotonic() - began_s == pytest.approx(SLOW_START_S * 0.9, abs=SLOW_START_S / 5)
    assert settled.weights(PLAIN) == BOTH, "without slow_start the weight is there at once"


def test_the_sorry_server_serves_while_nobody_else_can(settled: Site) -> None:
    sick = [programs.sick(settled.lab.host(name)) for name in ("web1", "web2")]
    for each in sick:
        each.touch()
    try:
        settled.wait_for_weights(SORRY_SERVED, {SORRY: 1}, CLOSED_S + PRECISION_S + DELAY_LOOP_S)
        assert settled.request(SORRY_SERVED, 4) == {"lvs1": 4}
        assert settled.weights(PLAIN) == {}
    finally:
        for each in sick:
            each.unlink()
    settled.wait_for_weights(SORRY_SERVED, BOTH, DELAY_LOOP_S + PRECISION_S + DELAY_LOOP_S)
    assert settled.request(SORRY_SERVED, 4) == {"web1": 2, "web2": 2}
    assert settled.director.metric("vrrpd_ipvs_row_repairs_total") == 0


# -- what an operator asks for ---------------------------------------------------------------------------------------------


def test_a_drained_server_keeps_its_clients_and_gets_no_new_ones(settled: Site) -> None:
    with settled.connect(PLAIN) as one, settled.connect(PLAIN) as another:
        settled.override(PLAIN, web2="drain")
        assert settled.weights(PLAIN) == {WEB1: 10, WEB2: 0}
        assert settled.request(PLAIN, 4) == {"web1": 4}
        assert {answer(one), answer(another)} == {"web1", "web2"}
    settled.override(PLAIN)
    assert settled.weights(PLAIN) == BOTH


@pytest.mark.parametrize(
    ("wish", "weights"), [("maintenance", {WEB1: 10}), ({"weight": 30}, {WEB1: 10, WEB2: 30})], ids=["maintenance", "weight"]
)
def test_what_is_asked_for_holds_until_it_is_taken_back(wish: object, weights: dict[IPv4Address, int], settled: Site) -> None:
    settled.override(PLAIN, web2=wish)
    assert settled.weights(PLAIN) == weights
    assert settled.weights(DRAINED) == BOTH, "of one virtual server only"
    settled.director.reload()
    assert settled.weights(PLAIN) == weights
    settled.override(PLAIN)
    assert settled.weights(PLAIN) == BOTH


def test_a_server_that_a_reload_removes_stays_until_its_last_connection_ends(settled: Site) -> None:
    connections = [settled.connect(DRAINED) for _ in range(2)]
    settled.director.edit((virtual_server(DRAINED, "drain_removed 60"), virtual_server(DRAINED, "drain_removed 60", (WEB1,))))
    settled.director.reload()
    assert settled.weights(DRAINED) == {WEB1: 10, WEB2: 0}
    assert settled.request(DRAINED, 4) == {"web1": 4}
    assert sorted(map(answer, connections)) == ["web1", "web2"]
    for each in connections:
        each.close()
    settled.wait_for_weights(DRAINED, {WEB1: 10}, PROMPT_S)
    assert settled.director.metric("vrrpd_ipvs_row_repairs_total") == 0


# -- what somebody else does to the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM], ids=["crash", "stop"])
def test_what_is_asked_for_outlives_the_daemon(kill: signal.Signals, settled: Site) -> None:
    settled.override(PLAIN, web2="drain")
    end: Callable[[], object] = settled.director.daemon.crash if kill == signal.SIGKILL else settled.director.daemon.stop
    end()
    assert settled.weights(PLAIN) == ({WEB1: 10, WEB2: 0} if kill == signal.SIGKILL else {})
    settled.director.start("-C")
    settled.director.wait_until_ready()
    assert settled.weights(PLAIN) == {WEB1: 10, WEB2: 0}
