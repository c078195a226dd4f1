"""10,000 TCP-checked servers: what a check costs a daemon, how punctual checks and adverts are, and how soon a death is told.

vrrpd and keepalived, each whole, with the same file, in turns: 1,000 virtual servers of 10 real servers, each checked every
6 s. Of ten real servers one refuses, of a hundred one never answers. Beside them runs a virtual router that speaks every 10 ms.
The real servers are in a network namespace of their own, on the same kernel.

    python -m bench.tcp_checks [SERVERS [SECONDS]]

Needs root. Where the kernel has no IPVS, a stand-in says yes to keepalived in its place, which takes a C compiler; vrrpd does
without. Checks and adverts are timed where they leave, by the kernel's clock, with the same witness for both.
"""

from __future__ import annotations

import os
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.wire import SYN_ONLY, VRRP, watching

SERVERS, SECONDS, ROUNDS = 10_000, 20, 3
REAL_SERVERS = 10
"""Of each virtual server."""
DELAY_LOOP_S, RETRY, RETRY_DELAY_S, CONNECT_TIMEOUT_S = 6, 1, 1, 3
ADVERT_S = 0.01
SETTLED_S = 2 * DELAY_LOOP_S + 2
"""After this every server has been checked, and news of the first verdicts is over."""
REFUSES_EVERY, SILENT_EVERY, DYING = 10, 100, 50
"""Of ten one, of a hundred one; and so many answer until they die all at once."""
THERE, SILENT = IPv4Address("10.9.0.0"), IPv4Address("10.9.128.0")
PORT, CLOSED_PORT, DYING_PORT = 80, 81, 82

COST_RATIO_MAX = 1.0
"""Processor time for a check: vrrpd's over keepalived's."""
START_LATENESS_MAX_S = 0.05
"""Of 99 checks in a hundred."""
ADVERT_SHIFT_MAX_S = 0.005
"""By how much the load may move the lateness of 999 adverts in a thousand."""
DEATH_LATENESS_MAX_S = 0.1
"""From the moment that the configured tries are over until a death is told."""

STAND_IN = Path(__file__).with_name("stand_in.c")
NETWORK_SETUP = """
ip link set lo up; ip link add bench0 type veth peer name bench1; ip link set bench1 netns {server}
ip link add bench2 type veth peer name bench3; ip address add 10.8.1.1/24 dev bench2; ip link set bench2 up
ip link set bench3 up
ip address add 10.8.0.1/24 dev bench0; ip link set bench0 up; ip route add 10.9.0.0/16 via 10.8.0.2
nsenter --target {server} --net sh -c 'ip link set lo up; ip address add 10.8.0.2/24 dev bench1; ip link set bench1 up
    ip route add local {there}/17 dev lo; sysctl -q net.ipv4.ip_forward=0 net.core.somaxconn=4096'
"""
ROUTER = f"""
global_defs {{
    vrrp_version 3
    checker_log_all_failures off
}}
vrrp_instance bench {{
    state MASTER
    interface bench2
    virtual_router_id 51
    priority 200
    advert_int {ADVERT_S}
    virtual_ipaddress {{
        10.8.1.100/32
    }}
}}
"""
DOWN = re.compile(r"^(\S+ \S+): .*real server \[([0-9.]+)\]:tcp:(\d+) is down", re.MULTILINE)
"""In vrrpd's log, as its times are local."""


@dataclass(frozen=True)
class Target:
    """One real server."""

    address: IPv4Address
    port: int


@dataclass(frozen=True)
class Measure:
    """One run of a daemon with all its checks."""

    cost_s: float
    """Processor time of the process that checks, for each check."""
    start_lateness_s: list[float]
    """How much longer than `delay_loop` it took to the next check; sorted."""
    advert_lateness_s: float
    """Of 999 in a thousand, with the load."""
    advert_quiet_s: float
    """And without."""
    waiting_ports: int
    """In TIME_WAIT at the end."""
    descriptors: int
    """Open at the end, of all that it may have."""
    death_lateness_s: list[float]
    """From the end of the configured tries until it was told; empty where that cannot be read. Sorted."""


def targets(count: int) -> list[Target]:
    """The servers; what never answers is an address that the other namespace neither has nor forwards."""
    return [_target(number) for number in range(count)]


def _target(number: int) -> Target:
    if number % SILENT_EVERY == 1:
        return Target(SILENT + number + 1, PORT)
    if number % REFUSES_EVERY == 0:
        return Target(THERE + number + 1, CLOSED_PORT)
    if number % SILENT_EVERY == 2 and number < DYING * SILENT_EVERY:
        return Target(THERE + number + 1, DYING_PORT)
    return Target(THERE + number + 1, PORT)


