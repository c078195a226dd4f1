"""A director on a kernel that does not know IPVS at first: it says what to do, once, and VRRP goes on."""

from __future__ import annotations

import http.client
import os
import sys
from pathlib import Path

import pytest

from netns_lab.programs import REPOSITORY, Daemon
from netns_lab.waiting import wait_for
from tests.lab.conftest import BOTH_SERVERS, VIRTUAL_ADDRESS, Pair
from tests.lab.running import HTTP_LISTEN, PROMPT_S

pytestmark = pytest.mark.kernel

WITHOUT = """
import sys
from pathlib import Path

from ipvs import codec
from vrrpd.cli import main

del codec.FAMILY_NAME
loaded = Path(sys.argv.pop(1))
codec.__getattr__ = lambda name: "IPVS" if loaded.exists() else "NO_IPVS"
main()
"""
"""The kernel is asked for a family that it does not have, until a file is there: to unload the module would hit others."""
MODPROBE = """#!/bin/sh
echo "$@" >>{asked}
echo "modprobe: FATAL: Module $1 not found" >&2
exit 1
"""
SETTINGS = "router_id lvs1\n  lvs_timeouts tcp 777\n  lvs_sync_daemon eth0 VI_1"
TRIES = 3
REMEDY = "run `modprobe ip_vs` as root"


@pytest.fixture
def asked(idle_pair: Pair) -> Path:
    """What modprobe was asked for, a line each time."""
    path = idle_pair.first.host.directory / "asked"
    path.touch()
    return path


@pytest.fixture
def loaded(idle_pair: Pair, asked: Path) -> Path:
    """The file that brings IPVS; lvs1 is started without it and with a modprobe that finds nothing."""
    host = idle_pair.first.host
    programs = host.directory / "bin"
    programs.mkdir()
    (programs / "modprobe").write_text(MODPROBE.format(asked=asked))
    (programs / "modprobe").chmod(0o755)
    path = host.directory / "loaded"
    first = idle_pair.first
    first.edit(("priority 100", "priority 255"), ("router_id lvs1", SETTINGS))
    options: list[str | Path] = ["-n", "-l", "-f", first.configuration, "--run-dir", first.run_directory, "--http", HTTP_LISTEN]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    first.daemon = Daemon("vrrpd", host, [sys.executable, "-c", WITHOUT, path, *options], environment)
    return path


def test_vrrp_goes_on_and_the_remedy_is_told_once(idle_pair: Pair, asked: Path, loaded: Path) -> None:
    first = idle_pair.first
    first.wait_until_ready()
    first.wait_until("master")
    assert first.host.holds(VIRTUAL_ADDRESS)
    wait_for(lambda: len(asked.read_text().splitlines()) >= TRIES, 2 * PROMPT_S, f"{TRIES} tries to load the module")
    assert set(asked.read_text().splitlines()) == {"ip_vs"}
    assert first.daemon.log().count(REMEDY) == 1
    assert first.get("/readyz")[0] == http.client.OK
    assert first.host.real_servers() == {}
    loaded.touch()
    wait_for(lambda: first.host.real_servers() == BOTH_SERVERS, PROMPT_S, "the rows, once IPVS is there")
    assert "IPVS can be used again" in first.daemon.log()
    assert " 777 " in first.host.run("ipvsadm", "-Ln", "--timeout").stdout
    assert "master sync daemon" in first.host.run("ipvsadm", "-Ln", "--daemon").stdout
    assert first.state() == "master"
