"""What this version runs of virtual routers: all that is built, and nothing of the rest."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, Reader, said
from tests.config.test_whole_router import TEXT
from vrrpd.config.model import Static, Tracked

WITHOUT_EFFECT = (
    "no_accept", "track_src_ip", "promote_secondaries", "garp_extra_if 9",
    "virtual_routes {\n10.1.0.0/16 dev eth0\n}", "virtual_rules {\nfrom 10.0.0.0/8 table 5 preference 5\n}",
    "notify /bin/true", "notify_deleted", "lvs_sync_daemon_interface eth1",
)  # fmt: skip


@pytest.mark.parametrize("setting", WITHOUT_EFFECT)
def test_a_router_runs_as_if_what_has_no_effect_were_not_written(reader: Reader, setting: str) -> None:
    loaded = reader.load(INSTANCE.format(setting))
    plain = reader.load(INSTANCE.format("nopreempt" if "nopreempt" in setting else ""))
    assert loaded.config is not None
    assert plain.config is not None
    assert loaded.config.virtual_routers == plain.config.virtual_routers
    assert loaded.written != plain.written
    assert not loaded.errors


@pytest.mark.parametrize("option", ["no_track", "use_vmac"])
def test_so_do_its_addresses(reader: Reader, option: str) -> None:
    loaded = reader.load(INSTANCE.format("").replace("192.168.4.15", f"192.168.4.15 {option}"))
    plain = reader.load(INSTANCE.format(""))
    assert loaded.config is not None
    assert plain.config is not None
    assert loaded.config.virtual_routers == plain.config.virtual_routers
    assert loaded.written != plain.written
    assert [one.code.value for one in loaded.diagnostics] == ["no-effect"]


def test_nothing_that_stands_beside_routers_is_run(reader: Reader) -> None:
    loaded = reader.load(TEXT)
    assert loaded.config is not None
    assert loaded.config.virtual_routers == ()
    assert loaded.config.sync_groups == ()
    links = loaded.config.links
    assert (loaded.config.tracked, loaded.config.static, links.polled, links.delays) == (Tracked(), Static(), (), ())
    assert {one.code.value for one in loaded.errors} == {"not-built"}


def test_each_thing_that_is_not_built_is_said_once(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("use_vmac\n use_ipvlan off\n vrf red\n version 3"))
    assert [one.code.value for one in loaded.errors if one.code.value == "not-built"] == ["not-built"]


def test_a_plain_router_is_run_as_written(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("priority 77\n garp_master_delay 2"))
    assert loaded.written is not None
    assert loaded.config == loaded.written


BUILT = (
    "version 3\n advert_int 0.05", "unicast_peer {\n10.0.0.1\n}", "authentication {\nauth_type AH\nauth_pass 1\n}",
    "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\n}", "track_interface {\neth1 weight 5\n}",
    "virtual_ipaddress_excluded {\n2001:db8::1/64 -nodad\n}", "owner_ignore_adverts", "nopreempt\n timer_expired_backup",
    "skip_check_adv_addr", "kernel_rx_buf_size 9000", "dont_track_primary",
)  # fmt: skip


@pytest.mark.parametrize("setting", BUILT)
def test_what_is_built_is_run_as_written(reader: Reader, setting: str) -> None:
    loaded = reader.load(INSTANCE.format(setting))
    assert loaded.written is not None
    assert loaded.config is not None
    assert loaded.config.virtual_routers == loaded.written.virtual_routers
    assert not [one for one in loaded.diagnostics if one.code.value in ("not-built", "no-effect")]


def test_a_virtual_router_of_ipv6_is_run_as_written(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("").replace("192.168.4.15", "fe80::15"))
    assert loaded.config is not None
    assert [one.family for one in loaded.config.virtual_routers] == [6]


@pytest.mark.parametrize(("peers", "speaks_to_peers"), [("", False), ("10.0.0.1", True)])
def test_without_a_peer_adverts_go_to_the_group(reader: Reader, peers: str, speaks_to_peers: bool) -> None:
    loaded = reader.load(INSTANCE.format(f"unicast_fault_no_peer\n unicast_peer {{\n{peers}\n}}"))
    assert said(loaded) == ["7:2 no-effect"]
    assert loaded.config is not None
    (router,) = loaded.config.virtual_routers
    assert (router.unicast is not None) is speaks_to_peers
    assert router.unicast is None or not router.unicast.fault_without_peer


def test_native_ipv6_makes_a_virtual_router_one_of_ipv6(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("native_ipv6").replace("192.168.4.15", "fe80::15"))
    assert loaded.written is not None
    assert loaded.config is not None
    assert loaded.config.virtual_routers == loaded.written.virtual_routers
    assert not loaded.diagnostics


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ("strict_mode", ["7:2 no-effect"]),
        ("strict_mode\n no_accept", ["8:2 no-effect"]),
        ("strict_mode\n priority 255\n state MASTER", []),
        ("strict_mode off", []),
    ],
)
def test_strict_mode_runs_but_for_dropping_packets(reader: Reader, settings: str, messages: list[str]) -> None:
    loaded = reader.load(INSTANCE.format(settings))
    assert [message for message in said(loaded) if "no-effect" in message] == messages
    assert loaded.config is not None
    (router,) = loaded.config.virtual_routers
    assert router.accept
    assert router.lower_priority_no_advert is ("off" not in settings)


def test_a_sync_group_runs_with_the_interfaces_that_it_tracks(reader: Reader) -> None:
    text = "vrrp_sync_group G {\n group {\n VI_1\n }\n track_interface {\n eth1\n }\n notify /bin/true\n}\n"
    loaded = reader.load(text + INSTANCE.format(""))
    assert loaded.config is not None
    (group,) = loaded.config.sync_groups
    assert group.members == ("VI_1",)
    assert [tracker.name for tracker in group.tracking.interfaces] == ["eth1"]
    assert group.notification.any is None
