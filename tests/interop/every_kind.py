"""Virtual routers of every version, family and way to send and to authenticate, all in one file for two hosts.

So two daemons are enough to see all of them through the same story, and what concerns one must leave the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from netns_lab.topology import Address
from tests.interop.wire import with_hop_limit

FIRST, SECOND = 5, 6
"""The hosts by the last part of their addresses: 192.168.4.5, fd00:4::5 and 02:00:00:00:00:05."""
PRIORITIES = {FIRST: 100, SECOND: 50}
HOP_LIMIT = 255
V2_INTERVAL_S, V3_INTERVAL_S = 1.0, 0.5
"""The latter is shorter to save time, and long enough for a keepalived on a busy machine to be heard before it is given up."""
PREEMPT_DELAY_S = 4.0
"""Longer than any of them waits otherwise."""
WEIGHT = -60
"""Of what is tracked: takes 100 below 50."""
KEY_ID, KEY = 1, "0123456789abcdef0123456789abcdef"
UNICAST_IPV4 = "unicast_src_ip 192.168.4.{own}\n    unicast_peer {{\n        192.168.4.{peer}\n    }}"
UNICAST_FROM_AFAR = "unicast_ttl 17\n    " + UNICAST_IPV4.replace("{peer}", "{peer} min_ttl 17 max_ttl 17")
UNICAST_IPV6 = "unicast_src_ip fd00:4::{own}\n    unicast_peer {{\n        fd00:4::{peer}\n    }}"


def authentication(kind: str) -> str:
    """The block with a password for it."""
    return f"authentication {{{{\n        auth_type {kind}\n        auth_pass s3cret{kind[0]}\n    }}}}"


def keyed(mode: str) -> str:
    """Keyed hashes, in lines that only vrrpd reads: this keepalived does not know them."""
    lines = ("auth_hmac {{", f"    key {KEY_ID} {KEY}", f"    active_key {KEY_ID}", f"    mode {mode}", "}}")
    return "\n".join(f"    @vrrpd {line}" for line in lines)


@dataclass(frozen=True)
class Kind:
    """One virtual router, the same on both hosts but for priority and addresses of its own."""

    name: str
    virtual_router_id: int
    version: int
    written: tuple[str, ...]
    """Its virtual addresses as the file has them."""
    settings: str = ""
    excluded: tuple[str, ...] = ()
    interface: str = "eth0"
    hop_limit_of_keepalived: int = HOP_LIMIT
    """Where it sends another one than vrrpd."""
    addresses: tuple[Address, ...] = field(init=False)
    """All virtual addresses, in the order of announcement."""

    def __post_init__(self) -> None:
        """Addresses are read from the text."""
        read = (ip_address(one.split()[0].partition("/")[0]) for one in self.written + self.excluded)
        object.__setattr__(self, "addresses", tuple(read))

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.addresses[0].version

    @property
    def interval_s(self) -> float:
        """Between two adverts."""
        return V2_INTERVAL_S if self.version == 2 else V3_INTERVAL_S

    def skew_s(self, priority: int) -> float:
        """What a router of that priority waits after a farewell (RFC 3768 section 6.1, RFC 9568 section 6.1)."""
        return (256 - priority) / 256 * self.interval_s

    def master_down_s(self, priority: int) -> float:
        """What it waits in silence."""
        return 3 * self.interval_s + self.skew_s(priority)

    def as_vrrpd_says(self, advert: bytes) -> bytes:
        """The frame with the hop limit that RFC 9568 section 5.1.2.3 wants, where keepalived has another one."""
        return with_hop_limit(advert, HOP_LIMIT) if self.hop_limit_of_keepalived != HOP_LIMIT else advert

    def text(self, own: int, priority: int) -> str:
        """Its block in the file of host `own`."""
        settings = self.settings.format(own=own, peer=FIRST + SECOND - own)
        excluded = f"virtual_ipaddress_excluded {{\n{_lines(self.excluded)}    }}\n" if self.excluded else ""
        return f"""
