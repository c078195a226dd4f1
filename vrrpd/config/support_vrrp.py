"""Which virtual routers this version runs: those that behave towards others as their configuration asks."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any, cast

from vrrpd.config.bind_address import options
from vrrpd.config.declaration import Effect
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import Line
from vrrpd.config.model import Notification, SyncGroup, Tracking, Unicast, VirtualAddress, VirtualRouter
from vrrpd.config.tree import Node

ADDRESS_BLOCKS = ("virtual_ipaddress", "virtual_ipaddress_excluded")
ADDRESS_OPTIONS_BUILT = frozenset(
    {
        "brd", "dev", "scope", "label", "peer", "home", "-nodad", "nodad", "mngtmpaddr", "noprefixroute", "autojoin",
        "preferred_lft", "deprecated",
    }
)  # fmt: skip
ADDRESS_FIELDS_NOT_BUILT = ("tracked", "virtual_mac", "track_group")
ROUTER_FIELDS_NOT_BUILT = (
    "strict", "accept", "track_source_address", "promote_secondaries", "linkbeat_polling", "may_lack_addresses",
    "routes", "rules", "notification", "lvs_sync_interface",
)  # fmt: skip
TRACKING_NOT_BUILT = ("scripts", "files", "processes", "bfd_sessions")
ANNOUNCEMENT_FIELDS_NOT_BUILT = ("extra_s", "extra_everywhere")


def runnable_virtual_routers(
    written: tuple[VirtualRouter, ...], groups: tuple[SyncGroup, ...], root: Node, report: Report
) -> tuple[VirtualRouter, ...]:
    """The virtual routers that run as configured; says of every other one what prevents it."""
    nodes = {(printable(cast("str", node.values[0])), node.line.position()): node for node in root.all("vrrp_instance")}
    possible = []
    for router in written:
        node = nodes[router.name, router.position]
        refused = next((child for child in node.children if child.keyword.effect is Effect.REFUSED), None)
        if refused is not None:
            message = f"`{refused.keyword.name}` is not built yet"
            report.error(Code.NOT_BUILT, refused.line, 0, message, assumed=f"virtual router `{router.name}` is left out")
            continue
        _say_which_address_options_have_no_effect(node, report)
        _say_that_packets_are_accepted(router, node, report)
        possible.append(_without_what_is_not_built(router))
    split = _members_of_split_groups(
        {router.name for router in written}, {router.name for router in possible}, groups, root, report
    )
    return tuple(router for router in possible if router.name not in split)


def _members_of_split_groups(
    written: set[str], possible: set[str], groups: tuple[SyncGroup, ...], root: Node, report: Report
) -> set[str]:
    """Those of whose sync group another member is left out: what must change state together does not run alone."""
    lines = {node.line.position(): node.line for node in root.all("vrrp_sync_group")}
    split: set[str] = set()
    for group in groups:
        lost = [member for member in group.members if member in written - possible]
        others = [member for member in group.members if member in possible]
        if lost and others:
            split.update(others)
            report.error(
                Code.NOT_BUILT,
                lines[group.position],
                1,
                f"a member of sync group `{group.name}` is left out",
                assumed=f"virtual router {', '.join(f'`{name}`' for name in others)} is left out, too",
            )
    return split


def runnable_sync_groups(written: tuple[SyncGroup, ...], routers: tuple[VirtualRouter, ...]) -> tuple[SyncGroup, ...]:
    """The sync groups whose members run."""
    names = {router.name for router in routers}
    return tuple(
        replace(group, tracking=_tracking(group.tracking), notification=Notification())
        for group in written
        if names.intersection(group.members)
    )


def _without_what_is_not_built(router: VirtualRouter) -> VirtualRouter:
    return replace(
        router,
        addresses=tuple(map(_address, router.addresses)),
        excluded_addresses=tuple(map(_address, router.excluded_addresses)),
        tracking=_tracking(router.tracking),
        unicast=_unicast(router.unicast),
        announcements=replace(router.announcements, **_defaults(router.announcements, ANNOUNCEMENT_FIELDS_NOT_BUILT)),
        **_defaults(router, ROUTER_FIELDS_NOT_BUILT),
    )


def _tracking(written: Tracking) -> Tracking:
    return replace(written, **_defaults(written, TRACKING_NOT_BUILT))


def _unicast(written: Unicast | None) -> Unicast | None:
    """Without `unicast_fault_no_peer` one that has no peers speaks to its group."""
    return replace(written, fault_without_peer=False) if written is not None and written.peers else None


def _address(written: VirtualAddress) -> VirtualAddress:
    return replace(written, **_defaults(written, ADDRESS_FIELDS_NOT_BUILT))


def _defaults(instance: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What the fields of these names hold where nobody says anything."""
    return {
        field.name: field.default_factory() if field.default_factory is not MISSING else field.default
        for field in fields(instance)
        if field.name in names
    }


def _say_which_address_options_have_no_effect(node: Node, report: Report) -> None:
    for entry in _address_entries(node):
        for index, option in options(entry):
            if option not in ADDRESS_OPTIONS_BUILT:
                report.warning(Code.NO_EFFECT, entry, index, f"`{option}` has no effect yet", assumed="it is left out")


def _say_that_packets_are_accepted(router: VirtualRouter, node: Node, report: Report) -> None:
    """Of strict mode all is built but this; of `no_accept` it is said where that stands."""
    if router.strict and not router.accept and node.last("no_accept") is None:
        line = (node.last("strict_mode") or node).line
        message = "strict mode drops packets to the virtual addresses, which is not built yet"
        report.warning(Code.NO_EFFECT, line, 0, message, assumed="they are accepted")


def _address_entries(node: Node) -> list[Line]:
    return [entry for name in ADDRESS_BLOCKS for block in node.all(name) for entry in block.entries]
