"""A machine with a kernel and a daemon on it: what `vrrpd.daemon` does around the machine of production, without the system.

Everything that reaches the daemon goes through `hear`, `on_time` and the methods named after what happens, and everything that
it does goes to its `Surroundings`. So the same host can be driven by a world or by a recording.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from vrrpd.config.model import Address, Config, VirtualAddress, VirtualRouter
from vrrpd.protocol.actions import (
    Action,
    Announce,
    HoldAddresses,
    PriorityChanged,
    Probe,
    ReleaseAddresses,
    SendAdvert,
    Transition,
)
from vrrpd.protocol.events import AddressAnswered, AdvertsNumbered, ClockSet, SourceChanged
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.resumption import LastState, resuming
from vrrpd.protocol.states import State
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import InstanceKey, VrrpRouter, key_of
from vrrpd.protocol.wire import Datagram
from vrrpd.simulation.behaviour import Behaviour, adapted, configured, resumes
from vrrpd.simulation.elections import Candidate, Election, all_addresses
from vrrpd.simulation.observer import Flight, Observer

BACKLOG_MAX = 256
"""Adverts that the kernel keeps for a daemon that does not read them: 212,992 octets (net.core.rmem_default), each packet
reckoned with about 800 for its buffer."""

FILE_UNWELL = -254
"""The number in a tracked file that is not well: with the usual weight of 1 it ends in FAULT."""
UNIX_S = 1_800_000_000.0
"""What every host's wall clock says at first."""

Held = tuple[str, Address]
"""An address on an interface."""


class Condition(Enum):
    """How a host is."""

    OFF = "off"
    """The machine is; nothing answers."""
    CRASHED = "crashed"
    """The daemon was killed. What it held is still on the interfaces."""
    STOPPED = "stopped"
    """The daemon ended in good order, or was never started."""
    PAUSED = "paused"
    RUNNING = "running"


@dataclass(slots=True)
class Link:
    """An interface."""

    name: str
    segment: str
    sources: Mapping[int, Address]
    """By family: the address that adverts are sent from unless the configuration names one."""
    up: bool = True


class Surroundings(Protocol):
    """What a host does things to."""

    audience: Observer

    def send(self, host: Host, link: Link, flight: Flight) -> None:
        """Put an advert on the wire."""

    def announce(self, host: Host, addresses: Iterable[VirtualAddress], repeat: int) -> None:
        """Send a set of gratuitous ARPs or neighbour advertisements."""

    def ask(self, host: Host, candidate: Candidate) -> None:
        """Ask whether somebody else answers for the first of its addresses; `Host.hear_answer` hears of each who does."""

    def changed(self) -> None:
        """Addresses, links or machines are others than before."""


