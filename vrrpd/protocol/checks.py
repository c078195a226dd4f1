"""The checks of a packet, in keepalived's order: the first that fails is why it is dropped."""

from __future__ import annotations

from vrrpd.config.model import AuthenticationType, HmacMode, VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.authentication_header import HeaderAuthentication
from vrrpd.protocol.checksum import is_closed, pseudo_header, words
from vrrpd.protocol.ip_header import SURPLUS_OCTETS_MAX
from vrrpd.protocol.keyed_hash import TRAILER_OCTETS, KeyedHash, covered
from vrrpd.protocol.packet import (
    ADVERTISEMENT_TYPE,
    AUTHENTICATION_OCTETS,
    INTERVAL_MAX_CS,
    IP_PROTOCOL_VRRP,
    TTL,
    Packet,
    PacketFault,
    without_checksum,
)
from vrrpd.protocol.speech import Speech

Reason = PacketFault | Rejection
KNOWN_AUTHENTICATION_TYPES = frozenset(kind.value for kind in AuthenticationType)
OWNER_PRIORITY = 255


class Checks:
    """What one virtual router demands of a packet."""

    def __init__(
        self,
        router: VirtualRouter,
        speech: Speech,
        header_authentication: HeaderAuthentication | None,
        keyed_hash: KeyedHash | None,
    ) -> None:
        """`speech` is what the router says itself; the last two remember what they heard and outlive this object."""
        self._router = router
        self._speech = speech
        self._header_authentication = header_authentication
        self._keyed_hash = keyed_hash
        self._may_lack_hash = router.hmac is None or router.hmac.mode is not HmacMode.ENFORCE
        self._family = router.family
        self._group = router.multicast_group.packed
        self._peers = {peer.address.packed: peer for peer in router.unicast.peers} if router.unicast else {}
        self._is_silent_owner = router.owner_ignores_adverts and router.priority == OWNER_PRIORITY

    def reason_to_drop(self, packet: Packet, unix_s: float) -> Reason | None:
        """The first thing that is wrong with a packet, or None if it is to be used."""
        message_end = packet.addresses_end + len(self._speech.authentication_data)
        return (
            self._addressee(packet)
            or self._length(packet, message_end)
            or self._header_presence(packet)
            or self._hop_limit(packet)
            or (PacketFault.VERSION if packet.version != self._speech.version else None)
            or self._hash(packet, message_end, unix_s)
            or (self._authentication(packet) if self._speech.version == 2 else None)
            or self._interval(packet)
            or (PacketFault.TYPE if packet.version_and_type & 0x0F != ADVERTISEMENT_TYPE else None)
            or self._checksum(packet, message_end)
            or self._destination(packet)
            or (Rejection.OWNER if self._is_silent_owner else None)
            or self._sender(packet)
        )

    def has_old_checksum(self, packet: Packet) -> bool:
        """Whether the checksum of a good packet is that of a peer older than keepalived 1.3.7."""
        end = packet.addresses_end
        return self._speech.may_be_old and not self._is_closed(packet, end, packet.destination)

    # ---------------------------------------------------------------------------------------------- shape

    def _addressee(self, packet: Packet) -> Reason | None:
        if packet.family != self._family:
            return PacketFault.IP_HEADER
        return Rejection.VIRTUAL_ROUTER if packet.virtual_router_id != self._speech.virtual_router_id else None

    def _length(self, packet: Packet, message_end: int) -> Reason | None:
        """A message as long as its version makes it is told by its version, whatever ours is."""
        surplus = packet.end - message_end
        if 0 <= surplus <= SURPLUS_OCTETS_MAX:
            return None
        if self._keyed_hash and 0 <= surplus - TRAILER_OCTETS <= SURPLUS_OCTETS_MAX:
            return None
        if packet.version != self._speech.version:
            surplus = packet.end - packet.addresses_end
            if 0 <= surplus <= SURPLUS_OCTETS_MAX or 0 <= surplus - AUTHENTICATION_OCTETS <= SURPLUS_OCTETS_MAX:
                return None
        return PacketFault.LENGTH

    def _header_presence(self, packet: Packet) -> Reason | None:
        is_there, is_wanted = packet.authentication_header_at is not None, self._header_authentication is not None
        return Rejection.HEADER_PRESENCE if is_there is not is_wanted else None

    def _hop_limit(self, packet: Packet) -> Reason | None:
        """Unicast may be forwarded; the bounds are those that are written beside the peer."""
        if self._router.unicast is None:
            return PacketFault.TTL if packet.hop_limit != TTL else None
        peer = self._peers.get(packet.source)
        if peer is None:
            return None
        at_least, at_most = peer.min_ttl or 0, TTL if peer.max_ttl is None else peer.max_ttl
        return None if at_least <= packet.hop_limit <= at_most else PacketFault.TTL

    # ---------------------------------------------------------------------------------------------- authentication

    def _hash(self, packet: Packet, message_end: int, unix_s: float) -> Reason | None:
        if self._keyed_hash is None:
            return None
        trailer = packet.datagram[message_end : message_end + TRAILER_OCTETS]
        if packet.end - message_end < TRAILER_OCTETS:
            return None if self._may_lack_hash else Rejection.KEYED_HASH_MISSING
        message = without_checksum(packet.datagram[packet.message_at : message_end])
        octets = covered(self._family, packet.version, packet.virtual_router_id, packet.source, message)
        return self._keyed_hash.refusal(trailer, octets, packet.source, unix_s)

    def _authentication(self, packet: Packet) -> Reason | None:
        """Of version 2; over IPv6 there is the type, but no authentication data."""
        kind = packet.interval_word >> 8
        if kind not in KNOWN_AUTHENTICATION_TYPES:
            return Rejection.INVALID_AUTHENTICATION_TYPE
        if kind != self._speech.authentication_type:
            return Rejection.AUTHENTICATION_TYPE_MISMATCH
        if kind == AuthenticationType.PASS.value:
            ours, at = self._speech.authentication_data, packet.addresses_end
            return None if packet.datagram[at : at + len(ours)] == ours else Rejection.AUTHENTICATION_FAILURE
        if self._header_authentication is not None and packet.authentication_header_at is not None:
            return self._header_authentication.refusal(packet, packet.authentication_header_at)
        return None

    # ---------------------------------------------------------------------------------------------- contents

    def _interval(self, packet: Packet) -> Reason | None:
        """Version 3 learns the interval of the master; none at all would have a backup wait for nothing."""
        if self._speech.version == 2:
            return Rejection.ADVERT_INTERVAL_MISMATCH if packet.interval_word & 0xFF != self._speech.interval else None
        return Rejection.NO_ADVERT_INTERVAL if packet.interval_word & INTERVAL_MAX_CS == 0 else None

    def _checksum(self, packet: Packet, message_end: int) -> Reason | None:
        """Of unicast in version 3 over IPv4 also in the form of keepalived before 1.3.7, with the group for the destination."""
        speech = self._speech
        if not speech.speaks_old and self._is_closed(packet, message_end, packet.destination):
            return None
        if speech.may_be_old and self._is_closed(packet, message_end, self._group):
            return None
        return PacketFault.CHECKSUM

    def _is_closed(self, packet: Packet, message_end: int, destination: bytes) -> bool:
        total = words(packet.datagram[packet.message_at : message_end])
        if self._speech.has_pseudo_header:
            total += pseudo_header(packet.source, destination, IP_PROTOCOL_VRRP, message_end - packet.message_at)
        return is_closed(total)

    # ---------------------------------------------------------------------------------------------- from whom, to whom

    def _destination(self, packet: Packet) -> Reason | None:
        if self._router.unicast is None:
            return Rejection.WRONG_DESTINATION if packet.destination != self._group else None
        return Rejection.NOT_UNICAST if is_multicast(packet.destination) else None

    def _sender(self, packet: Packet) -> Reason | None:
        unicast = self._router.unicast
        if unicast is not None and unicast.check_source and packet.source not in self._peers:
            return Rejection.UNKNOWN_PEER
        return None


def is_multicast(address: bytes) -> bool:
    """Whether an address of 4 or 16 octets is that of a group."""
    return address[0] >> 4 == 0xE if len(address) == 4 else address[0] == 0xFF
