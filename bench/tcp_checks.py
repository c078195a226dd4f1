"""TCP checks: processor time for each, by our library and by keepalived, and how punctual our checks start.

Both ask the same servers in a network namespace of their own: of ten one refuses, of a hundred one never answers. Needs root
and, for keepalived's side, a kernel with IPVS.

    python -m bench.tcp_checks [SERVERS [SECONDS]]
"""

from __future__ import annotations

import asyncio
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from healthcheck.scheduler import STARTS_PER_RUN_MAX, Scheduler, Watch
from healthcheck.tcp import TcpEngine
from healthcheck.types import Outcome, Pace, Round, TcpCheck
from healthcheck.wheel import SLOTS_PER_SECOND

SERVERS = 10_000
SECONDS = 30
DELAY_LOOP_S = 6
CONNECT_TIMEOUT_S = 3
REFUSES_EVERY, SILENT_EVERY = 10, 100
SETTLED_S = DELAY_LOOP_S + 2
"""After this every server has been checked once, and measuring begins."""
SLOT_S = 1 / SLOTS_PER_SECOND
BURST_S = 0.001
"""Work between two sleeps when the clock is tried."""
COUNTED_MIN = 0.3
"""Of that work the share that must be counted; on a busy machine some of the time is not ours."""
LATENESS_MAX_S = 0.05
"""Of 99 checks in a hundred."""
THERE, SILENT, PORT, CLOSED_PORT = "10.9.0.0", "10.9.128.0", 80, 81
NETWORK_SETUP = """
ip link set lo up; ip link add bench0 type veth peer name bench1; ip link set bench1 netns {server}
ip address add 10.8.0.1/24 dev bench0; ip link set bench0 up; ip route add 10.9.0.0/16 via 10.8.0.2
nsenter --target {server} --net sh -c 'ip link set lo up; ip address add 10.8.0.2/24 dev bench1; ip link set bench1 up
    ip route add local {there}/17 dev lo; sysctl -q net.ipv4.ip_forward=0 net.core.somaxconn=4096'
"""


@dataclass(frozen=True)
class Target:
    """One real server."""

    address: IPv4Address
    port: int


def targets(count: int) -> list[Target]:
    """The servers; what never answers is an address that the other namespace neither has nor forwards."""
    there, silent = IPv4Address(THERE), IPv4Address(SILENT)
    return [
        Target(silent + number + 1, PORT)
        if number % SILENT_EVERY == 1
        else Target(there + number + 1, CLOSED_PORT if number % REFUSES_EVERY == 0 else PORT)
        for number in range(count)
    ]


def serve() -> None:
    """Accept and close, for ever."""
    with socket.create_server(("0.0.0.0", PORT), backlog=4096) as listener, selectors.DefaultSelector() as selector:  # noqa: S104  a namespace of its own
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            selector.select()
            try:
                while True:
                    listener.accept()[0].close()
            except BlockingIOError:
                continue


class Punctuality(TcpEngine[Watch]):
    """The engine, with a list of how late each check began."""

    def __init__(self) -> None:
        super().__init__()
        self.lateness_s: list[float] = []

    def start(self, check: TcpCheck, token: Watch, round_: Round, /) -> Outcome | None:  # type: ignore[override]  # one default less
        self.lateness_s.append(token.start_lateness_s)
        return super().start(check, token, round_)


@dataclass(frozen=True)
class Cost:
    """What checking took, once it had settled."""

    processor_s: float
    checks: float


