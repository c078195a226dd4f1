"""`global_defs`: settings of the daemon as a whole, and defaults for virtual routers."""

from __future__ import annotations

from itertools import chain

from vrrpd.config.declaration import COMMAND, PATH, Keyword, any_number, block, later, line, many, optional, refused, values
from vrrpd.config.values import Boolean, Choice, Endpoint, Integer, InterfaceName, IpAddress, Seconds, Text

NAME = Text("NAME")
BOOL = optional(Boolean())
MICROSECONDS = Integer(1)
OCTETS = Integer()
COUNT = Integer(0, 2**31 - 1)
WHOLE_SECONDS = Integer(0, 4294)
PORT = Integer(1, 65535)

MAIL = (
    values("notification_email", "Recipients of mail, one on each line; without any no mail is sent."),
    line("notification_email_from", "Sender of mail.", Text("ADDRESS"), default="user@host"),
    line("smtp_server", "Mail server; without one no mail is sent.", Text("HOST"), optional(PORT)),
    line("smtp_helo_name", "Name given in HELO.", NAME, default="the local host's name", since="1.2.20"),
    line("smtp_connect_timeout", "Patience with the mail server, per step.", WHOLE_SECONDS, default="30", unit="s"),
    line("smtp_alert", "Default of every smtp_alert; unset means real servers only.", BOOL, since="2.0.0"),
    line("smtp_alert_vrrp", "Default of smtp_alert for virtual routers.", BOOL, since="2.0.0"),
    line("smtp_alert_checker", "Default of smtp_alert for virtual and real servers.", BOOL, since="2.0.0"),
    later("no_email_faults", "No mail when a virtual router enters FAULT.", since="2.0.0"),
    later("no_checker_emails", "Mail for a real server's state only, not for each check.", BOOL, since="2.0.0"),
)

PROCESSES = (
    later("process_names", "Children get names of their own.", since="2.0.16"),
    later("process_name", "Name of the parent process.", NAME, since="2.0.16"),
    later("vrrp_process_name", "Name of the VRRP process.", NAME, since="2.0.16"),
    later("checker_process_name", "Name of the checker process.", NAME, since="2.2.0"),
    later("bfd_process_name", "Name of the BFD process.", NAME, since="2.0.16"),
    later("lvs_process_name", "Old name of checker_process_name.", NAME, since="2.0.16"),
    line("router_id", "Name of this router, used in mail and status.", NAME, default="the local host's name", since="1.1.8"),
    later("script_user", "Who runs scripts.", Text("USER"), optional(Text("GROUP")), since="1.3.0"),
    later("enable_script_security", "Run no script as root that others could change.", since="1.3.0"),
    later("use_symlink_paths", "Run scripts by the path as configured.", BOOL, since="2.3.0"),
    later("set_supplementary_groups", "Scripts get the user's further groups.", BOOL, since="git"),
    later("startup_script", "Run before the children start.", COMMAND, since="2.1.0"),
    later("shutdown_script", "Run after the children ended.", COMMAND, since="2.1.0"),
    later("startup_script_timeout", "Limit of the startup script.", Integer(1, 1000), default="10", since="2.1.0", unit="s"),
    later("shutdown_script_timeout", "Limit of the shutdown script.", Integer(1, 1000), default="10", since="2.1.0", unit="s"),
    later("umask", "Mode bits taken from files that are made.", many(Text("MODE")), default="0177", since="2.0.9"),
    later("random_seed", "Seed of random numbers.", Integer(), since="2.0.15"),
)

