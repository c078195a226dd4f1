"""A listener that somebody floods, on a real kernel."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from ipaddress import IPv4Address

import pytest

from tests.daemon.test_segment_kernel import advert
from tests.kernel.conftest import Namespace, hosts, namespace
from vrrpd.config.model import VRRP_GROUP, Address
from vrrpd.daemon.listener import DATAGRAMS_AT_ONCE, Listener
from vrrpd.kernel.vrrp_socket import IPPROTO_VRRP, AdvertSender, Reception

pytestmark = pytest.mark.kernel

__all__ = ["hosts", "namespace"]

DEADLINE_S = 10.0
MASTER, STRANGER = IPv4Address("192.168.4.6"), IPv4Address("192.168.4.66")
ROUNDS, STRANGE_ADVERTS = 20, 500
"""Each with one advert of the master: together many more than what fits a buffer and what is read meanwhile."""


class Flooded:
    """A listener, and what it heard; the other host speaks."""

    def __init__(self, here: Namespace, there: Namespace) -> None:
        self.heard: Counter[Address] = Counter()
        self.times_asked = 0
        self._closed = False
        with here.entered():
            what = Reception(IPPROTO_VRRP, VRRP_GROUP)
            self.listener = Listener(here.link("eth0"), what, self._on_datagram, self._known_senders)
        with there.entered():
            self._sender = AdvertSender(there.link("eth0"), 4)

    def _on_datagram(self, datagram: bytes) -> None:
        self.heard[IPv4Address(datagram[12:16])] += 1

    def _known_senders(self) -> set[Address]:
        self.times_asked += 1
        return {MASTER}

    def speak(self, source: IPv4Address, count: int = 1) -> None:
        for _ in range(count):
            assert self._sender.send(advert(source, VRRP_GROUP)) is None

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110  the kernel tells nobody of its drops
                await asyncio.sleep(0.001)

    def close(self) -> None:
        """Once is enough."""
        if not self._closed:
            self._closed = True
            self.listener.close()
            self._sender.close()


@pytest.fixture
async def flooded(hosts: tuple[Namespace, Namespace]) -> AsyncIterator[Flooded]:
    flooded = Flooded(*hosts)
    yield flooded
    flooded.close()


async def test_what_fits_the_allowance_is_heard_on_one_socket(flooded: Flooded) -> None:
    flooded.speak(STRANGER, DATAGRAMS_AT_ONCE // 2)
    flooded.speak(MASTER)
    await flooded.until(lambda: flooded.heard[MASTER])
    assert flooded.heard == {STRANGER: DATAGRAMS_AT_ONCE // 2, MASTER: 1}
    assert flooded.times_asked == 0


async def test_no_advert_of_a_master_is_lost_in_a_flood_of_others(flooded: Flooded) -> None:
    flooded.speak(STRANGER, 2 * DATAGRAMS_AT_ONCE)
    await flooded.until(lambda: flooded.times_asked)
    for _ in range(ROUNDS):
        flooded.speak(STRANGER, STRANGE_ADVERTS)
        flooded.speak(MASTER)
        await asyncio.sleep(0)  # one turn of the event loop
    spoken = 2 * DATAGRAMS_AT_ONCE + ROUNDS * STRANGE_ADVERTS
    await flooded.until(lambda: flooded.heard[STRANGER] + flooded.listener.drops >= spoken)
    assert flooded.heard[MASTER] == ROUNDS
    assert flooded.heard[STRANGER] < spoken
    # A full socket counts what comes before it looks whether that would be for it (net/ipv4/raw.c), so also of the master.
    assert flooded.heard[STRANGER] + flooded.listener.drops <= spoken + ROUNDS
    assert flooded.listener.errors == 0


async def test_after_a_flood_everybody_is_heard_on_one_socket_again(flooded: Flooded) -> None:
    flooded.speak(STRANGER, 2 * DATAGRAMS_AT_ONCE)
    await flooded.until(lambda: flooded.times_asked)
    await flooded.until(lambda: flooded.listener._review is None)
    assert not flooded.listener._resting
    before = flooded.heard.copy()
    for source in (MASTER, STRANGER):
        flooded.speak(source)
    await flooded.until(lambda: (flooded.heard - before).total() == 2)
    assert flooded.heard - before == {MASTER: 1, STRANGER: 1}


async def test_a_listener_that_rests_can_be_closed(flooded: Flooded) -> None:
    flooded.speak(STRANGER, 4 * DATAGRAMS_AT_ONCE)
    await flooded.until(lambda: flooded.listener._resting)
    heard = flooded.heard.total()
    assert heard < 4 * DATAGRAMS_AT_ONCE
    timers = [*flooded.listener._resting.values(), flooded.listener._review]
    flooded.close()
    assert all(timer is not None and timer.cancelled() for timer in timers)
    assert flooded.listener.drops == 0
