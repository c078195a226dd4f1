"""The metrics page, read back by Prometheus' own parsers."""

from __future__ import annotations

import io
import math
from collections import Counter as Count
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TextIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Sample

from vrrpd.config.model import CompatMetrics
from vrrpd.protocol.states import State
from vrrpd.status.model import (
    AddressStatus,
    LatenessStatus,
    ProcessStatus,
    RouterStatus,
    Snapshot,
)
from vrrpd.status.prometheus import expose

from .values import BARE_ROUTER, NO_WORK, ROUTER, SNAPSHOT

ANY = "*/*"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PROMETHEUS_2 = f"{OPENMETRICS};q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)

READ_OPENMETRICS: Callable[[TextIO], Iterable[Metric]] = openmetrics_parser.text_fd_to_metric_families

MEHDY = {
    "keepalived_up": (),
    "keepalived_vrrp_state": ("iname", "intf", "vrid", "ip_address"),
    "keepalived_vrrp_excluded_state": ("iname", "intf", "vrid", "ip_address"),
    **dict.fromkeys(
        (
            "keepalived_advertisements_received_total",
            "keepalived_advertisements_sent_total",
            "keepalived_become_master_total",
            "keepalived_release_master_total",
            "keepalived_packet_length_errors_total",
            "keepalived_advertisements_interval_errors_total",
            "keepalived_ip_ttl_errors_total",
            "keepalived_invalid_type_received_total",
            "keepalived_address_list_errors_total",
            "keepalived_authentication_invalid_total",
            "keepalived_authentication_mismatch_total",
            "keepalived_authentication_failure_total",
            "keepalived_priority_zero_received_total",
            "keepalived_priority_zero_sent_total",
            "keepalived_gratuitous_arp_delay_total",
        ),
        ("iname", "intf", "vrid"),
    ),
}
"""mehdy/keepalived-exporter's names for which there is a source, each with its labels."""
GEN2BRAIN = {
    "keepalived_up": (),
    **dict.fromkeys(
        (
            "keepalived_vrrp_advert_rcvd",
            "keepalived_vrrp_advert_sent",
            "keepalived_vrrp_become_master",
            "keepalived_vrrp_release_master",
            "keepalived_vrrp_packet_len_err",
            "keepalived_vrrp_advert_interval_err",
            "keepalived_vrrp_ip_ttl_err",
            "keepalived_vrrp_invalid_type_rcvd",
            "keepalived_vrrp_addr_list_err",
            "keepalived_vrrp_invalid_authtype",
            "keepalived_vrrp_authtype_mismatch",
            "keepalived_vrrp_auth_failure",
            "keepalived_vrrp_pri_zero_rcvd",
            "keepalived_vrrp_pri_zero_sent",
        ),
        ("name", "intf", "vrid", "state"),
    ),
    **{
        f"keepalived_lvs_vip_{name}": ("addr", "proto")
        for name in ("in_packets", "out_packets", "in_bytes", "out_bytes", "conn")
    },
    **{
        f"keepalived_lvs_rs_{name}": ("vip", "addr", "proto")
        for name in ("in_packets", "out_packets", "in_bytes", "out_bytes", "conn")
    },
}
"""gen2brain/keepalived_exporter's names, each with its labels."""


def families(snapshot: Snapshot, accept: str = ANY) -> list[Metric]:
    """The page as whoever sends that Accept header reads it."""
    body, content_type = expose(snapshot, accept)
    if content_type.startswith("application/openmetrics-text"):
        read = READ_OPENMETRICS
    else:
        assert content_type.startswith("text/plain; version=")
        read = parser.text_fd_to_metric_families
    return list(read(io.StringIO(body.decode())))


def samples(snapshot: Snapshot, accept: str = ANY) -> list[Sample]:
    return [sample for family in families(snapshot, accept) for sample in family.samples]


def value(snapshot: Snapshot, name: str, /, **labels: str) -> float:
    """The one sample of that name that has these labels."""
    (found,) = [sample.value for sample in samples(snapshot) if sample.name == name and labels.items() <= sample.labels.items()]
    return float(found)


# ---- the page as a whole