class Host:
    """One machine. It is made stopped; a world starts it."""

    def __init__(
        self, name: str, config: Config, links: Mapping[str, Link], surroundings: Surroundings, behaviour: Behaviour
    ) -> None:
        self.name = name
        self.mac = b"\x02" + name.encode()[:5].ljust(5, b"\0")
        """A locally administered one, to be told apart from others."""
        self.links = links
        self.behaviour = behaviour
        self.condition = Condition.STOPPED
        self.process: VrrpRouter | None = None
        self.held: set[Held] = set()
        """The virtual addresses that the kernel has."""
        self.candidates: dict[InstanceKey, Candidate] = {}
        self._around = surroundings
        self._routers: dict[InstanceKey, VirtualRouter] = {}
        """The configuration in force, or to be in force at the next start."""
        self._config = config
        self._ledger: dict[InstanceKey, LastState] = {}
        self._backlog: deque[tuple[str, Flight]] = deque()
        self._put_off: list[Callable[[float], None]] = []
        """Signals that a paused daemon takes when it goes on, in their order."""
        self._unwell: set[str] = set()
        """Names of what is tracked and not well; everything else is."""
        self._unix_offset_s = UNIX_S
        self._stopping = False
        self._start_again = False
        self._take_configuration(config)

    # -- what others see of it ------------------------------------------------------------------------------------------

    def answers(self, segment: str, address: Address) -> bool:
        """Whether its kernel answers for an address there. It needs no daemon for that."""
        return self.condition is not Condition.OFF and any(
            link.segment == segment and link.up and (name, address) in self.held for name, link in self.links.items()
        )

    def owns(self, address: Address) -> bool:
        """Whether an address is its own, for adverts to unicast peers."""
        return any(address in link.sources.values() for link in self.links.values()) or any(
            router.source_address == address for router in self._routers.values()
        )

    def deadline(self) -> float | None:
        """When `on_time` is to be called."""
        return self.process.deadline() if self.process is not None and self.condition is Condition.RUNNING else None

    def group_of(self, candidate: Candidate) -> list[Candidate]:
        """The members of its sync group, itself among them; it alone where it is in none."""
        names = next((group.members for group in self._config.sync_groups if candidate.router.name in group.members), ())
        return [one for one in self.candidates.values() if one.router.name in names] or [candidate]

    # -- life -----------------------------------------------------------------------------------------------------------

    def start(self, now_s: float) -> None:
        """Switch the machine on, where it is off, and start the daemon; one that runs is left alone."""
        if self._stopping:
            self._start_again = True
        if self.process is not None:
            return
        self.condition = Condition.RUNNING
        self.process = process = VrrpRouter(now_s + self._config.daemon.vrrp.startup_delay_s)
        self._learn_all(now_s)
        for router in self._routers.values():
            process.add(router)
        self._apply_globals(process, now_s)
        self._begin_all(process, self._routers, now_s)
        wanted = {held for router in self._routers.values() for held in _held(router)}
        self._set_held({held for held in self.held if held in wanted}, now_s)  # what an earlier configuration left behind
        self._settle(now_s)
        self._around.audience.on_host(now_s, self)

    def stop(self, now_s: float) -> None:
        """Have every virtual router give up; the daemon ends when the last has let go."""
        if self.condition is Condition.PAUSED:
            self._put_off.append(self.stop)
            return
        process = self.process
        if process is None or self._stopping:
            return
        self._stopping = True
        for key in list(process.instances):
            process.dismiss(key, now_s)
        self._settle(now_s)

    def kill(self, now_s: float) -> None:
        """The power is gone: a ledger of another boot counts for nothing."""
        self._lose_process(Condition.OFF)
        self._set_held(set(), now_s)
        self._ledger.clear()
        self._around.audience.on_host(now_s, self)

    def crash(self, now_s: float) -> None:
        """The processes are gone. Kernel and ledger keep what they have."""
        if self.process is not None:
            self._lose_process(Condition.CRASHED)
            self._around.audience.on_host(now_s, self)

    def pause(self, now_s: float) -> None:
        """The daemon stands still."""
        if self.condition is Condition.RUNNING:
            self.condition = Condition.PAUSED
            self._around.audience.on_host(now_s, self)

    def resume(self, now_s: float, *, timers_first: bool) -> None:
        """The daemon goes on, and finds what it missed."""
        if self.condition is not Condition.PAUSED:
            return
        self.condition = Condition.RUNNING
        self._around.audience.on_host(now_s, self)
        if timers_first:
            self.on_time(now_s)
        while self._backlog and self.process is not None:
            self._take_in(*self._backlog.popleft(), now_s)
        self._learn_anew(now_s)
        for signal in self._drained_signals():
            signal(now_s)
        self.on_time(now_s)

    def reload(self, config: Config, now_s: float) -> None:
        """Read another configuration: new virtual routers start, vanished ones give up, changed ones go on."""
        if self.condition is Condition.PAUSED:
            self._put_off.append(lambda at_s: self.reload(config, at_s))
            return
        before = self._routers
        self._take_configuration(config)
        process = self.process
        if process is None or self._stopping:
            return
        for key in before.keys() - self._routers.keys():
            process.dismiss(key, now_s)
        new = [key for key in self._routers if key not in before]
        for key in new:
            process.add(self._routers[key])
        self._apply_globals(process, now_s)
        self._learn_all(now_s)
        for key, router in self._routers.items():
            if key in before and router != before[key]:
                process.reconfigure(key, router, now_s)
                self._set_held(self.held - (set(_held(before[key])) - set(_held(router))), now_s)
        self._begin_all(process, new, now_s)
        self._settle(now_s)
        self._around.audience.on_host(now_s, self)

    def fail_over(self, now_s: float) -> None:
        """Have every master hand over."""
        if self.condition is Condition.PAUSED:
            self._put_off.append(self.fail_over)
        elif self.process is not None and not self._stopping:
            for key in self._routers:
                self.process.fail_over(key, now_s)
            self._settle(now_s)

    def step_clock(self, by_s: float, now_s: float) -> None:
        """Set the wall clock."""
        self._unix_offset_s += by_s
        if self.condition is Condition.PAUSED:
            self._put_off.append(self._learn_clock)
        else:
            self._learn_clock(now_s)

    def set_link(self, name: str | None, *, up: bool, now_s: float) -> None:
        """An interface, or every one, loses its carrier or has it back."""
        for link in self.links.values():
            if name in (None, link.name):
                link.up = up
        self._around.changed()
        self._learn_anew(now_s)
        self._around.audience.on_host(now_s, self)

    def set_tracked(self, name: str, *, well: bool, now_s: float) -> None:
        """A tracked script, process, file or BFD session fails or recovers."""
        self._unwell ^= {name} if well == (name in self._unwell) else set()
        self._learn_anew(now_s)

    # -- what the daemon takes in ---------------------------------------------------------------------------------------

    def hear(self, interface: str, flight: Flight, now_s: float) -> None:
        """An advert arrives."""
        if not self.links[interface].up:
            return
        if self.condition is Condition.RUNNING:
            self._take_in(interface, flight, now_s)
        elif self.condition is Condition.PAUSED and len(self._backlog) < BACKLOG_MAX:
            self._backlog.append((interface, flight))

    def hear_answer(self, candidate: Candidate, other: Host, address: Address, now_s: float) -> None:
        """Somebody else answers for one of our addresses."""
        if self.process is not None and self.condition is Condition.RUNNING:
            self.process.tell(candidate.key, AddressAnswered(address, other.mac), now_s)
            self._settle(now_s)

    def on_time(self, now_s: float) -> None:
        """Its deadline is reached."""
        due_s = self.deadline()
        if self.process is not None and due_s is not None and due_s <= now_s:
            self.process.on_timer(now_s)
            self._settle(now_s)

    def _take_in(self, interface: str, flight: Flight, now_s: float) -> None:
        process = self.process
        assert process is not None
        _, family, number = flight.sender.election
        candidate = self.candidates.get(InstanceKey(interface, family, number))
        if candidate is not None:
            self._around.audience.on_heard(now_s, candidate, flight)
        process.on_packet(interface, flight.octets, now_s)
        self._settle(now_s)

    # -- what the daemon does -------------------------------------------------------------------------------------------

    def _begin_all(self, process: VrrpRouter, keys: Collection[InstanceKey], now_s: float) -> None:
        """Each as backup, or as master again where the daemon would go on."""
        starting = [self._routers[key] for key in keys] if resumes(self.behaviour) else []
        masters = resuming(starting, self._config.sync_groups, self._ledger.get, now_s)
        for key in keys:
            self._begin(process, key, now_s, resume_master=key in masters)

    def _begin(self, process: VrrpRouter, key: InstanceKey, now_s: float, *, resume_master: bool) -> None:
        """As the daemon starts a virtual router: the time of day, its source, and what the ledger says."""
        link = self.links[key.interface]
        process.tell(key, ClockSet(self._unix_offset_s), now_s)
        process.tell(key, SourceChanged(link.sources[key.family]), now_s)
        last = self._ledger.get(key)
        if last is not None and resumes(self.behaviour):
            process.tell(key, AdvertsNumbered(last.sequence), now_s)
        process.start(key, now_s, resume_master=resume_master)

    def _learn_anew(self, now_s: float) -> None:
        """Tell a daemon that listens what has changed of all that it tracks."""
        if self.condition is Condition.RUNNING:
            self._learn_all(now_s)
            self._settle(now_s)

    def _learn_all(self, now_s: float) -> None:
        """Tell the daemon how everything is that it tracks; it heeds what is new."""
        process, tracked = self.process, self._config.tracked
        assert process is not None
        for name, link in self.links.items():
            process.learn(Kind.INTERFACE, name, link.up, now_s)
        for file in tracked.files:
            process.learn(Kind.FILE, file.name, FILE_UNWELL if file.name in self._unwell else 0, now_s)
        for kind, things in (
            (Kind.SCRIPT, tracked.scripts),
            (Kind.PROCESS, tracked.processes),
            (Kind.BFD_SESSION, tracked.bfd_sessions),
        ):
            for thing in things:
                process.learn(kind, thing.name, thing.name not in self._unwell, now_s)

    def _apply_globals(self, process: VrrpRouter, now_s: float) -> None:
        """What holds for all virtual routers together."""
        settings = self._config.daemon.vrrp
        process.pace(settings.garp_interval_s, settings.gna_interval_s, self._config.links.garp_groups)
        process.group(self._config.sync_groups, now_s)

    def _learn_clock(self, now_s: float) -> None:
        if self.process is not None:
            for key in self._routers:
                self.process.tell(key, ClockSet(self._unix_offset_s), now_s)
            self._settle(now_s)

    def _settle(self, now_s: float) -> None:
        """Do what is wanted now."""
        process = self.process
        assert process is not None
        actions = process.actions()
        if actions:
            kept = actions if self.behaviour is Behaviour.VRRPD else adapted(actions)
            for instance, action in kept:
                self._do(instance, action, now_s)
        self._around.audience.on_settled(now_s, self)
        if self._stopping and not process.leavers:
            self._lose_process(Condition.STOPPED)
            self._around.audience.on_host(now_s, self)
            if self._start_again:
                self._start_again = False
                self.start(now_s)

    def _do(self, instance: Instance, action: Action | AnnounceAddresses, now_s: float) -> None:
        router = instance.router
        key = key_of(router)
        candidate = self.candidates[key]
        match action:
            case SendAdvert(datagrams, priority):
                self._send(candidate, datagrams, priority, now_s)
                self._ledger[key] = LastState(priority > 0, now_s, instance.sequence)
            case HoldAddresses():
                self._set_held(self.held | set(_held(router)), now_s)
            case ReleaseAddresses():
                self._set_held(self.held - set(_held(router)), now_s)
            case Announce(repeat):
                self._around.audience.on_announced(now_s, candidate)
                self._around.announce(self, all_addresses(router), repeat)
            case AnnounceAddresses(addresses, repeat):
                self._around.audience.on_announced(now_s, candidate)
                self._around.announce(self, addresses, repeat)
            case PriorityChanged(_, priority):
                candidate.priority = priority
            case Probe():
                self._around.ask(self, candidate)
            case Transition():
                self._ledger[key] = LastState(action.new is State.MASTER, now_s, instance.sequence)
                candidate.state = action.new
                self._around.audience.on_transition(now_s, candidate, action)
            case _:
                pass

    def _send(self, candidate: Candidate, datagrams: tuple[Datagram, ...], priority: int, now_s: float) -> None:
        link = self.links[candidate.key.interface]
        for datagram in datagrams:
            interval_s = candidate.router.advert_interval_s
            flight = Flight(candidate, priority, interval_s, datagram.destination, datagram.octets)
            self._around.audience.on_sent(now_s, candidate, flight)
            if link.up:
                self._around.send(self, link, flight)

    # -- pieces ---------------------------------------------------------------------------------------------------------

    def _take_configuration(self, config: Config) -> None:
        self._config = config
        routers = [configured(router, self.behaviour) for router in config.virtual_routers]
        self._routers = {key_of(router): router for router in routers}
        for key, router in self._routers.items():
            link = self.links[key.interface]
            source = router.source_address or link.sources[key.family]
            known = self.candidates.get(key)
            if known is None:
                election = Election(link.segment, key.family, key.virtual_router_id)
                self.candidates[key] = Candidate(self, election, key, router, source)
            else:
                known.router, known.source, known.priority = router, source, router.priority

    def _lose_process(self, condition: Condition) -> None:
        self.process = None
        self.condition = condition
        self._stopping = False
        self._backlog.clear()
        self._put_off.clear()
        for candidate in self.candidates.values():
            candidate.state = State.INITIALIZE
            candidate.priority = candidate.router.priority

    def _drained_signals(self) -> list[Callable[[float], None]]:
        drained, self._put_off = self._put_off, []
        return drained

    def _set_held(self, held: set[Held], now_s: float) -> None:
        if held != self.held:
            self.held = held
            self._around.audience.on_addresses(now_s, self)
            self._around.changed()


def _held(router: VirtualRouter) -> list[Held]:
    return [(address.interface, address.address) for address in all_addresses(router)]