def configuration(count: int) -> str:
    """The file that both daemons read."""
    check = (
        f"TCP_CHECK {{\n connect_timeout {CONNECT_TIMEOUT_S}\n delay_loop {DELAY_LOOP_S}\n retry {RETRY}\n"
        f" delay_before_retry {RETRY_DELAY_S}\n }}"
    )
    every, text = targets(count), [ROUTER]
    for first in range(0, count, REAL_SERVERS):
        real = "".join(
            f"real_server {each.address} {each.port} {{\n {check}\n}}\n" for each in every[first : first + REAL_SERVERS]
        )
        key = IPv4Address("10.7.0.1") + first // REAL_SERVERS
        text.append(
            f"virtual_server {key} 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop {DELAY_LOOP_S}\n{real}}}\n"
        )
    return "".join(text)


# -- the real servers


def serve(port: str) -> None:
    """Accept and close, for ever."""
    with socket.create_server(("0.0.0.0", int(port)), backlog=4096) as listener, selectors.DefaultSelector() as selector:  # noqa: S104  a namespace of its own
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            selector.select()
            try:
                while True:
                    listener.accept()[0].close()
            except BlockingIOError:
                continue


def _serve(port: int, *enter: str) -> subprocess.Popen[bytes]:
    code = f"print(flush=True); from bench.tcp_checks import serve; serve('{port}')"
    process = subprocess.Popen([*enter, sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it is in its namespace
    return process


@contextmanager
def servers() -> Iterator[int]:
    """The servers in a namespace behind a cable; yields the process that has it."""
    with _serve(PORT, "unshare", "--net") as process:
        try:
            subprocess.run(["sh", "-ec", NETWORK_SETUP.format(server=process.pid, there=THERE)], check=True)
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


@contextmanager
def mortals(server: int) -> Iterator[subprocess.Popen[bytes]]:
    """Those that are to die."""
    with _serve(DYING_PORT, "nsenter", f"--target={server}", "--net") as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


# -- the daemons


def keepalived(path: Path, folder: Path) -> list[str]:
    """The command; nothing is logged, which is to its advantage."""
    pids = (f"--pid={folder}/parent.pid", f"--vrrp_pid={folder}/router.pid", f"--checkers_pid={folder}/director.pid")
    return ["keepalived", "--dont-fork", "--no-syslog", f"--use-file={path}", *pids]


def vrrpd(path: Path, folder: Path) -> list[str]:
    """The command."""
    return [sys.executable, "-m", "vrrpd", "--dont-fork", "--log-console", f"--use-file={path}", "--run-dir", str(folder)]


DAEMONS = {"keepalived": keepalived, "vrrpd": vrrpd}


@contextmanager
def running(name: str, text: str, stand_in: Path | None) -> Iterator[Path]:
    """A daemon at work on a file; yields the folder with its process ids and its log."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "keepalived.conf"
        path.write_text(text)
        environment = dict(os.environ)
        if name == "keepalived" and stand_in is not None:
            environment["LD_PRELOAD"] = str(stand_in)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(DAEMONS[name](path, folder), env=environment, stdout=log, stderr=log)
        try:
            yield folder
        finally:
            process.terminate()
            process.wait()


def quiet(name: str, seconds: int, stand_in: Path | None) -> float:
    """How late adverts are where nothing is checked."""
    with running(name, ROUTER, stand_in):
        time.sleep(2)
        with watching("bench2", VRRP) as adverts:
            time.sleep(seconds)
    return _late([at_s for at_s, _to, _port in adverts.seen])


def measure(name: str, count: int, seconds: int, server: int, stand_in: Path | None) -> Measure:
    """One run with all checks, at the end of which some servers die."""
    calm_s = quiet(name, seconds, stand_in)
    with mortals(server) as mortal, running(name, configuration(count), stand_in) as folder:
        time.sleep(SETTLED_S)
        checker = int((folder / "director.pid").read_text())
        with watching("bench2", VRRP) as adverts, watching("bench0", SYN_ONLY) as checks:
            before_s = processor_time_s(checker)
            time.sleep(seconds)
            cost_s = processor_time_s(checker) - before_s
            seen = list(checks.seen)
            spoken = list(adverts.seen)
            waiting, descriptors = time_waits(), len(list(Path(f"/proc/{checker}/fd").iterdir()))
            mortal.kill()
            died_s = time.time()
            time.sleep(DELAY_LOOP_S + RETRY * RETRY_DELAY_S + 2)
        told = (folder / "log").read_text()
        deaths = death_lateness_s(checks.seen, told, died_s) if name == "vrrpd" else []
    tries = [(at_s, to, port) for at_s, to, port in seen if to < SILENT]
    return Measure(
        cost_s / (len(tries) / (1 - 1 / SILENT_EVERY)),
        sorted(_late_starts(tries)),
        _late([at_s for at_s, _to, _port in spoken]),
        calm_s,
        waiting,
        descriptors,
        sorted(deaths),
    )


def _late_starts(tries: list[tuple[float, IPv4Address, int]]) -> Iterator[float]:
    by_server: dict[IPv4Address, list[float]] = {}
    for at_s, to, _port in tries:
        by_server.setdefault(to, []).append(at_s)
    for times in by_server.values():
        yield from (later - earlier - DELAY_LOOP_S for earlier, later in pairwise(times))


def _late(times: list[float]) -> float:
    """Of 999 adverts in a thousand, against the one before."""
    return _share(sorted(later - earlier - ADVERT_S for earlier, later in pairwise(times)), 0.999)


def death_lateness_s(tries: list[tuple[float, IPv4Address, int]], log: str, died_s: float) -> list[float]:
    """For each server that died: how long after its last allowed try began that was told."""
    told = {
        IPv4Address(address): datetime.strptime(at, "%Y-%m-%d %H:%M:%S.%f").timestamp()  # noqa: DTZ007  the log's is local
        for at, address, port in DOWN.findall(log)
        if int(port) == DYING_PORT
    }
    last_good = {to: at_s for at_s, to, port in tries if port == DYING_PORT and at_s < died_s}
    return [told[to] - (at_s + DELAY_LOOP_S + RETRY * RETRY_DELAY_S) for to, at_s in last_good.items() if to in told]


def processor_time_s(pid: int) -> float:
    """User and kernel time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def time_waits() -> int:
    """Sockets of this namespace that wait for their port to be free again."""
    fields = Path("/proc/net/sockstat").read_text().split()
    return int(fields[fields.index("tw") + 1])


def _share(values: list[float], share: float) -> float:
    return values[int(len(values) * share)]


# -- the report


def inside(count: int, seconds: int) -> int:
    """Measure in turns; print a table; 1 if a bound is exceeded, 2 if keepalived could not run."""
    os.environ["TZ"] = "UTC"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder, servers() as server:
        stand_in = None
        if not Path("/proc/net/ip_vs").exists():
            stand_in = Path(folder) / "stand_in.so"
            if shutil.which("cc") is None:
                print("this kernel has no IPVS, and there is no C compiler for a stand-in: keepalived cannot run")
                return 2
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", stand_in, STAND_IN], check=True)
        taken: dict[str, list[Measure]] = {name: [] for name in DAEMONS}
        for _ in range(ROUNDS):
            for name, measures in taken.items():
                measures.append(measure(name, count, seconds, server, stand_in))
                _say(name, measures[-1])
    return _report(count, seconds, taken, stand_in is not None)


def _say(name: str, one: Measure) -> None:
    late = ", ".join(f"p{100 * share:g} {_share(one.start_lateness_s, share) * 1e3:.0f}" for share in (0.5, 0.99, 0.999))
    print(
        f"  {name:12}{one.cost_s * 1e6:7.1f} us a check; starts late by ms: {late}; adverts p99.9 late by ms: "
        f"{one.advert_quiet_s * 1e3:.2f} without checks, {one.advert_lateness_s * 1e3:.2f} with; "
        f"{one.waiting_ports:,} ports in TIME_WAIT, {one.descriptors:,} descriptors open",
        flush=True,
    )
    if one.death_lateness_s:
        print(
            f"  {'':12}{len(one.death_lateness_s)} deaths told, the last {one.death_lateness_s[-1] * 1e3:.0f} ms after its time"
        )


def _report(count: int, seconds: int, taken: dict[str, list[Measure]], stood_in: bool) -> int:
    ours, theirs = taken["vrrpd"], taken["keepalived"]
    ratio = median(our.cost_s / their.cost_s for our, their in zip(ours, theirs, strict=True))
    late = median(_share(one.start_lateness_s, 0.99) for one in ours)
    shift = median(one.advert_lateness_s - one.advert_quiet_s for one in ours)
    deaths = median(one.death_lateness_s[-1] if len(one.death_lateness_s) == DYING else float("inf") for one in ours)
    print(
        f"{count:,} servers, one check each {DELAY_LOOP_S} s, {ROUNDS} rounds of {seconds} s{', stand-in for IPVS' * stood_in}"
    )
    bounds = {
        "processor time for a check, vrrpd / keepalived": (ratio, COST_RATIO_MAX),
        "starts of checks, p99 late by s": (late, START_LATENESS_MAX_S),
        "adverts, p99.9 later with checks than without by s": (shift, ADVERT_SHIFT_MAX_S),
        "deaths, last told after its time by s": (deaths, DEATH_LATENESS_MAX_S),
    }
    for what, (found, bound) in bounds.items():
        print(f"  {what:52}{found:8.3f}, at most {bound:g}{'' if found <= bound else '  EXCEEDED'}")
    return int(any(found > bound for found, bound in bounds.values()))


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
