"""The engine against the loopback interface of the machine it runs on."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from healthcheck.tcp import TcpEngine
from healthcheck.types import Address, NotProbed, Outcome, ProbeResult, TcpCheck

LOCALHOST = IPv4Address("127.0.0.1")
PATIENCE_S = 20.0
"""How long a test waits for what must come; reached only when it fails."""

Engine = TcpEngine[str]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(TcpEngine[str]()) as engine:
        yield engine


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listening() as opened:
        yield opened


def listening(address: Address = LOCALHOST, backlog: int = 128) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    opened = socket.socket(family)
    opened.bind((str(address), 0))
    opened.listen(backlog)
    return opened


def check_of(opened: socket.socket) -> TcpCheck:
    host, port = opened.getsockname()[:2]
    return TcpCheck(ip_address(host), port)


def check_of_nobody() -> TcpCheck:
    """A port below the ephemeral ones, so that nobody gets it by chance, on an address of our own."""
    return TcpCheck(IPv4Address("127.83.21.5"), 9)


def wait(engine: Engine, count: int = 1) -> list[tuple[str, Outcome]]:
    """Run the engine as an event loop would: sleep until it is readable or its deadline is there."""
    ended: list[tuple[str, Outcome]] = []
    end_s = time.monotonic() + PATIENCE_S
    while len(ended) < count and time.monotonic() < end_s:
        deadline_s = engine.deadline()
        until_s = end_s if deadline_s is None else min(deadline_s, end_s)
        select.select([engine], [], [], max(0.0, until_s - time.monotonic()))
        ended += engine.run()
    return ended


def probe(engine: Engine, check: TcpCheck) -> Outcome:
    outcome = engine.start(check, "probe")
    if outcome is None:
        [(token, outcome)] = wait(engine)
        assert token == "probe"
    assert engine.in_flight == 0
    return outcome


def result(outcome: Outcome) -> ProbeResult:
    assert isinstance(outcome, ProbeResult), outcome
    return outcome


def test_a_listening_server_is_up(engine: Engine, listener: socket.socket) -> None:
    outcome = result(probe(engine, check_of(listener)))
    assert (outcome.success, outcome.reason) == (True, "connected")
    assert 0 < outcome.latency_s < PATIENCE_S
    assert engine.deadline() is None


def test_the_connection_is_closed_at_once_and_in_the_ordinary_way(engine: Engine, listener: socket.socket) -> None:
    probe(engine, check_of(listener))
    accepted, _peer = listener.accept()
    with accepted:
        accepted.settimeout(PATIENCE_S)
        assert accepted.recv(1) == b""  # end of stream, where a reset would raise


def test_a_server_over_ipv6_is_up(engine: Engine) -> None:
    try:
        opened = listening(IPv6Address("::1"))
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with opened:
        assert result(probe(engine, check_of(opened))).success


def test_a_refused_connection_is_a_failure(engine: Engine) -> None:
    outcome = result(probe(engine, check_of_nobody()))
    assert (outcome.success, outcome.reason) == (False, "connection refused")


def test_a_server_that_accepts_and_resets_is_still_heard_of(engine: Engine, listener: socket.socket) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert engine.start(check_of(listener), "probe") is None
    accepted, _peer = listener.accept()
    accepted.close()
    [(_, outcome)] = wait(engine)
    assert result(outcome).reason in {"connected", "connection reset by peer"}


def test_silence_is_a_failure_once_the_time_is_over(engine: Engine) -> None:
    with ExitStack() as stack:
        black_hole = fill_up(stack)
        outcome = result(probe(engine, replace(black_hole, connect_timeout_s=0.3)))
    assert (outcome.success, outcome.reason) == (False, "timed out after 0.3 s")
    assert 0.3 <= outcome.latency_s < PATIENCE_S


def fill_up(stack: ExitStack) -> TcpCheck:
    """A listener whose backlog is full: Linux drops further connection requests without a word."""
    opened = stack.enter_context(listening(backlog=0))
    for _ in range(16):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        assert client.connect_ex(opened.getsockname()) == errno.EINPROGRESS
        _, writable, _ = select.select([], [client], [], 0.2)
        if not writable:
            return check_of(opened)
    pytest.fail("the backlog never filled up")


def test_a_connection_that_opened_in_time_counts_although_we_look_too_late(listener: socket.socket) -> None:
    now_s = 100.0
    with closing(TcpEngine[str](clock=lambda: now_s)) as engine:
        assert engine.start(check_of(listener), "probe") is None
        select.select([engine], [], [], PATIENCE_S)
        now_s += 60.0
        [(_, outcome)] = engine.run()
        assert result(outcome).success


def test_no_route_is_a_failure_and_known_at_once(engine: Engine) -> None:
    outcome = engine.start(TcpCheck(IPv4Address("255.255.255.255"), 80), "probe")  # TCP knows no way to a broadcast address
    assert outcome is not None
    assert result(outcome).reason == "network is unreachable"


def test_the_probe_comes_from_the_address_and_port_it_is_bound_to(engine: Engine, listener: socket.socket) -> None:
    source = IPv4Address("127.44.55.66")
    with socket.socket() as reserved:
        reserved.bind((str(source), 0))
        port = reserved.getsockname()[1]
    assert result(probe(engine, replace(check_of(listener), bind_address=source))).success
    assert result(probe(engine, replace(check_of(listener), bind_address=source, bind_port=port))).success
    first, (first_host, _) = listener.accept()
    second, second_peer = listener.accept()
    with first, second:
        assert first_host == str(source)
        assert second_peer == (str(source), port)


def test_a_bound_port_can_be_used_again_at_once(engine: Engine, listener: socket.socket) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    for _ in range(3):
        assert result(probe(engine, replace(check_of(listener), bind_port=port))).success


LOCAL_PROBLEMS = [
    ({"bind_address": IPv4Address("198.51.100.77")}, "cannot bind to [198.51.100.77]:0: cannot assign requested address"),
    ({"bind_interface": "nosuch0"}, "cannot bind to interface nosuch0: no such device"),
    ({"bind_address": IPv6Address("::1")}, "cannot bind to [::1]:0: "),
]


@pytest.mark.parametrize(("change", "reason"), LOCAL_PROBLEMS, ids=["no such address", "no such interface", "family"])
def test_what_this_machine_lacks_is_no_verdict(
    engine: Engine, listener: socket.socket, change: dict[str, object], reason: str
) -> None:
    outcome = probe(engine, replace(check_of(listener), **change))  # type: ignore[arg-type]  # the table's columns differ
    assert isinstance(outcome, NotProbed)
    assert outcome.reason.startswith(reason)


def test_a_bound_port_that_is_taken_is_no_verdict(engine: Engine, listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    outcome = probe(engine, replace(check_of_nobody(), bind_address=LOCALHOST, bind_port=taken))
    assert outcome == NotProbed(f"cannot bind to [127.0.0.1]:{taken}: address already in use")


def test_a_connection_that_this_machine_cannot_begin_is_no_verdict(engine: Engine, listener: socket.socket) -> None:
    with socket.socket() as twin:  # the same four addresses and ports can be in use only once
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        twin.bind(("127.0.0.1", 0))
        twin.connect(listener.getsockname())
        bound = replace(check_of(listener), bind_address=LOCALHOST, bind_port=twin.getsockname()[1])
        outcome = probe(engine, bound)
    assert outcome == NotProbed(f"cannot connect to [127.0.0.1]:{bound.port}: cannot assign requested address")


def test_an_engine_without_probes_has_nothing_to_do(engine: Engine) -> None:
    assert engine.run() == []
    assert engine.deadline() is None


def test_a_bound_interface_and_a_mark_are_set(engine: Engine, listener: socket.socket) -> None:
    if os.geteuid():
        pytest.skip("SO_MARK needs root")
    assert result(probe(engine, replace(check_of(listener), bind_interface="lo", mark=0xFFFF_FFFF))).success


def test_many_probes_run_at_once_up_to_the_bound(listener: socket.socket) -> None:
    with closing(TcpEngine[str](in_flight_max=3)) as engine:
        assert [engine.start(check_of(listener), name) for name in "abc"] == [None] * 3
        assert not engine.has_room
        assert sorted(token for token, _ in wait(engine, 3)) == ["a", "b", "c"]
        assert engine.has_room


def descriptors_open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_nothing_is_left_open_after_probes_of_every_kind(engine: Engine, listener: socket.socket) -> None:
    before = descriptors_open()
    for check in (check_of(listener), check_of_nobody(), replace(check_of_nobody(), bind_interface="nosuch0")):
        probe(engine, check)
    assert descriptors_open() == before
    with closing(TcpEngine[str]()) as broken_off:
        broken_off.start(check_of(listener), "probe")
    assert descriptors_open() == before


WITHOUT_DESCRIPTORS = """
    import resource
    from ipaddress import IPv4Address
    from healthcheck.tcp import TcpEngine
    from healthcheck.types import TcpCheck

    engine = TcpEngine()
    resource.setrlimit(resource.RLIMIT_NOFILE, (engine.fileno() + 1, engine.fileno() + 1))
    print(engine.start(TcpCheck(IPv4Address("127.0.0.1"), 9), "probe"))
"""


def test_a_lack_of_descriptors_is_no_verdict() -> None:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_DESCRIPTORS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout == "NotProbed(reason='cannot open a socket: too many open files')\n", run.stderr
