"""Which virtual routers this version runs: those that behave towards others as their configuration asks."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import cast

from vrrpd.config.bind_address import options
from vrrpd.config.declaration import Effect
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import Line
from vrrpd.config.model import VirtualRouter
from vrrpd.config.settings import merged
from vrrpd.config.tree import Node

ADDRESS_OPTIONS_BUILT = frozenset({"brd", "dev", "scope", "label"})
ADDRESS_BLOCKS = ("virtual_ipaddress", "virtual_ipaddress_excluded")

Obstacle = tuple[Line, Code, str]


def runnable_virtual_routers(written: tuple[VirtualRouter, ...], root: Node, report: Report) -> tuple[VirtualRouter, ...]:
    """The virtual routers that run as configured; says of every other one what prevents it."""
    settings = merged(root, "global_defs")
    in_groups = _sync_group_members(root, report)
    nodes = {(printable(cast("str", node.values[0])), node.line.position()): node for node in root.all("vrrp_instance")}
    possible = []
    for router in written:
        node = nodes[router.name, router.position]
        obstacle = _not_built(node, settings) or _other_family(node, settings)
        if obstacle is not None:
            line, code, message = obstacle
            report.error(code, line, 0, message, assumed=f"virtual router `{router.name}` is left out")
            continue
        _say_which_address_options_have_no_effect(node, report)
        if router.name not in in_groups:
            possible.append(router)
    return tuple(possible)


def _sync_group_members(root: Node, report: Report) -> frozenset[str]:
    """Names of the virtual routers in sync groups. One that changed state alone would split the group, so none runs."""
    names = {cast("str", node.values[0]) for node in root.all("vrrp_instance")}
    members: set[str] = set()
    for group in root.all("vrrp_sync_group"):
        entries = [one for block in group.all("group") for entry in block.entries for one in entry.words]
        known = sorted(names.intersection(entries))
        members.update(known)
        what = f"virtual router {', '.join(f'`{name}`' for name in known)}" if known else "the group"
        report.error(Code.NOT_BUILT, group.line, 0, "`vrrp_sync_group` is not built yet", assumed=f"{what} left out")
    return frozenset(printable(name) for name in members)


def _not_built(node: Node, settings: Node) -> Obstacle | None:
    """What is not built and would show on the wire."""
    refused = next((child for child in node.children if child.keyword.effect is Effect.REFUSED), None)
    if refused is not None:
        return refused.line, Code.NOT_BUILT, f"`{refused.keyword.name}` is not built yet"
    version = node.last("version") or settings.last("vrrp_version")
    if version is not None and version.values[0] != 2:
        return version.line, Code.NOT_BUILT, f"VRRP version {version.values[0]} is not built yet"
    kind = merged(node, "authentication").last("auth_type")
    if kind is not None and kind.values[0] == "AH":
        return kind.line, Code.NOT_BUILT, "authentication `AH` is not built yet"
    return None


def _other_family(node: Node, settings: Node) -> Obstacle | None:
    """The first address of IPv6, whose adverts are of version 3."""
    settings_with_address = [
        *(one for name in ("mcast_src_ip", "unicast_src_ip", "mcast_dst_ip") for one in node.all(name)),
        *settings.all("vrrp_mcast_group4"),
    ]
    for found in settings_with_address:
        if not isinstance(found.values[0], IPv4Address):
            return found.line, Code.ADDRESS_FAMILY, f"`{found.keyword.name}` is not an IPv4 address, and IPv6 is not built yet"
    for entry in _address_entries(node):
        if ":" in entry.words[0]:
            return entry, Code.NOT_BUILT, "virtual addresses of IPv6 are not built yet"
    return None


def _say_which_address_options_have_no_effect(node: Node, report: Report) -> None:
    for entry in _address_entries(node):
        for index, option in options(entry):
            if option not in ADDRESS_OPTIONS_BUILT:
                report.warning(Code.NO_EFFECT, entry, index, f"`{option}` has no effect yet", assumed="it is left out")


def _address_entries(node: Node) -> list[Line]:
    return [entry for name in ADDRESS_BLOCKS for block in node.all(name) for entry in block.entries]
