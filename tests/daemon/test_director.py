"""The director on a stand-in for the kernel: what it sends, and that nothing it does holds up the event loop for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ipvs.types import Destination, Forwarding
from tests.daemon.test_ipvs_table import SERVER, StandIn, rows, service
from vrrpd.config import model
from vrrpd.config.position import Position
from vrrpd.daemon import director
from vrrpd.daemon.director import STATUS_SLICE, Director
from vrrpd.daemon.messages import DirectorWork
from vrrpd.status.model import DirectorStatus

HERE = Position("vrrpd.conf", 1)
MANY = 10 * STATUS_SLICE


class Deaf:
    """A channel that nobody reads."""

    dropped = 0

    def send(self, message: object) -> bool:
        return bool(message)


def virtual(number: int, weight: int = 1) -> model.VirtualServer:
    real = model.RealServer(SERVER.address, SERVER.port, weight, Forwarding.DR, HERE)
    return model.VirtualServer(service(number), "wlc", HERE, real_servers=(real,))


def work(count: int, **weights: int) -> DirectorWork:
    servers = tuple(virtual(number, weights.get(f"_{number}", 1)) for number in range(count))
    return DirectorWork(servers, model.Scheduling())


@asynccontextmanager
async def at_work(count: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[tuple[Director, StandIn]]:
    """A director whose table is full."""
    client = StandIn(0)
    monkeypatch.setattr(director, "Client", lambda _namespace: client)
    channel: Any = Deaf()
    directed = Director(channel, folder)
    try:
        directed.work(work(count), lambda: None)
        assert client.kernel.table() == rows(count)
        client.asked.clear()
        yield directed, client
    finally:
        directed.stop(lambda: None)


async def test_a_reload_asks_the_kernel_for_what_changed_and_for_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with at_work(MANY, monkeypatch, tmp_path) as (directed, client):
        directed.work(work(MANY), lambda: None)
        assert client.asked == []
        directed.work(work(MANY, _7=70), lambda: None)
        assert len(client.asked) == 1
        assert client.kernel.table()[service(7)].destinations == {SERVER: Destination(Forwarding.DR, 70)}


async def test_the_end_takes_every_row_of_ours_and_leaves_those_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with at_work(MANY, monkeypatch, tmp_path) as (_directed, client):
        client.kernel.services[service(MANY)] = rows(1)[service(0)].service
        client.kernel.destinations[service(MANY)] = {}
    assert list(client.kernel.services) == [service(MANY)]


async def test_while_a_large_table_is_told_of_the_event_loop_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with at_work(MANY, monkeypatch, tmp_path) as (directed, _client):
        told: asyncio.Future[DirectorStatus] = asyncio.get_running_loop().create_future()
        directed.status(told.set_result)
        turns = 0
        while not told.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns >= MANY // STATUS_SLICE
        status = told.result()
        assert [each.name for each in status.virtual_servers] == [str(service(number)) for number in range(MANY)]
        assert all(each.real_servers[0].up for each in status.virtual_servers)
