"""Every attribute of a row on the kernel: what we write ipvsadm shows right, and what ipvsadm writes we read as the same."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipvs.client import Client
from ipvs.diff import diff, ownership
from ipvs.errors import KNOWN_SCHEDULERS, DoesNotExistError, InvalidError, UnknownSchedulerError
from ipvs.operations import AddDestination, AddService, SetDestination, SetService
from ipvs.types import (
    Destination,
    DestinationKey,
    Forwarding,
    MarkKey,
    Protocol,
    Row,
    RowKey,
    Service,
    ServiceFlags,
    ServiceKey,
    Table,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

from .conftest import own_namespace
from .ipvsadm import ipvsadm
from .test_diff import canonical_table

pytestmark = pytest.mark.kernel

WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
WEB6 = ServiceKey(Protocol.TCP, ip_address("2001:db8::1"), 80)
DNS = ServiceKey(Protocol.UDP, ip_address("192.0.2.1"), 53)
DNS6 = ServiceKey(Protocol.UDP, ip_address("2001:db8::1"), 53)
SIGNALS = ServiceKey(Protocol.SCTP, ip_address("192.0.2.1"), 2905)
SIGNALS6 = ServiceKey(Protocol.SCTP, ip_address("2001:db8::1"), 2905)
ALL_PORTS = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 0)
MARK, MARK6 = MarkKey(7), MarkKey(7, 6)
REAL = DestinationKey(ip_address("198.51.100.1"), 80)
REAL6 = DestinationKey(ip_address("2001:db8::2"), 80)
WRR = Service("wrr")
DR = Destination(Forwarding.DR, 1)
PERSISTENT = Service("rr", ServiceFlags.PERSISTENT, 300)
EXAMPLES = 40


def tunnel(kind: TunnelType, port: int = 0, checksum: TunnelChecksum = TunnelChecksum.NOCSUM) -> Destination:
    return Destination(Forwarding.TUN, 1, tunnel=Tunnel(kind, port, checksum))


SERVICES: list[tuple[RowKey, Service, str]] = [
    (WEB, WRR, "-t 192.0.2.1:80 -s wrr"),
    (WEB6, WRR, "-t [2001:db8::1]:80 -s wrr"),
    (DNS, WRR, "-u 192.0.2.1:53 -s wrr"),
    (DNS6, WRR, "-u [2001:db8::1]:53 -s wrr"),
    (SIGNALS, WRR, "--sctp-service 192.0.2.1:2905 -s wrr"),
    (SIGNALS6, WRR, "--sctp-service [2001:db8::1]:2905 -s wrr"),
    (MARK, WRR, "-f 7 -s wrr"),
    (MARK6, WRR, "-f 7 -6 -s wrr"),
    (ALL_PORTS, PERSISTENT, "-t 192.0.2.1:0 -s rr -p 300"),
    (WEB, PERSISTENT, "-t 192.0.2.1:80 -s rr -p 300"),
    (WEB, replace(PERSISTENT, persistence_prefix_length=24), "-t 192.0.2.1:80 -s rr -p 300 -M 255.255.255.0"),
    (
        WEB,
        replace(PERSISTENT, persistence_netmask=IPv4Address("255.0.255.0")),
        "-t 192.0.2.1:80 -s rr -p 300 -M 255.0.255.0",
    ),
    (WEB6, replace(PERSISTENT, persistence_prefix_length=64), "-t [2001:db8::1]:80 -s rr -p 300 -M 64"),
    (MARK6, replace(PERSISTENT, persistence_prefix_length=48), "-f 7 -6 -s rr -p 300 -M 48"),
    (DNS, replace(PERSISTENT, persistence_engine="sip"), "-u 192.0.2.1:53 -s rr -p 300 --pe sip"),
    (DNS, Service("rr", ServiceFlags.ONE_PACKET), "-u 192.0.2.1:53 -s rr -o"),
    (MARK, Service("rr", ServiceFlags.ONE_PACKET), "-f 7 -s rr -o"),
    (WEB, Service("sh", ServiceFlags.SH_PORT), "-t 192.0.2.1:80 -s sh -b sh-port"),
    (WEB, Service("sh", ServiceFlags.SH_FALLBACK | ServiceFlags.SH_PORT), "-t 192.0.2.1:80 -s sh -b sh-fallback,sh-port"),
    (WEB, Service("mh", ServiceFlags.MH_FALLBACK), "-t 192.0.2.1:80 -s mh -b mh-fallback"),
    (WEB, Service("mh", ServiceFlags.MH_PORT), "-t 192.0.2.1:80 -s mh -b mh-port"),
    (
        WEB,
        Service("rr", ServiceFlags.SCHEDULER_1 | ServiceFlags.SCHEDULER_2 | ServiceFlags.SCHEDULER_3),
        "-t 192.0.2.1:80 -s rr -b flag-1,flag-2,flag-3",
    ),
]

DESTINATIONS: list[tuple[RowKey, DestinationKey, Destination, str]] = [
    (WEB, REAL, DR, "-t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 1"),
    (WEB, REAL, Destination(Forwarding.NAT, 0), "-t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0"),
    (WEB, REAL, tunnel(TunnelType.IPIP), "-t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1 --tun-type ipip"),
    (
        WEB,
        REAL,
        tunnel(TunnelType.GUE, 6080),
        "-t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
    ),
    (
        WEB,
        REAL,
        tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMCSUM),
        "-t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
    ),
    (
        WEB,
        REAL,
        tunnel(TunnelType.GRE, checksum=TunnelChecksum.CSUM),
        "-t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1 --tun-type gre --tun-csum",
    ),
    (WEB6, REAL6, DR, "-t [2001:db8::1]:80 -r [2001:db8::2]:80 -g -w 1"),
    (WEB, REAL6, tunnel(TunnelType.IPIP), "-t 192.0.2.1:80 -r [2001:db8::2]:80 -i -w 1 --tun-type ipip"),
    (WEB6, REAL, tunnel(TunnelType.IPIP), "-t [2001:db8::1]:80 -r 198.51.100.1:80 -i -w 1 --tun-type ipip"),
    (MARK, DestinationKey(REAL.address, 0), DR, "-f 7 -r 198.51.100.1:0 -g -w 1"),
    (MARK6, DestinationKey(REAL6.address, 0), DR, "-f 7 -6 -r [2001:db8::2]:0 -g -w 1"),
    (DNS, REAL, Destination(Forwarding.NAT, 0x7FFF_FFFF), "-u 192.0.2.1:53 -r 198.51.100.1:80 -m -w 2147483647"),
]


@pytest.mark.parametrize(("key", "service", "line"), SERVICES, ids=[line for _key, _service, line in SERVICES])
def test_a_service_is_written_and_read_as_ipvsadm_does(client: Client, key: RowKey, service: Service, line: str) -> None:
    desired: Table = {key: Row(service)}
    assert client.apply(diff(desired, {})) == []
    assert ipvsadm("-Sn") == [f"-A {line}"]
    assert client.table() == desired
    client.flush()
    assert client.table() == {}
    ipvsadm("-A", *line.split())
    assert client.table() == desired


@pytest.mark.parametrize(
    ("service_key", "key", "destination", "line"), DESTINATIONS, ids=[line for *_destination, line in DESTINATIONS]
)
def test_a_destination_is_written_and_read_as_ipvsadm_does(
    client: Client, service_key: RowKey, key: DestinationKey, destination: Destination, line: str
) -> None:
    desired: Table = {service_key: Row(WRR, {key: destination})}
    assert client.apply(diff(desired, {})) == []
    assert f"-a {line}" in ipvsadm("-Sn")
    assert client.table() == desired
    assert client.apply(diff({service_key: Row(WRR)}, client.table(), ownership(desired))) == []
    ipvsadm("-a", *line.split())
    assert client.table() == desired


def test_thresholds_are_shown_by_ipvsadm(client: Client) -> None:
    assert client.apply(diff({WEB: Row(WRR, {REAL: replace(DR, upper_threshold=9, lower_threshold=4)})}, {})) == []
    assert any(line.split()[:4] == ["->", "198.51.100.1:80", "9", "4"] for line in ipvsadm("-Ln", "--thresholds"))


@pytest.mark.parametrize("forwarding", [Forwarding.LOCAL, Forwarding.BYPASS, Forwarding(5)])
def test_ways_of_forwarding_that_ipvsadm_cannot_ask_for_come_back_as_they_went(client: Client, forwarding: Forwarding) -> None:
    desired: Table = {WEB: Row(WRR, {REAL: Destination(forwarding, 1)})}
    assert client.apply(diff(desired, {})) == []
    assert client.table() == desired


def test_a_mark_has_32_bits(client: Client) -> None:
    desired: Table = {MarkKey(0xFFFF_FFFF): Row(WRR), MarkKey(0xFFFF_FFFF, 6): Row(WRR)}
    assert client.apply(diff(desired, {})) == []
    assert client.table() == desired


def test_a_protocol_that_ipvs_does_not_balance_comes_back_as_it_went(client: Client) -> None:
    desired: Table = {ServiceKey(Protocol(50), WEB.address, 0): Row(PERSISTENT, {REAL: DR})}
    assert client.apply(diff(desired, {})) == []
    assert client.table() == desired


def test_every_scheduler_that_the_kernel_has_can_be_used_and_the_others_are_named_with_their_module(client: Client) -> None:
    keys = {name: ServiceKey(Protocol.TCP, WEB.address, port) for port, name in enumerate(KNOWN_SCHEDULERS, start=1)}
    desired: Table = {key: Row(Service(name), {REAL: DR}) for name, key in keys.items()}
    missing = {name for name in KNOWN_SCHEDULERS if not module_exists(f"ip_vs_{name}")}
    failures = client.apply(diff(desired, {}))
    assert len(missing) <= 1, "a kernel for this test has all but twos, which is newer than some"
    assert [failure.error.modules for failure in failures if isinstance(failure.error, UnknownSchedulerError)] == [
        (f"ip_vs_{name}",) for name in KNOWN_SCHEDULERS if name in missing
    ]
    assert len(failures) == len(missing)
    assert client.table() == {key: row for key, row in desired.items() if row.service.scheduler not in missing}


def module_exists(name: str) -> bool:
    return subprocess.run(["modprobe", "--dry-run", "--quiet", name], check=False).returncode == 0


def test_a_missing_engine_is_named_with_its_module(client: Client) -> None:
    (failure,) = client.apply([AddService(WEB, replace(PERSISTENT, persistence_engine="nosuch"))])
    assert isinstance(failure.error, UnknownSchedulerError)
    assert "ip_vs_pe_nosuch" in str(failure)


def test_a_gue_tunnel_without_a_port_is_refused(client: Client) -> None:
    failures = client.apply([AddService(WEB, WRR), AddDestination(WEB, REAL, tunnel(TunnelType.GUE))])
    assert [type(failure.error) for failure in failures] == [InvalidError]
    assert "port" in failures[0].error.remedy


# ---- what can be changed in place: everything but the keys


def test_a_service_is_changed_in_place_whatever_of_it_changes(client: Client) -> None:
    """So a change takes no server away."""
    services = [service for key, service, _line in SERVICES if key == WEB]
    client.apply([AddService(WEB, WRR), AddDestination(WEB, REAL, DR)])
    for service in (*services, replace(PERSISTENT, persistence_engine="sip"), WRR):
        assert client.apply([SetService(WEB, service)]) == []
        assert client.table() == {WEB: Row(service, {REAL: DR})}


def test_a_destination_is_changed_in_place_from_each_way_of_forwarding_to_each(client: Client) -> None:
    ways = [
        *(Destination(forwarding, 1) for forwarding in Forwarding),
        tunnel(TunnelType.GUE, 6080, TunnelChecksum.CSUM),
        tunnel(TunnelType.GUE, 6081),
        tunnel(TunnelType.GRE, checksum=TunnelChecksum.CSUM),
        replace(DR, weight=0, upper_threshold=9, lower_threshold=3),
    ]
    client.apply([AddService(WEB, WRR), AddDestination(WEB, REAL, DR)])
    for one in ways:
        for other in ways:
            assert client.apply([SetDestination(WEB, REAL, one), SetDestination(WEB, REAL, other)]) == []
            assert client.table() == {WEB: Row(WRR, {REAL: other})}


# ---- any table to any other, on the kernel


def kernel_services(key: RowKey) -> st.SearchStrategy[Service]:
    length = st.none() | st.integers(1, 32 if key.family == 4 else 128)
    netmask = st.sampled_from([None, IPv4Address("255.0.255.0"), IPv4Address("255.255.0.0")])
    return st.builds(
        Service,
        st.sampled_from(["rr", "wrr", "wlc", "sh", "mh", "fo"]),
        st.sampled_from([ServiceFlags.NONE, ServiceFlags.PERSISTENT, ServiceFlags.ONE_PACKET, ServiceFlags.SCHEDULER_1]),
        st.sampled_from([0, 1, 300]),
        length,
        netmask if key.family == 4 else st.none(),
        st.sampled_from([None, "sip"]),
    )


def kernel_destinations(service_key: RowKey, key: DestinationKey) -> st.SearchStrategy[Destination]:
    same = key.address.version == service_key.family
    return st.builds(
        Destination,
        st.sampled_from([Forwarding.NAT, Forwarding.DR, Forwarding.TUN]) if same else st.just(Forwarding.TUN),
        st.integers(0, 3),
        st.sampled_from([9, 10]),
        st.sampled_from([0, 8]),
        st.sampled_from([Tunnel(), Tunnel(TunnelType.GUE, 6080), Tunnel(TunnelType.GRE, 0, TunnelChecksum.CSUM)]),
    )


@st.composite
def kernel_rows(draw: st.DrawFn, key: RowKey) -> Row:
    reals = draw(st.sets(st.sampled_from([REAL, DestinationKey(REAL.address, 8080), REAL6])))
    return Row(draw(kernel_services(key)), {real: draw(kernel_destinations(key, real)) for real in reals})


@st.composite
def kernel_tables(draw: st.DrawFn) -> Table:
    all_keys: list[RowKey] = [WEB, WEB6, DNS, SIGNALS, MARK, MARK6]
    keys = draw(st.sets(st.sampled_from(all_keys), max_size=4))
    return {key: draw(kernel_rows(key)) for key in keys}


def test_the_kernel_goes_from_any_table_to_any_other_and_no_server_of_both_is_away_on_the_way() -> None:
    with own_namespace(), Client() as client:

        @settings(max_examples=EXAMPLES, deadline=None)
        @given(first=kernel_tables(), second=kernel_tables())
        def goes(first: Table, second: Table) -> None:
            client.flush()
            assert client.apply(diff(first, {})) == []
            current = client.table()
            assert current == canonical_table(first)
            always = present(first) & present(second)
            for operation in diff(second, current, ownership(first)):
                assert client.apply([operation]) == []
                assert always <= present(client.table())
            after = client.table()
            assert after == canonical_table(second)
            assert diff(second, after, ownership(first)) == []

        goes()


def present(table: Table) -> set[tuple[RowKey, DestinationKey]]:
    return {(key, real) for key, row in table.items() for real in row.destinations}


def test_a_row_of_somebody_else_that_vanishes_is_told_by_its_type(client: Client) -> None:
    (failure,) = client.apply([AddDestination(MARK, REAL, DR)])
    assert isinstance(failure.error, DoesNotExistError)
