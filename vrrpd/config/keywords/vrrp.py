"""Virtual routers: `vrrp_instance`, and everything it refers to."""

from __future__ import annotations

from vrrpd.config.declaration import (
    COMMAND,
    PATH,
    Argument,
    Effect,
    any_number,
    block,
    later,
    line,
    many,
    optional,
    refused,
    values,
)
from vrrpd.config.values import Boolean, Choice, Integer, InterfaceName, IpAddress, Seconds, Text

NAME = Text("NAME")
BOOL = optional(Boolean())
WHOLE_SECONDS = Integer(0, 4294)
COUNT = Integer(0, 2**31 - 1)
DELAY = Seconds(0.000001, 3600)
MILLISECONDS = Seconds(1, 4_294_967)

ELECTION = (
    line("state", "Preferred state; a MASTER without priority has 255.", Choice(("MASTER", "BACKUP")), default="BACKUP"),
    line("interface", "Where the virtual router lives.", InterfaceName()),
    line("virtual_router_id", "Number of the virtual router on its network.", Integer(1, 255)),
    line("version", "VRRP version.", Integer(2, 3), default="2", since="1.2.17"),
    refused("native_ipv6", "A virtual router of IPv6 and version 3.", since="1.2.1"),
    line("priority", "Who is to be master: the higher one; 255 is the addresses' owner.", Integer(1, 255), default="100"),
    line("advert_int", "Time between adverts.", Seconds(0.01, 255), default="1", unit="s"),
    line("preempt", "Take over from a master of lower priority."),
    line("nopreempt", "Leave a master of lower priority alone.", since="1.1.8"),
    line("preempt_delay", "Wait that long before taking over.", Seconds(0, 1000), default="0", since="1.1.8", unit="s"),
    later("owner_ignore_adverts", "An owner ignores adverts.", BOOL, since="2.3.3"),
    later("strict_mode", "Keep to the RFC.", BOOL, since="1.2.20"),
    line("down_timer_adverts", "Adverts missed before a master is down.", Integer(1, 100), default="3", since="2.2.3"),
    later("timer_expired_backup", "A stalled master steps down.", optional(Integer(1, 254)), since="2.2.8"),
    later("thread_timer_expired", "Old name of timer_expired_backup.", optional(Integer(1, 254)), since="2.3.2"),
    later("skip_check_adv_addr", "Compare the addresses of a known master's adverts no more.", BOOL, since="1.2.20"),
    line("debug", "Ignored, as in keepalived.", Integer(0, 4), default="0"),
    later("dont_track_primary", "Stay up when the own interface is down.", since="1.1.8"),
    refused("vrf", "Routing domain of the sockets.", InterfaceName(), since="2.2.5"),
    later("kernel_rx_buf_size", "Receive buffer.", Integer(), since="2.0.3", unit="octets"),
    later("linkbeat_use_polling", "Poll the interface's state.", since="2.0.0"),
)

WIRE = (
    line("mcast_src_ip", "Source of adverts.", IpAddress(), default="the interface's first address"),
    line("unicast_src_ip", "Source of adverts.", IpAddress(), default="the interface's first address", since="1.2.10"),
    later("track_src_ip", "FAULT when the source address disappears.", since="2.0.0"),
    line("mcast_dst_ip", "Where adverts go.", IpAddress(multicast=True), default="224.0.0.18", since="2.2.5"),
    values("unicast_peer", "Adverts go to these routers instead of a group.", since="1.2.8", effect=Effect.REFUSED),
    later("unicast_fault_no_peer", "FAULT when no peer is left.", since="2.2.5"),
    later("unicast_ttl", "TTL of unicast adverts.", Integer(0, 255), default="255", since="2.1.0"),
    later("check_unicast_src", "Adverts must come from a peer.", since="2.1.0"),
    later("old_unicast_checksum", "Checksum of old versions.", optional(Choice(("never",))), since="1.3.7"),
    later("v3_checksum_as_v2", "VRRPv3 checksums without the pseudo header.", BOOL, since="2.2.8"),
    refused("use_vmac", "Use the virtual router's MAC address.", any_number(Text("OPTION")), since="1.2.3"),
    later("use_vmac_addr", "Addresses on other interfaces use a virtual MAC too.", since="2.2.0"),
    later("vmac_xmit_base", "Adverts leave through the base interface.", since="1.2.10"),
    refused("use_ipvlan", "Use an ipvlan interface.", any_number(Text("OPTION")), since="2.0.17"),
    later("promote_secondaries", "Set the interface's promote_secondaries.", since="1.3.0"),
)

GOODS = (
    values("virtual_ipaddress", "Addresses that the master holds; carried in adverts."),
    values("virtual_ipaddress_excluded", "Further addresses, not carried in adverts."),
    line("no_virtual_ipaddress", "There need be no addresses.", since="2.2.8"),
    values("virtual_routes", "Routes that the master holds.", effect=Effect.NONE),
    values("virtual_rules", "Rules that the master holds.", since="1.2.20", effect=Effect.NONE),
    line("accept", "Accept packets to the virtual addresses; the default.", since="1.2.17"),
    later("no_accept", "Drop packets to the virtual addresses.", since="1.3.0"),
)

