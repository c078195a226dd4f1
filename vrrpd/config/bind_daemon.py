"""`global_defs`, what stands outside of blocks, and the `vrrpd` block -> :class:`vrrpd.config.model.Daemon`."""

from __future__ import annotations

from typing import cast

from vrrpd.config.bind_kernel import bind_firewall, bind_lvs, bind_receive_buffers
from vrrpd.config.bind_processes import (
    bind_auto_priority,
    bind_fifos,
    bind_files,
    bind_names,
    bind_namespaces,
    bind_scheduling,
    bind_scripts,
)
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.line import is_undefined
from vrrpd.config.model import (
    CompatMetrics,
    Daemon,
    DBus,
    IncludeClass,
    ListenAddress,
    Mail,
    ReceiveBufferPolicy,
    Reload,
    Snmp,
    Vrrp,
)
from vrrpd.config.near import nearest
from vrrpd.config.settings import flag, merged, number, setting, switch, word
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer

SMTP_PORT = 25
CHECK_LOG = "/dev/null"
RELOAD_MARKER = "/run/keepalived.reload"


def bind_daemon(root: Node, report: Report, host: str) -> Daemon:
    """The daemon's own settings; `host` stands in for a `router_id`."""
    settings = merged(root, "global_defs")
    ours = merged(root, "vrrpd")
    listen = setting(ours, "http_listen", cast("tuple[str, int] | None", None))
    return Daemon(
        router_id=word(settings, "router_id") or host,
        mail=_mail(settings, report),
        router_scheduling=bind_scheduling(settings, "vrrp", report),
        director_scheduling=bind_scheduling(settings, "checker", report),
        http_listen=ListenAddress(*listen) if listen else None,
        compat_metrics=CompatMetrics(setting(ours, "compat_metrics", "both")),
        bfd_scheduling=bind_scheduling(settings, "bfd", report),
        auto_priority=bind_auto_priority(settings),
        names=bind_names(root, settings, report),
        namespaces=bind_namespaces(root),
        scripts=bind_scripts(settings, report),
        vrrp=_vrrp(root, settings, report),
        firewall=bind_firewall(settings, report),
        lvs=bind_lvs(settings, ours, report),
        receive_buffers=bind_receive_buffers(settings),
        fifos=bind_fifos(settings, report),
        snmp=_snmp(settings),
        dbus=_dbus(settings),
        reload=_reload(settings, report),
        files=bind_files(root, settings, report),
        random_seed=number(settings, "random_seed"),
        child_wait_time_s=setting(root, "child_wait_time", 5),
    )


# -- mail --------------------------------------------------------------------------------


def _mail(settings: Node, report: Report) -> Mail:
    server = settings.last("smtp_server")
    checks = settings.last("no_checker_emails")
    if checks is not None and not switch(settings, "no_checker_emails", default=True):
        message = "mail is sent when a real server changes, not for each of its checks"
        report.warning(Code.NO_EFFECT, checks.line, 1, message, assumed="`no_checker_emails`")
    return Mail(
        recipients=_recipients(settings, report),
        sender=word(settings, "notification_email_from"),
        server=cast("str", server.values[0]) if server else None,
        port=cast("int", server.values[1]) if server and len(server.values) > 1 else SMTP_PORT,
        helo_name=word(settings, "smtp_helo_name"),
        connect_timeout_s=float(max(1, setting(settings, "smtp_connect_timeout", 30))),
        of_faults=not flag(settings, "no_email_faults"),
    )


def _recipients(settings: Node, report: Report) -> tuple[str, ...]:
    """Each line is one recipient, `a@b` or `Name <a@b>`."""
    recipients = []
    for block in settings.all("notification_email"):
        if not block.entries:
            report.error(Code.MISSING_SETTING, block.line, 0, "`notification_email` names nobody", assumed="it is left out")
        recipients += [printable(" ".join(entry.words)) for entry in block.entries if not any(map(is_undefined, entry.words))]
    return tuple(recipients)


# -- VRRP --------------------------------------------------------------------------------


def _vrrp(root: Node, settings: Node, report: Report) -> Vrrp:
    usual = Vrrp()
    dynamic = settings.last("dynamic_interfaces")
    policy, octets = _receive_buffer(settings, report)
    return Vrrp(
        default_interface=setting(settings, "default_interface", usual.default_interface),
        dynamic_interfaces=dynamic is not None,
        interfaces_may_change=bool(dynamic and dynamic.values),
        garp_interval_s=setting(settings, "vrrp_garp_interval", usual.garp_interval_s),
        gna_interval_s=setting(settings, "vrrp_gna_interval", usual.gna_interval_s),
        startup_delay_s=setting(settings, "vrrp_startup_delay", usual.startup_delay_s),
        delay_after_boot_s=setting(settings, "vrrp_delay_after_boot", usual.delay_after_boot_s),
        log_unknown_vrids=flag(settings, "log_unknown_vrids"),
        disable_local_igmp=flag(settings, "disable_local_igmp"),
        vmac_prefix=word(settings, "vmac_prefix") or usual.vmac_prefix,
        vmac_address_prefix=word(settings, "vmac_addr_prefix") or usual.vmac_address_prefix,
        receive_buffer_policy=policy,
        receive_buffer_octets=octets,
        receive_buffer_multiplier=setting(settings, "vrrp_rx_bufs_multiplier", usual.receive_buffer_multiplier),
        poll_links=flag(root, "linkbeat_use_polling"),
    )


