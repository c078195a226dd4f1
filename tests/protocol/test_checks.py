"""Each reason to drop a packet, its order among the others, and what is told of it."""

from __future__ import annotations

from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from tests.protocol.captures import AH_1111, IPV6, NONE, peers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, PASS_1111, addresses, router
from vrrpd.config.model import Hmac, HmacKey, HmacMode, Unicast, UnicastPeer, VirtualRouter
from vrrpd.protocol.acceptance import COUNTER_NAMES, Rejection
from vrrpd.protocol.checksum import closing, words
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.packet import PacketFault
from vrrpd.protocol.wire import Heard, Refused, Wire

UNIX_S = 1_790_000_000.0
HMAC = Hmac((HmacKey(1, bytes(range(32))), HmacKey(2, bytes(range(64)))), 1, 5.0)
HASHED = router(hmac=HMAC)
AH = router(authentication=AH_1111)
PLAIN = router(authentication=NONE)
SIX = router(**IPV6)
V3 = router(version=3, authentication=NONE)
TO_PEERS = router(unicast=peers("192.168.4.5", "192.168.4.6"))
MINDED = Unicast(peers=(UnicastPeer(DIRECTOR_1), UnicastPeer(DIRECTOR_2, min_ttl=250, max_ttl=254)), check_source=True)


def sent(of: VirtualRouter, source: Any = DIRECTOR_2, priority: int = 100) -> bytes:
    """What a router so configured would send (first)."""
    return Wire(of).adverts(source, priority, UNIX_S)[0].octets


def changed(datagram: bytes, at: int, octet: int) -> bytes:
    """With one octet changed and the checksum of a message without a pseudo header made right again."""
    one = bytearray(datagram)
    one[at] = octet
    one[26:28] = bytes(2)
    one[26:28] = closing(words(bytes(one[20:]))).to_bytes(2, "big")
    return bytes(one)


def altered(datagram: bytes, at: int, octet: int) -> bytes:
    """With one octet changed and no more."""
    return datagram[:at] + bytes([octet]) + datagram[at + 1 :]


def longer(datagram: bytes, surplus: bytes) -> bytes:
    """With octets behind the message that the IPv4 header counts."""
    length = len(datagram) + len(surplus)
    return datagram[:2] + length.to_bytes(2, "big") + datagram[4:] + surplus


ROUTER_ALERT = b"\x46" + bytes(1) + (44).to_bytes(2, "big") + sent(router())[4:20] + b"\x94\x04\x00\x00" + sent(router())[20:]
SOUND = sent(router())

