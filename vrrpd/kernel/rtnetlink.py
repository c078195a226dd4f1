"""Routing netlink as bytes: the messages about links and addresses that the router process sends and reads.

A decoder answers None for what it cannot use: a message cut short, another family, an attribute of the wrong size. What the
words mean to vrrpd (is the link up? is the address ours?) is said in :mod:`vrrpd.kernel.links` and
:mod:`vrrpd.kernel.addresses`.

Layouts and numbers: include/uapi/linux/rtnetlink.h, if_link.h and if_addr.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, AF_UNSPEC

from ipvs.netlink import NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, attribute, attributes, message

Address = IPv4Address | IPv6Address

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22

RTMGRP_LINK = 0x1
RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV6_IFADDR = 0x100

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_LABEL = 3
IFA_BROADCAST = 4
IFA_CACHEINFO = 6
IFA_FLAGS = 8
IFA_PROTO = 11

IFA_F_SECONDARY = 0x1
"""Of IPv4; the same bit says of an IPv6 address that it is a temporary one."""
IFA_F_NODAD = 0x2
IFA_F_DADFAILED = 0x8
IFA_F_HOMEADDRESS = 0x10
IFA_F_DEPRECATED = 0x20
IFA_F_TENTATIVE = 0x40
IFA_F_MANAGETEMPADDR = 0x100
IFA_F_NOPREFIXROUTE = 0x200
IFA_F_MCAUTOJOIN = 0x400
IFA_F_ASKED_FOR = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN
"""What somebody asks for; the other flags are the kernel's own remarks, which come and go."""
FOR_EVER = 0xFFFF_FFFF
"""A lifetime without end."""

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_AF_SPEC = 26
IFLA_EXT_MASK = 29
IFLA_INET6_CONF = 2
IPV6_DEVCONF_FORWARDING = 0
"""Index in the array of IFLA_INET6_CONF (include/uapi/linux/ipv6.h)."""
RTEXT_FILTER_SKIP_STATS = 0x8

RT_SCOPE_UNIVERSE = 0
RT_SCOPE_HOST = 254

KEEPALIVED_PROTOCOL = 18
"""IFA_PROTO of our addresses. It is keepalived's number, so that what looks for VRRP's addresses finds them, and so that each
of the two daemons knows what the other left behind. Kernels before 5.18 skip the attribute."""

ADDRESS_HEADER = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, interface index
LINK_HEADER = struct.Struct("=BxHiII")  # struct ifinfomsg: family, hardware type, interface index, flags, change mask
LIFETIMES = struct.Struct("=IIII")  # struct ifa_cacheinfo: preferred, valid; when it was created and changed
U32 = struct.Struct("=I")

_OUR_PROTOCOL = attribute(IFA_PROTO, bytes([KEEPALIVED_PROTOCOL]))


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """What an RTM_NEWADDR or RTM_DELADDR says."""

    interface_index: int
    address: Address
    """Our end (IFA_LOCAL), where a point-to-point link has two."""
    prefix_length: int
    scope: int
    flags: int
    """IFA_F_*, all 32 bits where the kernel sends them."""
    label: str | None
    broadcast: Address | None
    protocol: int
    """IFA_PROTO; 0 when unknown."""
    peer: Address | None = None
    """The other end (IFA_ADDRESS), where there are two."""
    preferred_lifetime_s: int | None = None
    """What is left of it; None is for ever."""


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """What an RTM_NEWLINK or RTM_DELLINK says."""

    index: int
    name: str
    hardware_type: int
    """ARPHRD_*."""
    flags: int
    """IFF_*."""
    hardware_address: bytes
    mtu: int
    forwards_ipv6: bool = False


def new_address(
    interface_index: int,
    address: Address,
    prefix_length: int,
    *,
    label: str | None,
    scope: int,
    broadcast: Address | None,
    peer: Address | None = None,
    flags: int = 0,
    preferred_lifetime_s: int | None = None,
) -> bytes:
    """RTM_NEWADDR for an address of ours. Refused with EEXIST where the interface has it.

    `flags` are IFA_F_*. Where the preferred lifetime is for ever there is no IFA_CACHEINFO: without one both are infinite.
    """
    payload = ADDRESS_HEADER.pack(_family(address), prefix_length, 0, scope, interface_index)
    payload += attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, (peer or address).packed)
    if broadcast is not None:
        payload += attribute(IFA_BROADCAST, broadcast.packed)
    if label is not None:
        payload += attribute(IFA_LABEL, label.encode() + b"\0")
    if flags:
        payload += attribute(IFA_FLAGS, U32.pack(flags))
    if preferred_lifetime_s is not None:
        payload += attribute(IFA_CACHEINFO, LIFETIMES.pack(preferred_lifetime_s, FOR_EVER, 0, 0))
    return message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, payload + _OUR_PROTOCOL)


