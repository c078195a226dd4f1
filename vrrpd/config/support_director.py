"""What of virtual servers and of the daemon's settings this version runs: that by which clients are served as configured."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from healthcheck.types import Check
from ipvs.types import ServiceKey
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import Daemon, GroupKey, RealServer, Scheduling, TunnelType, VirtualServer, Vrrp
from vrrpd.config.tree import Node


def runnable_daemon(written: Daemon) -> Daemon:
    """The settings that have effect; of the others it was said that they have none."""
    return Daemon(
        router_id=written.router_id,
        mail=replace(written.mail, of_faults=True, of_each_check=True),
        router_scheduling=_runnable_scheduling(written.router_scheduling),
        director_scheduling=_runnable_scheduling(written.director_scheduling),
        http_listen=written.http_listen,
        compat_metrics=written.compat_metrics,
        vrrp=Vrrp(
            garp_interval_s=written.vrrp.garp_interval_s,
            gna_interval_s=written.vrrp.gna_interval_s,
            startup_delay_s=written.vrrp.startup_delay_s,
        ),
    )


def _runnable_scheduling(written: Scheduling) -> Scheduling:
    return Scheduling(written.nice, written.real_time_priority, written.lock_memory)


def runnable_virtual_servers(written: tuple[VirtualServer, ...], root: Node, report: Report) -> tuple[VirtualServer, ...]:
    """The virtual servers that run as configured; says of every other one what prevents it."""
    nodes = {node.line.position(): node for node in root.all("virtual_server")}
    return tuple(one for server in written if (one := _runnable(server, nodes[server.position], report)))


def _runnable(server: VirtualServer, node: Node, report: Report) -> VirtualServer | None:
    what = _key_not_built(server)
    if what is not None:
        report.error(Code.NOT_BUILT, node.line, 1, what, assumed="the virtual server is left out")
        return None
    real_servers = tuple(_without_what_is_not_built(real) for real in _reachable(server, node, report))
    if not real_servers:
        return None
    return replace(
        server,
        real_servers=real_servers,
        persistence_engine=None,
        sorry_server=None,
        omega=False,
        ha_suspend=False,
        quorum_up=None,
        quorum_down=None,
        snmp_name=None,
    )


def _key_not_built(server: VirtualServer) -> str | None:
    key = server.key
    if not isinstance(key, ServiceKey):
        return f"`virtual_server {'group' if isinstance(key, GroupKey) else 'fwmark'}` is not built yet"
    return None if isinstance(key.address, IPv4Address) else "virtual servers of IPv6 are not built yet"


def _reachable(server: VirtualServer, node: Node, report: Report) -> list[RealServer]:
    """The real servers to which packets find their way; of tunnels only the plain ones are built."""
    unreachable = {real.position: real for real in server.real_servers if real.tunnel.type is not TunnelType.IPIP}
    if not unreachable:
        return list(server.real_servers)
    by_default = node.last("lb_kind")
    said_of_all = False
    for real_node in node.all("real_server"):
        real = unreachable.get(real_node.line.position())
        if real is None:
            continue
        method = real_node.last("lvs_method") or by_default
        if method is None or (method is by_default and said_of_all):
            continue
        said_of_all |= method is by_default
        message = f"tunnels of type {real.tunnel.type.name.lower()} are not built yet"
        report.error(Code.NOT_BUILT, method.line, 3, message, assumed="what uses them is left out")
    return [real for real in server.real_servers if real.tunnel.type is TunnelType.IPIP]


def _without_what_is_not_built(real: RealServer) -> RealServer:
    """The real server itself where all of it is built, as most are: a copy of every one would take long."""
    if not (real.notify_up or real.notify_down or real.snmp_name) and all(isinstance(one, Check) for one in real.checks):
        return real
    checks = tuple(check for check in real.checks if isinstance(check, Check))
    alpha_checks = tuple(check for check in real.alpha_checks if isinstance(check, Check))
    return replace(
        real,
        checks=checks,
        alpha_checks=alpha_checks,
        alpha=bool(alpha_checks) if checks else real.alpha,
        notify_up=None,
        notify_down=None,
        snmp_name=None,
    )
