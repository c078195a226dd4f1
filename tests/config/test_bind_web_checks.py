"""What web pages are asked for, and what they must show."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from healthcheck.types import (
    GrpcCheck,
    HttpCheck,
    HttpVersion,
    Pace,
    Regex,
    RegexOption,
    Sni,
    SslCheck,
    Tls,
    TlsCheck,
    TlsFiles,
    Url,
)
from tests.config.reading import SERVER, Reader

REAL = IPv4Address("192.168.4.100")
WEB_PACE = Pace(delay_before_retry_s=3.0)


def web_check(reader: Reader, kind: str, settings: str, *messages: str, virtual: str = "", real: str = "") -> HttpCheck:
    """The check with these settings, the first of which stands in line 9."""
    text = SERVER.replace("TCP_CHECK", kind).format(virtual, real, settings)
    (check,) = reader.written(text, *messages).virtual_servers[0].real_servers[0].checks
    assert isinstance(check, HttpCheck)
    return check


def page(reader: Reader, settings: str, *messages: str) -> Url:
    """The page with these settings, the first of which stands in line 11."""
    (url,) = web_check(reader, "SSL_GET", f"url {{\npath /\n{settings}\n}}", *messages).urls
    return url


def test_a_check_of_pages(reader: Reader) -> None:
    check = web_check(
        reader,
        "HTTP_GET",
        "http_protocol 1.0c\nfast_recovery\nconnect_port 8080\n"
        "url {\n path /a?b=c\n status_code 200 301-303\n digest 0123456789abcdef0123456789ABCDEF\n }\nurl {\n path //x\n }",
    )
    assert check == HttpCheck(
        REAL,
        8080,
        WEB_PACE,
        urls=(
            Url("/a?b=c", statuses=((200, 200), (301, 303)), digest=bytes.fromhex("0123456789abcdef" * 2)),
            Url("//x"),
        ),
        version=HttpVersion.HTTP_1_0_CLOSE,
        fast_recovery=True,
    )


def test_over_tls(reader: Reader) -> None:
    check = web_check(
        reader, "SSL_GET", "tls_compliant\nurl {\n path /\n }\nurl {\n path /b\n tls_compliant off\n }\nhttp_protocol 1.1"
    )
    urls = (Url("/", tls_compliant=True), Url("/b"))
    assert check == SslCheck(REAL, 80, WEB_PACE, urls=urls, version=HttpVersion.HTTP_1_1)


def test_the_old_name_of_retry(reader: Reader) -> None:
    text = SERVER.replace("TCP_CHECK", "HTTP_GET").format("", "", "nb_get_retry 4\nurl {\n path /\n }")
    loaded = reader.load(text)
    assert loaded.written is not None
    (check,) = loaded.written.virtual_servers[0].real_servers[0].checks
    assert isinstance(check, HttpCheck)
    assert check.pace.retry == 4


@pytest.mark.parametrize(
    ("virtual", "real", "check", "url", "host"),
    [
        ("", "", "", "", None),
        ("v", "", "", "", "v"),
        ("v", "r", "", "", "r"),
        ("v", "r", "c", "", "c"),
        ("v", "r", "c", "u", "u"),
    ],
)
def test_the_nearest_host_is_asked_for(reader: Reader, virtual: str, real: str, check: str, url: str, host: str | None) -> None:
    v, r, c, u = (f"virtualhost {name}" if name else "" for name in (virtual, real, check, url))
    found = web_check(reader, "HTTP_GET", f"{c}\nurl {{\n path /\n {u}\n }}", virtual=v, real=r)
    assert found.urls[0].virtual_host == host


@pytest.mark.parametrize(
    ("virtual", "real", "settings", "sni"),
    [
        ("", "", "", None),
        ("", "", "enable_sni off", None),
        ("", "", "enable_sni", Sni()),
        ("", "", "sni_name", Sni()),
        ("", "", "sni_name a", Sni("a")),
        ("", "", "enable_sni\nsni_name a", Sni("a")),
        ("virtualhost v", "", "enable_sni", Sni()),
        ("virtualhost v", "virtualhost r", "enable_sni", Sni("v")),
        ("virtualhost v", "virtualhost r", "enable_sni\nvirtualhost c", Sni()),
    ],
)
def test_the_name_told_in_the_handshake(reader: Reader, virtual: str, real: str, settings: str, sni: Sni | None) -> None:
    check = web_check(reader, "SSL_GET", f"{settings}\nurl {{\n path /\n }}", virtual=virtual, real=real)
    assert isinstance(check, SslCheck)
    assert check.sni == sni


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        ("200", ((200, 200),)),
        ("404 200", ((200, 200), (404, 404))),
        ("200-299 250-310", ((200, 310),)),
        ("200 201 203", ((200, 201), (203, 203))),
        ("100-599", ((100, 599),)),
        ("200\nstatus_code 404", ((200, 200), (404, 404))),
    ],
)
def test_statuses(reader: Reader, words: str, statuses: tuple[tuple[int, int], ...]) -> None:
    assert page(reader, f"status_code {words}").statuses == statuses


@pytest.mark.parametrize(
    ("words", "message", "statuses"),
    [
        ("99", "11:13 bad-value", ((200, 299),)),
        ("200 600", "11:17 bad-value", ((200, 200),)),
        ("300-200", "11:13 bad-value", ((200, 299),)),
        ("ok", "11:13 bad-value", ((200, 299),)),
        ("200-", "11:13 bad-value", ((200, 299),)),
    ],
)
def test_what_is_no_status(reader: Reader, words: str, message: str, statuses: tuple[tuple[int, int], ...]) -> None:
    assert page(reader, f"status_code {words}", message).statuses == statuses


@pytest.mark.parametrize("digest", ["0123", "0123456789abcdef0123456789abcdeg", "0" * 33])
def test_what_is_no_digest(reader: Reader, digest: str) -> None:
    assert page(reader, f"digest {digest}", "11:8 bad-value").digest is None


@pytest.mark.parametrize(
    ("settings", "regex"),
    [
        ("regex welcome", Regex("welcome")),
        ("regex 'to the site'", Regex("to the site")),
        (r'regex "a\\d{2} #b"', Regex(r"a\d{2} #b")),
        (r"regex a\sb", Regex("asb")),
        ("regex a\nregex_no_match", Regex("a", must_match=False)),
        (
            "regex a\nregex_options ungreedy caseless utf caseless",
            Regex("a", options=(RegexOption.CASELESS, RegexOption.UNGREEDY, RegexOption.UTF)),
        ),
        ("regex a\nregex_min_offset 5\nregex_max_offset 9", Regex("a", min_offset=5, max_offset=9)),
        ("regex a\nregex_stack 1024 4096", Regex("a", stack_octets=(1024, 4096))),
        ("regex_no_match", None),
    ],
)
def test_expressions(reader: Reader, settings: str, regex: Regex | None) -> None:
    assert page(reader, settings).regex == regex


@pytest.mark.parametrize(
    ("settings", "message", "regex"),
    [
        ("regex to the site", "11:10 surplus-words", Regex("to")),
        ("regex it's", "11:7 unterminated-quote", None),
        ("regex a\nregex_options casless", "12:15 unknown-option", Regex("a")),
        ("regex (a", "11:7 bad-value", None),
        (r"regex \\Ca", "11:7 bad-value", None),
        ("regex a\nregex_options alt_bsux", "11:7 bad-value", None),
    ],
)
def test_what_is_no_expression(reader: Reader, settings: str, message: str, regex: Regex | None) -> None:
    assert page(reader, settings, message).regex == regex


@pytest.mark.parametrize(
    ("settings", "message"),
    [("", "8:3 missing-setting"), ("url {\n }", "9:4 missing-setting"), ("url {\n path\n }", "10:2 missing-argument")],
)
def test_a_check_without_pages_is_left_out_with_one_error(reader: Reader, settings: str, message: str) -> None:
    text = SERVER.replace("TCP_CHECK", "HTTP_GET").format("", "", settings)
    assert reader.written(text, message).virtual_servers[0].real_servers[0].checks == ()


def test_files_for_tls(reader: Reader) -> None:
    files = "SSL {\n password secret\n ca /a\n certificate /b\n key /c\n}\n"
    assert reader.written(files).tls_files == TlsFiles("/a", "/b", "/c", "secret")
    assert "secret" not in repr(reader.written(files))
    assert reader.written("").tls_files == TlsFiles()


FILES = "SSL {\n ca /a\n}\n"
PAGE = "url {\n path /\n }\n"


def checks(reader: Reader, kind: str, settings: str) -> tuple[object, ...]:
    """With files for TLS further down."""
    text = SERVER.replace("TCP_CHECK", kind).format("", "alpha", settings) + FILES
    (real,) = reader.written(text).virtual_servers[0].real_servers
    assert real.alpha_checks == real.checks
    return real.checks


@pytest.mark.parametrize(
    ("kind", "settings", "check"),
    [
        ("SSL_GET", PAGE, SslCheck(REAL, 80, WEB_PACE, urls=(Url("/"),), tls=Tls(TlsFiles("/a")))),
        (
            "SSL_GET",
            PAGE + "ssl_verify\ncertificate_days 7\nhttp_protocol 2",
            SslCheck(REAL, 80, WEB_PACE, urls=(Url("/"),), version=HttpVersion.HTTP_2, tls=Tls(TlsFiles("/a"), True, 7)),
        ),
        ("HTTP_GET", PAGE + "http_protocol 2", HttpCheck(REAL, 80, WEB_PACE, urls=(Url("/"),), version=HttpVersion.HTTP_2)),
        ("TLS_CHECK", "", TlsCheck(REAL, 80, tls=Tls(TlsFiles("/a")))),
        ("TLS_CHECK", "sni_name a\nssl_verify", TlsCheck(REAL, 80, sni=Sni("a"), tls=Tls(TlsFiles("/a"), verify=True))),
        ("GRPC_CHECK", "", GrpcCheck(REAL, 80)),
        ("GRPC_CHECK", "tls\nservice a.B", GrpcCheck(REAL, 80, service="a.B", tls=Tls(TlsFiles("/a")))),
        ("GRPC_CHECK", "virtualhost b\nenable_sni", GrpcCheck(REAL, 80, virtual_host="b", tls=Tls(TlsFiles("/a")), sni=Sni())),
        ("GRPC_CHECK", "tls off\nsni_name b", GrpcCheck(REAL, 80)),
    ],
)
def test_tls_in_every_check_that_has_it(reader: Reader, kind: str, settings: str, check: object) -> None:
    assert checks(reader, kind, settings) == (check,)


def test_files_for_tls_leave_other_servers_as_they_are(reader: Reader) -> None:
    assert (
        reader.written(SERVER.format("", "", "") + FILES).virtual_servers
        == reader.written(SERVER.format("", "", "")).virtual_servers
    )
