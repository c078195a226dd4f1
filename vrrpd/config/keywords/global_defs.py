"""`global_defs`: settings of the daemon as a whole, and what stands outside of every block."""

from __future__ import annotations

from itertools import chain

from vrrpd.config.declaration import (
    COMMAND,
    PATH,
    Entries,
    alias,
    any_number,
    block,
    ignored,
    later,
    line,
    many,
    named,
    optional,
    refused,
    values,
)
from vrrpd.config.keywords.arguments import BOOL, GROUP, NAME, WHOLE_SECONDS
from vrrpd.config.keywords.global_processes import BUFFERS, PROCESSES, SCHEDULING, SCRIPTS
from vrrpd.config.keywords.global_vrrp import FIREWALL, ROUTERS
from vrrpd.config.values import Choice, Endpoint, Integer, Seconds, Text

MAIL = (
    values(
        "notification_email",
        "Who gets mail.",
        entries=Entries("ADDRESS"),
        details="Without anybody no mail is sent.",
        example="""
            notification_email {
                ops@example.org
            }
        """,
        see=("smtp_server", "smtp_alert"),
    ),
    line("notification_email_from", "Who mail comes from.", Text("ADDRESS"), default="user@host"),
    line(
        "smtp_server",
        "The mail server, and its port if it is not 25.",
        Text("HOST"),
        optional(Integer(1, 65535), "PORT"),
        default="none; port 25",
        details="Without it no mail is sent.",
    ),
    line("smtp_helo_name", "The name we give in HELO.", NAME, default="the local host's name", since="1.2.20"),
    line(
        "smtp_connect_timeout",
        "Patience with the mail server, at each step.",
        WHOLE_SECONDS,
        default="30",
        unit="s",
        details="0 is read as 1.",
    ),
    line(
        "smtp_alert",
        "Default of every `smtp_alert`.",
        BOOL,
        default="on for real servers, off for all else",
        since="2.0.0",
        see=("smtp_alert_vrrp", "smtp_alert_checker"),
    ),
    line(
        "smtp_alert_vrrp",
        "Default of `smtp_alert` for virtual routers and their groups.",
        BOOL,
        default="smtp_alert, else off",
        since="2.0.0",
    ),
    line(
        "smtp_alert_checker",
        "Default of `smtp_alert` for virtual and real servers.",
        BOOL,
        default="smtp_alert, else on for real servers",
        since="2.0.0",
    ),
    line("no_email_faults", "No mail when a virtual router goes to FAULT.", default="off", since="2.0.0"),
    line(
        "no_checker_emails",
        "Mail when a real server changes, not for each of its checks; vrrpd does not do otherwise.",
        BOOL,
        default="on",
        since="2.0.0",
    ),
)

LVS_FLUSH_ON_STOP = line(
    "lvs_flush_on_stop",
    "Empty the kernel's table of services at the end.",
    optional(Choice(("VS",))),
    default="off",
    since="2.2.0",
    details="With `VS` only our services are removed, each with all its servers in one step; without, everything is.",
    see=("lvs_flush",),
)
DIRECTOR = (
    line(
        "lvs_timeouts",
        "How long the kernel keeps connections that are silent.",
        many(Text("{tcp|tcpfin|udp} SECONDS …")),
        default="the kernel's",
        since="1.2.24",
        details="0 to 2678400 seconds each, 0 leaving it as it is. Put back at the end.",
        example="lvs_timeouts tcp 7200 tcpfin 30 udp 60",
    ),
    line(
        "lvs_flush",
        "Empty the kernel's table of services at the start.",
        default="off",
        since="1.2.23",
        details="Removes what others put there too.",
    ),
    LVS_FLUSH_ON_STOP,
    alias("lvs_flush_onstop", LVS_FLUSH_ON_STOP, since="2.0.15", deprecated=True),
    line(
        "lvs_sync_daemon",
        "Keep the other director informed of connections, so that they outlive a takeover.",
        many(Text("INTERFACE [inst] INSTANCE [id ID] [maxlen OCTETS] [port PORT] [ttl TTL] [group ADDRESS]")),
        default="off; the ID is the VRID",
        since="1.2.20",
        details="""
            Sends while the virtual router is master here, and receives otherwise. ID 0 to 255, OCTETS 1 to 65507, PORT 1 to
            65535, TTL 1 to 255; the group is a multicast address.
        """,
        example="lvs_sync_daemon eth1 VI_1 id 51",
    ),
    line(
        "checker_log_all_failures",
        "Log every failed try of every check.",
        BOOL,
        default="off",
        since="2.0.11",
        see=("log_all_failures",),
    ),
    line(
        "rs_init_notifies",
        "Say of real servers at the start too whether they are up.",
        BOOL,
        default="off",
        since="2.0.0",
        see=("notify_up", "notify_down"),
    ),
)

