"""Ten thousand histories of two to five routers, with everything that can befall them: no promise is broken in any."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import get_args

from tests.simulation.drawing import draw
from tests.simulation.history import broken_promise, report, world
from vrrpd.config.model import Address
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.client import Client
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.faults import Fail, Fault, Recover
from vrrpd.simulation.host import Host
from vrrpd.simulation.observer import Flight, Observer

HISTORIES = 10_000
PROCESSES = 2
HISTORIES_EACH = 125
"""What a process does before it is asked again, and looks for garbage."""
REPORTED_MAX = 3


def broken(seeds: range) -> list[int]:
    """The seeds whose histories break a promise."""
    gc.disable()  # worlds are circles, but small ones; to look for them while they live takes a fifth of the time
    found = [seed for seed in seeds if broken_promise(draw(seed)) is not None]
    gc.enable()
    gc.collect()
    return found


def test_no_promise_is_broken_in_ten_thousand_histories() -> None:
    parts = [range(start, min(start + HISTORIES_EACH, HISTORIES)) for start in range(0, HISTORIES, HISTORIES_EACH)]
    assert sum(map(len, parts)) == HISTORIES
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        seeds = list(itertools.chain.from_iterable(pool.map(broken, parts)))
    reports = "\n\n".join(report(seed) for seed in seeds[:REPORTED_MAX])
    assert not seeds, f"{len(seeds)} of {HISTORIES} histories: {seeds}\n\n{reports}"


def test_the_histories_have_everything_in_them() -> None:
    histories = [draw(seed) for seed in range(600)]
    hosts = [host for history in histories for host in history.hosts]
    routers = [router for host in hosts for router in host.routers]
    faults = Counter(type(timed.fault) for history in histories for timed in history.scenario.faults)
    settings = Counter(setting.split()[0] for router in routers for setting in router.settings)
    assert set(faults) == set(get_args(Fault)) - {Fail, Recover}  # nothing is tracked there
    assert min(faults.values()) >= 20
    assert {len(history.hosts) for history in histories} == {2, 3, 4, 5}
    assert {(router.version, ":" in router.addresses[0]) for router in routers} == {(2, False), (3, False), (3, True)}
    assert {"nopreempt", "preempt_delay", "authentication", "down_timer_adverts", "garp_master_delay"} <= set(settings)
    assert {host.behaviour for host in hosts} == set(Behaviour)
    assert sum(host.is_group for host in hosts) > 100
    assert sum(router.priority == 255 for router in routers) > 20
    assert any(len({host.routers[0].priority for host in history.hosts}) < len(history.hosts) for history in histories), (
        "nowhere are two equals"
    )


class Everything(Observer):
    """Writes down every packet and whom clients reach."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_heard(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """An advert arrives."""
        self.seen.append(f"{now_s!r} {candidate} {flight.octets.hex()}")

    def on_served(self, now_s: float, client: Client, address: Address, holder: Host | None) -> None:
        """Clients reach somebody else."""
        self.seen.append(f"{now_s!r} {client.name} {address} {holder and holder.name}")


def test_a_history_repeats_itself_to_the_last_packet() -> None:
    history = draw(17)
    first, again = Everything(), Everything()
    for observer in (first, again):
        world(history, history.scenario, observer).run()
    assert len(first.seen) > 20
    assert first.seen == again.seen
