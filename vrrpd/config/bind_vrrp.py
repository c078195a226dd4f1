"""`vrrp_instance` -> :class:`vrrpd.config.model.VirtualRouter`.

A virtual router that would behave differently towards others than its configuration asks for is left out, with one error; the
rest of the file is used.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import cast

from vrrpd.config.bind_address import bind_address
from vrrpd.config.bind_daemon import address, flag, merged, setting, switch
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import Line
from vrrpd.config.model import (
    VRRP_GROUP,
    Announcements,
    Authentication,
    AuthenticationType,
    HandOver,
    VirtualAddress,
    VirtualRouter,
)
from vrrpd.config.tree import Node

PASSWORD_OCTETS_MAX = 8
"""RFC 2338 section 5.3.10."""
ADDRESSES_MAX = 255
"""The advert's count of addresses is one octet (RFC 3768 section 5.3.5)."""
OWNER = 255
DEFAULT_PRIORITY = 100


def bind_virtual_routers(root: Node, report: Report) -> tuple[VirtualRouter, ...]:
    """All virtual routers that can run as configured."""
    settings = merged(root, "global_defs")
    hand_over = HandOver(setting(merged(root, "vrrpd"), "hand_over", HandOver.MAKE_BEFORE_BREAK.value))
    in_groups = _sync_group_members(root, report)
    bound: list[VirtualRouter] = []
    seen: dict[object, Node] = {}
    for node in root.all("vrrp_instance"):
        router = _bind(node, settings, report)
        if router is None or _is_duplicate(node, router, seen, report) or router.name in in_groups:
            continue
        bound.append(replace(router, hand_over=hand_over))
    return tuple(bound)


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
    return frozenset(members)


def _is_duplicate(node: Node, router: VirtualRouter, seen: dict[object, Node], report: Report) -> bool:
    """Whether a name, or a virtual router id on one interface, was given to an earlier one; says so."""
    keys: dict[object, str] = {
        router.name: f"name `{router.name}`",
        (router.interface, router.virtual_router_id): f"virtual_router_id {router.virtual_router_id} on {router.interface}",
    }
    for key, what in keys.items():
        if key in seen:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"the {what} is used already, at line {seen[key].line.number}",
                assumed="this virtual router is left out",
            )
            return True
    seen.update(dict.fromkeys(keys, node))
    return False


def _bind(node: Node, settings: Node, report: Report) -> VirtualRouter | None:
    name = cast("str", node.values[0])
    if not _is_possible(node, name, settings, report):
        return None
    interface = setting(node, "interface", "")
    router = VirtualRouter(
        name=printable(name),
        interface=interface,
        virtual_router_id=setting(node, "virtual_router_id", 0),
        priority=_priority(node),
        position=node.line.position(),
        starts_as_master=setting(node, "state", "BACKUP") == "MASTER",
        advert_interval_s=_advert_interval(node, report),
        down_timer_adverts=setting(node, "down_timer_adverts", setting(settings, "vrrp_down_timer_adverts", 3)),
        authentication=_authentication(node, report),
        source_address=cast("IPv4Address | None", address(node, "mcast_src_ip") or address(node, "unicast_src_ip")),
        multicast_group=cast(
            "IPv4Address", address(node, "mcast_dst_ip") or address(settings, "vrrp_mcast_group4") or VRRP_GROUP
        ),
        announcements=_announcements(node, settings),
        higher_priority_send_advert=switch(
            node, "higher_prio_send_advert", switch(settings, "vrrp_higher_prio_send_advert", default=False)
        ),
        lower_priority_no_advert=switch(
            node, "lower_prio_no_advert", switch(settings, "vrrp_lower_prio_no_advert", default=False)
        ),
        smtp_alert=switch(
            node, "smtp_alert", switch(settings, "smtp_alert_vrrp", switch(settings, "smtp_alert", default=False))
        ),
    )
    return _with_addresses(_with_preemption(router, node, report), node, report)


