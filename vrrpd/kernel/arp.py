"""ARP for virtual IPv4 addresses: the frames that announce and ask for one (RFC 826, RFC 5227)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

ETH_P_ARP = 0x0806
ARPHRD_ETHER = 1
ETH_P_IP = 0x0800
ARPOP_REQUEST = 1
ARPOP_REPLY = 2
BROADCAST_MAC = b"\xff" * 6
UNKNOWN_MAC = bytes(6)
NO_ADDRESS = bytes(4)
"""For a sender that must not be learnt: a probe asks without telling (RFC 5227 section 2.1.1)."""

FRAME = struct.Struct("!6s6sH HHBBH 6s4s 6s4s")
"""Ethernet header; ARP header (RFC 826); sender's and target's hardware and protocol addresses. 42 octets."""


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """The Ethernet frame that announces `address` at `mac` (6 octets): an ARP request for the address by its own holder."""
    # The target's hardware address means nothing in a request; keepalived sends this one.
    return _request(mac, address.packed, BROADCAST_MAC, address.packed)


def arp_probe(mac: bytes, address: IPv4Address) -> bytes:
    """The Ethernet frame that asks who else holds `address`, without telling that we do."""
    return _request(mac, NO_ADDRESS, UNKNOWN_MAC, address.packed)


def claimed(frame: bytes) -> tuple[IPv4Address, bytes] | None:
    """Address and MAC that an ARP frame says belong together: a reply, or an announcement. None where it says nothing."""
    if len(frame) < FRAME.size:
        return None
    fields = FRAME.unpack_from(frame)
    hardware, protocol, hardware_octets, protocol_octets, operation, mac, sender, _target_mac, target = fields[3:]
    if (hardware, protocol, hardware_octets, protocol_octets) != (ARPHRD_ETHER, ETH_P_IP, 6, 4):
        return None
    if operation != ARPOP_REPLY and not (operation == ARPOP_REQUEST and sender == target):
        return None
    return IPv4Address(sender), mac


def _request(mac: bytes, sender: bytes, target_mac: bytes, target: bytes) -> bytes:
    return FRAME.pack(
        BROADCAST_MAC, mac, ETH_P_ARP,
        ARPHRD_ETHER, ETH_P_IP, len(mac), len(target), ARPOP_REQUEST,
        mac, sender,
        target_mac, target,
    )  # fmt: skip
