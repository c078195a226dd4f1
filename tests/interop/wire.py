"""Adverts and announcements as they pass the bridge, of both families, told apart by who sent them and in which order."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from netns_lab.sniffer import ETH_P_IP, IPPROTO_VRRP, Frame, is_arp
from netns_lab.topology import Address

ETH_P_IPV6 = 0x86DD

# Where fields lie in an Ethernet frame with ARP, with an IPv4 packet without options, or with an IPv6 packet without extension.
SOURCE_MAC = slice(6, 12)
IPV4_HEADER = slice(14, 34)
IDENTIFICATION = slice(18, 20)
IPV4_PROTOCOL = 23
HEADER_CHECKSUM = slice(24, 26)
IPV4_SOURCE, IPV4_DESTINATION = slice(26, 30), slice(30, 34)
AH_COUNTED = slice(42, 58)
"""Sequence number and integrity check value."""
AH_END = 58
FLOW_LABEL = slice(15, 18)
"""With the low half of the traffic class in its first octet."""
IPV6_NEXT_HEADER = 20
IPV6_HOP_LIMIT = 21
IPV6_SOURCE, IPV6_DESTINATION = slice(22, 38), slice(38, 54)
ICMPV6_TYPE = 54
ND_TARGET = slice(62, 78)
ARP_SENDER = slice(28, 32)
ARP_TARGET = slice(38, 42)

NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 135, 136
ALL_NODES = IPv6Address("ff02::1")
UNSPECIFIED = IPv6Address("::")


@dataclass(frozen=True, slots=True)
class Advert:
    """An advert that was seen."""

    time_s: float
    source: Address
    destination: Address
    virtual_router_id: int
    priority: int
    identification: int
    """Of IPv4; 0 in IPv6, which has none."""
    octets: bytes
    """The whole frame."""

    @property
    def constant(self) -> bytes:
        """The frame with 0 for all that counts up or is drawn: identification, sequence number, flow label, and what follows
        from them."""
        octets = bytearray(self.octets)
        if self.source.version == 6:
            octets[FLOW_LABEL] = bytes((octets[FLOW_LABEL.start] & 0xF0, 0, 0))
            return bytes(octets)
        octets[IDENTIFICATION] = octets[HEADER_CHECKSUM] = bytes(2)
        if octets[IPV4_PROTOCOL] == socket.IPPROTO_AH:
            octets[AH_COUNTED] = bytes(AH_COUNTED.stop - AH_COUNTED.start)
        return bytes(octets)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A gratuitous ARP or an unsolicited neighbour advertisement that was seen."""

    time_s: float
    mac: bytes
    address: Address
    octets: bytes
    """The whole frame."""


def is_of_takeover(frame: Frame) -> bool:
    """True for what a change of master shows itself by."""
    return _message_at(frame) is not None or is_arp(frame) or _is_neighbour_discovery(frame, NEIGHBOUR_ADVERTISEMENT)


def is_neighbour_solicitation(frame: Frame) -> bool:
    """True for a question of IPv6 for who holds an address."""
    return _is_neighbour_discovery(frame, NEIGHBOUR_SOLICITATION)


def adverts(frames: Iterable[Frame], source: Address | None = None) -> list[Advert]:
    """The adverts among `frames`, or only those from `source`, in their order."""
    found = [_advert(frame, at) for frame in frames if (at := _message_at(frame)) is not None]
    return [advert for advert in found if source in (None, advert.source)]


def announcements(frames: Iterable[Frame], mac: bytes | None = None) -> list[Announcement]:
    """The announcements among `frames`, or only those from `mac`, in their order."""
    found = [
        Announcement(frame.time_s, frame.octets[SOURCE_MAC], address, frame.octets)
        for frame in frames
        if (address := _announced(frame)) is not None
    ]
    return [announcement for announcement in found if mac in (None, announcement.mac)]


def searched_for_duplicates(frames: Iterable[Frame]) -> set[Address]:
    """Addresses of IPv6 that some kernel held back until nobody had answered for them (RFC 4862 section 5.4.2)."""
    return {
        IPv6Address(frame.octets[ND_TARGET])
        for frame in frames
        if is_neighbour_solicitation(frame) and IPv6Address(frame.octets[IPV6_SOURCE]) == UNSPECIFIED
    }


def renumbered(octets: bytes, identification: int) -> bytes:
    """The frame as it is with another IPv4 identification: with that, and the header's checksum to match."""
    header = bytearray(octets[IPV4_HEADER])
    header[4:6] = identification.to_bytes(2, "big")
    header[10:12] = bytes(2)
    words = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    header[10:12] = (~((words & 0xFFFF) + (words >> 16)) & 0xFFFF).to_bytes(2, "big")
    return octets[: IPV4_HEADER.start] + bytes(header) + octets[IPV4_HEADER.stop :]


def with_hop_limit(octets: bytes, hop_limit: int) -> bytes:
    """The frame as it is with another hop limit of IPv6, which no checksum covers."""
    return octets[:IPV6_HOP_LIMIT] + bytes((hop_limit,)) + octets[IPV6_HOP_LIMIT + 1 :]


def _message_at(frame: Frame) -> int | None:
    """Where the VRRP message begins; None if the frame carries none."""
    if frame.ethertype == ETH_P_IP:
        return {IPPROTO_VRRP: IPV4_HEADER.stop, socket.IPPROTO_AH: AH_END}.get(frame.octets[IPV4_PROTOCOL])
    if frame.ethertype == ETH_P_IPV6 and frame.octets[IPV6_NEXT_HEADER] == IPPROTO_VRRP:
        return IPV6_DESTINATION.stop
    return None


def _advert(frame: Frame, at: int) -> Advert:
    octets, of_ipv4 = frame.octets, frame.ethertype == ETH_P_IP
    return Advert(
        time_s=frame.time_s,
        source=ip_address(octets[IPV4_SOURCE if of_ipv4 else IPV6_SOURCE]),
        destination=ip_address(octets[IPV4_DESTINATION if of_ipv4 else IPV6_DESTINATION]),
        virtual_router_id=octets[at + 1],
        priority=octets[at + 2],
        identification=int.from_bytes(octets[IDENTIFICATION], "big") if of_ipv4 else 0,
        octets=octets,
    )


def _announced(frame: Frame) -> Address | None:
    """Which address its sender says that he holds, unasked."""
    octets = frame.octets
    if is_arp(frame):
        return ip_address(octets[ARP_SENDER]) if octets[ARP_SENDER] == octets[ARP_TARGET] else None
    if not _is_neighbour_discovery(frame, NEIGHBOUR_ADVERTISEMENT) or octets[IPV6_DESTINATION] != ALL_NODES.packed:
        return None
    return IPv6Address(octets[ND_TARGET])


def _is_neighbour_discovery(frame: Frame, kind: int) -> bool:
    return (
        frame.ethertype == ETH_P_IPV6
        and frame.octets[IPV6_NEXT_HEADER] == socket.IPPROTO_ICMPV6
        and frame.octets[ICMPV6_TYPE] == kind
    )
