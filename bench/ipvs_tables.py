"""Filling an empty kernel with 1,000 services of 10 destinations: this library beside keepalived and `ipvsadm -R`.

    PYTHONPATH=netns-lab python -m netns_lab run -- python -m bench.ipvs_tables

keepalived starts with a file without checks, and its time ends when every row is there. The library starts as a new Python,
which reads the kernel's table, plans and applies; its time ends with its process. The last line is the same without the start
of Python and without the making of the desired table.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median

from bench.running import run
from ipvs import codec
from ipvs.client import Client
from ipvs.diff import diff
from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.netlink import NetlinkSocket
from ipvs.types import Destination, DestinationKey, Forwarding, Protocol, Row, Service, ServiceKey, Table

SERVICES = 1_000
DESTINATIONS = 10
ROUNDS = 3
RATIO_MAX = 0.5
"""Elapsed time of the library, in a process that runs, over that of keepalived from its start."""
FILLED_WITHIN_S = 60.0
POLL_S = 0.01

FIRST_SERVICE, FIRST_DESTINATION = IPv4Address("10.0.0.1"), IPv4Address("172.16.0.1")
FILL = "from bench.ipvs_tables import fill; fill()"


@dataclass(frozen=True)
class Measure:
    """One filling of an empty kernel."""

    elapsed_s: float
    processor_s: float


def table() -> Table:
    """What everybody is to put there."""
    return {
        ServiceKey(Protocol.TCP, FIRST_SERVICE + number, 80): Row(
            Service("wlc"),
            {
                DestinationKey(FIRST_DESTINATION + number * DESTINATIONS + own, 80): Destination(Forwarding.DR, own + 1)
                for own in range(DESTINATIONS)
            },
        )
        for number in range(SERVICES)
    }


def fill() -> None:
    """The library's whole way, as a daemon goes it at its start."""
    with Client() as client:
        failures = client.apply(diff(table(), client.table()))
    assert not failures, failures[0]


def keepalived_file() -> str:
    """The table as keepalived reads it."""
    lines = []
    for number in range(SERVICES):
        lines.append(f"virtual_server {FIRST_SERVICE + number} 80 {{\n lb_algo wlc\n lb_kind DR\n protocol TCP")
        lines += [
            f" real_server {FIRST_DESTINATION + number * DESTINATIONS + own} 80 {{\n  weight {own + 1}\n }}"
            for own in range(DESTINATIONS)
        ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def ipvsadm_file() -> str:
    """The table as `ipvsadm -R` reads it."""
    lines = []
    for number in range(SERVICES):
        service = f"-t {FIRST_SERVICE + number}:80"
        lines.append(f"-A {service} -s wlc")
        for own in range(DESTINATIONS):
            destination = FIRST_DESTINATION + number * DESTINATIONS + own
            lines.append(f"-a {service} -r {destination}:80 -g -w {own + 1}")
    return "\n".join(lines) + "\n"


def by_keepalived(folder: Path, client: Client) -> Measure:
    """Start it and wait for the rows; it takes them away at its end."""
    path, process_ids = folder / "keepalived.conf", folder / "keepalived"
    path.write_text(keepalived_file())
    command = ["keepalived", "-C", "-n", "-f", str(path), "-p", f"{process_ids}.pid", "-c", f"{process_ids}-checkers.pid"]
    began_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        elapsed_s = _wait_for_last_row(began_s)
        assert client.table() == table(), "the last row came before others"
        processor_s = _processor_s(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=FILLED_WITHIN_S)
    return Measure(elapsed_s, processor_s)


def by_program(command: list[str], client: Client) -> Measure:
    """Run a program to its end, which leaves the rows there."""
    ended = run(command)
    assert ended.exit_code == 0, ended.output
    assert client.table() == table()
    return Measure(ended.elapsed_s, ended.processor_s)


def by_running_library(client: Client) -> Measure:
    """Read, plan and apply in this process."""
    desired = table()
    began_s, began_processor_s = time.monotonic(), time.process_time()
    failures = client.apply(diff(desired, client.table()))
    measure = Measure(time.monotonic() - began_s, time.process_time() - began_processor_s)
    assert not failures, failures[0]
    assert client.table() == desired
    return measure


def _wait_for_last_row(began_s: float) -> float:
    """Seconds until the last service has all its destinations, asked by one small request at a time."""
    last = ServiceKey(Protocol.TCP, FIRST_SERVICE + SERVICES - 1, 80)
    netlink = NetlinkSocket(NETLINK_GENERIC)
    try:
        family = family_id(netlink, codec.FAMILY_NAME)
        assert family is not None
        while len(netlink.dump(codec.dump_destinations(family, last))) < DESTINATIONS:
            assert time.monotonic() - began_s < FILLED_WITHIN_S, "keepalived put no rows there"
            time.sleep(POLL_S)
        return time.monotonic() - began_s
    finally:
        netlink.close()


def _processor_s(process_id: int) -> float:
    """Of a process and its children so far (proc(5): utime, stime), in ticks of 10 ms."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    ticks = 0
    for each in (str(process_id), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def main() -> int:
    """Measure in turns; print a table; 1 if the bound is exceeded."""
    measures: dict[str, list[Measure]] = {"keepalived": [], "ipvsadm -R": [], "library": [], "library, running": []}
    with tempfile.TemporaryDirectory() as name, Client() as client:
        folder = Path(name)
        rows = folder / "rows"
        rows.write_text(ipvsadm_file())
        client.info()  # loads the module, which is nobody's merit
        for _ in range(ROUNDS):
            client.flush()
            measures["keepalived"].append(by_keepalived(folder, client))
            client.flush()
            measures["ipvsadm -R"].append(by_program(["sh", "-c", f"exec ipvsadm -R <{rows}"], client))
            client.flush()
            measures["library"].append(by_program([sys.executable, "-c", FILL], client))
            client.flush()
            measures["library, running"].append(by_running_library(client))
    return _report(measures)


def _report(measures: dict[str, list[Measure]]) -> int:
    print(f"filling an empty kernel: {SERVICES:,} services with {DESTINATIONS} destinations each, {ROUNDS} rounds")
    print(f"  {'':18}{'elapsed s':>12}{'processor s':>14}")
    for name, taken in measures.items():
        print(f"  {name:18}{median(one.elapsed_s for one in taken):12.2f}{median(one.processor_s for one in taken):14.2f}")
    for ours in ("library", "library, running"):
        for theirs in ("keepalived", "ipvsadm -R"):
            print(f"  {ours} / {theirs}: {_ratio(measures, ours, theirs):.2f}")
    print(f"  running, to keepalived at most {RATIO_MAX:g}")
    return int(_ratio(measures, "library, running", "keepalived") > RATIO_MAX)


def _ratio(measures: dict[str, list[Measure]], our_name: str, their_name: str) -> float:
    pairs = zip(measures[our_name], measures[their_name], strict=True)
    return median(ours.elapsed_s / theirs.elapsed_s for ours, theirs in pairs)


if __name__ == "__main__":
    sys.exit(main())