TRACKING = (
    values("track_interface", "Interfaces that must be up.", effect=Effect.NONE),
    values("track_script", "Scripts that must succeed.", since="1.1.13", effect=Effect.NONE),
    values("track_file", "Files whose number counts.", since="2.0.0", effect=Effect.NONE),
    values("track_process", "Processes that must run.", since="2.0.11", effect=Effect.NONE),
    values("track_bfd", "BFD sessions that must be up.", since="2.0.0", effect=Effect.NONE),
)

ANNOUNCEMENTS = (
    line(
        "garp_master_delay", "From becoming master to the second set of gratuitous ARPs.", WHOLE_SECONDS, default="5", unit="s"
    ),
    line("garp_master_repeat", "Gratuitous ARPs in a set.", Integer(1, 2**31 - 1), default="5", since="1.2.20"),
    line("garp_master_refresh", "Time between further sets while master.", Integer(), default="0", since="1.2.20", unit="s"),
    line("garp_master_refresh_repeat", "Gratuitous ARPs in those.", Integer(1, 2**31 - 1), default="1", since="1.2.20"),
    line("garp_lower_prio_delay", "From a lower priority's advert to the second set.", WHOLE_SECONDS, since="1.2.20", unit="s"),
    line("garp_lower_prio_repeat", "Gratuitous ARPs in those.", COUNT, since="1.2.20"),
    later("garp_extra_if", "Repeat gratuitous ARPs on other interfaces.", many(Text("[all] SECONDS")), since="2.2.3"),
    later("vmac_garp_intvl", "Old name of garp_extra_if.", many(Text("[all] SECONDS")), since="2.2.0"),
    line("lower_prio_no_advert", "A master does not answer lower priorities.", BOOL, default="off", since="1.2.20"),
    line("higher_prio_send_advert", "A last advert before yielding.", BOOL, default="off", since="1.3.5"),
)

NOTIFICATION = (
    later("notify_master", "Run on becoming master.", COMMAND),
    later("notify_backup", "Run on becoming backup.", COMMAND),
    later("notify_fault", "Run on entering FAULT.", COMMAND),
    later("notify_stop", "Run when VRRP stops.", COMMAND, since="1.1.13"),
    later("notify", "Run at each transition.", COMMAND, since="1.1.2"),
)
INSTANCE_NOTIFICATION = (
    *NOTIFICATION,
    later("notify_deleted", "A removed virtual router reports DELETED.", since="2.1.0"),
    later("notify_master_rx_lower_pri", "Run when a master hears a lower priority.", COMMAND, since="2.0.6"),
    line("smtp_alert", "Mail at each transition.", BOOL),
    later("notify_priority_changes", "Report changes of priority.", BOOL, since="2.0.16"),
    later("lvs_sync_daemon_interface", "Old form of lvs_sync_daemon.", InterfaceName()),
)

AUTHENTICATION = block(
    "authentication",
    "How adverts of version 2 are authenticated.",
    line("auth_type", "Kind of authentication.", Argument(Choice(("PASS", "AH")), lenient=True)),
    line("auth_pass", "Password, up to 8 octets.", Text("PASSWORD")),
)
AUTH_HMAC = block(
    "auth_hmac",
    "Adverts end in a keyed hash.",
    later("key", "A key.", Integer(1, 255), Text("KEY"), since="2.4.0"),
    later("active_key", "The key in use.", Integer(1, 255), since="2.4.0"),
    later("time_window", "How old an advert may be.", Integer(1, 300), since="2.4.0", unit="s"),
    later("anti_replay", "How repeated adverts are found.", Choice(("time", "monotonic")), default="time", since="2.4.0"),
    later("mode", "What is done about bad hashes.", Choice(("enforce", "permissive", "receive-only")), since="2.4.0"),
    since="2.4.0",
    effect=Effect.REFUSED,
)

VRRP_INSTANCE = block(
    "vrrp_instance",
    "A virtual router.",
    NAME,
    *ELECTION, *WIRE, *GOODS, *TRACKING, *ANNOUNCEMENTS, *INSTANCE_NOTIFICATION, AUTHENTICATION, AUTH_HMAC,
)  # fmt: skip

VRRP_SYNC_GROUP = block(
    "vrrp_sync_group",
    "Virtual routers that change state together.",
    NAME,
    values("group", "The virtual routers."),
    *TRACKING,
    *NOTIFICATION,
    later("smtp_alert", "Mail at each transition.", BOOL),
    later("sync_group_tracking_weight", "Members may be tracked with weights.", since="2.0.0"),
    later("global_tracking", "Without effect.", since="1.2.3"),
    later("notify_priority_changes", "Report changes of priority.", BOOL, since="2.0.16"),
    effect=Effect.REFUSED,
)

