"""What is checked, and what came out, as plain values.

A check is a hashable value: two real servers that ask the same question carry equal checks.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Pace:
    """When a check runs and how patient it is; seconds as in keepalived.conf."""

    delay_loop_s: float = 60.0
    """From the end of one check to the start of the next."""
    retry: int = 1
    """Further tries before a server that was up is called down."""
    delay_before_retry_s: float = 1.0
    warmup_s: float | None = None
    """The first check starts at a random moment within this time, plus one second; None is `delay_loop_s`."""
    from_start: bool = False
    """The delays run from the start of one check to the start of the next."""


@dataclass(frozen=True, slots=True)
class Round:
    """How far a check of several steps has come, which are taken one in each probe."""

    step: int = 0
    """What the next probe is to ask."""
    passed: int = 0
    """Steps in a row that went well; with all of them the check has succeeded."""


FIRST_STEP = Round()


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """What every check that sends packets has in common."""

    address: Address
    port: int
    pace: Pace = Pace()
    connect_timeout_s: float = 5.0
    bind_address: Address | None = None
    bind_port: int = 0
    bind_interface: str | None = None
    mark: int = 0
    """SO_MARK of the probe's packets; 0 sets none."""
    log_all_failures: bool = False

    @property
    def subject(self) -> str:
        """What is asked, for people; `[192.0.2.1]:80`."""
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class TcpCheck(NetworkCheck):
    """Up while a TCP connection can be opened within `connect_timeout_s`."""


@dataclass(frozen=True, slots=True)
class PingCheck(NetworkCheck):
    """Up while an echo reply comes back within `connect_timeout_s`. The port is not used."""


class HttpVersion(Enum):
    """How a request is made; only 1.0 by itself sends no `Connection: close`."""

    HTTP_1_0 = "1.0"
    HTTP_1_0_CLOSE = "1.0C"
    HTTP_1_1 = "1.1"
    HTTP_2 = "2"
    """Over TLS as ALPN agrees, else without asking first (prior knowledge)."""


class RegexOption(Enum):
    """How an expression is compiled: PCRE2's options by the names that keepalived.conf gives them."""

    ALLOW_EMPTY_CLASS = "allow_empty_class"
    ALT_BSUX = "alt_bsux"
    ALT_CIRCUMFLEX = "alt_circumflex"
    ALT_VERBNAMES = "alt_verbnames"
    AUTO_CALLOUT = "auto_callout"
    CASELESS = "caseless"
    DOLLAR_ENDONLY = "dollar_endonly"
    DOTALL = "dotall"
    DUPNAMES = "dupnames"
    EXTENDED = "extended"
    FIRSTLINE = "firstline"
    MATCH_UNSET_BACKREF = "match_unset_backref"
    MULTILINE = "multiline"
    NEVER_BACKSLASH_C = "never_backslash_c"
    NEVER_UCP = "never_ucp"
    NEVER_UTF = "never_utf"
    NO_AUTO_CAPTURE = "no_auto_capture"
    NO_AUTO_POSSESS = "no_auto_possess"
    NO_DOTSTAR_ANCHOR = "no_dotstar_anchor"
    NO_START_OPTIMIZE = "no_start_optimize"
    UCP = "ucp"
    UNGREEDY = "ungreedy"
    USE_OFFSET_LIMIT = "use_offset_limit"
    UTF = "utf"


@dataclass(frozen=True, slots=True)
class Regex:
    """What a page must match, or must not."""

    pattern: str
    must_match: bool = True
    options: tuple[RegexOption, ...] = ()
    """In the order of :class:`RegexOption`."""
    min_offset: int = 0
    """Octets of the page that are skipped."""
    max_offset: int | None = None
    """The last octet at which a match may start; None is the page's end."""
    stack_octets: tuple[int, int] | None = None
    """First and largest size of the matcher's stack; None leaves it to the library."""


