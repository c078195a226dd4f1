"""Neighbour discovery for virtual IPv6 addresses: the frames that announce and ask for one (RFC 4861, RFC 4862)."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from vrrpd.protocol.checksum import closing, pseudo_header, words
from vrrpd.protocol.ip_header import IPV6_HEADER

ETH_P_IPV6 = 0x86DD
IPPROTO_ICMPV6 = 58
HOP_LIMIT = 255
"""No router lets a packet through with it, so whoever receives one knows that its sender is a neighbour."""

NEIGHBOUR_SOLICITATION = 135
NEIGHBOUR_ADVERTISEMENT = 136
SOURCE_LINK_LAYER_ADDRESS = 1
TARGET_LINK_LAYER_ADDRESS = 2
ROUTER_FLAG = 0x8000_0000
OVERRIDE_FLAG = 0x2000_0000

ALL_NODES = IPv6Address("ff02::1")
UNSPECIFIED = IPv6Address("::")
SOLICITED_NODES = bytes.fromhex("ff0200000000000000000001ff")
"""The first 13 octets of the group that the holders of an address listen to; the address's last three follow."""

ETHERNET_HEADER = struct.Struct("!6s6sH")
MESSAGE = struct.Struct("!BBHI16s")
"""Type, code, checksum, flags, target: solicitations and advertisements are alike."""
OPTION = struct.Struct("!BB6s")
"""Kind, length in units of eight octets, MAC address."""


def neighbour_advertisement(mac: bytes, address: IPv6Address, *, router: bool) -> bytes:
    """The Ethernet frame that announces `address` at `mac` (6 octets) to all nodes, unsolicited (RFC 4861 section 7.2.6).

    It overrides what they know. `router` says whether its holder forwards packets. 86 octets.
    """
    flags = OVERRIDE_FLAG | (ROUTER_FLAG if router else 0)
    message = MESSAGE.pack(NEIGHBOUR_ADVERTISEMENT, 0, 0, flags, address.packed)
    return _frame(mac, address, ALL_NODES, message + OPTION.pack(TARGET_LINK_LAYER_ADDRESS, 1, mac))


def neighbour_solicitation(mac: bytes, source: IPv6Address, target: IPv6Address) -> bytes:
    """The Ethernet frame that asks who else holds `target`.

    From `::` it is the question of duplicate address detection (RFC 4862 section 5.4.2): a holder answers to all nodes and
    overrides what they know, and one that has only begun to use the address gives it up. From an address of our own the
    answer comes to us alone.
    """
    group = IPv6Address(SOLICITED_NODES + target.packed[-3:])
    message = MESSAGE.pack(NEIGHBOUR_SOLICITATION, 0, 0, 0, target.packed)
    if source != UNSPECIFIED:  # must not be there without a source (RFC 4861 section 4.3)
        message += OPTION.pack(SOURCE_LINK_LAYER_ADDRESS, 1, mac)
    return _frame(mac, source, group, message)


def advertised(message: bytes) -> tuple[IPv6Address, bytes] | None:
    """Address and MAC that a neighbour advertisement tells of, read from its ICMPv6 message; None where it tells of none."""
    if len(message) < MESSAGE.size + OPTION.size or message[0] != NEIGHBOUR_ADVERTISEMENT:
        return None
    kind, length, mac = OPTION.unpack_from(message, MESSAGE.size)  # the only option that advertisements have
    if (kind, length) != (TARGET_LINK_LAYER_ADDRESS, 1):
        return None
    return IPv6Address(message[8:24]), mac


def _frame(mac: bytes, source: IPv6Address, group: IPv6Address, message: bytes) -> bytes:
    checksum = closing(pseudo_header(source.packed, group.packed, IPPROTO_ICMPV6, len(message)) + words(message))
    return b"".join((
        ETHERNET_HEADER.pack(b"\x33\x33" + group.packed[-4:], mac, ETH_P_IPV6),
        IPV6_HEADER.pack(6 << 28, len(message), IPPROTO_ICMPV6, HOP_LIMIT, source.packed, group.packed),
        message[:2],
        checksum.to_bytes(2, "big"),
        message[4:],
    ))  # fmt: skip
