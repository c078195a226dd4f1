"""What a `virtual_server_group` holds."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from ipvs.types import Protocol
from tests.config.reading import SERVER, Reader
from vrrpd.config.model import AddressRange, GroupKey, MarkKey, VirtualServerGroup


def group_of(reader: Reader, *entries: str, messages: tuple[str, ...] = ()) -> VirtualServerGroup:
    """The group with these lines, which stand in line 2 and below."""
    lines = "\n".join(f" {entry}" for entry in entries)
    (group,) = reader.written(f"virtual_server_group WEB {{\n{lines}\n}}\n", *messages).virtual_server_groups
    return group


@pytest.mark.parametrize(
    ("entry", "first", "last", "port"),
    [
        ("192.168.200.1 80", "192.168.200.1", "192.168.200.1", 80),
        ("192.168.200.1", "192.168.200.1", "192.168.200.1", 0),
        ("192.168.200.1-10 80", "192.168.200.1", "192.168.200.10", 80),
        ("192.168.200.7-7 80", "192.168.200.7", "192.168.200.7", 80),
        ("192.168.201.0/28 80", "192.168.201.0", "192.168.201.15", 80),
        ("192.168.201.1/32", "192.168.201.1", "192.168.201.1", 0),
        ("2001:db8::1-1f 443", "2001:db8::1", "2001:db8::1f", 443),
        ("2001:db8::fff0-ffff 443", "2001:db8::fff0", "2001:db8::ffff", 443),
        ("2001:db8::/120 443", "2001:db8::", "2001:db8::ff", 443),
    ],
)
def test_addresses(reader: Reader, entry: str, first: str, last: str, port: int) -> None:
    assert group_of(reader, entry).ranges == (AddressRange(ip_address(first), ip_address(last), port),)


@pytest.mark.parametrize(
    ("entry", "mark"),
    [("fwmark 5", MarkKey(5, 4)), ("fwmark 5 inet", MarkKey(5, 4)), ("fwmark 4294967295 inet6", MarkKey(2**32 - 1, 6))],
)
def test_marks(reader: Reader, entry: str, mark: MarkKey) -> None:
    assert group_of(reader, entry).marks == (mark,)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("192.168.200.10-9 80", "2:2 bad-value"),
        ("192.168.200.1-256 80", "2:2 bad-value"),
        ("192.168.200.1-a 80", "2:2 bad-value"),
        ("192.168.200.1- 80", "2:2 bad-value"),
        ("192.168.200.1-2-3 80", "2:2 bad-value"),
        ("192.168.201.1/28 80", "2:2 bad-value"),
        ("192.168.201.0/33 80", "2:2 bad-value"),
        ("10.0.0.0/8 80", "2:2 bad-value"),
        ("2001:db8::2-1 80", "2:2 bad-value"),
        ("web 80", "2:2 bad-value"),
        ("192.168.200.1 0", "2:16 bad-value"),
        ("192.168.200.1 http", "2:16 bad-value"),
        ("fwmark 0", "2:9 bad-value"),
        ("fwmark", "2:2 bad-value"),
        ("fwmark 5 ipv6", "2:11 bad-value"),
        ("192.168.200.1 80 90", "2:19 surplus-words"),
        ("192.168.200.1 80\n 192.168.200.1 80", "3:2 duplicate"),
        ("192.168.200.1 80\n 2001:db8::1 80", "3:2 address-family"),
        ("192.168.200.1 80\n fwmark 5 inet6", "3:2 address-family"),
    ],
)
def test_a_line_that_is_wrong_is_one_message(reader: Reader, entry: str, message: str) -> None:
    group_of(reader, entry, messages=(message,))


def test_a_line_that_is_wrong_takes_no_other_with_it(reader: Reader) -> None:
    group = group_of(reader, "10.0.0.300 80", "10.0.0.1 80", "2001:db8::1 80", messages=("2:2 bad-value", "4:2 address-family"))
    assert group.ranges == (AddressRange(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.1"), 80),)


def test_an_empty_group_is_told(reader: Reader) -> None:
    reader.written("virtual_server_group WEB {\n}\n", "1:22 missing-setting")


def test_of_two_groups_with_one_name_the_first_holds(reader: Reader) -> None:
    one = "virtual_server_group WEB {{\n 10.0.0.{} 80\n}}\n"
    (group,) = reader.written(one.format(1) + one.format(2), "4:22 duplicate").virtual_server_groups
    assert group.ranges[0].first == IPv4Address("10.0.0.1")


def test_a_range_counts_up() -> None:
    ends = IPv6Address("2001:db8::fffe"), IPv6Address("2001:db8::ffff")
    assert tuple(AddressRange(*ends).addresses()) == ends


WEB = SERVER.replace("192.168.4.15 80", "group WEB").format("", "", "")


def test_a_group_may_stand_below_what_names_it(reader: Reader) -> None:
    config = reader.written(WEB + "virtual_server_group WEB {\n 192.168.4.15 80\n}\n")
    assert config.virtual_servers[0].key == GroupKey("WEB", Protocol.TCP, 4)