async def ours(count: int, seconds: int, server: int) -> tuple[Cost, list[float]]:
    """Check with the library, counted and timed as keepalived is; also returns how late each check began."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop, engine = asyncio.get_running_loop(), Punctuality()
    scheduler = Scheduler({TcpCheck: engine}, lambda _check, _change: None, now_s=loop.time())
    scheduler.attach(loop)
    pace = Pace(delay_loop_s=DELAY_LOOP_S)
    checks = [TcpCheck(each.address, each.port, pace, connect_timeout_s=CONNECT_TIMEOUT_S) for each in targets(count)]
    scheduler.apply(checks, loop.time())
    await asyncio.sleep(SETTLED_S)
    engine.lateness_s.clear()
    processor_s, seen = processor_time_s(os.getpid()), passive_opens(server)
    await asyncio.sleep(seconds)
    cost = Cost(processor_time_s(os.getpid()) - processor_s, checks_made(count, passive_opens(server) - seen))
    not_probed = sum(watch.not_probed for watch in scheduler.watches.values())
    scheduler.close()
    if not_probed:
        raise SystemExit(f"{not_probed} checks could not be made")
    return cost, engine.lateness_s


def keepalived(count: int, seconds: int, server: int) -> Cost:
    """Check with keepalived; its checks are counted by the connections that the servers saw."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keepalived.conf"
        path.write_text(configuration(count))
        command = ["keepalived", "--dont-fork", "--log-console", "--check", f"--use-file={path}", f"--pid={folder}/pid"]
        with subprocess.Popen(
            [*command, f"--checkers_pid={folder}/checkers"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                time.sleep(SETTLED_S + count / 1000)  # it puts every server into IPVS first
                checker = int((Path(folder) / "checkers").read_text())
                processor_s, seen = processor_time_s(checker), passive_opens(server)
                time.sleep(seconds)
                checks = checks_made(count, passive_opens(server) - seen)
                return Cost(processor_time_s(checker) - processor_s, checks)
            finally:
                process.terminate()
                process.wait()


def checks_made(count: int, connections: int) -> float:
    """How many checks there were, if so many connections were opened: only some of the servers accept any."""
    there = sum(target.port == PORT and target.address < IPv4Address(SILENT) for target in targets(count))
    return connections * count / there


def configuration(count: int) -> str:
    """keepalived's configuration: one virtual server with every target behind it."""
    check = f"TCP_CHECK {{\n connect_timeout {CONNECT_TIMEOUT_S}\n delay_loop {DELAY_LOOP_S}\n }}"
    servers = "".join(f"real_server {each.address} {each.port} {{\n {check}\n}}\n" for each in targets(count))
    return (
        "global_defs {\n checker_log_all_failures off\n}\n"
        f"virtual_server 10.7.0.1 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop {DELAY_LOOP_S}\n{servers}}}\n"
    )


def processor_time_s(pid: int) -> float:
    """User and kernel time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processor_time_is_true() -> bool:
    """Whether the kernel counts work as short and as regular as ours.

    One that charges whole ticks misses who wakes at a tick and sleeps before the next, as our timers do; user-mode Linux is of
    that kind. Then no figure of ours, nor any comparison with it, means anything.
    """
    burnt_s, before_s = 0.0, processor_time_s(os.getpid())
    for _ in range(300):
        time.sleep(SLOT_S - time.monotonic() % SLOT_S)  # as the timer wheel wakes
        began_s = time.perf_counter()
        while time.perf_counter() - began_s < BURST_S:
            pass
        burnt_s += time.perf_counter() - began_s
    counted_s = processor_time_s(os.getpid()) - before_s
    print(f"clock       {counted_s:.2f} s counted of {burnt_s:.2f} s worked")
    return counted_s > burnt_s * COUNTED_MIN


def passive_opens(pid: int) -> int:
    """Connections accepted so far in the namespace of a process."""
    names, values = (line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines() if line.startswith("Tcp:"))
    return int(values[names.index("PassiveOpens")])


@contextmanager
def servers() -> Iterator[int]:
    """The servers in a namespace behind a cable; yields the process that has it."""
    with subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", "print(flush=True); from bench.tcp_checks import serve; serve()"],
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it is in its namespace
            subprocess.run(["sh", "-ec", NETWORK_SETUP.format(server=process.pid, there=THERE)], check=True)
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


def inside(count: int, seconds: int) -> int:
    """Measure one after the other; 1 if a bound is exceeded, 2 if processor time could not be compared."""
    print(f"{count} servers, one check every {DELAY_LOOP_S} s, {seconds} s; at most {STARTS_PER_RUN_MAX} starts in a row")
    clock_is_true = processor_time_is_true()
    with servers() as server:
        before = time_waits()
        cost, lateness_s = asyncio.run(ours(count, seconds, server))
        say("library", cost, time_waits() - before, clock_is_true=clock_is_true)
        lateness_s.sort()
        percentiles = {share: lateness_s[int(len(lateness_s) * share)] for share in (0.5, 0.99, 0.999)}
        print("lateness    " + ", ".join(f"p{100 * share:g} {late_s * 1e3:.1f} ms" for share, late_s in percentiles.items()))
        theirs = None
        if Path("/proc/net/ip_vs").exists():
            before = time_waits()
            theirs = keepalived(count, seconds, server)
            say("keepalived", theirs, time_waits() - before, clock_is_true=clock_is_true)
        else:
            print("keepalived  not run: the kernel has no IPVS")
    if percentiles[0.99] > LATENESS_MAX_S:
        return 1
    if theirs is None or not clock_is_true:
        print("no verdict on processor time")
        return 2
    return int(cost.processor_s / cost.checks > theirs.processor_s / theirs.checks)


def say(who: str, cost: Cost, waiting: int, *, clock_is_true: bool) -> None:
    """One side's line; without a true clock no processor time, for it would be believed."""
    each = f"{cost.processor_s / cost.checks * 1e6:.1f} us a check" if clock_is_true else "processor time not measurable here"
    print(f"{who:<12}{each}; {cost.checks:.0f} checks, {waiting} more ports in TIME_WAIT")


def time_waits() -> int:
    """Sockets of this namespace that wait for their port to be free again."""
    fields = Path("/proc/net/sockstat").read_text().split()
    return int(fields[fields.index("tw") + 1])


def main() -> int:
    """Enter a network namespace and measure there."""
    if "--inside" in sys.argv:
        count, seconds = (int(argument) for argument in sys.argv[2:])
        return inside(count, seconds)
    wanted = [int(argument) for argument in sys.argv[1:]]
    count, seconds = [*wanted, *(SERVERS, SECONDS)[len(wanted) :]]
    command = ["unshare", "--net", "--mount", sys.executable, "-m", "bench.tcp_checks", "--inside", str(count), str(seconds)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
