"""Virtual servers and the real servers behind them."""

from __future__ import annotations

from vrrpd.config.declaration import (
    COMMAND,
    Entries,
    Keyword,
    alias,
    block,
    ignored,
    later,
    line,
    many,
    named,
    optional,
    values,
)
from vrrpd.config.keywords.arguments import BOOL, COUNT, NAME, TIME
from vrrpd.config.keywords.checkers import CHECKERS, NOTIFICATION
from vrrpd.config.values import Choice, Integer, IpAddress, Seconds, Text

METHOD = many(Text("NAT | DR | TUN [type ipip | gue port PORT | gre] [nocsum | csum | remcsum]"))
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos")
CONNECTIONS = named("CONNECTIONS", Integer())

LB_ALGO = line(
    "lb_algo",
    "The scheduler: how connections are spread over the real servers.",
    named("SCHEDULER", Choice(SCHEDULERS)),
    default="wlc",
    details="""
        `rr` and `wrr` go round, the latter by weight; `lc` and `wlc` take the server with the fewest connections; `sed` and
        `nq` the one that will be done soonest; `sh`, `mh` and `dh` compute it from the source, a table of the source, or
        the destination; `lblc` and `lblcr` keep one destination on one server, for caches; `fo` takes the greatest weight
        that is up, `ovf` the same until it is full; `twos` the better of two picked at random.

        Leaving it out is a warning.
    """,
    example="lb_algo wrr",
    see=("weight", "persistence_timeout", "sh-port", "mh-port"),
)
LB_KIND = line(
    "lb_kind",
    "How packets reach the real servers.",
    METHOD,
    default="NAT",
    details="""
        `NAT` rewrites addresses, and answers must come back through this host. `DR` sends the packet on with the server's
        MAC address; the server must hold the virtual address without answering ARP for it, and has the same port. `TUN`
        wraps the packet: in IP, in GUE with a port, or in GRE, and with checksums as told; the port stays too.

        Real servers and the sorry server can have their own. Leaving it out is a warning.
    """,
    example="lb_kind DR",
    see=("lvs_method", "sorry_server_lvs_method"),
)


def _flag(name: str, scheduler: str, help_: str, since: str) -> Keyword:
    return line(
        name,
        help_,
        since=since,
        details=f"Must stand behind `lb_algo {scheduler}`; with another scheduler it is left out with a message.",
        see=("lb_algo",),
    )


SCHEDULING = (
    line(
        "ip_family",
        "Family of the addresses, where nothing else tells it.",
        Choice(("inet", "inet6")),
        default="the address's; inet for fwmark",
        since="1.2.20",
        details="Needed for a firewall mark on IPv6. An address of the other family is an error.",
    ),
    LB_ALGO,
    alias("lvs_sched", LB_ALGO),
    ignored("hashed", "Once a flag of the service; nothing comes of it.", since="1.3.0"),
    line(
        "ops",
        "Every packet is scheduled on its own; nothing is remembered.",
        since="1.2.8",
        family="UDP",
        details="For services of one question and one answer, such as DNS. Left out with a message for TCP and SCTP.",
        see=("persistence_timeout",),
    ),
    line("flag-1", "The scheduler's first flag, whatever it means there.", since="1.3.0"),
    line("flag-2", "The scheduler's second flag.", since="1.3.0"),
    line("flag-3", "The scheduler's third flag.", since="1.3.0"),
    _flag("sh-port", "sh", "The hash of the source includes its port.", "1.3.0"),
    _flag("sh-fallback", "sh", "If the server that the hash gives is not there, another one is taken.", "1.3.0"),
    _flag("mh-port", "mh", "The hash of the source includes its port.", "2.0.20"),
    _flag("mh-fallback", "mh", "If the server that the hash gives is not there, another one is taken.", "2.0.20"),
    LB_KIND,
    alias("lvs_method", LB_KIND),
    line(
        "persistence_engine",
        "What makes two packets of one client: `sip`, the SIP call.",
        Choice(("sip",)),
        default="the client's address",
        since="1.2.20",
        family="UDP",
    ),
    line(
        "persistence_timeout",
        "How long a client keeps its real server after its last connection.",
        optional(Integer(1, 2_678_400), "SECONDS"),
        default="off; 360 s without a number",
        unit="s",
        details="A virtual server without a port is always persistent.",
        example="persistence_timeout 600",
        see=("persistence_granularity", "ops"),
    ),
    line(
        "persistence_granularity",
        "Clients of one network count as one client.",
        Text("NETMASK | LENGTH"),
        default="each address is a client",
        details="""
            A netmask, or a prefix length from 1 to 128. Makes the virtual server persistent, for 360 s if nothing else is
            said.
        """,
        see=("persistence_timeout",),
    ),
    line(
        "protocol",
        "The protocol that is balanced; upper or lower case.",
        Choice(("TCP", "UDP", "SCTP"), fold_case=True),
        default="UDP",
        details="Leaving it out is a warning, for the default is seldom meant. A firewall mark has none.",
    ),
)