SUCCESS_STATUSES = ((200, 299),)


@dataclass(frozen=True, slots=True)
class Url:
    """One page, and what is expected of it."""

    path: str
    virtual_host: str | None = None
    """The Host header; None is the address and port asked."""
    statuses: tuple[tuple[int, int], ...] = SUCCESS_STATUSES
    """Ranges with both ends, in ascending order, none touching another."""
    digest: bytes | None = None
    """MD5 of the page, 16 octets."""
    regex: Regex | None = None
    tls_compliant: bool = False
    """Over TLS, an end without close_notify is a failure."""


@dataclass(frozen=True, slots=True)
class Sni:
    """The server's name is told in the TLS handshake."""

    name: str | None = None
    """None is the name in the page's Host header, where it has one."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What checks over TLS show and trust."""

    authorities: str | None = None
    """A file or a directory; of use only where certificates are verified. None is what the system trusts."""
    certificate: str | None = None
    key: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """How a check speaks TLS, and what it wants of the server's certificate: nothing, unless it is said."""

    files: TlsFiles = TlsFiles()
    verify: bool = False
    """The certificate must be good for the name that is asked for (SNI, else the Host header, else the address)."""
    certificate_days_min: int | None = None
    """For so many days the certificate must still be good; None does not ask."""


@dataclass(frozen=True, slots=True)
class HttpCheck(NetworkCheck):
    """Up while every page is as expected; asked one after the other, the next one after `delay_loop_s`."""

    urls: tuple[Url, ...] = ()
    version: HttpVersion = HttpVersion.HTTP_1_0
    fast_recovery: bool = False
    """While the server is down and nothing failed, the next page is asked at once."""


@dataclass(frozen=True, slots=True)
class SslCheck(HttpCheck):
    """The same over TLS."""

    sni: Sni | None = None
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class TlsCheck(NetworkCheck):
    """Up while TLS can be agreed on, whatever is spoken over it."""

    sni: Sni | None = None
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class GrpcCheck(NetworkCheck):
    """Up while gRPC's health service says that a service is serving."""

    service: str = ""
    """Its full name; an empty one is the server as a whole."""
    virtual_host: str | None = None
    """The authority that is asked for; None is the address and port."""
    tls: Tls | None = None
    """None is plain HTTP/2."""
    sni: Sni | None = None


SMTP_HELO_NAME = "smtpchecker.keepalived.org"


@dataclass(frozen=True, slots=True)
class SmtpCheck(NetworkCheck):
    """Up while a mail server greets and answers HELO."""

    helo_name: str = SMTP_HELO_NAME


class DnsRecordType(Enum):
    """What a name server is asked for; the value is the number on the wire (IANA's DNS parameters)."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    MX = 15
    TXT = 16
    AAAA = 28
    RRSIG = 46
    DNSKEY = 48


@dataclass(frozen=True, slots=True)
class DnsCheck(NetworkCheck):
    """Up while a name server answers without an error code, be the answer empty or not."""

    record_type: DnsRecordType = DnsRecordType.SOA
    name: str = "."


UDP_PAYLOAD = bytes(range(32))
"""Sent where none is configured: 32 octets that mean nothing to anybody."""
UDP_REPLY_OCTETS_MAX = 255


@dataclass(frozen=True, slots=True)
class ReplyPattern:
    """Octets that a reply must show at its beginning, as far as both go."""

    octets: bytes
    mask: bytes
    """As long as `octets`; bits that are not set may be anything."""


@dataclass(frozen=True, slots=True)
class UdpCheck(NetworkCheck):
    """Up while no ICMP error comes back, or, with `require_reply`, while a reply comes."""

    payload: bytes = UDP_PAYLOAD
    require_reply: bool = False
    reply: ReplyPattern | None = None
    min_reply_octets: int = 0
    max_reply_octets: int = UDP_REPLY_OCTETS_MAX


@dataclass(frozen=True, slots=True)
class MiscCheck:
    """Up while a command ends with status 0; with `sets_weight` also with 2 to 255, which is the weight plus 2. Status 0 gives
    the configured weight back."""

    command: tuple[str, ...]
    """The program's path and its arguments."""
    timeout_s: float
    """Longest run; a longer one is a failure."""
    pace: Pace = Pace(retry=0, from_start=True)
    sets_weight: bool = False
    user: str | None = None
    """None is `keepalived_script` where such a user exists, else root."""
    group: str | None = None
    log_all_failures: bool = False

    @property
    def subject(self) -> str:
        """What is asked, for people."""
        return f"command {shlex.join(self.command)}"