ROUTERS = (
    line("vrrp_version", "Default version of virtual routers.", Integer(2, 3), default="2", since="1.2.20"),
    later("default_interface", "Interface of static addresses without one.", InterfaceName(), default="eth0", since="1.2.24"),
    later("dynamic_interfaces", "Interfaces may be missing at start.", optional(Choice(("allow_if_changes",))), since="2.0.0"),
    line("vrrp_mcast_group4", "Where IPv4 adverts go.", IpAddress(multicast=True), default="224.0.0.18", since="1.2.10"),
    later("vrrp_mcast_group6", "Where IPv6 adverts go.", IpAddress(multicast=True), default="ff02::12", since="1.2.10"),
    line("vrrp_garp_master_delay", "Default of garp_master_delay.", WHOLE_SECONDS, default="5", since="1.2.20", unit="s"),
    line("vrrp_garp_master_repeat", "Default of garp_master_repeat.", Integer(1, 2**31 - 1), default="5", since="1.2.20"),
    line("vrrp_garp_master_refresh", "Default of garp_master_refresh.", Integer(), default="0", since="1.2.20", unit="s"),
    line(
        "vrrp_garp_master_refresh_repeat",
        "Default of garp_master_refresh_repeat.",
        Integer(1, 2**31 - 1),
        default="1",
        since="1.2.20",
    ),
    line("vrrp_garp_lower_prio_delay", "Default of garp_lower_prio_delay.", WHOLE_SECONDS, since="1.2.20", unit="s"),
    line("vrrp_garp_lower_prio_repeat", "Default of garp_lower_prio_repeat.", COUNT, since="1.2.20"),
    line("vrrp_down_timer_adverts", "Default of down_timer_adverts.", Integer(1, 100), default="3", since="2.2.3"),
    later("vrrp_garp_interval", "Least time between gratuitous ARPs on an interface.", Seconds(0.000001), since="1.2.21"),
    later("vrrp_gna_interval", "Least time between neighbour advertisements.", Seconds(0.000001), since="1.2.21"),
    line("vrrp_min_garp", "One gratuitous ARP, no second set, unless set otherwise.", BOOL, since="2.0.12"),
    later("vrrp_garp_extra_if", "Repeat gratuitous ARPs on other interfaces.", many(Text("[all] SECONDS")), since="2.2.3"),
    later("vrrp_vmac_garp_intvl", "Old name of vrrp_garp_extra_if.", many(Text("[all] SECONDS")), since="2.2.0"),
    line("vrrp_lower_prio_no_advert", "Default of lower_prio_no_advert.", BOOL, default="off", since="1.2.20"),
    line("vrrp_higher_prio_send_advert", "Default of higher_prio_send_advert.", BOOL, default="off", since="1.3.5"),
    later("vrrp_owner_ignore_adverts", "Default of owner_ignore_adverts.", BOOL, since="2.3.3"),
    later("vrrp_check_unicast_src", "Unicast adverts must come from a configured peer.", since="1.2.20"),
    later("vrrp_skip_check_adv_addr", "Compare the addresses of a known master's adverts no more.", BOOL, since="1.2.20"),
    later("vrrp_strict", "Keep to the RFC.", BOOL, since="1.2.20"),
    later("v3_checksum_as_v2", "VRRPv3 checksums without the pseudo header.", since="2.2.8"),
    later("vrrp_startup_delay", "Stay passive that long after the start.", Seconds(0.001), since="2.0.14"),
    later("vrrp_delay_after_boot", "Stay passive that long after the boot.", Seconds(0.001), since="2.4.0"),
    later("log_unknown_vrids", "Log adverts of unknown virtual routers.", since="2.0.16"),
    later("vrrp_notify_priority_changes", "Report changes of priority.", BOOL, since="2.0.16"),
    later("disable_local_igmp", "No IGMP reports for link-local groups.", since="2.2.0"),
    later("vmac_prefix", "Prefix of the names of VMAC interfaces.", NAME, default="vrrp", since="2.2.0"),
    later("vmac_addr_prefix", "Prefix of the names of interfaces for use_vmac_addr.", NAME, default="vrrp", since="2.2.0"),
    later("vrrp_rx_bufs_policy", "How large receive buffers are.", Text("MTU | ADVERT | OCTETS"), since="2.0.3"),
    later("vrrp_rx_bufs_multiplier", "Multiplies the receive buffers' size.", Integer(1), default="3", since="2.0.3"),
)

FIREWALL = (
    later("vrrp_iptables", "Use iptables.", any_number(Text("CHAIN")), since="1.2.20"),
    later("vrrp_ipsets", "Use ipsets.", any_number(Text("SET")), since="1.2.20"),
    later("nftables", "Use nftables.", optional(Text("TABLE")), default="keepalived", since="2.0.11"),
    later("nftables_priority", "Priority of our chains.", Integer(-(2**31), 2**31 - 1), default="-1", since="2.0.11"),
    later("nftables_ifindex", "Match interfaces by index.", since="2.0.11"),
    later("nftables_counters", "Count in rules.", since="2.0.11"),
    later("nftables_ipvs", "Virtual server groups by nftables maps.", optional(Text("TABLE")), since="2.2.2"),
    later("nftables_ipvs_priority", "Priority of that chain.", Integer(-(2**31), 2**31 - 1), default="-1", since="2.2.2"),
    later("nftables_ipvs_start_fwmark", "First firewall mark used.", Integer(1), default="1000", since="2.2.2"),
)

