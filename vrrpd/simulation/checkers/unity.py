"""While nothing is broken there is one master, it is the best there is, and clients reach it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vrrpd.config.model import Address
from vrrpd.protocol.actions import Cause, Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.checkers.peace import Peace
from vrrpd.simulation.checkers.promise import TOLERANCE_S, BrokenPromiseError
from vrrpd.simulation.client import Client
from vrrpd.simulation.elections import Candidate, Election, all_addresses
from vrrpd.simulation.faults import Fault, Heal, Weather
from vrrpd.simulation.host import Condition, Host
from vrrpd.simulation.observer import Observer
from vrrpd.simulation.world import World

CLIENT_S = 1.0
"""vrrpd's own promise: what is healed or taken over is reached so soon; or within an advert interval, if that is longer."""
TAKING_PART = frozenset({State.BACKUP, State.MASTER, State.LISTENING})
LISTENING_MARGIN_S = 0.05
GROUP_PATIENCE = 3
"""Members of a sync group wait anew, each for the others, before all go."""
HOPS = 4
"""Adverts, answers and announcements that may follow each other before all know."""

ONE_AT_LEAST = "somebody is master"
ONE_AT_MOST = "nobody else is master"
THE_BEST = "the best one is master"
REACHED = "clients reach the master"


@dataclass(slots=True)
class _Grievance:
    """Something that may be only for a while."""

    since_s: float
    limit_s: float
    seen: str