NOTIFICATION = (
    *chain.from_iterable(
        (
            later(
                f"{prefix}notify_fifo",
                f"A FIFO in which {what} can be read, a line for each.",
                PATH,
                optional(Text("USER")),
                GROUP,
                since="1.3.6",
                details="""
                    Made if it is not there, for this user and group; made anew at a reload. If nobody reads, lines are
                    lost.
                """,
                see=(f"{prefix}notify_fifo_script",),
            ),
            later(
                f"{prefix}notify_fifo_script",
                "Command to run with the FIFO's path behind its arguments, to read it.",
                COMMAND,
                since="1.3.6",
                see=(f"{prefix}notify_fifo",),
            ),
        )
        for prefix, what in (
            ("", "all events"),
            ("vrrp_", "events of virtual routers"),
            ("lvs_", "events of virtual and real servers"),
        )
    ),
    later(
        "fifo_write_vrrp_states_on_reload",
        "After a reload write the state of every virtual router and group.",
        default="off",
        since="2.2.5",
    ),
)

ENABLE_SNMP_VRRP = later(
    "enable_snmp_vrrp", "Serve keepalived's MIB for VRRP.", default="off", since="2.0.0", see=("snmp_socket",)
)
MANAGEMENT = (
    later("snmp_socket", "Where the SNMP master agent listens.", Text("ADDRESS"), default="AgentX's own", since="1.2.20"),
    later("enable_traps", "Send SNMP traps.", default="off", since="1.2.5"),
    ENABLE_SNMP_VRRP,
    alias("enable_snmp_keepalived", ENABLE_SNMP_VRRP, since="1.2.20"),
    later("enable_snmp_checker", "Serve keepalived's MIB for virtual servers.", default="off", since="1.2.20"),
    later(
        "enable_snmp_rfc",
        "Serve the MIBs of both RFCs.",
        default="off",
        since="1.2.20",
        see=("enable_snmp_rfcv2", "enable_snmp_rfcv3"),
    ),
    later("enable_snmp_rfcv2", "Serve the MIB of RFC 2787.", default="off", since="1.2.20", family="VRRP version 2"),
    later("enable_snmp_rfcv3", "Serve the MIB of RFC 6527.", default="off", since="1.2.20", family="VRRP version 3"),
    later(
        "snmp_vs_stats_update_interval",
        "How old statistics of virtual servers may be.",
        Seconds(0.001, 30),
        default="5",
        since="2.3.0",
        unit="s",
    ),
    later(
        "snmp_rs_stats_update_interval",
        "How old statistics of real servers may be.",
        Seconds(0.001, 30),
        default="snmp_vs_stats_update_interval",
        since="2.3.0",
        unit="s",
    ),
    later("enable_dbus", "Offer the interface on the D-Bus.", default="off", since="1.3.0", see=("dbus_service_name",)),
    later("dbus_service_name", "Our name on the D-Bus.", NAME, default="org.keepalived.Vrrp1", since="1.3.7"),
    later(
        "dbus_no_interface_name",
        "What stands in a path for a virtual router without an interface.",
        NAME,
        default="none",
        since="2.3.0",
    ),
)

FILES = (
    later(
        "reload_check_config",
        "Check the configuration before a reload, and refuse one with errors.",
        optional(Text("LOGFILE", is_path=True)),
        default="off; messages to /dev/null without a file",
        since="2.2.0",
        details="vrrpd always does so.",
    ),
    later("reload_time_file", "A file with the time of the next reload.", PATH, since="2.1.0", see=("reload_repeat",)),
    later("reload_repeat", "Repeat that reload every day.", default="off", since="2.1.0"),
    later(
        "reload_file",
        "A file that is there while a reload goes on.",
        optional(PATH),
        default="off; /run/keepalived.reload without a path",
        since="2.2.0",
    ),
    later(
        "include_check",
        "Which failures of `include` are errors.",
        any_number(Text("CLASS"), "[[+|-]{read|match|wildcard_match|brace_match} …]"),
        default="as the variant of include says",
        since="2.2.0",
        details="""
            A first class without a sign means `read` and that class; further ones are added with `+` or taken away with
            `-`. Without any word: every class.
        """,
    ),
    later(
        "config_save_dir",
        "A directory in which every configuration that was read is kept.",
        PATH,
        since="2.2.3",
        details="Made, for its owner alone, if it is not there.",
    ),
    later(
        "tmp_config_directory",
        "Where the configuration is written for the other processes.",
        PATH,
        default="memory",
        since="2.2.0",
    ),
    later("data_use_instance", "Names of dumps contain the instance and the namespace.", BOOL, default="off", since="2.2.3"),
    later(
        "json_version",
        "The layout of the JSON dump: a list, or an object that holds it.",
        Integer(1, 2),
        default="1",
        since="2.2.8",
    ),
    later(
        "state_dump_file",
        "Where the state is dumped at SIGUSR1.",
        PATH,
        default="keepalived.data in the temporary directory",
        since="2.3.3",
        details="A path that ends in `/` is a directory; one that is not absolute is below the temporary directory.",
    ),
    ignored("stats_dump_file", "Where statistics were to be dumped; read, and never used.", PATH, since="2.3.3"),
    ignored("json_dump_file", "Where JSON was to be dumped; read, and never used.", PATH, since="2.3.3"),
    later(
        "iproute_usr_dir",
        "Where the distribution keeps iproute2's names of tables, protocols and scopes.",
        PATH,
        default="/usr/share/iproute2 or /usr/lib/iproute2",
        since="2.3.2",
    ),
    later("iproute_etc_dir", "Where the administrator does.", PATH, default="/etc/iproute2", since="2.3.2"),
)

