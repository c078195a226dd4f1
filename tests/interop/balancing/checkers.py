"""Every checker on its way down and up, how often it asks before it says so, and ways in which servers are lost."""

from __future__ import annotations

import hashlib

from tests.interop.balancing.cases import Case, Step, block, by_file, filed, real, virtual
from tests.interop.balancing.servers import PAGE

DIGEST = hashlib.md5(PAGE, usedforsecurity=False).hexdigest()
UP, DOWN = "a=1 b=1", "b=1"
BEGIN = Step("", UP)
PATIENT_S = 10
"""Where tries are counted no other failure may come in between, however busy the machine is."""


def _checked(kind: str, *lines: str, name: str = "a", **settings: float | str | None) -> str:
    """A virtual server with one real server under the check and one that is always there."""
    return virtual(real(name, block(kind, *lines)), real("b"), of="$vip 80", **settings)


def _url(*lines: str) -> str:
    return block("url", "path /", *lines)


def _ups_and_downs(*deeds: str) -> tuple[Step, ...]:
    """Begin well, then alternately out of the table and in again."""
    return (BEGIN, *(Step(deed, UP if number % 2 else DOWN) for number, deed in enumerate(deeds)))


CHECKERS = (
    Case("tcp", _checked("TCP_CHECK"), "a:tcp", _ups_and_downs("a down", "a up")),
    Case("tcp at another port", _checked("TCP_CHECK", "connect_ip $address_h"), "h:tcp", _ups_and_downs("h down", "h up")),
    Case("tcp down at the start", _checked("TCP_CHECK"), "a:tcp", (Step("a down", DOWN), Step("a up", UP))),
    Case("http by status", _checked("HTTP_GET", _url()), "a:http", _ups_and_downs("a sick", "a well", "a down", "a up")),
    Case(
        "http by another status",
        _checked("HTTP_GET", _url("status_code 503")),
        "a:http",
        (Step("a sick", UP), Step("a well", DOWN), Step("a sick", UP)),
    ),
    Case("http by digest", _checked("HTTP_GET", _url(f"digest {DIGEST}")), "a:http", _ups_and_downs("a changed", "a well")),
    Case(
        "http by expression",
        _checked("HTTP_GET", _url('regex "as us[a-z]al"')),
        "a:http",
        _ups_and_downs("a changed", "a well"),
    ),
    Case(
        "http by an expression that must not match",
        _checked("HTTP_GET", _url('regex "CLOSED"', "regex_options caseless", "regex_no_match")),
        "a:http",
        _ups_and_downs("a changed", "a well"),
    ),
    Case("http silent", _checked("HTTP_GET", _url()), "a:http", _ups_and_downs("a silent", "a well")),
    Case(
        "http of two pages",
        _checked("HTTP_GET", _url(), _url("status_code 200-204"), delay_loop=0.5),
        "a:http",
        _ups_and_downs("a sick", "a well"),
    ),
    Case(
        "http of two pages in fast recovery",
        _checked("HTTP_GET", "fast_recovery", _url(), _url("status_code 200-204"), delay_loop=2),
        "a:http",
        _ups_and_downs("a sick", "a well"),
    ),
    Case(
        "http 1.1",
        _checked("HTTP_GET", "http_protocol 1.1", "virtualhost lab", _url()),
        "a:http",
        _ups_and_downs("a sick", "a well"),
    ),
    Case("ssl by status", _checked("SSL_GET", _url()), "a:https", _ups_and_downs("a sick", "a well", "a down", "a up")),
    Case("ssl by digest", _checked("SSL_GET", _url(f"digest {DIGEST}")), "a:https", _ups_and_downs("a changed", "a well")),
    Case("smtp", _checked("SMTP_CHECK"), "a:smtp", _ups_and_downs("a sick", "a well", "a down", "a up")),
    Case("smtp silent", _checked("SMTP_CHECK", "helo_name lab"), "a:smtp", _ups_and_downs("a silent", "a well")),
    Case("dns", _checked("DNS_CHECK"), "a:dns", _ups_and_downs("a sick", "a well", "a down", "a up")),
    Case(
        "dns silent",
        _checked("DNS_CHECK", "type A", "name www.example.com"),
        "a:dns",
        _ups_and_downs("a silent", "a well"),
    ),
    Case("misc", _checked("MISC_CHECK", 'misc_path "$misc"', delay_loop=2), "", _ups_and_downs("m exits 3", "m exits 0")),
    Case(
        "misc too long",
        _checked("MISC_CHECK", 'misc_path "$misc"', "misc_timeout 1", delay_loop=2),
        "",
        _ups_and_downs("m hangs", "m exits 0"),
    ),
    Case(
        "misc dynamic",
        _checked("MISC_CHECK", 'misc_path "$misc"', "misc_dynamic", delay_loop=2),
        "",
        (
            BEGIN,
            Step("m exits 12", "a=10 b=1"),
            Step("m exits 1", "b=1"),
            Step("m exits 2", "a=0 b=1"),
            Step("m exits 255", "a=253 b=1"),
        ),
    ),
    Case("udp", _checked("UDP_CHECK", protocol="UDP"), "a:udp", _ups_and_downs("a down", "a up")),
    Case(
        "udp silent",
        _checked("UDP_CHECK", protocol="UDP"),
        "a:udp",
        (BEGIN, Step("a silent", UP, after=3)),
    ),
    Case(
        "udp with a reply",
        _checked("UDP_CHECK", "payload 0102", "require_reply 2Axx02", protocol="UDP"),
        "a:udp",
        _ups_and_downs("a changed", "a well", "a silent", "a well"),
    ),
    Case(
        "udp with a reply long enough",
        _checked("UDP_CHECK", "require_reply", "min_reply_length 2", protocol="UDP"),
        "a:udp",
        _ups_and_downs("a changed", "a well"),
    ),
    Case(
        "ping",
        _checked("PING_CHECK", name="h"),
        "h:host",
        (Step("", "b=1 h=1"), Step("h gone", "b=1"), Step("h back", "b=1 h=1")),
    ),
    Case("file", virtual(filed("a"), filed("b")), "a:file b:file", _ups_and_downs("a writes 1", "a writes 0", "a writes -5")),
    Case(
        "one server in two services",
        _checked("TCP_CHECK") + "\n" + virtual(real("a", block("TCP_CHECK")), real("b"), of="$vip 443"),
        "a:tcp",
        _ups_and_downs("a down", "a up"),
    ),
    Case(
        "two checkers on one server",
        virtual(real("a", block("HTTP_GET", _url()), by_file("a")), real("b")),
        "a:http",
        (
            BEGIN,
            Step("a sick; a writes 1", DOWN),
            Step("a writes 0", DOWN, after=3),
            Step("a well", UP),
            Step("a writes 1", DOWN),
            Step("a writes 0", UP),
        ),
    ),
)
"""Each on its way out and back."""

