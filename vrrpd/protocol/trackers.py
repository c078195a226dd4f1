"""What is known of everything that is tracked, and what that does to one virtual router."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from vrrpd.config.model import Tracker, Tracking, VirtualRouter
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.events import AdjustmentChanged, Event, FaultCleared, FaultRaised
from vrrpd.protocol.tracking import Verdict, adjustment, file_adjustment


class Kind(Enum):
    """What can be tracked; the value stands before its name where it is told of."""

    INTERFACE = "interface"
    SCRIPT = "script"
    FILE = "file"
    PROCESS = "process"
    BFD_SESSION = "BFD session"


Results = Mapping[tuple[Kind, str], bool | int]
"""Whether a tracked thing is well; of a file, its number. What is not in it is not known yet."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What tracking does to a virtual router."""

    faults: Mapping[str, Kind] = field(default_factory=dict)
    """By their reasons."""
    adjustments: Mapping[str, int] = field(default_factory=dict)
    """To the priority, by what is tracked; none is 0."""

    def events_since(self, before: Demands) -> Iterator[Event]:
        """What is to be told to one that was told of `before`. Faults come first: they decide whether a priority matters."""
        for reason, kind in self.faults.items():
            if reason not in before.faults:
                yield FaultRaised(reason, Cause.INTERFACE_DOWN if kind is Kind.INTERFACE else Cause.TRACKER_DOWN)
        for name in sorted(before.adjustments.keys() | self.adjustments.keys()):  # the same order in every process
            number = self.adjustments.get(name, 0)
            if number != before.adjustments.get(name, 0):
                yield AdjustmentChanged(name, number)
        for reason, kind in before.faults.items():
            if reason not in self.faults:
                yield FaultCleared(reason, Cause.INTERFACE_UP if kind is Kind.INTERFACE else Cause.TRACKER_UP)


def demands(router: VirtualRouter, of_group: Tracking, results: Results) -> Demands:
    """What all that the virtual router and its sync group track does to it."""
    faults: dict[str, Kind] = {}
    adjustments: dict[str, int] = {}
    for kind, tracker in _trackers(router, of_group):
        verdict = _verdict(kind, tracker, results.get((kind, tracker.name)))
        name = f"{kind.value} {tracker.name}"
        if isinstance(verdict, Verdict):
            faults[_reason(kind, tracker)] = kind
        elif verdict:
            adjustments[name] = adjustments.get(name, 0) + verdict
    return Demands(faults, adjustments)


def interfaces_needed(router: VirtualRouter) -> set[str]:
    """The interfaces without which a virtual router is in FAULT unless it tracks them otherwise."""
    needed = {address.interface for address in (*router.addresses, *router.excluded_addresses)}
    return needed | {router.interface} if router.track_primary else needed - {router.interface}


def _trackers(router: VirtualRouter, of_group: Tracking) -> Iterator[tuple[Kind, Tracker]]:
    """Its own, those of its group, and the interfaces that nobody has to name."""
    named = {tracker.name for tracking in (router.tracking, of_group) for tracker in tracking.interfaces}
    for name in sorted(interfaces_needed(router) - named):
        yield Kind.INTERFACE, Tracker(name)
    for tracking in (router.tracking, of_group):
        for kind, trackers in (
            (Kind.INTERFACE, tracking.interfaces),
            (Kind.SCRIPT, tracking.scripts),
            (Kind.FILE, tracking.files),
            (Kind.PROCESS, tracking.processes),
            (Kind.BFD_SESSION, tracking.bfd_sessions),
        ):
            for tracker in trackers:
                yield kind, tracker


def _verdict(kind: Kind, tracker: Tracker, result: bool | int | None) -> int | Verdict:
    """An interface of which nothing is known is well; anything else may not be, and a fault must not go unnoticed."""
    if result is None:
        if kind is Kind.INTERFACE:
            return adjustment(tracker, well=True)
        return 0 if tracker.weight else Verdict.FAULT
    return file_adjustment(tracker, int(result)) if kind is Kind.FILE else adjustment(tracker, well=bool(result))


def _reason(kind: Kind, tracker: Tracker) -> str:
    if kind is Kind.INTERFACE:
        return f"{kind.value} {tracker.name} is {'up' if tracker.reverse else 'down'}"
    return f"{kind.value} {tracker.name} is not well"