GLOBAL_DEFS = block(
    "global_defs",
    "Settings of the daemon as a whole, and defaults for virtual routers.",
    *MAIL, *PROCESSES, *SCRIPTS, *ROUTERS, *FIREWALL, *DIRECTOR, *SCHEDULING, *NOTIFICATION, *BUFFERS, *MANAGEMENT, *FILES,
    details="Stands at the top: a virtual router takes its defaults from what was said above it.",
    example="""
        global_defs {
            router_id lb1
            vrrp_version 3
        }
    """,
)  # fmt: skip

OUTSIDE = (
    later(
        "linkbeat_use_polling",
        "Poll the links of all interfaces instead of listening for changes.",
        default="off",
        since="1.1.18",
        see=("linkbeat_interfaces",),
    ),
    refused(
        "net_namespace",
        "Run in this network namespace.",
        NAME,
        default="the one that the daemon was started in",
        since="1.2.24",
        details="The command line's `-s` wins. Cannot be changed by a reload.",
    ),
    line(
        "net_namespace_ipvs",
        "Keep the virtual servers in this network namespace, and all else where it is.",
        NAME,
        default="net_namespace",
        since="2.1.0",
        details="Checks run where the daemon is. Cannot be changed by a reload.",
    ),
    later("namespace_with_ipsets", "Use sets in a network namespace too.", default="off", since="1.3.0", see=("vrrp_ipsets",)),
    later("use_pid_dir", "Put pid files into /run/keepalived.", default="off", since="1.2.24"),
    later(
        "instance",
        "Name of this daemon, where several run on one host.",
        NAME,
        since="1.2.24",
        details="Appears in the log and in the names of pid files. The first one holds. Cannot be changed by a reload.",
    ),
    later(
        "child_wait_time",
        "How long processes may take to end before they are killed.",
        named("SECONDS", Integer()),
        default="5",
        since="2.0.0",
        unit="s",
    ),
)
"""Keywords outside of every block."""

VRRPD = block(
    "vrrpd",
    "Settings that keepalived does not know.",
    line(
        "http_listen",
        "Where metrics, the status page and the API are served.",
        Endpoint(),
        default="nowhere",
        since="vrrpd",
        details="Reading only. It outranks the command line's `--http`, which the packaged unit gives.",
        example="""
            @vrrpd vrrpd {
            @vrrpd     http_listen 127.0.0.1:9165
            @vrrpd }
        """,
    ),
    line(
        "compat_metrics",
        "Whose names of metrics are served beside our own.",
        Choice(("mehdy", "gen2brain", "both", "none")),
        default="both",
        since="vrrpd",
        details="Those of the two exporters for keepalived, so that dashboards keep working.",
    ),
    line(
        "expire_dead_connections",
        "Connections and persistent clients leave a real server that was removed, or that gets nobody new.",
        BOOL,
        default="off, as the kernel has it",
        since="vrrpd",
        details="""
            Sets `net.ipv4.vs.expire_nodest_conn` and `net.ipv4.vs.expire_quiescent_template`, and puts them back at the end.
            Without it a UDP flow stays with a dead server until it has been silent for long enough.
        """,
        see=("inhibit_on_failure",),
    ),
    line(
        "hand_over",
        "When a master that is stopped lets go: after the new one was heard, or at once.",
        Choice(("make_before_break", "break_before_make")),
        default="make_before_break",
        since="vrrpd",
        details="""
            Of a router that is stopped, or that a reload removes. With `make_before_break` it gives up with priority 0 and
            goes on serving until it hears the new master, or until nobody can come any more; that takes about a second, and
            clients notice nothing. With `break_before_make` it lets go with its last advert, as keepalived does.
        """,
        example="""
            @vrrpd vrrpd {
            @vrrpd     hand_over break_before_make
            @vrrpd }
        """,
    ),
    line(
        "probe_addresses",
        "Ask with each advert whether somebody else answers for our address.",
        BOOL,
        default="yes",
        since="vrrpd",
        details="""
            Of a master; it asks for the first address of a virtual router just before each advert, at most ten times a second.
            A keepalived that was master on the other side of a partition yields without a word when it hears us; its answer
            tells that clients have to be told again where the address is.
        """,
        example="""
            @vrrpd vrrpd {
            @vrrpd     probe_addresses no
            @vrrpd }
        """,
    ),
    since="vrrpd",
    details="In a file for both daemons, begin each line of it with `@vrrpd`, and keepalived skips it.",
)
