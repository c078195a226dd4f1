"""What the daemon holds whoever is master, and how it minds interfaces."""

from __future__ import annotations

from vrrpd.config.declaration import Effect, Entries, block, line, values
from vrrpd.config.keywords.arguments import NAME, TIME
from vrrpd.config.keywords.entries import ADDRESSES, ROUTES, RULES
from vrrpd.config.values import InterfaceName

STATIC = (
    block(
        "track_group",
        "Virtual routers that are in FAULT while certain static entries are missing.",
        NAME,
        values("group", "The virtual routers.", since="2.0.3", effect=Effect.NONE, entries=Entries("INSTANCE")),
        since="2.0.3",
        effect=Effect.NONE,
        details="Must stand above the static addresses, routes and rules that name it.",
        example="""
            track_group uplink {
                group {
                    VI_1
                }
            }
            static_routes {
                default via 192.0.2.254 track_group uplink
            }
        """,
        see=("static_ipaddress", "static_routes", "static_rules"),
    ),
    values(
        "static_ipaddress",
        "Addresses that this host holds as long as the daemon runs.",
        since="1.1.0",
        effect=Effect.NONE,
        entries=ADDRESSES,
        details="Put there at the start, compared at a reload, removed at the end, and put back if somebody removes them.",
        see=("default_interface", "track_group"),
    ),
    values(
        "static_routes",
        "Routes that this host holds as long as the daemon runs.",
        effect=Effect.NONE,
        entries=ROUTES,
        see=("virtual_routes", "track_group"),
    ),
    values(
        "static_rules",
        "Routing rules that this host holds as long as the daemon runs.",
        since="1.2.20",
        effect=Effect.NONE,
        entries=RULES,
        see=("virtual_rules", "track_group"),
    ),
    values(
        "linkbeat_interfaces",
        "Interfaces whose link is polled.",
        since="2.0.13",
        effect=Effect.NONE,
        entries=Entries(
            "INTERFACE [MII|ETHTOOL|IOCTL]",
            {"MII|ETHTOOL|IOCTL": "How the driver is asked; without this word, whichever works."},
        ),
        details="For drivers that do not tell the kernel when a cable is pulled.",
    ),
    values(
        "interface_up_down_delays",
        "How long a change of a link must last to count.",
        since="2.2.3",
        effect=Effect.NONE,
        entries=Entries(
            "INTERFACE DOWN [UP]",
            {
                "DOWN": "0 to 255 seconds from losing the link.",
                "UP": "0 to 255 seconds from having it; the same as DOWN without it.",
            },
        ),
        details="Cut to what a backup waits for, so that a link that is down is noticed before the other router takes over.",
    ),
    block(
        "garp_group",
        "The pace at which addresses are announced on some interfaces.",
        line(
            "garp_interval",
            "Least time from one gratuitous ARP to the next.",
            TIME,
            default="vrrp_garp_interval",
            unit="s",
            family="IPv4",
        ),
        line(
            "gna_interval",
            "Least time from one neighbour advertisement to the next.",
            TIME,
            default="vrrp_gna_interval",
            unit="s",
            family="IPv6",
        ),
        line("interface", "One interface.", InterfaceName()),
        values("interfaces", "Several interfaces.", entries=Entries("INTERFACE")),
        since="1.2.21",
        details="At least one of the intervals is needed. The interfaces of a group share its pace.",
        example="""
            garp_group {
                garp_interval 0.01
                interfaces {
                    eth0
                    eth1
                }
            }
        """,
        see=("vrrp_garp_interval", "vrrp_gna_interval"),
    ),
)
