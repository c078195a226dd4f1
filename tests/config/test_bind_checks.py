"""What checks of every kind are told, and by whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from healthcheck.types import (
    AgentCheck,
    AnyCheck,
    BfdCheck,
    DnsCheck,
    DnsRecordType,
    FileCheck,
    MiscCheck,
    NetworkCheck,
    Pace,
    PingCheck,
    RedisCheck,
    ReplyPattern,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
)
from tests.config.reading import SERVER, Reader

REAL = IPv4Address("192.168.4.100")
NETWORK_CHECKS = ("TCP_CHECK", "PING_CHECK", "SMTP_CHECK", "DNS_CHECK", "UDP_CHECK", "HTTP_GET", "SSL_GET")
PAGE = "url {\n path /\n }"
DECLARED = (
    "track_file load {\n file /run/load\n weight -2 reverse\n}\ntrack_file plain {\n file /run/plain\n}\n"
    "bfd_instance peer {\n neighbor_ip 10.0.0.1\n}\n"
)


def check_of(reader: Reader, kind: str, settings: str = "", *messages: str, virtual: str = "", real: str = "") -> AnyCheck:
    """The check of this kind; its block begins in line 8 and its first setting stands in line 9."""
    if kind in {"HTTP_GET", "SSL_GET"}:
        settings += "\n" + PAGE
    text = SERVER.replace("TCP_CHECK", kind).format(virtual, real, settings)
    (check,) = reader.written(text, *messages).virtual_servers[0].real_servers[0].checks
    return check


def checks_of(reader: Reader, blocks: str, *messages: str, above: str = DECLARED) -> tuple[AnyCheck, ...]:
    """The checks of a real server with these blocks, the first of which begins in line 18."""
    text = above + SERVER.replace("TCP_CHECK {{\n   {}\n  }}", "{}").format("", "", blocks)
    return reader.written(text, *messages).virtual_servers[0].real_servers[0].checks


@pytest.mark.parametrize(
    ("kind", "retry", "delay_before_retry_s"),
    [
        ("TCP_CHECK", 1, 1.0),
        ("PING_CHECK", 1, 1.0),
        ("UDP_CHECK", 1, 1.0),
        ("SMTP_CHECK", 1, 1.0),
        ("HTTP_GET", 1, 3.0),
        ("SSL_GET", 1, 3.0),
        ("DNS_CHECK", 3, 60.0),
        ("MISC_CHECK", 0, 1.0),
    ],
)
def test_each_kind_has_its_own_defaults(reader: Reader, kind: str, retry: int, delay_before_retry_s: float) -> None:
    check = check_of(reader, kind, "misc_path /bin/true" if kind == "MISC_CHECK" else "")
    assert not isinstance(check, FileCheck | BfdCheck)
    assert check.pace == Pace(60.0, retry, delay_before_retry_s, None, from_start=kind == "MISC_CHECK")


@pytest.mark.parametrize("kind", [*NETWORK_CHECKS, "MISC_CHECK"])
def test_the_pace_comes_from_the_nearest_block(reader: Reader, kind: str) -> None:
    virtual = "delay_loop 6\nretry 2\ndelay_before_retry 4\nwarmup 9"
    own = "misc_path /bin/true\n" if kind == "MISC_CHECK" else ""

    def pace(real: str, check: str) -> Pace:
        found = check_of(reader, kind, own + check, virtual=virtual, real=real)
        assert not isinstance(found, FileCheck | BfdCheck)
        assert found.pace.from_start is (kind == "MISC_CHECK")
        return replace(found.pace, from_start=False)

    assert pace("", "") == Pace(6.0, 2, 4.0, 9.0)
    assert pace("retry 5\nwarmup 0", "") == Pace(6.0, 5, 4.0, 0.0)
    assert pace("retry 5\ndelay_loop 7", "retry 0\ndelay_loop 0.5") == Pace(0.5, 0, 4.0, 9.0)


def test_retries_of_dns_wait_as_long_as_its_checks(reader: Reader) -> None:
    check = check_of(reader, "DNS_CHECK", "delay_loop 8")
    assert isinstance(check, DnsCheck)
    assert check.pace == Pace(8.0, 3, 8.0, None)


@pytest.mark.parametrize("kind", NETWORK_CHECKS)
def test_where_and_how_a_check_goes(reader: Reader, kind: str) -> None:
    settings = "connect_ip 10.0.0.9\nconnect_port 8080\nbindto 10.0.0.1\nbind_port 99\nbind_if eth3\nfwmark 7\nlog_all_failures"
    check = check_of(reader, kind, settings, real="connect_timeout 2.5")
    assert isinstance(check, NetworkCheck)
    assert (check.address, check.port, check.connect_timeout_s) == (IPv4Address("10.0.0.9"), 8080, 2.5)
    assert (check.bind_address, check.bind_port, check.bind_interface) == (IPv4Address("10.0.0.1"), 99, "eth3")
    assert (check.mark, check.log_all_failures) == (7, True)


@pytest.mark.parametrize("kind", NETWORK_CHECKS)
def test_the_source_must_be_of_the_family_of_what_is_asked(reader: Reader, kind: str) -> None:
    check = check_of(reader, kind, "bindto 2001:db8::1", "9:11 address-family")
    assert isinstance(check, NetworkCheck)
    assert check.bind_address is None
    other = check_of(reader, kind, "bindto 2001:db8::1\nconnect_ip 2001:db8::2")
    assert isinstance(other, NetworkCheck)
    assert other.bind_address == IPv6Address("2001:db8::1")


def test_an_address_of_a_link_needs_to_know_which_link(reader: Reader) -> None:
    check_of(reader, "TCP_CHECK", "connect_ip fe80::1", "8:3 missing-setting")
    check_of(reader, "TCP_CHECK", "connect_ip fe80::1\nbind_if eth0")


def test_a_ping_needs_no_port(reader: Reader) -> None:
    text = SERVER.replace("192.168.4.100 80", "192.168.4.100").replace("TCP_CHECK", "PING_CHECK").format("", "", "")
    (check,) = reader.written(text).virtual_servers[0].real_servers[0].checks
    assert check == PingCheck(REAL, 0)
    reader.written(text.replace("PING_CHECK", "UDP_CHECK"), "8:3 check-without-port")


def test_checks_are_in_order_of_their_kinds(reader: Reader) -> None:
    checks = checks_of(
        reader, "UDP_CHECK {\n }\n TCP_CHECK {\n connect_port 2\n }\n PING_CHECK {\n }\n TCP_CHECK {\n connect_port 1\n }"
    )
    assert checks == (TcpCheck(REAL, 2), TcpCheck(REAL, 1), PingCheck(REAL, 80), UdpCheck(REAL, 80))


@pytest.mark.parametrize(
    ("virtual", "real", "first", "second", "expected"),
    [
        ("", "", "", "", (False, ())),
        ("alpha", "", "", "", (True, (1, 2))),
        ("alpha", "alpha off", "", "", (False, ())),
        ("", "alpha", "", "", (True, (1, 2))),
        ("", "alpha", "alpha off", "", (True, (2,))),
        ("", "alpha", "alpha no", "alpha false", (False, ())),
        ("", "", "alpha", "", (True, (1,))),
    ],
)
def test_alpha_is_of_each_check(
    reader: Reader, virtual: str, real: str, first: str, second: str, expected: tuple[bool, tuple[int, ...]]
) -> None:
    text = SERVER.format(virtual, real + f"\nTCP_CHECK {{\n connect_port 1\n {first}\n }}", f"connect_port 2\n{second}")
    (server,) = reader.written(text).virtual_servers[0].real_servers
    assert (server.alpha, tuple(check.port for check in server.alpha_checks if isinstance(check, TcpCheck))) == expected


# -- each kind --------------------------------------------------------------------------------


def test_smtp(reader: Reader) -> None:
    assert check_of(reader, "SMTP_CHECK") == SmtpCheck(REAL, 80, helo_name="smtpchecker.keepalived.org")
    assert check_of(reader, "SMTP_CHECK", "helo_name me") == SmtpCheck(REAL, 80, helo_name="me")


def test_of_several_hosts_of_smtp_the_last_holds(reader: Reader) -> None:
    hosts = "connect_port 24\nhost {\n connect_ip 10.0.0.1\n }\nhost {\n connect_ip 10.0.0.2\n connect_timeout 9\n }"
    messages = "10:1 deprecated", "13:1 deprecated"
    assert check_of(reader, "SMTP_CHECK", hosts, *messages) == SmtpCheck(IPv4Address("10.0.0.2"), 24, connect_timeout_s=9.0)


@pytest.mark.parametrize(
    ("settings", "record_type", "name"),
    [
        ("", DnsRecordType.SOA, "."),
        ("type A\nname example.com", DnsRecordType.A, "example.com"),
        ("type dnskey", DnsRecordType.DNSKEY, "."),
    ],
)
def test_dns(reader: Reader, settings: str, record_type: DnsRecordType, name: str) -> None:
    check = check_of(reader, "DNS_CHECK", settings)
    assert check == DnsCheck(REAL, 80, Pace(60.0, 3, 60.0), record_type=record_type, name=name)


@pytest.mark.parametrize(
    ("settings", "check"),
    [
        ("", UdpCheck(REAL, 80)),
        ("payload 00ffAB", UdpCheck(REAL, 80, payload=b"\x00\xff\xab")),
        ("require_reply", UdpCheck(REAL, 80, require_reply=True)),
        ("require_reply 0fxA", UdpCheck(REAL, 80, require_reply=True, reply=ReplyPattern(b"\x0f\x0a", b"\xff\x0f"))),
        ("min_reply_length 4\nmax_reply_length 9", UdpCheck(REAL, 80, min_reply_octets=4, max_reply_octets=9)),
    ],
)
def test_udp(reader: Reader, settings: str, check: UdpCheck) -> None:
    assert check_of(reader, "UDP_CHECK", settings) == check


@pytest.mark.parametrize(
    ("settings", "message", "check"),
    [
        ("payload 123", "9:12 bad-value", UdpCheck(REAL, 80)),
        ("payload 0x", "9:12 bad-value", UdpCheck(REAL, 80)),
        ("require_reply 12g4", "9:18 bad-value", UdpCheck(REAL, 80, require_reply=True)),
        ("require_reply x", "9:18 bad-value", UdpCheck(REAL, 80, require_reply=True)),
    ],
)
def test_octets_that_are_none(reader: Reader, settings: str, message: str, check: UdpCheck) -> None:
    assert check_of(reader, "UDP_CHECK", settings, message) == check


@pytest.mark.parametrize(
    ("kind", "settings", "check"),
    [
        ("REDIS_CHECK", "", RedisCheck(REAL, 80)),
        ("REDIS_CHECK", "redis_user me\nredis_password secret", RedisCheck(REAL, 80, user="me", password="secret")),
        ("AGENT_CHECK", "connect_port 81", AgentCheck(REAL, 81)),
        ("AGENT_CHECK", 'send "how are you"', AgentCheck(REAL, 80, request=b"how are you\n")),
    ],
)
def test_kinds_that_keepalived_does_not_know(reader: Reader, kind: str, settings: str, check: AnyCheck) -> None:
    assert check_of(reader, kind, settings) == check


@pytest.mark.parametrize(
    ("settings", "check"),
    [
        ("misc_path /bin/true", MiscCheck(("/bin/true",), 60.0)),
        ("misc_path \"/bin/test 'a b'\"\nmisc_timeout 5", MiscCheck(("/bin/test", "a b"), 5.0)),
        ("misc_path /bin/true\ndelay_loop 7", MiscCheck(("/bin/true",), 7.0, Pace(7.0, 0, from_start=True))),
        ("misc_path /bin/true\nmisc_timeout 0", MiscCheck(("/bin/true",), 60.0)),
        (
            "misc_path /bin/true\nmisc_dynamic\nuser me us",
            MiscCheck(("/bin/true",), 60.0, sets_weight=True, user="me", group="us"),
        ),
        ("misc_path /bin/true you\nuser me", MiscCheck(("/bin/true",), 60.0, user="me")),
        ("misc_path /bin/true you\nlog_all_failures", MiscCheck(("/bin/true",), 60.0, user="you", log_all_failures=True)),
    ],
)
def test_misc(reader: Reader, settings: str, check: MiscCheck) -> None:
    assert check_of(reader, "MISC_CHECK", settings) == check


@pytest.mark.parametrize(
    ("block", "check"),
    [
        ("FILE_CHECK {\n track_file load\n }", FileCheck("load", -2, reverse=True, path="/run/load")),
        ("FILE_CHECK {\n track_file plain\n }", FileCheck("plain", 1, path="/run/plain")),
        ("FILE_CHECK {\n track_file load\n weight 9\n }", FileCheck("load", 9, path="/run/load")),
        ("BFD_CHECK {\n name peer\n }", BfdCheck("peer")),
    ],
)
def test_checks_that_refer_to_what_stands_above(reader: Reader, block: str, check: AnyCheck) -> None:
    assert checks_of(reader, block) == (check,)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("FILE_CHECK {\n track_file lode\n }", "19:13 unknown-name"),
        ("FILE_CHECK {\n }", "18:3 missing-setting"),
        ("BFD_CHECK {\n name pier\n }", "19:7 unknown-name"),
        ("BFD_CHECK {\n }", "18:3 missing-setting"),
        ("MISC_CHECK {\n }", "18:3 missing-setting"),
    ],
)
def test_a_check_without_what_it_needs_is_left_out_with_one_error(reader: Reader, block: str, message: str) -> None:
    assert checks_of(reader, block, message) == ()


def test_what_a_check_names_must_stand_above(reader: Reader) -> None:
    text = SERVER.replace("TCP_CHECK", "FILE_CHECK").format("", "", "track_file plain") + DECLARED
    config = reader.written(text, "9:15 unknown-name")
    assert config.virtual_servers[0].real_servers[0].checks == ()