RETRIES = (
    Case(
        "retry counted",
        _checked("HTTP_GET", _url(), retry=2, connect_timeout=PATIENT_S),
        "a:http",
        (BEGIN, Step("a sick 2", UP, after=3), Step("a sick 3", UP, after=4, through="down")),
    ),
    Case(
        "no retry",
        _checked("HTTP_GET", "retry 0", _url(), connect_timeout=PATIENT_S),
        "a:http",
        (
            BEGIN,
            Step("a sick 1", UP, after=2, through="down"),
            Step("a sick", DOWN),
            Step("a well 1", DOWN, after=2, through="up"),
        ),
    ),
    Case(
        "retry of its own",
        virtual(
            real("a", "retry 2", "delay_before_retry 0.1", block("HTTP_GET", "retry 3", _url())),
            real("b"),
            retry=9,
            connect_timeout=PATIENT_S,
        ),
        "a:http",
        (BEGIN, Step("a sick 3", UP, after=4), Step("a sick 4", UP, after=5, through="down")),
    ),
    Case(
        "first failure of a web server counts at once",
        _checked("HTTP_GET", _url(), retry=3, connect_timeout=PATIENT_S),
        "a:http",
        (Step("a sick 1", UP, after=2, through="down"),),
    ),
    Case(
        "first failure of a mail server",
        _checked("SMTP_CHECK", retry=2, connect_timeout=PATIENT_S),
        "a:smtp",
        (Step("a sick 1", UP, after=2, through="down"),),
    ),
    Case(
        "smtp asks twice by itself",
        _checked("SMTP_CHECK", retry=None, connect_timeout=PATIENT_S),
        "a:smtp",
        (BEGIN, Step("a sick 1", UP, after=2), Step("a sick 2", UP, after=3, through="down")),
    ),
    Case(
        "dns asks four times by itself",
        _checked("DNS_CHECK", retry=None, connect_timeout=PATIENT_S),
        "a:dns",
        (BEGIN, Step("a sick 3", UP, after=4), Step("a sick 4", UP, after=5, through="down")),
    ),
    Case(
        "udp asks twice by itself",
        _checked("UDP_CHECK", "require_reply 2Axx02", retry=None, protocol="UDP", connect_timeout=PATIENT_S),
        "a:udp",
        (BEGIN, Step("a changed 1", UP, after=2), Step("a changed 2", UP, after=3, through="down")),
    ),
)
"""How often is asked before a server is taken out."""

HERE, AWAY = "b=1 h=1", "b=1"


def _lost(name: str, check: str, away: str, home: str) -> Case:
    return Case(
        f"{name} {away}",
        virtual(real("h", check), real("b")),
        f"h:{name}",
        (Step("", HERE), Step(f"h {away}", AWAY), Step(f"h {home}", HERE)),
    )


LOSSES = tuple(
    _lost(name, check, away, home)
    for name, check in (("tcp", block("TCP_CHECK")), ("http", block("HTTP_GET", _url())))
    for away, home in (("down", "up"), ("gone", "back"), ("lost", "found"))
)
"""The port closed (RST), the host gone (no ARP), and its packets lost without a word (a black hole)."""
