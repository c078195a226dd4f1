"""`global_defs` and the `vrrpd` block -> :class:`vrrpd.config.model.Daemon`."""

from __future__ import annotations

from typing import cast

from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import is_undefined
from vrrpd.config.model import CompatMetrics, Daemon, ListenAddress, Mail, Scheduling
from vrrpd.config.settings import flag, merged, setting, word
from vrrpd.config.tree import Node

SMTP_PORT = 25


def bind_daemon(root: Node, report: Report, host: str) -> Daemon:
    """The daemon's own settings; `host` stands in for a `router_id`."""
    settings = merged(root, "global_defs")
    ours = merged(root, "vrrpd")
    listen = setting(ours, "http_listen", cast("tuple[str, int] | None", None))
    return Daemon(
        router_id=word(settings, "router_id") or host,
        mail=_mail(settings, report),
        router_scheduling=_scheduling(settings, "vrrp"),
        director_scheduling=_scheduling(settings, "checker"),
        http_listen=ListenAddress(*listen) if listen else None,
        compat_metrics=CompatMetrics(setting(ours, "compat_metrics", "both")),
    )


def _mail(settings: Node, report: Report) -> Mail:
    server = settings.last("smtp_server")
    return Mail(
        recipients=_recipients(settings, report),
        sender=word(settings, "notification_email_from"),
        server=cast("str", server.values[0]) if server else None,
        port=cast("int", server.values[1]) if server and len(server.values) > 1 else SMTP_PORT,
        helo_name=word(settings, "smtp_helo_name"),
        connect_timeout_s=float(max(1, setting(settings, "smtp_connect_timeout", 30))),
    )


def _recipients(settings: Node, report: Report) -> tuple[str, ...]:
    """Each line is one recipient, `a@b` or `Name <a@b>`."""
    recipients = []
    for block in settings.all("notification_email"):
        if not block.entries:
            report.error(Code.MISSING_SETTING, block.line, 0, "`notification_email` names nobody", assumed="it is left out")
        recipients += [printable(" ".join(entry.words)) for entry in block.entries if not any(map(is_undefined, entry.words))]
    return tuple(recipients)


def _scheduling(settings: Node, prefix: str) -> Scheduling:
    return Scheduling(
        nice=setting(settings, f"{prefix}_priority", cast("int | None", None)),
        real_time_priority=setting(settings, f"{prefix}_rt_priority", cast("int | None", None)),
        lock_memory=flag(settings, f"{prefix}_no_swap"),
    )
