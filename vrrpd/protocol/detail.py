"""What of a dropped packet led to the reason, beside what was expected. Passwords and keys are never told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from types import MappingProxyType

from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.packet import TTL, Packet, PacketFault
from vrrpd.protocol.speech import Speech

Teller = Callable[[Packet, Speech, VirtualRouter], str]


def detail(reason: PacketFault | Rejection, packet: Packet, speech: Speech, router: VirtualRouter) -> str:
    """What there is to say beside the reason; empty where that says it all."""
    teller = _TELLERS.get(reason)
    return teller(packet, speech, router) if teller else ""


def _length(packet: Packet, _: Speech, __: VirtualRouter) -> str:
    return f"{packet.end - packet.message_at} octets, and it counts {packet.address_count} addresses"


def _hop_limit(packet: Packet, _: Speech, router: VirtualRouter) -> str:
    source = ip_address(packet.source)
    for peer in router.unicast.peers if router.unicast else ():
        if peer.address == source:
            at_most = TTL if peer.max_ttl is None else peer.max_ttl
            return f"{packet.hop_limit}, that of this peer is to be {peer.min_ttl or 0} to {at_most}"
    return str(packet.hop_limit)


def _version(packet: Packet, speech: Speech, _: VirtualRouter) -> str:
    return f"{packet.version}, ours is {speech.version}"


def _type(packet: Packet, _: Speech, __: VirtualRouter) -> str:
    return f"type {packet.version_and_type & 0x0F}"


def _authentication_type(packet: Packet, speech: Speech, _: VirtualRouter) -> str:
    return f"{packet.interval_word >> 8}, ours is {speech.authentication_type}"


def _interval(packet: Packet, speech: Speech, _: VirtualRouter) -> str:
    return f"{packet.interval_word & 0xFF} s, ours is {speech.interval} s"


def _password(_: Packet, __: Speech, ___: VirtualRouter) -> str:
    return "check auth_pass on both sides"


def _keys(_: Packet, __: Speech, ___: VirtualRouter) -> str:
    return "check auth_hmac on both sides"


def _clocks(_: Packet, __: Speech, router: VirtualRouter) -> str:
    assert router.hmac is not None
    return f"check the clocks on both sides, which may differ by {router.hmac.time_window_s:g} s"


def _destination(packet: Packet, _: Speech, router: VirtualRouter) -> str:
    seen = str(ip_address(packet.destination))
    return seen if router.unicast else f"{seen}, ours is {router.multicast_group}"


_TELLERS: Mapping[PacketFault | Rejection, Teller] = MappingProxyType(
    {
        PacketFault.LENGTH: _length,
        PacketFault.TTL: _hop_limit,
        PacketFault.VERSION: _version,
        PacketFault.TYPE: _type,
        Rejection.INVALID_AUTHENTICATION_TYPE: _authentication_type,
        Rejection.AUTHENTICATION_TYPE_MISMATCH: _authentication_type,
        Rejection.AUTHENTICATION_FAILURE: _password,
        Rejection.AUTHENTICATION_HEADER: _password,
        Rejection.KEYED_HASH_MISSING: _keys,
        Rejection.KEYED_HASH_UNKNOWN_KEY: _keys,
        Rejection.KEYED_HASH_WRONG: _keys,
        Rejection.KEYED_HASH_STALE: _clocks,
        Rejection.ADVERT_INTERVAL_MISMATCH: _interval,
        Rejection.WRONG_DESTINATION: _destination,
        Rejection.NOT_UNICAST: _destination,
    }
)
