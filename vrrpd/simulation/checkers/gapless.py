"""What is planned interrupts nobody: a stop, a failover, a reload, a start, a set clock, a crash of the daemon alone."""

from __future__ import annotations

from vrrpd.config.model import Address
from vrrpd.protocol.states import State
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.checkers.peace import Peace
from vrrpd.simulation.checkers.promise import TOLERANCE_S, BrokenPromiseError
from vrrpd.simulation.client import Client
from vrrpd.simulation.elections import all_addresses
from vrrpd.simulation.faults import Crash, Failover, Fault, Reload, Return, StepClock, Stop, words
from vrrpd.simulation.host import Condition, Host
from vrrpd.simulation.observer import Observer
from vrrpd.simulation.world import World

SETTLED_INTERVALS = 12
"""Advert intervals without a fault after which nobody has anything left to do: takeovers and hand-overs are over."""
HOPS = 4


class Gapless(Observer):
    """From a planned event in peace to the next fault, clients reach every address all the time."""

    def __init__(self) -> None:
        self._peace = Peace()
        self._world: World | None = None
        self._promised: str | None = None
        """The event that must interrupt nobody."""
        self._unreached_s: dict[tuple[Client, Address], float] = {}

    def on_begin(self, world: World) -> None:
        """Learn what to look at."""
        self._world = world
        self._peace.on_begin(world)

    def on_fault(self, now_s: float, fault: Fault) -> None:
        """Decide whether the next one is such an event, and whether all is well before it."""
        self._judge(now_s)
        self._unreached_s.clear()
        self._promised = words(fault) if self._is_gapless(fault) and self._is_settled(now_s) else None

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """Peace may be over, or begin."""
        self._peace.on_fault_over(now_s, fault)

    def on_served(self, now_s: float, client: Client, address: Address, holder: Host | None) -> None:
        """Somebody else is reached, or nobody."""
        if self._promised is None:
            return
        if holder is None and self._is_promised(address):
            self._unreached_s[client, address] = now_s
            return
        self._judge(now_s)
        self._unreached_s.pop((client, address), None)

    def on_end(self, now_s: float) -> None:
        """For the last time."""
        self._judge(now_s)

    def _judge(self, now_s: float) -> None:
        """What is shorter than packets take is only their order."""
        for (_, address), since_s in self._unreached_s.items():
            if now_s > since_s + HOPS * self._peace.delay_max_s + TOLERANCE_S:
                seen = f"{address} was not reached from {since_s:.6f} s on, after: {self._promised}"
                raise BrokenPromiseError("what is planned interrupts nobody", now_s, seen)

    def _is_gapless(self, fault: Fault) -> bool:
        """Whether it must interrupt nobody, with what the others are. What has nobody to follow it, interrupts."""
        assert self._world is not None
        hosts = self._world.hosts
        if any(host.behaviour is not Behaviour.VRRPD for host in hosts.values()):
            return False
        if isinstance(fault, Stop):
            return self._has_successors(hosts[fault.host])
        return isinstance(fault, Failover | Return | StepClock | Crash | Reload)

    def _has_successors(self, leaver: Host) -> bool:
        assert self._world is not None
        served = [one.election for one in leaver.candidates.values() if one.state is State.MASTER]
        ready = [
            one.election
            for host in self._world.hosts.values()
            if host is not leaver and host.condition is Condition.RUNNING
            for one in host.candidates.values()
            if one.state is State.BACKUP
        ]
        return all(election in ready for election in served)

    def _is_settled(self, now_s: float) -> bool:
        """Whether every election has its one master for long, and every client is served by it."""
        assert self._world is not None
        since_s = self._peace.since_s
        candidates = [one for host in self._world.hosts.values() for one in host.candidates.values()]
        interval_s = max(one.router.advert_interval_s for one in candidates)
        if since_s is None or now_s - since_s < SETTLED_INTERVALS * max(1.0, interval_s):
            return False
        masters: dict[object, list[Host]] = {one.election: [] for one in candidates}
        for one in candidates:
            if one.state is State.MASTER:
                masters[one.election].append(one.host)
        return all(len(hosts) == 1 for hosts in masters.values()) and all(
            holder is not None and holder.condition is Condition.RUNNING
            for client in self._world.clients
            for address, holder in client.served_by.items()
            if self._is_served(address)
        )

    def _is_promised(self, address: Address) -> bool:
        """Whether whoever may be master of it has it: a reload may have given it to some and not yet to others."""
        assert self._world is not None
        candidates = [one for host in self._world.hosts.values() for one in host.candidates.values()]
        having = {one for one in candidates if any(entry.address == address for entry in all_addresses(one.router))}
        elections = {one.election for one in having}
        return all(one in having for one in candidates if one.election in elections)

    def _is_served(self, address: Address) -> bool:
        """Whether a master has it; one with another configuration need not."""
        assert self._world is not None
        return any(
            entry.address == address
            for host in self._world.hosts.values()
            for one in host.candidates.values()
            if one.state is State.MASTER
            for entry in all_addresses(one.router)
        )
