"""What is put on interfaces and into routing tables: addresses, routes and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.position import Position

Address = IPv4Address | IPv6Address

Name = int | str
"""A number, or a name that only the host's /etc/iproute2 can turn into one."""

Option = tuple[str, ...]
"""Something that is passed on to the kernel as it is: a keyword and its words, as `("mtu", "lock", "1400")`."""

MAIN_TABLE = 254
"""RT_TABLE_MAIN of include/uapi/linux/rtnetlink.h."""
KEEPALIVED_PROTOCOL = 18
"""RTPROT_KEEPALIVED: by it one can tell our routes and rules from others'."""


@dataclass(frozen=True, slots=True)
class VirtualAddress:
    """An address that a master holds, or that is always held."""

    address: Address
    prefix_length: int
    interface: str
    label: str | None = None
    scope: int = 0
    """RT_SCOPE_*: 0 universe, 253 link, 254 host."""
    broadcast: Address | None = None
    peer: Prefix | None = None
    home: bool = False
    """A home address of mobile IPv6 (IFA_F_HOMEADDRESS)."""
    duplicate_detection: bool = False
    """`-nodad`: let the kernel ask whether an IPv6 address is in use elsewhere."""
    manages_temporary_addresses: bool = False
    no_prefix_route: bool = False
    joins_groups: bool = False
    """`autojoin`: the kernel joins the multicast group that this address is."""
    tracked: bool = True
    """Its removal by others ends a mastership."""
    preferred_lifetime_s: int | None = None
    """None is for ever; 0 is deprecated: never chosen as a source address."""
    virtual_mac: bool = False
    """On another interface than its virtual router's, it gets an interface with a virtual MAC address of its own."""
    track_group: str | None = None
    """Of a static address: the virtual routers of this group need it."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """Addresses that begin alike; host bits are kept as written."""

    address: Address
    length: int

    def __str__(self) -> str:
        return f"{self.address}/{self.length}"


@dataclass(frozen=True, slots=True)
class NextHop:
    """One of several ways of a route."""

    gateway: Address | None = None
    interface: str | None = None
    weight: int = 1
    on_link: bool = False
    options: tuple[Option, ...] = ()
    """`encap` and `realms`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A line of `virtual_routes` or `static_routes`."""

    destination: Prefix
    position: Position = field(compare=False)
    type: str = "unicast"
    operation: str | None = None
    """`add`, `prepend` or `append`; None replaces what is like it."""
    gateway: Address | None = None
    interface: str | None = None
    next_hops: tuple[NextHop, ...] = ()
    source: Address | None = None
    """Preferred source address (`src`)."""
    origin: Prefix | None = None
    """Only for packets from there (`from`, IPv6)."""
    table: Name = MAIN_TABLE
    metric: int | None = None
    protocol: Name = KEEPALIVED_PROTOCOL
    scope: int | None = None
    type_of_service: int | None = None
    on_link: bool = False
    options: tuple[Option, ...] = ()
    """Metrics, encapsulation and the like, in the order written."""
    tracked: bool = True
    """A virtual router without this route is in FAULT."""
    track_group: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of `virtual_rules` or `static_rules`."""

    family: int
    """4 or 6."""
    preference: int
    action: str
    """`lookup`, `goto`, `nop`, `blackhole`, `unreachable` or `prohibit`."""
    position: Position = field(compare=False)
    table: Name | None = None
    """Of `lookup`."""
    target: int | None = None
    """Preference of the rule to go on with, of `goto`."""
    inverted: bool = False
    source: Prefix | None = None
    destination: Prefix | None = None
    incoming_interface: str | None = None
    outgoing_interface: str | None = None
    type_of_service: int | None = None
    protocol: Name = KEEPALIVED_PROTOCOL
    options: tuple[Option, ...] = ()
    """Further conditions, in the order written."""
    tracked: bool = True
    track_group: str | None = None
