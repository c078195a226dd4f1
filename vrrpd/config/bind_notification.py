"""`notify*` of a virtual router or sync group -> :class:`vrrpd.config.model.Notification`."""

from __future__ import annotations

from vrrpd.config.commands import bind_command
from vrrpd.config.diagnostics import Report
from vrrpd.config.model import Notification
from vrrpd.config.settings import flag, switch
from vrrpd.config.tree import Node


def bind_notification(node: Node, settings: Node, report: Report) -> Notification:
    """Who hears of changes of state. `settings` is `global_defs`."""
    return Notification(
        master=bind_command(node, "notify_master", settings, report),
        backup=bind_command(node, "notify_backup", settings, report),
        fault=bind_command(node, "notify_fault", settings, report),
        stop=bind_command(node, "notify_stop", settings, report),
        any=bind_command(node, "notify", settings, report),
        lower_priority_heard=bind_command(node, "notify_master_rx_lower_pri", settings, report),
        deleted=flag(node, "notify_deleted"),
        priority_changes=switch(
            node, "notify_priority_changes", switch(settings, "vrrp_notify_priority_changes", default=False)
        ),
    )
