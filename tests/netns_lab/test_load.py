"""How outages are found in a series of requests, and that a server which is away for a while is seen to be."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from netns_lab import load
from netns_lab.client import Outage, result_of

YES, NO = True, False
ANSWER = b"HTTP/1.0 200 OK\r\n\r\nweb1\n"


@pytest.mark.parametrize(
    ("requests", "outages"),
    [
        ([], []),
        ([(0.0, YES), (0.1, YES)], []),
        ([(0.0, YES), (0.1, NO), (0.2, NO), (0.3, YES)], [(0.1, 200)]),
        ([(0.0, NO), (0.1, YES), (0.2, NO), (0.3, YES)], [(0.0, 100), (0.2, 100)]),
        ([(0.0, YES), (0.1, NO), (0.2, NO), (0.3, NO)], [(0.1, 200)]),  # service never came back
        ([(0.0, YES), (5.0, YES)], []),  # the client itself did not run
    ],
)
def test_an_outage_lasts_from_the_first_failed_request_to_the_next_that_is_answered(
    requests: list[tuple[float, bool]], outages: list[tuple[float, float]]
) -> None:
    found = [(start_s, round(length_ms, 6)) for start_s, length_ms in load.find_outages(requests)]
    assert found == outages


def test_percentiles_are_values_that_were_measured() -> None:
    summary = load.Summary(answers={}, failures={}, outages=[(3.0, 7.0)], latencies_ms=[1.0, 2.0, 3.0], longest_stall_ms=0.0)
    result = result_of(summary)
    assert result.latency_ms == {50: 2.0, 90: 2.0, 99: 2.0, 100: 3.0}
    assert result.outages == (Outage(3.0, 7.0),)
    assert result.longest_outage_ms == 7.0


def test_a_server_that_stops_answering_is_an_outage_although_its_connections_are_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server, _load(server.getsockname()[1]) as process:
        _serve(server, 10)
        summary = _finish(process)  # from here on the kernel accepts and nobody answers
    assert summary["answers"] == {"web1": 10}
    assert summary["failures"].keys() == {load.TIMED_OUT}
    assert len(summary["outages"]) == 1


def test_a_refused_connection_is_a_failure_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with _load(port) as process:
        summary = _finish(process)
    assert summary["answers"] == {}
    assert summary["failures"].keys() == {"ECONNREFUSED"}


def test_progress_is_told_when_it_is_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server, _load(server.getsockname()[1]) as process:
        _serve(server, 5)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert int(process.stdout.readline()) in {4, 5}  # the fifth answer may still be on its way
        process.kill()


def _load(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", str(Path(load.__file__)), "127.0.0.1", str(port), "5", "200"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def _serve(server: socket.socket, count: int) -> None:
    for _ in range(count):
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(ANSWER)


def _finish(process: subprocess.Popen[bytes]) -> load.Summary:
    """Let some more requests begin and take the summary."""
    assert process.stdout is not None
    assert not select.select([process.stdout], [], [], 0.05)[0]
    output, _ = process.communicate(timeout=10)
    summary: load.Summary = json.loads(output)
    return summary