@pytest.mark.parametrize("accept", [ANY, "", OPENMETRICS, PROMETHEUS_2, PROMETHEUS_3, "text/html", "garbage;;;q=x,,"])
@pytest.mark.parametrize("snapshot", [SNAPSHOT, NO_WORK, replace(SNAPSHOT, router=None)], ids=["full", "idle", "director"])
def test_every_reader_gets_a_page_it_can_read_without_a_series_twice(snapshot: Snapshot, accept: str) -> None:
    read = families(snapshot, accept)
    series = Count((sample.name, *sorted(sample.labels.items())) for family in read for sample in family.samples)
    assert [each for each, count in series.items() if count > 1] == []
    names = Count(family.name for family in read)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(series) > 10
    assert all(family.documentation for family in read)


@pytest.mark.parametrize(
    ("accept", "start"),
    [(ANY, "text/plain; version=0.0.4"), (OPENMETRICS, "application/openmetrics-text"), (PROMETHEUS_3, "application/openm")],
)
def test_the_format_asked_for_is_given_and_named(accept: str, start: str) -> None:
    body, content_type = expose(SNAPSHOT, accept)
    assert content_type.startswith(start)
    assert content_type.endswith("charset=utf-8") or "escaping" in content_type
    assert body.endswith(b"# EOF\n") == start.startswith("application")


def test_both_formats_tell_the_same() -> None:
    def told(accept: str) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
        return {
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for sample in samples(SNAPSHOT, accept)
            if "process" not in sample.name
        }

    assert told(ANY) == told(OPENMETRICS)


AWKWARD = ['say "hi"', "back\\slash", "two\nlines", 'mixed \\"\n{}=,', "\N{SNOWMAN}", " "]


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("accept", [ANY, OPENMETRICS])
def test_names_are_read_back_as_they_are(name: str, accept: str) -> None:
    snapshot = replace(SNAPSHOT, router=RouterStatus((replace(ROUTER, name=name),), 0, 0, 0, LatenessStatus(), 0))
    names = {sample.labels.get("name", name) for sample in samples(snapshot, accept)}
    names |= {sample.labels.get("iname", name) for sample in samples(snapshot, accept)}
    assert names == {name}


@given(name=st.text(st.characters(), max_size=20))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30, deadline=None)
def test_no_name_spoils_the_page(name: str) -> None:
    awkward = replace(ROUTER, name=name, interface=name, addresses=(AddressStatus("192.0.2.1", name, False, True),))
    samples(replace(SNAPSHOT, router=RouterStatus((awkward,), 0, 0, 0, LatenessStatus(), 0)))


def test_octets_that_are_no_text_are_shown_as_well_as_they_can_be() -> None:
    awkward = replace(ROUTER, name="VI_\udce4")
    snapshot = replace(SNAPSHOT, router=RouterStatus((awkward,), 0, 0, 0, LatenessStatus(), 0))
    assert value(snapshot, "vrrpd_virtual_router_priority", name="VI_?") == 100


# ---- our own names


def test_the_daemon_tells_of_itself() -> None:
    assert value(SNAPSHOT, "vrrpd_build_info") == 1
    assert value(SNAPSHOT, "vrrpd_configuration_loaded_timestamp_seconds") == 1_700_000_002
    assert value(SNAPSHOT, "vrrpd_reloads_total", result="applied") == 2
    assert value(SNAPSHOT, "vrrpd_reloads_total", result="refused") == 1
    assert value(SNAPSHOT, "vrrpd_process_restarts_total", process="router") == 1
    for name in ("process", "vrrpd_router_process", "vrrpd_director_process"):
        assert value(SNAPSHOT, f"{name}_resident_memory_bytes") > 0


def test_a_process_is_up_if_it_answers_and_not_shown_where_it_has_no_work() -> None:
    processes = (ProcessStatus("router", None, True, False, 4), ProcessStatus("director", None, False, False, 0))
    snapshot = replace(SNAPSHOT, processes=processes)
    assert [(s.labels, s.value) for s in samples(snapshot) if s.name == "vrrpd_process_up"] == [({"process": "router"}, 0)]


