"""Hosts, segments and clients in one virtual time: a heap of what is to happen, and nothing else that moves.

    world = World([HostSpec("lvs1", config1), HostSpec("lvs2", config2)], scenario, seed=1, observers=[timeline])
    world.run()

A world that is made again from the same arguments runs the same, to the last packet.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vrrpd.config.model import Address, Config, VirtualAddress
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.client import NEIGHBOUR_CHECK_S, Client
from vrrpd.simulation.elections import Candidate, all_addresses
from vrrpd.simulation.faults import (
    CLIENT,
    Crash,
    Cut,
    Fail,
    Failover,
    Fault,
    Heal,
    Kill,
    Pause,
    Plug,
    Recover,
    Reload,
    Resume,
    Return,
    Scenario,
    StepClock,
    Stop,
    Unplug,
    Weather,
)
from vrrpd.simulation.host import Host, Link
from vrrpd.simulation.observer import Audience, Flight, Observer
from vrrpd.simulation.segment import Segment
from vrrpd.simulation.topology import addresses_on, links

STEPS_PER_SECOND_MAX = 20_000
"""Two daemons that answer each other for ever shall end the run and not fill the memory: more steps than any network here needs
(five hosts, a handful of virtual routers, adverts every 10 ms, floods after a pause)."""


class BusyWorldError(RuntimeError):
    """Something goes round in circles: too much happens in too little time."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host to be made."""

    name: str
    config: Config
    behaviour: Behaviour = Behaviour.VRRPD


