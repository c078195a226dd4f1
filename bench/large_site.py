"""The daemon at the size of a large site, beside keepalived with the same file: from its start to the last row, and to its end.

    PYTHONPATH=netns-lab python -m netns_lab run --timeout 600 -- python -m bench.large_site

Three times are told of a start, all until the last row is there. The whole begins with the process, which is what an operator
waits for. The second begins when the file is opened, so it is without what it takes to load the program. The third begins with
the first row, so it is the filling of the kernel alone. At the end it is counted what each left there.
"""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import site
from ipvs import codec
from ipvs.client import Client
from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.netlink import NetlinkSocket
from vrrpd.daemon.director import AUDIT_INTERVAL_S
from vrrpd.daemon.ipvs_table import IpvsTable

VIRTUAL_SERVERS, REAL_SERVERS = 1_000, 10
LARGER = 2_284, 16
ROUNDS = 3
RATIO_MAX = 0.5
"""Of the filling: vrrpd's time over that of keepalived. The whole start has none, since to load Python alone takes longer."""
FILLED_WITHIN_S = 60.0
POLL_S = 0.01
AUDITS = 10
IN_OPEN = 0x20
"""inotify(7)."""
LOADED = "import vrrpd.cli, vrrpd.daemon.supervisor"
"""Once, so that there is byte code, as there is wherever vrrpd is installed."""
NO_SERVER_ANSWERS = ["link add servers type dummy", "address add 10.255.0.1/24 dev servers", "link set servers up"]
"""Nor refuses: checks are under way for three seconds, and none has a verdict before the table is full."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Measure:
    """One life of a daemon."""

    start_s: float
    """From the start of the process to the last row."""
    from_reading_s: float
    """From the opening of the file to the last row."""
    filling_s: float
    """From the first row to the last."""
    stop_s: float
    """From SIGTERM to the end of the process."""
    rows_left: int
    """Services and destinations that were still there then."""


@dataclass(frozen=True)
class Case:
    """A file of some size."""

    virtual_servers: int
    real_servers: int
    checked: bool

    def __str__(self) -> str:
        return f"{self.virtual_servers:,} x {self.real_servers}, {'TCP checks' if self.checked else 'no checks'}"


def keepalived(path: Path, folder: Path) -> list[str]:
    """The command, with its process ids in the folder."""
    return ["keepalived", "-n", "-C", "-f", str(path), "-p", f"{folder}/keepalived.pid", "-c", f"{folder}/checkers.pid"]


def vrrpd(path: Path, folder: Path) -> list[str]:
    """The command, with its run directory in the folder."""
    return [sys.executable, "-m", "vrrpd", "-n", "-C", "-f", str(path), "--run-dir", f"{folder}/run"]


DAEMONS = {"keepalived": keepalived, "vrrpd": vrrpd}


def measure(name: str, case: Case, folder: Path, client: Client) -> Measure:
    """Start a daemon on an empty table, and stop it when the table is full."""
    client.flush()
    path = folder / "site.conf"
    path.write_text(site.configuration(case.virtual_servers, case.real_servers, checked=case.checked))
    command = DAEMONS[name](path, folder)
    environment = os.environ | {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if name == "vrrpd":
        subprocess.run([sys.executable, "-c", LOADED], env=environment, check=True)
    with _opening(path) as opened_s:
        began_s = time.monotonic()
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        reading_s = opened_s()
        first_row_s, filled_s = _wait_for_rows(case, began_s)
    rows = {key: row.destinations.keys() for key, row in client.table().items()}
    assert rows == {
        site.service(number): {site.destination(number, own) for own in range(1, case.real_servers + 1)}
        for number in range(case.virtual_servers)
    }, "the last row came before others"
    if name == "vrrpd":
        say_what_an_audit_takes(client)
    stopping_s = time.monotonic()
    process.terminate()
    process.wait(timeout=FILLED_WITHIN_S)
    stop_s = time.monotonic() - stopping_s
    left = sum(1 + len(row.destinations) for row in client.table().values())
    return Measure(filled_s - began_s, filled_s - reading_s, filled_s - first_row_s, stop_s, left)


@contextmanager
def _opening(path: Path) -> Iterator[Callable[[], float]]:
    """Yields what waits until somebody opens the file and returns when that was."""
    watch = _libc.inotify_init1(os.O_CLOEXEC)
    assert _libc.inotify_add_watch(watch, os.fsencode(path), IN_OPEN) >= 0

    def wait() -> float:
        assert select.select([watch], [], [], FILLED_WITHIN_S)[0], "the file was not read"
        return time.monotonic()

    try:
        yield wait
    finally:
        os.close(watch)


def _wait_for_rows(case: Case, began_s: float) -> tuple[float, float]:
    """When the first service was there, and when the last had all its destinations; asked by small requests, one at a time."""
    netlink = NetlinkSocket(NETLINK_GENERIC)
    try:
        family = family_id(netlink, codec.FAMILY_NAME)
        assert family is not None
        times_s = []
        for number, count in ((0, 1), (case.virtual_servers - 1, case.real_servers)):
            request = codec.dump_destinations(family, site.service(number))
            while len(netlink.dump(request)) < count:
                assert time.monotonic() - began_s < FILLED_WITHIN_S, "no rows were put there"
                time.sleep(POLL_S)
            times_s.append(time.monotonic())
        return times_s[0], times_s[1]
    finally:
        netlink.close()


def say_what_an_audit_takes(client: Client) -> None:
    """Of the rows that are there now: reading all of them, and bringing a mirror of them up to date."""
    table = IpvsTable(client)
    took_s: dict[str, float] = {}
    for what, times, work in (("reading all", 1, table.read), ("bringing up to date", AUDITS, table.update)):
        began_s = time.monotonic()
        for _ in range(times):
            work()
        took_s[what] = (time.monotonic() - began_s) / times
    words = ", ".join(f"{what} {each_s * 1e3:.0f} ms" for what, each_s in took_s.items())
    share = took_s["bringing up to date"] / (took_s["bringing up to date"] + AUDIT_INTERVAL_S)
    print(f"  audit: {words}, every {AUDIT_INTERVAL_S:g} s, which is {share:.1%} of the time")


def main() -> int:
    """Measure in turns; print a table; 1 if the bound of the filling is exceeded or a row of vrrpd's is left."""
    small = [Case(VIRTUAL_SERVERS, REAL_SERVERS, checked) for checked in (False, True)]
    cases = dict.fromkeys(small, ROUNDS) | {Case(*LARGER, checked=True): 1}
    failed = False
    for line in NO_SERVER_ANSWERS:
        subprocess.run(["ip", *line.split()], check=True)
    subprocess.run(["ip", "route", "add", site.SERVERS_NETWORK, "dev", "servers"], check=True)
    with tempfile.TemporaryDirectory() as name, Client() as client:
        client.info()  # loads the module, which is nobody's merit
        for case, rounds in cases.items():
            taken: dict[str, list[Measure]] = {name: [] for name in DAEMONS}
            for _ in range(rounds):
                for daemon, measures in taken.items():
                    measures.append(measure(daemon, case, Path(name), client))
            failed |= _report(case, rounds, taken, bounded=case in small)
    return int(failed)