# -- what makes a virtual router impossible --------------------------------------------------------------------------------


def _is_possible(node: Node, name: str, settings: Node, report: Report) -> bool:
    """Whether the virtual router can run as configured; says what prevents it, unless that was said before."""
    left_out = f"virtual router `{name}` is left out"
    for needed in ("interface", "virtual_router_id"):
        if node.last(needed) is None:
            if not node.mentions(needed):
                report.error(Code.MISSING_SETTING, node.line, 1, f"virtual router `{name}` has no `{needed}`", assumed=left_out)
            return False
    obstacle = _not_built(node, settings) or _other_family(node, settings)
    if obstacle is not None:
        line, code, message = obstacle
        report.error(code, line, 0, message, assumed=left_out)
    return obstacle is None


Obstacle = tuple[Line, Code, str]


def _not_built(node: Node, settings: Node) -> Obstacle | None:
    """What is not built and would show on the wire."""
    if node.refusal is not None:
        return node.refusal.line, Code.NOT_BUILT, f"`{node.refusal.keyword.name}` is not built yet"
    version = node.last("version") or settings.last("vrrp_version")
    if version is not None and version.values[0] != 2:
        return version.line, Code.NOT_BUILT, f"VRRP version {version.values[0]} is not built yet"
    authentication = _authentication_settings(node)
    kind = authentication.last("auth_type")
    if kind is not None and kind.values[0] == "AH":
        return kind.line, Code.NOT_BUILT, "authentication `AH` is not built yet"
    if kind is not None and switch(node, "strict_mode", switch(settings, "vrrp_strict", default=False)):
        return kind.line, Code.CONFLICT, "strict mode allows no authentication"
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
    for name in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for entry in (entry for block in node.all(name) for entry in block.entries):
            if ":" in entry.words[0]:
                return entry, Code.NOT_BUILT, "virtual addresses of IPv6 are not built yet"
    return None


# -- settings --------------------------------------------------------------------------------


def _priority(node: Node) -> int:
    """100; 255 for a MASTER that names none."""
    master = setting(node, "state", "BACKUP") == "MASTER"
    return setting(node, "priority", OWNER if master and not node.mentions("priority") else DEFAULT_PRIORITY)


def _advert_interval(node: Node, report: Report) -> float:
    """Version 2 counts whole seconds (RFC 3768 section 5.3.7)."""
    interval_s = setting(node, "advert_int", 1.0)
    whole_s = float(max(1, int(interval_s + 0.5)))
    found = node.last("advert_int")
    if found is not None and whole_s != interval_s:
        report.warning(
            Code.REDUCED, found.line, 1, f"version 2 knows whole seconds only, not {interval_s:g}", assumed=f"{whole_s:g} s"
        )
    return whole_s


def _authentication_settings(node: Node) -> Node:
    return merged(node, "authentication")


def _authentication(node: Node, report: Report) -> Authentication:
    settings = _authentication_settings(node)
    kind, given = settings.last("auth_type"), settings.last("auth_pass")
    if kind is None:
        if given is not None and not settings.mentions("auth_type"):
            report.warning(
                Code.AUTHENTICATION_INCOMPLETE,
                given.line,
                0,
                "`auth_pass` without `auth_type` has no effect",
                assumed="no authentication",
            )
        return Authentication()
    if given is None:
        if not settings.mentions("auth_pass"):
            report.error(
                Code.AUTHENTICATION_INCOMPLETE,
                kind.line,
                0,
                "`auth_type` without `auth_pass`",
                assumed="no authentication",
                advice="add `auth_pass PASSWORD`",
            )
        return Authentication()
    password = cast("str", given.values[0]).encode("utf-8", "surrogateescape")
    if len(password) > PASSWORD_OCTETS_MAX:
        password = password[:PASSWORD_OCTETS_MAX]
        report.warning(
            Code.REDUCED,
            given.line,
            1,
            f"a password has {PASSWORD_OCTETS_MAX} octets at most",
            assumed=f"its first {PASSWORD_OCTETS_MAX} octets",
        )
    return Authentication(AuthenticationType.PASS, password)


