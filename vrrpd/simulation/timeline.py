"""What happened, as lanes: the state of each virtual router on each host, who holds each address, and whom clients reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vrrpd.config.model import Address
from vrrpd.protocol.actions import Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.client import Client
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.faults import Fault, words
from vrrpd.simulation.host import Condition, Host
from vrrpd.simulation.observer import Observer
from vrrpd.simulation.world import World

NO_SERVICE = "nobody"
"""What a client's lane says while its packets reach nobody."""
OUTAGE_MIN_S = 1e-6
"""What is shorter is only the order in which things at the same moment are told."""


@dataclass(slots=True)
class Span:
    """Something that lasted."""

    begin_s: float
    end_s: float
    what: str

    @property
    def length_s(self) -> float:
        """How long."""
        return self.end_s - self.begin_s


@dataclass(slots=True)
class Lane:
    """One thing that is something at every moment: spans without gaps."""

    title: str
    spans: list[Span] = field(default_factory=list)

    def become(self, what: str, now_s: float) -> None:
        """From now on it is `what`."""
        last = self.spans[-1] if self.spans else None
        if last is not None:
            if last.what == what:
                return
            last.end_s = now_s
            if last.length_s < OUTAGE_MIN_S:
                self.spans.pop()
                if self.spans and self.spans[-1].what == what:
                    return
        self.spans.append(Span(now_s, now_s, what))

    def end(self, now_s: float) -> None:
        """Nothing comes after this."""
        if self.spans:
            self.spans[-1].end_s = now_s


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at once."""

    at_s: float
    who: str
    text: str
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class Outage:
    """While a client's packets to an address reached nobody. What comes before it was served for the first time is none."""

    segment: str
    address: Address
    begin_s: float
    end_s: float
    is_over: bool
    cause: str
    """The last fault before."""

    @property
    def length_s(self) -> float:
        """How long it was, or has been so far."""
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class Total:
    """All outages of an address."""

    segment: str
    address: Address
    outages: int
    longest_s: float
    sum_s: float