def _report(case: Case, rounds: int, taken: dict[str, list[Measure]], *, bounded: bool) -> bool:
    """Print one case; whether it fails. The larger one is shown for what it is, and has no bound but to leave nothing."""
    times = ("start_s", "from_reading_s", "filling_s", "stop_s")
    print(f"{case}; median of {rounds}")
    print(f"  {'':20}" + "".join(f"{name.replace('_', ' '):>16}" for name in times) + f"{'rows left':>12}")
    for name, measures in taken.items():
        medians = (median(getattr(one, field) for one in measures) for field in times)
        print(f"  {name:20}" + "".join(f"{value:16.2f}" for value in medians) + f"{max(one.rows_left for one in measures):12,}")
    pairs = list(zip(taken["vrrpd"], taken["keepalived"], strict=True))
    ratios = {field: median(getattr(ours, field) / getattr(theirs, field) for ours, theirs in pairs) for field in times}
    print(f"  {'vrrpd / keepalived':20}" + "".join(f"{ratio:16.2f}" for ratio in ratios.values()))
    exceeded = bounded and ratios["filling_s"] > RATIO_MAX
    if bounded:
        print(f"  filling, to keepalived at most {RATIO_MAX:g}", flush=True)
    return exceeded or any(one.rows_left for one in taken["vrrpd"])


if __name__ == "__main__":
    sys.exit(main())