CASES: list[tuple[str, VirtualRouter, bytes, PacketFault | Rejection, str]] = [
    # -- the packet
    ("nothing", router(), b"", PacketFault.LENGTH, "0 octets"),
    ("hardly begun", router(), SOUND[:19], PacketFault.LENGTH, "19 octets"),
    ("an IPv4 header alone", router(), longer(SOUND[:20], b""), PacketFault.LENGTH, "20 octets"),
    ("not even a VRRP header", router(), longer(SOUND[:27], b""), PacketFault.LENGTH, "27 octets"),
    ("of no IP version", router(), altered(SOUND, 0, 0x55), PacketFault.LENGTH, "40 octets"),
    ("a header shorter than can be", router(), altered(SOUND, 0, 0x44), PacketFault.LENGTH, "40 octets"),
    ("a header longer than the packet", router(), altered(SOUND, 0, 0x4F), PacketFault.LENGTH, "40 octets"),
    ("claims more than there is", router(), altered(SOUND, 3, 41), PacketFault.LENGTH, "40 octets"),
    ("claims less than there is", router(), altered(SOUND, 3, 36), PacketFault.LENGTH, "40 octets"),
    ("the first fragment", router(), altered(SOUND, 6, 0x20), PacketFault.IP_HEADER, "40 octets"),
    ("another fragment", router(), altered(SOUND, 7, 1), PacketFault.IP_HEADER, "40 octets"),
    ("another protocol", router(), altered(SOUND, 9, 89), PacketFault.IP_HEADER, "40 octets"),
    ("an IPv6 header cut short", router(), b"\x60" + bytes(38), PacketFault.LENGTH, "39 octets"),
    ("of the other family", PLAIN, sent(SIX, IPv6Address("fe80::6")), PacketFault.IP_HEADER, ""),
    ("of another virtual router", router(), sent(router(virtual_router_id=51)), Rejection.VIRTUAL_ROUTER, ""),
    # -- its length
    ("one octet is missing", router(), longer(SOUND[:-1], b""), PacketFault.LENGTH, "19 octets, and it counts 1 addresses"),
    ("four octets too many", router(), longer(SOUND, bytes(4)), PacketFault.LENGTH, "24 octets, and it counts 1 addresses"),
    ("counts more", router(), changed(SOUND, 23, 2), PacketFault.LENGTH, "20 octets, and it counts 2 addresses"),
    ("counts fewer", router(), changed(SOUND, 23, 0), PacketFault.LENGTH, "20 octets, and it counts 0 addresses"),
    ("a keyed hash unasked for", PLAIN, sent(HASHED), PacketFault.LENGTH, "48 octets, and it counts 1 addresses"),
    (
        "a keyed hash with surplus",
        HASHED,
        longer(sent(HASHED), bytes(4)),
        PacketFault.LENGTH,
        "52 octets, and it counts 1 addresses",
    ),
    # -- its way here
    ("an authentication header unasked for", router(), sent(AH), Rejection.HEADER_PRESENCE, ""),
    ("no authentication header", AH, SOUND, Rejection.HEADER_PRESENCE, ""),
    ("was forwarded", router(), altered(SOUND, 8, 254), PacketFault.TTL, "254"),
    (
        "of a peer that is too far away",
        replace(TO_PEERS, unicast=MINDED),
        altered(sent(TO_PEERS), 8, 249),
        PacketFault.TTL,
        "249, that of this peer is to be 250 to 254",
    ),
    (
        "of a peer that is too near",
        replace(TO_PEERS, unicast=MINDED),
        sent(TO_PEERS),
        PacketFault.TTL,
        "255, that of this peer is to be 250 to 254",
    ),
    # -- version and authentication
    ("version 3", router(), sent(V3), PacketFault.VERSION, "3, ours is 2"),
    ("version 3 with a tail", router(), altered(SOUND, 20, 0x31), PacketFault.VERSION, "3, ours is 2"),
    ("version 2", V3, SOUND, PacketFault.VERSION, "2, ours is 3"),
    (
        "version 3 of another length",
        router(),
        altered(longer(SOUND, bytes(9)), 20, 0x31),
        PacketFault.LENGTH,
        "29 octets, and it counts 1 addresses",
    ),
    ("no keyed hash", HASHED, sent(PLAIN), Rejection.KEYED_HASH_MISSING, "check auth_hmac on both sides"),
    ("a keyed hash of another type", HASHED, altered(sent(HASHED), 40, 2), Rejection.KEYED_HASH_MALFORMED, ""),
    ("a keyed hash with flags", HASHED, altered(sent(HASHED), 43, 1), Rejection.KEYED_HASH_MALFORMED, ""),
    ("an unknown key", HASHED, altered(sent(HASHED), 41, 3), Rejection.KEYED_HASH_UNKNOWN_KEY, "check auth_hmac on both sides"),
    ("another key", HASHED, altered(sent(HASHED), 41, 2), Rejection.KEYED_HASH_WRONG, "check auth_hmac on both sides"),
    ("a changed message", HASHED, altered(sent(HASHED), 22, 99), Rejection.KEYED_HASH_WRONG, "check auth_hmac on both sides"),
    (
        "a keyed hash of long ago",
        HASHED,
        altered(sent(HASHED), 44, 0),
        Rejection.KEYED_HASH_STALE,
        "check the clocks on both sides, which may differ by 5 s",
    ),
    ("an unknown authentication", router(), changed(SOUND, 24, 9), Rejection.INVALID_AUTHENTICATION_TYPE, "9, ours is 1"),
    ("another authentication", router(), sent(PLAIN), Rejection.AUTHENTICATION_TYPE_MISMATCH, "0, ours is 1"),
    ("a password unasked for", PLAIN, SOUND, Rejection.AUTHENTICATION_TYPE_MISMATCH, "1, ours is 0"),
    ("another password", router(), changed(SOUND, 39, 1), Rejection.AUTHENTICATION_FAILURE, "check auth_pass on both sides"),
    (
        "another message behind the header",
        AH,
        altered(sent(AH), 46, 99),
        Rejection.AUTHENTICATION_HEADER,
        "check auth_pass on both sides",
    ),
    (
        "the header of another sender",
        AH,
        altered(sent(AH), 15, 7),
        Rejection.AUTHENTICATION_HEADER,
        "check auth_pass on both sides",
    ),
    (
        "a header before something else",
        AH,
        altered(sent(AH), 20, 89),
        Rejection.AUTHENTICATION_HEADER,
        "check auth_pass on both sides",
    ),
    (
        "a header of another length",
        AH,
        altered(sent(AH), 21, 5),
        Rejection.AUTHENTICATION_HEADER,
        "check auth_pass on both sides",
    ),
    # -- contents
    ("another interval", router(), sent(router(advert_interval_s=2.0)), Rejection.ADVERT_INTERVAL_MISMATCH, "2 s, ours is 1 s"),
    ("no interval", V3, sent(replace(V3, advert_interval_s=0.0)), Rejection.NO_ADVERT_INTERVAL, ""),
    ("type 2", router(), changed(SOUND, 20, 0x22), PacketFault.TYPE, "type 2"),
    ("a changed priority", router(), altered(SOUND, 22, 101), PacketFault.CHECKSUM, ""),
    ("without a pseudo header", V3, sent(replace(V3, checksum_as_v2=True)), PacketFault.CHECKSUM, ""),
    ("with a pseudo header", replace(V3, checksum_as_v2=True), sent(V3), PacketFault.CHECKSUM, ""),
    # -- to whom and of whom
    ("to us alone", router(), sent(TO_PEERS), Rejection.WRONG_DESTINATION, "192.168.4.5, ours is 224.0.0.18"),
    ("to a group", TO_PEERS, SOUND, Rejection.NOT_UNICAST, "224.0.0.18"),
    (
        "to a group of IPv6",
        router(**IPV6, unicast=peers("fe80::5")),
        sent(SIX, IPv6Address("fe80::6")),
        Rejection.NOT_UNICAST,
        "ff02::12",
    ),
    ("we own the addresses", router(priority=255, owner_ignores_adverts=True), SOUND, Rejection.OWNER, ""),
    (
        "of nobody we know",
        replace(TO_PEERS, unicast=MINDED),
        sent(TO_PEERS, IPv4Address("192.168.4.7")),
        Rejection.UNKNOWN_PEER,
        "",
    ),
]


