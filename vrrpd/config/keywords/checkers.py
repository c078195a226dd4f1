"""Checks of real servers. TCP_CHECK is built; a real server keeps its place without the others."""

from __future__ import annotations

from vrrpd.config.declaration import COMMAND, PATH, Effect, Keyword, alias, block, later, line, many, optional, values
from vrrpd.config.values import Boolean, Choice, Integer, InterfaceName, IpAddress, Seconds, Text

NAME = Text("NAME")
BOOL = optional(Boolean())
PORT = Integer(1, 65535)
CONNECT_TIMEOUT = Seconds(0.000001, 4294.967295)

RETRY = line("retry", "Further tries before a server that was up is down.", Integer(), default="1")

PACE = (
    RETRY,
    line("delay_before_retry", "From a failed try to the next.", Seconds(), default="1", unit="s"),
    line("warmup", "The first check starts within this time.", Seconds(), default="delay_loop", unit="s"),
    line("delay_loop", "From one check to the next.", Seconds(0.000001), default="60", unit="s"),
    line("alpha", "Down until the check succeeds.", BOOL, default="off"),
    line("log_all_failures", "Log every failed try.", BOOL, default="off"),
)

CONNECTION = (
    line("connect_ip", "Address to check.", IpAddress(), default="the real server's"),
    line("connect_port", "Port to check.", PORT, default="the real server's"),
    line("bindto", "Source address.", IpAddress()),
    line("bind_port", "Source port.", PORT),
    line("bind_if", "Source interface.", InterfaceName()),
    line("connect_timeout", "Patience with the connection.", CONNECT_TIMEOUT, default="5", unit="s"),
    line("fwmark", "Mark of the packets.", Integer(), default="0"),
)

TCP_CHECK = block(
    "TCP_CHECK",
    "Up while a TCP connection can be opened.",
    *CONNECTION,
    *PACE,
    alias("nb_get_retry", RETRY, lenient=True),
)

URL = block(
    "url",
    "One request.",
    later("path", "What is requested.", PATH),
    later("digest", "MD5 of the body.", Text("DIGEST")),
    later("status_code", "Statuses of success.", many(Text("N | N-M")), default="200-299"),
    later("virtualhost", "Host header.", NAME, since="1.3.6"),
    later("regex", "What the body must match.", many(Text("PATTERN", is_path=True)), since="2.0.7"),
    later("regex_no_match", "What it must not match.", since="2.0.7"),
    later("regex_options", "Options of the expression.", many(Text("OPTION")), since="2.0.7"),
    later("regex_min_offset", "Where matching begins.", Integer(), since="2.0.7", unit="octets"),
    later("regex_max_offset", "Where a match begins at the latest.", Integer(), since="2.0.7", unit="octets"),
    later("regex_stack", "Size of the expression's stack.", Integer(), Integer(), since="2.0.7"),
    later("tls_compliant", "An end without close is an error.", BOOL, since="2.2.8"),
)

HTTP = (
    URL,
    later("virtualhost", "Host header.", NAME, since="1.3.6"),
    later("http_protocol", "HTTP version.", Choice(("1.0", "1.0C", "1.0c", "1.1")), default="1.0", since="2.0.17"),
    later("nb_get_retry", "Old name of retry.", Integer()),
    later("fast_recovery", "No delay between requests while down.", BOOL, since="2.0.17"),
)
SSL_GET = (
    later("enable_sni", "Send the server's name.", BOOL, since="1.4.3"),
    later("sni_name", "The name sent.", optional(NAME), since="git"),
    later("tls_compliant", "An end without close is an error.", BOOL, since="2.2.8"),
)


def _check(name: str, help_: str, *parts: Keyword, since: str = "1.0", connects: bool = True) -> Keyword:
    """A check that is not built yet."""
    own = {part.name for part in parts}
    common = [part for part in ((*CONNECTION, *PACE) if connects else PACE) if part.name not in own]
    return block(name, help_, *common, *parts, since=since, effect=Effect.NONE)


CHECKERS = (
    TCP_CHECK,
    _check("HTTP_GET", "Up while web pages are as expected.", *HTTP),
    _check("SSL_GET", "The same over TLS.", *HTTP, *SSL_GET),
    _check(
        "SMTP_CHECK",
        "Up while a mail server greets.",
        later("helo_name", "Name given in HELO.", NAME),
        block("host", "Further host.", *CONNECTION, effect=Effect.NONE),
        since="1.1.8",
    ),
    _check(
        "DNS_CHECK",
        "Up while a name server answers.",
        later(
            "type",
            "Record type asked for.",
            Choice(("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"), fold_case=True),
            default="SOA",
        ),
        later("name", "Name asked for.", NAME, default="."),
        since="1.3.0",
    ),
    _check(
        "MISC_CHECK",
        "Up while a command succeeds.",
        later("misc_path", "The command.", many(Text("COMMAND", is_path=True))),
        later("misc_timeout", "Longest run.", Integer(0, 4294), since="1.1.0", unit="s"),
        later("misc_dynamic", "Its exit status sets the weight.", since="1.1.8"),
        later("user", "Who runs it.", Text("USER"), optional(Text("GROUP")), since="1.3.0"),
        connects=False,
    ),
    _check("PING_CHECK", "Up while pings are answered.", since="2.1.0"),
    _check(
        "UDP_CHECK",
        "Up while no ICMP error comes back.",
        later("payload", "What is sent.", Text("HEX"), since="2.2.0"),
        later("require_reply", "An answer must come.", optional(Text("HEX")), since="2.1.0"),
        later("min_reply_length", "Shortest answer.", Integer(0, 65535), default="0", since="2.2.0"),
        later("max_reply_length", "Longest answer.", Integer(0, 65535), default="255", since="2.2.0"),
        since="2.1.0",
    ),
    _check(
        "BFD_CHECK",
        "Up while a BFD session is.",
        later("name", "The session.", NAME),
        since="2.0.0",
        connects=False,
    ),
    _check(
        "FILE_CHECK",
        "Up while a file's number says so.",
        later("track_file", "The file.", NAME),
        later("weight", "Multiplies the number.", Integer(-(2**31) + 1, 2**31 - 1), optional(Choice(("reverse",)))),
        since="2.1.0",
        connects=False,
    ),
)

NOTIFICATION = (
    later("notify_up", "Run when the server comes up.", COMMAND),
    later("notify_down", "Run when the server goes down.", COMMAND),
)

SSL = block(
    "SSL",
    "Files for SSL_GET.",
    later("password", "The key's password.", Text("PASSWORD")),
    later("ca", "Authorities.", PATH),
    later("certificate", "Our certificate.", PATH),
    later("key", "Its key.", PATH),
    effect=Effect.NONE,
)

VIRTUAL_SERVER_GROUP = values("virtual_server_group", "Addresses that are balanced alike.", NAME, effect=Effect.NONE)
