"""Lines of `virtual_ipaddress`: every option, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import Prefix, VirtualAddress

PLAIN = VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth0")
PLAIN6 = VirtualAddress(IPv6Address("2001:db8::1"), 64, "eth0")


def with_line(line: str) -> str:
    """A virtual router with one such line, at line 8."""
    return INSTANCE.format(f"virtual_ipaddress_excluded {{\n{line}\n}}")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", PLAIN),
        ("dev eth1", replace(PLAIN, interface="eth1")),
        ("label eth0:v", replace(PLAIN, label="eth0:v")),
        ("brd +", replace(PLAIN, broadcast=IPv4Address("10.0.0.255"))),
        ("brd -", replace(PLAIN, broadcast=IPv4Address("10.0.0.0"))),
        ("brd 10.9.9.9", replace(PLAIN, broadcast=IPv4Address("10.9.9.9"))),
        ("scope link", replace(PLAIN, scope=253)),
        ("scope 200", replace(PLAIN, scope=200)),
        ("peer 10.0.0.9", replace(PLAIN, peer=Prefix(IPv4Address("10.0.0.9"), 32))),
        ("peer 10.0.0.9/30", replace(PLAIN, peer=Prefix(IPv4Address("10.0.0.9"), 30))),
        ("no_track", replace(PLAIN, tracked=False)),
        ("noprefixroute autojoin", replace(PLAIN, no_prefix_route=True, joins_groups=True)),
        ("use_vmac dev eth1", replace(PLAIN, interface="eth1", virtual_mac=True)),
        ("preferred_lft 60", replace(PLAIN, preferred_lifetime_s=60)),
        ("preferred_lft forever", PLAIN),
        (
            "no_track scope host brd + dev eth1",
            replace(PLAIN, tracked=False, scope=254, broadcast=IPv4Address("10.0.0.255"), interface="eth1"),
        ),
    ],
)
def test_options_of_ipv4_in_any_order(reader: Reader, options: str, expected: VirtualAddress) -> None:
    (router,) = reader.model(with_line(f"10.0.0.1/24 {options}")).virtual_routers
    assert router.excluded_addresses == (expected,)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2001:db8::1/64", PLAIN6),
        ("2001:db8::1", replace(PLAIN6, prefix_length=128, preferred_lifetime_s=0)),
        ("2001:db8::1 preferred_lft forever", replace(PLAIN6, prefix_length=128)),
        ("2001:db8::1/64 home -nodad mngtmpaddr", replace(
            PLAIN6, home=True, duplicate_detection=True, manages_temporary_addresses=True
        )),
    ],
)  # fmt: skip
def test_a_whole_ipv6_address_is_deprecated_unless_told_otherwise(reader: Reader, line: str, expected: VirtualAddress) -> None:
    (router,) = reader.model(with_line(line)).virtual_routers
    assert router.excluded_addresses == (expected,)


@pytest.mark.parametrize(
    ("line", "message", "kept"),
    [
        ("192.168.005.1", "8:1 bad-value", None),
        ("10.0.0.1/33", "8:1 bad-value", 32),
        ("10.0.0.1/24 scope nonsense", "8:19 bad-value", None),
        ("10.0.0.1/24 dev", "8:13 bad-value", None),
        ("10.0.0.1/24 dev eth1 dev eth2", "8:22 bad-value", None),
        ("10.0.0.1/24 label averyverylonglabel", "8:19 bad-value", None),
        ("10.0.0.1/24 brd +1", "8:17 bad-value", None),
        ("10.0.0.1/24 peer 2001:db8::2", "8:18 bad-value", None),
        ("10.0.0.1/24 preferred_lft never", "8:27 bad-value", None),
        ("10.0.0.1/24 laebl x", "8:13 unknown-option", 24),
        ("10.0.0.1/24 10.0.0.2/24", "8:13 unknown-option", 24),
        ("2001:db8::1/64 brd +", "8:16 bad-value", None),
        ("2001:db8::1/64 label x", "8:16 bad-value", None),
        ("2001:db8::1/64 scope link", "8:16 bad-value", None),
        ("192.168.4.15/24", "8:1 duplicate", None),
    ],
)
def test_wrong_lines_are_one_message(reader: Reader, line: str, message: str, kept: int | None) -> None:
    text = with_line(line)
    assert reader.mistakes(text) == [message]
    excluded = reader.model(text).virtual_routers[0].excluded_addresses
    assert [one.prefix_length for one in excluded] == ([] if kept is None else [kept])


def test_the_interface_below_a_virtual_one_means_the_virtual_one(reader: Reader) -> None:
    router = reader.written_router(
        "use_vmac vmac9", "virtual_ipaddress_excluded {\n10.0.0.1 dev eth0\n10.0.0.2 dev eth1\n10.0.0.3\n}"
    )
    assert [one.interface for one in router.addresses] == ["vmac9"]
    assert [one.interface for one in router.excluded_addresses] == ["vmac9", "eth1", "vmac9"]


def test_static_addresses_live_on_the_default_interface(reader: Reader) -> None:
    text = "global_defs {\n default_interface eth7\n}\nstatic_ipaddress {\n 10.0.0.1/24\n 10.0.0.2/24 dev eth1\n}\n"
    static = reader.model(text).static
    assert [(one.address, one.interface) for one in static.addresses] == [
        (ip_address("10.0.0.1"), "eth7"),
        (ip_address("10.0.0.2"), "eth1"),
    ]
