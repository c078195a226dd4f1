"""SIGTERM, also in the middle of the start; and who may start beside whom."""

from __future__ import annotations

import signal
import sys
from ipaddress import IPv4Address

import pytest

from netns_lab import sniffer
from netns_lab.namespaces import Lab
from netns_lab.programs import STOP_TIMEOUT_S
from netns_lab.waiting import wait_for
from tests.lab.conftest import VIRTUAL_ADDRESS
from tests.lab.running import PROMPT_S, Vrrpd
from tests.lab.witnesses import PRIORITY, adverts_of

pytestmark = pytest.mark.kernel

SOMEBODY_S_ADDRESS = IPv4Address("192.168.4.77")
SOMEBODY_S_ROWS = ["-A -t 192.168.4.99:443 -s rr", "-a -t 192.168.4.99:443 -r 192.168.4.202:443 -g -w 1"]
PROCESSES = ("vrrpd", "router", "director")


def assert_nothing_is_left(service: Vrrpd) -> None:
    """But for what others put there."""
    assert VIRTUAL_ADDRESS not in service.host.addresses()
    assert service.host.addresses() >= {service.host.plan.address.ip, SOMEBODY_S_ADDRESS}
    assert service.host.run("ipvsadm", "-Sn").stdout.splitlines() == SOMEBODY_S_ROWS
    assert [process for process in PROCESSES if service.pid_file(process).exists()] == []


@pytest.fixture(scope="module", autouse=True)
def property_of_others(lab: Lab) -> None:
    """An address and rows that somebody made by hand."""
    host = lab.host("lvs1")
    host.run("ip", "address", "add", f"{SOMEBODY_S_ADDRESS}/32", "dev", "eth0")
    for row in SOMEBODY_S_ROWS:
        host.run("ipvsadm", *row.split())


def test_a_second_one_says_who_is_there_already_and_leaves(lone_master: Vrrpd) -> None:
    options = ("-n", "-l", "-f", lone_master.configuration, "--run-dir", lone_master.run_directory)
    second = lone_master.host.run(sys.executable, "-m", "vrrpd", *options, check=False)
    assert second.returncode == 1
    assert f"vrrpd is already running with process id {lone_master.pid('vrrpd')}" in second.stderr
    assert lone_master.state() == "master"
    assert lone_master.host.holds(VIRTUAL_ADDRESS)


def test_a_stop_gives_up_in_words_and_leaves_nothing_of_its_own(lab: Lab, lone_master: Vrrpd) -> None:
    processes = lone_master.daemon.pids()
    with sniffer.on_bridge(lab, adverts_of(lone_master.host)) as wire:
        assert lone_master.daemon.stop() == 0
        assert [frame.octets[PRIORITY] for frame in wire.frames()][-1] == 0
    lone_master.wait_for_end(processes)
    assert_nothing_is_left(lone_master)


def test_pid_files_of_a_crash_are_no_obstacle(lone_master: Vrrpd) -> None:
    for process in PROCESSES:
        lone_master.pid_file(process).write_text("1\n")
    lone_master.start()
    lone_master.wait_until("master")
    assert lone_master.daemon.stop() == 0
    assert_nothing_is_left(lone_master)


@pytest.mark.parametrize("moment", ["vrrpd", "router", "director"])
def test_a_stop_in_the_middle_of_the_start_leaves_nothing_either(moment: str, lone_master: Vrrpd) -> None:
    lone_master.start()
    wait_for(lambda: lone_master.pid_file(moment).exists(), PROMPT_S, f"the pid file of {moment}")
    processes = lone_master.daemon.pids()
    lone_master.daemon.signal(signal.SIGTERM)
    assert lone_master.daemon.process.wait(STOP_TIMEOUT_S) == 0
    lone_master.wait_for_end(processes)
    assert_nothing_is_left(lone_master)