def test_a_process_that_ended_meanwhile_does_not_spoil_the_page() -> None:
    ended = ProcessStatus("router", 2**22 - 1, True, True, 0)
    assert value(replace(SNAPSHOT, processes=(ended,)), "vrrpd_process_up") == 1


def test_one_series_for_each_state_is_1_in_that_state_alone() -> None:
    for state in State:
        snapshot = replace(SNAPSHOT, router=RouterStatus((replace(ROUTER, state=state),), 0, 0, 0, LatenessStatus(), 0))
        shown = {s.labels["state"]: s.value for s in samples(snapshot) if s.name == "vrrpd_virtual_router_state"}
        assert shown == {each.name.lower(): float(each is state) for each in State}


def test_a_virtual_router_is_told_in_base_units() -> None:
    labels = {"name": "VI_1", "interface": "eth0", "virtual_router_id": "51"}
    assert value(SNAPSHOT, "vrrpd_virtual_router_priority", **labels) == 100
    assert value(SNAPSHOT, "vrrpd_virtual_router_effective_priority", **labels) == 90
    assert value(SNAPSHOT, "vrrpd_virtual_router_advert_interval_seconds", **labels) == 1
    assert value(SNAPSHOT, "vrrpd_virtual_router_master_down_interval_seconds", **labels) == 3.609375
    assert value(SNAPSHOT, "vrrpd_virtual_router_last_transition_timestamp_seconds", **labels) == 1_700_000_000.25
    assert value(SNAPSHOT, "vrrpd_adverts_received_total", **labels) == 1
    assert value(SNAPSHOT, "vrrpd_adverts_sent_total", **labels) == 2
    assert value(SNAPSHOT, "vrrpd_transitions_total", state="master", cause="master-timeout", **labels) == 3
    assert value(SNAPSHOT, "vrrpd_virtual_address_present", address="192.0.2.100/24", **labels) == 1
    assert value(SNAPSHOT, "vrrpd_virtual_address_present", address="192.0.2.101/24", **labels) == 0


def test_every_fault_of_an_advert_is_counted_under_its_own_reason() -> None:
    shown = {
        sample.labels["reason"]: sample.value
        for sample in samples(SNAPSHOT)
        if sample.name == "vrrpd_adverts_rejected_total" and sample.labels["name"] == "VI_1"
    }
    assert shown == {
        "packet_length": 5,
        "interval": 6,
        "ttl": 7,
        "version": 8,
        "checksum": 9,
        "type": 10,
        "address_list": 11,
        "authentication_type": 12,
        "authentication_type_mismatch": 13,
        "authentication": 14,
        "ip_header": 17,
        "keyed_hash_missing": 18,
        "keyed_hash_malformed": 19,
        "keyed_hash_unknown_key": 20,
        "keyed_hash_wrong": 21,
        "keyed_hash_stale": 22,
        "keyed_hash_replayed": 23,
        "destination": 24,
        "source": 25,
        "ignored_as_owner": 26,
        "own_address": 27,
    }


def test_alarms_are_counted_by_kind() -> None:
    shown = {
        sample.labels["kind"]: sample.value
        for sample in samples(SNAPSHOT)
        if sample.name == "vrrpd_vrrp_alarms_total" and sample.labels["name"] == "VI_1"
    }
    assert shown == {"two_masters": 2, "address_in_use": 0}


def test_the_state_of_a_sync_group_is_told() -> None:
    shown = {s.labels["state"]: s.value for s in samples(SNAPSHOT) if s.name == "vrrpd_sync_group_state"}
    assert shown == {"initialize": 0, "backup": 0, "master": 1, "fault": 0}


def test_lateness_is_a_histogram_whose_buckets_add_up() -> None:
    shown = [
        (sample.name.removeprefix("vrrpd_router_deadline_lateness_seconds_"), sample.labels.get("le"), sample.value)
        for sample in samples(SNAPSHOT)
        if sample.name.startswith("vrrpd_router_deadline_lateness_seconds")
    ]
    assert shown == [
        ("bucket", "0.001", 61),
        ("bucket", "0.01", 123),
        ("bucket", "+Inf", 186),
        ("count", None, 186),
        ("sum", None, 0.64),
    ]


