"""What a configuration means: defaults, inheritance, and what is corrected."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from healthcheck.types import Pace, TcpCheck
from ipvs.types import Forwarding, Protocol, ServiceFlags
from tests.config.reading import INPUTS, INSTANCE, SERVER, Reader, said
from vrrpd.config import load
from vrrpd.config.model import (
    Announcements,
    Authentication,
    AuthenticationType,
    CompatMetrics,
    Config,
    Daemon,
    ListenAddress,
    Mail,
    RealServer,
    Scheduling,
    VirtualAddress,
    VirtualRouter,
    VirtualServer,
)
from vrrpd.config.position import Position

HERE = Position("", 1)
"""Positions do not take part in comparisons."""
LVS1 = str(INPUTS / "lvs-dr" / "lvs1.conf")


def lvs_real_server(address: str, weight: int) -> RealServer:
    return RealServer(
        address=IPv4Address(address),
        port=80,
        weight=weight,
        forwarding=Forwarding.DR,
        position=HERE,
        upper_threshold=0,
        lower_threshold=0,
        inhibit_on_failure=False,
        alpha=False,
        checks=(
            TcpCheck(
                address=IPv4Address(address),
                port=80,
                pace=Pace(delay_loop_s=6.0, retry=3, delay_before_retry_s=3.0, warmup_s=None),
                connect_timeout_s=3.0,
            ),
        ),
        smtp_alert=True,
    )


LVS1_EXPECTED = Config(
    daemon=Daemon(
        router_id="lvs1",
        mail=Mail(
            recipients=("admin@example.com",),
            sender="ka@localhost",
            server="127.0.0.1",
            port=25,
            helo_name=None,
            connect_timeout_s=30.0,
        ),
        router_scheduling=Scheduling(),
        director_scheduling=Scheduling(),
        http_listen=None,
        compat_metrics=CompatMetrics.BOTH,
    ),
    virtual_routers=(
        VirtualRouter(
            name="VI_1",
            interface="eth0",
            virtual_router_id=50,
            priority=100,
            position=HERE,
            starts_as_master=True,
            advert_interval_s=1.0,
            down_timer_adverts=3,
            preempt=True,
            preempt_delay_s=0.0,
            authentication=Authentication(AuthenticationType.PASS, b"1111"),
            source_address=None,
            multicast_group=IPv4Address("224.0.0.18"),
            addresses=(VirtualAddress(IPv4Address("192.168.4.15"), 32, "eth0"),),
            announcements=Announcements(5.0, 5, 0.0, 1, 5.0, 5),
        ),
    ),
    virtual_servers=(
        VirtualServer(
            address=IPv4Address("192.168.4.15"),
            port=80,
            protocol=Protocol.TCP,
            scheduler="wrr",
            position=HERE,
            flags=ServiceFlags.NONE,
            persistence_timeout_s=0,
            quorum=1,
            hysteresis=0,
            real_servers=(lvs_real_server("192.168.4.100", 1), lvs_real_server("192.168.4.200", 2)),
        ),
    ),
    files=(LVS1,),
)


class TestInputs:
    def test_lvs1_is_read_as_its_author_meant_it(self) -> None:
        loaded = load(LVS1)
        assert loaded.config == LVS1_EXPECTED
        assert said(loaded) == ["17:15 lenient", "33:7 lenient", "41:7 lenient"]
        assert (len(loaded.errors), len(loaded.warnings)) == (0, 3)
        assert loaded.config.virtual_servers[0].real_servers[1].position == Position(LVS1, 37, 3)

    def test_lvs2_differs_in_name_state_and_priority(self) -> None:
        path = str(INPUTS / "lvs-dr" / "lvs2.conf")
        loaded = load(path)
        router = replace(LVS1_EXPECTED.virtual_routers[0], priority=50, starts_as_master=False)
        daemon = replace(LVS1_EXPECTED.daemon, router_id="lvs2")
        assert loaded.config == replace(LVS1_EXPECTED, daemon=daemon, virtual_routers=(router,), files=(path,))

    @pytest.mark.parametrize(
        ("name", "messages"), [("web1", ["17:15 lenient"]), ("as-printed", ["3:34 lenient", "17:13 lenient"])]
    )
    def test_web_ha_with_and_without_remarks_is_the_same(self, name: str, messages: list[str]) -> None:
        path = str(INPUTS / "web-ha" / f"{name}.conf")
        loaded = load(path)
        addresses = (VirtualAddress(IPv4Address("192.168.4.80"), 32, "eth0"),)
        router = replace(LVS1_EXPECTED.virtual_routers[0], addresses=addresses)
        daemon = replace(LVS1_EXPECTED.daemon, router_id="web1")
        assert loaded.config == Config(daemon=daemon, virtual_routers=(router,), files=(path,))
        assert said(loaded) == messages


class TestVirtualRouter:
    @pytest.mark.parametrize(
        ("settings", "priority", "starts_as_master"),
        [
            ((), 100, False),
            (("state BACKUP",), 100, False),
            (("state MASTER",), 255, True),
            (("state MASTER", "priority 150"), 150, True),
            (("state MASTER", "priority 300"), 100, True),
            (("priority 10", "priority 20"), 20, False),
        ],
    )
    def test_priority(self, reader: Reader, settings: tuple[str, ...], priority: int, starts_as_master: bool) -> None:
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
    def test_preemption(
        self, reader: Reader, settings: tuple[str, ...], preempt: bool, delay_s: float, messages: list[str]
    ) -> None:
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
    def test_version_2_counts_whole_seconds(self, reader: Reader, written: str, interval_s: float, messages: list[str]) -> None:
        assert reader.router(f"advert_int {written}").advert_interval_s == interval_s
        assert said(reader.load(INSTANCE.format(f"advert_int {written}"))) == messages

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
    def test_authentication(self, reader: Reader, lines: str, expected: Authentication, messages: list[str]) -> None:
        text = f"authentication {{\n{lines}\n}}"
        assert reader.router(text).authentication == expected
        assert said(reader.load(INSTANCE.format(text))) == messages

    def test_announcements_come_from_the_instance_else_from_global_defs(self, reader: Reader) -> None:
        text = "global_defs {\n vrrp_garp_master_delay 2\n vrrp_garp_master_refresh 60\n vrrp_garp_lower_prio_repeat 7\n}\n"
        config = reader.config(text + INSTANCE.format("garp_master_delay 1\n garp_master_repeat 3"))
        assert config.virtual_routers[0].announcements == Announcements(1.0, 3, 60.0, 1, 1.0, 7)

    def test_fewer_announcements_are_the_least_that_nobody_set_otherwise(self, reader: Reader) -> None:
        config = reader.config("global_defs {\n vrrp_min_garp\n}\n" + INSTANCE.format("garp_master_repeat 3"))
        assert config.virtual_routers[0].announcements == Announcements(0.0, 3, 0.0, 0, 0.0, 3)

    def test_what_else_an_instance_carries(self, reader: Reader) -> None:
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

    def test_global_defaults_hold_for_instances(self, reader: Reader) -> None:
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
    def test_address_lines(self, reader: Reader, line: str, expected: VirtualAddress) -> None:
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
    def test_wrong_address_lines_are_one_message(self, reader: Reader, line: str, message: str) -> None:
        assert said(reader.load(INSTANCE.format(f"virtual_ipaddress_excluded {{\n{line}\n}}"))) == [message]

    def test_addresses_that_no_advert_can_carry_are_excluded(self, reader: Reader) -> None:
        loaded = reader.load(INSTANCE.format("").replace("  192.168.4.15", "~SEQ(i, 0, 299) 10.0.1.${i}").replace("299", "255"))
        assert said(loaded) == ["1:15 reduced"]
        assert loaded.config is not None
        (router,) = loaded.config.virtual_routers
        assert (len(router.addresses), len(router.excluded_addresses)) == (255, 1)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ("unicast_peer {\n10.0.0.1\n}", "7:2 not-built"),
            ("use_vmac", "7:2 not-built"),
            ("use_ipvlan", "7:2 not-built"),
            ("native_ipv6", "7:2 not-built"),
            ("version 3", "7:2 not-built"),
            ("vrf red", "7:2 not-built"),
            ("auth_hmac {\nkey 1 x\nactive_key 1\n}", "7:2 not-built"),
            ("authentication {\nauth_type AH\nauth_pass 1\n}", "8:1 not-built"),
            ("virtual_ipaddress {\n2001:db8::1\n}", "8:1 not-built"),
            ("mcast_src_ip 2001:db8::1", "7:2 address-family"),
            ("strict_mode off\nauthentication {\nauth_type PASS\nauth_pass 1\n}", None),
        ],
    )
    def test_a_router_that_would_behave_otherwise_is_left_out(self, reader: Reader, setting: str, message: str | None) -> None:
        loaded = reader.load(INSTANCE.format(setting))
        assert loaded.config is not None
        if message is None:
            assert len(loaded.config.virtual_routers) == 1
            return
        assert said(loaded) == [message]
        assert "`VI_1`" in (loaded.errors[0].assumed or "")
        assert loaded.config.virtual_routers == ()

    def test_members_of_a_sync_group_are_left_out_with_one_error(self, reader: Reader) -> None:
        text = "vrrp_sync_group G {\n group {\n VI_1\n VI_9\n }\n notify /bin/true\n}\n" + INSTANCE.format("")
        other = INSTANCE.format("").replace("VI_1", "VI_2").replace(" 50", " 51")
        loaded = reader.load(text + other)
        assert said(loaded) == ["1:1 not-built"]
        assert loaded.config is not None
        assert [one.name for one in loaded.config.virtual_routers] == ["VI_2"]

    @pytest.mark.parametrize(("old", "new"), [(" 50", " 51"), ("VI_1", "VI_2")])
    def test_a_second_router_of_the_same_name_or_id_is_left_out(self, reader: Reader, old: str, new: str) -> None:
        loaded = reader.load(INSTANCE.format("") + INSTANCE.format("").replace(old, new))
        assert said(loaded) == ["9:15 duplicate"]
        assert loaded.config is not None
        assert len(loaded.config.virtual_routers) == 1


class TestVirtualServer:
    def test_settings_of_checks_are_inherited(self, reader: Reader) -> None:
        virtual = "delay_loop 6\nretry 2\ndelay_before_retry 4\nwarmup 9\nconnect_timeout 7"
        (check,) = reader.server(virtual).real_servers[0].checks
        assert check.pace == Pace(6.0, 2, 4.0, 9.0)
        assert check.connect_timeout_s == 7.0
        (check,) = reader.server(virtual, "retry 5\nconnect_timeout 1.5").real_servers[0].checks
        assert (check.pace.retry, check.connect_timeout_s) == (5, 1.5)
        (check,) = reader.server(virtual, "retry 5", "retry 0\ndelay_loop 0.5").real_servers[0].checks
        assert check.pace == Pace(0.5, 0, 4.0, 9.0)

    def test_a_check_has_its_own_defaults(self, reader: Reader) -> None:
        (check,) = reader.server().real_servers[0].checks
        assert check == TcpCheck(IPv4Address("192.168.4.100"), 80, Pace(60.0, 1, 1.0, None), 5.0)

    def test_where_and_how_a_check_connects(self, reader: Reader) -> None:
        settings = (
            "connect_ip 10.0.0.9\nconnect_port 8080\nbindto 10.0.0.1\nbind_port 99\nbind_if eth3\nfwmark 7\nlog_all_failures"
        )
        (check,) = reader.server(check=settings).real_servers[0].checks
        assert check == TcpCheck(
            IPv4Address("10.0.0.9"), 8080, Pace(), 5.0, IPv4Address("10.0.0.1"), 99, "eth3", 7, log_all_failures=True
        )

    def test_what_real_servers_carry(self, reader: Reader) -> None:
        real = reader.server(
            "weight 5\nalpha\ninhibit_on_failure", "uthreshold 100\nlthreshold 50\nalpha off\nsmtp_alert no"
        ).real_servers[0]
        assert (real.weight, real.alpha, real.inhibit_on_failure, real.smtp_alert) == (5, False, True, False)
        assert (real.upper_threshold, real.lower_threshold) == (100, 50)
        assert reader.server(check="alpha").real_servers[0].alpha

    def test_direct_routing_keeps_the_port_but_the_check_asks_the_written_one(self, reader: Reader) -> None:
        text = SERVER.format("", "", "").replace("192.168.4.100 80", "192.168.4.100 8080")
        loaded = reader.load(text)
        assert said(loaded) == ["6:28 conflict"]
        assert loaded.config is not None
        (real,) = loaded.config.virtual_servers[0].real_servers
        assert (real.port, real.checks[0].port) == (80, 8080)
        assert reader.config(text.replace("DR", "NAT")).virtual_servers[0].real_servers[0].port == 8080

    def test_a_real_server_without_port_needs_one_for_its_check(self, reader: Reader) -> None:
        server = SERVER.replace("192.168.4.100 80", "192.168.4.100")
        assert said(reader.load(server.format("", "", ""))) == ["8:3 check-without-port"]
        assert reader.config(server.format("", "", "connect_port 80")).virtual_servers[0].real_servers[0].port == 80

    @pytest.mark.parametrize(
        ("line", "assumed"),
        [(" lb_algo wrr\n", "`lb_algo wlc`"), (" lb_kind DR\n", "`lb_kind NAT`"), (" protocol TCP\n", "`protocol UDP`")],
    )
    def test_what_is_missing_is_assumed_aloud(self, reader: Reader, line: str, assumed: str) -> None:
        found = reader.only(SERVER.format("", "", "").replace(line, ""))
        assert (found.code.value, found.assumed) == ("default-assumed", assumed)

    @pytest.mark.parametrize(
        ("settings", "timeout_s", "prefix_length"),
        [
            ("", 0, None),
            ("persistence_timeout", 360, None),
            ("persistence_timeout 50", 50, None),
            ("persistence_timeout 0", 0, None),
            ("persistence_granularity 24", 360, 24),
            ("persistence_granularity 255.255.0.0", 360, 16),
            ("persistence_granularity 255.255.255.255", 360, None),
            ("persistence_granularity 255.0.255.0", 0, None),
            ("persistence_timeout 50\npersistence_granularity 24", 50, 24),
        ],
    )
    def test_persistence(self, reader: Reader, settings: str, timeout_s: int, prefix_length: int | None) -> None:
        server = reader.server(settings)
        assert (server.persistence_timeout_s, server.persistence_prefix_length) == (timeout_s, prefix_length)
        assert (ServiceFlags.PERSISTENT in server.flags) == bool(timeout_s)

    def test_a_service_without_port_is_persistent(self, reader: Reader) -> None:
        text = SERVER.format("", "", "").replace("192.168.4.15 80", "192.168.4.15")
        loaded = reader.load(text)
        assert loaded.config is not None
        server = loaded.config.virtual_servers[0]
        assert (server.port, server.persistence_timeout_s, server.real_servers[0].port) == (0, 360, 0)

    @pytest.mark.parametrize(
        ("settings", "quorum", "hysteresis", "messages"),
        [
            ("quorum 3\n hysteresis 1", 3, 1, []),
            ("quorum 9", 3, 0, ["5:9 reduced"]),
            ("quorum 2\n hysteresis 2", 2, 1, ["6:13 reduced"]),
        ],
    )
    def test_quorum(self, reader: Reader, settings: str, quorum: int, hysteresis: int, messages: list[str]) -> None:
        server = reader.server(settings, "weight 3")
        assert (server.quorum, server.hysteresis) == (quorum, hysteresis)
        loaded = reader.load(SERVER.format(settings, "weight 3", ""))
        assert said(loaded) == messages

    @pytest.mark.parametrize(
        ("settings", "flags", "messages"),
        [
            ("lb_algo sh\n sh-port\n sh-fallback", ServiceFlags.SCHEDULER_1 | ServiceFlags.SCHEDULER_2, []),
            ("lb_algo mh\n mh-port", ServiceFlags.SCHEDULER_2, []),
            ("sh-port", ServiceFlags.NONE, ["5:2 conflict"]),
            ("flag-3", ServiceFlags.SCHEDULER_3, []),
            ("protocol udp\n ops", ServiceFlags.ONE_PACKET, []),
            ("ops", ServiceFlags.NONE, ["5:2 conflict"]),
        ],
    )
    def test_flags(self, reader: Reader, settings: str, flags: ServiceFlags, messages: list[str]) -> None:
        assert reader.server(settings).flags == flags
        assert said(reader.load(SERVER.format(settings, "", ""))) == messages

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("192.168.4.15 80", "fwmark 5", "1:16 not-built"),
            ("192.168.4.15 80", "group G", "1:16 not-built"),
            ("192.168.4.15 80", "2001:db8::1 80", "1:16 not-built"),
            ("192.168.4.15 80", "192.168.4.300 80", "1:16 bad-value"),
            ("192.168.4.15 80", "192.168.4.15 0", "1:29 bad-value"),
            ("lb_kind DR", "lb_kind TUN type gue port 4", "3:19 not-built"),
            ("192.168.4.100 80", "2001:db8::1 80", "6:14 address-family"),
            ("192.168.4.100 80", "192.168.4.256 80", "6:14 bad-value"),
        ],
    )
    def test_what_cannot_be_served_is_left_out_with_one_error(self, reader: Reader, old: str, new: str, message: str) -> None:
        loaded = reader.load(SERVER.format("", "", "").replace(old, new))
        assert said(loaded) == [message]
        assert loaded.config is not None
        assert loaded.config.virtual_servers == ()

    def test_a_virtual_server_without_real_servers_is_left_out(self, reader: Reader) -> None:
        found = reader.only("virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n}\n")
        assert found.code.value == "missing-setting"

    def test_duplicates_are_left_out(self, reader: Reader) -> None:
        assert said(reader.load(SERVER.format("", "", "") * 2)) == ["13:16 duplicate"]
        twice = SERVER.format("", "", "").replace(" real_server", " real_server 192.168.4.100 80 {\n }\n real_server")
        assert said(reader.load(twice)) == ["8:14 duplicate"]

    def test_a_check_that_is_not_built_leaves_the_real_server_unchecked(self, reader: Reader) -> None:
        loaded = reader.load(
            SERVER.format("", "HTTP_GET {\n url {\n path /\n status_code 200\n }\n }", "").replace("TCP_CHECK", "PING_CHECK")
        )
        assert said(loaded) == ["7:3 no-effect", "13:3 no-effect"]
        assert loaded.config is not None
        assert loaded.config.virtual_servers[0].real_servers[0].checks == ()


class TestDaemon:
    def test_mail_and_scheduling(self, reader: Reader) -> None:
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
    def test_who_sends_mail(self, reader: Reader, settings: str, router: bool, virtual: bool, real: bool) -> None:
        config = reader.config(f"global_defs {{\n{settings}\n}}\n" + INSTANCE.format("") + SERVER.format("", "", ""))
        server = config.virtual_servers[0]
        assert (config.virtual_routers[0].smtp_alert, server.smtp_alert, server.real_servers[0].smtp_alert) == (
            router,
            virtual,
            real,
        )

    def test_our_own_block_may_hide_from_keepalived(self, reader: Reader) -> None:
        daemon = reader.config("@vrrpd vrrpd {\n@vrrpd http_listen [::1]:9165\n@vrrpd compat_metrics none\n@vrrpd }\n").daemon
        assert daemon.http_listen == ListenAddress("::1", 9165)
        assert daemon.compat_metrics is CompatMetrics.NONE

    @pytest.mark.parametrize("where", ["9165", "127.0.0.1:0", "127.0.0.300:80", "::1:80", "a b:80", "[::1%eth0]:80"])
    def test_a_wrong_listening_address_is_one_error(self, reader: Reader, where: str) -> None:
        assert reader.only(f'vrrpd {{\n http_listen "{where}"\n}}\n').code.value == "bad-value"

    def test_what_belongs_into_a_namespace_stays_out_of_ours(self, reader: Reader) -> None:
        loaded = reader.load("net_namespace red\n" + INSTANCE.format("") + SERVER.format("", "", ""))
        assert said(loaded) == ["1:1 not-built"]
        assert loaded.config is not None
        assert (loaded.config.virtual_routers, loaded.config.virtual_servers) == ((), ())
