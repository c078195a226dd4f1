"""Checks of real servers. A real server keeps its place without those that are not built."""

from __future__ import annotations

from dataclasses import replace

from vrrpd.config.declaration import COMMAND, PATH, Effect, Keyword, alias, block, later, line, many, named, optional
from vrrpd.config.keywords.arguments import BOOL, GROUP, NAME, PORT, REVERSE, TIME, USER
from vrrpd.config.values import Choice, Integer, InterfaceName, IpAddress, Seconds, Text

CONNECT_TIMEOUT = Seconds(0.000001, 4294.967295)
LENGTH = named("OCTETS", Integer(0, 65535))
INHERITED = "Without it holds what the real server says, then what the virtual server does, then the default."

RETRY = line(
    "retry",
    "How many further tries a server that is up gets before it is down.",
    named("TRIES", Integer()),
    default="1",
    details=f"""
        {INHERITED}

        The first failure after the start counts at once, and one success always brings the server up.
    """,
    see=("delay_before_retry",),
)
DELAY_BEFORE_RETRY = line(
    "delay_before_retry",
    "From a failed try to the next, while the server is up.",
    Seconds(),
    default="1",
    unit="s",
    details=INHERITED,
    see=("retry",),
)
ALPHA = line("alpha", "The server is down until this check has succeeded.", BOOL, default="the real server's")

PACE = (
    RETRY,
    DELAY_BEFORE_RETRY,
    line(
        "warmup",
        "The first check comes at a random moment within this time.",
        Seconds(),
        default="delay_loop",
        unit="s",
        details=f"""
            {INHERITED}

            So that not all servers are checked at once. Until then a server counts as up, unless `alpha` is set.
        """,
    ),
    line("delay_loop", "From the end of one check to the next.", TIME, default="60", unit="s", details=INHERITED),
    ALPHA,
    line(
        "log_all_failures",
        "Log every failed try, not only those that change something.",
        BOOL,
        default="off",
        see=("checker_log_all_failures",),
    ),
)

CONNECTION = (
    line("connect_ip", "The address that is checked.", IpAddress(), default="the real server's"),
    line("connect_port", "The port that is checked.", PORT, default="the real server's, as it is written there"),
    line("bindto", "Our own address.", IpAddress(), default="the kernel's choice"),
    line("bind_port", "Our own port.", PORT, default="the kernel's choice"),
    line(
        "bind_if",
        "The interface we go out by.",
        InterfaceName(),
        default="the kernel's choice",
        details="Must be given for a link-local address.",
    ),
    line(
        "connect_timeout",
        "How long an answer may take, at each step.",
        CONNECT_TIMEOUT,
        default="5",
        unit="s",
        details=INHERITED,
    ),
    line("fwmark", "Firewall mark of our packets.", named("MARK", Integer()), default="0"),
)

TCP_CHECK = block(
    "TCP_CHECK",
    "The server is up while a TCP connection to it can be opened.",
    *CONNECTION,
    *PACE,
    alias("nb_get_retry", RETRY, "Read as `retry`; keepalived knows this name in web checks only.", lenient=True),
    details="The connection is closed at once.",
    example="""
        TCP_CHECK {
            connect_timeout 2
            retry 2
            delay_before_retry 1
        }
    """,
)

