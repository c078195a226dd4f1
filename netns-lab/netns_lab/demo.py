"""The demonstration: two directors and two web servers under traffic, while servers and directors fail; told as it happens.

    python -m netns_lab demo

runs this on the lab's kernel. Every wait is for an event and has a deadline. The exit status is 0 only if all that was measured
is within its limit.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from netns_lab import topology
from netns_lab.client import Client, Measurement
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import ROUTERS, WEB_PORT, Daemon, start_router, start_web_server, start_web_servers
from netns_lab.sniffer import IPV4_SOURCE, Sniffer, is_tcp_end
from netns_lab.topology import Address, Role
from netns_lab.waiting import wait_for

TOPOLOGY = "lvs-dr"
REQUESTS = 300
REQUESTS_WITHOUT_WEB2 = 30

# Limits follow from the configuration: advert_int 1, priorities 100 and 50, delay_loop 6, nb_get_retry 3, delay_before_retry 3.
ELECTION_LIMIT_S = 10.0
"""Three adverts' time and the skew, 3.6 s for the director of priority 100; and the start of both, on a guest's only CPU."""
REMOVAL_LIMIT_S = 16.0
"""One delay_loop until the next check, and three retries 3 s apart, 15 s; a little more for the host's load."""
RETURN_LIMIT_S = 7.0
"""One delay_loop until the next check."""
STOP_LIMITS_MS = {"vrrpd": 20.0, "keepalived": 1_000.0}
"""vrrpd serves until the other has taken over; a connection may meet the change. keepalived lets go at once, and nobody serves
for the skew of the director of priority 50, 805 ms; and a little."""
START_LIMIT_MS = 500.0
"""A director that comes back takes over what it finds; a connection may meet the change."""
CRASH_LIMIT_MS = 3_900.0
"""Three adverts' time and the skew of the director of priority 50, 3,805 ms; and a little."""

WARM_UP_ANSWERS = 50
"""Before something is done to a director: service is there."""
AFTERMATH_ANSWERS = 200
"""After it: service is there again and stays, for a second."""

