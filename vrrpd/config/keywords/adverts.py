"""How adverts travel, how they are authenticated, and how the addresses are announced: part of `vrrp_instance`."""

from __future__ import annotations

from vrrpd.config.declaration import (
    Argument,
    Entries,
    alias,
    any_number,
    block,
    later,
    line,
    many,
    named,
    optional,
    refused,
    values,
)
from vrrpd.config.keywords.arguments import BOOL, COUNT, WHOLE_SECONDS
from vrrpd.config.values import Choice, Integer, IpAddress, Text

PEERS = Entries(
    "ADDRESS [min_ttl NUMBER] [max_ttl NUMBER]",
    {
        "min_ttl NUMBER": "0 to 255. Adverts of this peer with a lower TTL are dropped.",
        "max_ttl NUMBER": "0 to 255. Adverts with a higher one are.",
    },
)

WIRE = (
    line(
        "mcast_src_ip",
        "Source address of adverts.",
        IpAddress(),
        default="the interface's first address",
        details="""
            Of the virtual router's family. Of two masters with equal priority the one with the higher source address stays.
        """,
        see=("unicast_src_ip", "track_src_ip"),
    ),
    line(
        "unicast_src_ip",
        "Source address of adverts, as it is called where they are unicast.",
        IpAddress(),
        default="the interface's first address",
        since="1.2.10",
        see=("mcast_src_ip", "unicast_peer"),
    ),
    later("track_src_ip", "FAULT while the configured source address is not there.", since="2.0.0"),
    line(
        "mcast_dst_ip",
        "The group that adverts are sent to.",
        IpAddress(multicast=True),
        default="vrrp_mcast_group4 or vrrp_mcast_group6",
        since="2.2.5",
    ),
    values(
        "unicast_peer",
        "The other routers, where adverts are to go to them and not to a group.",
        since="1.2.8",
        entries=PEERS,
        details="""
            For networks without multicast. Our own address in the list is passed over, so that both routers can have the
            same list. A limit on the TTL also makes the router drop what no peer sent. An empty block is an error, and
            adverts are then multicast. Not possible in strict mode.
        """,
        example="""
            vrrp_instance VI_1 {
                unicast_src_ip 192.0.2.1
                unicast_peer {
                    192.0.2.2
                }
            }
        """,
        see=("unicast_src_ip", "check_unicast_src", "auth_hmac"),
    ),
    later("unicast_fault_no_peer", "FAULT, and not multicast, when no peer is left.", since="2.2.5", see=("unicast_peer",)),
    line("unicast_ttl", "TTL of unicast adverts.", named("TTL", Integer(0, 255)), default="255", since="2.1.0"),
    line(
        "check_unicast_src",
        "Drop unicast adverts that do not come from a peer.",
        default="vrrp_check_unicast_src",
        since="2.1.0",
        see=("unicast_peer",),
    ),
    line(
        "old_unicast_checksum",
        "Expect the checksum that keepalived before 1.3.7 put into unicast adverts.",
        optional(Choice(("never",))),
        default="found out from what peers send; `never` does not try",
        since="1.3.7",
        family="VRRP version 3, IPv4",
    ),
    line(
        "v3_checksum_as_v2",
        "Leave the pseudo header out of the checksum.",
        BOOL,
        default="the global v3_checksum_as_v2",
        since="2.2.8",
        family="VRRP version 3, IPv4",
        details="Some routers read RFC 5798 so. Both sides must do the same, or they drop each other's adverts.",
    ),
    refused(
        "use_vmac",
        "Hold the addresses on an interface with the virtual router's own MAC address.",
        any_number(Text("OPTION"), "[name INTERFACE] [MAC] [netlink_notify_msg] [group GROUP]"),
        default="off; named vrrp.VRID",
        since="1.2.3",
        details="""
            A macvlan interface is made on the virtual router's one. Neighbours then need not learn a new MAC address at a
            takeover. A MAC of one's own has six octets, or five, behind which the VRID is put; it must be unicast and none
            of VRRP's.
        """,
        see=("vmac_xmit_base", "use_vmac_addr", "vmac_prefix", "use_ipvlan"),
    ),
    later(
        "use_vmac_addr", "Addresses on other interfaces get a virtual MAC address there too.", since="2.2.0", see=("use_vmac",)
    ),
    later(
        "vmac_xmit_base",
        "Adverts leave through the base interface, with its real MAC address.",
        since="1.2.10",
        details="Needed for unicast together with `use_vmac`. Reset in strict mode.",
    ),
    refused(
        "use_ipvlan",
        "Hold the addresses on an ipvlan interface.",
        any_number(Text("OPTION"), "[bridge|private|vepa] [group GROUP] [name INTERFACE] [ADDRESS]"),
        since="2.0.17",
        details="Where the switch allows only one MAC address.",
        see=("use_vmac",),
    ),
    later(
        "promote_secondaries",
        "When the first address of a network goes, the kernel keeps the others.",
        since="1.3.0",
        family="IPv4",
        details="Sets the interface's setting of that name.",
    ),
)

