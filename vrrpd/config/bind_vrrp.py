"""`vrrp_instance` -> :class:`vrrpd.config.model.VirtualRouter`.

A virtual router that lacks what it cannot do without is left out, with one error; the rest of the file is used. What
contradicts something else in it is left out or adjusted, with a message, as keepalived does it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from vrrpd.config.bind_authentication import bind_authentication, bind_hmac
from vrrpd.config.bind_family import bind_group, bind_source, family_of, mind_groups
from vrrpd.config.bind_goods import with_goods
from vrrpd.config.bind_interface import bind_virtual_interface
from vrrpd.config.bind_notification import bind_notification
from vrrpd.config.bind_rule import Preferences
from vrrpd.config.bind_strict import as_strict, mind_first_address
from vrrpd.config.bind_sync_group import Membership
from vrrpd.config.bind_tracked import Definitions
from vrrpd.config.bind_tracking import Tracks, bind_tracking
from vrrpd.config.bind_unicast import bind_unicast
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.model import Announcements, Authentication, HandOver, VirtualRouter
from vrrpd.config.settings import flag, merged, number, setting, switch, word
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer

OWNER = 255
DEFAULT_PRIORITY = 100
STALLED_MASTER_YIELDS_TO = 254
"""`timer_expired_backup` without a number: the highest priority of a router that is no owner."""
VERSION_3_INTERVAL_MAX_S = 40.95
"""Twelve bits of hundredths of a second (RFC 5798 section 5.2.7)."""
EXTRA_ANNOUNCEMENTS_MAX_S = 86400
LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the rest of the file a virtual router depends on."""

    settings: Node
    """`global_defs`."""
    definitions: Definitions
    membership: Membership
    preferences: Preferences
    report: Report


def bind_virtual_routers(
    root: Node, definitions: Definitions, membership: Membership, preferences: Preferences, report: Report
) -> tuple[VirtualRouter, ...]:
    """All virtual routers that are sound."""
    around = Surroundings(merged(root, "global_defs"), definitions, membership, preferences, report)
    mind_groups(around.settings, report)
    ours = merged(root, "vrrpd")
    hand_over = HandOver(setting(ours, "hand_over", HandOver.MAKE_BEFORE_BREAK.value))
    probe_addresses = setting(ours, "probe_addresses", default=True)
    bound: list[VirtualRouter] = []
    seen: dict[object, Node] = {}
    for node in root.all("vrrp_instance"):
        router = _bind(node, around)
        if router is None or _is_duplicate(node, router, seen, report):
            continue
        bound.append(replace(router, hand_over=hand_over, probe_addresses=probe_addresses))
    return tuple(bound)


def _is_duplicate(node: Node, router: VirtualRouter, seen: dict[object, Node], report: Report) -> bool:
    """Whether a name, or a virtual router id on one interface, was given to an earlier one; says so."""
    keys: dict[object, str] = {
        router.name: f"name `{router.name}`",
        (router.interface, router.virtual_router_id, router.family): (
            f"virtual_router_id {router.virtual_router_id} on {router.interface}"
        ),
    }
    for key, what in keys.items():
        if key in seen:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"the {what} is used already, at line {seen[key].line.number}",
                assumed="this virtual router is left out",
                note=Note.at(seen[key].line, 1),
            )
            return True
    seen.update(dict.fromkeys(keys, node))
    return False


