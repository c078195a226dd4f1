"""What the lines of address, route and rule blocks may say."""

from __future__ import annotations

from vrrpd.config.declaration import Entries

ADDRESS_OPTIONS = {
    "brd ADDRESS|+|-": "Broadcast address; `+` sets all host bits, `-` clears them. IPv4 only.",
    "dev INTERFACE": "Where the address lives; without it the virtual router's interface, or `default_interface` for static "
    "ones. With `use_vmac`, an address on the base interface lives on the virtual one.",
    "scope SCOPE": "Scope of the address: a number, or `global`, `site`, `link`, `host` or `nowhere`. IPv4 only.",
    "label LABEL": "Label of up to 15 characters, by custom the interface's name, a colon and a number. IPv4 only.",
    "peer ADDRESS[/LENGTH]": "The other end of a point-to-point link.",
    "home": "Marks a home address of Mobile IPv6.",
    "-nodad": "Let the kernel look for duplicates of an IPv6 address. Without this option it does not look, for a new "
    "master cannot wait.",
    "mngtmpaddr": "The kernel makes temporary IPv6 addresses from this one.",
    "noprefixroute": "No route for the prefix comes with the address.",
    "autojoin": "Join the multicast group that the address is.",
    "no_track": "Losing the address to somebody else's hand changes nothing. Without this option the master gives up and "
    "comes back.",
    "preferred_lft SECONDS|forever": "How long the address is preferred as a source. By default for ever, but never for an "
    "IPv6 address of length 128.",
    "use_vmac": "An address on another interface gets a virtual MAC address there.",
    "track_group GROUP": "While the address is missing, the virtual routers of this `track_group` are in FAULT. Static "
    "addresses only.",
}
ADDRESS_USAGE = "ADDRESS[/LENGTH] [OPTION …]"
ADDRESSES = Entries(ADDRESS_USAGE, ADDRESS_OPTIONS)
"""`virtual_ipaddress`, `virtual_ipaddress_excluded`, `static_ipaddress`."""

ROUTES = Entries(
    "[inet|inet6] [src ADDRESS] [TYPE] DESTINATION [via ADDRESS] [dev INTERFACE] [OPTION …]",
    {
        "to PREFIX": "The destination, which may stand without `to` too; `default`, `any` and `all` are everything.",
        "TYPE": "`unicast`, `local`, `broadcast`, `anycast`, `multicast`, `blackhole`, `unreachable`, `prohibit`, `throw`, "
        "`nat` or `xresolve`.",
        "via [inet|inet6] ADDRESS": "The gateway. `gw` is an old word for it.",
        "or ADDRESS": "A second gateway: the old form of `nexthop`.",
        "nexthop [via ADDRESS] [dev INTERFACE] [weight 1-256] [onlink]": "One of several ways; may be repeated.",
        "src ADDRESS": "Source address preferred for this route.",
        "from PREFIX": "Only for packets from there. IPv6 only.",
        "dev INTERFACE": "The interface the packets leave by; `oif` is the same.",
        "vrf INTERFACE": "The routing table of this VRF.",
        "table TABLE": "Number or name of the routing table.",
        "protocol PROTOCOL": "Who made the route. Routes that are watched must keep `keepalived`, number 18.",
        "scope SCOPE": "Scope of the destination.",
        "metric NUMBER": "Preference, the lowest first; `priority` and `preference` are the same.",
        "tos NUMBER": "Type of service; `dsfield` is the same.",
        "onlink": "The gateway is on the link, whatever the addresses say.",
        "mtu [lock] NUMBER": "Largest packet. So too, each with `lock` where the kernel has it: `advmss`, `rtt`, `rttvar`, "
        "`reordering`, `cwnd`, `ssthresh`, `rto_min`, `congctl`, `hoplimit`, `window`, `initcwnd`, `initrwnd`, `features`, "
        "`quickack` and `fastopen_no_cookie`.",
        "ecn": "Explicit congestion notification.",
        "realms [FROM/]TO": "Routing realms.",
        "pref low|medium|high": "Preference of an IPv6 router.",
        "ttl-propagate enabled|disabled": "Whether MPLS copies the time to live.",
        "expires SECONDS": "The kernel removes the route after that time. IPv6 only.",
        "encap ip|ip6|mpls|ila …": "Encapsulation, as in ip-route(8).",
        "add|prepend|append": "How it is put among others; replacing an equal one without any of these.",
        "no_track": "Losing the route changes nothing.",
        "track_group GROUP": "While it is missing, the virtual routers of this `track_group` are in FAULT. Static routes only.",
    },
)
"""`virtual_routes`, `static_routes`."""

RULES = Entries(
    "[not] [inet|inet6] [from PREFIX] [to PREFIX] [OPTION …] table TABLE",
    {
        "not": "For packets that do not match.",
        "from PREFIX": "Source; `all`, `any` and `default` are everything.",
        "to PREFIX": "Destination.",
        "tos NUMBER": "Type of service.",
        "fwmark MARK[/MASK]": "Firewall mark.",
        "realms [FROM/]TO": "Routing realms.",
        "iif INTERFACE": "Where the packet came in; `dev` is the same.",
        "oif INTERFACE": "Where the packet will leave.",
        "ipproto PROTOCOL": "Protocol.",
        "sport FIRST-LAST": "Source ports. A single port is written `80-80`.",
        "dport FIRST-LAST": "Destination ports.",
        "uidrange FIRST-LAST": "Users who sent the packet.",
        "tun_id NUMBER": "Identifier of the tunnel.",
        "l3mdev": "The table of the packet's VRF.",
        "suppress_prefixlength NUMBER": "Ignore routes with a prefix no longer than this.",
        "suppress_ifgroup GROUP": "Ignore routes out of interfaces of this group.",
        "protocol PROTOCOL": "Who made the rule. Rules that are watched must keep `keepalived`, number 18.",
        "table TABLE": "Where routes are looked up; `lookup` is the same. A rule needs this or another action.",
        "preference NUMBER": "Place among the rules; `order` and `priority` are the same. Without it numbers are given "
        "downwards from 16384, which is an error in keepalived.",
        "goto NUMBER": "Go on at this rule.",
        "type TYPE": "Type of route that the rule stands for, as in ip-rule(8).",
        "nop|blackhole|unreachable|prohibit": "Other actions.",
        "no_track": "Losing the rule changes nothing.",
        "track_group GROUP": "While it is missing, the virtual routers of this `track_group` are in FAULT. Static rules only.",
    },
)
"""`virtual_rules`, `static_rules`."""


def tracked(what: str, limit: int, *, noreverse: bool = True) -> Entries:
    """Names of what is tracked, each perhaps with a weight for this virtual router."""
    turn = "[reverse|noreverse]" if noreverse else "[reverse]"
    return Entries(
        f"{what} [weight WEIGHT {turn}]",
        {
            "weight WEIGHT": f"-{limit} to {limit}. 0: FAULT while it fails. Above 0: added while it is well. Below 0: taken "
            "away while it fails. Without this word what the definition says holds.",
            "reverse": "Well and failing change places.",
        }
        | ({"noreverse": "They do not, whatever the definition says."} if noreverse else {}),
    )
