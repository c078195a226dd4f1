"""What `global_defs` says about virtual routers, and about the packet filter that they need."""

from __future__ import annotations

from vrrpd.config.declaration import alias, any_number, later, line, many, named, optional
from vrrpd.config.keywords.arguments import BOOL, COUNT, NAME, SIGNED, TIME, WHOLE_SECONDS
from vrrpd.config.values import Choice, Integer, InterfaceName, IpAddress, Seconds, Text

GARP_EXTRA_IF = later(
    "vrrp_garp_extra_if",
    "Default of `garp_extra_if`: announce addresses from time to time on other interfaces than virtual MACs'.",
    many(Text("[all] SECONDS")),
    default="off",
    since="2.2.3",
    details="1 to 86400 seconds; `all` takes every interface.",
)

ROUTERS = (
    line(
        "vrrp_version",
        "Default of `version` for virtual routers of IPv4.",
        named("VERSION", Integer(2, 3)),
        default="2",
        since="1.2.20",
        family="IPv4",
        details="Virtual routers of IPv6 have version 3 without it.",
        see=("version",),
    ),
    later(
        "default_interface",
        "The interface of static addresses and routes that name none.",
        InterfaceName(),
        default="eth0",
        since="1.2.24",
        see=("static_ipaddress",),
    ),
    later(
        "dynamic_interfaces",
        "Interfaces may be missing at the start and come later.",
        optional(Choice(("allow_if_changes",))),
        default="off",
        since="2.0.0",
        details="""
            Virtual routers on them are in FAULT until then. With `allow_if_changes` an interface may come back as one of
            another kind.
        """,
    ),
    line(
        "vrrp_mcast_group4",
        "The group that adverts of IPv4 are sent to.",
        IpAddress(multicast=True),
        default="224.0.0.18",
        since="1.2.10",
        family="IPv4",
        see=("mcast_dst_ip",),
    ),
    line(
        "vrrp_mcast_group6",
        "The group that adverts of IPv6 are sent to, which should be link-local.",
        IpAddress(multicast=True),
        default="ff02::12",
        since="1.2.10",
        family="IPv6",
        see=("mcast_dst_ip",),
    ),
    line(
        "vrrp_garp_master_delay",
        "Default of `garp_master_delay`: from becoming master to the second set of announcements.",
        WHOLE_SECONDS,
        default="5",
        since="1.2.20",
        unit="s",
    ),
    line(
        "vrrp_garp_master_repeat",
        "Default of `garp_master_repeat`: announcements of each address in a set.",
        Integer(1, 2**31 - 1),
        default="5",
        since="1.2.20",
    ),
    line(
        "vrrp_garp_master_refresh",
        "Default of `garp_master_refresh`: time between further sets; 0 sends none.",
        named("SECONDS", Integer()),
        default="0",
        since="1.2.20",
        unit="s",
    ),
    line(
        "vrrp_garp_master_refresh_repeat",
        "Default of `garp_master_refresh_repeat`: announcements of each address in those.",
        Integer(1, 2**31 - 1),
        default="1",
        since="1.2.20",
    ),
    line(
        "vrrp_garp_lower_prio_delay",
        "Default of `garp_lower_prio_delay`: from a lesser master's advert to the second set.",
        WHOLE_SECONDS,
        default="garp_master_delay",
        since="1.2.20",
        unit="s",
    ),
    line(
        "vrrp_garp_lower_prio_repeat",
        "Default of `garp_lower_prio_repeat`: announcements of each address in those; 0 sends none.",
        COUNT,
        default="garp_master_repeat",
        since="1.2.20",
    ),
    line(
        "vrrp_down_timer_adverts",
        "Default of `down_timer_adverts`: adverts missed before a master is held for dead.",
        named("ADVERTS", Integer(1, 100)),
        default="3",
        since="2.2.3",
    ),
    line(
        "vrrp_garp_interval",
        "Least time from one gratuitous ARP to the next on an interface.",
        TIME,
        default="0",
        since="1.2.21",
        unit="s",
        family="IPv4",
        details="For switches that drop many at once.",
        see=("garp_group",),
    ),
    line(
        "vrrp_gna_interval",
        "Least time from one neighbour advertisement to the next on an interface.",
        TIME,
        default="0",
        since="1.2.21",
        unit="s",
        family="IPv6",
        see=("garp_group",),
    ),
    line(
        "vrrp_min_garp",
        "Announce each address once, and no more.",
        BOOL,
        default="off",
        since="2.0.12",
        details="Repeat 1, no second set and no refresh, as far as nothing else is said of them here. `off` does nothing.",
    ),
    GARP_EXTRA_IF,
    alias("vrrp_vmac_garp_intvl", GARP_EXTRA_IF, since="2.2.0", deprecated=True),
    line(
        "vrrp_lower_prio_no_advert",
        "Default of `lower_prio_no_advert`: a master does not answer a lesser one.",
        BOOL,
        default="off",
        since="1.2.20",
    ),
    line(
        "vrrp_higher_prio_send_advert",
        "Default of `higher_prio_send_advert`: one last advert before yielding.",
        BOOL,
        default="off",
        since="1.3.5",
    ),
    line(
        "vrrp_owner_ignore_adverts",
        "Default of `owner_ignore_adverts`: priority 255 ignores the adverts of others.",
        BOOL,
        default="off",
        since="2.3.3",
    ),
    line(
        "vrrp_check_unicast_src",
        "Default of `check_unicast_src`: unicast adverts must come from a peer.",
        default="off",
        since="1.2.20",
    ),
    line(
        "vrrp_skip_check_adv_addr",
        "Default of `skip_check_adv_addr`: do not compare a known master's addresses.",
        BOOL,
        default="off",
        since="1.2.20",
    ),
    line(
        "vrrp_strict",
        "Default of `strict_mode`: keep to the letter of the RFC.",
        BOOL,
        default="off",
        since="1.2.20",
        see=("strict_mode",),
    ),
    line(
        "v3_checksum_as_v2",
        "Leave the pseudo header out of the checksum.",
        default="off",
        since="2.2.8",
        family="VRRP version 3, IPv4",
        details="Default of the setting of the same name in `vrrp_instance`.",
    ),
    line(
        "vrrp_startup_delay",
        "Stay passive for that long after the start.",
        Seconds(0.001),
        default="0",
        since="2.0.14",
        unit="s",
        details="Adverts are not heard meanwhile; the master down interval follows.",
        see=("preempt_delay",),
    ),
    later(
        "vrrp_delay_after_boot",
        "Stay passive until the host has been up for that long.",
        Seconds(0.001),
        default="0",
        since="2.4.0",
        unit="s",
        details="Of this and `vrrp_startup_delay` the later moment holds.",
    ),
    later("log_unknown_vrids", "Log adverts of virtual routers that are not ours.", default="off", since="2.0.16"),
    later(
        "vrrp_notify_priority_changes",
        "Default of `notify_priority_changes`: tell the FIFOs.",
        BOOL,
        default="off",
        since="2.0.16",
    ),
    later(
        "disable_local_igmp",
        "Send no IGMP reports for link-local groups.",
        default="off",
        since="2.2.0",
        family="IPv4",
        details="Clears a setting of the kernel while the daemon runs.",
    ),
    later(
        "vmac_prefix",
        "What the names of virtual MAC interfaces begin with.",
        NAME,
        default="vrrp",
        since="2.2.0",
        details="The VRID follows behind a dot: `vrrp.51`.",
        see=("use_vmac",),
    ),
    later("vmac_addr_prefix", "The same for interfaces that `use_vmac_addr` makes.", NAME, default="vrrp", since="2.2.0"),
    later(
        "vrrp_rx_bufs_policy",
        "How large the sockets' receive buffers are.",
        Text("MTU|ADVERT|OCTETS"),
        default="as the kernel makes them",
        since="2.0.3",
        details="""
            Computed from the interface's largest packet, or from the size of our adverts, or given in octets. In upper or
            lower case.
        """,
    ),
    later("vrrp_rx_bufs_multiplier", "How many such packets fit in.", Integer(1), default="3", since="2.0.3"),
)

