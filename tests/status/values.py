"""A snapshot of a busy host, in which no two numbers are the same, and one of a host with nothing to do."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from ipvs.statistics import Statistics
from vrrpd.config.model import CompatMetrics
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.states import State
from vrrpd.status.model import (
    AddressStatus,
    DirectorStatus,
    LatenessStatus,
    ProcessStatus,
    RealServerStatus,
    RouterStatus,
    Snapshot,
    SyncGroupStatus,
    VirtualRouterStatus,
    VirtualServerStatus,
)

COUNTERS = Counters(
    advertisements_received=1,
    advertisements_sent=2,
    became_master=3,
    released_master=4,
    packet_length_errors=5,
    advert_interval_errors=6,
    ttl_errors=7,
    version_errors=8,
    checksum_errors=9,
    invalid_type_received=10,
    address_list_errors=11,
    invalid_authentication_type=12,
    authentication_type_mismatch=13,
    authentication_failures=14,
    priority_zero_received=15,
    priority_zero_sent=16,
    ip_header_errors=17,
    keyed_hash_missing=18,
    keyed_hash_malformed=19,
    keyed_hash_unknown_key=20,
    keyed_hash_wrong=21,
    keyed_hash_stale=22,
    keyed_hash_replayed=23,
    destination_errors=24,
    source_errors=25,
    ignored_as_owner=26,
    own_address_heard=27,
)
ROUTER = VirtualRouterStatus(
    name="VI_1",
    interface="eth0",
    virtual_router_id=51,
    family=4,
    version=2,
    state=State.MASTER,
    priority=100,
    effective_priority=90,
    advert_interval_s=1.0,
    master_advert_interval_s=1.5,
    master_down_interval_s=3.609375,
    announcement_delay_s=5.0,
    master_address=IPv4Address("192.0.2.1"),
    master_priority=90,
    last_transition_unix_s=1_700_000_000.25,
    addresses=(
        AddressStatus("192.0.2.100/24", "eth0", excluded=False, present=True),
        AddressStatus("192.0.2.101/24", "eth1", excluded=False, present=False),
        AddressStatus("192.0.2.102", "eth0", excluded=True, present=True),
    ),
    counters=COUNTERS,
    transitions=(("backup", "startup", 1), ("master", "master-timeout", 3)),
    alarms=(("two masters", 2), ("address in use", 0)),
)
BARE_ROUTER = replace(ROUTER, name="VI_2", virtual_router_id=52, state=State.BACKUP, addresses=(), transitions=())
UP = RealServerStatus(
    address=IPv4Address("192.0.2.11"),
    port=80,
    up=True,
    configured_weight=3,
    effective_weight=2,
    changed_unix_s=1_700_000_001.0,
    reason="connected",
    checks=20,
    check_failures=1,
    check_latency_s=0.002,
    traffic=Statistics(
        connections=21,
        packets_in=22,
        packets_out=23,
        bytes_in=24,
        bytes_out=25,
        active_connections=26,
        inactive_connections=27,
    ),
)
DOWN = replace(UP, address=IPv6Address("2001:db8::12"), up=False, effective_weight=0, check_latency_s=None, traffic=None)
SERVER = VirtualServerStatus(
    name="[192.0.2.100]:tcp:80",
    address=IPv4Address("192.0.2.100"),
    port=80,
    protocol=6,
    scheduler="wrr",
    quorum_up=True,
    alive_weight=2,
    real_servers=(UP, DOWN),
    traffic=Statistics(connections=31, packets_in=32, packets_out=33, bytes_in=34, bytes_out=35),
)
WITHOUT_ROW = replace(SERVER, name="[192.0.2.100]:udp:80", protocol=17, traffic=None, quorum_up=False)
LATENESS = LatenessStatus(bounds_s=(0.001, 0.01), counts=(61, 62, 63), sum_s=0.64, max_s=0.044)
GROUP = SyncGroupStatus("VG_1", State.MASTER, ("VI_1", "VI_2"))
SNAPSHOT = Snapshot(
    reloads=2,
    reloads_refused=1,
    configuration_loaded_unix_s=1_700_000_002.0,
    compat_metrics=CompatMetrics.BOTH,
    processes=(ProcessStatus("router", os.getpid(), True, True, 1), ProcessStatus("director", os.getppid(), True, True, 0)),
    router=RouterStatus((ROUTER, BARE_ROUTER), 41, 42, 43, LATENESS, 45, (GROUP,), 46, 47),
    director=DirectorStatus((SERVER, WITHOUT_ROW), 51, 52, 53, 54, 55, 56),
)
NO_WORK = replace(
    SNAPSHOT,
    processes=(ProcessStatus("router", None, False, False, 0), ProcessStatus("director", None, False, False, 0)),
    router=None,
    director=None,
)
