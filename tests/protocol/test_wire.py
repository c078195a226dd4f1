"""What one virtual router says and hears: keepalived's bytes, our own, and anybody's."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.captures import AH_1111, CAPTURES, IPV6, NONE, SINGLES, Capture, Single, addresses6, peers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, PASS_1111, addresses, router
from vrrpd.config.model import Hmac, HmacKey, HmacMode, OldChecksum, VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.ip_header import source_octets
from vrrpd.protocol.packet import PacketFault
from vrrpd.protocol.wire import Heard, Refused, Wire, virtual_router_key

UNIX_S = 1_790_000_000.0
HMAC = Hmac((HmacKey(1, bytes(range(32))),), 1, 5.0)
SIX = IPv6Address("fe80::6")

captures = pytest.mark.parametrize("capture", CAPTURES, ids=[one.name for one in CAPTURES])
singles = pytest.mark.parametrize("single", SINGLES, ids=[one.name for one in SINGLES])


def source_of(datagram: bytes) -> Any:
    octets = source_octets(datagram)
    assert octets is not None
    return ip_address(octets)


def without_flow_label(datagram: bytes) -> bytes:
    """The kernel labels flows of IPv6 as it likes; nobody reads that."""
    return datagram if datagram[0] == 0x45 else datagram[:1] + bytes([datagram[1] & 0xF0, 0, 0]) + datagram[4:]


def only(wire: Wire, source: Any, priority: int, unix_s: float = UNIX_S) -> bytes:
    """The one datagram of an advert."""
    (datagram,) = wire.adverts(source, priority, unix_s)
    return datagram.octets


def heard(wire: Wire, datagram: bytes, unix_s: float = UNIX_S) -> Heard:
    one = wire.read(datagram, unix_s)
    assert isinstance(one, Heard), one
    return one


def reason(wire: Wire, datagram: bytes, unix_s: float = UNIX_S) -> PacketFault | Rejection:
    one = wire.read(datagram, unix_s)
    assert isinstance(one, Refused)
    return one.reason


# ---------------------------------------------------------------------------------------------- as keepalived


@captures
def test_adverts_are_keepalived_s_to_the_last_bit(capture: Capture) -> None:
    wire, source = Wire(capture.router), source_of(capture.advert)
    if capture.router.authentication == AH_1111:  # it had heard four adverts of the other director before
        other = Wire(capture.router)
        before = [only(other, DIRECTOR_2, 50) for _ in range(4)]
        heard(wire, before[-1])
    assert only(wire, source, 100) == without_flow_label(capture.advert)
    farewell = int.from_bytes(capture.farewell[4:6], "big") if capture.router.family == 4 else 0
    for _ in range(2, farewell):
        only(wire, source, 100)
    assert only(wire, source, 0) == without_flow_label(capture.farewell)


@captures
def test_adverts_of_keepalived_are_believed(capture: Capture) -> None:
    wire = Wire(capture.router)
    for datagram, priority in ((capture.of_director_2, 50), (capture.advert, 100), (capture.farewell, 0)):
        assert virtual_router_key(datagram) == (capture.router.family, 50)
        assert heard(wire, datagram) == Heard(
            source=source_of(datagram),
            destination=ip_address(datagram[16:20] if capture.router.family == 4 else datagram[24:40]),
            priority=priority,
            advert_interval_s=capture.router.advert_interval_s,
            addresses=tuple(entry.address for entry in capture.router.addresses),
            addresses_differ=False,
            interval_differs=False,
        )


@singles
def test_single_adverts_of_keepalived_are_said_and_believed(single: Single) -> None:
    assert only(Wire(single.router), single.source, single.router.priority) == without_flow_label(single.advert)
    assert heard(Wire(single.router), single.advert).source == single.source
    assert virtual_router_key(single.advert) == (single.router.family, single.router.virtual_router_id)


# ---------------------------------------------------------------------------------------------- any configuration


@st.composite
def routers(draw: st.DrawFn) -> VirtualRouter:
    """Virtual routers of every version, family, destination and authentication."""
    version, family = draw(st.sampled_from((2, 3))), draw(st.sampled_from((4, 6)))
    size = 4 if family == 4 else 16
    octets = draw(st.lists(st.binary(min_size=size, max_size=size), max_size=255 if family == 4 else 60))
    entries = tuple(replace(addresses(1)[0], address=ip_address(one)) for one in octets)
    authentication = draw(st.sampled_from((NONE, PASS_1111, AH_1111))) if version == 2 else NONE
    to_peers = peers("192.168.4.5", "192.168.4.6") if family == 4 else peers("fe80::5", "fe80::6")
    form = draw(st.sampled_from(OldChecksum))
    interval_s = draw(st.integers(1, 255)) if version == 2 else draw(st.integers(1, 4095)) / 100
    six = IPV6 if family == 6 else {}
    return router(
        **six | {"version": version, "authentication": authentication},
        virtual_router_id=draw(st.integers(1, 255)),
        addresses=entries,
        advert_interval_s=float(interval_s),
        unicast=draw(st.sampled_from((None, replace(to_peers, old_checksum=form)))),
        hmac=draw(st.sampled_from((None, HMAC))),
        checksum_as_v2=draw(st.booleans()),
    )


def sources(one: VirtualRouter) -> tuple[Any, Any]:
    return (DIRECTOR_1, DIRECTOR_2) if one.family == 4 else (IPv6Address("fe80::5"), SIX)


@given(routers(), st.integers(0, 255))
def test_what_one_says_the_other_hears(one: VirtualRouter, priority: int) -> None:
    ours, theirs = sources(one)
    there, here = Wire(one), Wire(one)
    for _ in range(3):
        told = heard(here, only(there, theirs, priority))
        assert (told.source, told.priority, told.advert_interval_s) == (theirs, priority, one.advert_interval_s)
        assert told.addresses == tuple(entry.address for entry in one.addresses)
        assert (told.addresses_differ, told.interval_differs) == (False, False)
        assert told.destination == (ours if one.unicast else one.multicast_group)


@given(routers(), st.data())
def test_no_change_on_the_way_makes_it_raise(one: VirtualRouter, data: st.DataObject) -> None:
    datagram = bytearray(only(Wire(one), sources(one)[1], 100))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(datagram) - 1))
        datagram[at] = data.draw(st.integers(0, 255))
    cut = bytes(datagram[: data.draw(st.integers(0, len(datagram)))]) + data.draw(st.binary(max_size=40))
    for changed in (bytes(datagram), cut):
        virtual_router_key(changed)
        assert isinstance(Wire(one).read(changed, UNIX_S), Heard | Refused)


@given(routers(), st.binary(max_size=120), st.sampled_from((b"", b"\x45", b"\x60")))
def test_no_bytes_make_it_raise(one: VirtualRouter, rest: bytes, first: bytes) -> None:
    virtual_router_key(first + rest)
    assert isinstance(Wire(one).read(first + rest, UNIX_S), Heard | Refused)


@given(routers(), st.data())
def test_a_change_behind_the_ip_header_is_noticed(one: VirtualRouter, data: st.DataObject) -> None:
    datagram = only(Wire(one), sources(one)[1], 100)
    at = data.draw(st.integers(20 if one.family == 4 else 40, len(datagram) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = datagram[:at] + bytes([datagram[at] ^ 1 << bit]) + datagram[at + 1 :]
    assert isinstance(Wire(one).read(changed, UNIX_S), Refused)


# ---------------------------------------------------------------------------------------------- saying


def test_the_identification_goes_round_without_zero() -> None:
    wire = Wire(router())
    numbers = [int.from_bytes(only(wire, DIRECTOR_1, 100)[4:6], "big") for _ in range(0x10001)]
    assert (numbers[:2], numbers[-3:]) == ([1, 2], [0xFFFF, 1, 2])


def test_each_peer_gets_a_datagram_of_its_own_but_ourselves() -> None:
    to_peers = peers("192.168.4.5", "192.168.4.6", "192.168.4.7", ttl=3)
    datagrams = Wire(router(version=3, authentication=NONE, unicast=to_peers)).adverts(DIRECTOR_1, 100, UNIX_S)
    assert [str(one.destination) for one in datagrams] == ["192.168.4.6", "192.168.4.7"]
    assert [one.octets[16:20] for one in datagrams] == [one.destination.packed for one in datagrams]
    assert [one.octets[8] for one in datagrams] == [3, 3]
    assert datagrams[0].octets[26:28] != datagrams[1].octets[26:28]  # the checksum names the peer


@pytest.mark.parametrize("settings", [{}, {"authentication": AH_1111}, {"hmac": HMAC}])
def test_without_peers_nothing_is_said(settings: dict[str, Any]) -> None:
    assert Wire(router(**settings, unicast=peers(fault_without_peer=True))).adverts(DIRECTOR_1, 100, UNIX_S) == ()


def test_another_group_may_be_configured() -> None:
    group = IPv4Address("224.0.0.99")
    elsewhere = Wire(router(multicast_group=group))
    assert elsewhere.adverts(DIRECTOR_1, 100, UNIX_S)[0].destination == group
    assert reason(Wire(router()), only(elsewhere, DIRECTOR_1, 100)) is Rejection.WRONG_DESTINATION


def test_priorities_come_and_go_without_filling_memory() -> None:
    wire = Wire(router())
    for priority in (*range(256), *range(256)):
        assert only(wire, DIRECTOR_1, priority)[22] == priority
    assert len(wire._own._prepared) <= 8


def test_a_reload_changes_the_words_and_keeps_the_count() -> None:
    wire = Wire(router())
    only(wire, DIRECTOR_1, 100)
    wire.reconfigure(router(addresses=addresses(99)))
    datagram = only(wire, DIRECTOR_1, 100)
    assert (int.from_bytes(datagram[4:6], "big"), datagram[28:32]) == (2, IPv4Address("192.168.4.99").packed)


def test_more_addresses_of_the_other_family_are_not_told() -> None:
    both = router(addresses=(*addresses(15), *addresses6("fd00:4::f")))
    assert only(Wire(both), DIRECTOR_1, 100) == only(Wire(router()), DIRECTOR_1, 100)


def test_an_interval_longer_than_twelve_bits_is_cut() -> None:
    long = Wire(router(version=3, authentication=NONE, advert_interval_s=100.0))
    assert only(long, DIRECTOR_1, 100)[24:26] == b"\x0f\xff"


# ---------------------------------------------------------------------------------------------- hearing


def test_the_same_words_again_are_heard_again_and_others_are_looked_at() -> None:
    there, here = Wire(router()), Wire(router())
    first = heard(here, only(there, DIRECTOR_2, 100))
    assert heard(here, only(there, DIRECTOR_2, 100)) is first
    assert heard(here, only(there, DIRECTOR_2, 0)).priority == 0
    assert reason(here, only(there, DIRECTOR_2, 0)[:-1]) is PacketFault.LENGTH
    here.reconfigure(router(authentication=NONE))
    assert reason(here, only(there, DIRECTOR_2, 0)) is Rejection.AUTHENTICATION_TYPE_MISMATCH


def test_a_memory_of_ipv6_is_of_the_whole_packet() -> None:
    six = router(**IPV6, addresses=addresses6("fe80::15"))
    there, here = Wire(six), Wire(six)
    assert heard(here, only(there, SIX, 100)).source == SIX
    moved = bytearray(only(there, SIX, 100))
    moved[11] ^= 1
    assert reason(here, bytes(moved)) is PacketFault.CHECKSUM


@pytest.mark.parametrize(
    ("theirs", "differ"),
    [((15, 16, 17), False), ((17, 15, 16), False), ((15, 16), True), ((15, 16, 18), True), ((15, 15, 16), True), ((), True)],
)
def test_address_lists_are_compared_as_sets_of_the_same_length(theirs: tuple[int, ...], differ: bool) -> None:
    told = heard(
        Wire(router(addresses=addresses(15, 16, 17))), only(Wire(router(addresses=addresses(*theirs))), DIRECTOR_2, 100)
    )
    assert told.addresses == tuple(entry.address for entry in addresses(*theirs))
    assert told.addresses_differ is differ


def test_addresses_of_a_known_master_may_be_left_alone() -> None:
    here, there = Wire(router(skip_address_check=True)), Wire(router(addresses=addresses(77)))
    masters = (DIRECTOR_2, DIRECTOR_2, DIRECTOR_1, DIRECTOR_2)
    told = [heard(here, only(there, master, 100)).addresses_differ for master in masters]
    assert told == [True, False, True, True]


def test_the_interval_of_version_3_is_learnt() -> None:
    here = Wire(router(version=3, authentication=NONE))
    told = heard(here, only(Wire(router(version=3, authentication=NONE, advert_interval_s=0.25)), DIRECTOR_2, 100))
    assert (told.advert_interval_s, told.interval_differs) == (0.25, True)


def test_the_sender_is_told_even_of_broken_packets() -> None:
    here, datagram = Wire(router()), only(Wire(router()), DIRECTOR_2, 100)
    assert here.read(datagram[:20], UNIX_S) == Refused(PacketFault.LENGTH, DIRECTOR_2, "20 octets")
    assert here.read(datagram[:19], UNIX_S) == Refused(PacketFault.LENGTH, None, "19 octets")


# ---------------------------------------------------------------------------------------------- old checksums


def speaker(form: OldChecksum) -> Wire:
    return Wire(router(version=3, authentication=NONE, unicast=replace(peers("192.168.4.5", "192.168.4.6"), old_checksum=form)))


def test_an_old_peer_is_answered_in_its_own_form_until_it_is_renewed() -> None:
    old, new, here = speaker(OldChecksum.ALWAYS), speaker(OldChecksum.NEVER), speaker(OldChecksum.AUTO)
    assert reason(old, only(here, DIRECTOR_1, 100)) is PacketFault.CHECKSUM
    heard(here, only(old, DIRECTOR_2, 50))
    heard(old, only(here, DIRECTOR_1, 100))
    heard(here, only(new, DIRECTOR_2, 50))
    heard(new, only(here, DIRECTOR_1, 100))
    assert reason(new, only(old, DIRECTOR_2, 50)) is PacketFault.CHECKSUM


def test_the_form_of_a_stranger_is_not_remembered() -> None:
    here = speaker(OldChecksum.AUTO)
    for octet in range(100, 110):
        to_both = speaker(OldChecksum.ALWAYS).adverts(IPv4Address(f"192.168.4.{octet}"), 50, UNIX_S)
        heard(here, to_both[0].octets)
    assert here._own._old_peers == set()


# ---------------------------------------------------------------------------------------------- what is remembered


def test_a_reload_forgets_no_sequence() -> None:
    for settings in ({"authentication": AH_1111}, {"hmac": HMAC, "authentication": NONE}):
        there, here = Wire(router(**settings)), Wire(router(**settings))
        datagram = only(there, DIRECTOR_2, 100)
        heard(here, datagram)
        here.reconfigure(router(**settings, addresses=addresses(15, 16)))
        assert reason(here, datagram) in {Rejection.SEQUENCE, Rejection.KEYED_HASH_REPLAYED}
        there.reconfigure(router(**settings, addresses=addresses(15, 16)))
        heard(here, only(there, DIRECTOR_2, 100))


def test_who_only_receives_keyed_hashes_sends_none() -> None:
    silent = Wire(router(authentication=NONE, hmac=replace(HMAC, mode=HmacMode.RECEIVE_ONLY)))
    assert only(silent, DIRECTOR_1, 100) == only(Wire(router(authentication=NONE)), DIRECTOR_1, 100)
    heard(silent, only(Wire(router(hmac=HMAC)), DIRECTOR_2, 100))
    heard(silent, only(Wire(router(authentication=NONE)), DIRECTOR_2, 100))


# ---------------------------------------------------------------------------------------------- whose it is


@pytest.mark.parametrize(
    ("datagram", "expected"),
    [
        (b"", None),
        (b"\x45", None),
        (bytes([0x45]) + bytes(21), (4, 0)),
        (bytes([0x45]) + bytes(20), None),
        (bytes([0x46]) + bytes(23) + b"\x21\x32", (4, 50)),
        (bytes([0x40]) + bytes(19) + b"\x21\x32", (4, 50)),
        (bytes([0x60]) + bytes(39) + b"\x31\x33", (6, 51)),
        (bytes([0x60]) + bytes(39) + b"\x31", None),
        (bytes([0x45]) + bytes(8) + b"\x33" + bytes(10) + bytes(24) + b"\x21\x34", (4, 52)),
        (bytes([0x45]) + bytes(8) + b"\x33" + bytes(10) + bytes(24) + b"\x21", None),
    ],
)
def test_the_virtual_router_is_known_as_soon_as_its_octet_is_there(datagram: bytes, expected: tuple[int, int] | None) -> None:
    assert virtual_router_key(datagram) == expected
