"""Families and versions: what decides, and what does not fit."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.config.reading import Reader

V4, V6 = "virtual_ipaddress {\n10.0.0.1\n}", "virtual_ipaddress {\nfe80::1\n}"


def router(*settings: str) -> str:
    lines = "\n".join(settings)
    return f"vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 50\n{lines}\n}}\n"


@pytest.mark.parametrize(
    ("settings", "family", "version"),
    [
        ((V4,), 4, 2),
        ((V4, "version 3"), 4, 3),
        ((V6,), 6, 3),
        ((V6, "version 2"), 6, 2),
        ((V6, "native_ipv6"), 6, 3),
        (("native_ipv6", "no_virtual_ipaddress"), 6, 3),
        (("mcast_src_ip fe80::2", V6), 6, 3),
        (("unicast_peer {\nfe80::2\n}", V6), 6, 3),
        ((V4, "virtual_ipaddress_excluded {\nfe80::1\n}"), 4, 2),
        (("virtual_ipaddress_excluded {\nfe80::1\n}", V4), 4, 2),
    ],
)
def test_the_first_address_decides(reader: Reader, settings: tuple[str, ...], family: int, version: int) -> None:
    assert reader.mistakes(router(*settings)) == []
    (bound,) = reader.model(router(*settings)).virtual_routers
    assert (bound.family, bound.version) == (family, version)


@pytest.mark.parametrize(("settings", "version"), [((V4,), 3), ((V4, "version 2"), 2), ((V6,), 3)])
def test_the_version_of_global_defs_is_for_who_names_none(reader: Reader, settings: tuple[str, ...], version: int) -> None:
    (bound,) = reader.model("global_defs {\nvrrp_version 3\n}\n" + router(*settings)).virtual_routers
    assert bound.version == version


@pytest.mark.parametrize(
    ("settings", "messages", "addresses"),
    [
        ((V4, "native_ipv6"), ["7:1 address-family"], ["10.0.0.1"]),
        ((V4, "mcast_src_ip fe80::2"), ["7:14 address-family"], ["10.0.0.1"]),
        ((V4, "mcast_dst_ip ff02::99"), ["7:14 address-family"], ["10.0.0.1"]),
        ((V4, "unicast_peer {\nfe80::2\n}"), ["8:1 address-family"], ["10.0.0.1"]),
        ((V4, V6), ["8:1 address-family"], ["10.0.0.1"]),
        (("virtual_ipaddress {\nfe80::1\n10.0.0.1\n10.0.0.2\nfe80::2\n}",), ["6:1 address-family"], ["fe80::1", "fe80::2"]),
        ((V6, "native_ipv6", "version 2"), ["8:9 conflict"], ["fe80::1"]),
        ((V6, "strict_mode", "version 2", "state MASTER"), ["8:9 conflict"], ["fe80::1"]),
    ],
)
def test_what_does_not_fit_is_left_out_with_one_message(
    reader: Reader, settings: tuple[str, ...], messages: list[str], addresses: list[str]
) -> None:
    assert reader.mistakes(router(*settings)) == messages
    (bound,) = reader.model(router(*settings)).virtual_routers
    assert [str(one.address) for one in bound.addresses] == addresses
    assert (bound.source_address, bound.unicast) == (None, None)


def test_a_source_that_makes_all_addresses_wrong_is_what_is_wrong(reader: Reader) -> None:
    text = router("mcast_src_ip fe80::2", "virtual_ipaddress {\n10.0.0.1\n10.0.0.2\n}")
    (found,) = reader.load(text).errors
    assert (found.position.line, found.position.column, found.code.value) == (4, 14, "address-family")
    assert found.note is not None
    assert found.note.position.line == 6
    assert reader.model(text).virtual_routers == ()


@pytest.mark.parametrize(
    ("settings", "group"),
    [
        ((V4,), "224.0.0.18"),
        ((V6,), "ff02::12"),
        ((V4, "mcast_dst_ip 224.0.0.99"), "224.0.0.99"),
        ((V6, "mcast_dst_ip ff02::99"), "ff02::99"),
    ],
)
def test_each_family_has_its_group(reader: Reader, settings: tuple[str, ...], group: str) -> None:
    (bound,) = reader.model(router(*settings)).virtual_routers
    assert bound.multicast_group == ip_address(group)


def test_groups_of_global_defs_are_for_their_family(reader: Reader) -> None:
    text = "global_defs {\nvrrp_mcast_group4 224.0.0.44\nvrrp_mcast_group6 ff02::66\n}\n"
    second = router(V6).replace("VI_1", "VI_2").replace("eth0", "eth1")
    groups = [str(one.multicast_group) for one in reader.model(text + router(V4) + second).virtual_routers]
    assert groups == ["224.0.0.44", "ff02::66"]


@pytest.mark.parametrize("setting", ["vrrp_mcast_group4 ff02::66", "vrrp_mcast_group6 224.0.0.44"])
def test_a_group_of_the_other_family_is_one_error_however_many_use_it(reader: Reader, setting: str) -> None:
    text = f"global_defs {{\n{setting}\n}}\n" + router(V4) + router(V6).replace("VI_1", "VI_2")
    assert reader.mistakes(text) == ["2:19 address-family"]
    groups = [str(one.multicast_group) for one in reader.model(text).virtual_routers]
    assert groups == ["224.0.0.18", "ff02::12"]


def test_one_number_may_be_used_once_for_each_family_of_an_interface(reader: Reader) -> None:
    assert reader.mistakes(router(V4) + router(V6).replace("VI_1", "VI_2")) == []


@pytest.mark.parametrize(
    ("settings", "messages", "there"),
    [
        ((), ["1:15 missing-setting"], True),
        (("version 3",), ["1:15 missing-setting"], False),
        (("version 3", "no_virtual_ipaddress"), [], True),
        (("no_virtual_ipaddress",), [], True),
        (("strict_mode",), ["1:15 missing-setting"], False),
    ],
)
def test_who_needs_addresses(reader: Reader, settings: tuple[str, ...], messages: list[str], there: bool) -> None:
    assert reader.mistakes(router(*settings)) == messages
    assert bool(reader.model(router(*settings)).virtual_routers) == there