def test_what_a_virtual_router_speaks_is_told() -> None:
    assert value(SNAPSHOT, "vrrpd_virtual_router_info", name="VI_1", version="2", family="ipv4") == 1
    assert value(SNAPSHOT, "vrrpd_virtual_router_master_advert_interval_seconds", name="VI_1") == 1.5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vrrpd_unknown_virtual_router_adverts_total", 41),
        ("vrrpd_address_repairs_total", 42),
        ("vrrpd_send_errors_total", 43),
        ("vrrpd_receive_errors_total", 46),
        ("vrrpd_receive_drops_total", 47),
        ("vrrpd_router_lateness_max_seconds", 0.044),
        ("vrrpd_router_messages_dropped_total", 45),
        ("vrrpd_ipvs_foreign_rows", 51),
        ("vrrpd_ipvs_row_repairs_total", 52),
        ("vrrpd_ipvs_messages_total", 53),
        ("vrrpd_ipvs_changes_total", 54),
        ("vrrpd_ipvs_refusals_total", 55),
        ("vrrpd_director_messages_dropped_total", 56),
    ],
)
def test_what_a_process_counts_is_shown(name: str, expected: float) -> None:
    assert value(SNAPSHOT, name) == expected


def test_a_real_server_is_told_with_what_the_kernel_counted_for_it() -> None:
    labels = {"virtual_server": "[192.0.2.100]:tcp:80", "real_server": "[192.0.2.11]:80"}
    shown = {
        s.name.removeprefix("vrrpd_real_server_"): s.value
        for s in samples(SNAPSHOT)
        if s.name.startswith("vrrpd_real_server_") and s.labels == labels
    }
    assert shown == {
        "up": 1,
        "weight": 2,
        "last_change_timestamp_seconds": 1_700_000_001,
        "check_latency_seconds": 0.002,
        "checks_total": 20,
        "check_failures_total": 1,
        "connections_total": 21,
        "received_packets_total": 22,
        "sent_packets_total": 23,
        "received_bytes_total": 24,
        "sent_bytes_total": 25,
        "active_connections": 26,
        "inactive_connections": 27,
    }


def test_what_is_not_known_of_a_real_server_is_not_shown() -> None:
    labels = {"virtual_server": "[192.0.2.100]:tcp:80", "real_server": "[2001:db8::12]:80"}
    shown = {s.name.removeprefix("vrrpd_real_server_") for s in samples(SNAPSHOT) if s.labels == labels}
    assert shown == {"up", "weight", "last_change_timestamp_seconds", "checks_total", "check_failures_total"}
    assert all(not math.isnan(sample.value) for sample in samples(SNAPSHOT))


def test_a_virtual_server_tells_its_quorum() -> None:
    assert value(SNAPSHOT, "vrrpd_virtual_server_quorum_up", virtual_server="[192.0.2.100]:tcp:80") == 1
    assert value(SNAPSHOT, "vrrpd_virtual_server_quorum_up", virtual_server="[192.0.2.100]:udp:80") == 0
    assert value(SNAPSHOT, "vrrpd_virtual_server_alive_weight", virtual_server="[192.0.2.100]:tcp:80") == 2


# ---- the exporters' names


@pytest.mark.parametrize("accept", [ANY, OPENMETRICS])
@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (CompatMetrics.NONE, {}),
        (CompatMetrics.MEHDY, MEHDY),
        (CompatMetrics.GEN2BRAIN, GEN2BRAIN),
        (CompatMetrics.BOTH, {**MEHDY, **GEN2BRAIN}),
    ],
)
def test_the_exporters_names_are_there_with_exactly_their_labels(
    setting: CompatMetrics, expected: dict[str, tuple[str, ...]], accept: str
) -> None:
    found: dict[str, set[frozenset[str]]] = {}
    for sample in samples(replace(SNAPSHOT, compat_metrics=setting), accept):
        if sample.name.startswith("keepalived_"):
            found.setdefault(sample.name, set()).add(frozenset(sample.labels))
    assert found == {name: {frozenset(labels)} for name, labels in expected.items()}