DIRECTOR = (
    later("lvs_timeouts", "Timeouts of IPVS connections.", many(Text("{tcp | tcpfin | udp} SECONDS")), since="1.2.24"),
    later("lvs_flush", "Empty the IPVS table at start.", since="1.2.23"),
    later("lvs_flush_on_stop", "Empty the IPVS table at stop.", optional(Choice(("VS",))), since="2.2.0"),
    later("lvs_flush_onstop", "Old name of lvs_flush_on_stop.", optional(Choice(("VS",))), since="2.0.15"),
    later("lvs_sync_daemon", "Run the IPVS connection synchronisation.", many(Text("INTERFACE INSTANCE …")), since="1.2.20"),
    line("checker_log_all_failures", "Log every failed try of a check.", BOOL, default="off", since="2.0.11"),
    later("rs_init_notifies", "Notify of real servers' first state too.", BOOL, since="2.0.0"),
)


def _scheduling(prefix: str, process: str) -> tuple[Keyword, ...]:
    """A process's place in the kernel's queue; there is no BFD process yet."""
    built = later if prefix == "bfd" else line
    since = "2.0.0" if prefix == "bfd" else "1.2.20"
    return (
        built(f"{prefix}_priority", f"Nice value of the {process}.", Integer(-20, 19), default="0", since=since),
        built(f"{prefix}_no_swap", f"Lock the {process}'s memory.", since=since),
        built(f"{prefix}_rt_priority", f"Real-time priority of the {process}.", Integer(1, 99), default="none", since="2.0.0"),
        later(f"{prefix}_cpu_affinity", f"Processors of the {process}.", many(Integer()), since="2.0.17"),
        later(f"{prefix}_rlimit_rttime", f"Longest real-time run of the {process}.", MICROSECONDS, since="2.1.0", unit="µs"),
        later(f"{prefix}_rlimit_rtime", f"Old name of {prefix}_rlimit_rttime.", MICROSECONDS, since="2.0.0", unit="µs"),
    )


SCHEDULING = (
    *_scheduling("vrrp", "router process"),
    *_scheduling("checker", "director process"),
    *_scheduling("bfd", "BFD process"),
    later("max_auto_priority", "Raise the priority of a late process so far.", optional(Integer(-1, 99)), since="2.1.0"),
    later("min_auto_priority_delay", "Lateness that raises it.", Integer(1, 10_000_000), since="2.1.0", unit="µs"),
)

NOTIFICATION = (
    *chain.from_iterable(
        (
            later(
                f"{prefix}notify_fifo",
                f"FIFO for {what}.",
                PATH,
                optional(Text("USER")),
                optional(Text("GROUP")),
                since="1.3.6",
            ),
            later(f"{prefix}notify_fifo_script", f"Reader of the FIFO for {what}.", COMMAND, since="1.3.6"),
        )
        for prefix, what in (("", "all events"), ("vrrp_", "virtual routers' events"), ("lvs_", "virtual servers' events"))
    ),
    later("fifo_write_vrrp_states_on_reload", "Write all states after a reload.", since="2.2.5"),
)

NETLINK = tuple(
    chain.from_iterable(
        (
            later(f"{name}_rcv_bufs", f"Receive buffer of the {what}.", OCTETS, since=since, unit="octets"),
            later(f"{name}_rcv_bufs_force", "Exceed the system's limit for it.", BOOL, since=since),
        )
        for name, what, since in (
            ("vrrp_netlink_cmd", "router's commands", "2.0.0"),
            ("vrrp_netlink_monitor", "router's monitoring", "2.0.0"),
            ("lvs_netlink_cmd", "director's commands", "2.0.0"),
            ("lvs_netlink_monitor", "director's monitoring", "2.0.0"),
            ("process_monitor", "process monitoring", "2.0.11"),
        )
    )
)

