"""The client against the kernel's own IPVS, with ipvsadm as a witness. Every test has a namespace, so a table, to itself."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest

from ipvs.client import Client
from ipvs.diff import diff, foreign, ownership
from ipvs.errors import (
    AlreadyExistsError,
    DoesNotExistError,
    InvalidError,
    MixedFamilyError,
    OutOfRangeError,
    UnknownSchedulerError,
)
from ipvs.genetlink import NETLINK_GENERIC, family_id
from ipvs.netlink import NetlinkSocket
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import (
    Destination,
    DestinationKey,
    Forwarding,
    MarkKey,
    Protocol,
    Row,
    Service,
    ServiceFlags,
    ServiceKey,
    Table,
)

from .counting import counted
from .ipvsadm import ipvsadm

pytestmark = pytest.mark.kernel

MANY = 2000

WEB = ServiceKey(Protocol.TCP, ip_address("127.0.0.1"), 8080)
WEB6 = ServiceKey(Protocol.TCP, ip_address("2001:db8::1"), 80)
DNS = ServiceKey(Protocol.UDP, ip_address("192.0.2.53"), 53)
ONE, TWO = (DestinationKey(ip_address(f"198.51.100.{i}"), 80) for i in (1, 2))
SIX = DestinationKey(ip_address("2001:db8::2"), 80)
DR, NAT, TUN = (Destination(forwarding, 1) for forwarding in (Forwarding.DR, Forwarding.NAT, Forwarding.TUN))
WRR = Service("wrr")


def test_a_table_of_every_forwarding_and_both_families_is_what_ipvsadm_shows(client: Client) -> None:
    desired: Table = {
        WEB: Row(WRR, {ONE: DR, TWO: replace(NAT, weight=2), SIX: replace(TUN, weight=3)}),
        WEB6: Row(Service("rr", ServiceFlags.PERSISTENT, 300, 64), {SIX: DR}),
        DNS: Row(
            Service("wlc", ServiceFlags.ONE_PACKET | ServiceFlags.PERSISTENT, 60, 24), {ONE: replace(TUN, upper_threshold=9)}
        ),
    }
    assert client.apply(diff(desired, client.table())) == []
    assert client.table() == desired
    assert diff(desired, client.table()) == []
    assert ipvsadm("-Sn") == sorted(
        [
            "-A -t 127.0.0.1:8080 -s wrr",
            "-a -t 127.0.0.1:8080 -r 198.51.100.1:80 -g -w 1",
            "-a -t 127.0.0.1:8080 -r 198.51.100.2:80 -m -w 2",
            "-a -t 127.0.0.1:8080 -r [2001:db8::2]:80 -i -w 3 --tun-type ipip",
            "-A -t [2001:db8::1]:80 -s rr -p 300 -M 64",
            "-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -g -w 1",
            "-A -u 192.0.2.53:53 -s wlc -p 60 -M 255.255.255.0 -o",
            "-a -u 192.0.2.53:53 -r 198.51.100.1:80 -i -w 1 --tun-type ipip",  # it saves no thresholds
        ]
    )


def test_what_changes_is_changed_in_place_and_one_weight_is_one_message(client: Client) -> None:
    first: Table = {WEB: Row(WRR, {ONE: DR, TWO: DR})}
    client.apply(diff(first, {}))
    before = client.changes_sent
    second: Table = {WEB: Row(WRR, {ONE: DR, TWO: replace(DR, weight=7)})}
    assert client.apply(diff(second, client.table())) == []
    assert client.changes_sent - before == 1
    third: Table = {WEB: Row(Service("sh", ServiceFlags.SCHEDULER_2), {TWO: replace(DR, weight=7)})}
    assert client.apply(diff(third, client.table(), ownership(first))) == []
    assert client.table() == third
    assert client.apply(diff({}, client.table(), ownership(third))) == []
    assert ipvsadm("-Sn") == []


def test_what_ipvsadm_wrote_is_read_and_left_alone(client: Client) -> None:
    for line in (
        "-A -f 7",
        "-A -t 192.0.2.9:80 -s rr",
        "-a -t 192.0.2.9:80 -r 198.51.100.9 -i",
        "-A -u [2001:db8::5]:53 -p 9 -M 48",
    ):
        ipvsadm(*line.split())
    before = ipvsadm("-Sn")
    theirs = client.table()
    assert theirs == {
        MarkKey(7): Row(Service("wlc")),
        ServiceKey(Protocol.TCP, ip_address("192.0.2.9"), 80): Row(
            Service("rr"), {DestinationKey(ip_address("198.51.100.9"), 80): TUN}
        ),
        ServiceKey(Protocol.UDP, ip_address("2001:db8::5"), 53): Row(Service("wlc", ServiceFlags.PERSISTENT, 9, 48)),
    }
    ours: Table = {WEB: Row(WRR, {ONE: DR})}
    assert client.apply(diff(ours, theirs)) == []
    another = "-a -t 127.0.0.1:8080 -r 198.51.100.77:8080 -g -w 5"
    ipvsadm(*another.split())
    assert foreign(client.table(), ownership(ours)) == {
        **theirs,
        WEB: Row(WRR, {DestinationKey(ip_address("198.51.100.77"), 8080): replace(DR, weight=5)}),
    }
    assert client.apply(diff({}, client.table(), ownership(ours))) == []
    assert ipvsadm("-Sn") == sorted([*before, "-A -t 127.0.0.1:8080 -s wrr", another])


def test_an_operation_on_a_table_that_changed_reaches_its_end_all_the_same(client: Client) -> None:
    assert client.apply([SetService(WEB, WRR), SetService(DNS, WRR)]) == []
    heavy = replace(DR, weight=4)
    assert client.apply([AddService(WEB, Service("rr")), SetDestination(WEB, ONE, DR), AddDestination(DNS, ONE, DR)]) == []
    assert client.apply([AddDestination(DNS, ONE, heavy)]) == []
    assert client.table() == {WEB: Row(Service("rr"), {ONE: DR}), DNS: Row(WRR, {ONE: heavy})}
    assert (
        client.apply([DeleteDestination(WEB, TWO), DeleteService(DNS), DeleteDestination(DNS, ONE), DeleteService(DNS)]) == []
    )


def test_an_unknown_scheduler_is_named_and_hinders_nothing_else(client: Client) -> None:
    desired: Table = {
        WEB: Row(Service("wrrr"), {ONE: DR, TWO: DR}),
        DNS: Row(WRR, {ONE: DR}),
    }
    (failure,) = client.apply(diff(desired, {}))
    assert isinstance(failure.error, UnknownSchedulerError)
    assert "wrrr" in str(failure)
    assert client.table() == {DNS: desired[DNS]}


def test_each_refusal_has_its_type(client: Client) -> None:
    multicast = DestinationKey(ip_address("224.0.0.18"), 80)
    operations: list[Operation] = [
        AddService(WEB, WRR),
        AddDestination(WEB, SIX, DR),
        AddDestination(WEB, multicast, DR),
        AddDestination(WEB, ONE, replace(DR, upper_threshold=1, lower_threshold=2)),
        AddDestination(DNS, ONE, DR),
        AddDestination(WEB, TWO, DR),
    ]
    failures = client.apply(operations)
    assert [type(failure.error) for failure in failures] == [MixedFamilyError, InvalidError, OutOfRangeError, DoesNotExistError]
    assert not any(isinstance(failure.error, AlreadyExistsError) for failure in failures)
    assert client.table() == {WEB: Row(WRR, {TWO: DR})}


def test_counters_move_with_the_traffic(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        real = DestinationKey(ip_address("127.0.0.1"), server.getsockname()[1])
        assert client.apply(diff({WEB: Row(WRR, {real: NAT})}, {})) == []
        with socket.create_connection(("127.0.0.1", 8080), timeout=5) as visitor, server.accept()[0] as served:
            visitor.sendall(b"x" * 1000)
            assert served.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
            measured = counted(client, WEB)
    assert measured.row == Row(WRR, {real: NAT})
    statistics = measured.destinations[real]
    assert (statistics.connections, statistics.active_connections) == (1, 1)
    assert statistics.packets_in >= 3
    assert statistics.bytes_in > 1000
    assert measured.statistics == statistics


def test_two_thousand_destinations_go_out_in_batches_and_come_back_whole(client: Client) -> None:
    first = int(IPv4Address("10.1.0.1"))
    desired: Table = {WEB: Row(WRR, {DestinationKey(IPv4Address(first + i), 80): DR for i in range(MANY)})}
    assert client.apply(diff(desired, {})) == []
    current = client.table()
    assert current == desired
    assert len(ipvsadm("-Sn")) == MANY + 1
    before = client.messages_sent
    assert client.apply(diff({}, current, ownership(desired))) == []
    assert client.messages_sent - before == 1
    assert client.table() == {}


def test_the_version_is_told(client: Client) -> None:
    assert client.info().version >= (1, 2, 1)
    assert client.info().connection_table_size >= 256


def test_a_family_that_is_not_there_has_no_number() -> None:
    netlink = NetlinkSocket(NETLINK_GENERIC)
    try:
        assert family_id(netlink, "nlctrl") == 16
        assert family_id(netlink, "NO_SUCH_FAMILY") is None
    finally:
        netlink.close()