def test_the_state_is_keepalived_s_number_once_for_each_address() -> None:
    def shown(name: str) -> dict[tuple[str, ...], float]:
        return {
            tuple(s.labels[label] for label in ("iname", "intf", "vrid", "ip_address")): s.value
            for s in samples(SNAPSHOT)
            if s.name == name
        }

    assert shown("keepalived_vrrp_state") == {
        ("VI_1", "eth0", "51", "192.0.2.100/24"): 2,
        ("VI_1", "eth1", "51", "192.0.2.101/24"): 2,
        ("VI_2", "eth0", "52", ""): 1,
    }
    assert shown("keepalived_vrrp_excluded_state") == {("VI_1", "eth0", "51", "192.0.2.102"): 2}


@pytest.mark.parametrize(
    ("state", "number", "word"),
    [
        (State.INITIALIZE, 0, "INIT"),
        (State.BACKUP, 1, "BACKUP"),
        (State.MASTER, 2, "MASTER"),
        (State.FAULT, 3, "FAULT"),
        (State.RELINQUISHING, 0, "INIT"),
        (State.LISTENING, 2, "MASTER"),
    ],
)
def test_states_have_the_exporters_number_and_word(state: State, number: int, word: str) -> None:
    snapshot = replace(SNAPSHOT, router=RouterStatus((replace(BARE_ROUTER, state=state),), 0, 0, 0, LatenessStatus(), 0))
    assert value(snapshot, "keepalived_vrrp_state") == number
    assert value(snapshot, "keepalived_vrrp_advert_sent", state=word) == 2


def test_each_exporter_s_counters_come_from_the_right_count() -> None:
    vi_1 = {"intf": "eth0", "vrid": "51"}
    pairs = {
        ("advertisements_received", "advert_rcvd"): 1,
        ("advertisements_sent", "advert_sent"): 2,
        ("become_master", "become_master"): 3,
        ("release_master", "release_master"): 4,
        ("packet_length_errors", "packet_len_err"): 5,
        ("advertisements_interval_errors", "advert_interval_err"): 6,
        ("ip_ttl_errors", "ip_ttl_err"): 7,
        ("invalid_type_received", "invalid_type_rcvd"): 10,
        ("address_list_errors", "addr_list_err"): 11,
        ("authentication_invalid", "invalid_authtype"): 12,
        ("authentication_mismatch", "authtype_mismatch"): 13,
        ("authentication_failure", "auth_failure"): 14,
        ("priority_zero_received", "pri_zero_rcvd"): 15,
        ("priority_zero_sent", "pri_zero_sent"): 16,
    }
    for (mehdy, gen2brain), expected in pairs.items():
        assert value(SNAPSHOT, f"keepalived_{mehdy}_total", iname="VI_1", **vi_1) == expected
        assert value(SNAPSHOT, f"keepalived_vrrp_{gen2brain}", name="VI_1", **vi_1) == expected
    assert value(SNAPSHOT, "keepalived_gratuitous_arp_delay_total", iname="VI_1") == 5


def test_the_balancing_counts_have_the_exporters_addresses() -> None:
    vip = {"addr": "192.0.2.100:80", "proto": "6"}
    real = {"addr": "192.0.2.11:80", "vip": "192.0.2.100:80", "proto": "6"}
    for name, of_server, of_real in [
        ("conn", 31, 21),
        ("in_packets", 32, 22),
        ("out_packets", 33, 23),
        ("in_bytes", 34, 24),
        ("out_bytes", 35, 25),
    ]:
        assert value(SNAPSHOT, f"keepalived_lvs_vip_{name}", **vip) == of_server
        assert value(SNAPSHOT, f"keepalived_lvs_rs_{name}", **real) == of_real


@pytest.mark.parametrize(
    ("processes", "up"),
    [
        ((ProcessStatus("router", 1, True, True, 0), ProcessStatus("director", 2, True, True, 0)), 1),
        ((ProcessStatus("router", 1, True, True, 0), ProcessStatus("director", 2, True, False, 0)), 0),
        ((ProcessStatus("router", 1, True, True, 0), ProcessStatus("director", None, False, False, 0)), 1),
    ],
)
def test_keepalived_is_up_while_every_process_with_work_answers(processes: tuple[ProcessStatus, ...], up: int) -> None:
    assert value(replace(SNAPSHOT, processes=processes), "keepalived_up") == up
