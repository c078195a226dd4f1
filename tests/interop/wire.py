"""Adverts and gratuitous ARP as they pass the bridge, told apart by who sent them and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from netns_lab.sniffer import IPV4_SOURCE, Frame, is_arp, is_vrrp

# Where fields lie in an Ethernet frame with an IPv4 packet without options, or with ARP.
SOURCE_MAC = slice(6, 12)
IPV4_HEADER = slice(14, 34)
IDENTIFICATION = slice(18, 20)
HEADER_CHECKSUM = slice(24, 26)
PRIORITY = 36
ARP_SENDER = slice(28, 32)
ARP_TARGET = slice(38, 42)


@dataclass(frozen=True, slots=True)
class Advert:
    """An advert that was seen."""

    time_s: float
    source: IPv4Address
    priority: int
    identification: int
    octets: bytes
    """The whole frame."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A gratuitous ARP that was seen."""

    time_s: float
    mac: bytes
    address: IPv4Address
    octets: bytes
    """The whole frame."""


def is_of_takeover(frame: Frame) -> bool:
    """True for what a change of master shows itself by."""
    return is_vrrp(frame) or is_arp(frame)


def adverts(frames: Iterable[Frame], source: IPv4Address | None = None) -> list[Advert]:
    """The adverts among `frames`, or only those from `source`, in their order."""
    found = [
        Advert(
            frame.time_s,
            IPv4Address(frame.octets[IPV4_SOURCE]),
            frame.octets[PRIORITY],
            int.from_bytes(frame.octets[IDENTIFICATION], "big"),
            frame.octets,
        )
        for frame in frames
        if is_vrrp(frame)
    ]
    return [advert for advert in found if source in (None, advert.source)]


def announcements(frames: Iterable[Frame], mac: bytes | None = None) -> list[Announcement]:
    """The gratuitous ARPs among `frames`, or only those from `mac`, in their order."""
    found = [
        Announcement(frame.time_s, frame.octets[SOURCE_MAC], IPv4Address(frame.octets[ARP_SENDER]), frame.octets)
        for frame in frames
        if is_arp(frame) and frame.octets[ARP_SENDER] == frame.octets[ARP_TARGET]
    ]
    return [announcement for announcement in found if mac in (None, announcement.mac)]


def renumbered(octets: bytes, identification: int) -> bytes:
    """The frame as it is with another IPv4 identification: with that, and the header's checksum to match."""
    header = bytearray(octets[IPV4_HEADER])
    header[4:6] = identification.to_bytes(2, "big")
    header[10:12] = bytes(2)
    words = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    header[10:12] = (~((words & 0xFFFF) + (words >> 16)) & 0xFFFF).to_bytes(2, "big")
    return octets[: IPV4_HEADER.start] + bytes(header) + octets[IPV4_HEADER.stop :]
