"""What one virtual router says in its messages, and expects in those of others, as its configuration has it."""

from __future__ import annotations

from dataclasses import dataclass

from vrrpd.config.model import Address, AuthenticationType, OldChecksum, VirtualRouter
from vrrpd.protocol.checksum import pseudo_header
from vrrpd.protocol.packet import (
    ADVERTISEMENT_TYPE,
    AUTHENTICATION_OCTETS,
    CENTISECONDS,
    INTERVAL_MAX_CS,
    IP_PROTOCOL_VRRP,
    VRRP_HEADER,
    encode_message,
)


@dataclass(frozen=True, slots=True)
class Speech:
    """The contents of a message but for its priority."""

    version: int
    virtual_router_id: int
    authentication_type: int
    """The number on the wire, in version 2."""
    authentication_data: bytes
    """In version 2 over IPv4 8 octets, else none."""
    interval: int
    """Seconds in version 2, centiseconds in version 3."""
    addresses: tuple[Address, ...]
    """Those of the adverts' family, in the order of the configuration."""
    address_octets: bytes
    has_pseudo_header: bool
    """The checksum covers one. That of IPv6 always does (RFC 8200 section 8.1), that of version 3 unless told otherwise."""
    may_be_old: bool
    """The destination in a pseudo header may be the group where it is a peer, as in keepalived before 1.3.7."""
    speaks_old: bool
    """It has to be."""

    def message(self, priority: int, source: bytes, destination: bytes) -> bytes:
        """The whole VRRP message. Whether the destination is told by its checksum depends on the version."""
        body = self.address_octets + self.authentication_data
        word = self.authentication_type << 8 | self.interval if self.version == 2 else self.interval
        first = self.version << 4 | ADVERTISEMENT_TYPE
        fixed = VRRP_HEADER.pack(first, self.virtual_router_id, priority, len(self.addresses), word, 0)[:-2]
        length = VRRP_HEADER.size + len(body)
        pseudo = pseudo_header(source, destination, IP_PROTOCOL_VRRP, length) if self.has_pseudo_header else 0
        return encode_message(fixed, body, pseudo)


def speech_of(router: VirtualRouter) -> Speech:
    """What the configuration makes a virtual router say. A keyed hash takes the place of all authentication of version 2."""
    addresses = tuple(entry.address for entry in router.addresses if entry.address.version == router.family)
    kind = _authentication_type(router)
    password = router.authentication.password if kind is AuthenticationType.PASS else b""
    has_data = router.version == 2 and router.family == 4
    has_pseudo_header = router.family == 6 or (router.version == 3 and not router.checksum_as_v2)
    form = router.unicast.old_checksum if router.unicast else OldChecksum.NEVER
    may_be_old = has_pseudo_header and router.family == 4 and form is not OldChecksum.NEVER
    return Speech(
        version=router.version,
        virtual_router_id=router.virtual_router_id,
        authentication_type=kind.value,
        authentication_data=password.ljust(AUTHENTICATION_OCTETS, b"\0") if has_data else b"",
        interval=_interval(router),
        addresses=addresses,
        address_octets=b"".join(address.packed for address in addresses),
        has_pseudo_header=has_pseudo_header,
        may_be_old=may_be_old,
        speaks_old=may_be_old and form is OldChecksum.ALWAYS,
    )


def _authentication_type(router: VirtualRouter) -> AuthenticationType:
    """Over IPv6 keepalived has the type of PASS, though not the password, and no AH."""
    kind = router.authentication.type
    is_none = router.version == 3 or router.hmac is not None or (router.family == 6 and kind is AuthenticationType.AH)
    return AuthenticationType.NONE if is_none else kind


def _interval(router: VirtualRouter) -> int:
    if router.version == 2:
        return int(router.advert_interval_s)
    return min(INTERVAL_MAX_CS, round(router.advert_interval_s * CENTISECONDS))
