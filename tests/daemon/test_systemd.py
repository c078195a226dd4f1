"""What the service manager hears, on a real socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vrrpd.daemon import systemd


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager's notification socket, in the file system and in the abstract namespace."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@vrrpd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(name.replace("@", "\0", 1))
        end.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield end


def heard(manager: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in manager.recv(65536).decode().split("\n"))


def test_readiness_names_the_main_process(manager: socket.socket) -> None:
    systemd.ready("2 virtual routers")
    assert heard(manager) == {"READY": "1", "STATUS": "2 virtual routers", "MAINPID": str(os.getpid())}


def test_a_reload_tells_when_it_began(manager: socket.socket) -> None:
    before_us = time.monotonic_ns() // 1000
    systemd.reloading()
    told = heard(manager)
    assert told.keys() == {"RELOADING", "MONOTONIC_USEC"}
    assert before_us <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_the_stop_and_the_watchdog_are_told(manager: socket.socket) -> None:
    systemd.stopping()
    systemd.feed_watchdog()
    assert heard(manager) == {"STOPPING": "1", "STATUS": "stopping"}
    assert heard(manager) == {"WATCHDOG": "1"}


def test_a_file_name_that_is_no_text_is_told_as_well_as_it_can_be(manager: socket.socket) -> None:
    systemd.ready("/etc/vrrpd/\udce4.conf")
    assert heard(manager)["STATUS"] == "/etc/vrrpd/?.conf"


def test_a_service_manager_that_does_not_read_stops_nobody(manager: socket.socket) -> None:
    for _ in range(10_000):
        systemd.feed_watchdog()
    assert heard(manager) == {"WATCHDOG": "1"}


@pytest.mark.parametrize("address", [None, "", "/nonexistent/notify", "@vrrpd-nobody", "@", "vsock:2:1", "/" + "x" * 200])
def test_nobody_to_tell_is_no_error(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.ready("ready")


OWN, ANOTHER = str(os.getpid()), "1"


@pytest.mark.parametrize(
    ("timeout_us", "process_id", "interval_s"),
    [
        (None, None, None),
        (None, OWN, None),
        ("30000000", None, 15.0),
        ("30000000", OWN, 15.0),
        ("30000000", ANOTHER, None),
        ("30000000", "", None),
        ("1", OWN, 0.000_000_5),
        ("0", OWN, None),
        ("", OWN, None),
        ("-5", OWN, None),
        ("ten", OWN, None),
        ("1.5", OWN, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(
    timeout_us: str | None, process_id: str | None, interval_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WATCHDOG_USEC", timeout_us), ("WATCHDOG_PID", process_id)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval_s() == interval_s