def _pace(since: str, where: str) -> tuple[Keyword, ...]:
    """Defaults for the checks below."""
    above = "virtual_server" if where == "real server" else None
    own = f"the {above}'s, else the check's own" if above else "the check's own"
    return (
        line(
            "delay_loop",
            f"Default for the checks of the {where}: from the end of one to the next.",
            TIME,
            default=f"the {above}'s, else 60 s" if above else "60",
            since=since,
            unit="s",
        ),
        line(
            "connect_timeout",
            f"Default for the checks of the {where}: patience with connections.",
            Seconds(0.000001, 4294),
            default=f"the {above}'s, else 5 s" if above else "5",
            since="2.0.13",
            unit="s",
        ),
        line(
            "retry",
            f"Default for the checks of the {where}: further tries before a server is down.",
            named("TRIES", Integer(1)),
            default=own,
            since="1.3.7",
            details="0 is possible in a check only.",
        ),
        line(
            "delay_before_retry",
            f"Default for the checks of the {where}: from a failed try to the next.",
            Seconds(),
            default=own,
            since="1.3.7",
            unit="s",
        ),
        line(
            "warmup",
            f"Default for the checks of the {where}: the first one comes within this time.",
            Seconds(),
            default=f"the {above}'s, else delay_loop" if above else "delay_loop",
            since="1.3.7",
            unit="s",
        ),
        line(
            "virtualhost",
            f"Default for the web checks of the {where}: the Host header.",
            NAME,
            default="the address and port",
            since="1.0" if above is None else "1.3.6",
        ),
    )


BEHAVIOUR = (
    line(
        "weight", "Weight of the real servers that have none of their own.", named("WEIGHT", Integer(1, 2**31 - 1)), default="1"
    ),
    line(
        "alpha",
        "Real servers are down until their checks have succeeded.",
        since="1.1.16",
        details="""
            Without it they serve before their first check, which may be a `warmup` away. Takes no word: `alpha off`
            switches it on.
        """,
    ),
    line(
        "omega",
        "At the end of the daemon say of everything that it goes down.",
        since="1.1.16",
        details="`notify_down`, `quorum_down`, mail and FIFO. Without it nothing is said.",
    ),
    line(
        "quorum",
        "The weight of all servers that are up which the virtual server needs to count as up.",
        named("WEIGHT", Integer(1)),
        default="1",
        since="1.1.16",
        details="""
            More than all servers together weigh is cut to that, with a message. Without a quorum the sorry server takes
            over; if there is none, the servers that are left go on.
        """,
        see=("hysteresis", "sorry_server", "quorum_up"),
    ),
    line(
        "hysteresis",
        "The quorum is gained at so much more, and lost at so much less.",
        named("WEIGHT", Integer()),
        default="0",
        since="1.1.16",
        details="Must be less than `quorum`; otherwise it is cut to one less, with a message.",
    ),
    line("quorum_up", "Command to run when the quorum is gained, also at the start.", COMMAND, since="1.1.16", see=("quorum",)),
    line("quorum_down", "Command to run when the quorum is lost.", COMMAND, since="1.1.16", see=("quorum",)),
    line(
        "ha_suspend",
        "Check only while this host holds the virtual address.",
        details="Spares the servers the checks of the backup. Does nothing for firewall marks and groups.",
    ),
    line(
        "inhibit_on_failure",
        "A server that is down stays in the table with weight 0.",
        details="""
            Its connections and persistent clients then stay with it. Takes no word: `inhibit_on_failure off` switches it
            on.
        """,
    ),
    line(
        "slow_start",
        "A real server that comes back has its whole weight after this time; till then it rises in ten steps.",
        Seconds(),
        default="0, at once",
        since="vrrpd",
        unit="s",
        details="""
            Not at the start of the daemon, where all begin with their whole weight. In a file for both daemons, begin the line
            with `@vrrpd`.
        """,
        example="@vrrpd slow_start 30",
        see=("weight",),
    ),
    line(
        "drain_removed",
        "A real server that a reload removes keeps its connections, at weight 0, until they end, or for this time at most.",
        Seconds(),
        default="0, they are broken",
        since="vrrpd",
        unit="s",
        details="In a file for both daemons, begin the line with `@vrrpd`.",
        example="@vrrpd drain_removed 60",
        see=("inhibit_on_failure",),
    ),
    line(
        "smtp_alert",
        "Send mail when the quorum is gained or lost.",
        BOOL,
        default="smtp_alert_checker, else off",
        since="2.0.0",
    ),
    line(
        "sorry_server",
        "The server that takes over while there is no quorum.",
        IpAddress(),
        optional(Integer(1, 65535), "PORT"),
        default="none",
        example="sorry_server 192.0.2.99 80",
        see=("quorum", "sorry_server_inhibit"),
    ),
    line(
        "sorry_server_inhibit", "The sorry server is always in the table, with weight 0 while it is not needed.", since="1.2.13"
    ),
    line("sorry_server_lvs_method", "How packets reach the sorry server.", METHOD, default="lb_kind", since="1.3.6"),
    later("snmp_name", "The virtual server's name in SNMP.", NAME, since="2.2.3"),
)

