"""What a `vrrp_instance` means: defaults, inheritance, what is corrected and what is refused."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.config.reading import INSTANCE, Reader, said
from vrrpd.config.model import (
    Announcements,
    Authentication,
    AuthenticationType,
    Command,
    Notification,
    VirtualAddress,
)


@pytest.mark.parametrize(
    ("settings", "priority", "starts_as_master"),
    [
        ((), 100, False),
        (("state BACKUP",), 100, False),
        (("state MASTER",), 255, True),
        (("state MASTER", "priority 150"), 150, True),
        (("state MASTER", "priority 300"), 100, True),
        (("priority 10", "priority 20"), 20, False),
        (("state MASTER", "state BACKUP", "priority 9"), 9, True),
    ],
)
def test_priority(reader: Reader, settings: tuple[str, ...], priority: int, starts_as_master: bool) -> None:
    router = reader.router(*settings)
    assert (router.priority, router.starts_as_master) == (priority, starts_as_master)


@pytest.mark.parametrize(
    ("settings", "preempt", "delay_s", "messages"),
    [
        (("nopreempt",), False, 0.0, []),
        (("nopreempt", "preempt"), True, 0.0, []),
        (("preempt_delay 30.5",), True, 30.5, []),
        (("nopreempt", "preempt_delay 30"), False, 0.0, ["8:2 conflict"]),
        (("state MASTER", "priority 9", "nopreempt"), True, 0.0, ["9:2 conflict"]),
        (("state MASTER", "priority 9", "preempt_delay 3"), True, 0.0, ["9:2 conflict"]),
        (("priority 255", "nopreempt"), True, 0.0, ["8:2 conflict"]),
    ],
)
def test_preemption(reader: Reader, settings: tuple[str, ...], preempt: bool, delay_s: float, messages: list[str]) -> None:
    router = reader.router(*settings)
    assert (router.preempt, router.preempt_delay_s) == (preempt, delay_s)
    assert said(reader.load(INSTANCE.format("\n ".join(settings)))) == messages


@pytest.mark.parametrize(
    ("written", "interval_s", "messages"),
    [
        ("2", 2.0, []),
        ("0.2", 1.0, ["7:13 reduced"]),
        ("2.5", 3.0, ["7:13 reduced"]),
        ("2.4", 2.0, ["7:13 reduced"]),
        ("0", 1.0, ["7:13 bad-value"]),
    ],
)
def test_version_2_counts_whole_seconds(reader: Reader, written: str, interval_s: float, messages: list[str]) -> None:
    assert reader.router(f"advert_int {written}").advert_interval_s == interval_s
    assert said(reader.load(INSTANCE.format(f"advert_int {written}"))) == messages


@pytest.mark.parametrize(
    ("written", "interval_s", "messages"),
    [
        ("0.2", 0.2, []),
        ("0.01", 0.01, []),
        ("40.95", 40.95, []),
        ("0.015", 0.02, ["8:13 reduced"]),
        ("50", 40.95, ["8:13 reduced"]),
    ],
)
def test_version_3_counts_hundredths_in_twelve_bits(
    reader: Reader, written: str, interval_s: float, messages: list[str]
) -> None:
    assert reader.written_router("version 3", f"advert_int {written}").advert_interval_s == interval_s
    assert reader.mistakes(INSTANCE.format(f"version 3\n advert_int {written}")) == messages


@pytest.mark.parametrize(
    ("settings", "field", "value", "messages"),
    [
        (("nopreempt", "timer_expired_backup"), "stalled_master_yields_to", 254, []),
        (("nopreempt", "thread_timer_expired 100"), "stalled_master_yields_to", 100, ["8:2 deprecated"]),
        (("timer_expired_backup 100",), "stalled_master_yields_to", None, ["7:2 conflict"]),
        (("owner_ignore_adverts",), "owner_ignores_adverts", True, []),
        (("owner_ignore_adverts off",), "owner_ignores_adverts", False, []),
        (("priority 255", "owner_ignore_adverts off"), "owner_ignores_adverts", True, ["8:23 conflict"]),
        (("no_accept",), "accept", False, []),
        (("no_accept", "accept"), "accept", True, []),
        (("dont_track_primary",), "track_primary", False, []),
        (("track_src_ip",), "track_source_address", True, []),
        (("skip_check_adv_addr off",), "skip_address_check", True, []),
        (("v3_checksum_as_v2",), "checksum_as_v2", True, []),
        (("vrf red",), "vrf", "red", []),
        (("kernel_rx_buf_size 9000",), "receive_buffer_octets", 9000, []),
        (("promote_secondaries",), "promote_secondaries", True, []),
        (("no_virtual_ipaddress",), "may_lack_addresses", True, []),
        (("garp_extra_if 600",), "announcements", Announcements(extra_s=600), []),
        (("garp_extra_if all 600",), "announcements", Announcements(extra_s=600, extra_everywhere=True), []),
        (("garp_extra_if all",), "announcements", Announcements(), ["7:16 bad-value"]),
        (("garp_extra_if 86401",), "announcements", Announcements(), ["7:16 bad-value"]),
        (("interface lo",), None, None, ["7:12 bad-value"]),
    ],
)
def test_further_settings(
    reader: Reader, settings: tuple[str, ...], field: str | None, value: object, messages: list[str]
) -> None:
    text = INSTANCE.format("\n ".join(settings))
    assert reader.mistakes(text) == messages
    routers = reader.model(text).virtual_routers
    assert [getattr(router, field) for router in routers if field] == ([value] if field else [])


def test_of_two_scripts_for_one_event_the_first_holds(reader: Reader) -> None:
    settings = ('notify_master "/bin/a b" web www', "notify_master /bin/c", "notify_deleted", "notify_priority_changes")
    assert reader.mistakes(INSTANCE.format("\n ".join(settings))) == ["8:2 duplicate"]
    assert reader.written_router(*settings).notification == Notification(
        master=Command(("/bin/a", "b"), "web", "www"), deleted=True, priority_changes=True
    )


@pytest.mark.parametrize(
    ("lines", "expected", "messages"),
    [
        ("auth_type PASS\nauth_pass 1111", Authentication(AuthenticationType.PASS, b"1111"), []),
        ("auth_type PASS\nauth_pass 123456789", Authentication(AuthenticationType.PASS, b"12345678"), ["9:11 reduced"]),
        ("auth_type PASS", Authentication(), ["8:1 authentication-incomplete"]),
        ("auth_pass 1111", Authentication(), ["8:1 authentication-incomplete"]),
        ("auth_type SHA\nauth_pass 1111", Authentication(), ["8:11 bad-value"]),
    ],
)
def test_authentication(reader: Reader, lines: str, expected: Authentication, messages: list[str]) -> None:
    text = f"authentication {{\n{lines}\n}}"
    assert reader.router(text).authentication == expected
    assert said(reader.load(INSTANCE.format(text))) == messages


def test_announcements_come_from_the_instance_else_from_global_defs(reader: Reader) -> None:
    text = "global_defs {\n vrrp_garp_master_delay 2\n vrrp_garp_master_refresh 60\n vrrp_garp_lower_prio_repeat 7\n}\n"
    config = reader.config(text + INSTANCE.format("garp_master_delay 1\n garp_master_repeat 3"))
    assert config.virtual_routers[0].announcements == Announcements(1.0, 3, 60.0, 1, 2.0, 7)


def test_fewer_announcements_are_the_least_that_nobody_set_otherwise(reader: Reader) -> None:
    config = reader.config("global_defs {\n vrrp_min_garp\n}\n" + INSTANCE.format("garp_master_repeat 3"))
    assert config.virtual_routers[0].announcements == Announcements(0.0, 3, 0.0, 0, 0.0, 1)


def test_what_else_an_instance_carries(reader: Reader) -> None:
    router = reader.router(
        "mcast_src_ip 192.168.4.5",
        "mcast_dst_ip 224.0.0.200",
        "down_timer_adverts 4",
        "lower_prio_no_advert",
        "higher_prio_send_advert true",
        "smtp_alert",
    )
    assert router.source_address == IPv4Address("192.168.4.5")
    assert router.multicast_group == IPv4Address("224.0.0.200")
    assert (router.down_timer_adverts, router.lower_priority_no_advert) == (4, True)
    assert (router.higher_priority_send_advert, router.smtp_alert) == (True, True)


def test_global_defaults_hold_for_instances(reader: Reader) -> None:
    text = (
        "global_defs {\n vrrp_mcast_group4 224.0.0.99\n vrrp_down_timer_adverts 5\n vrrp_lower_prio_no_advert\n"
        " vrrp_higher_prio_send_advert\n smtp_alert_vrrp on\n smtp_alert off\n}\n"
    )
    router = reader.config(text + INSTANCE.format("higher_prio_send_advert off")).virtual_routers[0]
    assert router.multicast_group == IPv4Address("224.0.0.99")
    assert (router.down_timer_adverts, router.lower_priority_no_advert, router.higher_priority_send_advert) == (
        5,
        True,
        False,
    )
    assert router.smtp_alert


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("10.0.0.1", VirtualAddress(IPv4Address("10.0.0.1"), 32, "eth0")),
        ("10.0.0.1/24", VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth0")),
        ("10.0.0.1/24 dev eth1 label eth1:v", VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth1", "eth1:v")),
        ("10.0.0.1/24 brd +", VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth0", None, 0, IPv4Address("10.0.0.255"))),
        ("10.0.0.1/24 brd -", VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth0", None, 0, IPv4Address("10.0.0.0"))),
        ("10.0.0.1 brd 10.9.9.9", VirtualAddress(IPv4Address("10.0.0.1"), 32, "eth0", None, 0, IPv4Address("10.9.9.9"))),
        ("10.0.0.1 scope link", VirtualAddress(IPv4Address("10.0.0.1"), 32, "eth0", None, 253)),
        ("10.0.0.1 scope 200", VirtualAddress(IPv4Address("10.0.0.1"), 32, "eth0", None, 200)),
    ],
)
def test_address_lines(reader: Reader, line: str, expected: VirtualAddress) -> None:
    config = reader.config(INSTANCE.format(f"virtual_ipaddress_excluded {{\n{line}\n}}"))
    assert config.virtual_routers[0].excluded_addresses == (expected,)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("192.168.005.1", "8:1 bad-value"),
        ("10.0.0.1/33", "8:1 bad-value"),
        ("10.0.0.1 scope nonsense", "8:16 bad-value"),
        ("10.0.0.1 dev", "8:10 bad-value"),
        ("10.0.0.1 label averyverylonglabel", "8:16 bad-value"),
        ("10.0.0.1 brd +1", "8:14 bad-value"),
        ("10.0.0.1 laebl x", "8:10 unknown-option"),
        ("10.0.0.1 no_track", "8:10 no-effect"),
        ("192.168.4.15", "8:1 duplicate"),
    ],
)
def test_wrong_address_lines_are_one_message(reader: Reader, line: str, message: str) -> None:
    assert said(reader.load(INSTANCE.format(f"virtual_ipaddress_excluded {{\n{line}\n}}"))) == [message]


def test_addresses_that_no_advert_can_carry_are_excluded(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("").replace("  192.168.4.15", "~SEQ(i, 0, 299) 10.0.1.${i}").replace("299", "255"))
    assert said(loaded) == ["1:15 reduced"]
    assert loaded.config is not None
    (router,) = loaded.config.virtual_routers
    assert (len(router.addresses), len(router.excluded_addresses)) == (255, 1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("use_vmac", "7:2 not-built"),
        ("use_ipvlan", "7:2 not-built"),
        ("vrf red", "7:2 not-built"),
        ("strict_mode off\nauthentication {\nauth_type PASS\nauth_pass 1\n}", None),
    ],
)
def test_a_router_that_would_behave_otherwise_is_left_out(reader: Reader, setting: str, message: str | None) -> None:
    loaded = reader.load(INSTANCE.format(setting))
    assert loaded.config is not None
    if message is None:
        assert len(loaded.config.virtual_routers) == 1
        return
    assert said(loaded) == [message]
    assert "`VI_1`" in (loaded.errors[0].assumed or "")
    assert loaded.config.virtual_routers == ()


def test_members_of_a_sync_group_do_not_run_without_the_others(reader: Reader) -> None:
    text = "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n" + INSTANCE.format("")
    other = INSTANCE.format("use_vmac").replace("VI_1", "VI_2").replace(" 50", " 51")
    alone = INSTANCE.format("").replace("VI_1", "VI_3").replace(" 50", " 52")
    loaded = reader.load(text + other + alone)
    assert sorted(said(loaded)) == ["1:17 not-built", "21:2 not-built"]
    assert loaded.config is not None
    assert [one.name for one in loaded.config.virtual_routers] == ["VI_3"]
    assert loaded.config.sync_groups == ()


@pytest.mark.parametrize(("old", "new"), [(" 50", " 51"), ("VI_1", "VI_2")])
def test_a_second_router_of_the_same_name_or_id_is_left_out(reader: Reader, old: str, new: str) -> None:
    loaded = reader.load(INSTANCE.format("") + INSTANCE.format("").replace(old, new))
    assert said(loaded) == ["9:15 duplicate"]
    assert loaded.config is not None
    assert len(loaded.config.virtual_routers) == 1


def test_five_mistakes_in_a_router_that_is_left_out_are_five_messages(reader: Reader) -> None:
    text = (
        "vrrp_instance VI_1 {\n interfce eth0\n interface eth0\n virtual_router_id 300\n"
        " authentication {\n  auth_type PASX\n  auth_pass 1111\n }\n"
        " virtual_ipaddress {\n  192.168.4.300\n  192.168.4.15/24 devv eth0\n }\n}\n"
    )
    loaded = reader.load(text)
    assert [one.position.line for one in loaded.errors] == [2, 4, 6, 10, 11]
    assert len(loaded.diagnostics) == 5


def test_mistakes_in_a_virtual_server_that_is_left_out_are_told(reader: Reader) -> None:
    settings = " lb_algo wrrr\n lb_kind DX\n protocol TPC\n real_server 192.168.4.100 99999 {\n }\n"
    text = f"virtual_server 192.168.4.400 80 {{\n{settings}}}\n"
    assert [one.position.line for one in reader.load(text).errors] == [1, 2, 3, 4, 5]