class Unity(Observer):
    """Reviews an election whenever something changes in it; what is wrong then must be right in time."""

    def __init__(self) -> None:
        self._peace = Peace()
        self._candidates: dict[Election, list[Candidate]] = {}
        self._clients: dict[str, Client] = {}
        self._grievances: dict[tuple[Election, str], _Grievance] = {}
        self._deferring: set[Candidate] = set()
        """Those that the operator had hand over, and that keep back."""
        self._moved: set[Election] = set()
        self._to_be_announced: set[Election] = set()
        """Elections in which somebody has had a reason to announce itself since peace began: it took over, or met another."""
        self._being_left: set[Election] = set()
        """Elections in which one was handing over when the network healed: it may be gone before the others know of it."""

    def on_begin(self, world: World) -> None:
        """Learn who takes part."""
        self._peace.on_begin(world)
        for host in world.hosts.values():
            for candidate in host.candidates.values():
                self._candidates.setdefault(candidate.election, []).append(candidate)
        self._clients = {client.segment.name: client for client in world.clients}

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """Everything may be otherwise."""
        self._peace.on_fault_over(now_s, fault)
        met_anew = not isinstance(fault, Weather)  # whose announcements may have been lost before it changed
        self._to_be_announced = {one for one in self._candidates if met_anew and len(self._masters(one)) > 1}
        if isinstance(fault, Heal | Weather):
            self._being_left = {
                one.election for all_of_it in self._candidates.values() for one in all_of_it if _is_leaving(one)
            }
        self._review(self._candidates, now_s)

    def on_host(self, now_s: float, host: Host) -> None:
        """A host came or went."""
        self._deferring -= {one for one in host.candidates.values() if one.state is State.INITIALIZE}
        self._review({candidate.election for candidate in host.candidates.values()}, now_s)

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """A master came or went."""
        if (transition.old, transition.new) == (State.RELINQUISHING, State.BACKUP) or transition.cause is Cause.FAILOVER:
            self._deferring.add(candidate)
        if transition.new in (State.MASTER, State.INITIALIZE):
            self._deferring.discard(candidate)
        if transition.new is State.MASTER:
            if self._peace.since_s is not None and now_s >= self._peace.since_s:
                self._to_be_announced.add(candidate.election)
            self._being_left.discard(candidate.election)
        self._moved.add(candidate.election)

    def on_served(self, now_s: float, client: Client, address: Address, holder: Host | None) -> None:
        """Clients reach somebody else."""
        self._review((election for election in self._candidates if election.segment == client.segment.name), now_s)

    def on_settled(self, now_s: float, host: Host) -> None:
        """Time has passed."""
        if self._moved:
            moved, self._moved = self._moved, set()
            self._review(moved, now_s)
        if self._grievances:
            self._judge(now_s)

    def on_end(self, now_s: float) -> None:
        """For the last time."""
        self._judge(now_s)

    # -- reviewing ------------------------------------------------------------------------------------------------------

    def _review(self, elections: Iterable[Election], now_s: float) -> None:
        self._judge(now_s)
        for election in elections:
            able = [one for one in self._candidates[election] if _takes_part(one)]
            masters = self._masters(election)
            master = masters[0] if len(masters) == 1 else None
            wrong: list[tuple[str, float, str]] = []
            if able and not masters:
                wrong.append((ONE_AT_LEAST, self._wait_s(able), _listed(able)))
            if len(masters) > 1:
                wrong.append((ONE_AT_MOST, _crossing_s(masters), _listed(masters)))
            if master is not None and any(self._should_replace(one, master) for one in able):
                wrong.append((THE_BEST, self._wait_s(able, preempting=True), _listed(able)))
            if master is not None and self._is_unreached(election, master):
                wrong.append((REACHED, max(CLIENT_S, master.router.advert_interval_s), _listed([master])))
            self._note(election, wrong, now_s)

    def _masters(self, election: Election) -> list[Candidate]:
        return [one for one in self._candidates[election] if one.state is State.MASTER and _takes_part(one)]

    def _note(self, election: Election, wrong: list[tuple[str, float, str]], now_s: float) -> None:
        """What was wrong before is so since then; what is right now was never wrong."""
        found = {(election, promise): (limit_s, seen) for promise, limit_s, seen in wrong}
        for key in [key for key in self._grievances if key[0] == election and key not in found]:
            del self._grievances[key]
        for key, (limit_s, seen) in found.items():
            before = self._grievances.get(key)
            self._grievances[key] = _Grievance(before.since_s if before else now_s, limit_s, seen)

    def _judge(self, now_s: float) -> None:
        peace_s = self._peace.since_s
        if peace_s is None:
            return
        for (election, promise), grievance in self._grievances.items():
            since_s = max(grievance.since_s, peace_s)
            if now_s > since_s + grievance.limit_s + HOPS * self._peace.delay_max_s + TOLERANCE_S:
                seen = f"vrid {election.virtual_router_id} on {election.segment}: {grievance.seen}, since {since_s:.6f} s"
                raise BrokenPromiseError(promise, now_s, seen)

    # -- limits ---------------------------------------------------------------------------------------------------------

    def _wait_s(self, able: list[Candidate], *, preempting: bool = False) -> float:
        """The longest that one of them may wait for a master, or before it preempts one."""
        interval_s = max(one.router.advert_interval_s for one in self._candidates[able[0].election])
        adverts = max(one.router.down_timer_adverts for one in able)
        wait_s = adverts * interval_s + max(1.0, interval_s) + interval_s + LISTENING_MARGIN_S
        if preempting:
            wait_s += interval_s + max(one.router.preempt_delay_s for one in able)
        if any(len(one.host.group_of(one)) > 1 for one in able):
            wait_s *= GROUP_PATIENCE
        return wait_s

    def _should_replace(self, candidate: Candidate, master: Candidate) -> bool:
        router = candidate.router
        better = candidate.priority > master.priority and candidate.state is State.BACKUP
        return better and router.preempt and candidate not in self._deferring

    def _is_unreached(self, election: Election, master: Candidate) -> bool:
        if any(one.host.behaviour is Behaviour.RFC for one in self._candidates[election]):
            return False  # it does not promise to announce itself where it should
        client = self._clients[election.segment]
        own = [entry.address for entry in all_addresses(master.router) if _is_on(master, entry.interface, election)]
        unreached = [address for address in own if address in client.served_by and client.served_by[address] is None]
        # Who missed an announcement that nobody has a reason to repeat has its own neighbour check, and 43 s.
        return any(election in self._to_be_announced or self._began_in_peace(client, address) for address in unreached)

    def _began_in_peace(self, client: Client, address: Address) -> bool:
        if self._peace.since_s is None or client.segment.name in {election.segment for election in self._being_left}:
            return False
        return client.unserved_since_s[address] > self._peace.since_s


def _crossing_s(masters: list[Candidate]) -> float:
    """Two masters know of each other with the first advert that crosses; who does not answer needs one of its own."""
    intervals_s = [one.router.advert_interval_s for one in masters]
    silent = any(one.router.lower_priority_no_advert or one.host.behaviour is Behaviour.RFC for one in masters)
    return max(intervals_s) if silent else min(intervals_s)


def _listed(candidates: list[Candidate]) -> str:
    return ", ".join(f"{one} is {one.state.name}" for one in candidates)


def _is_on(candidate: Candidate, interface: str, election: Election) -> bool:
    return candidate.host.links[interface].segment == election.segment


def _is_leaving(candidate: Candidate) -> bool:
    return candidate.state is State.RELINQUISHING


def _takes_part(candidate: Candidate) -> bool:
    return candidate.host.condition is Condition.RUNNING and candidate.state in TAKING_PART
