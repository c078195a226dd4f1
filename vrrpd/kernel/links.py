"""Network interfaces: whether they carry packets, and with which address of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ipvs.netlink import NetlinkSocket
from vrrpd.config.model import Address
from vrrpd.kernel import rtnetlink
from vrrpd.kernel.addresses import AddressMap

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_RUNNING = 0x40
IFF_NOARP = 0x80
ARPHRD_ETHER = 1
MAC_OCTETS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """One interface."""

    index: int
    name: str
    up: bool
    """Switched on (IFF_UP) and with a carrier or none to tell of (IFF_RUNNING: operational state UP or UNKNOWN, RFC 2863)."""
    mac: bytes
    """Hardware address: 6 octets on Ethernet, none or another length elsewhere."""
    mtu: int
    arp: bool
    """Neighbours are found by ARP, or neighbour discovery, over Ethernet; False for loopback and tunnels, and where ARP is
    switched off."""
    forwards_ipv6: bool = False
    """It is a router's interface (net.ipv6.conf.*.forwarding), so neighbour advertisements say so."""


def observed_link(message: rtnetlink.LinkMessage) -> Link:
    """A link as the kernel tells of it."""
    return Link(
        index=message.index,
        name=message.name,
        up=message.flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING,
        mac=message.hardware_address,
        mtu=message.mtu,
        arp=(
            not message.flags & (IFF_NOARP | IFF_LOOPBACK)
            and message.hardware_type == ARPHRD_ETHER
            and len(message.hardware_address) == MAC_OCTETS
        ),
        forwards_ipv6=message.forwards_ipv6,
    )


def read_links(netlink: NetlinkSocket) -> dict[int, Link]:
    """All links by their index. Raises NetlinkError."""
    messages = (rtnetlink.decode_link(payload) for _kind, payload in netlink.dump(rtnetlink.dump_links()))
    return {message.index: observed_link(message) for message in messages if message is not None}


def primary_address(link: Link, addresses: AddressMap, excluding: Collection[Address]) -> IPv4Address | None:
    """The address from which adverts over IPv4 are sent on `link` when none is configured.

    It is the first in the kernel's order that is not in `excluding` (the virtual addresses: they move), the widest scope first
    and never one that is valid on this host alone.
    """
    candidates = [
        (attributes.scope, key.address)
        for key, attributes in addresses.items()
        if key.interface_index == link.index
        and isinstance(key.address, IPv4Address)
        and key.address not in excluding
        and attributes.scope < rtnetlink.RT_SCOPE_HOST
    ]
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def link_local_address(link: Link, addresses: AddressMap, excluding: Collection[Address]) -> IPv6Address | None:
    """The address from which adverts over IPv6 are sent on `link` when none is configured (RFC 5798 section 5.1.2.1).

    It is the smallest link-local one that is not in `excluding`, ahead of deprecated ones: the kernel's order changes with
    every address that is added, and a source that changes looks like another router. One that the kernel has not yet found to
    be unique, or has found elsewhere, is none.
    """
    candidates = [
        (attributes.preferred_lifetime_s == 0, key.address)
        for key, attributes in addresses.items()
        if key.interface_index == link.index
        and isinstance(key.address, IPv6Address)
        and key.address.is_link_local
        and key.address not in excluding
        and not (attributes.tentative or attributes.duplicate)
    ]
    return min(candidates)[1] if candidates else None
