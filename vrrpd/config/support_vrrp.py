"""Which virtual routers this version runs: those that behave towards others as their configuration asks."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import Any, cast

from vrrpd.config.bind_address import options
from vrrpd.config.declaration import Effect
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import Line
from vrrpd.config.model import AuthenticationType, VirtualAddress, VirtualRouter
from vrrpd.config.settings import merged
from vrrpd.config.tree import Node

ADDRESS_BLOCKS = ("virtual_ipaddress", "virtual_ipaddress_excluded")
ADDRESS_OPTIONS_BUILT = frozenset({"brd", "dev", "scope", "label"})
ADDRESS_FIELDS_NOT_BUILT = (
    "peer", "home", "duplicate_detection", "manages_temporary_addresses", "no_prefix_route", "joins_groups", "tracked",
    "preferred_lifetime_s", "virtual_mac", "track_group",
)  # fmt: skip
ROUTER_FIELDS_NOT_BUILT = (
    "strict", "accept", "owner_ignores_adverts", "stalled_master_yields_to", "track_source_address", "skip_address_check",
    "checksum_as_v2", "receive_buffer_octets", "promote_secondaries", "linkbeat_polling", "track_primary", "may_lack_addresses",
    "routes", "rules", "tracking", "notification", "lvs_sync_interface",
)  # fmt: skip
ANNOUNCEMENT_FIELDS_NOT_BUILT = ("extra_s", "extra_everywhere")

Obstacle = tuple[Line, Code, str]


def runnable_virtual_routers(written: tuple[VirtualRouter, ...], root: Node, report: Report) -> tuple[VirtualRouter, ...]:
    """The virtual routers that run as configured; says of every other one what prevents it."""
    settings = merged(root, "global_defs")
    in_groups = _sync_group_members(root, report)
    nodes = {(printable(cast("str", node.values[0])), node.line.position()): node for node in root.all("vrrp_instance")}
    possible = []
    for router in written:
        node = nodes[router.name, router.position]
        obstacle = _obstacle(router, node, settings)
        if obstacle is not None:
            line, code, message = obstacle
            report.error(code, line, 0, message, assumed=f"virtual router `{router.name}` is left out")
            continue
        _say_which_address_options_have_no_effect(node, report)
        if router.name not in in_groups:
            possible.append(_without_what_is_not_built(router))
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


def _obstacle(router: VirtualRouter, node: Node, settings: Node) -> Obstacle | None:
    """What is not built and would show on the wire."""
    refused = next((child for child in node.children if _is_refused(child, router)), None)
    if refused is not None:
        return refused.line, Code.NOT_BUILT, f"`{refused.keyword.name}` is not built yet"
    written = node.last("version") or settings.last("vrrp_version")
    if router.version != 2 and router.family == 4 and written is not None:
        return written.line, Code.NOT_BUILT, f"VRRP version {router.version} is not built yet"
    if router.authentication.type is AuthenticationType.AH:
        kind = merged(node, "authentication").last("auth_type")
        return (kind or node).line, Code.NOT_BUILT, "authentication `AH` is not built yet"
    of_ipv6 = next((entry for entry in _address_entries(node) if ":" in entry.words[0]), node.line)
    if router.family == 6:
        return of_ipv6, Code.NOT_BUILT, "virtual routers of IPv6 are not built yet"
    if any(one.address.version == 6 for one in router.excluded_addresses):
        return of_ipv6, Code.NOT_BUILT, "virtual addresses of IPv6 are not built yet"
    return None


def _is_refused(setting: Node, router: VirtualRouter) -> bool:
    """Whether a setting cannot be ignored; `native_ipv6` means nothing in a virtual router of IPv4, which was said there."""
    return setting.keyword.effect is Effect.REFUSED and (setting.name != "native_ipv6" or router.family == 6)


def _without_what_is_not_built(router: VirtualRouter) -> VirtualRouter:
    return replace(
        router,
        addresses=tuple(map(_address, router.addresses)),
        excluded_addresses=tuple(map(_address, router.excluded_addresses)),
        announcements=replace(router.announcements, **_defaults(router.announcements, ANNOUNCEMENT_FIELDS_NOT_BUILT)),
        **_defaults(router, ROUTER_FIELDS_NOT_BUILT),
    )


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


def _address_entries(node: Node) -> list[Line]:
    return [entry for name in ADDRESS_BLOCKS for block in node.all(name) for entry in block.entries]
