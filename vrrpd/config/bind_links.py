"""`static_*`, `track_group`, `linkbeat_interfaces`, `interface_up_down_delays` and `garp_group` -> the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar, cast

from vrrpd.config.bind_address import bind_address
from vrrpd.config.bind_route import bind_route
from vrrpd.config.bind_rule import Preferences, bind_rule
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import GarpGroup, LinkDelay, Links, PolledInterface, Static, TrackGroup
from vrrpd.config.near import nearest
from vrrpd.config.settings import merged, setting
from vrrpd.config.tree import ANYTHING, Node
from vrrpd.config.values import Choice, InterfaceName, Seconds
from vrrpd.config.words import Words, read_entry

DELAY = Seconds(0, 255)
METHOD = Choice(("MII", "ETHTOOL", "IOCTL"))


class OfGroup(Protocol):
    """A static entry, which may belong to a track group."""

    @property
    def track_group(self) -> str | None: ...


T = TypeVar("T")
E = TypeVar("E", bound=OfGroup)


# -- static entries --------------------------------------------------------------------------------


def bind_static(root: Node, preferences: Preferences, report: Report) -> Static:
    """Everything that is there from start to stop. `preferences` numbers rules."""
    interface = setting(merged(root, "global_defs"), "default_interface", "eth0")
    groups = _TrackGroups(root, report)
    return Static(
        addresses=groups.bound("static_ipaddress", lambda entry: bind_address(entry, interface, report)),
        routes=groups.bound("static_routes", lambda entry: bind_route(entry, report)),
        rules=groups.bound("static_rules", lambda entry: bind_rule(entry, preferences, report)),
        track_groups=groups.groups,
    )


class _TrackGroups:
    """The track groups, and the static entries that name one. A group must stand before the block with the entry."""

    def __init__(self, root: Node, report: Report) -> None:
        self._root = root
        self._report = report
        self._order = {id(node): order for order, node in enumerate(root.children)}
        self._nodes: dict[str, Node] = {}
        for node in root.all("track_group"):
            name = cast("str", node.values[0])
            if name in self._nodes:
                report.error(
                    Code.DUPLICATE,
                    node.line,
                    1,
                    f"there is a track group `{name}` already",
                    assumed="this one is left out",
                    note=Note.at(self._nodes[name].line, 1),
                )
            else:
                self._nodes[name] = node
        self.groups = tuple(TrackGroup(printable(name), self._members(node)) for name, node in self._nodes.items())

    def bound(self, keyword: str, bind: Callable[[Line], E | None]) -> tuple[E, ...]:
        """What `bind` makes of the entries of all blocks of one name."""
        return tuple(self._bound(keyword, bind))

    def _bound(self, keyword: str, bind: Callable[[Line], E | None]) -> Iterator[E]:
        for block in self._root.all(keyword):
            for entry in block.entries:
                one = bind(entry)
                if one is not None and one.track_group is not None and not self._stands_before(one.track_group, block, entry):
                    one = replace(one, track_group=None)  # type: ignore[type-var]  # each of the three is a dataclass
                if one is not None:
                    yield one

    def _stands_before(self, name: str, block: Node, entry: Line) -> bool:
        group = self._nodes.get(name)
        if group is not None and self._order[id(group)] < self._order[id(block)]:
            return True
        if group is not None or not self._root.meant & {"track_group", ANYTHING}:
            near = nearest(name, self._nodes) if group is None and self._report.has_room() else None
            self._report.error(
                Code.UNKNOWN_NAME,
                entry,
                entry.words.index("track_group") + 1,
                f"there is no track group `{name}`" if group is None else f"track group `{name}` is defined below",
                assumed="the entry is in no group",
                advice=f"did you mean `{near}`?" if near else "a `track_group` stands before what uses it",
            )
        return False

    def _members(self, group: Node) -> tuple[str, ...]:
        instances = {cast("str", node.values[0]): node for node in self._root.all("vrrp_instance")}
        members = []
        for entry in (entry for block in group.all("group") for entry in block.entries):
            for index, name in enumerate(entry.words):
                if name in instances:
                    members.append(printable(name))
                elif not is_undefined(name) and not self._root.meant & {"vrrp_instance", ANYTHING}:
                    near = nearest(name, instances) if self._report.has_room() else None
                    self._report.error(
                        Code.UNKNOWN_NAME,
                        entry,
                        index,
                        f"there is no virtual router `{name}`",
                        assumed="it is left out",
                        advice=f"did you mean `{near}`?" if near else None,
                    )
        return tuple(dict.fromkeys(members))


# -- interfaces --------------------------------------------------------------------------------


def bind_links(root: Node, report: Report) -> Links:
    """Settings of interfaces."""
    return Links(
        polled=_per_interface(root, "linkbeat_interfaces", _polled, report),
        delays=_per_interface(root, "interface_up_down_delays", _delay, report),
        garp_groups=tuple(group for node in root.all("garp_group") if (group := _garp_group(node, report))),
    )


def _per_interface(root: Node, keyword: str, read: Callable[[Words], T], report: Report) -> tuple[T, ...]:
    """One for each interface; of several for one, the last holds."""
    bound: dict[str, T] = {}
    for entry in (entry for block in root.all(keyword) for entry in block.entries):
        one = read_entry(Words(entry), read, "line", report)
        if one is not None:
            bound[entry.words[0]] = one
    return tuple(bound.values())


def _polled(words: Words) -> PolledInterface:
    """`INTERFACE [MII|ETHTOOL|IOCTL]`"""
    interface = InterfaceName().read(words.take())
    return PolledInterface(interface, METHOD.read(words.take()) if words.next else None)


def _delay(words: Words) -> LinkDelay:
    """`INTERFACE DOWN [UP]`: one value is for both."""
    interface = InterfaceName().read(words.take())
    down_s = words.read(DELAY.read)
    return LinkDelay(interface, down_s, DELAY.read(words.take()) if words.next else down_s)


def _garp_group(node: Node, report: Report) -> GarpGroup | None:
    garp_s = setting(node, "garp_interval", cast("float | None", None))
    neighbour_s = setting(node, "gna_interval", cast("float | None", None))
    if garp_s is None and neighbour_s is None:
        if not node.mentions("garp_interval") and not node.mentions("gna_interval"):
            report.error(
                Code.MISSING_SETTING,
                node.line,
                0,
                "a `garp_group` needs a `garp_interval` or a `gna_interval`",
                assumed="the group is left out",
            )
        return None
    return GarpGroup(tuple(_garp_interfaces(node, report)), garp_s, neighbour_s)


def _garp_interfaces(node: Node, report: Report) -> list[str]:
    single = [cast("str", one.values[0]) for one in node.all("interface")]
    entries = [entry for block in node.all("interfaces") for entry in block.entries]
    several = [read_entry(Words(entry), lambda words: InterfaceName().read(words.take()), "line", report) for entry in entries]
    return list(dict.fromkeys([*single, *(name for name in several if name is not None)]))
