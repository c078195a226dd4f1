"""The metric names of the two exporters that keepalived's users run, so that their dashboards go on unchanged.

Names, labels and state numbers are theirs (mehdy/keepalived-exporter and gen2brain/keepalived_exporter), also where they
bend Prometheus' rules: one shows a setting as a counter, the other has the state in a label and counters without `_total`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily

from vrrpd.protocol.states import State
from vrrpd.status.model import Snapshot, VirtualRouterStatus

STATE_WORDS = {State.INITIALIZE: "INIT", State.BACKUP: "BACKUP", State.MASTER: "MASTER", State.FAULT: "FAULT"}
KEEPALIVED_STATES = {State.RELINQUISHING: State.INITIALIZE, State.LISTENING: State.MASTER}

Value = Callable[[VirtualRouterStatus], float]


def _known(state: State) -> State:
    """The state as keepalived has it: one that gives up is in INIT there, and one that has overslept still master."""
    return KEEPALIVED_STATES.get(state, state)


COUNTERS: tuple[tuple[str, str, Value], ...] = (
    ("advertisements_received", "advert_rcvd", lambda r: r.counters.advertisements_received),
    ("advertisements_sent", "advert_sent", lambda r: r.counters.advertisements_sent),
    ("become_master", "become_master", lambda r: r.counters.became_master),
    ("release_master", "release_master", lambda r: r.counters.released_master),
    ("packet_length_errors", "packet_len_err", lambda r: r.counters.packet_length_errors),
    ("advertisements_interval_errors", "advert_interval_err", lambda r: r.counters.advert_interval_errors),
    ("ip_ttl_errors", "ip_ttl_err", lambda r: r.counters.ttl_errors),
    ("invalid_type_received", "invalid_type_rcvd", lambda r: r.counters.invalid_type_received),
    ("address_list_errors", "addr_list_err", lambda r: r.counters.address_list_errors),
    ("authentication_invalid", "invalid_authtype", lambda r: r.counters.invalid_authentication_type),
    ("authentication_mismatch", "authtype_mismatch", lambda r: r.counters.authentication_type_mismatch),
    ("authentication_failure", "auth_failure", lambda r: r.counters.authentication_failures),
    ("priority_zero_received", "pri_zero_rcvd", lambda r: r.counters.priority_zero_received),
    ("priority_zero_sent", "pri_zero_sent", lambda r: r.counters.priority_zero_sent),
)
"""(mehdy's name, gen2brain's name, value)."""


def up(snapshot: Snapshot) -> Metric:
    """`keepalived_up`, which both exporters have."""
    return GaugeMetricFamily("keepalived_up", "Status", all(p.answers for p in snapshot.processes if p.needed))


def mehdy(snapshot: Snapshot) -> Iterator[Metric]:
    """The names of mehdy/keepalived-exporter."""
    routers = snapshot.router.virtual_routers if snapshot.router is not None else ()
    labels = ("iname", "intf", "vrid")
    state = GaugeMetricFamily("keepalived_vrrp_state", "State of vrrp", labels=(*labels, "ip_address"))
    excluded = GaugeMetricFamily(
        "keepalived_vrrp_excluded_state", "State of vrrp with excluded VIP", labels=(*labels, "ip_address")
    )
    for router in routers:
        number = _known(router.state).value
        for address in router.addresses:
            (excluded if address.excluded else state).add_metric(
                (router.name, address.interface, str(router.virtual_router_id), address.address), number
            )
        if not any(not address.excluded for address in router.addresses):
            state.add_metric((router.name, router.interface, str(router.virtual_router_id), ""), number)
    yield from (state, excluded)
    for name, _other, value in COUNTERS:
        counter = CounterMetricFamily(f"keepalived_{name}", name.replace("_", " ").capitalize(), labels=labels)
        for router in routers:
            counter.add_metric((router.name, router.interface, str(router.virtual_router_id)), value(router))
        yield counter
    delay = CounterMetricFamily("keepalived_gratuitous_arp_delay", "Gratuitous ARP delay", labels=labels)
    for router in routers:
        delay.add_metric((router.name, router.interface, str(router.virtual_router_id)), router.announcement_delay_s)
    yield delay


def gen2brain(snapshot: Snapshot) -> Iterator[Metric]:
    """The names of gen2brain/keepalived_exporter."""
    routers = snapshot.router.virtual_routers if snapshot.router is not None else ()
    for _other, name, value in COUNTERS:
        family = UnknownMetricFamily(
            f"keepalived_vrrp_{name}", name.replace("_", " ").capitalize(), labels=("name", "intf", "vrid", "state")
        )
        for router in routers:
            labels = (router.name, router.interface, str(router.virtual_router_id), STATE_WORDS[_known(router.state)])
            family.add_metric(labels, value(router))
        yield family
    yield from _balancing(snapshot)


def _balancing(snapshot: Snapshot) -> Iterator[Metric]:
    servers = snapshot.director.virtual_servers if snapshot.director is not None else ()
    for field in ("packets_in", "packets_out", "bytes_in", "bytes_out", "connections"):
        name = "conn" if field == "connections" else "_".join(reversed(field.split("_")))
        vip = UnknownMetricFamily(f"keepalived_lvs_vip_{name}", f"VIP {field}", labels=("addr", "proto"))
        real = UnknownMetricFamily(f"keepalived_lvs_rs_{name}", f"RS {field}", labels=("addr", "proto", "vip"))
        for server in servers:
            if server.address is None:
                continue  # those exporters know addresses only
            address, protocol = f"{server.address}:{server.port}", str(server.protocol)
            if server.traffic is not None:
                vip.add_metric((address, protocol), getattr(server.traffic, field))
            for each in server.real_servers:
                if each.traffic is not None:
                    value = getattr(each.traffic, field)
                    real.add_metric((f"{each.address}:{each.port}", protocol, address), value)
        yield from (vip, real)
