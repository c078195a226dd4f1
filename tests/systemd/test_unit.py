"""The service under a real systemd: one life of it in a guest (service_life.py), then what was seen there, part by part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netns_lab import user_mode_linux
from tests.systemd import sandbox_probe
from tests.systemd.conftest import REPOSITORY

GUEST_TIMEOUT_S = 300.0
"""The story takes 40 s on a machine with nothing else to do."""
STATUS = "/etc/keepalived/keepalived.conf: 1 virtual router, 1 virtual server with 2 real servers"
WEB_1, WEB_2 = "C0A80464:0050", "C0A804C8:0050"
"""192.168.4.100 and .200, port 80, as the kernel writes them."""
MASTER = 2
"""What keepalived_vrrp_state says of a master."""
WARNING, INFORMATION = "4", "6"
"""Priorities in the journal (syslog(3))."""

Part = dict[str, Any]

pytestmark = pytest.mark.skipif(not user_mode_linux.is_installed(), reason="needs user-mode Linux for a systemd of its own")


@pytest.fixture(scope="module")
def life(installed: Path) -> dict[str, Part]:
    """What was seen, by the part of the story."""
    runner = [sys.executable, "-m", "netns_lab", "run", "--systemd", "--timeout", str(GUEST_TIMEOUT_S), "--"]
    story = [sys.executable, str(REPOSITORY / "tests/systemd/service_life.py"), str(installed)]
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "netns-lab")])
    done = subprocess.run([*runner, *story], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {part.pop("part"): part for part in map(json.loads, done.stdout.splitlines())}


def test_systemd_finds_no_fault_with_the_unit(life: dict[str, Part]) -> None:
    assert life["verify"] == {"status": 0, "output": ""}


def test_systemd_finds_little_exposed(life: dict[str, Part]) -> None:
    assert life["security"]["status"] == 0, life["security"]["output"]


@pytest.mark.parametrize("attempt", sandbox_probe.NEEDED)
def test_the_sandbox_leaves_what_the_daemon_needs(life: dict[str, Part], attempt: str) -> None:
    assert life["probe"]["needed"][attempt] == "done"


@pytest.mark.parametrize("attempt", sandbox_probe.FORBIDDEN)
def test_the_sandbox_keeps_everything_else_out_of_reach(life: dict[str, Part], attempt: str) -> None:
    assert life["probe"]["forbidden"][attempt] in {"EPERM", "EACCES", "EROFS", "ENOENT", "EAFNOSUPPORT"}


def test_starting_it_stops_keepalived_first(life: dict[str, Part]) -> None:
    assert life["keepalived"] == {"before": "active", "after": "inactive", "gone_first": True}


def test_it_becomes_ready_on_the_operators_file_and_master(life: dict[str, Part]) -> None:
    start = life["start"]
    assert (start["ActiveState"], start["SubState"], start["NRestarts"]) == ("active", "running", "0")
    assert start["StatusText"] == STATUS
    assert start["rows"] == {WEB_1: 1, WEB_2: 2}
    assert start["run_directory"] == "0o40700"


def test_metrics_are_served_on_the_loopback_and_tell_of_all_three_processes(life: dict[str, Part]) -> None:
    samples = dict(line.rsplit(" ", 1) for line in life["start"]["metrics"] if not line.startswith("#"))
    states = [float(value) for name, value in samples.items() if name.startswith("keepalived_vrrp_state{")]
    assert states == [MASTER]
    for process in ("process", "vrrpd_router_process", "vrrpd_director_process"):
        assert float(samples[f"{process}_resident_memory_bytes"]) > 0, "the sandbox hides no process from its parent"


def test_a_reload_applies_what_changed_and_is_refused_over_a_broken_file(life: dict[str, Part]) -> None:
    reload = life["reload"]
    assert (reload["applied"], reload["refused"]) == (0, 1)
    assert reload["rows"] == {WEB_1: 1, WEB_2: 7}, "the broken file asks for 9"
    assert reload["same_process"]
    assert (reload["ActiveState"], reload["SubState"], reload["StatusText"]) == ("active", "running", STATUS)
    assert [line for line in life["journal"]["lines"] if "error[" in line["MESSAGE"] and "weihgt" in line["MESSAGE"]]


@pytest.mark.parametrize(("part", "restarts"), [("crash", "1"), ("hang", "2")])
def test_it_is_started_again_and_goes_on_as_master_with_address_and_rows_untouched(
    life: dict[str, Part], part: str, restarts: str
) -> None:
    seen = life[part]
    assert (seen["ActiveState"], seen["SubState"], seen["NRestarts"]) == ("active", "running", restarts)
    assert seen["held"]
    assert seen["removals"] == []
    assert seen["rows"] == seen["rows_before"] == {WEB_1: 1, WEB_2: 2}
    assert seen["last_change"].endswith("INITIALIZE -> MASTER: resumed")


def test_it_was_the_watchdog_that_ended_the_hanging_one(life: dict[str, Part]) -> None:
    timeouts = [line for line in life["journal"]["lines"] if line["MESSAGE"].startswith("vrrpd.service: Watchdog timeout")]
    assert len(timeouts) == 1


def test_stopping_it_takes_everything_back(life: dict[str, Part]) -> None:
    stop = life["stop"]
    assert (stop["ActiveState"], stop["Result"]) == ("inactive", "success")
    assert not stop["held"]
    assert stop["rows"] == {}
    assert not stop["run_directory"]


def test_the_journal_has_priorities_and_one_line_about_the_place_on_the_machine(life: dict[str, Part]) -> None:
    lines = [line for line in life["journal"]["lines"] if line["SYSLOG_IDENTIFIER"] == "vrrpd"]
    assert {line["PRIORITY"] for line in lines if "warning[W060 lenient]" in line["MESSAGE"]} >= {WARNING}
    place = [line for line in lines if line["MESSAGE"].startswith("router runs with")]
    assert [(line["PRIORITY"], line["MESSAGE"]) for line in place] == [
        (INFORMATION, "router runs with real-time priority 20; locked memory")
    ] * 3, "one for each start"
    assert not [line["MESSAGE"] for line in lines if line["MESSAGE"].startswith("<")]
