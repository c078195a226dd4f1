"""Lines of `virtual_routes`: every part of them, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import NextHop, Prefix, Route
from vrrpd.config.position import Position

GATEWAY = IPv4Address("10.0.0.254")


def with_line(line: str) -> str:
    """A virtual router with one such line, at line 8."""
    return INSTANCE.format(f"virtual_routes {{\n{line}\n}}")


def prefix(text: str) -> Prefix:
    one = ip_interface(text)
    return Prefix(one.ip, one.network.prefixlen)


def route(destination: str, **parts: object) -> Route:
    """A route on eth0; positions do not take part in comparisons."""
    return replace(Route(prefix(destination), Position("", 1), interface="eth0"), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("10.1.0.0/16 dev eth0", route("10.1.0.0/16")),
        ("10.1.0.1 oif eth0", route("10.1.0.1/32")),
        ("to 10.1.0.0/16 via 10.0.0.254 dev eth0", route("10.1.0.0/16", gateway=GATEWAY)),
        ("default via 10.0.0.254 dev eth0", route("0.0.0.0/0", gateway=GATEWAY)),
        ("any via inet 10.0.0.254 dev eth0", route("0.0.0.0/0", gateway=GATEWAY)),
        ("default via fe80::1 dev eth0", route("::/0", gateway=ip_address("fe80::1"))),
        ("::/0 dev eth0", route("::/0")),
        ("default6 dev eth0", route("::/0")),
        ("10.1.0.0/16 via inet6 fe80::1 dev eth0", route("10.1.0.0/16", gateway=ip_address("fe80::1"))),
        ("2001:db8::/32 from 2001:db8:1::/48 dev eth0", route("2001:db8::/32", origin=prefix("2001:db8:1::/48"))),
        ("src 10.0.0.1 10.1.0.0/16 dev eth0", route("10.1.0.0/16", source=IPv4Address("10.0.0.1"))),
        ("blackhole 10.1.0.0/16 dev eth0", route("10.1.0.0/16", type="blackhole")),
        ("prepend 10.1.0.0/16 dev eth0", route("10.1.0.0/16", operation="prepend")),
        ("10.1.0.0/16 dev eth0 table local", route("10.1.0.0/16", table=255)),
        ("10.1.0.0/16 dev eth0 table 100", route("10.1.0.0/16", table=100)),
        ("10.1.0.0/16 dev eth0 table vips", route("10.1.0.0/16", table="vips")),
        ("10.1.0.0/16 dev eth0 metric 5 scope link", route("10.1.0.0/16", metric=5, scope=253)),
        ("10.1.0.0/16 dev eth0 preference 5", route("10.1.0.0/16", metric=5)),
        ("10.1.0.0/16 dev eth0 tos 0x10 onlink", route("10.1.0.0/16", type_of_service=16, on_link=True)),
        ("10.1.0.0/16 dev eth0 protocol keepalived", route("10.1.0.0/16")),
        ("10.1.0.0/16 dev eth0 no_track protocol static", route("10.1.0.0/16", tracked=False, protocol=4)),
        (
            "10.1.0.0/16 dev eth0 mtu lock 1400 rtt 20ms congctl reno pref low",
            route("10.1.0.0/16", options=(("mtu", "lock", "1400"), ("rtt", "20ms"), ("congctl", "reno"), ("pref", "low"))),
        ),
        (
            "10.1.0.0/16 dev eth0 encap ip id 5 dst 10.2.0.1 ttl 9 window 3",
            route("10.1.0.0/16", options=(("encap", "ip", "id", "5", "dst", "10.2.0.1", "ttl", "9"), ("window", "3"))),
        ),
        ("10.1.0.0/16 dev eth0 encap mpls 100/200", route("10.1.0.0/16", options=(("encap", "mpls", "100/200"),))),
        (
            "10.1.0.0/16 nexthop via 10.0.0.2 dev eth0 weight 3 onlink nexthop dev eth1 realms 1/2",
            route(
                "10.1.0.0/16",
                interface=None,
                next_hops=(
                    NextHop(IPv4Address("10.0.0.2"), "eth0", 3, on_link=True),
                    NextHop(None, "eth1", options=(("realms", "1/2"),)),
                ),
            ),
        ),
        ("10.1.0.0/16 via 10.0.0.254", route("10.1.0.0/16", gateway=GATEWAY, interface=None, tracked=False)),
    ],
)
def test_routes(reader: Reader, line: str, expected: Route) -> None:
    text = with_line(line)
    assert reader.model(text).virtual_routers[0].routes == (expected,)
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("line", "messages", "kept"),
    [
        ("dev eth0", ["8:1 bad-value"], 0),
        ("10.1.0.0/33 dev eth0", ["8:1 bad-value"], 0),
        ("10.1.0.0/16 10.2.0.0/16 dev eth0", ["8:13 unknown-option"], 0),
        ("10.1.0.0/16 dve eth0", ["8:13 unknown-option"], 0),
        ("10.1.0.0/16 via", ["8:13 bad-value"], 0),
        ("10.1.0.0/16 dev eth0 metric x", ["8:29 bad-value"], 0),
        ("10.1.0.0/16 nexthop via 10.0.0.2 weight 0", ["8:41 bad-value"], 0),
        ("10.1.0.0/16 nexthop via 10.0.0.2 weight 257", ["8:41 bad-value"], 0),
        ("2001:db8::/32 via 10.0.0.254 dev eth0", ["8:19 bad-value"], 0),
        ("10.1.0.0/16 src 2001:db8::1 dev eth0", ["8:17 bad-value"], 0),
        ("10.1.0.0/16 dev eth0 protocol static", ["8:22 conflict"], 1),
        ("10.1.0.0/16 gw 10.0.0.254 dev eth0", ["8:13 deprecated"], 1),
        ("10.1.0.0/16 via 10.0.0.253 or 10.0.0.254 dev eth0", ["8:28 deprecated"], 1),
        ("10.1.0.0/16 dev eth0 encap teleport", ["8:28 bad-value"], 0),
        ("10.1.0.0/16 dev eth0 tos 0xfff", ["8:26 bad-value"], 0),
    ],
)
def test_wrong_routes_are_one_message(reader: Reader, line: str, messages: list[str], kept: int) -> None:
    text = with_line(line)
    assert reader.mistakes(text) == messages
    assert len(reader.model(text).virtual_routers[0].routes) == kept


def test_a_tracked_route_of_another_protocol_becomes_ours(reader: Reader) -> None:
    (found,) = reader.model(with_line("10.1.0.0/16 dev eth0 protocol static")).virtual_routers[0].routes
    assert (found.protocol, found.tracked) == (18, True)


def test_the_old_form_of_two_gateways_is_two_next_hops(reader: Reader) -> None:
    (found,) = reader.model(with_line("10.1.0.0/16 via 10.0.0.2 or 10.0.0.3")).virtual_routers[0].routes
    assert found.gateway is None
    assert [str(hop.gateway) for hop in found.next_hops] == ["10.0.0.2", "10.0.0.3"]
