"""Settings that do nothing: in any place, without another one, or not what they seem to say."""

from __future__ import annotations

from vrrpd.config.declaration import Effect
from vrrpd.config.diagnostics import Code
from vrrpd.config.lints.subject import Subject
from vrrpd.config.near import nearest
from vrrpd.config.tree import Node

VIRTUAL_INTERFACE = ("use_vmac", "use_ipvlan")
SOURCE = ("mcast_src_ip", "unicast_src_ip")
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "global_defs": {
        "notification_email": ("smtp_server",),
        "smtp_server": ("notification_email",),
        "startup_script_timeout": ("startup_script",),
        "shutdown_script_timeout": ("shutdown_script",),
        "reload_repeat": ("reload_time_file",),
        "nftables_ipvs_priority": ("nftables_ipvs",),
        "nftables_ipvs_start_fwmark": ("nftables_ipvs",),
    },
    "vrrp_instance": {
        "vmac_xmit_base": VIRTUAL_INTERFACE,
        "track_src_ip": SOURCE,
        "unicast_ttl": ("unicast_peer",),
        "unicast_fault_no_peer": ("unicast_peer",),
        "check_unicast_src": ("unicast_peer",),
        "old_unicast_checksum": ("unicast_peer",),
    },
    "virtual_server": {
        "sorry_server_inhibit": ("sorry_server",),
        "sorry_server_lvs_method": ("sorry_server",),
        "persistence_engine": ("persistence_timeout", "persistence_granularity"),
    },
    "url": dict.fromkeys(
        ("regex_no_match", "regex_options", "regex_min_offset", "regex_max_offset", "regex_stack"), ("regex",)
    ),
    "UDP_CHECK": dict.fromkeys(("min_reply_length", "max_reply_length"), ("require_reply",)),
}
"""By block: settings that say something about another one, of which any suffices, and do nothing without it."""
READ_AS_ON = frozenset({"skip_check_adv_addr"})
"""Switches that are on whatever word follows, as in keepalived 2.4."""


def lint_ignored(subject: Subject) -> None:
    """All settings without effect, each once."""
    for block in subject.blocks:
        needs = NEEDS.get(block.name, {})
        for node in block.children:
            if not node.sound:
                continue
            if node.keyword.effect is Effect.IGNORED:
                _without_effect(node, subject)
            elif node.name in needs and not any(map(block.mentions, needs[node.name])):
                _without_other(node, needs[node.name], subject)
            elif node.name in READ_AS_ON and node.values and node.values[0] is False:
                _read_as_on(node, subject)
    _synchronisation(subject)


def _without_effect(node: Node, subject: Subject) -> None:
    _say(node, f"`{node.keyword.name}` does nothing, nor does it in keepalived", "remove it", subject)


def _without_other(node: Node, needed: tuple[str, ...], subject: Subject) -> None:
    others = " or ".join(f"`{name}`" for name in needed)
    _say(node, f"`{node.keyword.name}` does nothing without {others}", f"add {others}, or remove it", subject)


def _say(node: Node, message: str, advice: str, subject: Subject) -> None:
    """Unless something is said of the place already: of an old keyword, or of an empty block."""
    if node.line.position() not in subject.said:
        subject.report.lint(Code.SETTING_IGNORED, node.line, 0, message, advice=advice)


def _synchronisation(subject: Subject) -> None:
    """As a virtual router that is not there is never master, this director would receive connections and send none."""
    wished = subject.config.daemon.lvs.sync_daemon
    found = subject.settings.last("lvs_sync_daemon")
    names = {router.name for router in subject.config.virtual_routers}
    if wished is None or found is None or wished.virtual_router is None or wished.virtual_router in names:
        return
    near = nearest(wished.virtual_router, names)
    advice = f"did you mean `{near}`?" if near else "name a virtual router, or none to send and receive at all times"
    _say(found, f"no connection is ever sent without a virtual router `{wished.virtual_router}`", advice, subject)


def _read_as_on(node: Node, subject: Subject) -> None:
    subject.report.lint(
        Code.FLAG_WITH_WORD,
        node.line,
        1,
        f"`{node.keyword.name}` is on whatever word follows, as in keepalived",
        advice="remove the line to have it off",
    )
