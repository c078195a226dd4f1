"""A master whose router process stood still for longer than its peers wait: it listens before it speaks, and says why."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.sniffer import on_bridge
from netns_lab.waiting import wait_for
from tests.lab.running import ELECTED_S, PROMPT_S, Vrrpd
from tests.lab.witnesses import adverts_of

pytestmark = pytest.mark.kernel

SLEEP_S = 5.0
BOTH_UP_MAX_S = 1.0
"""One advert interval."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The web-ha topology; its routers have no need of IPVS."""
    with Lab(topology.load("web-ha")) as lab:
        yield lab


@pytest.fixture(scope="module")
def sleeper(lab: Lab) -> Vrrpd:
    """The router of higher priority, master. It preempts its successor, but not within the seconds that the test looks at."""
    first = Vrrpd(lab.host("web1"))
    first.start()
    wait_for(lambda: lab.holders() == [first.host], ELECTED_S, "web1 as the only master")
    return first


@pytest.fixture(scope="module")
def successor(sleeper: Vrrpd, lab: Lab) -> Vrrpd:
    """The other one, a backup."""
    assert sleeper.daemon.process.poll() is None
    second = Vrrpd(lab.host("web2"))
    second.start()
    wait_for(lambda: " BACKUP: startup" in second.daemon.log(), PROMPT_S, "web2 as a backup")
    return second


def test_a_master_that_slept_gives_way_to_its_successor_without_a_word(
    lab: Lab, sleeper: Vrrpd, successor: Vrrpd, capsys: pytest.CaptureFixture[str]
) -> None:
    router = sleeper.pid("router")
    os.kill(router, signal.SIGSTOP)
    stopped_s = time.time()
    try:
        with on_bridge(lab, adverts_of(successor.host)) as reigning:
            while reigning.wait(ELECTED_S).time_s < stopped_s + SLEEP_S:
                pass
        assert set(lab.holders()) == {sleeper.host, successor.host}
        with on_bridge(lab, adverts_of(sleeper.host)) as spoken:
            os.kill(router, signal.SIGCONT)
            resumed_s = time.monotonic()
            wait_for(lambda: lab.holders() == [successor.host], BOTH_UP_MAX_S, "web1 giving way")
            both_up_s = time.monotonic() - resumed_s
            assert spoken.frames() == []
    finally:
        os.kill(router, signal.SIGCONT)
    assert sleeper.pid("router") == router, "a sleep of seconds is no reason to replace the process"
    wait_for(lambda: "LISTENING -> BACKUP: master-heard" in sleeper.daemon.log(), PROMPT_S, "the event")
    assert "MASTER -> LISTENING: overslept (sent no advert for" in sleeper.daemon.log()
    with capsys.disabled():
        print(f"\nboth held the address for {both_up_s * 1000:.0f} ms after the sleep", end=" ")  # noqa: T201
