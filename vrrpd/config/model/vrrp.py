"""Virtual routers and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.model.command import Command
from vrrpd.config.model.network import Address, Name, Prefix, Route, Rule, VirtualAddress
from vrrpd.config.model.tracking import Tracking
from vrrpd.config.position import Position

VRRP_GROUP = IPv4Address("224.0.0.18")
"""Where adverts go (RFC 3768 section 5.2.2)."""
VRRP_GROUP6 = IPv6Address("ff02::12")
"""Where adverts of IPv6 go (RFC 5798 section 5.1.2.2)."""


# -- authentication --------------------------------------------------------------------------------


class AuthenticationType(Enum):
    """VRRPv2 authentication; the value is the number on the wire (RFC 2338 section 5.3.6)."""

    NONE = 0
    PASS = 1
    AH = 2


@dataclass(frozen=True, slots=True)
class Authentication:
    """How adverts of a virtual router are authenticated."""

    type: AuthenticationType = AuthenticationType.NONE
    password: bytes = b""
    """At most 8 octets; padded with zeros on the wire."""


class ReplayProtection(Enum):
    """What makes the sequence of a keyed hash grow."""

    TIME = "time"
    MONOTONIC = "monotonic"


class HmacMode(Enum):
    """What is done with adverts without a keyed hash."""

    ENFORCE = "enforce"
    PERMISSIVE = "permissive"
    """They are accepted."""
    RECEIVE_ONLY = "receive-only"
    """None is sent; those that come are verified."""


@dataclass(frozen=True, slots=True)
class HmacKey:
    """One key of `auth_hmac`."""

    key_id: int
    secret: bytes = field(repr=False)
    """32 to 64 octets."""
    file: str | None = None
    """Where it was read from."""


@dataclass(frozen=True, slots=True)
class Hmac:
    """A keyed hash behind each advert (`auth_hmac`)."""

    keys: tuple[HmacKey, ...]
    active_key_id: int
    time_window_s: float
    """How old an advert may be."""
    replay_protection: ReplayProtection = ReplayProtection.TIME
    mode: HmacMode = HmacMode.ENFORCE


# -- interfaces --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VirtualMac:
    """An interface with the virtual router's MAC address (`use_vmac`)."""

    interface: str
    mac: bytes | None = None
    """Six octets; None is the virtual router's (RFC 5798 section 7.3)."""
    notifies: bool = False
    """Tell of the interface by netlink (`netlink_notify_msg`)."""
    link_group: Name | None = None
    adverts_from_base: bool = False
    """Adverts leave through the interface below, with its MAC address (`vmac_xmit_base`)."""
    for_other_interfaces: bool = False
    """Addresses on other interfaces get such an interface too (`use_vmac_addr`)."""


@dataclass(frozen=True, slots=True)
class IpVlan:
    """An interface that shares the MAC address of the one below (`use_ipvlan`)."""

    interface: str
    mode: str = "bridge"
    address: Prefix | None = None
    link_group: Name | None = None
    adverts_from_base: bool = False


# -- adverts and announcements --------------------------------------------------------------------------------


class OldChecksum(Enum):
    """Whether peers older than keepalived 1.3.7, with other checksums of version 3 unicast, are minded."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class UnicastPeer:
    """A router to which adverts go."""

    address: Address
    min_ttl: int | None = None
    max_ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Unicast:
    """Adverts to peers in place of a multicast group."""

    peers: tuple[UnicastPeer, ...] = ()
    ttl: int = 255
    check_source: bool = False
    """Adverts must come from a peer."""
    fault_without_peer: bool = False
    old_checksum: OldChecksum = OldChecksum.AUTO


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
    extra_s: int = 0
    """Period of further sets on interfaces other than virtual ones (`garp_extra_if`); 0 sends none."""
    extra_everywhere: bool = False
    """Those sets go out on every other interface, for all addresses."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Who hears of changes of state."""

    master: Command | None = None
    backup: Command | None = None
    fault: Command | None = None
    stop: Command | None = None
    any: Command | None = None
    """Run at each change, with type, name, state and priority as arguments."""
    lower_priority_heard: Command | None = None
    """Run when a master hears an advert of lower priority."""
    deleted: bool = False
    """A virtual router that a reload removed reports DELETED in place of FAULT."""
    priority_changes: bool = False
    """Changes of priority are reported too."""


