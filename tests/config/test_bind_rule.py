"""Lines of `virtual_rules`: every part of them, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import Prefix, Rule
from vrrpd.config.position import Position

NET = Prefix(IPv4Address("10.0.0.0"), 8)
NET6 = Prefix(IPv6Address("2001:db8::"), 32)


def with_line(line: str) -> str:
    """A virtual router with one such line, at line 8."""
    return INSTANCE.format(f"virtual_rules {{\n{line}\n}}")


def rule(action: str = "lookup", preference: int = 1000, family: int = 4, **parts: object) -> Rule:
    """A rule; positions do not take part in comparisons."""
    return replace(Rule(family, preference, action, Position("", 1)), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from 10.0.0.0/8 table 100", rule(source=NET, table=100)),
        ("to 10.0.0.0/8 lookup main", rule(destination=NET, table=254)),
        ("from 2001:db8::/32 table 100", rule(family=6, source=NET6, table=100)),
        ("inet6 from all table 100", rule(family=6, table=100)),
        ("from any table vips", rule(table="vips")),
        ("not from 10.0.0.0/8 blackhole", rule("blackhole", source=NET, inverted=True)),
        ("iif eth0 oif eth1 table 5", rule(table=5, incoming_interface="eth0", outgoing_interface="eth1")),
        ("dev eth0 goto 2000", rule("goto", target=2000, incoming_interface="eth0")),
        ("tos 0x10 nop", rule("nop", type_of_service=16)),
        (
            "fwmark 1/0xff ipproto tcp sport 1000-2000 uidrange 0-9 l3mdev table 5",
            rule(
                table=5,
                options=(("fwmark", "1/0xff"), ("ipproto", "tcp"), ("sport", "1000-2000"), ("uidrange", "0-9"), ("l3mdev",)),
            ),
        ),
        ("from 10.0.0.0/8 table 5 no_track protocol static", rule(source=NET, table=5, tracked=False, protocol=4)),
    ],
)
def test_rules(reader: Reader, line: str, expected: Rule) -> None:
    text = with_line(f"{line} preference 1000")
    assert reader.model(text).virtual_routers[0].rules == (expected,)
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("line", "messages", "kept"),
    [
        ("from 10.0.0.0/8", ["8:1 bad-value"], 0),
        ("from 10.0.0.0/8 to 2001:db8::/32 table 5", ["8:20 bad-value"], 0),
        ("from 10.0.0.0/8 table 5 sport 80", ["8:31 bad-value"], 0),
        ("from 10.0.0.0/8 table 5 dport 90-80", ["8:31 bad-value"], 0),
        ("from 10.0.0.0/8 table 5 pref 80", ["8:25 unknown-option"], 0),
        ("from 10.0.0.0/40 table 5", ["8:6 bad-value"], 0),
        ("from 10.0.0.0/8 table 5 preference 9 protocol static", ["8:38 conflict"], 1),
        ("from 10.0.0.0/8 table 5", ["8:1 missing-setting"], 1),
    ],
)
def test_wrong_rules_are_one_message(reader: Reader, line: str, messages: list[str], kept: int) -> None:
    text = with_line(line)
    assert reader.mistakes(text) == messages
    assert len(reader.model(text).virtual_routers[0].rules) == kept


def test_rules_without_a_preference_are_numbered_downwards_for_each_family(reader: Reader) -> None:
    static = "static_rules {\n from 10.0.0.0/8 table 5\n}\n"
    lines = "from 10.1.0.0/16 table 5\nfrom 2001:db8::/32 table 5\nfrom 10.2.0.0/16 table 5 preference 7\nto 10.3.0.0/16 nop"
    config = reader.model(static + with_line(lines))
    assert [one.preference for one in config.static.rules] == [16384]
    assert [one.preference for one in config.virtual_routers[0].rules] == [16383, 16384, 7, 16382]
