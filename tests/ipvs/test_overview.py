"""What /proc/net/ip_vs says, as text and on a kernel."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.client import Client
from ipvs.diff import diff
from ipvs.overview import differences, parse
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
)

HEAD = b"""\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
"""
WEB = b"TCP  0A000001:0050 wlc persistent 300 FFFFFFFF\n"
WEB1 = b"  -> C0A80465:0050      Route   1      0          0         \n"
WEB1_BUSY = b"  -> C0A80465:0050      Route   1      12345      1234567890\n"
WEB1_HEAVY = b"  -> C0A80465:0050      Route   2      0          0         \n"
WEB2 = b"  -> C0A804C8:0050      Masq    3      0          0         \n"
DNS = b"UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 rr ops \n"
DNS1 = b"  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0035      Tunnel  1      0          0         \n"
PHONE = b"SCTP 0A000003:0B54 sh \n"
MARK = b"FWM  000000FF rr \n"

WEB_KEY = ServiceKey(Protocol.TCP, IPv4Address("10.0.0.1"), 80)
DNS_KEY = ServiceKey(Protocol.UDP, IPv6Address("2001:db8::1"), 53)
PHONE_KEY = ServiceKey(Protocol.SCTP, IPv4Address("10.0.0.3"), 2900)


def changed(before: bytes, now: bytes) -> set[RowKey]:
    return differences(parse(HEAD + before), parse(HEAD + now))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (b"", b"", set()),
        (WEB + WEB1, WEB + WEB1, set()),
        (WEB + WEB1, WEB + WEB1_BUSY, set()),
        (WEB + WEB1, WEB + WEB1_HEAVY, {WEB_KEY}),
        (WEB + WEB1, WEB + WEB1 + WEB2, {WEB_KEY}),
        (WEB + WEB1, WEB, {WEB_KEY}),
        (WEB + WEB1, b"TCP  0A000001:0050 rr persistent 300 FFFFFFFF\n" + WEB1, {WEB_KEY}),
        (WEB + WEB1 + DNS + DNS1, DNS + DNS1, {WEB_KEY}),
        (WEB + WEB1, DNS + DNS1 + WEB + WEB1, {DNS_KEY}),
        (DNS + DNS1, DNS, {DNS_KEY}),
        (b"", PHONE, {PHONE_KEY}),
        (MARK, MARK + WEB1, {MarkKey(255, 4), MarkKey(255, 6)}),
    ],
    ids=[
        *("nothing", "the same", "connections", "weight", "a server more", "a server less", "scheduler", "a service less"),
        *("a service more", "IPv6", "SCTP", "a mark tells no family"),
    ],
)
def test_the_services_that_are_shown_otherwise_are_known(before: bytes, now: bytes, expected: set[RowKey]) -> None:
    assert changed(before, now) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"IP6\n",
        b"ICMP 0A000001:0050 rr \n",
        b"TCP  0A000001 rr \n",
        b"TCP  :0050 rr \n",
        b"TCP  [2001:db8]:0050 rr \n",
        b"TCP  FFFFFFFFFF:0050 rr \n",
        b"FWM  rr\n",
        b"\xff\xfe\n",
    ],
)
def test_a_line_of_an_unknown_kind_is_no_service_and_no_fault(line: bytes) -> None:
    assert changed(WEB + WEB1, WEB + WEB1 + line) == set()


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_text_is_a_fault(before: bytes, now: bytes) -> None:
    changed(before, now)


# -- on a kernel


def table() -> dict[RowKey, Row]:
    own = {
        DestinationKey(IPv4Address("192.168.4.101"), 80): Destination(Forwarding.DR, 1),
        DestinationKey(IPv4Address("192.168.4.102"), 80): Destination(Forwarding.DR, 2, upper_threshold=9, lower_threshold=3),
    }
    own6 = {DestinationKey(IPv6Address("2001:db8::2"), 53): Destination(Forwarding.TUN, 1)}
    return {
        WEB_KEY: Row(Service("wlc"), own),
        ServiceKey(Protocol.TCP, IPv4Address("10.0.0.1"), 443): Row(
            Service("sh", ServiceFlags.PERSISTENT, 300, persistence_prefix_length=24),
            {DestinationKey(key.address, 443): destination for key, destination in own.items()},
        ),
        DNS_KEY: Row(Service("rr", ServiceFlags.ONE_PACKET), own6),
        PHONE_KEY: Row(Service("wrr"), {DestinationKey(key.address, 2900): each for key, each in own.items()}),
        MarkKey(255, 4): Row(Service("rr"), {DestinationKey(key.address, 0): each for key, each in own.items()}),
    }


def with_service(key: RowKey, **changes: object) -> Table:
    present = table()
    row = present[key]
    return present | {key: Row(replace(row.service, **changes), row.destinations)}  # type: ignore[arg-type]  # any of them


def with_destinations(key: RowKey, **changes: object) -> Table:
    present = table()
    row = present[key]
    destinations = {each: replace(destination, **changes) for each, destination in row.destinations.items()}  # type: ignore[arg-type]
    return present | {key: Row(row.service, destinations)}


def without(key: RowKey, *, server: bool) -> Table:
    present = table()
    row = present.pop(key)
    if not server:
        return present
    return present | {key: Row(row.service, dict(list(row.destinations.items())[1:]))}


@pytest.mark.kernel
@pytest.mark.parametrize("key", table(), ids=str)
@pytest.mark.parametrize(
    "change",
    [
        lambda key: with_service(key, scheduler="lc"),
        lambda key: with_service(key, flags=ServiceFlags.PERSISTENT, persistence_timeout_s=77),
        lambda key: with_destinations(key, weight=7),
        lambda key: with_destinations(key, forwarding=Forwarding.NAT if key.family == 6 else Forwarding.TUN),
        lambda key: without(key, server=True),
        lambda key: without(key, server=False),
    ],
    ids=["scheduler", "persistence", "weight", "forwarding", "a server less", "the service less"],
)
def test_the_kernels_overview_shows_what_was_changed_and_nothing_else(key: RowKey, change: object, client: Client) -> None:
    assert callable(change)
    other: Table = change(key)
    assert client.apply(diff(table(), client.table())) == []
    before = client.overview()
    assert before is not None
    assert differences(before, before) == set()
    owned = {each: frozenset(row.destinations) for each, row in table().items()}
    assert client.apply(diff(other, client.table(), owned)) == []
    now = client.overview()
    assert now is not None
    expected = {MarkKey(key.mark, 4), MarkKey(key.mark, 6)} if isinstance(key, MarkKey) else {key}
    assert differences(before, now) == expected
    assert client.rows({*table(), *expected}) == client.table()


@pytest.mark.kernel
def test_of_rows_that_are_not_there_none_is_read(client: Client) -> None:
    assert client.rows([WEB_KEY, MarkKey(7)]) == {}
    assert client.apply(diff({WEB_KEY: table()[WEB_KEY]}, {})) == []
    assert client.rows([WEB_KEY, MarkKey(7)]) == {WEB_KEY: table()[WEB_KEY]}
    measured = client.rows_with_statistics([WEB_KEY, MarkKey(7)])
    assert measured.keys() == {WEB_KEY}
    assert measured == client.table_with_statistics()


def test_a_kernel_that_shows_nothing_has_no_overview() -> None:
    with Client(namespace="no-such-namespace") as client:
        assert client.overview() is None