class World:
    """All there is. It is its hosts' `Surroundings`."""

    def __init__(self, specs: Sequence[HostSpec], scenario: Scenario, *, seed: int, observers: Iterable[Observer] = ()) -> None:
        self.now_s = 0.0
        self.scenario = scenario
        self.audience: Observer = Audience(observers)
        self._chance = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._steps_left = int(STEPS_PER_SECOND_MAX * (1 + scenario.duration_s))
        self._armed_s: dict[Host, float] = {}
        """When each host is called next; that may be too early."""
        self._changed = True
        configs = {spec.name: spec.config for spec in specs}
        found = links(configs)
        names = sorted({link.segment for of_host in found.values() for link in of_host.values()})
        self.segments = {name: Segment(name, self._chance, scenario.weather) for name in names}
        self.hosts = {spec.name: Host(spec.name, spec.config, found[spec.name], self, spec.behaviour) for spec in specs}
        self._ports: dict[str, list[tuple[Host, str]]] = {name: [] for name in names}
        for host in self.hosts.values():
            for link in host.links.values():
                self._ports[link.segment].append((host, link.name))
                self.segments[link.segment].stations |= {host.name, CLIENT}
        self.clients = [Client(CLIENT, segment, addresses_on(name, configs, found)) for name, segment in self.segments.items()]

    def run(self) -> None:
        """Let everything happen. Raises what an observer raises, and BusyWorldError."""
        self.audience.on_begin(self)
        for host in self._present_at_first():
            self._at(0.0, self._start, host)
        for timed in sorted(self.scenario.faults, key=lambda each: each.at_s):
            self._at(timed.at_s, self._happen, timed.fault)
        heap, end_s = self._heap, self.scenario.duration_s
        for _ in range(self._steps_left):
            if not heap or heap[0][0] > end_s:
                break
            self.now_s, _, call, arguments = heapq.heappop(heap)
            call(*arguments)
            if self._changed:
                self._look()
        else:
            raise BusyWorldError(f"still busy at {self.now_s:.3f} s")
        self.now_s = end_s
        self.audience.on_end(end_s)

    # -- what hosts do --------------------------------------------------------------------------------------------------

    def send(self, host: Host, link: Link, flight: Flight) -> None:
        """Put an advert on the wire: to all others, or to the peer that owns its destination."""
        segment = self.segments[link.segment]
        to_all = flight.destination.is_multicast
        for receiver, interface in self._ports[link.segment]:
            if receiver is host or not (to_all or receiver.owns(flight.destination)):
                continue
            if segment.whole or segment.hears(host.name, receiver.name):
                for delay_s in segment.delays_s():
                    self._at(self.now_s + delay_s, self._deliver, receiver, interface, flight)

    def announce(self, host: Host, addresses: Iterable[VirtualAddress], repeat: int) -> None:
        """Tell the clients; of several rounds the first that arrives does it."""
        for client in self.clients:
            own = [link for link in host.links.values() if link.segment == client.segment.name and link.up]
            names = {link.name for link in own}
            here = [entry.address for entry in addresses if entry.interface in names]
            if not here or not client.segment.hears(host.name, client.name):
                continue
            arrivals = next(filter(None, (client.segment.delays_s() for _ in range(repeat))), ())
            for delay_s in arrivals[:1]:
                self._at(self.now_s + delay_s, self._learn, client, host, here)

    def ask(self, host: Host, candidate: Candidate) -> None:
        """The question and the answer each take their way."""
        entries = all_addresses(candidate.router)[:1]
        for entry in entries:
            segment, address = self.segments[host.links[entry.interface].segment], entry.address
            for other in self.hosts.values():
                if other is host or not other.answers(segment.name, address):
                    continue
                if segment.hears(host.name, other.name) and segment.hears(other.name, host.name):
                    for there_s, back_s in zip(segment.delays_s()[:1], segment.delays_s()[:1], strict=False):
                        self._at(self.now_s + there_s + back_s, self._answer, host, candidate, other, address)

    def changed(self) -> None:
        """Clients are to see whom they reach."""
        self._changed = True

    # -- steps ----------------------------------------------------------------------------------------------------------

    def _at(self, at_s: float, call: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._heap, (at_s, next(self._order), call, arguments))

    def _start(self, host: Host) -> None:
        host.start(self.now_s)
        self._arm(host)

    def _deliver(self, host: Host, interface: str, flight: Flight) -> None:
        host.hear(interface, flight, self.now_s)
        self._arm(host)

    def _answer(self, host: Host, candidate: Candidate, other: Host, address: Address) -> None:
        host.hear_answer(candidate, other, address, self.now_s)
        self._arm(host)

    def _wake(self, host: Host, armed_s: float) -> None:
        if self._armed_s.get(host) == armed_s:
            del self._armed_s[host]
            host.on_time(self.now_s)
            self._arm(host)

    def _arm(self, host: Host) -> None:
        """See that a host is called in time. A deadline that moves on, as with each advert heard, costs nothing here."""
        due_s = host.deadline()
        if due_s is None:
            return
        due_s = max(due_s, self.now_s)
        armed_s = self._armed_s.get(host)
        if armed_s is None or due_s < armed_s:
            self._armed_s[host] = due_s
            self._at(due_s, self._wake, host, due_s)

    def _learn(self, client: Client, host: Host, addresses: list[Address]) -> None:
        client.hear(host, addresses)
        self._changed = True

    def _look(self) -> None:
        """Let the clients find out whom they reach now."""
        self._changed = False
        for client in self.clients:

            def holders(address: Address, segment: str = client.segment.name) -> list[Host]:
                return [host for host in self.hosts.values() if host.answers(segment, address)]

            for address in client.look(self.now_s, holders, self._chance):
                holder = client.served_by[address]
                self.audience.on_served(self.now_s, client, address, holder)
                if holder is None:
                    self._at(self.now_s + NEIGHBOUR_CHECK_S, self.changed)

    # -- faults ---------------------------------------------------------------------------------------------------------

    def _present_at_first(self) -> list[Host]:
        """All but those whose first sign of life in the scenario is a start."""
        first: dict[str, Fault] = {}
        for timed in sorted(self.scenario.faults, key=lambda each: each.at_s):
            if isinstance(timed.fault, Kill | Crash | Stop | Return):
                first.setdefault(timed.fault.host, timed.fault)
        return [host for name, host in self.hosts.items() if not isinstance(first.get(name), Return)]

    def _happen(self, fault: Fault) -> None:
        self.audience.on_fault(self.now_s, fault)
        if isinstance(fault, Cut | Heal | Weather):
            self._befall_network(fault)
        else:
            host = self.hosts[fault.host]
            self._befall_host(host, fault)
            self._arm(host)
        self._changed = True
        self._look()
        self.audience.on_fault_over(self.now_s, fault)

    def _befall_network(self, fault: Cut | Heal | Weather) -> None:
        for segment in self.segments.values():
            match fault:
                case Cut():
                    segment.cut(fault)
                case Heal():
                    segment.heal()
                case Weather():
                    segment.weather = fault

    def _befall_host(self, host: Host, fault: Fault) -> None:
        match fault:
            case Unplug(interface=interface):
                host.set_link(interface, up=False, now_s=self.now_s)
            case Plug(interface=interface):
                host.set_link(interface, up=True, now_s=self.now_s)
            case Fail(name=name):
                host.set_tracked(name, well=False, now_s=self.now_s)
            case Recover(name=name):
                host.set_tracked(name, well=True, now_s=self.now_s)
            case StepClock(by_s=by_s):
                host.step_clock(by_s, self.now_s)
            case _:
                self._befall_daemon(host, fault)

    def _befall_daemon(self, host: Host, fault: Fault) -> None:
        match fault:
            case Kill():
                host.kill(self.now_s)
            case Crash():
                host.crash(self.now_s)
            case Return():
                host.start(self.now_s)
            case Stop():
                host.stop(self.now_s)
            case Failover():
                host.fail_over(self.now_s)
            case Pause():
                host.pause(self.now_s)
            case Resume(timers_first=timers_first):
                host.resume(self.now_s, timers_first=timers_first)
            case Reload(config=config):
                host.reload(config, self.now_s)
