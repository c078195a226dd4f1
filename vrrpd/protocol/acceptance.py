"""Why a sound packet is not for us, and where everything that is dropped is counted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from vrrpd.protocol.packet import PacketFault


class Rejection(Enum):
    """Why a sound packet is not for us; the value completes the sentence "dropped, because ..."."""

    VIRTUAL_ROUTER = "it is of another virtual router"
    HEADER_PRESENCE = "it has an authentication header where we have none, or none where we have one"
    KEYED_HASH_MISSING = "it has no keyed hash"
    KEYED_HASH_MALFORMED = "what stands in place of a keyed hash is none"
    KEYED_HASH_UNKNOWN_KEY = "its keyed hash is by a key that we do not have"
    KEYED_HASH_STALE = "its keyed hash is of another time than now"
    KEYED_HASH_WRONG = "its keyed hash is wrong"
    KEYED_HASH_REPLAYED = "its keyed hash was heard before"
    INVALID_AUTHENTICATION_TYPE = "nobody knows its authentication type"
    AUTHENTICATION_TYPE_MISMATCH = "its authentication type is not ours"
    AUTHENTICATION_FAILURE = "its password is not ours"
    AUTHENTICATION_HEADER = "its authentication header is wrong"
    SEQUENCE = "its authentication header was heard before"
    ADVERT_INTERVAL_MISMATCH = "its advertisement interval is not ours"
    NO_ADVERT_INTERVAL = "its advertisement interval is zero"
    WRONG_DESTINATION = "it was not sent to our multicast group"
    NOT_UNICAST = "it was sent to a multicast group, and we speak to peers"
    OWNER = "we own the addresses and heed no other router"
    UNKNOWN_PEER = "its sender is none of our peers"


COUNTER_NAMES: Mapping[PacketFault | Rejection, str | None] = MappingProxyType(
    {
        PacketFault.IP_HEADER: "ip_header_errors",
        PacketFault.LENGTH: "packet_length_errors",
        PacketFault.TTL: "ttl_errors",
        PacketFault.VERSION: "version_errors",
        PacketFault.TYPE: "invalid_type_received",
        PacketFault.CHECKSUM: "checksum_errors",
        Rejection.VIRTUAL_ROUTER: None,
        Rejection.HEADER_PRESENCE: "authentication_type_mismatch",
        Rejection.KEYED_HASH_MISSING: "keyed_hash_missing",
        Rejection.KEYED_HASH_MALFORMED: "keyed_hash_malformed",
        Rejection.KEYED_HASH_UNKNOWN_KEY: "keyed_hash_unknown_key",
        Rejection.KEYED_HASH_STALE: "keyed_hash_stale",
        Rejection.KEYED_HASH_WRONG: "keyed_hash_wrong",
        Rejection.KEYED_HASH_REPLAYED: "keyed_hash_replayed",
        Rejection.INVALID_AUTHENTICATION_TYPE: "invalid_authentication_type",
        Rejection.AUTHENTICATION_TYPE_MISMATCH: "authentication_type_mismatch",
        Rejection.AUTHENTICATION_FAILURE: "authentication_failures",
        Rejection.AUTHENTICATION_HEADER: "authentication_failures",
        Rejection.SEQUENCE: "authentication_failures",
        Rejection.ADVERT_INTERVAL_MISMATCH: "advert_interval_errors",
        Rejection.NO_ADVERT_INTERVAL: "advert_interval_errors",
        Rejection.WRONG_DESTINATION: "destination_errors",
        Rejection.NOT_UNICAST: "destination_errors",
        Rejection.OWNER: "ignored_as_owner",
        Rejection.UNKNOWN_PEER: "source_errors",
    }
)
"""The field of `Counters` in which each counts; another virtual router's packets are counted by the socket's owner."""