def _receive_buffer(settings: Node, report: Report) -> tuple[ReceiveBufferPolicy | None, int | None]:
    """A policy or a size. A size outdoes a policy, and of two policies that by the MTU, the larger one, holds."""
    policies: set[ReceiveBufferPolicy] = set()
    octets: int | None = None
    for found in settings.all("vrrp_rx_bufs_policy"):
        text = cast("str", found.values[0])
        if text.upper() in ReceiveBufferPolicy.__members__:
            policies.add(ReceiveBufferPolicy[text.upper()])
        else:
            try:
                octets = Integer(1).read(text)
            except BadValueError:
                near = nearest(text, ReceiveBufferPolicy.__members__)
                report.error(
                    Code.BAD_VALUE,
                    found.line,
                    1,
                    f"`{text}` is neither MTU nor ADVERT nor a number of octets",
                    assumed="it is left out",
                    advice=f"did you mean `{near}`?" if near else None,
                )
        if policies and octets is not None:
            message = f"there is both a policy and a size of {octets} octets"
            report.warning(Code.CONFLICT, found.line, 1, message, assumed=f"{octets} octets")
            policies.clear()
    if octets is not None:
        return None, octets
    return next((policy for policy in ReceiveBufferPolicy if policy in policies), None), None


# -- management --------------------------------------------------------------------------------


def _snmp(settings: Node) -> Snmp:
    both_rfcs = flag(settings, "enable_snmp_rfc")
    interval_s = setting(settings, "snmp_vs_stats_update_interval", Snmp().virtual_server_interval_s)
    return Snmp(
        socket=word(settings, "snmp_socket"),
        traps=flag(settings, "enable_traps"),
        vrrp=flag(settings, "enable_snmp_vrrp"),
        checker=flag(settings, "enable_snmp_checker"),
        rfc_v2=both_rfcs or flag(settings, "enable_snmp_rfcv2"),
        rfc_v3=both_rfcs or flag(settings, "enable_snmp_rfcv3"),
        virtual_server_interval_s=interval_s,
        real_server_interval_s=setting(settings, "snmp_rs_stats_update_interval", interval_s),
    )


def _dbus(settings: Node) -> DBus:
    return DBus(
        enabled=flag(settings, "enable_dbus"),
        service_name=word(settings, "dbus_service_name") or DBus().service_name,
        no_interface_name=word(settings, "dbus_no_interface_name") or DBus().no_interface_name,
    )


# -- reload --------------------------------------------------------------------------------


def _reload(settings: Node, report: Report) -> Reload:
    return Reload(
        check_log=setting(settings, "reload_check_config", CHECK_LOG) if flag(settings, "reload_check_config") else None,
        time_file=word(settings, "reload_time_file"),
        repeat=flag(settings, "reload_repeat"),
        marker_file=setting(settings, "reload_file", RELOAD_MARKER) if flag(settings, "reload_file") else None,
        include_errors=_include_errors(settings, report),
    )


def _include_errors(settings: Node, report: Report) -> tuple[IncludeClass, ...]:
    """Every class where none is named; else `read` and the first, to which `+` adds others and from which `-` takes some."""
    found = settings.last("include_check")
    if found is None:
        return ()
    names = {one.value: one for one in IncludeClass}
    chosen: set[IncludeClass] = set() if found.values else set(IncludeClass)
    for index, text in enumerate(cast("list[str]", found.values), 1):
        sign, name = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("", text)
        if name not in names or (not sign and index > 1):
            near = nearest(name, names) if name not in names else f"+{name}"
            report.error(
                Code.BAD_VALUE,
                found.line,
                index,
                f"`{text}` is none of {', '.join(names)}" if name not in names else f"`{text}` needs `+` or `-` in front of it",
                assumed="it is left out",
                advice=f"did you mean `{near}`?" if near else None,
            )
        elif sign == "-":
            chosen.discard(names[name])
        else:
            chosen |= {names[name]} if sign else {IncludeClass.READ, names[name]}
    return tuple(one for one in IncludeClass if one in chosen)