FIREWALL = (
    later(
        "vrrp_iptables",
        "Use iptables, and perhaps these chains.",
        any_number(Text("CHAIN"), "[INPUT_CHAIN [OUTPUT_CHAIN]]"),
        default="INPUT and OUTPUT",
        since="1.2.20",
        details="""
            With one name there are no rules for output. Names have up to 27 characters. Where the system's iptables is
            nftables in disguise, nftables is used.
        """,
        see=("nftables", "no_accept"),
    ),
    later(
        "vrrp_ipsets",
        "Names of the sets that iptables uses; without any, no sets.",
        any_number(Text("SET")),
        default="keepalived, keepalived6, keepalived_if6, keepalived_igmp, keepalived_mld, keepalived_nd",
        since="1.2.20",
    ),
    later(
        "nftables",
        "Use nftables, and perhaps this table.",
        optional(Text("TABLE")),
        default="keepalived",
        since="2.0.11",
        details="""
            For `no_accept` and virtual MACs. Used without this word too where rules are needed and iptables is not asked
            for.
        """,
        see=("no_accept", "vrrp_iptables"),
    ),
    later("nftables_priority", "Priority of our chains.", SIGNED, default="-1", since="2.0.11"),
    later("nftables_ifindex", "Rules name interfaces by number, not by name.", default="off", since="2.0.11"),
    later("nftables_counters", "Rules count what they match.", default="off", since="2.0.11"),
    later(
        "nftables_ipvs",
        "Make one service of each `virtual_server_group` by marking packets in nftables.",
        optional(Text("TABLE")),
        default="off; keepalived_ipvs without a name",
        since="2.2.2",
        see=("virtual_server_group",),
    ),
    later("nftables_ipvs_priority", "Priority of that chain.", SIGNED, default="-1", since="2.2.2"),
    later(
        "nftables_ipvs_start_fwmark",
        "The first firewall mark that is used for it.",
        named("MARK", Integer(1)),
        default="1000",
        since="2.2.2",
    ),
)
