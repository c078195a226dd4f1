"""Run in a guest as root under systemd: install the service, let happen to it what can happen, and say what was seen.

    python service_life.py DIRECTORY        # what `make install` has put below DIRECTORY with DESTDIR

Prints a line of JSON for each part of the story: its name and what was observed. Judging it is left to the tests.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from urllib.request import urlopen

from netns_lab import addresses
from netns_lab.waiting import wait_for

HERE = Path(__file__).parent
INPUT = HERE.parent / "inputs/lvs-dr/lvs1.conf"
CONFIGURATION = INPUT.read_text().replace("advert_int 1", "advert_int 3")
"""Peers would miss a master after nine seconds: time enough for a slow guest to start the daemon again."""

ENVIRONMENT = Path("/usr/local/lib/vrrpd")
UNIT = Path("/etc/systemd/system/vrrpd.service")
OPERATORS_FILE = Path("/etc/keepalived/keepalived.conf")
OWN_FILE = Path("/etc/vrrpd/vrrpd.conf")
RUN_DIRECTORY = Path("/run/vrrpd")
TEMPORARY_FILE = Path("/tmp/seen-from-outside")  # noqa: S108  in the guest's own /tmp

VIRTUAL_ADDRESS = IPv4Address("192.168.4.15")
METRICS = "http://127.0.0.1:9165/metrics"

RTMGRP_IPV4_IFADDR = 0x10
RTM_DELADDR = 21
NLMSG_TYPE = slice(4, 6)
DATAGRAM_OCTETS_MAX = 32_768

PATIENCE_S = 60.0
"""For anything in a guest whose CPU has other things to do; reached only when a test fails."""
WATCHDOG_S = 4
"""The unit's own 20 s are long to wait for."""
EXPOSURE_MAX = 3.5
"""What `systemd-analyze security` may come to."""


def install(root: Path) -> None:
    """Put what was installed below `root` in its place; the environment is mounted, because copying is slow in a guest."""
    ENVIRONMENT.mkdir()
    run("mount", "--bind", f"{root}{ENVIRONMENT}", ENVIRONMENT)
    shutil.copy(f"{root}/usr/local/bin/vrrpd", "/usr/local/bin/vrrpd", follow_symlinks=False)
    shutil.copytree(f"{root}/usr/local/share/doc/vrrpd", "/usr/local/share/doc/vrrpd")
    shutil.copy(f"{root}{UNIT}", UNIT)
    OPERATORS_FILE.parent.mkdir(exist_ok=True)
    OPERATORS_FILE.write_text(CONFIGURATION)
    run("systemctl", "daemon-reload")


@contextmanager
def network() -> Iterator[None]:
    """An interface for VRRP, and both real servers on this host, where they answer checks while the block runs."""
    for command in (
        "link add eth0 type dummy",
        "link set eth0 up multicast on",
        "address add 192.168.4.5/24 dev eth0",
        "address add 192.168.4.100/32 dev lo",
        "address add 192.168.4.200/32 dev lo",
    ):
        run("ip", *command.split())
    with socket.create_server(("", 80), backlog=1_000):
        yield


def analyze() -> None:
    """What systemd's own critics say of the unit as it was installed."""
    verify = run("systemd-analyze", "verify", UNIT, check=False)
    tell("verify", status=verify.returncode, output=verify.stdout)
    threshold = f"--threshold={EXPOSURE_MAX * 10:.0f}"
    security = run("systemd-analyze", "security", "--no-pager", threshold, UNIT.name, check=False)
    tell("security", status=security.returncode, output=security.stdout.splitlines()[-1])


def probe() -> None:
    """Try in the service's sandbox what must be possible there and what must not."""
    run("modprobe", "-r", "ip_vs")
    OWN_FILE.parent.mkdir(exist_ok=True)
    OWN_FILE.touch()
    TEMPORARY_FILE.touch()
    program = shutil.copy(HERE / "sandbox_probe.py", "/usr/local/lib/sandbox_probe.py")
    shutil.copy(UNIT, UNIT.with_name("probe.service"))
    overrule(
        "probe",
        *("Type=oneshot", "Restart=no", "WatchdogSec=0", "StandardOutput=file:/run/probe.json"),
        *("ExecReload=", "ExecStart=", f"ExecStart={ENVIRONMENT}/bin/python {program}"),
    )
    run("systemctl", "start", "probe")
    OWN_FILE.unlink()  # the operator's own file is the one to be read from here on
    tell("probe", **json.loads(Path("/run/probe.json").read_text()))


def start() -> None:
    """The operator's way: where keepalived runs, vrrpd is started on the same file."""
    run("systemctl", "start", "keepalived")
    before = show("keepalived")["ActiveState"]
    run("systemctl", "start", "vrrpd")
    after = show("keepalived")
    gone_first = int(after["InactiveEnterTimestampMonotonic"]) <= int(show()["ExecMainStartTimestampMonotonic"])
    tell("keepalived", before=before, after=after["ActiveState"], gone_first=gone_first)
    wait_for(held, PATIENCE_S, "the virtual address")
    with urlopen(METRICS, timeout=PATIENCE_S) as page:
        metrics = page.read().decode()
    tell("start", **show(), rows=rows(), metrics=metrics.splitlines(), run_directory=oct(RUN_DIRECTORY.stat().st_mode))