# -- virtual routers --------------------------------------------------------------------------------


class HandOver(Enum):
    """When a master that is stopped lets go of its addresses."""

    MAKE_BEFORE_BREAK = "make_before_break"
    """When the new master has been heard, or nobody can come any more."""
    BREAK_BEFORE_MAKE = "break_before_make"
    """With its last advert, as keepalived does."""


@dataclass(frozen=True, slots=True)
class VirtualRouter:
    """One `vrrp_instance`."""

    name: str
    interface: str
    virtual_router_id: int
    priority: int
    """1 to 254, or 255 for the owner of the addresses."""
    position: Position = field(compare=False)
    version: int = 2
    family: int = 4
    """4 or 6: of the adverts and the virtual addresses."""
    starts_as_master: bool = False
    """`state MASTER`: only the default priority and a few checks depend on it (facts: a master waits like a backup)."""
    advert_interval_s: float = 1.0
    down_timer_adverts: int = 3
    """Adverts missed before the master counts as down."""
    preempt: bool = True
    preempt_delay_s: float = 0.0
    strict: bool = False
    """Keep to the RFC; what that changes in other settings is changed."""
    accept: bool = True
    """Packets to the virtual addresses are accepted though we do not own them."""
    owner_ignores_adverts: bool = False
    stalled_master_yields_to: int | None = None
    """A master that was stalled for long assumes that a router of this priority took over (`timer_expired_backup`)."""
    authentication: Authentication = Authentication()
    hmac: Hmac | None = None
    source_address: Address | None = None
    """`mcast_src_ip`; None is the interface's first address that is not a virtual one."""
    track_source_address: bool = False
    """Without its source address the virtual router is in FAULT."""
    multicast_group: Address = VRRP_GROUP
    unicast: Unicast | None = None
    """None sends to the multicast group."""
    skip_address_check: bool = False
    """The addresses in adverts of a known master are not compared with ours."""
    checksum_as_v2: bool = False
    """Checksums of version 3 over IPv4 leave out the pseudo header."""
    virtual_interface: VirtualMac | IpVlan | None = None
    vrf: str | None = None
    receive_buffer_octets: int | None = None
    promote_secondaries: bool = False
    linkbeat_polling: bool = False
    track_primary: bool = True
    """When its own interface is down, the virtual router is in FAULT."""
    addresses: tuple[VirtualAddress, ...] = ()
    """Carried in adverts, in this order."""
    excluded_addresses: tuple[VirtualAddress, ...] = ()
    may_lack_addresses: bool = False
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    tracking: Tracking = field(default_factory=Tracking)
    announcements: Announcements = Announcements()
    higher_priority_send_advert: bool = False
    lower_priority_no_advert: bool = False
    notification: Notification = Notification()
    lvs_sync_interface: str | None = None
    """`lvs_sync_daemon_interface`: where the IPVS connection synchronisation runs."""
    hand_over: HandOver = HandOver.MAKE_BEFORE_BREAK
    probe_addresses: bool = True
    """A master asks with each advert whether somebody else answers for its address."""
    smtp_alert: bool = False


@dataclass(frozen=True, slots=True)
class SyncGroup:
    """One `vrrp_sync_group`: virtual routers that change state together."""

    name: str
    members: tuple[str, ...]
    position: Position = field(compare=False)
    tracking: Tracking = field(default_factory=Tracking)
    """Holds for every member."""
    tracking_weight: bool = False
    """Members may be tracked with weights."""
    notification: Notification = Notification()
    smtp_alert: bool = False
