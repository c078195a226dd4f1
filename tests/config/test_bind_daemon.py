"""What `global_defs` and the `vrrpd` block mean."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, SERVER, Reader, said
from vrrpd.config.model import (
    CompatMetrics,
    HandOver,
    ListenAddress,
    Mail,
    Scheduling,
)


def test_mail_and_scheduling(reader: Reader) -> None:
    daemon = reader.config(
        "global_defs {\n notification_email {\n a@b\n Admin <c@d>\n }\n smtp_server mail.example.com 587\n"
        " smtp_helo_name me\n smtp_connect_timeout 0\n vrrp_priority -10\n vrrp_rt_priority 50\n vrrp_no_swap\n"
        " checker_priority 5\n}\n"
    ).daemon
    assert daemon.mail == Mail(("a@b", "Admin <c@d>"), None, "mail.example.com", 587, "me", 1.0)
    assert daemon.router_scheduling == Scheduling(-10, 50, lock_memory=True)
    assert daemon.director_scheduling == Scheduling(5, None, lock_memory=False)


@pytest.mark.parametrize(
    ("settings", "router", "virtual", "real"),
    [
        ("", False, False, True),
        ("smtp_alert on", True, True, True),
        ("smtp_alert off", False, False, False),
        ("smtp_alert off\nsmtp_alert_checker on", False, True, True),
        ("smtp_alert_vrrp", True, False, True),
    ],
)
def test_who_sends_mail(reader: Reader, settings: str, router: bool, virtual: bool, real: bool) -> None:
    config = reader.config(f"global_defs {{\n{settings}\n}}\n" + INSTANCE.format("") + SERVER.format("", "", ""))
    server = config.virtual_servers[0]
    assert (config.virtual_routers[0].smtp_alert, server.smtp_alert, server.real_servers[0].smtp_alert) == (
        router,
        virtual,
        real,
    )


def test_our_own_block_may_hide_from_keepalived(reader: Reader) -> None:
    daemon = reader.config("@vrrpd vrrpd {\n@vrrpd http_listen [::1]:9165\n@vrrpd compat_metrics none\n@vrrpd }\n").daemon
    assert daemon.http_listen == ListenAddress("::1", 9165)
    assert daemon.compat_metrics is CompatMetrics.NONE


@pytest.mark.parametrize(
    ("setting", "hand_over"),
    [
        ("", HandOver.MAKE_BEFORE_BREAK),
        ("hand_over make_before_break", HandOver.MAKE_BEFORE_BREAK),
        ("hand_over break_before_make", HandOver.BREAK_BEFORE_MAKE),
    ],
)
def test_how_a_stopped_master_hands_over_holds_for_every_virtual_router(
    reader: Reader, setting: str, hand_over: HandOver
) -> None:
    config = reader.config(INSTANCE.format("") + f"vrrpd {{\n{setting}\n}}\n")
    assert [router.hand_over for router in config.virtual_routers] == [hand_over]


@pytest.mark.parametrize(("setting", "probes"), [("", True), ("probe_addresses yes", True), ("probe_addresses no", False)])
def test_whether_masters_probe_holds_for_every_virtual_router(reader: Reader, setting: str, probes: bool) -> None:
    config = reader.config(INSTANCE.format("") + f"vrrpd {{\n{setting}\n}}\n")
    assert [router.probe_addresses for router in config.virtual_routers] == [probes]


@pytest.mark.parametrize("where", ["9165", "127.0.0.1:0", "127.0.0.300:80", "::1:80", "a b:80", "[::1%eth0]:80"])
def test_a_wrong_listening_address_is_one_error(reader: Reader, where: str) -> None:
    assert reader.only(f'vrrpd {{\n http_listen "{where}"\n}}\n').code.value == "bad-value"


def test_what_belongs_into_a_namespace_stays_out_of_ours(reader: Reader) -> None:
    loaded = reader.load("net_namespace red\n" + INSTANCE.format("") + SERVER.format("", "", ""))
    assert said(loaded) == ["1:1 not-built"]
    assert loaded.config is not None
    assert (loaded.config.virtual_routers, loaded.config.virtual_servers) == ((), ())