vrrp_instance {self.name} {{
    state BACKUP
    interface {self.interface}
    virtual_router_id {self.virtual_router_id}
    version {self.version}
    priority {priority}
    advert_int {self.interval_s:g}
    {settings}
    virtual_ipaddress {{
{_lines(self.written)}    }}
    {excluded}
}}
"""


def _lines(words: tuple[str, ...]) -> str:
    return "".join(f"        {word}\n" for word in words)


NO_PREEMPTION = Kind("no-preemption", 61, 3, ("192.168.4.61",), "nopreempt")
LATE_PREEMPTION = Kind("late-preemption", 62, 3, ("192.168.4.62",), f"preempt_delay {PREEMPT_DELAY_S:g}")
RELOADED = (Kind("reloaded", 63, 3, ("192.168.4.63",)), Kind("reloaded-ipv6", 63, 3, ("fe80::63",)))
TRACKING = Kind("tracking", 64, 3, ("192.168.4.64",), f"track_interface {{{{\n        eth2 weight {WEIGHT}\n    }}}}")
GROUPED = (
    Kind("grouped-outside", 65, 3, ("192.168.4.65",)),
    Kind("grouped-inside", 66, 3, ("10.5.0.66/24",), interface="eth1"),
)
PLAIN = (
    Kind("v2", 51, 2, ("192.168.4.51",)),
    Kind("v2-pass", 52, 2, ("192.168.4.52",), authentication("PASS")),
    Kind("v2-ah", 53, 2, ("192.168.4.53",), authentication("AH")),
    Kind("v2-three-addresses", 54, 2, ("192.168.4.54", "192.168.4.154/24", "192.168.4.155/24 dev eth0")),
    Kind("v2-unicast", 55, 2, ("192.168.4.55",), UNICAST_IPV4),
    Kind("v2-unicast-pass", 59, 2, ("192.168.4.59",), UNICAST_IPV4 + "\n    " + authentication("PASS")),
    Kind("v2-unicast-ah", 56, 2, ("192.168.4.56",), UNICAST_IPV4 + "\n    " + authentication("AH")),
    Kind("v3", 57, 3, ("192.168.4.57", "192.168.4.156/24"), excluded=("fd00:4::4:57",)),
    Kind("v3-group", 60, 3, ("192.168.4.60",), "mcast_src_ip 192.168.4.{own}\n    mcast_dst_ip 224.0.0.100"),
    Kind("v3-unicast", 58, 3, ("192.168.4.58",), UNICAST_IPV4),
    Kind("v3-unicast-keyed", 68, 3, ("192.168.4.68",), UNICAST_IPV4 + "\n" + keyed("receive-only")),
    Kind("v3-unicast-ttl", 67, 3, ("192.168.4.67",), UNICAST_FROM_AFAR),
    Kind("v3-ipv6", 57, 3, ("fe80::57", "fd00:4::57", "fd00:4::157/64"), excluded=("192.168.4.157",)),
    Kind("v3-ipv6-group", 60, 3, ("fe80::60",), "mcast_dst_ip ff02::100"),
    Kind("v3-ipv6-unicast", 58, 3, ("fe80::58", "fd00:4::58"), UNICAST_IPV6, hop_limit_of_keepalived=64),
)
KINDS = (*PLAIN, NO_PREEMPTION, LATE_PREEMPTION, *RELOADED, TRACKING, *GROUPED)
GLOBAL = """
global_defs {
    vrrp_garp_master_delay 60
    @^vrrpd vrrp_priority -20
}
"""
"""No second set of announcements while anybody looks. vrrpd takes real-time priority by itself; keepalived, so that a busy
machine makes it no later, goes before others as far as it can without. (With it, it is killed when it runs for 10 ms on end,
as it does at a start.)"""
SYNC_GROUP = f"vrrp_sync_group together {{\n    group {{\n{_lines(tuple(kind.name for kind in GROUPED))}    }}\n}}\n"


def configuration(own: int, kinds: tuple[Kind, ...] = KINDS) -> str:
    """The file of host `own`; with the sync group, if its members are among the virtual routers."""
    text = "".join(kind.text(own, PRIORITIES[own]) for kind in kinds)
    return GLOBAL + (SYNC_GROUP if set(GROUPED) <= set(kinds) else "") + text
