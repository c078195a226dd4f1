"""A backup waits exactly as long as it must: three intervals and a skew after the last advert that counts, or a skew after a
farewell. This is the specification written a second time, as a table of what each advert does to the wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.protocol.actions import Cause, Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.checkers.promise import TOLERANCE_S, BrokenPromiseError
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.faults import Fault, Reload
from vrrpd.simulation.host import Condition, Host
from vrrpd.simulation.observer import Flight, Observer

OWNER_PRIORITY = 255
SLEPT_S = 0.1
"""A backup whose wait ended longer ago than this (or than an interval) has slept, and listens for an interval first."""
LISTENING_MARGIN_S = 0.05


@dataclass(slots=True)
class _Wait:
    """What a backup waits for."""

    interval_s: float
    """The master's, as far as it told."""
    end_s: float | None
    """None is not known, as after a reload."""
    latest_s: float
    """When the wait must have ended; later than `end_s` for one that has slept."""
    priority: int
    """With which it was reckoned."""
    preempts_from_s: float | None = None
    """When `preempt_delay` is over; None before a lower priority was heard."""


class Patience(Observer):
    """Reckons each backup's wait, and compares. Members of sync groups wait for each other and are left out."""

    def __init__(self) -> None:
        self._waits: dict[Candidate, _Wait] = {}
        self._heard: tuple[Candidate, Flight] | None = None
        """The advert that a daemon is busy with."""
        self._deferring: set[Candidate] = set()
        """Those that handed over because the operator said so preempt nobody until they are master again."""

    def on_heard(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """An advert may begin the wait anew."""
        self._heard = candidate, flight
        wait = self._waits.get(candidate)
        if wait is None:
            return
        router = candidate.router
        if flight.priority == 0:
            wait.end_s = now_s + _skew_s(candidate, wait.interval_s)
        elif flight.priority >= candidate.priority or not self._may_preempt(candidate, wait, now_s):
            if flight.priority >= candidate.priority:
                wait.preempts_from_s = None
            if router.version == 3:
                wait.interval_s = flight.interval_s
            wait.end_s = now_s + _master_down_s(candidate, wait.interval_s)
        else:
            return
        wait.latest_s = wait.end_s

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """A wait begins or ends."""
        wait = self._waits.pop(candidate, None)
        if transition.new is State.MASTER:
            self._deferring.discard(candidate)
            if wait is not None and wait.end_s is not None and now_s < wait.end_s - TOLERANCE_S:
                seen = f"{candidate} is master {wait.end_s - now_s:.6f} s too early ({transition.cause.value})"
                raise BrokenPromiseError("a backup waits for its time", now_s, seen)
        elif transition.cause is Cause.FAILOVER:
            self._deferring.add(candidate)
        if transition.new is State.BACKUP and not _in_group(candidate):
            self._waits[candidate] = self._begun(candidate, transition, now_s)

    def on_settled(self, now_s: float, host: Host) -> None:
        """Nobody may wait any longer than it must."""
        self._heard = None
        for candidate in host.candidates.values():
            wait = self._waits.get(candidate)
            if wait is not None and wait.priority != candidate.priority:
                wait.end_s, wait.priority = None, candidate.priority  # the next advert tells
            if wait is not None and wait.end_s is not None and now_s > wait.latest_s + TOLERANCE_S:
                seen = f"{candidate} is {candidate.state.name} {now_s - wait.latest_s:.6f} s too long"
                raise BrokenPromiseError("a backup takes over in its time", now_s, seen)

    def on_host(self, now_s: float, host: Host) -> None:
        """A daemon that ended waits for nothing; one that slept may listen for an interval before it takes over."""
        for candidate in host.candidates.values():
            wait = self._waits.get(candidate)
            if candidate.state is State.INITIALIZE:
                self._waits.pop(candidate, None)
                self._deferring.discard(candidate)
            elif wait is not None and wait.end_s is not None:
                if host.condition is Condition.PAUSED:
                    wait.latest_s = float("inf")
                elif wait.latest_s == float("inf"):
                    wait.latest_s = _latest_after_sleep_s(wait, wait.end_s, now_s)

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """A reload changes what is waited for; the next advert tells."""
        if isinstance(fault, Reload):
            for candidate, wait in self._waits.items():
                if candidate.host.name == fault.host:
                    wait.end_s, wait.preempts_from_s = None, None

    def on_end(self, now_s: float) -> None:
        """Also one that was never woken."""
        for host in {candidate.host for candidate in self._waits}:
            self.on_settled(now_s, host)

    # -- reckoning ------------------------------------------------------------------------------------------------------

    def _begun(self, candidate: Candidate, transition: Transition, now_s: float) -> _Wait:
        interval_s = candidate.router.advert_interval_s
        if transition.sender is not None and self._heard is not None and candidate.router.version == 3:
            interval_s = self._heard[1].interval_s
        wait_s = _master_down_s(candidate, interval_s)
        if candidate.priority == OWNER_PRIORITY and transition.old in (State.INITIALIZE, State.FAULT):
            wait_s = interval_s + _skew_s(candidate, interval_s)
        known = transition.cause is not Cause.HANDED_OVER  # who took over was heard a moment before
        end_s = now_s + wait_s if known else None
        return _Wait(interval_s, end_s, end_s or now_s, candidate.priority)

    def _may_preempt(self, candidate: Candidate, wait: _Wait, now_s: float) -> bool:
        router = candidate.router
        if not router.preempt or candidate in self._deferring:
            return False
        if wait.preempts_from_s is None:
            wait.preempts_from_s = now_s + (0.0 if candidate.priority == OWNER_PRIORITY else router.preempt_delay_s)
        return now_s >= wait.preempts_from_s


def _latest_after_sleep_s(wait: _Wait, end_s: float, now_s: float) -> float:
    slept = now_s - end_s > min(SLEPT_S, wait.interval_s)
    return max(end_s, now_s + (wait.interval_s + LISTENING_MARGIN_S if slept else 0.0))


def _skew_s(candidate: Candidate, interval_s: float) -> float:
    """RFC 3768 and RFC 9568 section 6.1: only version 3 scales it."""
    unit_s = interval_s if candidate.router.version == 3 else 1.0
    return (256 - candidate.priority) / 256 * unit_s


def _master_down_s(candidate: Candidate, interval_s: float) -> float:
    return candidate.router.down_timer_adverts * interval_s + _skew_s(candidate, interval_s)


def _in_group(candidate: Candidate) -> bool:
    return len(candidate.host.group_of(candidate)) > 1
