"""`global_defs` and the `vrrpd` block -> :class:`vrrpd.config.model.Daemon`, and reading a block's settings."""

from __future__ import annotations

from typing import TypeVar, cast

from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import is_undefined
from vrrpd.config.model import Address, CompatMetrics, Daemon, ListenAddress, Mail, Scheduling
from vrrpd.config.tree import Node

T = TypeVar("T")
SMTP_PORT = 25


def setting(block: Node, name: str, default: T) -> T:
    """The first argument of the keyword that holds, or `default`. Its declaration gives it the type of `default`."""
    node = block.last(name)
    return cast("T", node.values[0]) if node and node.values else default


def word(block: Node, name: str) -> str | None:
    """The first argument as text that can be shown and sent; None where the keyword is absent."""
    text = setting(block, name, cast("str | None", None))
    return None if text is None else printable(text)


def address(block: Node, name: str) -> Address | None:
    """The first argument as an address; None where the keyword is absent."""
    return setting(block, name, cast("Address | None", None))


def flag(block: Node, name: str) -> bool:
    """Whether a keyword without arguments occurs."""
    return block.last(name) is not None


def switch(block: Node, name: str, default: T) -> bool | T:
    """A boolean: true without a word, `default` where the keyword is absent."""
    node = block.last(name)
    if node is None:
        return default
    return cast("bool", node.values[0]) if node.values else True


def merged(root: Node, name: str) -> Node:
    """All blocks of one name as one; of a setting that several give, the last holds."""
    blocks = root.all(name)
    if len(blocks) == 1:
        return blocks[0]
    together = Node(root.keyword.children[name], root.line)
    together.children = [child for block in blocks for child in block.children]
    return together


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