Table = dict[tuple[Address, int], int]
WEB1 = (IPv4Address("192.168.4.100"), WEB_PORT)
WEB2 = (IPv4Address("192.168.4.200"), WEB_PORT)
BOTH_SERVERS: Table = {WEB1: 1, WEB2: 2}
WEB1_ALONE: Table = {WEB1: 1}


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the final table."""

    what: str
    measured: str
    expected: str
    is_good: bool


class Demonstration:
    """The story, a method for each chapter, in the order in which they are called by :meth:`tell`."""

    def __init__(self, lab: Lab, router: str) -> None:
        """Tell it in `lab` with the VRRP daemon called `router` on both directors."""
        self._lab = lab
        self._router = router
        self._start_s = time.monotonic()
        self._first, self._second = lab.role(Role.DIRECTOR)
        self._client = Client(lab.role(Role.CLIENT)[0])
        self._address = lab.topology.virtual_address
        self._web_servers: dict[str, Daemon] = {}
        self._directors: dict[Host, Daemon] = {}
        self.findings: list[Finding] = []

    def tell(self) -> None:
        """All chapters. Raises TimeoutError when something does not come about, OSError when a request is not answered."""
        self._web_servers = start_web_servers(self._lab)
        self._say(f"Kernel {os.uname().release}; web1 and web2 run nginx, each answers with its name.")
        with Sniffer(self._lab.host("web2"), accept=is_tcp_end) as sniffer:
            self._elect()
            self._show_tables()
            self._balance()
            self._await_checks(sniffer)
        self._lose_server()
        self._regain_server()
        self._stop_director()
        self._start_director()
        self._crash_director()

    def explain_failure(self) -> None:
        """Show the end of the directors' logs."""
        for host, daemon in self._directors.items():
            print(f"--- the end of {daemon.log_path.name} in {host.plan.name}:")
            print("\n".join(daemon.log().splitlines()[-20:]))

    def _elect(self) -> None:
        begin_s = time.monotonic()
        for host in (self._first, self._second):
            self._start(host)
        self._say(
            f"{self._router} starts on lvs1 (priority 100) and lvs2 (priority 50), with the operators' files as they are."
        )
        wait_for(lambda: self._lab.holders() == [self._first], 2 * ELECTION_LIMIT_S, "lvs1 as the master")
        took_s = time.monotonic() - begin_s
        self._say(f"lvs1 is master and holds {self._address}, {took_s:.1f} s after its start.")
        self._find_s("election", took_s, ELECTION_LIMIT_S)

    def _show_tables(self) -> None:
        self._wait_for_tables(BOTH_SERVERS, REMOVAL_LIMIT_S)
        for host in (self._first, self._second):
            self._say(f"ipvsadm -Ln on {host.plan.name}:")
            print(host.ipvsadm(), flush=True)

    def _balance(self) -> None:
        answers = self._client.request(self._address, count=REQUESTS)
        self._say(f"{REQUESTS} requests by the client: {_split(answers)}.")
        is_good = answers == {"web1": REQUESTS // 3, "web2": REQUESTS // 3 * 2}
        self._find(f"{REQUESTS} requests", _split(answers), f"web1 {REQUESTS // 3} : web2 {REQUESTS // 3 * 2}", is_good=is_good)

    def _await_checks(self, sniffer: Sniffer) -> None:
        """Wait until both directors have checked web2 once: a server that fails its very first check gets no retries."""
        waited_for = {host.plan.address.ip.packed for host in (self._first, self._second)}
        while waited_for:
            waited_for.discard(sniffer.wait(2 * RETURN_LIMIT_S).octets[IPV4_SOURCE])
        self._say("Both directors have checked web2 and found it well.")

    def _lose_server(self) -> None:
        self._web_servers["web2"].crash()
        self._say("web2's nginx is killed. Its checks fail from now on, and are tried again three times.")
        took_s = self._wait_for_tables(WEB1_ALONE, 2 * REMOVAL_LIMIT_S)
        answers = self._client.request(self._address, count=REQUESTS_WITHOUT_WEB2)
        self._say(f"web2 is gone from both tables after {took_s:.1f} s. {REQUESTS_WITHOUT_WEB2} requests: {_split(answers)}.")
        self._find_s("web2 killed: gone from both tables", took_s, REMOVAL_LIMIT_S)

    def _regain_server(self) -> None:
        web2 = self._lab.host("web2")
        begin_s = time.monotonic()
        self._web_servers["web2"] = start_web_server(web2)
        self._say("web2's nginx is started again.")
        self._wait_for_tables(BOTH_SERVERS, 2 * RETURN_LIMIT_S)
        took_s = time.monotonic() - begin_s
        self._say(f"web2 is back in both tables after {took_s:.1f} s.")
        self._find_s("web2 started: back in both tables", took_s, RETURN_LIMIT_S)

    def _stop_director(self) -> None:
        self._say(f"{self._router} on lvs1 is stopped (SIGTERM), while the client opens a connection every 5 ms.")
        self._measure("lvs1 stopped: client's outage", self._stop_and_yield, STOP_LIMITS_MS[self._router])

    def _stop_and_yield(self) -> None:
        self._directors[self._first].stop()
        wait_for(lambda: self._lab.holders() == [self._second], ELECTION_LIMIT_S, "lvs2 as the only holder")

    def _start_director(self) -> None:
        self._say(f"{self._router} on lvs1 is started again; its priority is higher, so it takes over.")
        self._measure("lvs1 started again: client's outage", self._start_and_take_over, START_LIMIT_MS)

    def _start_and_take_over(self) -> None:
        self._start(self._first)
        wait_for(lambda: self._lab.holders() == [self._first], 2 * ELECTION_LIMIT_S, "lvs1 as the only holder")

    def _crash_director(self) -> None:
        self._wait_for_tables(BOTH_SERVERS, REMOVAL_LIMIT_S)
        self._say(f"All of {self._router} on lvs1 is killed (SIGKILL) and its cable pulled, as if the machine had lost power.")
        self._measure("lvs1 killed with its link: client's outage", self._crash_and_take_over, CRASH_LIMIT_MS)

    def _crash_and_take_over(self) -> None:
        self._first.unplug()
        self._directors[self._first].crash()
        wait_for(lambda: self._second.holds(self._address), 2 * ELECTION_LIMIT_S, "lvs2 as the master")

    def _start(self, host: Host) -> None:
        self._directors[host] = start_router(host, self._router)

    def _measure(self, what: str, act: Callable[[], None], limit_ms: float) -> None:
        with self._client.measure(self._address) as measurement:
            measurement.wait_for_answers(WARM_UP_ANSWERS)
            act()
            measurement.wait_for_answers(AFTERMATH_ANSWERS)
        self._report(what, measurement, limit_ms)

    def _report(self, what: str, measurement: Measurement, limit_ms: float) -> None:
        result = measurement.result
        outage_ms = result.longest_outage_ms
        holder = self._second if self._second.holds(self._address) else self._first
        self._say(
            f"{holder.plan.name} is master. The client was without service for {outage_ms:.0f} ms: "
            f"{sum(result.answers.values())} connections were answered, {sum(result.failures.values())} were not."
        )
        self._find(what, f"{outage_ms:.0f} ms", f"at most {limit_ms:.0f} ms", is_good=outage_ms <= limit_ms)

    def _wait_for_tables(self, table: Table, timeout_s: float) -> float:
        """Wait until both directors have the table; how long that took, in s."""
        begin_s = time.monotonic()
        hosts = (self._first, self._second)
        wait_for(
            lambda: all(host.real_servers() == table for host in hosts), timeout_s, f"{len(table)} real servers in both tables"
        )
        return time.monotonic() - begin_s

    def _find_s(self, what: str, measured_s: float, limit_s: float) -> None:
        self._find(what, f"{measured_s:.1f} s", f"at most {limit_s:.0f} s", is_good=measured_s <= limit_s)

    def _find(self, what: str, measured: str, expected: str, *, is_good: bool) -> None:
        self.findings.append(Finding(what, measured, expected, is_good))

    def _say(self, sentence: str) -> None:
        print(f"[{time.monotonic() - self._start_s:5.1f} s] {sentence}", flush=True)


def print_table(findings: list[Finding]) -> None:
    """What was measured, beside what was to be expected."""
    heading = Finding("what", "measured", "expected", is_good=True)
    widths = [max(len(getattr(line, column)) for line in (heading, *findings)) for column in ("what", "measured", "expected")]
    for line in (heading, *findings):
        cells = zip((line.what, line.measured, line.expected), widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells), "" if line.is_good else "  <-- NOT GOOD")


def _split(answers: Counter[str]) -> str:
    return " : ".join(f"{name} {count}" for name, count in sorted(answers.items()))


def main(arguments: list[str]) -> int:
    """Tell the story; 0 if all went as it should."""
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--directors", choices=ROUTERS, default="vrrpd")
    router = parser.parse_args(arguments).directors
    plan = topology.load(TOPOLOGY)
    print(plan.drawing + "\n", flush=True)
    with Lab(plan) as lab:
        demonstration = Demonstration(lab, router)
        try:
            demonstration.tell()
        except (TimeoutError, OSError) as error:
            print(f"It went wrong: {error}")
            demonstration.explain_failure()
            return 1
    print()
    print_table(demonstration.findings)
    return 0 if all(finding.is_good for finding in demonstration.findings) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
