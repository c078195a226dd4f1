"""Of two masters that hear each other the better one stays, and says so."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.protocol.actions import Cause, Transition
from vrrpd.protocol.hearing import ANSWERS_PER_INTERVAL
from vrrpd.protocol.states import State
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.checkers.promise import BrokenPromiseError
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.host import Host
from vrrpd.simulation.observer import Flight, Observer

EXCUSES = frozenset({Cause.OVERSLEPT, Cause.MASTER_HEARD})
"""One that has slept lets go whoever speaks."""


@dataclass(slots=True)
class _Meeting:
    """A master has heard an advert."""

    master: Candidate
    flight: Flight
    is_excused: bool = False


class Yielding(Observer):
    """Compares what a master does with an advert with the table of RFC 3768 section 6.4.3, and our additions."""

    def __init__(self) -> None:
        self._meeting: _Meeting | None = None
        self._spoke_s: dict[Candidate, float] = {}
        self._announced_s: dict[Candidate, float] = {}

    def on_heard(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """Remember it until the daemon has made up its mind."""
        self._meeting = _Meeting(candidate, flight) if candidate.state is State.MASTER else None

    def on_sent(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """An answer, perhaps."""
        self._spoke_s[candidate] = now_s

    def on_announced(self, now_s: float, candidate: Candidate) -> None:
        """An answer for the neighbours, perhaps."""
        self._announced_s[candidate] = now_s

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """It may have an excuse."""
        if self._meeting is not None and self._meeting.master is candidate:
            self._meeting.is_excused |= transition.cause in EXCUSES

    def on_settled(self, now_s: float, host: Host) -> None:
        """Judge. Who has answered a moment ago need not do it again at once: dozens of adverts may wait for one that slept."""
        meeting, self._meeting = self._meeting, None
        if meeting is None or meeting.is_excused:
            return
        master, flight = meeting.master, meeting.flight
        stays = master.state is State.MASTER
        seen = f"{master} ({master.priority}) heard {flight.sender} ({flight.priority}) and is {master.state.name}"
        moment_s = now_s - master.router.advert_interval_s / ANSWERS_PER_INTERVAL
        spoke, announced = (times_s.get(master, moment_s - 1) >= moment_s for times_s in (self._spoke_s, self._announced_s))
        ours = master.host.behaviour is Behaviour.VRRPD
        if flight.priority == 0:
            if ours and not (stays and spoke):
                raise BrokenPromiseError("a master answers a farewell", now_s, seen)
        elif stays != _is_better(master, flight):
            raise BrokenPromiseError("the better master stays, of equals the one with the higher address", now_s, seen)
        elif stays and ours:
            router = master.router
            if not (spoke or router.lower_priority_no_advert):
                raise BrokenPromiseError("a master answers a lesser one", now_s, seen)
            if not announced and router.announcements.lower_priority_repeat:
                raise BrokenPromiseError("who wins a conflict announces the addresses", now_s, seen)


def _is_better(master: Candidate, flight: Flight) -> bool:
    own, other = master.priority, flight.priority
    return own > other or (own == other and master.source.packed > flight.sender.source.packed)
