"""A virtual server as the status model and the events show it: what the balancer decided, what the checks said, what the kernel
counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import fields

from healthcheck.scheduler import Watch
from healthcheck.types import AnyCheck, BfdCheck, Check, ProbeResult
from ipvs.statistics import MeasuredRow, Statistics
from ipvs.types import MarkKey, RowKey, ServiceKey
from vrrpd.balancer import events
from vrrpd.balancer.real_server import RealServerStatus as Standing
from vrrpd.balancer.services import destination_key
from vrrpd.balancer.virtual_server import VirtualServer
from vrrpd.config import model
from vrrpd.status.events import Event, QuorumChanged, RealServerChanged, RealServerWeighed
from vrrpd.status.model import RealServerStatus, VirtualServerStatus

Measured = Mapping[RowKey, MeasuredRow]
Watches = Mapping[Check, Watch]


def report(action: events.Action, config: model.VirtualServer, at_unix_s: float) -> Event:
    """What happened, for whoever listens."""
    name = str(config.key)
    match action:
        case events.QuorumGained(_key, weight, quorum):
            return QuorumChanged(at_unix_s, name, True, weight, quorum, config.smtp_alert, config.quorum_up)
        case events.QuorumLost(_key, weight, quorum):
            return QuorumChanged(at_unix_s, name, False, weight, quorum, config.smtp_alert, config.quorum_down)
        case events.WeightChanged(key, real, old, new, reason):
            return RealServerWeighed(at_unix_s, name, _real_name(key, real), old, new, reason)
    up = isinstance(action, events.RealServerUp)
    return RealServerChanged(
        at_unix_s,
        name,
        _real_name(config.key, action.server),
        up,
        action.reason,
        action.server.smtp_alert,
        _check_name(action.check),
        action.latency_s,
        action.after_s,
        action.server.notify_up if up else action.server.notify_down,
    )


def status(server: VirtualServer, measured: Measured, watches: Watches, now_s: float) -> VirtualServerStatus:
    """Everything there is to know of a virtual server. `now_s` is on the balancer's clock."""
    config = server.config
    key = config.key
    rows = [measured[service] for service in server.services if service in measured]
    return VirtualServerStatus(
        name=str(key),
        address=key.address if isinstance(key, ServiceKey) else None,
        port=key.port if isinstance(key, ServiceKey) else 0,
        protocol=0 if isinstance(key, MarkKey) else key.protocol.value,
        scheduler=config.scheduler,
        quorum_up=server.quorum_up,
        alive_weight=server.alive_weight,
        real_servers=tuple(_real_server(each, server.services, measured, watches, now_s) for each in server.real_servers),
        traffic=_sum(row.statistics for row in rows),
        sorry_server_serves=server.sorry_server_serves,
    )


def _real_server(
    server: Standing, services: tuple[RowKey, ...], measured: Measured, watches: Watches, now_s: float
) -> RealServerStatus:
    config = server.config
    watched = [watches[check] for check in config.checks if isinstance(check, Check) and check in watches]
    results = [watch.last_outcome for watch in watched]
    probed = [result for result in results if isinstance(result, ProbeResult)]
    found = (measured[key].destinations.get(destination_key(key, config)) for key in services if key in measured)
    return RealServerStatus(
        address=config.address,
        port=config.port,
        up=server.up,
        configured_weight=config.weight,
        effective_weight=server.effective_weight,
        changed_unix_s=time.time() - (now_s - server.since_s),
        reason=server.reason,
        checks=sum(watch.runs for watch in watched),
        check_failures=sum(watch.failures for watch in watched),
        check_latency_s=max((result.latency_s for result in probed), default=None),
        traffic=_sum(each for each in found if each is not None),
        certificate_end_unix_s=min(
            (result.certificate_end_unix_s for result in probed if result.certificate_end_unix_s is not None), default=None
        ),
    )


def _sum(counted: Iterable[Statistics]) -> Statistics | None:
    """Several services of one group as one; None where there is none."""
    every = list(counted)
    if len(every) <= 1:
        return every[0] if every else None
    return Statistics(**{field.name: sum(getattr(one, field.name) for one in every) for field in fields(Statistics)})


def _real_name(key: model.VirtualServerKey, real: model.RealServer) -> str:
    """As keepalived writes it: with the protocol, where there is one."""
    if isinstance(key, MarkKey):
        return f"[{real.address}]:{real.port}"
    return str(ServiceKey(key.protocol, real.address, real.port))


def _check_name(check: AnyCheck | None) -> str | None:
    """`TCP [192.0.2.101]:80`."""
    if check is None:
        return None
    subject = check.session if isinstance(check, BfdCheck) else check.subject
    return f"{type(check).__name__.removesuffix('Check').upper()} {subject}"
