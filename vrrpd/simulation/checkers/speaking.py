"""A master speaks: at once, at its interval, to the neighbours, and when it goes. Nobody else does."""

from __future__ import annotations

from dataclasses import dataclass, field

from vrrpd.protocol.actions import Cause, Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.checkers.promise import TOLERANCE_S, BrokenPromiseError
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.faults import Fault, Reload
from vrrpd.simulation.host import Condition, Host
from vrrpd.simulation.observer import Flight, Observer

GIVEN_UP = frozenset({State.INITIALIZE, State.RELINQUISHING, State.FAULT})


@dataclass(slots=True)
class _Speech:
    """What one virtual router said."""

    due_s: float | None = None
    """When its next advert is due; None while it is no master."""
    second_set_due_s: float | None = None
    last_s: float = 0.0
    """When it sent its last advert."""
    overslept: bool = False
    """It is a master that did not run for so long that another may have taken over, and has not listened yet."""
    moves: list[Transition] = field(default_factory=list)
    """Since its daemon settled last; so are these two."""
    priorities: list[int] = field(default_factory=list)
    announced: bool = False


class Speaking(Observer):
    """Watches what masters send."""

    def __init__(self) -> None:
        self._speech: dict[Candidate, _Speech] = {}
        self._masters: dict[Host, dict[Candidate, _Speech]] = {}
        self._busy: list[tuple[Candidate, _Speech]] = []
        """Those that did something since their daemon settled."""

    def on_sent(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """An advert: the next one is due an interval later."""
        speech = self._of(candidate)
        speech.priorities.append(flight.priority)
        speech.last_s = now_s
        if speech.due_s is not None:
            self._mind_beat(speech, candidate, now_s)
            speech.due_s = now_s + candidate.router.advert_interval_s

    def on_announced(self, now_s: float, candidate: Candidate) -> None:
        """A set of announcements; the second one is asked for only while nothing else moved it."""
        speech = self._of(candidate)
        speech.announced = True
        speech.second_set_due_s = None

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """What it must have said is looked at when its daemon has settled."""
        self._of(candidate).moves.append(transition)

    def on_settled(self, now_s: float, host: Host) -> None:
        """Judge what was said, and what was not."""
        if self._busy:
            busy, self._busy = self._busy, []
            for candidate, speech in busy:
                self._judge(candidate, speech, now_s)
                speech.moves, speech.priorities, speech.announced = [], [], False
        for candidate, speech in self._masters.get(host, {}).items():
            self._mind_beat(speech, candidate, now_s)

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """A reload sends an advert and begins the beat anew; its second set of announcements is another."""
        if isinstance(fault, Reload):
            for candidate, speech in self._speech.items():
                if candidate.host.name == fault.host:
                    speech.second_set_due_s = None
                    if speech.due_s is not None:
                        speech.due_s = now_s + candidate.router.advert_interval_s

    def on_host(self, now_s: float, host: Host) -> None:
        """Who does not run says nothing, and owes nothing for the time."""
        for candidate, speech in self._masters.get(host, {}).items():
            if host.condition is not Condition.RUNNING:
                speech.due_s = speech.second_set_due_s = None
            elif candidate.state is State.MASTER and speech.due_s is None:
                speech.due_s = now_s + candidate.router.advert_interval_s
                speech.overslept = now_s - speech.last_s > _shortest_wait_s(candidate) + TOLERANCE_S

    def on_end(self, now_s: float) -> None:
        """Nobody may have fallen silent."""
        for masters in self._masters.values():
            for candidate, speech in masters.items():
                self._mind_beat(speech, candidate, now_s)

    # -- judging --------------------------------------------------------------------------------------------------------

    def _judge(self, candidate: Candidate, speech: _Speech, now_s: float) -> None:
        ours = candidate.host.behaviour is Behaviour.VRRPD
        for move in speech.moves:
            if move.new is State.MASTER:
                self._judge_beginning(candidate, speech, move, now_s)
            if move.old is State.MASTER and move.new in GIVEN_UP and 0 not in speech.priorities:
                raise BrokenPromiseError("a master that gives up says farewell", now_s, f"{candidate}: {move.new.name}")
            if ours and _yields(move) and not any(speech.priorities):
                raise BrokenPromiseError("a master that yields has a last word", now_s, f"{candidate}: {move.cause.value}")
        spoke = any(speech.priorities)
        if spoke and speech.overslept and not speech.moves:
            raise BrokenPromiseError("a master that overslept listens before it speaks", now_s, str(candidate))
        speech.overslept = speech.overslept and not speech.moves
        if spoke and candidate.state is not State.MASTER and not any(move.old is State.MASTER for move in speech.moves):
            raise BrokenPromiseError("only a master speaks", now_s, f"{candidate} is {candidate.state.name}")
        masters = self._masters.setdefault(candidate.host, {})
        if candidate.state is State.MASTER:
            masters[candidate] = speech
        else:
            masters.pop(candidate, None)
            speech.due_s = speech.second_set_due_s = None

    def _judge_beginning(self, candidate: Candidate, speech: _Speech, move: Transition, now_s: float) -> None:
        if not any(speech.priorities):
            raise BrokenPromiseError("a new master speaks at once", now_s, f"{candidate}: {move.cause.value}")
        if not speech.announced:
            raise BrokenPromiseError("a new master announces its addresses at once", now_s, f"{candidate}: {move.cause.value}")
        speech.due_s = now_s + candidate.router.advert_interval_s
        delay_s = candidate.router.announcements.delay_s
        speech.second_set_due_s = now_s + delay_s if delay_s and move.cause is not Cause.RESUMED else None

    def _mind_beat(self, speech: _Speech, candidate: Candidate, now_s: float) -> None:
        if speech.due_s is not None and now_s > speech.due_s + TOLERANCE_S:
            seen = f"{candidate} was silent since {speech.due_s - candidate.router.advert_interval_s:.6f} s"
            raise BrokenPromiseError("a master speaks at its interval", now_s, seen)
        if speech.second_set_due_s is not None and now_s > speech.second_set_due_s + TOLERANCE_S:
            raise BrokenPromiseError("a new master announces its addresses twice", now_s, str(candidate))

    def _of(self, candidate: Candidate) -> _Speech:
        speech = self._speech.get(candidate)
        if speech is None:
            speech = self._speech[candidate] = _Speech()
        if not (speech.moves or speech.priorities or speech.announced):
            self._busy.append((candidate, speech))
        return speech


def _shortest_wait_s(candidate: Candidate) -> float:
    """After so long the most eager backup takes over."""
    router = candidate.router
    unit_s = router.advert_interval_s if router.version == 3 else 1.0
    return router.down_timer_adverts * router.advert_interval_s + unit_s / 256


def _yields(move: Transition) -> bool:
    """Whether it heard a better master; one that only follows its sync group leaves the word to the member that heard it."""
    because_of_an_advert = move.cause in (Cause.HIGHER_PRIORITY_MASTER, Cause.EQUAL_PRIORITY_HIGHER_ADDRESS)
    return (move.old, move.new) == (State.MASTER, State.BACKUP) and because_of_an_advert