VRRP_SCRIPT = block(
    "vrrp_script",
    "A script that virtual routers track.",
    NAME,
    later("script", "What is run.", many(Text("COMMAND", is_path=True))),
    later("interval", "From start to start.", Seconds(), default="1", unit="s"),
    later("timeout", "Longest run.", Seconds(), since="1.2.6", unit="s"),
    later("weight", "What it adds to the priority.", Integer(-253, 253), optional(Choice(("reverse",))), default="0"),
    later("rise", "Successes needed.", Integer(1, 2**31 - 1), default="1", since="1.1.18"),
    later("fall", "Failures needed.", Integer(1, 2**31 - 1), default="1", since="1.1.18"),
    later("user", "Who runs it.", Text("USER"), optional(Text("GROUP")), since="1.3.0"),
    later("init_fail", "Failed until it succeeds.", since="1.3.2"),
    since="1.1.13",
    effect=Effect.NONE,
)

VRRP_TRACK_PROCESS = block(
    "vrrp_track_process",
    "A process that virtual routers track.",
    NAME,
    later("process", "Its name or path, and parameters.", many(Text("NAME [PARAMETER…]", is_path=True))),
    later("param_match", "How parameters are compared.", optional(Choice(("initial", "partial"))), since="2.0.16"),
    later("weight", "What it adds to the priority.", Integer(-254, 254), optional(Choice(("reverse",))), default="0"),
    later("quorum", "Least number of processes.", Integer(1, 65535), default="1"),
    later("quorum_max", "Greatest number of processes.", Integer(0, 65535), since="2.0.16"),
    later("delay", "Ignore changes shorter than this.", DELAY, unit="s"),
    later("fork_delay", "Ignore shorter absences.", DELAY, since="2.0.16", unit="s"),
    later("terminate_delay", "Ignore shorter presences.", DELAY, since="2.0.16", unit="s"),
    later("full_command", "Compare the whole command line."),
    since="2.0.11",
    effect=Effect.NONE,
)

TRACK_FILE_PARTS = (
    NAME,
    later("file", "The file.", PATH),
    later("weight", "Multiplies its number.", Integer(-254, 254), optional(Choice(("reverse",))), default="1"),
    later("init_file", "Make it.", any_number(Text("[VALUE] [overwrite]"))),
)
TRACK_FILE = block("track_file", "A file that virtual routers track.", *TRACK_FILE_PARTS, since="2.1.0", effect=Effect.NONE)
VRRP_TRACK_FILE = block("vrrp_track_file", "Old name of track_file.", *TRACK_FILE_PARTS, since="2.0.0", effect=Effect.NONE)

BFD_INSTANCE = block(
    "bfd_instance",
    "A BFD session.",
    NAME,
    later("neighbor_ip", "The other end.", IpAddress()),
    later("neighbour_ip", "The other end.", IpAddress()),
    later("source_ip", "This end.", IpAddress()),
    later("min_rx", "Least time between received packets.", MILLISECONDS, default="10", unit="ms"),
    later("min_tx", "Least time between sent packets.", MILLISECONDS, default="10", unit="ms"),
    later("idle_tx", "Time between packets while down.", Seconds(1000, 4_294_967), default="1000", unit="ms"),
    later("multiplier", "Packets missed before it is down.", Integer(1, 255), default="5"),
    later("passive", "Wait for the neighbour."),
    later("ttl", "TTL sent.", Integer(1, 255)),
    later("hoplimit", "Hop limit sent.", Integer(1, 255)),
    later("max_hops", "Hops accepted.", Integer(-1, 255), default="0"),
    later("multihop", "Use port 4784.", BOOL, since="2.2.8"),
    later("weight", "What it adds to the priority.", Integer(-253, 253), optional(Choice(("reverse",))), default="0"),
    later("vrrp", "Only virtual routers hear of it."),
    later("checker", "Only checks hear of it."),
    since="2.0.0",
    effect=Effect.NONE,
)

STATIC = (
    block(
        "track_group",
        "Virtual routers that fault without certain static entries.",
        NAME,
        values("group", "The virtual routers.", since="2.0.3", effect=Effect.NONE),
        since="2.0.3",
        effect=Effect.NONE,
    ),
    values("static_ipaddress", "Addresses held always.", since="1.1.0", effect=Effect.NONE),
    values("static_routes", "Routes held always.", effect=Effect.NONE),
    values("static_rules", "Rules held always.", since="1.2.20", effect=Effect.NONE),
    values("linkbeat_interfaces", "Interfaces whose link is polled.", since="2.0.13", effect=Effect.NONE),
    values("interface_up_down_delays", "Ignore shorter changes of links.", since="2.2.3", effect=Effect.NONE),
    block(
        "garp_group",
        "Pace of gratuitous ARPs on some interfaces.",
        later("garp_interval", "Least time between gratuitous ARPs.", Seconds(), unit="s"),
        later("gna_interval", "Least time between neighbour advertisements.", Seconds(), unit="s"),
        later("interface", "An interface.", InterfaceName()),
        values("interfaces", "Interfaces.", effect=Effect.NONE),
        since="1.2.21",
        effect=Effect.NONE,
    ),
)
