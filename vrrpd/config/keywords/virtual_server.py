"""Virtual servers and the real servers behind them."""

from __future__ import annotations

from vrrpd.config.declaration import COMMAND, Keyword, alias, block, later, line, many, optional
from vrrpd.config.keywords.checkers import CHECKERS, NOTIFICATION
from vrrpd.config.values import Boolean, Choice, Integer, IpAddress, Seconds, Text

NAME = Text("NAME")
BOOL = optional(Boolean())
METHOD = many(Text("NAT | DR | TUN [type ipip | gue port N | gre] [nocsum | csum | remcsum]"))
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos")

LB_ALGO = line("lb_algo", "How connections are spread.", Choice(SCHEDULERS), default="wlc")
LB_KIND = line("lb_kind", "How packets reach real servers.", METHOD, default="NAT")

SCHEDULING = (
    line("ip_family", "Family of the addresses.", Choice(("inet", "inet6")), since="1.2.20"),
    LB_ALGO,
    alias("lvs_sched", LB_ALGO),
    line("hashed", "Without effect, as in keepalived.", since="1.3.0"),
    line("ops", "Each packet is scheduled on its own; UDP only.", since="1.2.8"),
    line("flag-1", "First flag of the scheduler.", since="1.3.0"),
    line("flag-2", "Second flag of the scheduler.", since="1.3.0"),
    line("flag-3", "Third flag of the scheduler.", since="1.3.0"),
    line("sh-port", "Scheduler sh: hash the port too.", since="1.3.0"),
    line("sh-fallback", "Scheduler sh: another server when the chosen one is out.", since="1.3.0"),
    line("mh-port", "Scheduler mh: hash the port too.", since="2.0.20"),
    line("mh-fallback", "Scheduler mh: another server when the chosen one is out.", since="2.0.20"),
    LB_KIND,
    alias("lvs_method", LB_KIND),
    later("persistence_engine", "What persistence looks at.", Choice(("sip",)), since="1.2.20"),
    line(
        "persistence_timeout", "A client keeps its server that long.", optional(Integer(1, 2_678_400)), default="off", unit="s"
    ),
    line("persistence_granularity", "Clients in one prefix share a server.", Text("NETMASK | LENGTH"), default="the address"),
    line("protocol", "Protocol balanced.", Choice(("TCP", "UDP", "SCTP"), fold_case=True), default="UDP"),
)


def _pace(since: str) -> tuple[Keyword, ...]:
    """Defaults for the checks below."""
    return (
        line("delay_loop", "From one check to the next.", Seconds(0.000001), default="60", since=since, unit="s"),
        line("connect_timeout", "Patience with connections.", Seconds(0.000001, 4294), default="5", since="2.0.13", unit="s"),
        line("retry", "Further tries before a server is down.", Integer(1), default="the check's own", since="1.3.7"),
        line(
            "delay_before_retry",
            "From a failed try to the next.",
            Seconds(),
            default="the check's own",
            since="1.3.7",
            unit="s",
        ),
        line("warmup", "The first check starts within this time.", Seconds(), default="delay_loop", since="1.3.7", unit="s"),
        later("virtualhost", "Host header of web checks.", NAME),
    )


BEHAVIOUR = (
    line("weight", "Default weight of real servers.", Integer(1, 2**31 - 1), default="1"),
    line("alpha", "Real servers start down.", since="1.1.16"),
    later("omega", "Notify at the end.", since="1.1.16"),
    line("quorum", "Weight that must be up.", Integer(1), default="1", since="1.1.16"),
    line("hysteresis", "Distance between gaining and losing the quorum.", Integer(), default="0", since="1.1.16"),
    later("quorum_up", "Run when the quorum is gained.", COMMAND, since="1.1.16"),
    later("quorum_down", "Run when the quorum is lost.", COMMAND, since="1.1.16"),
    later("ha_suspend", "Check only while the address is here."),
    line("inhibit_on_failure", "A server that is down gets weight 0 and stays."),
    line("smtp_alert", "Mail when the quorum is gained or lost.", BOOL, default="off", since="2.0.0"),
    later("sorry_server", "Server for the time without quorum.", IpAddress(), optional(Integer(1, 65535))),
    later("sorry_server_inhibit", "It gets weight 0 and stays.", since="1.2.13"),
    later("sorry_server_lvs_method", "How packets reach it.", METHOD, since="1.3.6"),
    later("snmp_name", "Name in SNMP.", NAME, since="2.2.3"),
)

REAL_SERVER = block(
    "real_server",
    "A server behind a virtual server.",
    IpAddress(),
    optional(Integer(1, 65535)),
    line("weight", "Its share of connections; 0 gets none.", Integer(0, 2**31 - 1), default="1"),
    line("lvs_method", "How packets reach it.", METHOD, default="lb_kind", since="1.1.5"),
    line("uthreshold", "Connections above which it gets none; 0 is no limit.", Integer(), default="0", since="1.1.13"),
    line("lthreshold", "Connections below which it gets some again.", Integer(), default="0", since="1.1.13"),
    line("inhibit_on_failure", "When down it gets weight 0 and stays.", BOOL),
    line("alpha", "Starts down.", BOOL, since="1.3.7"),
    line("smtp_alert", "Mail when it comes up or goes down.", BOOL, default="on", since="2.0.0"),
    later("snmp_name", "Name in SNMP.", NAME, since="2.2.3"),
    *NOTIFICATION,
    *_pace("2.0.13"),
    *CHECKERS,
)

VIRTUAL_SERVER = block(
    "virtual_server",
    "An address that clients reach, `ADDRESS [PORT]`, `fwmark N` or `group NAME`.",
    many(Text("ADDRESS [PORT] | fwmark N | group NAME")),
    *SCHEDULING,
    *_pace("1.0"),
    *BEHAVIOUR,
    REAL_SERVER,
)