class Timeline(Observer):
    """Writes down what it sees."""

    def __init__(self) -> None:
        self.end_s = 0.0
        self.moments: list[Moment] = []
        self.state_lanes: dict[tuple[str, str], Lane] = {}
        """By host and virtual router."""
        self.service_lanes: dict[tuple[str, Address], Lane] = {}
        """By segment and address: the host that a client reaches."""
        self.holder_lanes: dict[Address, Lane] = {}
        """The hosts that have the address, joined by `+`."""
        self._hosts: tuple[Host, ...] = ()

    # -- what it sees ---------------------------------------------------------------------------------------------------

    def on_begin(self, world: World) -> None:
        """Make a lane for everything."""
        self._hosts = tuple(world.hosts.values())
        for host in self._hosts:
            for candidate in host.candidates.values():
                self._state(candidate, 0.0)
        for client in world.clients:
            for address in client.neighbours:
                self.service_lanes[client.segment.name, address] = lane = Lane(str(address))
                lane.become(NO_SERVICE, 0.0)
                self.holder_lanes.setdefault(address, Lane(str(address)))
        self._holders(0.0)

    def on_fault(self, now_s: float, fault: Fault) -> None:
        """A line of the scenario."""
        self.moments.append(Moment(now_s, getattr(fault, "host", "network"), words(fault), is_fault=True))

    def on_host(self, now_s: float, host: Host) -> None:
        """Its lanes show what is the matter with it."""
        for candidate in host.candidates.values():
            self._state(candidate, now_s)
        self._holders(now_s)

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """A virtual router moves, and says why."""
        self._state(candidate, now_s)
        self.moments.append(Moment(now_s, candidate.host.name, told(candidate.router.name, transition)))

    def on_settled(self, now_s: float, host: Host) -> None:
        """Who holds what is looked at when a daemon has finished."""
        del host
        self._holders(now_s)

    def on_served(self, now_s: float, client: Client, address: Address, holder: Host | None) -> None:
        """Clients reach somebody else."""
        self.service_lanes[client.segment.name, address].become(holder.name if holder else NO_SERVICE, now_s)

    def on_end(self, now_s: float) -> None:
        """Close every lane."""
        self.end_s = now_s
        for lane in (*self.state_lanes.values(), *self.service_lanes.values(), *self.holder_lanes.values()):
            lane.end(now_s)

    # -- what can be asked ----------------------------------------------------------------------------------------------

    def letters(self) -> dict[str, str]:
        """The letter of each host: A for the first file, B for the second ..."""
        return {host.name: chr(ord("A") + number) for number, host in enumerate(self._hosts)}

    def outages(self) -> list[Outage]:
        """Every outage, in order."""
        return sorted(self._outages(), key=lambda each: (each.begin_s, each.segment, str(each.address)))

    def totals(self) -> list[Total]:
        """For each address, also those without outages."""
        outages = self.outages()
        found = []
        for segment, address in self.service_lanes:
            lengths = [each.length_s for each in outages if (each.segment, each.address) == (segment, address)]
            found.append(Total(segment, address, len(lengths), max(lengths, default=0.0), sum(lengths)))
        return found

    def after_each_fault(self) -> list[tuple[Moment, float]]:
        """Each fault with the longest outage that began between it and the next one, in seconds."""
        faults = [moment for moment in self.moments if moment.is_fault]
        ends_s = [*(fault.at_s for fault in faults), self.end_s + 1][1:]
        outages = self.outages()
        return [
            (fault, max((each.length_s for each in outages if fault.at_s <= each.begin_s < end_s), default=0.0))
            for fault, end_s in zip(faults, ends_s, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, seconds as numbers."""
        return {
            "duration_s": self.end_s,
            "routers": [
                {"host": host, "virtual_router": name, "states": _spans_as_json(lane)}
                for (host, name), lane in self.state_lanes.items()
            ],
            "addresses": [
                {
                    "segment": total.segment,
                    "address": str(total.address),
                    "outages": total.outages,
                    "longest_outage_s": _rounded(total.longest_s),
                    "sum_of_outages_s": _rounded(total.sum_s),
                    "held_by": _spans_as_json(self.holder_lanes[total.address]),
                    "reached": _spans_as_json(self.service_lanes[total.segment, total.address]),
                }
                for total in self.totals()
            ],
            "outages": [
                {
                    "segment": each.segment,
                    "address": str(each.address),
                    "begin_s": _rounded(each.begin_s),
                    "end_s": _rounded(each.end_s) if each.is_over else None,
                    "length_s": _rounded(each.length_s),
                    "after": each.cause,
                }
                for each in self.outages()
            ],
            "events": [
                {"at_s": _rounded(each.at_s), "who": each.who, "what": each.text, "is_fault": each.is_fault}
                for each in self.moments
            ],
        }

    # -- pieces ---------------------------------------------------------------------------------------------------------

    def _outages(self) -> Iterator[Outage]:
        faults = [moment for moment in self.moments if moment.is_fault]
        for (segment, address), lane in self.service_lanes.items():
            for number, span in enumerate(lane.spans):
                if number and span.what == NO_SERVICE and span.length_s >= OUTAGE_MIN_S:
                    cause = next((fault.text for fault in reversed(faults) if fault.at_s <= span.begin_s), "")
                    yield Outage(segment, address, span.begin_s, span.end_s, number + 1 < len(lane.spans), cause)

    def _state(self, candidate: Candidate, now_s: float) -> None:
        host = candidate.host
        running = host.condition is Condition.RUNNING and (candidate.state is not State.INITIALIZE)
        what = candidate.state.name if running else host.condition.value
        if host.condition is Condition.RUNNING and candidate.state is State.INITIALIZE:
            what = Condition.STOPPED.value
        key = host.name, candidate.router.name
        self.state_lanes.setdefault(key, Lane(" ".join(key))).become(what, now_s)

    def _holders(self, now_s: float) -> None:
        for address, lane in self.holder_lanes.items():
            names = [host.name for host in self._hosts if any(held == address for _, held in host.held)]
            lane.become("+".join(names) or NO_SERVICE, now_s)


def told(virtual_router: str, transition: Transition) -> str:
    """A change of state in a line."""
    by = f" (of {transition.sender}, priority {transition.sender_priority})" if transition.sender else ""
    return f"{virtual_router}: {transition.old.name} > {transition.new.name}: {transition.cause.value}{by}"


def _spans_as_json(lane: Lane) -> list[dict[str, Any]]:
    return [{"begin_s": _rounded(span.begin_s), "end_s": _rounded(span.end_s), "what": span.what} for span in lane.spans]


def _rounded(seconds: float) -> float:
    return round(seconds, 6)
