"""A recording read from lines that anybody may have written. Nothing in them can do more than be refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from vrrpd.protocol.actions import Alarm, Transition
from vrrpd.protocol.memory import InstanceMemory, RouterMemory
from vrrpd.protocol.vrrp_router import GroupTransition
from vrrpd.protocol.wire import Heard, Refused
from vrrpd.recording.lines import FORMAT, PARAMETERS, About
from vrrpd.recording.recorder import FAULT, GROUP, TOLD
from vrrpd.recording.values import Plain, value

LINES_MAX = 1_000_000
"""What a daemon writes has at most 33,000 entries, and a line more for each thing that was heard and each virtual router."""
LINE_CHARACTERS_MAX = 16 * 1024 * 1024
"""The longest has what all virtual routers of a host remember together."""


REMEDY = "fetch the recording again, and leave it as it comes from the daemon"


class RecordingError(Exception):
    """What was read is no recording; says in which line, what was expected, and what is to be done."""


@dataclass(frozen=True, slots=True)
class Input:
    """A method of VrrpRouter that was called."""

    line: int
    method: str
    arguments: Mapping[str, Any]
    """By their names. A virtual router is its number."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a virtual router told."""

    instance: int
    action: Transition | Alarm


@dataclass(frozen=True, slots=True)
class WrittenRecording:
    """A recording that was read."""

    about: About
    beginning: RouterMemory
    inputs: tuple[Input, ...]
    told: tuple[Told, ...]
    group_transitions: tuple[GroupTransition, ...]
    faults: tuple[tuple[int, str], ...]
    """The line of the input that failed, and how."""
    is_drained: bool


def read(lines: Iterable[str]) -> WrittenRecording:
    """Raises RecordingError."""
    return _Reader().read(lines)


class _Reader:
    def __init__(self) -> None:
        self._number = 0
        self._about: About | None = None
        self._instances: list[InstanceMemory] = []
        self._beginning: RouterMemory | None = None
        self._heard: dict[int, Heard | Refused] = {}
        self._inputs: list[Input] = []
        self._told: list[Told] = []
        self._group_transitions: list[GroupTransition] = []
        self._faults: list[tuple[int, str]] = []
        self._is_drained: bool | None = None
        self._now_s = -math.inf

    def read(self, lines: Iterable[str]) -> WrittenRecording:
        for self._number, line in enumerate(lines, 1):
            if self._number > LINES_MAX:
                self._refuse(f"a recording has {LINES_MAX} lines at most")
            self._take(self._parsed(line))
        if self._about is None or self._beginning is None or self._is_drained is None:
            self._number += 1
            self._refuse("the end is missing, so it was cut off")
        return WrittenRecording(
            self._about,
            replace(self._beginning, instances=tuple(self._instances)),
            tuple(self._inputs),
            tuple(self._told),
            tuple(self._group_transitions),
            tuple(self._faults),
            self._is_drained,
        )

    def _parsed(self, line: str) -> dict[str, Plain]:
        if len(line) > LINE_CHARACTERS_MAX:
            self._refuse(f"it has more than {LINE_CHARACTERS_MAX} characters")
        try:
            plain = json.loads(line)
        except (ValueError, RecursionError):
            self._refuse("expected a JSON object")
        if not isinstance(plain, dict) or not plain:
            self._refuse("expected a JSON object that is not empty")
        return plain

    def _take(self, line: dict[str, Plain]) -> None:
        if self._is_drained is not None:
            self._refuse("nothing follows on the end")
        kind = next(iter(line))
        if (self._about is None) != (kind == "recording"):
            self._refuse(f"""expected the first line alone to begin with {{"recording": {FORMAT}""")
        if self._beginning is None and kind not in ("recording", "instance", "memory"):
            self._refuse("expected what the virtual routers remembered before what happened to them")
        try:
            self._take_kind(kind, line)
        except (ValueError, RecursionError) as error:
            self._refuse(str(error))
        except KeyError as error:
            self._refuse(f"{error} is missing")

    def _take_kind(self, kind: str, line: dict[str, Plain]) -> None:
        match kind:
            case "recording":
                self._take_about(line)
            case "instance":
                self._instances.append(_of_kind(value(line["instance"]), InstanceMemory))
            case "memory":
                self._beginning = _of_kind(value(line["memory"]), RouterMemory)
            case "input":
                self._take_input(line)
            case "heard":
                self._heard[_number(line["heard"])] = _of_kind(value(line["is"]), Heard, Refused)
            case "end":
                self._take_end(line)
            case _:
                self._take_output(kind, line)

    def _take_output(self, kind: str, line: dict[str, Plain]) -> None:
        match kind:
            case _ if kind == TOLD:
                self._told.append(Told(_number(line[TOLD]), _of_kind(value(line["action"]), Transition, Alarm)))
            case _ if kind == GROUP:
                self._group_transitions.append(_of_kind(value(line[GROUP]), GroupTransition))
            case _ if kind == FAULT and self._inputs:
                self._faults.append((self._inputs[-1].line, str(line[FAULT])))
            case _:
                raise ValueError(f"there is no line that begins with `{kind}` here")

    def _take_about(self, line: dict[str, Plain]) -> None:
        if line["recording"] != FORMAT:
            raise ValueError(f"it has format {line['recording']}, and this version of vrrpd reads {FORMAT}")
        self._about = About(str(line["vrrpd"]), str(line["host"]), _time_s(line["unix_offset_s"]), str(line["why"]))

    def _take_input(self, line: dict[str, Plain]) -> None:
        method = line.pop("input")
        parameters = PARAMETERS.get(method) if isinstance(method, str) else None
        if parameters is None:
            raise ValueError(f"there is no input `{method}`")
        unknown = line.keys() - set(parameters)
        if unknown:
            raise ValueError(f"{method} has no {', '.join(sorted(unknown))}")
        arguments = {name: self._argument(name, plain) for name, plain in line.items()}
        self._inputs.append(Input(self._number, method, arguments))

    def _argument(self, name: str, plain: Plain) -> object:
        if name == "instance":
            return _number(plain)
        if name == "heard":
            return self._heard[_number(plain)]
        if name != "now_s":
            return value(plain)
        now_s = _time_s(plain)
        if now_s < self._now_s:
            raise ValueError(f"the time goes back from {self._now_s} to {now_s}")
        self._now_s = now_s
        return now_s

    def _take_end(self, line: dict[str, Plain]) -> None:
        if line["end"] != len(self._inputs):
            raise ValueError(f"there are {len(self._inputs)} inputs, and there should be {line['end']}")
        self._is_drained = bool(line["is_drained"])

    def _refuse(self, what: str) -> NoReturn:
        raise RecordingError(f"line {self._number}: {what}; {REMEDY}")


TIME_MAX_S = 1e10
"""Three centuries; beyond, a float no longer tells microseconds."""


def _time_s(plain: Plain) -> float:
    if isinstance(plain, int | float) and not isinstance(plain, bool) and abs(plain) < TIME_MAX_S:
        return float(plain)
    raise ValueError(f"`{plain}` is no time in seconds")


def _number(plain: Plain) -> int:
    if isinstance(plain, int) and not isinstance(plain, bool):
        return plain
    raise ValueError(f"`{plain}` is no number")


def _of_kind(found: object, *kinds: type) -> Any:
    if isinstance(found, kinds):
        return found
    raise ValueError(f"expected {' or '.join(kind.__name__ for kind in kinds)}, not {type(found).__name__}")
