"""Is a sound advert for us? The checks that need the configuration, in keepalived's order.

A refused advert is dropped and counted. Differing addresses are only counted and reported: the sender is a master all the
same, and two masters would be worse than two lists (RFC 3768 section 7.1 leaves the choice).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from vrrpd.config.model import Address, AuthenticationType
from vrrpd.protocol.packet import Advertisement, PacketFault, Parsed

KNOWN_AUTHENTICATION_TYPES = frozenset(kind.value for kind in AuthenticationType)


class Rejection(Enum):
    """Why a sound advert is not for us; the value completes the sentence "dropped, because ..."."""

    INVALID_AUTHENTICATION_TYPE = "nobody knows its authentication type"
    AUTHENTICATION_TYPE_MISMATCH = "its authentication type is not ours"
    AUTHENTICATION_FAILURE = "its password is not ours"
    ADVERT_INTERVAL_MISMATCH = "its advertisement interval is not ours"
    WRONG_DESTINATION = "it was not sent to our multicast group"


COUNTER_NAMES: Mapping[PacketFault | Rejection, str | None] = MappingProxyType(
    {
        PacketFault.LENGTH: "packet_length_errors",
        PacketFault.TTL: "ttl_errors",
        PacketFault.VERSION: "version_errors",
        PacketFault.TYPE: "invalid_type_received",
        PacketFault.CHECKSUM: "checksum_errors",
        Rejection.INVALID_AUTHENTICATION_TYPE: "invalid_authentication_type",
        Rejection.AUTHENTICATION_TYPE_MISMATCH: "authentication_type_mismatch",
        Rejection.AUTHENTICATION_FAILURE: "authentication_failures",
        Rejection.ADVERT_INTERVAL_MISMATCH: "advert_interval_errors",
        Rejection.WRONG_DESTINATION: None,
    }
)
"""The field of `Counters` in which each counts; neither keepalived nor ietf-vrrp has one for the destination."""


def rejection(heard: Parsed, ours: Advertisement, multicast_group: Address) -> Rejection | None:
    """Why `heard` is refused, or None if it is to be used. `ours` is what we would send ourselves."""
    advert = heard.advertisement
    if advert.authentication_type not in KNOWN_AUTHENTICATION_TYPES:
        return Rejection.INVALID_AUTHENTICATION_TYPE
    if advert.authentication_type != ours.authentication_type:
        return Rejection.AUTHENTICATION_TYPE_MISMATCH
    with_password = ours.authentication_type == AuthenticationType.PASS.value
    if with_password and advert.authentication_data != ours.authentication_data:
        return Rejection.AUTHENTICATION_FAILURE
    if advert.advert_interval_s != ours.advert_interval_s:
        return Rejection.ADVERT_INTERVAL_MISMATCH
    if heard.destination != multicast_group:
        return Rejection.WRONG_DESTINATION
    return None


def addresses_differ(heard: Advertisement, ours: Advertisement) -> bool:
    """Whether two adverts carry different addresses. Their order does not matter, their number does."""
    if heard.addresses == ours.addresses:
        return False
    return len(heard.addresses) != len(ours.addresses) or set(heard.addresses) != set(ours.addresses)


def seen_and_expected(reason: Rejection, heard: Parsed, ours: Advertisement, multicast_group: Address) -> str:
    """What of `heard` led to `reason`, beside what was expected. Passwords are never told."""
    advert = heard.advertisement
    match reason:  # Rejection.AUTHENTICATION_FAILURE is what remains
        case Rejection.INVALID_AUTHENTICATION_TYPE | Rejection.AUTHENTICATION_TYPE_MISMATCH:
            return f"{advert.authentication_type}, ours is {ours.authentication_type}"
        case Rejection.ADVERT_INTERVAL_MISMATCH:
            return f"{advert.advert_interval_s} s, ours is {ours.advert_interval_s} s"
        case Rejection.WRONG_DESTINATION:
            return f"{heard.destination}, ours is {multicast_group}"
    return "check auth_pass on both sides"
