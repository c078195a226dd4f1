"""What of virtual servers and of the daemon's settings this version runs: that by which clients are served as configured."""

from __future__ import annotations

from dataclasses import replace

from healthcheck.types import Check
from vrrpd.config.model import Daemon, RealServer, Scheduling, VirtualServer, Vrrp


def runnable_daemon(written: Daemon) -> Daemon:
    """The settings that have effect; of the others it was said that they have none."""
    return Daemon(
        router_id=written.router_id,
        mail=written.mail,
        router_scheduling=_runnable_scheduling(written.router_scheduling),
        director_scheduling=_runnable_scheduling(written.director_scheduling),
        http_listen=written.http_listen,
        compat_metrics=written.compat_metrics,
        lvs=written.lvs,
        namespaces=replace(written.namespaces, network=None, ipsets=False),
        vrrp=Vrrp(
            garp_interval_s=written.vrrp.garp_interval_s,
            gna_interval_s=written.vrrp.gna_interval_s,
            startup_delay_s=written.vrrp.startup_delay_s,
        ),
    )


def _runnable_scheduling(written: Scheduling) -> Scheduling:
    return Scheduling(written.nice, written.real_time_priority, written.lock_memory)


def runnable_virtual_servers(written: tuple[VirtualServer, ...]) -> tuple[VirtualServer, ...]:
    """The virtual servers without what has no effect yet."""
    return tuple(_runnable(server) for server in written)


def _runnable(server: VirtualServer) -> VirtualServer:
    return replace(server, real_servers=tuple(_without_what_is_not_built(real) for real in server.real_servers), snmp_name=None)


def _without_what_is_not_built(real: RealServer) -> RealServer:
    """The real server itself where all of it is built, as most are: a copy of every one would take long."""
    if not real.snmp_name and all(isinstance(one, Check) for one in real.checks):
        return real
    checks = tuple(check for check in real.checks if isinstance(check, Check))
    alpha_checks = tuple(check for check in real.alpha_checks if isinstance(check, Check))
    return replace(
        real,
        checks=checks,
        alpha_checks=alpha_checks,
        alpha=bool(alpha_checks) if checks else real.alpha,
        snmp_name=None,
    )