REAL_SERVER = block(
    "real_server",
    "A server behind a virtual server.",
    IpAddress(),
    optional(Integer(1, 65535), "PORT"),
    line("weight", "Its share of connections; 0 gets no new ones.", named("WEIGHT", COUNT), default="the virtual server's"),
    line("lvs_method", "How packets reach it.", METHOD, default="lb_kind", since="1.1.5"),
    line(
        "uthreshold",
        "With so many connections it gets no new ones; 0 is no limit.",
        CONNECTIONS,
        default="0",
        since="1.1.13",
        see=("lthreshold",),
    ),
    line(
        "lthreshold",
        "It gets new ones again when it has fewer than this.",
        CONNECTIONS,
        default="0",
        since="1.1.13",
        see=("uthreshold",),
    ),
    line("inhibit_on_failure", "While it is down it stays in the table with weight 0.", BOOL, default="the virtual server's"),
    line("alpha", "It is down until its checks have succeeded.", BOOL, default="the virtual server's", since="1.3.7"),
    line("smtp_alert", "Send mail when it comes up or goes down.", BOOL, default="smtp_alert_checker, else on", since="2.0.0"),
    later("snmp_name", "The real server's name in SNMP.", NAME, since="2.2.3"),
    *NOTIFICATION,
    *_pace("2.0.13", "real server"),
    *CHECKERS,
    details="""
        Of the virtual server's family, unless a tunnel leads to it. The same address and port twice is an error, and the
        second one is left out. A server without checks is always up; with several it is up while all of them succeed.

        With DR and TUN packets keep the virtual server's port; the port written here is then only the one that is checked.
    """,
    example="""
        real_server 192.0.2.101 80 {
            weight 2
            TCP_CHECK {
                connect_timeout 2
            }
        }
    """,
    see=("TCP_CHECK", "HTTP_GET"),
)

VIRTUAL_SERVER = block(
    "virtual_server",
    "An address, a firewall mark or a group of them whose connections are spread over real servers.",
    many(Text("ADDRESS [PORT] | fwmark MARK | group NAME")),
    *SCHEDULING,
    *_pace("1.0", "virtual server"),
    *BEHAVIOUR,
    REAL_SERVER,
    details="Without a port it takes all of them, and is persistent. Without a real server it is left out, with a message.",
    example="""
        virtual_server 192.0.2.10 80 {
            lb_algo wrr
            lb_kind DR
            protocol TCP
            real_server 192.0.2.101 80 {
                TCP_CHECK {
                }
            }
        }
    """,
    see=("virtual_server_group", "real_server"),
)

VIRTUAL_SERVER_GROUP = values(
    "virtual_server_group",
    "Addresses and firewall marks that are balanced alike.",
    NAME,
    entries=Entries(
        "ADDRESS[-LAST | /LENGTH] [PORT] | fwmark MARK [inet|inet6]",
        {
            "-LAST": "A range up to this last part of the address, as in `192.0.2.1-10`; for IPv6 its last 16 bits.",
            "/LENGTH": "A whole network, since 2.2.8; the bits behind it must be 0.",
            "PORT": "1 to 65535; all ports without it, and then persistent.",
            "fwmark MARK": "A firewall mark.",
        },
    ),
    details="Each address and each mark is a service of its own with all the real servers. All of one family.",
    example="""
        virtual_server_group web {
            192.0.2.10-12 80
            fwmark 5
        }
        virtual_server group web {
            real_server 192.0.2.101 80 {
            }
        }
    """,
    see=("virtual_server", "nftables_ipvs"),
)
