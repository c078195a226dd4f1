"""What one virtual router says and hears, as bytes.

A *datagram* is always one whole IP packet, of IPv4 or IPv6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from vrrpd.config.model import Address, VirtualRouter
from vrrpd.protocol.acceptance import Rejection, addresses_differ, rejection, seen_and_expected
from vrrpd.protocol.adverts import IDENTIFICATION_MAX, advertisement_of
from vrrpd.protocol.packet import PacketFault, encode, ipv4_datagram, parse, source_address, virtual_router_id


@dataclass(frozen=True, slots=True)
class Datagram:
    """One packet to send."""

    destination: Address
    """The group, or one unicast peer."""
    octets: bytes
    """The whole IP packet."""


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
    """They are not ours; the advert is to be used all the same."""
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
        self._identification = 0
        self.reconfigure(router)

    def reconfigure(self, router: VirtualRouter) -> None:
        """Speak for a changed configuration; numbering goes on, and what was heard is remembered."""
        self._router = router
        self._ours = advertisement_of(router)

    def adverts(self, source: Address, priority: int, unix_s: float) -> tuple[Datagram, ...]:  # noqa: ARG002
        """The next advert, for each destination. `priority` 0 is the farewell."""
        assert isinstance(source, IPv4Address)
        assert isinstance(self._router.multicast_group, IPv4Address)
        self._identification = self._identification % IDENTIFICATION_MAX + 1
        message = encode(replace(self._ours, priority=priority))
        octets = ipv4_datagram(message, source, self._router.multicast_group, self._identification)
        return (Datagram(self._router.multicast_group, octets),)

    def read(self, datagram: bytes, unix_s: float) -> Heard | Refused:  # noqa: ARG002
        """Read a packet: the advert in it, or the first thing that is wrong with it. Never raises."""
        parsed = parse(datagram)
        if isinstance(parsed, PacketFault):
            return Refused(parsed, source_address(datagram), "")
        reason = rejection(parsed, self._ours, self._router.multicast_group)
        if reason is not None:
            detail = seen_and_expected(reason, parsed, self._ours, self._router.multicast_group)
            return Refused(reason, parsed.source, detail)
        advert = parsed.advertisement
        return Heard(
            source=parsed.source,
            destination=parsed.destination,
            priority=advert.priority,
            advert_interval_s=float(advert.advert_interval_s),
            addresses=advert.addresses,
            addresses_differ=addresses_differ(advert, self._ours),
            interval_differs=False,
        )


def virtual_router_key(datagram: bytes) -> tuple[int, int] | None:
    """Family and virtual router id of a packet, before anything about it is checked; None if it is too short to say."""
    router_id = virtual_router_id(datagram)
    return None if router_id is None else (4, router_id)
