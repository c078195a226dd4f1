"""What one virtual router says: its advert and its farewell, encoded when the configuration is read.

At a takeover only the identification and the header's checksum are still to be filled in.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.packet import AUTHENTICATION_OCTETS, Advertisement, encode, ipv4_datagram

IDENTIFICATION_MAX = 0xFFFF


def advertisement_of(router: VirtualRouter) -> Advertisement:
    """The advert that `router` sends as master, and that it expects of its peers but for the priority."""
    return Advertisement(
        virtual_router_id=router.virtual_router_id,
        priority=router.priority,
        authentication_type=router.authentication.type.value,
        advert_interval_s=int(router.advert_interval_s),
        addresses=tuple(entry.address for entry in router.addresses if isinstance(entry.address, IPv4Address)),
        authentication_data=router.authentication.password.ljust(AUTHENTICATION_OCTETS, b"\0"),
    )


class OwnAdverts:
    """Makes the datagrams that a virtual router sends, numbered from 1."""

    def __init__(self, router: VirtualRouter) -> None:
        self._identification = 0
        self.reconfigure(router)

    def reconfigure(self, router: VirtualRouter) -> None:
        """Speak for a changed configuration; the numbering goes on."""
        self.advertisement = advertisement_of(router)
        assert isinstance(router.multicast_group, IPv4Address)  # as version 2 is of IPv4
        self._destination = router.multicast_group
        self._message = encode(self.advertisement)
        self._farewell = encode(replace(self.advertisement, priority=0))

    def datagram(self, source: IPv4Address) -> bytes:
        """The next advert, with the configured priority."""
        return ipv4_datagram(self._message, source, self._destination, self._next_identification())

    def farewell(self, source: IPv4Address) -> bytes:
        """The next advert, with priority 0: the peers need not wait for our silence (RFC 3768 section 6.4.3)."""
        return ipv4_datagram(self._farewell, source, self._destination, self._next_identification())

    def _next_identification(self) -> int:
        # Not 0, for which the kernel would put a number of its own (raw(7)) behind our checksum's back.
        self._identification = self._identification % IDENTIFICATION_MAX + 1
        return self._identification
