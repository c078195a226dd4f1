"""The metrics page: our own names by Prometheus' conventions, and on wish those of keepalived's two exporters.

Everything is read from one snapshot, so a page is consistent in itself. State is an enum and is shown both ways: one 0/1
series per state, for alerting, and the exporters' number, for today's dashboards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ipvs.statistics import Statistics
from vrrpd import __version__
from vrrpd.config.model import CompatMetrics
from vrrpd.protocol.states import State
from vrrpd.status import compat_metrics
from vrrpd.status.model import (
    DirectorStatus,
    LatenessStatus,
    RealServerStatus,
    RouterStatus,
    Snapshot,
    SyncGroupStatus,
    VirtualRouterStatus,
    VirtualServerStatus,
)

Row = TypeVar("Row")

ROUTER_LABELS = ("name", "interface", "virtual_router_id")
SYNC_GROUP_STATES = (State.INITIALIZE, State.BACKUP, State.MASTER, State.FAULT)
SERVER_LABELS = ("virtual_server", "real_server")


def expose(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The page in the format that the Accept header asks for, and its content type."""
    encoder, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(_printable(snapshot)))
    ProcessCollector(registry=registry)
    for process in snapshot.processes:
        if process.process_id is not None:
            ProcessCollector(f"vrrpd_{process.name}", _constant(process.process_id), registry=registry)
    return encoder(registry), content_type


