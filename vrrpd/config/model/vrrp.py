"""Virtual routers and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.position import Position

Address = IPv4Address | IPv6Address

VRRP_GROUP = IPv4Address("224.0.0.18")
"""Where adverts go (RFC 3768 section 5.2.2)."""


class AuthenticationType(Enum):
    """VRRPv2 authentication; the value is the number on the wire (RFC 2338 section 5.3.6)."""

    NONE = 0
    PASS = 1


@dataclass(frozen=True, slots=True)
class Authentication:
    """How adverts of a virtual router are authenticated."""

    type: AuthenticationType = AuthenticationType.NONE
    password: bytes = b""
    """At most 8 octets; padded with zeros on the wire."""


@dataclass(frozen=True, slots=True)
class VirtualAddress:
    """An address that its master holds."""

    address: Address
    prefix_length: int
    interface: str
    label: str | None = None
    scope: int = 0
    """RT_SCOPE_*: 0 universe, 253 link, 254 host."""
    broadcast: Address | None = None


@dataclass(frozen=True, slots=True)
class Announcements:
    """When gratuitous ARP is sent (keepalived's garp_* settings), seconds and counts."""

    delay_s: float = 5.0
    """From becoming master to the second set; 0 sends no second set."""
    repeat: int = 5
    refresh_s: float = 0.0
    """Period of further sets while master; 0 sends none."""
    refresh_repeat: int = 1
    lower_priority_delay_s: float = 5.0
    lower_priority_repeat: int = 5


@dataclass(frozen=True, slots=True)
class VirtualRouter:
    """One `vrrp_instance`."""

    name: str
    interface: str
    virtual_router_id: int
    priority: int
    """1 to 254, or 255 for the owner of the addresses."""
    position: Position = field(compare=False)
    starts_as_master: bool = False
    """`state MASTER`: only the default priority and a few checks depend on it (facts: a master waits like a backup)."""
    advert_interval_s: float = 1.0
    down_timer_adverts: int = 3
    """Adverts missed before the master counts as down."""
    preempt: bool = True
    preempt_delay_s: float = 0.0
    authentication: Authentication = Authentication()
    source_address: IPv4Address | None = None
    """`mcast_src_ip`; None is the interface's first address that is not a virtual one."""
    multicast_group: IPv4Address = VRRP_GROUP
    addresses: tuple[VirtualAddress, ...] = ()
    """Carried in adverts, in this order."""
    excluded_addresses: tuple[VirtualAddress, ...] = ()
    announcements: Announcements = Announcements()
    higher_priority_send_advert: bool = False
    lower_priority_no_advert: bool = False
    smtp_alert: bool = False
