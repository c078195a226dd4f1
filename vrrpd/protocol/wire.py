"""What one virtual router says and hears, as bytes.

A *datagram* is always one whole IP packet, of IPv4 or IPv6, told apart by the version in its first octet.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.model import Address, AuthenticationType, VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.adverts import Datagram, OwnAdverts
from vrrpd.protocol.authentication_header import HeaderAuthentication
from vrrpd.protocol.checks import Checks
from vrrpd.protocol.detail import detail
from vrrpd.protocol.ip_header import IPV4_HEADER, IPV6_HEADER, source_octets
from vrrpd.protocol.keyed_hash import KeyedHash
from vrrpd.protocol.packet import (
    AUTHENTICATION_HEADER,
    CENTISECONDS,
    INTERVAL_MAX_CS,
    IP_PROTOCOL_AH,
    Packet,
    PacketFault,
    open_packet,
)
from vrrpd.protocol.speech import speech_of

__all__ = ["Datagram", "Heard", "Refused", "Wire", "virtual_router_key"]

SENDERS_MAX = 4
"""In a multicast group, whose sequence numbers are remembered, as in keepalived: only masters speak, and masters are few."""

_SAID_BY_NOBODY = b""


@dataclass(frozen=True, slots=True)
class Heard:
    """A good advert."""

    source: Address
    destination: Address
    priority: int
    """0: its sender gives up; 255: it owns the addresses."""
    advert_interval_s: float
    addresses: tuple[Address, ...]
    addresses_differ: bool
    """They are not ours, in whatever order. The advert is to be used all the same: its sender is a master, and two masters
    would be worse than two lists (RFC 3768 section 7.1 leaves the choice)."""
    interval_differs: bool
    """It is not the one of our configuration; only in version 3, where a backup learns it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A packet that is to be dropped."""

    reason: PacketFault | Rejection
    source: Address | None
    """Who sent it, however broken the rest; None if it is too short to say."""
    detail: str
    """What was seen beside what was expected, where there is more to say than the reason; else empty."""


class Wire:
    """What one virtual router says and hears, as bytes; holds what authentication has to remember."""

    def __init__(self, router: VirtualRouter) -> None:
        self._own = OwnAdverts()
        self._header_authentication: HeaderAuthentication | None = None
        self._keyed_hash: KeyedHash | None = None
        self.reconfigure(router)

    def reconfigure(self, router: VirtualRouter) -> None:
        """Speak and listen for a changed configuration; numbering goes on, and sequences heard are remembered."""
        self._router = router
        self._speech = speech_of(router)
        senders_max = max(SENDERS_MAX, len(router.unicast.peers)) if router.unicast else SENDERS_MAX
        self._reconfigure_header_authentication(senders_max)
        if router.hmac is None:
            self._keyed_hash = None
        elif self._keyed_hash is None:
            self._keyed_hash = KeyedHash(router.hmac, senders_max)
        else:
            self._keyed_hash.reconfigure(router.hmac, senders_max)
        self._own.reconfigure(router, self._speech, self._header_authentication, self._keyed_hash)
        self._checks = Checks(router, self._speech, self._header_authentication, self._keyed_hash)
        # Sequences must not repeat, and whether addresses are compared depends on who was heard before.
        self._may_repeat = not (self._header_authentication or self._keyed_hash or router.skip_address_check)
        self._last_said = _SAID_BY_NOBODY
        self._last_heard: Heard | None = None
        self._known_master: bytes | None = None

    def _reconfigure_header_authentication(self, senders_max: int) -> None:
        if self._speech.authentication_type != AuthenticationType.AH.value:
            self._header_authentication = None
            return
        password, is_unicast = self._router.authentication.password, self._router.unicast is not None
        if self._header_authentication is None:
            self._header_authentication = HeaderAuthentication(password, is_unicast=is_unicast, senders_max=senders_max)
        else:
            self._header_authentication.reconfigure(password, is_unicast=is_unicast, senders_max=senders_max)

    @property
    def sequence(self) -> int:
        """The greatest number of an authentication header or keyed hash so far; 0 where there is neither."""
        numbering = self._header_authentication or self._keyed_hash
        return 0 if numbering is None else numbering.sequence

    def go_on_after(self, sequence: int, unix_s: float) -> None:
        """Number on where an earlier process ended, whose numbers nobody takes again."""
        if self._header_authentication is not None:
            self._header_authentication.go_on_after(sequence)
        elif self._keyed_hash is not None:
            self._keyed_hash.go_on_after(sequence, unix_s)

    def adverts(self, source: Address, priority: int, unix_s: float) -> tuple[Datagram, ...]:
        """The next advert, for each destination. `priority` 0 is the farewell; `unix_s` goes into keyed hashes only."""
        return self._own.datagrams(source, priority, unix_s)

    def read(self, datagram: bytes, unix_s: float) -> Heard | Refused:
        """Read a packet: the advert in it, or the first thing that is wrong with it. Never raises.

        A master says the same each time but for the number of the packet; what was found good last is not looked at again.
        """
        said = _without_number(datagram) if self._may_repeat else _SAID_BY_NOBODY
        if self._last_heard is not None and said == self._last_said:
            return self._last_heard
        packet = open_packet(datagram)
        if isinstance(packet, PacketFault):
            return Refused(packet, _address(source_octets(datagram)), f"{len(datagram)} octets")
        reason = self._checks.reason_to_drop(packet, unix_s)
        if reason is not None:
            source = _known_address(packet.source)
            return Refused(reason, source, detail(reason, packet, self._speech, self._router))
        heard = self._hear(packet)
        if self._may_repeat:
            self._last_said, self._last_heard = said, heard
        return heard

    def _hear(self, packet: Packet) -> Heard:
        """Take in a good advert."""
        speech = self._speech
        if speech.may_be_old and not speech.speaks_old:
            self._own.learn_checksum(packet.source, is_old=self._checks.has_old_checksum(packet))
        ours, octets = speech.addresses, packet.datagram[packet.addresses_at : packet.addresses_end]
        addresses = ours if octets == speech.address_octets else _addresses(octets, len(packet.source))
        is_spared = self._router.skip_address_check and packet.source == self._known_master
        self._known_master = packet.source
        interval = packet.interval_word & (0xFF if speech.version == 2 else INTERVAL_MAX_CS)
        return Heard(
            source=_known_address(packet.source),
            destination=_known_address(packet.destination),
            priority=packet.priority,
            advert_interval_s=float(interval) if speech.version == 2 else interval / CENTISECONDS,
            addresses=addresses,
            addresses_differ=not is_spared and _differ(addresses, ours),
            interval_differs=interval != speech.interval,
        )


def virtual_router_key(datagram: bytes) -> tuple[int, int] | None:
    """Family and virtual router id of a packet, before anything about it is checked; None if it is too short to say."""
    if not datagram:
        return None
    if datagram[0] >> 4 == 6:
        family, at = 6, IPV6_HEADER.size
    else:
        family, at = 4, max(IPV4_HEADER.size, (datagram[0] & 0x0F) * 4)
        if len(datagram) > at and datagram[9] == IP_PROTOCOL_AH:
            at += AUTHENTICATION_HEADER.size
    return (family, datagram[at + 1]) if at + 1 < len(datagram) else None


def _without_number(datagram: bytes) -> bytes:
    """A packet but for the identification and checksum of an IPv4 header, both of which the kernel has looked at."""
    if datagram[:1] == b"E":
        return datagram[:4] + datagram[6:10] + datagram[12:]
    return datagram


def _differ(heard: tuple[Address, ...], ours: tuple[Address, ...]) -> bool:
    """Whether two lists are of different addresses. Their order does not matter, their number does."""
    return heard is not ours and (len(heard) != len(ours) or set(heard) != set(ours))


def _addresses(octets: bytes, size: int) -> tuple[Address, ...]:
    return tuple(_known_address(octets[at : at + size]) for at in range(0, len(octets), size))


def _known_address(octets: bytes) -> Address:
    return IPv4Address(octets) if len(octets) == 4 else IPv6Address(octets)


def _address(octets: bytes | None) -> Address | None:
    return None if octets is None else _known_address(octets)
