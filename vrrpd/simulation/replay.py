"""What a recording tells, told again to the machine of production: it must do what it did.

Only the first virtual routers are made from what was remembered; from there on everything is done by the same methods, with the
same arguments, at the same times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from vrrpd.protocol.actions import Alarm, Transition
from vrrpd.protocol.events import AddressAnswered, SourceChanged
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import GroupTransition, VrrpRouter
from vrrpd.recording.reading import REMEDY, Input, RecordingError, Told, WrittenRecording
from vrrpd.recording.recorder import fault
from vrrpd.simulation.timeline import Lane, Moment, Timeline, told

SHORTEST_S = 0.001
"""A picture has some length, also that of a recording in which everything happened at once."""
MARKS_PAUSE_S = 1.0
DIFFERENCES_MAX = 10
"""More of them say no more: what follows on a difference is different, too."""


@dataclass(slots=True)
class Replay:
    """What came of it."""

    timeline: Timeline
    told: list[Told] = field(default_factory=list)
    group_transitions: list[GroupTransition] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    """The line of the input, and how it failed."""
    differences: tuple[str, ...] = ()
    """What was not as it is written, in words; the first DIFFERENCES_MAX of each kind."""

    @property
    def transitions(self) -> int:
        """How often virtual routers changed their states."""
        return sum(isinstance(one.action, Transition) for one in self.told)


def replay(recording: WrittenRecording) -> Replay:
    """Tell it again. Raises RecordingError if it begins with what cannot be remembered."""
    return _Replaying(recording).run()


class _Replaying:
    def __init__(self, recording: WrittenRecording) -> None:
        self._recording = recording
        self._routers = VrrpRouter()
        self._instances: dict[int, Instance] = {}
        self._lanes: dict[int, Lane] = {}
        times_s = [one.arguments["now_s"] for one in recording.inputs if "now_s" in one.arguments]
        self._begin_s = times_s[0] if times_s else 0.0
        self._now_s = self._begin_s
        self._end_s = max(SHORTEST_S, (times_s[-1] if times_s else 0.0) - self._begin_s)
        self._replay = Replay(Timeline())
        self._marked_s: dict[str, float] = {}

    def run(self) -> Replay:
        """The whole recording."""
        try:
            self._routers.recall(self._recording.beginning)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise RecordingError(f"what it begins with does not hold together: {fault(error)}; {REMEDY}") from None
        for instance in (*self._routers.leavers, *self._routers.instances.values()):
            self._appear(instance)
        surplus = 0
        for one in self._recording.inputs:
            surplus = self._take(one)
        self._end()
        self._replay.differences = tuple(self._differences(0 if self._recording.is_drained else surplus))
        return self._replay

    def _take(self, one: Input) -> int:
        """Do what was done then; returns how much was told of it."""
        arguments = dict(one.arguments)
        self._now_s = arguments.get("now_s", self._now_s)
        try:
            if "instance" in arguments:
                arguments["instance"] = self._instances[arguments["instance"]]
            self._mark(_words(one.method, arguments, self._routers))
            answer = getattr(self._routers, one.method)(**arguments)
            if isinstance(answer, Instance):
                self._appear(answer)
        except Exception as error:  # noqa: BLE001  # that of the daemon is told again, too; another one is a difference
            self._replay.faults.append((one.line, fault(error)))
            self._replay.timeline.moments.append(Moment(self._at_s, self._who, f"fault: {fault(error)}"))
        return self._drain()

    def _drain(self) -> int:
        before = len(self._replay.told) + len(self._replay.group_transitions)
        for instance, action in self._routers.actions():
            if isinstance(action, Transition | Alarm):
                self._replay.told.append(Told(instance.number, action))
                self._tell(instance, action)
        for moved in self._routers.group_transitions():
            self._replay.group_transitions.append(moved)
            text = f"group {moved.name}: {moved.old.name} > {moved.new.name}"
            self._replay.timeline.moments.append(Moment(self._at_s, self._who, text))
        return len(self._replay.told) + len(self._replay.group_transitions) - before

    # -- the picture ----------------------------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return self._recording.about.host

    @property
    def _at_s(self) -> float:
        return float(self._now_s - self._begin_s)

    def _mark(self, text: str) -> None:
        """Something that comes again and again has one mark a second."""
        if text and self._at_s - self._marked_s.get(text, -MARKS_PAUSE_S) >= MARKS_PAUSE_S:
            self._marked_s[text] = self._at_s
            self._replay.timeline.moments.append(Moment(self._at_s, self._who, text, is_fault=True))

    def _appear(self, instance: Instance) -> None:
        """One that is there from now on; before that it was nothing."""
        self._instances[instance.number] = instance
        name = instance.router.name
        known = {title for _host, title in self._replay.timeline.state_lanes}
        title = name if name not in known else f"{name} #{instance.number}"
        lane = self._lanes[instance.number] = Lane(f"{self._who} {title}")
        lane.become(State.INITIALIZE.name, 0.0)
        lane.become(instance.state.name, self._at_s)
        self._replay.timeline.state_lanes[self._who, title] = lane

    def _tell(self, instance: Instance, action: Transition | Alarm) -> None:
        name = instance.router.name
        if isinstance(action, Transition):
            self._lanes[instance.number].become(action.new.name, self._at_s)
            text = told(name, action)
        else:
            text = f"{name}: {action.text}"
        self._replay.timeline.moments.append(Moment(self._at_s, self._who, text))

    def _end(self) -> None:
        self._replay.timeline.end_s = self._end_s
        for lane in self._lanes.values():
            lane.end(self._end_s)

    # -- what is different ----------------------------------------------------------------------------------------------

    def _differences(self, surplus: int) -> Iterator[str]:
        """`surplus` is how much may be told over the last input without being written: the daemon had no time to tell it."""
        written, replayed = self._recording, self._replay
        yield from _compared(written.told, replayed.told, surplus, self._in_words)
        yield from _compared(written.group_transitions, replayed.group_transitions, surplus, str)
        yield from _compared(written.faults, replayed.faults, 0, lambda one: f"line {one[0]} fails with {one[1]}")

    def _in_words(self, one: Told) -> str:
        instance = self._instances.get(one.instance)
        name = f"virtual router {one.instance}" if instance is None else instance.router.name
        return told(name, one.action) if isinstance(one.action, Transition) else f"{name}: {one.action.text}"


def _compared(written: Sequence[Any], replayed: Sequence[Any], surplus: int, words: Any) -> Iterator[str]:
    """In what two stories differ."""
    if len(written) <= len(replayed) <= len(written) + surplus:
        replayed = replayed[: len(written)]
    nothing = object()
    found = 0
    for number, (one, other) in enumerate(zip_longest(written, replayed, fillvalue=nothing), 1):
        if one != other and found < DIFFERENCES_MAX:
            found += 1
            expected, seen = ("nothing" if each is nothing else words(each) for each in (one, other))
            yield f"{number}. was: {expected}; is: {seen}"


def _words(method: str, arguments: dict[str, Any], routers: VrrpRouter) -> str:
    """What happened, if it is worth a mark in the picture: not what happens all the time."""
    match method:
        case "learn":
            kind, result = arguments["kind"], arguments["result"]
            words = ("up", "down") if kind is Kind.INTERFACE else ("well", "not well")
            what = str(result) if kind is Kind.FILE else words[0] if result else words[1]
            return f"{kind.value} {arguments['name']} is {what}"
        case "add":
            return f"{arguments['router'].name} comes"
        case "reconfigure":
            return f"{arguments['router'].name} is changed"
        case "dismiss" | "fail_over":
            instance = routers.instances.get(arguments["key"])
            return f"{'' if instance is None else instance.router.name} {'goes' if method == 'dismiss' else 'is to hand over'}"
        case "start" if arguments.get("resume_master"):
            return "goes on as master"
        case "inform":
            return _event_in_words(arguments["instance"].router.name, arguments["event"])
        case _:
            return ""


def _event_in_words(name: str, event: object) -> str:
    match event:
        case SourceChanged(address):
            return f"{name} sends from {address}" if address else f"{name} has no address to send from"
        case AddressAnswered(address, mac):
            return f"{mac.hex(':')} answers for {address}"
        case _:
            return ""