def reload() -> None:
    """A changed weight is applied; a broken file is refused and what was in force stays."""
    process_id = show()["MainPID"]
    OPERATORS_FILE.write_text(CONFIGURATION.replace("weight 2", "weight 7"))
    applied = run("systemctl", "reload", "vrrpd", check=False)
    wait_for(lambda: 7 in rows().values(), PATIENCE_S, "the new weight")
    wait_for(lambda: show()["SubState"] == "running", PATIENCE_S, "the end of the reload")
    OPERATORS_FILE.write_text(CONFIGURATION.replace("weight 2", "weight 9\nweihgt 2"))
    refused = run("systemctl", "reload", "vrrpd", check=False)
    tell(
        "reload",
        applied=applied.returncode,
        refused=refused.returncode,
        rows=rows(),
        same_process=show()["MainPID"] == process_id,
        **show(),
    )
    OPERATORS_FILE.write_text(CONFIGURATION)
    run("systemctl", "reload", "vrrpd")
    wait_for(lambda: 2 in rows().values(), PATIENCE_S, "the former weight")


def crash() -> None:
    """All processes are killed at once."""
    overrule("vrrpd", f"WatchdogSec={WATCHDOG_S}")  # from the next start on
    survive("crash", lambda: run("systemctl", "kill", "-s", "KILL", "vrrpd"))


def hang() -> None:
    """The main process does nothing any more."""
    survive("hang", lambda: os.kill(int(show()["MainPID"]), signal.SIGSTOP))


def stop() -> None:
    """The orderly end."""
    run("systemctl", "stop", "vrrpd")
    tell("stop", **show(), held=held(), rows=rows(), run_directory=RUN_DIRECTORY.exists())


def survive(part: str, strike: Callable[[], object]) -> None:
    """Strike the service, wait until it is back, and tell what the kernel's tables went through meanwhile."""
    restarts, table = int(show()["NRestarts"]), rows()
    with notified_removals() as removals:
        strike()
        wait_for(lambda: int(show()["NRestarts"]) > restarts, PATIENCE_S, "the restart")
        wait_for(lambda: show()["ActiveState"] == "active", PATIENCE_S, "the service being ready again")
    changes = [line["MESSAGE"] for line in journal() if line["MESSAGE"].startswith("(VI_1)")]
    tell(part, **show(), held=held(), removals=removals, rows_before=table, rows=rows(), last_change=changes[-1])


@contextmanager
def notified_removals() -> Iterator[list[str]]:
    """Addresses that the kernel says were removed while the block runs; the list is filled at its end."""
    removals: list[str] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, RTMGRP_IPV4_IFADDR))
        yield removals
        kernel.setblocking(False)
        with suppress(BlockingIOError):
            while notification := kernel.recv(DATAGRAM_OCTETS_MAX):
                if int.from_bytes(notification[NLMSG_TYPE], sys.byteorder) == RTM_DELADDR:
                    removals.append(notification.hex())


def overrule(unit: str, *settings: str) -> None:
    """Overrule settings of a unit's service."""
    directory = Path(f"/run/systemd/system/{unit}.service.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "test.conf").write_text("\n".join(["[Service]", *settings, ""]))
    run("systemctl", "daemon-reload")


def show(unit: str = "vrrpd") -> dict[str, str]:
    """What systemd knows of a service."""
    names = "ActiveState,SubState,StatusText,MainPID,NRestarts,Result"
    times = "InactiveEnterTimestampMonotonic,ExecMainStartTimestampMonotonic"
    lines = run("systemctl", "show", unit, "-p", f"{names},{times}").stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def journal() -> list[dict[str, str]]:
    """What the service logged, in order: priority, program and text."""
    lines = run("journalctl", "--no-pager", "-o", "json", "-u", UNIT.name).stdout.splitlines()
    return [{key: json.loads(line).get(key, "") for key in ("PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE")} for line in lines]


def held() -> bool:
    """Whether the virtual address is on the interface."""
    return VIRTUAL_ADDRESS in addresses.of_interface("eth0")


def rows() -> dict[str, int]:
    """Weight of each real server in IPVS, by address and port as the kernel writes them; none without the module."""
    try:
        lines = Path("/proc/net/ip_vs").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {row[1]: int(row[3]) for row in map(str.split, lines[3:]) if row[0] == "->"}


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; both its outputs are kept. Raises RuntimeError if it fails and `check` is set."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=PATIENCE_S)
    if check and done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))}: status {done.returncode}: {done.stdout}")
    return done


def tell(part: str, **seen: object) -> None:
    """Report a part of the story."""
    print(json.dumps({"part": part, **seen}), flush=True)  # noqa: T201  a program, and this is what it says


def main() -> None:
    """Tell the whole story."""
    run("systemctl", "log-target", "journal")  # what systemd itself says of the service belongs to it
    install(Path(sys.argv[1]))
    with network():
        for part in (analyze, probe, start, reload, crash, hang, stop):
            part()
    tell("journal", lines=journal())


if __name__ == "__main__":
    main()
