"""Virtual routers under the names that keepalived's JSON dump gives them, as far as a file that nobody runs can tell them.

What only a running router knows (its state, its effective priority, its counters) is not here.
"""

from __future__ import annotations

from vrrpd.config.model import Route, Rule, Tracker, VirtualAddress, VirtualMac, VirtualRouter

SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
"""RT_SCOPE_* of include/uapi/linux/rtnetlink.h."""


def as_keepalived(router: VirtualRouter) -> dict[str, object]:
    """The `data` of one virtual router; intervals in seconds."""
    announcements = router.announcements
    virtual = router.virtual_interface
    return {
        "iname": router.name,
        "ifp_ifname": router.interface,
        "vmac_ifname": virtual.interface if isinstance(virtual, VirtualMac) else "",
        "vrid": router.virtual_router_id,
        "version": router.version,
        "base_priority": router.priority,
        "adver_int": router.advert_interval_s,
        "down_timer_adverts": router.down_timer_adverts,
        "accept": router.accept,
        "nopreempt": not router.preempt,
        "preempt_delay": router.preempt_delay_s,
        "strict_mode": router.strict,
        "dont_track_primary": not router.track_primary,
        "skip_check_adv_addr": router.skip_address_check,
        "promote_secondaries": router.promote_secondaries,
        "garp_delay": announcements.delay_s,
        "garp_rep": announcements.repeat,
        "garp_refresh": announcements.refresh_s,
        "garp_refresh_rep": announcements.refresh_repeat,
        "garp_lower_prio_delay": announcements.lower_priority_delay_s,
        "garp_lower_prio_rep": announcements.lower_priority_repeat,
        "lower_prio_no_advert": router.lower_priority_no_advert,
        "higher_prio_send_advert": router.higher_priority_send_advert,
        "smtp_alert": router.smtp_alert,
        "notify_deleted": router.notification.deleted,
        "vips": [_address(one) for one in router.addresses],
        "evips": [_address(one) for one in router.excluded_addresses],
        "vroutes": [_route(one) for one in router.routes],
        "vrules": [_rule(one) for one in router.rules],
        "track_ifp": _names(router.tracking.interfaces),
        "track_script": _names(router.tracking.scripts),
        "track_process": _names(router.tracking.processes),
        "auth_type": router.authentication.type.value,
    }


def _address(address: VirtualAddress) -> str:
    length = "" if address.prefix_length == address.address.max_prefixlen else f"/{address.prefix_length}"
    label = f" label {address.label}" if address.label else ""
    return f"{address.address}{length} dev {address.interface} scope {SCOPES.get(address.scope, address.scope)}{label}"


def _route(route: Route) -> str:
    gateway = f" via {route.gateway}" if route.gateway else ""
    interface = f" dev {route.interface}" if route.interface else ""
    return f"{route.destination}{gateway}{interface} table {route.table}"


def _rule(rule: Rule) -> str:
    source = f"from {rule.source} " if rule.source else ""
    destination = f"to {rule.destination} " if rule.destination else ""
    return f"{source}{destination}priority {rule.preference} {rule.action}" + (f" {rule.table}" if rule.table else "")


def _names(trackers: tuple[Tracker, ...]) -> list[str]:
    return [one.name for one in trackers]
