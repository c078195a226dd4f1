"""What a `virtual_server` means: inheritance of checks, ports, persistence, quorum, and what is refused."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from healthcheck.types import Pace, TcpCheck
from ipvs.types import ServiceFlags
from tests.config.reading import SERVER, Reader, said


def test_settings_of_checks_are_inherited(reader: Reader) -> None:
    virtual = "delay_loop 6\nretry 2\ndelay_before_retry 4\nwarmup 9\nconnect_timeout 7"
    check = reader.check(virtual)
    assert check.pace == Pace(6.0, 2, 4.0, 9.0)
    assert check.connect_timeout_s == 7.0
    check = reader.check(virtual, "retry 5\nconnect_timeout 1.5")
    assert (check.pace.retry, check.connect_timeout_s) == (5, 1.5)
    check = reader.check(virtual, "retry 5", "retry 0\ndelay_loop 0.5")
    assert check.pace == Pace(0.5, 0, 4.0, 9.0)


def test_a_check_has_its_own_defaults(reader: Reader) -> None:
    (check,) = reader.server().real_servers[0].checks
    assert check == TcpCheck(IPv4Address("192.168.4.100"), 80, Pace(60.0, 1, 1.0, None), 5.0)


def test_where_and_how_a_check_connects(reader: Reader) -> None:
    settings = "connect_ip 10.0.0.9\nconnect_port 8080\nbindto 10.0.0.1\nbind_port 99\nbind_if eth3\nfwmark 7\nlog_all_failures"
    (check,) = reader.server(check=settings).real_servers[0].checks
    assert check == TcpCheck(
        IPv4Address("10.0.0.9"), 8080, Pace(), 5.0, IPv4Address("10.0.0.1"), 99, "eth3", 7, log_all_failures=True
    )


def test_what_real_servers_carry(reader: Reader) -> None:
    real = reader.server(
        "weight 5\nalpha\ninhibit_on_failure", "uthreshold 100\nlthreshold 50\nalpha off\nsmtp_alert no"
    ).real_servers[0]
    assert (real.weight, real.alpha, real.inhibit_on_failure, real.smtp_alert) == (5, False, True, False)
    assert (real.upper_threshold, real.lower_threshold) == (100, 50)
    assert reader.server(check="alpha").real_servers[0].alpha


def test_direct_routing_keeps_the_port_but_the_check_asks_the_written_one(reader: Reader) -> None:
    text = SERVER.format("", "", "").replace("192.168.4.100 80", "192.168.4.100 8080")
    loaded = reader.load(text)
    assert said(loaded) == ["6:28 conflict"]
    assert loaded.config is not None
    (real,) = loaded.config.virtual_servers[0].real_servers
    (check,) = real.checks
    assert isinstance(check, TcpCheck)
    assert (real.port, check.port) == (80, 8080)
    assert reader.config(text.replace("DR", "NAT")).virtual_servers[0].real_servers[0].port == 8080


def test_a_real_server_without_port_needs_one_for_its_check(reader: Reader) -> None:
    server = SERVER.replace("192.168.4.100 80", "192.168.4.100")
    assert said(reader.load(server.format("", "", ""))) == ["8:3 check-without-port"]
    assert reader.config(server.format("", "", "connect_port 80")).virtual_servers[0].real_servers[0].port == 80


@pytest.mark.parametrize(
    ("line", "assumed"),
    [(" lb_algo wrr\n", "`lb_algo wlc`"), (" lb_kind DR\n", "`lb_kind NAT`"), (" protocol TCP\n", "`protocol UDP`")],
)
def test_what_is_missing_is_assumed_aloud(reader: Reader, line: str, assumed: str) -> None:
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
def test_persistence(reader: Reader, settings: str, timeout_s: int, prefix_length: int | None) -> None:
    server = reader.server(settings)
    assert (server.persistence_timeout_s, server.persistence_prefix_length) == (timeout_s, prefix_length)
    assert (ServiceFlags.PERSISTENT in server.flags) == bool(timeout_s)


def test_a_service_without_port_is_persistent(reader: Reader) -> None:
    text = SERVER.format("", "", "").replace("192.168.4.15 80", "192.168.4.15")
    loaded = reader.load(text)
    assert loaded.config is not None
    server = loaded.config.virtual_servers[0]
    assert (server.service.port, server.persistence_timeout_s, server.real_servers[0].port) == (0, 360, 0)


@pytest.mark.parametrize(
    ("settings", "quorum", "hysteresis", "messages"),
    [
        ("quorum 3\n hysteresis 1", 3, 1, []),
        ("quorum 9", 3, 0, ["5:9 reduced"]),
        ("quorum 2\n hysteresis 2", 2, 1, ["6:13 reduced"]),
    ],
)
def test_quorum(reader: Reader, settings: str, quorum: int, hysteresis: int, messages: list[str]) -> None:
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
def test_flags(reader: Reader, settings: str, flags: ServiceFlags, messages: list[str]) -> None:
    assert reader.server(settings).flags == flags
    assert said(reader.load(SERVER.format(settings, "", ""))) == messages


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("192.168.4.15 80", "group G", "1:22 unknown-name"),
        ("192.168.4.15 80", "192.168.4.300 80", "1:16 bad-value"),
        ("192.168.4.15 80", "192.168.4.15 0", "1:29 bad-value"),
        ("192.168.4.100 80", "2001:db8::1 80", "6:14 address-family"),
        ("192.168.4.100 80", "192.168.4.256 80", "6:14 bad-value"),
    ],
)
def test_what_cannot_be_served_is_left_out_with_one_error(reader: Reader, old: str, new: str, message: str) -> None:
    loaded = reader.load(SERVER.format("", "", "").replace(old, new))
    assert said(loaded) == [message]
    assert loaded.config is not None
    assert loaded.config.virtual_servers == ()


def test_a_virtual_server_without_real_servers_is_left_out(reader: Reader) -> None:
    found = reader.only("virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n}\n")
    assert found.code.value == "missing-setting"


def test_duplicates_are_left_out(reader: Reader) -> None:
    assert said(reader.load(SERVER.format("", "", "") * 2)) == ["13:16 duplicate"]
    twice = SERVER.format("", "", "").replace(" real_server", " real_server 192.168.4.100 80 {\n }\n real_server")
    assert said(reader.load(twice)) == ["8:14 duplicate"]


def test_a_check_that_is_not_built_leaves_the_real_server_unchecked(reader: Reader) -> None:
    loaded = reader.load(
        "bfd_instance peer {\n neighbor_ip 192.168.4.9\n}\n"
        + SERVER.format("", "", "name peer").replace("TCP_CHECK", "BFD_CHECK")
    )
    assert said(loaded) == ["1:1 no-effect", "11:3 no-effect"]
    assert loaded.config is not None
    assert loaded.config.virtual_servers[0].real_servers[0].checks == ()