def _bind(node: Node, around: Surroundings) -> VirtualRouter | None:
    name, settings, report = cast("str", node.values[0]), around.settings, around.report
    possible = _is_possible(node, name, report)  # whatever else is wrong in it is told all the same
    family = family_of(node, settings, report)
    strict = switch(node, "strict_mode", switch(settings, "vrrp_strict", default=False))
    interface, virtual_router_id = setting(node, "interface", ""), setting(node, "virtual_router_id", 0)
    interval_s = _advert_interval(node, family.version, report)
    unicast = bind_unicast(node, settings, family, report)
    hmac = bind_hmac(node, interval_s, report)
    authentication = bind_authentication(node, family.version, strict=strict, report=report)
    router = VirtualRouter(
        name=printable(name),
        interface=interface,
        virtual_router_id=virtual_router_id,
        priority=_priority(node),
        position=node.line.position(),
        version=family.version,
        family=family.number,
        starts_as_master=_is_master(node),
        advert_interval_s=interval_s,
        down_timer_adverts=setting(node, "down_timer_adverts", setting(settings, "vrrp_down_timer_adverts", 3)),
        strict=strict,
        accept=_last_of(node, "accept", "no_accept") == "accept",
        owner_ignores_adverts=switch(
            node, "owner_ignore_adverts", switch(settings, "vrrp_owner_ignore_adverts", default=False)
        ),
        authentication=Authentication() if hmac else authentication,
        hmac=hmac,
        source_address=bind_source(node, family, report),
        track_source_address=flag(node, "track_src_ip"),
        multicast_group=bind_group(node, settings, family, report),
        unicast=unicast,
        skip_address_check=flag(node, "skip_check_adv_addr") or switch(settings, "vrrp_skip_check_adv_addr", default=False),
        checksum_as_v2=switch(node, "v3_checksum_as_v2", flag(settings, "v3_checksum_as_v2")),
        virtual_interface=bind_virtual_interface(node, virtual_router_id, settings, unicast=unicast is not None, report=report),
        vrf=word(node, "vrf"),
        receive_buffer_octets=number(node, "kernel_rx_buf_size"),
        promote_secondaries=flag(node, "promote_secondaries"),
        linkbeat_polling=flag(node, "linkbeat_use_polling"),
        track_primary=not flag(node, "dont_track_primary"),
        may_lack_addresses=flag(node, "no_virtual_ipaddress"),
        tracking=bind_tracking(Tracks(node, around.definitions, report, interface, around.membership.forbids_weights(name))),
        announcements=_announcements(node, settings, report),
        higher_priority_send_advert=switch(
            node, "higher_prio_send_advert", switch(settings, "vrrp_higher_prio_send_advert", default=False)
        ),
        lower_priority_no_advert=switch(
            node, "lower_prio_no_advert", switch(settings, "vrrp_lower_prio_no_advert", default=False)
        ),
        notification=bind_notification(node, settings, report),
        lvs_sync_interface=word(node, "lvs_sync_daemon_interface"),
        smtp_alert=switch(
            node, "smtp_alert", switch(settings, "smtp_alert_vrrp", switch(settings, "smtp_alert", default=False))
        ),
    )
    router = _with_preemption(router, node, report)
    bound = with_goods(as_strict(router, node, report) if strict else router, node, family, around.preferences, report)
    return bound if bound is not None and mind_first_address(bound, node, report) and possible else None


def _is_possible(node: Node, name: str, report: Report) -> bool:
    """Whether the virtual router has what it cannot do without; says what it lacks, unless that was said before."""
    left_out = f"virtual router `{name}` is left out"
    for needed in ("interface", "virtual_router_id"):
        if node.last(needed) is None:
            if not node.mentions(needed):
                report.error(Code.MISSING_SETTING, node.line, 1, f"virtual router `{name}` has no `{needed}`", assumed=left_out)
            return False
    found = node.last("interface")
    if found is not None and found.values[0] == LOOPBACK:
        report.error(Code.BAD_VALUE, found.line, 1, "nobody hears adverts on the loopback interface", assumed=left_out)
        return False
    return True


# -- election --------------------------------------------------------------------------------


def _is_master(node: Node) -> bool:
    """Whether any `state` says so: a BACKUP behind a MASTER changes nothing."""
    return any(found.values[0] == "MASTER" for found in node.all("state"))


def _priority(node: Node) -> int:
    """100; 255 for a MASTER that names none."""
    return setting(node, "priority", OWNER if _is_master(node) and not node.mentions("priority") else DEFAULT_PRIORITY)


def _last_of(node: Node, *names: str) -> str:
    """Which of some keywords without arguments comes last; the first of `names` where none is there."""
    return next((one.name for one in reversed(node.children) if one.sound and one.name in names), names[0])


def _advert_interval(node: Node, version: int, report: Report) -> float:
    """Version 2 counts whole seconds (RFC 3768 section 5.3.7), version 3 hundredths in twelve bits (RFC 5798 section 5.2.7)."""
    interval_s = setting(node, "advert_int", 1.0)
    if version == 2:
        possible_s = float(max(1, int(interval_s + 0.5)))
        why = "version 2 knows whole seconds only"
    else:
        possible_s = min(VERSION_3_INTERVAL_MAX_S, max(0.01, int(interval_s * 100 + 0.5) / 100))
        why = f"version 3 knows hundredths of a second up to {VERSION_3_INTERVAL_MAX_S}"
    found = node.last("advert_int")
    if found is not None and possible_s != interval_s:
        report.warning(Code.REDUCED, found.line, 1, f"{why}, not {interval_s:g}", assumed=f"{possible_s:g} s")
    return possible_s