GARP_EXTRA_IF = later(
    "garp_extra_if",
    "Announce the addresses from time to time on interfaces that are no virtual MAC's.",
    many(Text("[all] SECONDS")),
    default="vrrp_garp_extra_if, else off",
    since="2.2.3",
    details="0 to 86400 seconds, 0 being never; `all` takes every interface.",
)
ANNOUNCEMENTS = (
    line(
        "garp_master_delay",
        "From becoming master to the second set of announcements.",
        WHOLE_SECONDS,
        default="vrrp_garp_master_delay, else 5 s",
        unit="s",
        details="""
            An announcement is a gratuitous ARP for an IPv4 address and an unsolicited neighbour advertisement for one of
            IPv6. The first set goes out at once; the second is for switches that were not listening yet. 0 sends none.
        """,
        see=("garp_master_repeat", "garp_master_refresh"),
    ),
    line(
        "garp_master_repeat",
        "How often each address is announced in a set.",
        Integer(1, 2**31 - 1),
        default="vrrp_garp_master_repeat, else 5",
        since="1.2.20",
    ),
    line(
        "garp_master_refresh",
        "Time between further sets of announcements while master.",
        named("SECONDS", Integer()),
        default="vrrp_garp_master_refresh, else 0",
        since="1.2.20",
        unit="s",
        details="0 sends none.",
        see=("garp_master_refresh_repeat",),
    ),
    line(
        "garp_master_refresh_repeat",
        "How often each address is announced in such a further set.",
        Integer(1, 2**31 - 1),
        default="vrrp_garp_master_refresh_repeat, else 1",
        since="1.2.20",
    ),
    line(
        "garp_lower_prio_delay",
        "From the advert of a lesser master to the second set of announcements.",
        WHOLE_SECONDS,
        default="vrrp_garp_lower_prio_delay, else garp_master_delay",
        since="1.2.20",
        unit="s",
        details="A master that hears a lesser one was perhaps cut off, and the neighbours believe the other one.",
    ),
    line(
        "garp_lower_prio_repeat",
        "How often each address is announced in those sets; 0 not at all.",
        COUNT,
        default="vrrp_garp_lower_prio_repeat, else garp_master_repeat",
        since="1.2.20",
    ),
    GARP_EXTRA_IF,
    alias("vmac_garp_intvl", GARP_EXTRA_IF, since="2.2.0", deprecated=True),
    line(
        "lower_prio_no_advert",
        "A master does not answer the adverts of a lesser one.",
        BOOL,
        default="vrrp_lower_prio_no_advert, else off",
        since="1.2.20",
        details="By default it answers at once, so that the other one gives way sooner.",
    ),
    line(
        "higher_prio_send_advert",
        "A master sends one last advert before it yields to a better one.",
        BOOL,
        default="vrrp_higher_prio_send_advert, else off",
        since="1.3.5",
        details="The new master then knows that there was another, and announces its addresses again.",
    ),
)

AUTHENTICATION = block(
    "authentication",
    "How adverts of version 2 are authenticated.",
    line(
        "auth_type",
        "Kind of authentication: a password in clear text, or the Authentication Header.",
        Argument(Choice(("PASS", "AH")), lenient=True),
        default="none",
        family="VRRP version 2",
        details="""
            PASS guards against mistakes, not against people: whoever hears an advert knows the password. AH also keeps
            adverts from being changed or sent again, and so makes a router that starts listen first. Needs `auth_pass`;
            without it there is no authentication.
        """,
        see=("auth_pass", "auth_hmac"),
    ),
    line(
        "auth_pass",
        "The password, of up to 8 octets.",
        Text("PASSWORD"),
        family="VRRP version 2",
        details="More is cut off, with a message. Quotes protect `#` and `!`.",
        see=("auth_type",),
    ),
    family="VRRP version 2",
    details="Version 3 has none, and says so in a message.",
    example="""
        authentication {
            auth_type PASS
            auth_pass tango7
        }
    """,
    see=("auth_hmac",),
)
AUTH_HMAC = block(
    "auth_hmac",
    "A keyed hash at the end of every advert, which nobody can forge or send again.",
    line(
        "key",
        "A key and its number.",
        named("ID", Integer(1, 255)),
        Text("KEY"),
        since="2.4.0",
        details="""
            32 to 64 octets: as they are, as `hex:…`, or as `file:PATH` of a file that holds either. A file that others can
            read is an error. There may be several keys, so that they can be changed one router at a time.
        """,
        see=("active_key",),
    ),
    line("active_key", "The number of the key that we send with; must be given.", named("ID", Integer(1, 255)), since="2.4.0"),
    line(
        "time_window",
        "How far the time in an advert may be from ours.",
        named("SECONDS", Integer(1, 300)),
        default="three advert intervals, at least 5 s",
        since="2.4.0",
        unit="s",
    ),
    line(
        "anti_replay",
        "Whether an advert's time is compared with the clock or only has to grow.",
        Choice(("time", "monotonic")),
        default="time",
        since="2.4.0",
    ),
    line(
        "mode",
        "What is done with adverts that have no hash, and whether ours have one.",
        Choice(("enforce", "permissive", "receive-only")),
        default="enforce",
        since="2.4.0",
        details="""
            `permissive` accepts adverts without a hash; `receive-only` checks but sends none. Both are for changing over.
        """,
    ),
    since="2.4.0",
    details="""
        Works in both versions and families, for multicast and unicast, and takes the place of `authentication`. Needs
        clocks that agree, unless `anti_replay monotonic` says otherwise.
    """,
    example="""
        auth_hmac {
            key 1 file:/etc/vrrpd/vi_1.key
            active_key 1
        }
    """,
    see=("authentication", "unicast_peer"),
)
