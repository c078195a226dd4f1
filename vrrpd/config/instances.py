"""Virtual routers with the names and values of keepalived's JSON dump, as far as a file that nobody runs can tell them.

What only a running router knows is not here: its state, its effective priority, its counters, and which addresses it holds.
"""

from __future__ import annotations

from vrrpd.config.model import Command, Route, Rule, Tracked, Tracker, VirtualAddress, VirtualRouter

SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
"""RT_SCOPE_* of include/uapi/linux/rtnetlink.h."""


def as_keepalived(router: VirtualRouter, tracked: Tracked) -> dict[str, object]:
    """The `data` of one virtual router; times in seconds. As in the dump, commands and lists that are empty are absent."""
    announcements, notification, link = router.announcements, router.notification, router.virtual_interface
    data: dict[str, object] = {
        "iname": router.name,
        "dont_track_primary": not router.track_primary,
        "skip_check_adv_addr": router.skip_address_check,
        "strict_mode": router.strict,
        "vmac_ifname": link.interface if link else "",
        "ifp_ifname": link.interface if link else router.interface,
        "garp_delay": announcements.delay_s,
        "garp_refresh": announcements.refresh_s,
        "garp_rep": announcements.repeat,
        "garp_refresh_rep": announcements.refresh_repeat,
        "garp_lower_prio_delay": announcements.lower_priority_delay_s,
        "garp_lower_prio_rep": announcements.lower_priority_repeat,
        "lower_prio_no_advert": router.lower_priority_no_advert,
        "higher_prio_send_advert": router.higher_priority_send_advert,
        "vrid": router.virtual_router_id,
        "base_priority": router.priority,
        "promote_secondaries": router.promote_secondaries,
        "adver_int": router.advert_interval_s,
        "accept": router.accept,
        "nopreempt": not router.preempt,
        "preempt_delay": router.preempt_delay_s,
        "version": router.version,
        "smtp_alert": router.smtp_alert,
        "notify_deleted": notification.deleted,
        "auth_type": router.authentication.type.value,
    }
    commands = {
        "script_backup": notification.backup,
        "script_master": notification.master,
        "script_fault": notification.fault,
        "script_stop": notification.stop,
        "script": notification.any,
        "script_master_rx_lower_pri": notification.lower_priority_heard,
    }
    data |= {name: _command(command) for name, command in commands.items() if command}
    lists = {
        "vips": [_address(one, router) for one in router.addresses],
        "evips": [_address(one, router) for one in router.excluded_addresses],
        "vroutes": [_route(one) for one in router.routes],
        "vrules": [_rule(one) for one in router.rules],
        "track_ifp": [one.name for one in router.tracking.interfaces],
        "track_script": [_script(one, tracked) for one in router.tracking.scripts],
        "track_process": [one.name for one in router.tracking.processes],
    }
    return data | {name: some for name, some in lists.items() if some}


def _command(command: Command) -> str:
    """Each word in quotes; `</file` is no command but asks whether the file can be opened."""
    if command.words[0].startswith("<"):
        return " ".join(command.words)
    return " ".join(f"'{word}'" for word in command.words)


def _script(tracker: Tracker, tracked: Tracked) -> str:
    """The command of a tracked script, which keepalived shows in place of its name."""
    return next((_command(script.command) for script in tracked.scripts if script.name == tracker.name), tracker.name)


def _address(address: VirtualAddress, router: VirtualRouter) -> str:
    """An address with its options. One on a virtual interface is shown with the interface below."""
    link = router.virtual_interface
    is_whole = address.prefix_length == address.address.max_prefixlen
    words = [str(address.address) if is_whole else f"{address.address}/{address.prefix_length}"]
    if address.broadcast:
        words += ["brd", str(address.broadcast)]
    is_below = link is not None and address.interface == link.interface
    words += ["dev", f"{address.interface}@{router.interface}" if is_below else address.interface]
    words += ["scope", SCOPES.get(address.scope, str(address.scope))]
    if address.label:
        words += ["label", address.label]
    if address.peer:
        words += ["peer", str(address.peer)]
    return " ".join([*words, *_flags(address)])


def _flags(address: VirtualAddress) -> list[str]:
    flags = {
        "home": address.home,
        "-nodad": address.duplicate_detection,
        "mngtmpaddr": address.manages_temporary_addresses,
        "noprefixroute": address.no_prefix_route,
        "autojoin": address.joins_groups,
        "no_track": not address.tracked,
    }
    words = [name for name, is_set in flags.items() if is_set]
    if address.address.version == 4:
        return words
    if address.preferred_lifetime_s == 0:
        return [*words, "deprecated"]
    return [*words, "preferred_lft", str(address.preferred_lifetime_s or "forever")]


def _route(route: Route) -> str:
    """The destination and the way there; keepalived shows every option."""
    gateway = f" via {route.gateway}" if route.gateway else ""
    interface = f" dev {route.interface}" if route.interface else ""
    return f"{route.destination}{gateway}{interface} table {route.table}"


def _rule(rule: Rule) -> str:
    """Whom the rule is for and what it does; keepalived shows every condition."""
    source = f"from {rule.source} " if rule.source else ""
    destination = f"to {rule.destination} " if rule.destination else ""
    return f"{source}{destination}priority {rule.preference} {rule.action}" + (f" {rule.table}" if rule.table else "")