MANAGEMENT = (
    later("snmp_socket", "Where the SNMP master agent listens.", Text("ADDRESS"), since="1.2.20"),
    later("enable_traps", "Send SNMP traps.", since="1.2.5"),
    later("enable_snmp_vrrp", "Serve the VRRP MIB.", since="2.0.0"),
    later("enable_snmp_keepalived", "Old name of enable_snmp_vrrp.", since="1.2.20"),
    later("enable_snmp_checker", "Serve the checker MIB.", since="1.2.20"),
    later("enable_snmp_rfc", "Serve both RFC MIBs.", since="1.2.20"),
    later("enable_snmp_rfcv2", "Serve the VRRPv2 MIB.", since="1.2.20"),
    later("enable_snmp_rfcv3", "Serve the VRRPv3 MIB.", since="1.2.20"),
    later(
        "snmp_vs_stats_update_interval", "Age of virtual servers' statistics.", Seconds(0.001, 30), default="5", since="2.3.0"
    ),
    later("snmp_rs_stats_update_interval", "Age of real servers' statistics.", Seconds(0.001, 30), since="2.3.0"),
    later("enable_dbus", "Offer the DBus interface.", since="1.3.0"),
    later("dbus_service_name", "Name on the DBus.", NAME, default="org.keepalived.Vrrp1", since="1.3.7"),
    later("dbus_no_interface_name", "Path element without an interface.", NAME, default="none", since="2.3.0"),
)

FILES = (
    later("reload_check_config", "Check before a reload.", optional(PATH), since="2.2.0"),
    later("reload_time_file", "File with the time of a planned reload.", PATH, since="2.1.0"),
    later("reload_repeat", "Repeat the planned reload daily.", since="2.1.0"),
    later("reload_file", "File that exists during a reload.", optional(PATH), since="2.2.0"),
    later("include_check", "Which failures of includes are errors.", any_number(Text("CLASS")), since="2.2.0"),
    later("config_save_dir", "Where each configuration is saved.", PATH, since="2.2.3"),
    later("tmp_config_directory", "Where the flattened configuration is written.", PATH, since="2.2.0"),
    later("data_use_instance", "Instance names in the names of dumps.", BOOL, since="2.2.3"),
    later("json_version", "Layout of the JSON dump.", Integer(1, 2), default="1", since="2.2.8"),
    later("state_dump_file", "Where SIGUSR1 dumps.", PATH, since="2.3.3"),
    later("stats_dump_file", "Where SIGUSR2 dumps.", PATH, since="2.3.3"),
    later("json_dump_file", "Where JSON is dumped.", PATH, since="2.3.3"),
    later("iproute_usr_dir", "The distribution's iproute2 names.", PATH, since="2.3.2"),
    later("iproute_etc_dir", "The administrator's iproute2 names.", PATH, since="2.3.2"),
)

GLOBAL_DEFS = block(
    "global_defs",
    "Settings of the daemon as a whole, and defaults for virtual routers.",
    *MAIL, *PROCESSES, *ROUTERS, *FIREWALL, *DIRECTOR, *SCHEDULING, *NOTIFICATION, *NETLINK, *MANAGEMENT, *FILES,
)  # fmt: skip

OUTSIDE = (
    later("linkbeat_use_polling", "Poll the links' state.", since="1.1.18"),
    refused("net_namespace", "Run in this network namespace.", NAME, since="1.2.24"),
    refused("net_namespace_ipvs", "Keep IPVS in this network namespace.", NAME, since="2.1.0"),
    later("namespace_with_ipsets", "Allow ipsets in a namespace.", since="1.3.0"),
    later("use_pid_dir", "Put pid files into a directory of their own.", since="1.2.24"),
    later("instance", "Name of this daemon among several on the host.", NAME, since="1.2.24"),
    later("child_wait_time", "Patience with children at the end.", Integer(), default="5", since="2.0.0", unit="s"),
)
"""Keywords outside of every block."""

VRRPD = block(
    "vrrpd",
    "Settings that keepalived does not know; behind `@vrrpd` it skips them.",
    line("http_listen", "Where metrics and status are served; off without it.", Endpoint(), since="vrrpd"),
    line(
        "compat_metrics",
        "Whose metric names are served beside our own.",
        Choice(("mehdy", "gen2brain", "both", "none")),
        default="both",
        since="vrrpd",
    ),
    line(
        "hand_over",
        "When a master that is stopped lets go: after the new one was heard, or at once.",
        Choice(("make_before_break", "break_before_make")),
        default="make_before_break",
        since="vrrpd",
    ),
    since="vrrpd",
)
