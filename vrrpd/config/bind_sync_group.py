"""`vrrp_sync_group` -> :class:`vrrpd.config.model.SyncGroup`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from vrrpd.config.bind_notification import bind_notification
from vrrpd.config.bind_tracked import Definitions
from vrrpd.config.bind_tracking import Tracks, bind_tracking
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import SyncGroup, Tracker, Tracking
from vrrpd.config.near import nearest
from vrrpd.config.settings import flag, merged, switch
from vrrpd.config.tree import ANYTHING, Node


class Membership:
    """Which virtual router is in which sync group; members may be defined before their group or behind it."""

    def __init__(self, root: Node, report: Report) -> None:
        self._report = report
        self._root = root
        self._instances = {cast("str", node.values[0]): node for node in root.all("vrrp_instance")}
        self._mentioned = {word for child in root.children if child.name == "vrrp_instance" for word in child.line.words}
        self._group_of: dict[str, tuple[Node, Line]] = {}
        self.members: dict[int, tuple[str, ...]] = {}
        """Of each group, by the identity of its node."""
        for node in root.all("vrrp_sync_group"):
            self.members[id(node)] = tuple(self._members(node))

    def forbids_weights(self, instance: str) -> str | None:
        """The name of the sync group that lets nothing change this virtual router's priority."""
        group = self._group_of.get(instance, (None, None))[0]
        if group is None or flag(group, "sync_group_tracking_weight"):
            return None
        return printable(cast("str", group.values[0]))

    def _members(self, group: Node) -> Iterator[str]:
        for entry in (entry for block in group.all("group") for entry in block.entries):
            for index, name in enumerate(entry.words):
                if is_undefined(name) or not self._is_known(name, entry, index):
                    continue
                if name in self._group_of:
                    other, place = self._group_of[name]
                    what = "this sync group" if other is group else f"sync group `{other.values[0]}`"
                    self._report.error(
                        Code.DUPLICATE,
                        entry,
                        index,
                        f"`{name}` is in {what} already",
                        assumed="it is left out here",
                        note=Note.at(place),
                    )
                    continue
                self._group_of[name] = group, entry.part(index, index + 1)
                yield printable(name)

    def _is_known(self, name: str, entry: Line, index: int) -> bool:
        if name in self._instances:
            return True
        if name in self._mentioned or self._root.meant & {"vrrp_instance", ANYTHING}:
            return False
        near = nearest(name, self._instances) if self._report.has_room() else None
        self._report.error(
            Code.UNKNOWN_NAME,
            entry,
            index,
            f"there is no virtual router `{name}`",
            assumed="it is left out",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return False


def bind_sync_groups(
    root: Node, membership: Membership, sound: frozenset[str], definitions: Definitions, report: Report
) -> tuple[SyncGroup, ...]:
    """All sync groups with members; `sound` are the names of the virtual routers that there are."""
    settings = merged(root, "global_defs")
    groups: dict[str, SyncGroup] = {}
    first: dict[str, Node] = {}
    for node in root.all("vrrp_sync_group"):
        name = printable(cast("str", node.values[0]))
        if name in groups:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"there is a sync group `{name}` already",
                assumed="this one is left out",
                note=Note.at(first[name].line, 1),
            )
            continue
        members = tuple(member for member in membership.members[id(node)] if member in sound)
        if _is_sound(node, name, members, report):
            groups[name], first[name] = _bind(node, name, members, settings, definitions, report), node
    return tuple(groups.values())


def _is_sound(node: Node, name: str, members: tuple[str, ...], report: Report) -> bool:
    """Whether there is anybody to keep together; where it is one alone, that is probably not what was meant."""
    listed = any(block.entries for block in node.all("group"))
    if not listed and not node.meant and not any(child.name == "group" and not child.sound for child in node.children):
        report.error(
            Code.MISSING_SETTING, node.line, 1, f"sync group `{name}` has no members", assumed="the sync group is left out"
        )
    elif len(members) == 1 and sum(len(entry.words) for block in node.all("group") for entry in block.entries) == 1:
        report.warning(
            Code.MISSING_SETTING,
            node.line,
            1,
            f"sync group `{name}` has one member only",
            assumed="a group of one",
            advice="name the virtual routers that are to change state together",
        )
    return bool(members)


def _bind(
    node: Node, name: str, members: tuple[str, ...], settings: Node, definitions: Definitions, report: Report
) -> SyncGroup:
    weights = flag(node, "sync_group_tracking_weight")
    tracking = bind_tracking(Tracks(node, definitions, report))
    return SyncGroup(
        name=name,
        members=members,
        position=node.line.position(),
        tracking=tracking if weights else _weightless(tracking),
        tracking_weight=weights,
        notification=bind_notification(node, settings, report),
        smtp_alert=switch(
            node, "smtp_alert", switch(settings, "smtp_alert_vrrp", switch(settings, "smtp_alert", default=False))
        ),
    )


def _weightless(tracking: Tracking) -> Tracking:
    """What a group tracks puts all its members into FAULT, whatever weight its definition gives it."""

    def each(trackers: tuple[Tracker, ...]) -> tuple[Tracker, ...]:
        return tuple(replace(one, weight=0) for one in trackers)

    return Tracking(
        interfaces=each(tracking.interfaces),
        scripts=each(tracking.scripts),
        files=each(tracking.files),
        processes=each(tracking.processes),
        bfd_sessions=each(tracking.bfd_sessions),
    )