FILE_PACE = Pace(delay_loop_s=0.5, retry=0, warmup_s=0.0)
"""Reading a number costs some 20 us, so twice a second is nothing, and an operator who writes one sees it act at once."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """With weight 0 up while the number in a file is 0; else the number times `weight` is added to the server's weight."""

    track_file: str
    """Name of the configuration's `track_file`."""
    weight: int
    reverse: bool = False
    """With weight 0 up while the number is not 0; else the product is taken off."""
    path: str = ""
    pace: Pace = FILE_PACE
    log_all_failures: bool = False

    @property
    def subject(self) -> str:
        """What is asked, for people."""
        return f"file {self.path}"


@dataclass(frozen=True, slots=True)
class BfdCheck:
    """Up while a BFD session is."""

    session: str
    """Name of the configuration's `bfd_instance`."""


@dataclass(frozen=True, slots=True)
class RedisCheck(NetworkCheck):
    """Up while Redis, or what speaks its protocol, answers PING; logged in first where there is a password."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AgentCheck(NetworkCheck):
    """What a program on the server says of it, in the words of HAProxy's agent checks; see :mod:`healthcheck.agent`."""

    request: bytes = b""
    """Sent first; most agents want nothing."""


Check = (
    TcpCheck
    | HttpCheck
    | SslCheck
    | TlsCheck
    | GrpcCheck
    | SmtpCheck
    | PingCheck
    | DnsCheck
    | UdpCheck
    | MiscCheck
    | FileCheck
    | RedisCheck
    | AgentCheck
)
"""Every kind of check that the scheduler runs; grows with each probe."""
AnyCheck = Check | BfdCheck
"""Every kind of check that can be asked for."""


@dataclass(frozen=True, slots=True)
class WeightSet:
    """A server is to have this weight (a command's exit status)."""

    weight: int


@dataclass(frozen=True, slots=True)
class WeightShare:
    """A server is to have this share of its configured weight (an agent's answer)."""

    percent: float


@dataclass(frozen=True, slots=True)
class WeightAdded:
    """This is added to a server's configured weight (the number in a file)."""

    weight: int


WeightWish = WeightSet | WeightShare | WeightAdded


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The outcome of one probe."""

    success: bool
    latency_s: float
    reason: str
    """What a person reads: `connected`, `connection refused`, `timed out after 3 s` ..."""
    weight: WeightWish | None = None
    """What a server that is up should weigh. A probe's None leaves what was asked for last; in a verdict it is the configured
    weight."""
    certificate_end_unix_s: float | None = None
    """When the certificate that the server showed ends; None where there was none."""


@dataclass(frozen=True, slots=True)
class StepPassed:
    """One step of several went well. No verdict yet, and no failure."""

    latency_s: float
    reason: str
    next: Round
    at_once: bool = False
    """While the server is not up, the next step is taken without a pause."""


@dataclass(frozen=True, slots=True)
class NotProbed:
    """No probe took place: this machine lacked a descriptor, an address, a right. Says nothing about the server."""

    reason: str
    """`cannot bind to 192.0.2.1: cannot assign requested address` ..."""


Outcome = ProbeResult | StepPassed | NotProbed
"""What became of a probe that was asked for."""
