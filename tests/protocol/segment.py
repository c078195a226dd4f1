"""Several instances on one link in virtual time, with delay, seeded loss and partitions."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import count

from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.actions import Action, Announce, HoldAddresses, ReleaseAddresses, SendAdvert, Transition
from vrrpd.protocol.events import Event, SourceChanged, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State

LINK_DELAY_S = 0.0005
STEPS_MAX = 100_000
"""More calls than any test here needs: two routers that answer each other for ever shall fail and not hang."""


@dataclass
class Host:
    """A router on the link, and what it did."""

    address: IPv4Address
    instance: Instance
    side: int = 0
    """Hosts on different sides of a partition do not hear each other."""
    holds: bool = True
    """Whether the addresses are on its interface; at first they are, left over by an earlier run."""
    done: list[tuple[float, Action]] = field(default_factory=list)

    def times(self, kind: type[Action], since_s: float = 0.0) -> list[float]:
        """When it did something of this kind."""
        return [at_s for at_s, action in self.done if isinstance(action, kind) and at_s >= since_s]

    def transitions(self) -> list[Transition]:
        """How it came to where it is."""
        return [action for _, action in self.done if isinstance(action, Transition)]


class Segment:
    """One link and the hosts on it. The first host has the address 192.168.4.1, the next 192.168.4.2 ..."""

    def __init__(self, *configurations: VirtualRouter, loss: float = 0.0, seed: int = 0) -> None:
        self.now_s = 0.0
        self._loss, self._random = loss, random.Random(seed)
        self._flights: list[tuple[float, int, Host, bytes]] = []
        self._order = count()
        self.hosts = [
            Host(IPv4Address(f"192.168.4.{number}"), Instance(router)) for number, router in enumerate(configurations, 1)
        ]

    def start(self, *hosts: Host) -> None:
        """Start these hosts, or all."""
        for host in hosts or self.hosts:
            self.tell(host, SourceChanged(host.address))
            self.tell(host, Start())

    def tell(self, host: Host, event: Event) -> None:
        """Let something happen on a host now."""
        host.instance.on_event(event, self.now_s)
        self._act(host)

    def crash(self, host: Host) -> None:
        """Take a host away without a word."""
        self.hosts.remove(host)

    def masters(self) -> list[Host]:
        """Who is master now."""
        return [host for host in self.hosts if host.instance.state is State.MASTER]

    def run(self, for_s: float) -> None:
        """Let time pass: deliver what flies and call whose deadline has come."""
        end_s = self.now_s + for_s
        for _ in range(STEPS_MAX):
            timers = [(due, host) for host in self.hosts if (due := host.instance.deadline()) is not None]
            timer_s, host = min(timers, key=lambda each: each[0], default=(float("inf"), None))
            flight_s = self._flights[0][0] if self._flights else float("inf")
            if min(timer_s, flight_s) > end_s:
                self.now_s = end_s
                return
            self.now_s = max(self.now_s, min(timer_s, flight_s))
            if flight_s <= timer_s:
                _, _, receiver, datagram = heapq.heappop(self._flights)
                receiver.instance.on_packet(datagram, self.now_s)
                self._act(receiver)
            elif host is not None:
                host.instance.on_timer(self.now_s)
                self._act(host)
        raise AssertionError(f"still busy at {self.now_s} s after {STEPS_MAX} steps")

    def _act(self, host: Host) -> None:
        for action in host.instance.actions():
            host.done.append((self.now_s, action))
            match action:
                case SendAdvert(datagrams):
                    for datagram in datagrams:
                        self._send(host, datagram.octets)
                case HoldAddresses():
                    host.holds = True
                case ReleaseAddresses():
                    host.holds = False
                case Announce():
                    assert host.holds, "announced what it does not hold"
                case _:
                    pass
        assert host.holds == host.instance.holds_addresses or host.instance.state is State.INITIALIZE

    def _send(self, sender: Host, datagram: bytes) -> None:
        for host in self.hosts:
            if host is not sender and host.side == sender.side and self._random.random() >= self._loss:
                arrival_s = self.now_s + LINK_DELAY_S
                heapq.heappush(self._flights, (arrival_s, next(self._order), host, datagram))