@pytest.mark.parametrize(
    ("ours", "datagram", "reason", "detail"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_packet_is_dropped(ours: VirtualRouter, datagram: bytes, reason: PacketFault | Rejection, detail: str) -> None:
    refused = Wire(ours).read(datagram, UNIX_S)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == (reason, detail)
    assert PASS_1111.password.decode() not in refused.detail


def test_each_reason_has_a_case_but_those_that_need_two_packets() -> None:
    assert {case[3] for case in CASES} == {*PacketFault, *Rejection} - {Rejection.SEQUENCE, Rejection.KEYED_HASH_REPLAYED}


@pytest.mark.parametrize(
    ("ours", "datagram"),
    [
        pytest.param(router(), SOUND + b"\xaa" * 3, id="padding behind the packet"),
        pytest.param(router(), longer(SOUND, b"\xaa" * 3), id="padding behind the message"),
        pytest.param(HASHED, longer(sent(HASHED), b"\xaa" * 3), id="padding behind a keyed hash"),
        pytest.param(router(), ROUTER_ALERT, id="IPv4 options"),
        pytest.param(router(), altered(SOUND, 6, 0x40), id="not to be fragmented"),
        pytest.param(PLAIN, changed(sent(PLAIN), 39, 7), id="no authentication, but authentication data"),
        pytest.param(replace(HASHED, hmac=replace(HMAC, mode=HmacMode.PERMISSIVE)), sent(PLAIN), id="a keyed hash is no must"),
        pytest.param(HASHED, sent(replace(HASHED, hmac=replace(HMAC, active_key_id=2))), id="the next key"),
        pytest.param(TO_PEERS, altered(sent(TO_PEERS, IPv4Address("10.0.0.1")), 8, 1), id="unicast of anybody from afar"),
        pytest.param(replace(TO_PEERS, unicast=MINDED), altered(sent(TO_PEERS), 8, 250), id="a peer as near as it has to be"),
        pytest.param(replace(TO_PEERS, unicast=MINDED), altered(sent(TO_PEERS, DIRECTOR_1), 8, 1), id="a peer without bounds"),
        pytest.param(router(priority=254, owner_ignores_adverts=True), SOUND, id="we own nothing"),
        pytest.param(router(priority=255), SOUND, id="an owner that heeds others"),
    ],
)
def test_a_packet_is_heard(ours: VirtualRouter, datagram: bytes) -> None:
    assert isinstance(Wire(ours).read(datagram, UNIX_S), Heard)


def test_reserved_bits_of_version_3_are_ignored() -> None:
    ours = replace(V3, checksum_as_v2=True)
    told = Wire(ours).read(changed(sent(ours), 24, 0xF0), UNIX_S)
    assert isinstance(told, Heard)
    assert (told.advert_interval_s, told.interval_differs) == (1.0, False)


def test_the_checks_come_in_keepalived_s_order() -> None:
    """Everything is wrong at first, and then one thing after the other is put right."""
    ours, there = replace(HASHED, advert_interval_s=9.0), replace(HASHED, addresses=addresses(99))
    wrong = altered(sent(there), 8, 1)
    assert reason(ours, wrong[:-1]) is PacketFault.LENGTH
    assert reason(ours, altered(wrong, 20, 0x32)) is PacketFault.TTL
    wrong = altered(wrong, 8, 255)
    assert reason(ours, altered(wrong, 20, 0x32)) is PacketFault.VERSION
    assert reason(ours, altered(wrong, 20, 0x22)) is Rejection.KEYED_HASH_WRONG
    ours, wrong = router(unicast=MINDED, priority=255, owner_ignores_adverts=True), altered(sent(PLAIN, priority=255), 22, 99)
    wrong = altered(altered(altered(wrong, 20, 0x22), 25, 2), 24, 9)
    assert reason(ours, wrong) is PacketFault.TTL
    ours = replace(ours, unicast=replace(MINDED, peers=()))
    assert reason(ours, wrong) is Rejection.INVALID_AUTHENTICATION_TYPE
    assert reason(ours, altered(wrong, 24, 2)) is Rejection.AUTHENTICATION_TYPE_MISMATCH
    wrong = altered(wrong, 24, 1)
    assert reason(ours, wrong) is Rejection.AUTHENTICATION_FAILURE
    wrong = wrong[:32] + b"1111\0\0\0\0"
    assert reason(ours, wrong) is Rejection.ADVERT_INTERVAL_MISMATCH
    wrong = altered(wrong, 25, 1)
    assert reason(ours, wrong) is PacketFault.TYPE
    wrong = altered(wrong, 20, 0x21)
    assert reason(ours, wrong) is PacketFault.CHECKSUM
    wrong = changed(wrong, 22, 99)
    assert reason(ours, wrong) is Rejection.NOT_UNICAST
    wrong = wrong[:16] + DIRECTOR_1.packed + wrong[20:]
    assert reason(ours, wrong) is Rejection.OWNER
    assert reason(replace(ours, priority=100), wrong) is Rejection.UNKNOWN_PEER


def reason(ours: VirtualRouter, datagram: bytes) -> PacketFault | Rejection:
    refused = Wire(ours).read(datagram, UNIX_S)
    assert isinstance(refused, Refused), refused
    return refused.reason


def test_each_reason_to_drop_a_packet_is_counted_but_another_virtual_router() -> None:
    assert set(COUNTER_NAMES) == {*PacketFault, *Rejection}
    assert [one for one, name in COUNTER_NAMES.items() if name is None] == [Rejection.VIRTUAL_ROUTER]
    assert {name for name in COUNTER_NAMES.values() if name} <= {field.name for field in fields(Counters)}
