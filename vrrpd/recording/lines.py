"""A recording as lines, each a JSON object. :mod:`vrrpd.recording.reading` reads them.

::

    {"recording": 1, "vrrpd": "0.1.0", "host": "lvs1", "unix_offset_s": ..., "why": "asked for"}
    {"instance": {"InstanceMemory": ...}}         what each virtual router remembered when it began
    {"memory": {"RouterMemory": ...}}             and all of them together
    {"input": "on_timer", "now_s": 4711.2}        a method of VrrpRouter and its arguments by their names
    {"heard": 1, "is": {"Heard": ...}}            what was read in a packet, told once
    {"input": "hear", "instance": 2, "heard": 1, "now_s": 4711.7}
    {"told": 2, "action": {"Transition": ...}}    what the virtual routers told
    {"group_transition": {"GroupTransition": ...}}
    {"fault": "ValueError: ..."}                  how the input before it failed
    {"end": 7, "is_drained": true}                how many inputs there are
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from vrrpd.protocol.vrrp_router import VrrpRouter
from vrrpd.recording.recorder import FAULT, GROUP, INPUTS, TOLD, Entry, Recording
from vrrpd.recording.values import Plain, Writer

FORMAT = 1
PARAMETERS = MappingProxyType({name: tuple(inspect.signature(getattr(VrrpRouter, name)).parameters)[1:] for name in INPUTS})
"""Of each method, without `self`."""


class NoRecordingError(Exception):
    """There is none to be had now; says why."""


@dataclass(frozen=True, slots=True)
class About:
    """Where a recording comes from."""

    version: str
    """Of the daemon."""
    host: str
    unix_offset_s: float
    """What added to its times gives Unix time."""
    why: str
    """Why it was kept."""


def lines(recording: Recording, about: About) -> Iterator[str]:
    """Made one by one, for there may be many, and who writes them may have better things to do in between."""
    return _Lines(recording, about).all()


class _Lines:
    def __init__(self, recording: Recording, about: About) -> None:
        self._recording = recording
        self._about = about
        self._writer = Writer()
        self._heard: dict[object, int] = {}
        self._inputs = 0

    def all(self) -> Iterator[str]:
        about, beginning, writer = self._about, self._recording.beginning, self._writer
        yield _line(
            {
                "recording": FORMAT,
                "vrrpd": about.version,
                "host": about.host,
                "unix_offset_s": about.unix_offset_s,
                "why": about.why,
            }
        )
        for instance in beginning.instances:
            yield _line({"instance": writer.plain(instance)})
        yield _line({"memory": writer.plain(replace(beginning, instances=()))})
        for entries, count in self._recording.chapters:
            for place in range(count):
                yield from self._of(entries[place])
        yield _line({"end": self._inputs, "is_drained": self._recording.is_drained})

    def _of(self, entry: Entry) -> Iterator[str]:
        what, *arguments = entry
        plain = self._writer.plain
        match what:
            case "hear":
                yield from self._hear(*arguments)
            case str() if what in INPUTS:
                self._inputs += 1
                named = zip(PARAMETERS[what], map(plain, arguments), strict=False)  # those with a default may be missing
                yield _line({"input": what, **dict(named)})
            case _ if what == TOLD:
                yield _line({TOLD: plain(arguments[0]), "action": plain(arguments[1])})
            case _:
                assert what in (GROUP, FAULT)
                yield _line({what: plain(arguments[0])})

    def _hear(self, instance: object, heard: object, now_s: object) -> Iterator[str]:
        self._inputs += 1
        number = self._heard.get(heard)
        if number is None:
            number = self._heard[heard] = len(self._heard) + 1
            yield _line({"heard": number, "is": self._writer.plain(heard)})
        yield _line({"input": "hear", "instance": self._writer.plain(instance), "heard": number, "now_s": now_s})


def _line(plain: Plain) -> str:
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)
