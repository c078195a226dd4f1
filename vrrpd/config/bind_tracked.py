"""`vrrp_script`, `track_file`, `vrrp_track_process` and `bfd_instance` -> :class:`vrrpd.config.model.Tracked`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Protocol, TypeVar, cast

from vrrpd.config.commands import bind_command
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.model import BfdSession, ParameterMatch, Tracked, TrackFile, TrackProcess, TrackScript
from vrrpd.config.settings import address, flag, merged, number, setting, switch
from vrrpd.config.tree import ANYTHING, Node

SCRIPT, FILE, PROCESS, BFD = "vrrp_script", "track_file", "vrrp_track_process", "bfd_instance"
BFD_NAME_MAX = 31
TTL_IPV4, TTL_IPV6 = 255, 64
"""What BFD packets are sent with where nothing else is said."""


class Weighted(Protocol):
    """What can be tracked by name."""

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def reverse(self) -> bool: ...


T = TypeVar("T", bound=Weighted)


@dataclass(frozen=True, slots=True)
class Definition:
    """One thing that can be tracked, and where it is defined: what tracks it must stand behind it."""

    weight: int
    reverse: bool
    node: Node
    order: int


class Definitions:
    """Everything in one configuration that can be tracked by name."""

    def __init__(self, root: Node, report: Report) -> None:
        self._root = root
        self._report = report
        self._order = {id(node): order for order, node in enumerate(root.children)}
        self._mentioned = {(child.name, "".join(child.line.words[1:2])) for child in root.children}
        self._known: dict[tuple[str, str], Definition] = {}
        settings = merged(root, "global_defs")
        self.tracked = Tracked(
            scripts=tuple(self._bound(SCRIPT, lambda node, name: _script(node, name, settings, report))),
            files=tuple(self._bound(FILE, lambda node, name: _file(node, name, report))),
            processes=tuple(self._bound(PROCESS, lambda node, name: _process(node, name, report))),
            bfd_sessions=tuple(self._bound(BFD, _BfdSessions(report).bind)),
        )

    def find(self, keyword: str, name: str) -> Definition | None:
        """What a `keyword` block defines under this name."""
        return self._known.get((keyword, name))

    def names(self, keyword: str) -> list[str]:
        """All names that `keyword` blocks define."""
        return [name for one, name in self._known if one == keyword]

    def mentions(self, keyword: str, name: str) -> bool:
        """Whether there is such a block, sound or not; what is wrong with it was said there."""
        return bool(self._root.meant & {keyword, ANYTHING}) or not self._mentioned.isdisjoint({(keyword, name), (keyword, "")})

    def follows(self, definition: Definition, user: Node) -> bool:
        """Whether a definition stands behind the block that uses it, and so is not seen there."""
        return definition.order > self._order[id(user)]

    def _bound(self, keyword: str, bind: Callable[[Node, str], T | None]) -> Iterator[T]:
        for node in self._root.all(keyword):
            name = cast("str", node.values[0])
            first = self._known.get((keyword, name))
            if first is not None:
                self._report.warning(
                    Code.DUPLICATE,
                    node.line,
                    1,
                    f"there is a `{keyword}` named `{name}` already",
                    assumed="the first one holds",
                    note=Note.at(first.node.line, 1),
                )
                continue
            thing = bind(node, printable(name))
            if thing is not None:
                self._known[keyword, name] = Definition(thing.weight, thing.reverse, node, self._order[id(node)])
                yield thing


def _weight(node: Node, default: int) -> tuple[int, bool]:
    found = node.last("weight")
    return (cast("int", found.values[0]), len(found.values) > 1) if found else (default, False)


def _lacks(node: Node, name: str, report: Report) -> None:
    """Say that a setting is missing without which the block is nothing."""
    if not node.mentions(name):
        what = f"`{node.keyword.name}`"
        report.error(Code.MISSING_SETTING, node.line, 1, f"this {what} has no `{name}`", assumed=f"the {what} is left out")


def _script(node: Node, name: str, settings: Node, report: Report) -> TrackScript | None:
    command = bind_command(node, "script", settings, report)
    if command is None:
        _lacks(node, "script", report)
        return None
    user = node.last("user")
    if user is not None:
        group = cast("str", user.values[1]) if len(user.values) > 1 else None
        command = replace(command, user=cast("str", user.values[0]), group=group)
    interval_s = _milliseconds(node, "interval", report) or 1.0
    weight, reverse = _weight(node, 0)
    return TrackScript(
        name=name,
        command=command,
        position=node.line.position(),
        interval_s=interval_s,
        timeout_s=_milliseconds(node, "timeout", report) or interval_s,
        weight=weight,
        reverse=reverse,
        rise=setting(node, "rise", 1),
        fall=setting(node, "fall", 1),
        fails_first=flag(node, "init_fail"),
    )


def _milliseconds(node: Node, name: str, report: Report) -> float:
    """Seconds, of which three digits behind the point count."""
    value_s = setting(node, name, 0.0)
    rounded_s = round(value_s, 3)
    found = node.last(name)
    if found is not None and rounded_s != value_s:
        report.warning(
            Code.REDUCED, found.line, 1, f"`{name}` counts milliseconds, not {value_s:g} s", assumed=f"{rounded_s:g} s"
        )
    return rounded_s


def _file(node: Node, name: str, report: Report) -> TrackFile | None:
    path = setting(node, "file", "")
    if not path:
        _lacks(node, "file", report)
        return None
    weight, reverse = _weight(node, 1)
    initial, overwrite = _initial(node, report)
    return TrackFile(name, path, node.line.position(), weight, reverse, initial, overwrite)


def _initial(node: Node, report: Report) -> tuple[int | None, bool]:
    """`init_file [VALUE] [overwrite]`: the value, None without the keyword, and whether it replaces what is there."""
    found = node.last("init_file")
    if found is None:
        return None, False
    words = found.line.words[1:]
    overwrite = "overwrite" in words
    numbers = [word for word in words if word != "overwrite"]
    try:
        return int(numbers[0]) if numbers else 0, overwrite
    except ValueError:
        index = found.line.words.index(numbers[0])
        report.error(Code.BAD_VALUE, found.line, index, f"`{numbers[0]}` is not a whole number", assumed="0")
        return 0, overwrite


def _process(node: Node, name: str, report: Report) -> TrackProcess | None:
    found = node.last("process")
    if found is None:
        _lacks(node, "process", report)
        return None
    process, *parameters = cast("list[str]", found.values)
    match = ParameterMatch.EXACT if parameters else ParameterMatch.NONE
    wanted = node.last("param_match")
    if wanted is not None:
        match = ParameterMatch(wanted.values[0] if wanted.values else "exact")
    fork_delay_s, terminate_delay_s = _delays(node)
    weight, reverse = _weight(node, 0)
    return TrackProcess(
        name=name,
        process=process,
        position=node.line.position(),
        parameters=tuple(parameters),
        match=match,
        weight=weight,
        reverse=reverse,
        quorum=setting(node, "quorum", 1),
        quorum_max=_quorum_max(node, report),
        fork_delay_s=fork_delay_s,
        terminate_delay_s=terminate_delay_s,
        full_command=flag(node, "full_command"),
    )


def _quorum_max(node: Node, report: Report) -> int | None:
    greatest = number(node, "quorum_max")
    least = setting(node, "quorum", 1)
    found = node.last("quorum_max")
    if found is None or greatest is None or greatest >= least:
        return greatest
    report.error(
        Code.CONFLICT, found.line, 1, f"`quorum_max {greatest}` is less than `quorum {least}`", assumed="there is no greatest"
    )
    return None


def _delays(node: Node) -> tuple[float, float]:
    """`delay` sets both; of those that set one and the same, the last holds."""
    fork_s = terminate_s = 0.0
    for child in node.children:
        if not child.sound or child.name not in {"delay", "fork_delay", "terminate_delay"}:
            continue
        seconds = cast("float", child.values[0])
        fork_s = fork_s if child.name == "terminate_delay" else seconds
        terminate_s = terminate_s if child.name == "fork_delay" else seconds
    return fork_s, terminate_s


class _BfdSessions:
    """Binds sessions one after the other; no two may have the same ends."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._ends: dict[object, Node] = {}

    def bind(self, node: Node, name: str) -> BfdSession | None:
        """The session, or None where its ends are not sound."""
        neighbour, source = address(node, "neighbor_ip"), address(node, "source_ip")
        if neighbour is None:
            _lacks(node, "neighbor_ip", self._report)
            return None
        left_out = "the `bfd_instance` is left out"
        if len(name) > BFD_NAME_MAX:
            message = f"`{name[:BFD_NAME_MAX]}…` has more than {BFD_NAME_MAX} characters"
            self._report.error(Code.BAD_VALUE, node.line, 1, message, assumed=left_out)
            return None
        found = node.last("source_ip")
        if found is not None and source is not None and source.version != neighbour.version:
            message = f"{source} and {neighbour} are of two families"
            self._report.error(Code.ADDRESS_FAMILY, found.line, 1, message, assumed=left_out)
            return None
        multihop = bool(switch(node, "multihop", default=False))
        ends = (neighbour, source, multihop)
        if ends in self._ends:
            note = Note.at(self._ends[ends].line, 1)
            message = f"there is a session with {neighbour} already"
            self._report.error(Code.DUPLICATE, node.line, 1, message, assumed=left_out, note=note)
            return None
        self._ends[ends] = node
        ttl = setting(node, "ttl", TTL_IPV4 if isinstance(neighbour, IPv4Address) else TTL_IPV6)
        weight, reverse = _weight(node, 0)
        for_routers, for_checks = flag(node, "vrrp"), flag(node, "checker")
        return BfdSession(
            name=name,
            neighbour=neighbour,
            ttl=ttl,
            position=node.line.position(),
            source=source,
            min_rx_ms=setting(node, "min_rx", 10.0),
            min_tx_ms=setting(node, "min_tx", 10.0),
            idle_tx_ms=setting(node, "idle_tx", 1000.0),
            multiplier=setting(node, "multiplier", 5),
            passive=flag(node, "passive"),
            max_hops=self._max_hops(node, ttl),
            multihop=multihop,
            weight=weight,
            reverse=reverse,
            for_routers=for_routers or not for_checks,
            for_checks=for_checks or not for_routers,
        )

    def _max_hops(self, node: Node, ttl: int) -> int | None:
        hops = setting(node, "max_hops", 0)
        found = node.last("max_hops")
        if found is not None and hops > ttl:
            self._report.warning(
                Code.REDUCED, found.line, 1, f"a packet sent with a TTL of {ttl} cannot come {hops} hops", assumed=f"{ttl}"
            )
            return ttl
        return None if hops < 0 else hops
