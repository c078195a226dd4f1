"""`track_interface`, `track_script` and their like -> :class:`vrrpd.config.model.Tracking`."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.bind_tracked import BFD, FILE, PROCESS, SCRIPT, Definitions
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import Tracker, Tracking
from vrrpd.config.near import nearest
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, InterfaceName
from vrrpd.config.words import Words

WEIGHT_MAX = 253
"""From the lowest priority, 1, to the highest of a router that is no owner, 254."""
WEIGHT = Integer(-WEIGHT_MAX - 1, WEIGHT_MAX + 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the blocks that name what is tracked."""

    block: str
    field: str
    defined_by: str | None
    """The block that defines such names; None for interfaces."""
    weight_max: int = WEIGHT_MAX


INTERFACES = Kind("track_interface", "interfaces", None)
KINDS = (
    INTERFACES,
    Kind("track_script", "scripts", SCRIPT),
    Kind("track_file", "files", FILE, WEIGHT_MAX + 1),
    Kind("track_process", "processes", PROCESS, WEIGHT_MAX + 1),
    Kind("track_bfd", "bfd_sessions", BFD),
)


@dataclass(frozen=True, slots=True)
class Tracks:
    """What holds for all trackers of one virtual router or sync group."""

    node: Node
    definitions: Definitions
    report: Report
    own_interface: str | None = None
    """Of a virtual router: tracked already."""
    weightless_in: str | None = None
    """The sync group that forbids weights."""


def bind_tracking(tracks: Tracks) -> Tracking:
    """All that the block tracks."""
    return Tracking(**{kind.field: _trackers(kind, tracks) for kind in KINDS})


def _trackers(kind: Kind, tracks: Tracks) -> tuple[Tracker, ...]:
    bound: dict[str, Tracker] = {}
    first: dict[str, Line] = {}
    for block in tracks.node.all(kind.block):
        for entry in block.entries:
            tracker = _tracker(entry, kind, tracks)
            if tracker is None:
                continue
            if tracker.name in bound:
                tracks.report.error(
                    Code.DUPLICATE,
                    entry,
                    0,
                    f"`{tracker.name}` is tracked already",
                    assumed="it is left out",
                    note=Note.at(first[tracker.name]),
                )
                continue
            bound[tracker.name], first[tracker.name] = tracker, entry
    return tuple(bound.values())


def _tracker(entry: Line, kind: Kind, tracks: Tracks) -> Tracker | None:
    if any(map(is_undefined, entry.words)):
        return None
    name = entry.words[0]
    inherited = _interface(entry, tracks) if kind.defined_by is None else _defined(entry, kind.defined_by, tracks)
    if inherited is None:
        return None
    weight, reverse = _options(entry, kind, inherited, tracks.report)
    return _without_weight(Tracker(printable(name), weight, reverse), entry, kind, tracks)


def _interface(entry: Line, tracks: Tracks) -> Tracker | None:
    name = entry.words[0]
    try:
        InterfaceName().read(name)
    except BadValueError as error:
        tracks.report.error(Code.BAD_VALUE, entry, 0, str(error), assumed="it is left out")
        return None
    if name == tracks.own_interface:
        tracks.report.error(
            Code.CONFLICT, entry, 0, f"`{name}` is the virtual router's own interface", assumed="it is tracked anyway"
        )
        return None
    return Tracker(name)


def _defined(entry: Line, keyword: str, tracks: Tracks) -> Tracker | None:
    """The name with the weight of its definition; None, with a message, where it is not defined before."""
    name = entry.words[0]
    definitions = tracks.definitions
    definition = definitions.find(keyword, name)
    if definition is None:
        if not definitions.mentions(keyword, name):
            near = nearest(name, definitions.names(keyword)) if tracks.report.has_room() else None
            tracks.report.error(
                Code.UNKNOWN_NAME,
                entry,
                0,
                f"there is no `{keyword}` named `{name}`",
                assumed="it is left out",
                advice=f"did you mean `{near}`?" if near else f"define it above with `{keyword} {name} {{ … }}`",
            )
        return None
    if definitions.follows(definition, tracks.node):
        tracks.report.error(
            Code.UNKNOWN_NAME,
            entry,
            0,
            f"`{name}` is defined below, and must be before it is used",
            assumed="it is left out",
            advice=f"move the `{keyword}` up",
            note=Note.at(definition.node.line, 1),
        )
        return None
    return Tracker(name, definition.weight, definition.reverse)


def _options(entry: Line, kind: Kind, inherited: Tracker, report: Report) -> tuple[int, bool]:
    """`[weight N [reverse|noreverse]]`; what is not written comes from the definition."""
    words = Words(entry, 1)
    weight, reverse = inherited.weight, inherited.reverse
    try:
        if words.take_if("weight"):
            weight = _limited(words.read(WEIGHT.read), words, kind.weight_max, report)
            if words.take_if("noreverse"):
                reverse = False
            elif words.take_if("reverse"):
                reverse = True
    except BadValueError as error:
        assumed = f"`weight {inherited.weight}`"
        report.error(Code.BAD_VALUE, entry, words.index, str(error), assumed=assumed)
        return inherited.weight, inherited.reverse
    if words.next is not None:
        message = f"unknown option `{words.take()}` in `{kind.block}`"
        report.error(Code.UNKNOWN_OPTION, entry, words.index, message, assumed="the rest of the line is left out")
    return weight, reverse


def _limited(weight: int, words: Words, limit: int, report: Report) -> int:
    if abs(weight) <= limit:
        return weight
    limited = limit if weight > 0 else -limit
    report.warning(
        Code.REDUCED, words.line, words.index, f"a weight here is at most {limit} either way", assumed=f"`weight {limited}`"
    )
    return limited


def _without_weight(tracker: Tracker, entry: Line, kind: Kind, tracks: Tracks) -> Tracker | None:
    """In most sync groups nothing can change one member's priority: interfaces count without weight, all else not at all."""
    if not tracker.weight or tracks.weightless_in is None:
        return tracker
    weightless = Tracker(tracker.name) if kind is INTERFACES else None
    tracks.report.warning(
        Code.CONFLICT,
        entry,
        0,
        f"sync group `{tracks.weightless_in}` allows its members no weights",
        assumed="`weight 0`" if weightless else "it is left out",
        advice="add `sync_group_tracking_weight` to the group",
    )
    return weightless
