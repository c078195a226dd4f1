"""A virtual server as the status model shows it: what the balancer decided, what the checks said, what the kernel counted."""

from __future__ import annotations

import time
from collections.abc import Mapping

from healthcheck.scheduler import Watch
from healthcheck.types import Check, ProbeResult
from ipvs.statistics import MeasuredRow
from ipvs.types import DestinationKey
from vrrpd.balancer import virtual_server as balancer
from vrrpd.status.model import RealServerStatus, VirtualServerStatus


def status(
    server: balancer.VirtualServer, measured: MeasuredRow | None, watches: Mapping[Check, Watch], now_s: float
) -> VirtualServerStatus:
    """Everything there is to know of a virtual server. `now_s` is on the balancer's clock."""
    service = server.service
    return VirtualServerStatus(
        name=str(service),
        address=service.address,
        port=service.port,
        protocol=service.protocol.value,
        scheduler=server.config.scheduler,
        quorum_up=server.quorum_up,
        alive_weight=server.alive_weight,
        real_servers=tuple(_real_server(each, measured, watches, now_s) for each in server.real_servers),
        traffic=measured.statistics if measured is not None else None,
    )


def _real_server(
    server: balancer.RealServerStatus, measured: MeasuredRow | None, watches: Mapping[Check, Watch], now_s: float
) -> RealServerStatus:
    config = server.config
    watched = [watches[check] for check in config.checks if isinstance(check, Check) and check in watches]
    results = [watch.last_outcome for watch in watched]
    latencies_s = [result.latency_s for result in results if isinstance(result, ProbeResult)]
    key = DestinationKey(config.address, config.port)
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
        check_latency_s=max(latencies_s, default=None),
        traffic=measured.destinations.get(key) if measured is not None else None,
    )