URL = block(
    "url",
    "One request; all that a check has must succeed.",
    line("path", "What is requested.", PATH, details="Must be given; a request without it is left out."),
    line("digest", "MD5 of the body, as 32 hexadecimal digits.", Text("DIGEST"), default="any body will do"),
    line(
        "status_code",
        "The statuses that are a success.",
        many(Text("STATUS | FIRST-LAST")),
        default="200-299",
        details="From 100 to 599; several may be given.",
    ),
    line("virtualhost", "The Host header.", NAME, default="the check's", since="1.3.6"),
    line(
        "regex",
        "A regular expression (PCRE) that the body must match.",
        many(Text("PATTERN", is_path=True), '"PATTERN"'),
        since="2.0.7",
        details="In quotes if it has blanks. One that cannot be compiled is left out.",
    ),
    line("regex_no_match", "The body must not match.", since="2.0.7"),
    line(
        "regex_options",
        "Options of the expression: PCRE2's names in small letters, such as `caseless` and `multiline`.",
        many(Text("OPTION")),
        since="2.0.7",
    ),
    line(
        "regex_min_offset",
        "Where in the body a match may begin at the earliest.",
        named("OFFSET", Integer()),
        default="0",
        since="2.0.7",
        unit="octets",
    ),
    line(
        "regex_max_offset",
        "Where in the body a match may begin at the latest.",
        named("OFFSET", Integer()),
        default="its end",
        since="2.0.7",
        unit="octets",
    ),
    later(
        "regex_stack",
        "First and greatest size of the stack for matching.",
        named("FIRST", Integer()),
        named("GREATEST", Integer()),
        since="2.0.7",
        unit="octets",
    ),
    line(
        "tls_compliant",
        "An end of the connection without TLS's own close is a failure.",
        BOOL,
        default="the check's",
        since="2.2.8",
    ),
    example="""
        url {
            path /health
            status_code 200
        }
    """,
)
NB_GET_RETRY = alias("nb_get_retry", RETRY, deprecated=True)

HTTP = (
    URL,
    replace(DELAY_BEFORE_RETRY, default="3"),
    line("virtualhost", "The Host header.", NAME, default="the real server's, else the virtual server's", since="1.3.6"),
    line(
        "http_protocol",
        "The version of HTTP.",
        Choice(("1.0", "1.0C", "1.0c", "1.1", "2")),
        default="1.0",
        since="2.0.17",
        details="""
            `1.0C` asks the server to close the connection, as 1.1 always does.

            keepalived knows no `2`: HTTP/2, over TLS as the server agrees (ALPN), without TLS at once (prior knowledge).
        """,
    ),
    NB_GET_RETRY,
    line(
        "fast_recovery",
        "No wait between requests while the server is down and none fails.",
        BOOL,
        default="off",
        since="2.0.17",
    ),
)
SNI = (
    line("enable_sni", "Tell the server which name we want (SNI).", BOOL, default="off", since="1.4.3", see=("sni_name",)),
    line(
        "sni_name",
        "The name that is told to the server.",
        optional(NAME),
        default="virtualhost",
        since="git",
        details="Switches `enable_sni` on. In no release of keepalived so far.",
    ),
)
CERTIFICATE = (
    line(
        "ssl_verify",
        "The server's certificate must be good for the name that is asked for.",
        BOOL,
        default="off",
        since="vrrpd",
        details="""
            The name is `sni_name`, else `virtualhost`, else the address, and it is told to the server. The authorities are
            those of the block `SSL`, else those that the system trusts.
        """,
        see=("SSL", "certificate_days"),
    ),
    line(
        "certificate_days",
        "The server's certificate must be good for so many days more.",
        named("DAYS", Integer(0, 36500)),
        default="any time will do",
        since="vrrpd",
        unit="d",
        details="Whether it is verified or not.",
        see=("ssl_verify",),
    ),
)
SSL_GET = (
    *SNI,
    *CERTIFICATE,
    line("tls_compliant", "An end of the connection without TLS's own close is a failure.", BOOL, default="off", since="2.2.8"),
)


def _check(
    name: str,
    help_: str,
    *parts: Keyword,
    since: str = "1.0",
    common: tuple[Keyword, ...] = (*CONNECTION, *PACE),
    details: str = "",
    example: str = "",
    effect: Effect = Effect.BUILT,
) -> Keyword:
    """A check with what all checks of its kind have."""
    own = {part.name for part in parts}
    inherited = [part for part in common if part.name not in own]
    return block(name, help_, *inherited, *parts, since=since, effect=effect, details=details, example=example)