def _with_preemption(router: VirtualRouter, node: Node, report: Report) -> VirtualRouter:
    """`nopreempt` and `preempt_delay`, which a configured master cannot have, and what depends on them."""
    preempt = _last_of(node, "preempt", "nopreempt") == "preempt"
    delay_s = setting(node, "preempt_delay", 0.0)
    if not preempt and (router.starts_as_master or router.priority == OWNER):
        who = "`state MASTER`" if router.starts_as_master else "the owner of the addresses"
        _cleared(node, "nopreempt", f"{who} cannot have `nopreempt`", report)
        preempt = True
    if delay_s and (router.starts_as_master or not preempt):
        _cleared(node, "preempt_delay", f"`{'state MASTER' if preempt else 'nopreempt'}` leaves nothing to delay", report)
        delay_s = 0.0
    router = replace(router, preempt=preempt, preempt_delay_s=delay_s)
    return replace(
        router,
        stalled_master_yields_to=_stalled_master_yields_to(router, node, report),
        owner_ignores_adverts=_owner_ignores_adverts(router, node, report),
    )


def _stalled_master_yields_to(router: VirtualRouter, node: Node, report: Report) -> int | None:
    found = node.last("timer_expired_backup")
    if found is None:
        return None
    if router.preempt:
        report.error(
            Code.CONFLICT,
            found.line,
            0,
            "only with `nopreempt` does a stalled master yield",
            assumed="it is left out",
            advice="add `nopreempt`",
        )
        return None
    return cast("int", found.values[0]) if found.values else STALLED_MASTER_YIELDS_TO


def _owner_ignores_adverts(router: VirtualRouter, node: Node, report: Report) -> bool:
    """keepalived cannot be told not to, where there is an owner."""
    found = node.last("owner_ignore_adverts")
    if found is None or router.owner_ignores_adverts or router.priority != OWNER:
        return router.owner_ignores_adverts
    report.warning(Code.CONFLICT, found.line, 1, "an owner that is told so ignores adverts all the same", assumed="`on`")
    return True


def _cleared(node: Node, name: str, message: str, report: Report) -> None:
    found = node.last(name)
    assert found is not None
    report.warning(Code.CONFLICT, found.line, 0, message, assumed="it is left out")


# -- announcements --------------------------------------------------------------------------------


def _announcements(node: Node, settings: Node, report: Report) -> Announcements:
    """The instance's garp_* settings, else the global ones, else the defaults; `vrrp_min_garp` lowers those.

    What follows an advert of lower priority is, by default, what the global settings say of a new master; not the instance's.
    """
    least = switch(settings, "vrrp_min_garp", default=False)
    delay = setting(settings, "vrrp_garp_master_delay", 0 if least else 5)
    times = setting(settings, "vrrp_garp_master_repeat", 1 if least else 5)

    def chosen(name: str, default: int) -> int:
        return setting(node, name, setting(settings, f"vrrp_{name}", default))

    extra_s, everywhere = _extra_announcements(node.last("garp_extra_if") or settings.last("vrrp_garp_extra_if"), report)
    return Announcements(
        delay_s=float(chosen("garp_master_delay", delay)),
        repeat=chosen("garp_master_repeat", times),
        refresh_s=float(chosen("garp_master_refresh", 0)),
        refresh_repeat=chosen("garp_master_refresh_repeat", 0 if least else 1),
        lower_priority_delay_s=float(chosen("garp_lower_prio_delay", delay)),
        lower_priority_repeat=chosen("garp_lower_prio_repeat", times),
        extra_s=extra_s,
        extra_everywhere=everywhere,
    )


def _extra_announcements(found: Node | None, report: Report) -> tuple[int, bool]:
    """`[all] SECONDS`: the period, 0 for none, and whether it holds for all addresses."""
    if found is None:
        return 0, False
    words = found.line.words[1:]
    everywhere = words[0] == "all"
    index = 2 if everywhere else 1
    try:
        if index > len(words):
            raise BadValueError("`all` needs a number of seconds behind it")  # noqa: TRY301  one message for both
        return Integer(0, EXTRA_ANNOUNCEMENTS_MAX_S).read(words[index - 1]), everywhere
    except BadValueError as error:
        report.error(Code.BAD_VALUE, found.line, index, str(error), assumed="none")
        return 0, False
