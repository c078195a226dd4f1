"""What one virtual router sends, encoded as far as can be when it is first said.

Before a datagram leaves, only its identification and header checksum are still to be filled in, and the authentication header
or the keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from vrrpd.config.model import Address, HmacMode, UnicastPeer, VirtualRouter
from vrrpd.protocol.authentication_header import HeaderAuthentication
from vrrpd.protocol.ip_header import ip_header, numbered
from vrrpd.protocol.keyed_hash import TRAILER_OCTETS, KeyedHash, covered
from vrrpd.protocol.packet import AUTHENTICATION_HEADER, IP_PROTOCOL_AH, IP_PROTOCOL_VRRP, TTL, without_checksum
from vrrpd.protocol.speech import Speech

IDENTIFICATION_MAX = 0xFFFF
PREPARED_MAX = 8
"""Pairs of source and priority that are kept: the own ones, the farewell, and what tracking made of the priority lately."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """One packet to send."""

    destination: Address
    """The group, or one unicast peer."""
    octets: bytes
    """The whole IP packet."""


class _Prepared(NamedTuple):
    """A datagram to one destination, but for what changes with each."""

    destination: Address
    ip_header: bytes
    message: bytes
    hashed: bytes
    """What a keyed hash covers of it; empty where there is none."""


class OwnAdverts:
    """Makes the datagrams that a virtual router sends, numbered from 1."""

    def __init__(self) -> None:
        self._identification = 0

    def reconfigure(
        self,
        router: VirtualRouter,
        speech: Speech,
        header_authentication: HeaderAuthentication | None,
        keyed_hash: KeyedHash | None,
    ) -> None:
        """Speak for a changed configuration; the numbering goes on. The last two outlive it."""
        self._router = router
        self._speech = speech
        self._header_authentication = header_authentication
        is_silent = router.hmac is not None and router.hmac.mode is HmacMode.RECEIVE_ONLY
        self._keyed_hash = None if is_silent else keyed_hash
        self._prepared: dict[tuple[Address, int], tuple[_Prepared, ...]] = {}
        self._old_peers: set[bytes] = set()

    def learn_checksum(self, peer: bytes, *, is_old: bool) -> None:
        """Speak to a peer with the form of checksum that it uses itself; others than peers are nobody's business."""
        if is_old == (peer in self._old_peers) or peer not in {one.address.packed for one in self._peers}:
            return
        self._old_peers ^= {peer}
        self._prepared.clear()

    def datagrams(self, source: Address, priority: int, unix_s: float) -> tuple[Datagram, ...]:
        """The next advert, for each destination. Priority 0 ends the peers' wait for our silence (RFC 3768 section 6.4.3)."""
        prepared = self._prepared.get((source, priority))
        if prepared is None:
            prepared = self._prepare(source, priority)
        if self._header_authentication is not None:
            return self._with_header(prepared, self._header_authentication)
        if self._keyed_hash is not None:
            return self._with_hash(prepared, self._keyed_hash, unix_s)
        return tuple(Datagram(one.destination, self._numbered(one.ip_header) + one.message) for one in prepared)

    def _with_header(self, prepared: tuple[_Prepared, ...], authentication: HeaderAuthentication) -> tuple[Datagram, ...]:
        sequence = authentication.next_sequence()
        datagrams = []
        for one in prepared:
            header = self._numbered(one.ip_header)
            sealed = authentication.seal(header, one.message, sequence)
            datagrams.append(Datagram(one.destination, header + sealed + one.message))
        return tuple(datagrams)

    def _with_hash(self, prepared: tuple[_Prepared, ...], keyed_hash: KeyedHash, unix_s: float) -> tuple[Datagram, ...]:
        """The hash covers the source but not the destination, so all peers get the same."""
        if not prepared:
            return ()
        trailer = keyed_hash.trailer(keyed_hash.next_stamp(unix_s), prepared[0].hashed)
        return tuple(Datagram(one.destination, self._numbered(one.ip_header) + one.message + trailer) for one in prepared)

    def _numbered(self, header: bytes) -> bytes:
        if self._router.family == 6:
            return header
        # Not 0, for which the kernel would put a number of its own (raw(7)) behind our checksum's back.
        self._identification = self._identification % IDENTIFICATION_MAX + 1
        return numbered(header, self._identification)

    # -------------------------------------------------------------------------------------------- ahead of time

    @property
    def _peers(self) -> tuple[UnicastPeer, ...]:
        return self._router.unicast.peers if self._router.unicast else ()

    def _prepare(self, source: Address, priority: int) -> tuple[_Prepared, ...]:
        if len(self._prepared) >= PREPARED_MAX:
            self._prepared.clear()
        unicast = self._router.unicast
        if unicast is None:
            prepared: tuple[_Prepared, ...] = (self._prepare_for(self._router.multicast_group, source, priority, TTL),)
        else:
            others = [peer.address for peer in unicast.peers if peer.address != source]
            prepared = tuple(self._prepare_for(peer, source, priority, unicast.ttl) for peer in others)
        self._prepared[source, priority] = prepared
        return prepared

    def _prepare_for(self, destination: Address, source: Address, priority: int, hop_limit: int) -> _Prepared:
        speech = self._speech
        is_old = speech.speaks_old or destination.packed in self._old_peers
        summed = self._router.multicast_group if is_old else destination
        message = speech.message(priority, source.packed, summed.packed)
        protocol, payload_octets, hashed = IP_PROTOCOL_VRRP, len(message), b""
        if self._header_authentication is not None:
            protocol = IP_PROTOCOL_AH
            payload_octets += AUTHENTICATION_HEADER.size
        elif self._keyed_hash is not None:
            payload_octets += TRAILER_OCTETS
            bare = without_checksum(message)
            hashed = covered(self._router.family, speech.version, speech.virtual_router_id, source.packed, bare)
        header = ip_header(source.packed, destination.packed, protocol, payload_octets, hop_limit)
        return _Prepared(destination, header, message, hashed)