CHECKERS = (
    TCP_CHECK,
    _check(
        "HTTP_GET",
        "The server is up while it answers web requests as it should.",
        *HTTP,
        details="""
            Each `url` is requested in turn, and each must have the right status, body and pattern. At least one is needed.
        """,
        example="""
            HTTP_GET {
                url {
                    path /health
                    status_code 200
                }
                connect_timeout 3
            }
        """,
    ),
    _check(
        "SSL_GET",
        "The same as HTTP_GET, over TLS.",
        *HTTP,
        *SSL_GET,
        details="The server's certificate is not verified, unless `ssl_verify` says so.",
        example="""
            SSL_GET {
                enable_sni
                virtualhost www.example.org
                url {
                    path /health
                }
            }
        """,
    ),
    _check(
        "SMTP_CHECK",
        "The server is up while a mail server greets there.",
        line("helo_name", "The name we give in HELO.", NAME, default="smtpchecker.keepalived.org"),
        block(
            "host",
            "What to connect to, in a block of its own.",
            *CONNECTION,
            deprecated=True,
            since="1.1.8",
            details="The settings can stand in the check itself. Of several blocks the last one holds.",
        ),
        since="1.1.8",
        details="220 is awaited, HELO sent, 250 awaited, QUIT sent. The port is the real server's, not 25.",
        example="""
            SMTP_CHECK {
                connect_timeout 5
                helo_name lb.example.org
            }
        """,
    ),
    _check(
        "DNS_CHECK",
        "The server is up while a name server answers.",
        replace(RETRY, default="3"),
        replace(DELAY_BEFORE_RETRY, default="delay_loop"),
        line(
            "type",
            "The type of record that is asked for.",
            named("TYPE", Choice(("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"), fold_case=True)),
            default="SOA",
        ),
        line("name", "The name that is asked for.", NAME, default=". (the root)"),
        since="1.3.0",
        details="Over UDP. Any answer without an error will do, even an empty one.",
        example="""
            DNS_CHECK {
                type A
                name www.example.org
            }
        """,
    ),
    _check(
        "MISC_CHECK",
        "The server is up while a command succeeds.",
        replace(RETRY, default="0"),
        line(
            "misc_path",
            "The command.",
            many(Text("COMMAND", is_path=True), '"COMMAND"'),
            details="Must be given; in quotes if it has arguments. No shell is involved.",
        ),
        line(
            "misc_timeout",
            "How long the command may run.",
            named("SECONDS", Integer(0, 4294)),
            default="delay_loop",
            since="1.1.0",
            unit="s",
            details="After that it is ended and has failed.",
        ),
        line(
            "misc_dynamic",
            "Its exit status sets the server's weight.",
            since="1.1.8",
            details="0: up, with the configured weight. 1: down. 2 to 255: up, with a weight of two less, 253 at the most.",
        ),
        line("user", "Who runs it.", USER, GROUP, default="script_user", since="1.3.0"),
        common=PACE,
        example="""
            MISC_CHECK {
                misc_path "/usr/local/bin/check_db 192.0.2.101"
                misc_timeout 5
            }
        """,
    ),
    _check(
        "PING_CHECK",
        "The server is up while it answers pings.",
        since="2.1.0",
        example="""
        PING_CHECK {
            retry 3
        }
    """,
    ),
    _check(
        "UDP_CHECK",
        "The server is up while no ICMP error comes back, or while it answers.",
        line("payload", "What is sent, in hexadecimal digits.", Text("HEX"), default="32 octets", since="2.2.0"),
        line(
            "require_reply",
            "There must be an answer, and perhaps a certain one.",
            optional(Text("HEX")),
            default="silence is a success",
            since="2.1.0",
            details="`x` stands for any digit. What is compared is as long as the shorter of the two.",
        ),
        line("min_reply_length", "The shortest answer.", LENGTH, default="0", since="2.2.0", unit="octets"),
        line("max_reply_length", "The longest answer.", LENGTH, default="255", since="2.2.0", unit="octets"),
        since="2.1.0",
        example="""
            UDP_CHECK {
                payload 00ff
                require_reply 00xx
            }
        """,
    ),
    _check(
        "BFD_CHECK",
        "The server is up while a BFD session is.",
        later("name", "The session, defined further up.", NAME, details="Must be given."),
        since="2.0.0",
        common=(ALPHA,),
        example="""
            BFD_CHECK {
                name server1
            }
        """,
        effect=Effect.NONE,
    ),
    _check(
        "FILE_CHECK",
        "The server's weight follows the number in a file.",
        line("track_file", "The `track_file` block, defined further up.", NAME, details="Must be given."),
        line(
            "weight",
            "By what the number is multiplied.",
            named("WEIGHT", Integer(-(2**31) + 1, 2**31 - 1)),
            REVERSE,
            default="the track_file's",
            details="The product is added to the real server's weight. With 0 the server is up while the number is 0.",
        ),
        since="2.1.0",
        common=(),
        example="""
            FILE_CHECK {
                track_file drain
                weight 1
            }
        """,
    ),
    _check(
        "TLS_CHECK",
        "The server is up while TLS can be agreed on, whatever is spoken over it.",
        *SNI,
        *CERTIFICATE,
        since="vrrpd",
        example="""
            @vrrpd TLS_CHECK {
            @vrrpd     sni_name ldap.example.org
            @vrrpd     ssl_verify
            @vrrpd     certificate_days 7
            @vrrpd }
        """,
    ),
    _check(
        "GRPC_CHECK",
        "The server is up while gRPC's health service says that it is serving.",
        line("service", "The full name of the service.", NAME, default="the server as a whole", since="vrrpd"),
        line(
            "virtualhost",
            "The authority that is asked for.",
            NAME,
            default="the real server's, else the virtual server's, else the address and port",
            since="1.3.6",
        ),
        line("tls", "Over TLS.", BOOL, default="off; on with any other setting of TLS", since="vrrpd"),
        *SNI,
        *CERTIFICATE,
        since="vrrpd",
        details="The service is `grpc.health.v1.Health`; its answer must be SERVING. Without TLS plain HTTP/2 is spoken.",
        example="""
            @vrrpd GRPC_CHECK {
            @vrrpd     service shop.Cart
            @vrrpd     connect_timeout 1
            @vrrpd }
        """,
    ),
    _check(
        "REDIS_CHECK",
        "The server is up while it answers Redis' PING.",
        line("redis_user", "Whom to log in as.", NAME, default="Redis' default user", since="vrrpd"),
        line("redis_password", "With which password.", Text("PASSWORD"), default="no log-in", since="vrrpd"),
        since="vrrpd",
        details="""
            AUTH is sent first if there is a password. Only PONG will do: a server that still loads its data, or that wants a
            password and gets none, is down.
        """,
        example="""
            @vrrpd REDIS_CHECK {
            @vrrpd     connect_timeout 1
            @vrrpd     redis_password secret
            @vrrpd }
        """,
    ),
    _check(
        "AGENT_CHECK",
        "The server is as a program on it says, in the words of HAProxy's agents.",
        line(
            "send",
            "What is sent first.",
            Text("TEXT"),
            default="nothing",
            since="vrrpd",
            details="With an end of line behind it.",
        ),
        since="vrrpd",
        details="""
            The program answers a connection to `connect_port` with one line of words: `up` or `ready`; `down`, `failed`,
            `stopped` or `maint`; `drain`; a share of the configured weight, such as `75%`; behind a `#` why.

            Of several states the worst holds. Each answer stands for itself: without a share the server has its whole weight,
            with `drain` it has weight 0. No answer is a failure, where HAProxy would take no notice.
        """,
        example="""
            @vrrpd AGENT_CHECK {
            @vrrpd     connect_port 8081
            @vrrpd     delay_loop 5
            @vrrpd }
        """,
    ),
)

NOTIFICATION = (
    line(
        "notify_up",
        "Command to run when the server comes up.",
        COMMAND,
        details="At the start only with `rs_init_notifies`, or if the first check failed.",
        see=("rs_init_notifies",),
    ),
    line("notify_down", "Command to run when the server goes down.", COMMAND, see=("omega",)),
)

SSL = block(
    "SSL",
    "Keys and certificates for checks over TLS.",
    line("password", "The password of our key.", Text("PASSWORD")),
    line("ca", "The authorities that we know.", PATH),
    line("certificate", "Our own certificate.", PATH),
    line("key", "The key of our certificate.", PATH),
    details="Without it we have no certificate. The authorities count where a check has `ssl_verify`: a file or a directory.",
    example="""
        SSL {
            certificate /etc/vrrpd/client.pem
            key /etc/vrrpd/client.key
        }
    """,
    see=("SSL_GET",),
)