def _with_preemption(router: VirtualRouter, node: Node, report: Report) -> VirtualRouter:
    """`nopreempt` and `preempt_delay`, which a configured master cannot have."""
    last = next((one.name for one in reversed(node.children) if one.sound and one.name in {"preempt", "nopreempt"}), "preempt")
    preempt = last == "preempt"
    delay_s = setting(node, "preempt_delay", 0.0)
    if not preempt and (router.starts_as_master or router.priority == OWNER):
        who = "`state MASTER`" if router.starts_as_master else "the owner of the addresses"
        _cleared(node, "nopreempt", f"{who} cannot have `nopreempt`", report)
        preempt = True
    if delay_s and (router.starts_as_master or not preempt):
        _cleared(node, "preempt_delay", f"`{'state MASTER' if preempt else 'nopreempt'}` leaves nothing to delay", report)
        delay_s = 0.0
    return replace(router, preempt=preempt, preempt_delay_s=delay_s)


def _cleared(node: Node, name: str, message: str, report: Report) -> None:
    found = node.last(name)
    assert found is not None
    report.warning(Code.CONFLICT, found.line, 0, message, assumed="it is left out")


def _announcements(node: Node, settings: Node) -> Announcements:
    """The instance's garp_* settings, else the global ones, else the defaults; `vrrp_min_garp` lowers those."""
    least = switch(settings, "vrrp_min_garp", default=False)

    def chosen(name: str, default: int) -> int:
        return setting(node, name, setting(settings, f"vrrp_{name}", default))

    delay = chosen("garp_master_delay", 0 if least else 5)
    times = chosen("garp_master_repeat", 1 if least else 5)
    return Announcements(
        delay_s=float(delay),
        repeat=times,
        refresh_s=float(chosen("garp_master_refresh", 0)),
        refresh_repeat=chosen("garp_master_refresh_repeat", 0 if least else 1),
        lower_priority_delay_s=float(chosen("garp_lower_prio_delay", delay)),
        lower_priority_repeat=chosen("garp_lower_prio_repeat", times),
    )


# -- addresses --------------------------------------------------------------------------------


def _with_addresses(router: VirtualRouter, node: Node, report: Report) -> VirtualRouter:
    seen: set[object] = set()
    addresses = _addresses(node, "virtual_ipaddress", router.interface, seen, report)
    excluded = _addresses(node, "virtual_ipaddress_excluded", router.interface, seen, report)
    if not addresses and not flag(node, "no_virtual_ipaddress") and not node.mentions("virtual_ipaddress"):
        report.warning(
            Code.MISSING_SETTING, node.line, 1, f"virtual router `{router.name}` has no virtual address", assumed="it has none"
        )
    if len(addresses) > ADDRESSES_MAX:
        report.warning(
            Code.REDUCED,
            node.line,
            1,
            f"an advert carries {ADDRESSES_MAX} addresses at most, and `{router.name}` has {len(addresses)}",
            assumed="the further ones count as excluded",
        )
        excluded = addresses[ADDRESSES_MAX:] + excluded
    return replace(router, addresses=tuple(addresses[:ADDRESSES_MAX]), excluded_addresses=tuple(excluded))


def _addresses(node: Node, name: str, interface: str, seen: set[object], report: Report) -> list[VirtualAddress]:
    addresses = []
    for entry in (entry for block in node.all(name) for entry in block.entries):
        bound = bind_address(entry, interface, report)
        if bound is None:
            continue
        if bound.address in seen:
            report.error(Code.DUPLICATE, entry, 0, f"{bound.address} is there already", assumed="it is left out")
            continue
        seen.add(bound.address)
        addresses.append(bound)
    return addresses