def delete_address(interface_index: int, address: Address, prefix_length: int, peer: Address | None = None) -> bytes:
    """RTM_DELADDR for one address, whatever its label and scope."""
    payload = ADDRESS_HEADER.pack(_family(address), prefix_length, 0, 0, interface_index)
    ends = attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, (peer or address).packed)
    return message(RTM_DELADDR, 0, payload + ends)


def dump_addresses(family: int) -> bytes:
    """RTM_GETADDR for all addresses of a family."""
    return message(RTM_GETADDR, NLM_F_DUMP, ADDRESS_HEADER.pack(family, 0, 0, 0, 0))


def dump_links() -> bytes:
    """RTM_GETLINK for all links, without their traffic counters, which are most of the answer."""
    mask = attribute(IFLA_EXT_MASK, U32.pack(RTEXT_FILTER_SKIP_STATS))
    return message(RTM_GETLINK, NLM_F_DUMP, LINK_HEADER.pack(AF_UNSPEC, 0, 0, 0, 0) + mask)


def decode_address(payload: memoryview) -> AddressMessage | None:
    """The address in the payload of an RTM_NEWADDR or RTM_DELADDR."""
    if len(payload) < ADDRESS_HEADER.size:
        return None
    family, prefix_length, flags, scope, interface_index = ADDRESS_HEADER.unpack_from(payload)
    found = dict(attributes(payload[ADDRESS_HEADER.size :]))
    far = _address(family, found.get(IFA_ADDRESS))
    address = _address(family, found[IFA_LOCAL]) if IFA_LOCAL in found else far  # IPv6 has IFA_LOCAL only with a peer
    if address is None or prefix_length > address.max_prefixlen:
        return None
    return AddressMessage(
        interface_index=interface_index,
        address=address,
        prefix_length=prefix_length,
        scope=scope,
        flags=_number(found.get(IFA_FLAGS), flags),
        label=_text(found[IFA_LABEL]) if IFA_LABEL in found else None,
        broadcast=_address(family, found.get(IFA_BROADCAST)),
        protocol=found[IFA_PROTO][0] if len(found.get(IFA_PROTO, b"")) == 1 else 0,
        peer=None if far == address else far,
        preferred_lifetime_s=_preferred_lifetime_s(found.get(IFA_CACHEINFO)),
    )


def decode_link(payload: memoryview) -> LinkMessage | None:
    """The link in the payload of an RTM_NEWLINK or RTM_DELLINK.

    Bridges send both kinds about their ports (family AF_BRIDGE): an RTM_DELLINK then says that the port left the bridge, not
    that the link is gone. Wireless events carry neither name nor MTU. Neither is a link's state.
    """
    if len(payload) < LINK_HEADER.size:
        return None
    family, hardware_type, index, flags, _change = LINK_HEADER.unpack_from(payload)
    found = dict(attributes(payload[LINK_HEADER.size :]))
    mtu = _number(found.get(IFLA_MTU), -1)
    if family != AF_UNSPEC or IFLA_IFNAME not in found or mtu < 0:
        return None
    return LinkMessage(
        index=index,
        name=_text(found[IFLA_IFNAME]),
        hardware_type=hardware_type,
        flags=flags,
        hardware_address=bytes(found.get(IFLA_ADDRESS, b"")),
        mtu=mtu,
        forwards_ipv6=_forwards_ipv6(found.get(IFLA_AF_SPEC)),
    )


def _forwards_ipv6(families: memoryview | None) -> bool:
    """Whether IPv6 packets are forwarded, from what each address family says of a link."""
    of_ipv6 = dict(attributes(families or memoryview(b""))).get(AF_INET6, memoryview(b""))
    settings = dict(attributes(of_ipv6)).get(IFLA_INET6_CONF, memoryview(b""))
    at = IPV6_DEVCONF_FORWARDING * U32.size
    return _number(settings[at : at + U32.size], 0) > 0


def _preferred_lifetime_s(lifetimes: memoryview | None) -> int | None:
    if lifetimes is None or len(lifetimes) != LIFETIMES.size:
        return None
    preferred_s: int = LIFETIMES.unpack(lifetimes)[0]
    return None if preferred_s == FOR_EVER else preferred_s


def _family(address: Address) -> int:
    return AF_INET if address.version == 4 else AF_INET6


def _address(family: int, payload: memoryview | None) -> Address | None:
    octets = bytes(payload or b"")
    if family == AF_INET and len(octets) == 4:
        return IPv4Address(octets)
    if family == AF_INET6 and len(octets) == 16:
        return IPv6Address(octets)
    return None


def _number(payload: memoryview | None, default: int) -> int:
    """An unsigned number of 32 bits; `default` where the attribute is missing or no such number."""
    if payload is None or len(payload) != U32.size:
        return default
    number: int = U32.unpack(payload)[0]
    return number


def _text(payload: memoryview) -> str:
    return bytes(payload).split(b"\0", 1)[0].decode(errors="replace")