class _Page(Collector):
    """One scrape."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        yield from _daemon(snapshot)
        if snapshot.router is not None:
            yield from _router(snapshot.router)
        if snapshot.director is not None:
            yield from _director(snapshot.director)
        if snapshot.compat_metrics in (CompatMetrics.MEHDY, CompatMetrics.BOTH):
            yield from compat_metrics.mehdy(snapshot)
        if snapshot.compat_metrics in (CompatMetrics.GEN2BRAIN, CompatMetrics.BOTH):
            yield from compat_metrics.gen2brain(snapshot)
        if snapshot.compat_metrics is not CompatMetrics.NONE:
            yield compat_metrics.up(snapshot)


def _printable(snapshot: Snapshot) -> Snapshot:
    """The snapshot with a question mark for each octet of a name that is no UTF-8: the page cannot carry those."""
    if snapshot.router is None:
        return snapshot
    routers = tuple(
        replace(
            router,
            name=_text(router.name),
            interface=_text(router.interface),
            addresses=tuple(replace(address, interface=_text(address.interface)) for address in router.addresses),
        )
        for router in snapshot.router.virtual_routers
    )
    groups = tuple(replace(group, name=_text(group.name)) for group in snapshot.router.sync_groups)
    return replace(snapshot, router=replace(snapshot.router, virtual_routers=routers, sync_groups=groups))


def _text(name: str) -> str:
    return name.encode(errors="replace").decode()


def _constant(value: int) -> Callable[[], int]:
    return lambda: value


def _daemon(snapshot: Snapshot) -> Iterator[Metric]:
    build = GaugeMetricFamily("vrrpd_build_info", "Always 1; the version is in the label.", labels=("version",))
    build.add_metric((__version__,), 1)
    yield build
    yield GaugeMetricFamily(
        "vrrpd_configuration_loaded_timestamp_seconds",
        "When the configuration in force was read.",
        snapshot.configuration_loaded_unix_s,
    )
    reloads = CounterMetricFamily("vrrpd_reloads", "Reloads, by what came of them.", labels=("result",))
    reloads.add_metric(("applied",), snapshot.reloads)
    reloads.add_metric(("refused",), snapshot.reloads_refused)
    yield reloads
    up = GaugeMetricFamily("vrrpd_process_up", "Whether a process that has work answers.", labels=("process",))
    restarts = CounterMetricFamily("vrrpd_process_restarts", "Restarts of a process that died.", labels=("process",))
    for process in snapshot.processes:
        if process.needed:
            up.add_metric((process.name,), process.answers)
        restarts.add_metric((process.name,), process.restarts)
    yield up
    yield restarts


def _router(router: RouterStatus) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "vrrpd_virtual_router_state", "1 for the state that the virtual router is in.", labels=(*ROUTER_LABELS, "state")
    )
    held = GaugeMetricFamily(
        "vrrpd_virtual_address_present",
        "Whether the address is on the interface.",
        labels=(*ROUTER_LABELS, "address", "address_interface"),
    )
    transitions = CounterMetricFamily(
        "vrrpd_transitions", "Changes of state, by new state and cause.", labels=(*ROUTER_LABELS, "state", "cause")
    )
    rejected = CounterMetricFamily(
        "vrrpd_adverts_rejected", "Adverts with a fault, by reason.", labels=(*ROUTER_LABELS, "reason")
    )
    info = GaugeMetricFamily(
        "vrrpd_virtual_router_info", "Always 1; what it speaks is in the labels.", labels=(*ROUTER_LABELS, "version", "family")
    )
    alarms = CounterMetricFamily(
        "vrrpd_vrrp_alarms", "What must not be and does not go away by itself, by kind.", labels=(*ROUTER_LABELS, "kind")
    )
    for each in router.virtual_routers:
        labels = router_labels(each)
        info.add_metric((*labels, str(each.version), f"ipv{each.family}"), 1)
        for one in State:
            state.add_metric((*labels, one.name.lower()), each.state is one)
        for address in each.addresses:
            held.add_metric((*labels, address.address, address.interface), address.present)
        for new, cause, count in each.transitions:
            transitions.add_metric((*labels, new, cause), count)
        for reason, count in _rejections(each):
            rejected.add_metric((*labels, reason), count)
        for kind, count in each.alarms:
            alarms.add_metric((*labels, kind.replace(" ", "_")), count)
    yield from (info, state, held, transitions, rejected, alarms)
    yield _groups(router.sync_groups)
    yield from _per_router(router.virtual_routers)
    yield CounterMetricFamily(
        "vrrpd_unknown_virtual_router_adverts",
        "Adverts heard for virtual routers that are not configured here.",
        router.unknown_virtual_router_ids,
    )
    yield CounterMetricFamily(
        "vrrpd_address_repairs", "Virtual addresses put back after something else removed them.", router.address_repairs
    )
    yield CounterMetricFamily("vrrpd_send_errors", "Adverts and announcements not sent.", router.send_errors)
    yield CounterMetricFamily("vrrpd_receive_errors", "Times that adverts could not be read.", router.receive_errors)
    yield CounterMetricFamily(
        "vrrpd_receive_drops",
        "Packets of VRRP that the kernel dropped because they came faster than they are read.",
        router.receive_drops,
    )
    yield GaugeMetricFamily(
        "vrrpd_router_lateness_max_seconds", "The longest that a deadline was served late.", router.lateness.max_s
    )
    yield _lateness(router.lateness)
    yield _dropped("router", router.messages_dropped)


def _groups(groups: Iterable[SyncGroupStatus]) -> Metric:
    state = GaugeMetricFamily(
        "vrrpd_sync_group_state", "1 for the state that the sync group is in.", labels=("sync_group", "state")
    )
    for group in groups:
        for one in SYNC_GROUP_STATES:
            state.add_metric((group.name, one.name.lower()), group.state is one)
    return state


def _lateness(lateness: LatenessStatus) -> Metric:
    cumulated = accumulate(lateness.counts)
    bounds = (*map(str, lateness.bounds_s), "+Inf")
    return HistogramMetricFamily(
        "vrrpd_router_deadline_lateness_seconds",
        "How late deadlines of virtual routers were served.",
        buckets=list(zip(bounds, cumulated, strict=True)),
        sum_value=lateness.sum_s,
    )


def _per_router(routers: Iterable[VirtualRouterStatus]) -> Iterator[Metric]:
    gauges: tuple[tuple[str, str, Callable[[VirtualRouterStatus], float]], ...] = (
        ("priority", "Configured priority.", lambda r: r.priority),
        ("effective_priority", "Priority after tracking.", lambda r: r.effective_priority),
        ("advert_interval_seconds", "Time between adverts.", lambda r: r.advert_interval_s),
        (
            "master_advert_interval_seconds",
            "Time between the master's adverts, learned from it in version 3.",
            lambda r: r.master_advert_interval_s,
        ),
        ("master_down_interval_seconds", "Silence after which the master counts as down.", lambda r: r.master_down_interval_s),
        ("last_transition_timestamp_seconds", "When the state changed last.", lambda r: r.last_transition_unix_s),
    )
    counters: tuple[tuple[str, str, Callable[[VirtualRouterStatus], float]], ...] = (
        ("adverts_received", "Adverts received.", lambda r: r.counters.advertisements_received),
        ("adverts_sent", "Adverts sent.", lambda r: r.counters.advertisements_sent),
        ("priority_zero_received", "Adverts received with priority 0.", lambda r: r.counters.priority_zero_received),
        ("priority_zero_sent", "Adverts sent with priority 0.", lambda r: r.counters.priority_zero_sent),
    )
    everyone = list(routers)
    for name, documentation, value in gauges:
        gauge = GaugeMetricFamily(f"vrrpd_virtual_router_{name}", documentation, labels=ROUTER_LABELS)
        for each in everyone:
            gauge.add_metric(router_labels(each), value(each))
        yield gauge
    for name, documentation, value in counters:
        counter = CounterMetricFamily(f"vrrpd_{name}", documentation, labels=ROUTER_LABELS)
        for each in everyone:
            counter.add_metric(router_labels(each), value(each))
        yield counter


def _rejections(router: VirtualRouterStatus) -> Iterator[tuple[str, int]]:
    counters = router.counters
    yield "ip_header", counters.ip_header_errors
    yield "packet_length", counters.packet_length_errors
    yield "ttl", counters.ttl_errors
    yield "version", counters.version_errors
    yield "type", counters.invalid_type_received
    yield "checksum", counters.checksum_errors
    yield "interval", counters.advert_interval_errors
    yield "authentication_type", counters.invalid_authentication_type
    yield "authentication_type_mismatch", counters.authentication_type_mismatch
    yield "authentication", counters.authentication_failures
    yield "keyed_hash_missing", counters.keyed_hash_missing
    yield "keyed_hash_malformed", counters.keyed_hash_malformed
    yield "keyed_hash_unknown_key", counters.keyed_hash_unknown_key
    yield "keyed_hash_wrong", counters.keyed_hash_wrong
    yield "keyed_hash_stale", counters.keyed_hash_stale
    yield "keyed_hash_replayed", counters.keyed_hash_replayed
    yield "destination", counters.destination_errors
    yield "source", counters.source_errors
    yield "ignored_as_owner", counters.ignored_as_owner
    yield "own_address", counters.own_address_heard
    yield "address_list", counters.address_list_errors


def _director(director: DirectorStatus) -> Iterator[Metric]:
    quorum = GaugeMetricFamily("vrrpd_virtual_server_quorum_up", "Whether the quorum is met.", labels=("virtual_server",))
    alive = GaugeMetricFamily(
        "vrrpd_virtual_server_alive_weight", "Sum of the weights of servers that are up.", labels=("virtual_server",)
    )
    sorry = GaugeMetricFamily(
        "vrrpd_virtual_server_sorry_server_serves", "Whether clients get the sorry server.", labels=("virtual_server",)
    )
    for server in director.virtual_servers:
        quorum.add_metric((server.name,), server.quorum_up)
        alive.add_metric((server.name,), server.alive_weight)
        sorry.add_metric((server.name,), server.sorry_server_serves)
    yield from (quorum, alive, sorry)
    yield from _per_real_server(director.virtual_servers)
    yield GaugeMetricFamily("vrrpd_ipvs_foreign_rows", "Rows in IPVS that are not ours; left alone.", director.foreign_rows)
    yield CounterMetricFamily(
        "vrrpd_ipvs_row_repairs", "Rows put back after something else changed them.", director.row_repairs
    )
    yield CounterMetricFamily("vrrpd_ipvs_messages", "Requests sent to IPVS, dumps included.", director.ipvs_messages)
    yield CounterMetricFamily("vrrpd_ipvs_changes", "Requests sent to IPVS that change a row.", director.ipvs_changes)
    yield CounterMetricFamily("vrrpd_ipvs_refusals", "Requests that IPVS refused.", director.ipvs_refusals)
    yield _dropped("director", director.messages_dropped)


REAL_SERVER_GAUGES: tuple[tuple[str, str, Callable[[RealServerStatus], float | None]], ...] = (
    ("up", "Whether the server is up.", lambda r: r.up),
    ("weight", "Weight that it carries; 0 while it gets no new connections.", lambda r: r.effective_weight),
    ("last_change_timestamp_seconds", "When it went up or down last.", lambda r: r.changed_unix_s),
    ("check_latency_seconds", "How long the last check took.", lambda r: r.check_latency_s),
    ("certificate_not_after_timestamp_seconds", "When its certificate ends.", lambda r: r.certificate_end_unix_s),
)
REAL_SERVER_COUNTERS: tuple[tuple[str, str, Callable[[RealServerStatus], float | None]], ...] = (
    ("checks", "Checks that ended.", lambda r: r.checks),
    ("check_failures", "Checks that failed.", lambda r: r.check_failures),
)
TRAFFIC_GAUGES: tuple[tuple[str, str, Callable[[Statistics], float]], ...] = (
    ("active_connections", "Connections that IPVS counts as active.", lambda t: t.active_connections),
    ("inactive_connections", "Connections that IPVS counts as inactive.", lambda t: t.inactive_connections),
)
TRAFFIC_COUNTERS: tuple[tuple[str, str, Callable[[Statistics], float]], ...] = (
    ("connections", "Connections that IPVS sent there.", lambda t: t.connections),
    ("received_packets", "Packets that IPVS sent there.", lambda t: t.packets_in),
    ("received_bytes", "Bytes that IPVS sent there.", lambda t: t.bytes_in),
    ("sent_packets", "Packets that came back through IPVS.", lambda t: t.packets_out),
    ("sent_bytes", "Bytes that came back through IPVS.", lambda t: t.bytes_out),
)


def _per_real_server(servers: Iterable[VirtualServerStatus]) -> Iterator[Metric]:
    rows = [((server.name, f"[{real.address}]:{real.port}"), real) for server in servers for real in server.real_servers]
    traffic = [(labels, real.traffic) for labels, real in rows if real.traffic is not None]
    yield from _families(GaugeMetricFamily, REAL_SERVER_GAUGES, rows)
    yield from _families(CounterMetricFamily, REAL_SERVER_COUNTERS, rows)
    yield from _families(GaugeMetricFamily, TRAFFIC_GAUGES, traffic)
    yield from _families(CounterMetricFamily, TRAFFIC_COUNTERS, traffic)


def _families(
    kind: type[GaugeMetricFamily | CounterMetricFamily],
    table: Iterable[tuple[str, str, Callable[[Row], float | None]]],
    rows: Iterable[tuple[tuple[str, str], Row]],
) -> Iterator[Metric]:
    """One family for each line of the table, with a series for each row that has a value."""
    for name, documentation, value in table:
        family = kind(f"vrrpd_real_server_{name}", documentation, labels=SERVER_LABELS)
        for labels, row in rows:
            number = value(row)
            if number is not None:
                family.add_metric(labels, number)
        yield family


def _dropped(process: str, count: int) -> Metric:
    return CounterMetricFamily(
        f"vrrpd_{process}_messages_dropped", "Reports given up because the supervisor did not read them.", count
    )


def router_labels(router: VirtualRouterStatus) -> tuple[str, str, str]:
    """The values of ROUTER_LABELS."""
    return router.name, router.interface, str(router.virtual_router_id)
