"""The codec: keepalived's bytes, scapy as a second opinion, and everything that can be wrong with a packet."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.vrrp import VRRP

from tests.protocol import routers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2
from vrrpd.config.model import VRRP_GROUP
from vrrpd.protocol.packet import (
    ADDRESSES_MAX,
    Advertisement,
    PacketFault,
    Parsed,
    checksum,
    encode,
    ipv4_datagram,
    parse,
    source_address,
    virtual_router_id,
)

ONE = (IPv4Address("192.168.4.15"),)
THREE = (*ONE, IPv4Address("192.168.4.16"), IPv4Address("192.168.4.17"))
WITH_PASSWORD = Advertisement(50, 100, 1, 1, ONE, b"1111\0\0\0\0")
WITHOUT = Advertisement(50, 100, 0, 1, THREE)

CAPTURES = [
    pytest.param(routers.KEEPALIVED_PASS, DIRECTOR_1, 1, WITH_PASSWORD, id="PASS"),
    pytest.param(routers.KEEPALIVED_PASS_DIRECTOR_2, DIRECTOR_2, 1, replace(WITH_PASSWORD, priority=50), id="PASS, backup"),
    pytest.param(routers.KEEPALIVED_PASS_FAREWELL, DIRECTOR_1, 8, replace(WITH_PASSWORD, priority=0), id="PASS, priority 0"),
    pytest.param(routers.KEEPALIVED_THREE_ADDRESSES, DIRECTOR_1, 1, WITHOUT, id="three addresses"),
    pytest.param(
        routers.KEEPALIVED_THREE_ADDRESSES_FAREWELL,
        DIRECTOR_1,
        8,
        replace(WITHOUT, priority=0),
        id="three addresses, priority 0",
    ),
]

UNTIMED = settings(deadline=None)
"""The machine may be slow; what is tested here is not its speed."""

ADVERTISEMENTS = st.builds(
    Advertisement,
    virtual_router_id=st.integers(1, 255),
    priority=st.integers(0, 255),
    authentication_type=st.integers(0, 255),
    advert_interval_s=st.integers(0, 255),
    addresses=st.lists(st.ip_addresses(v=4), max_size=ADDRESSES_MAX).map(tuple),
    authentication_data=st.binary(min_size=8, max_size=8),
)


@pytest.mark.parametrize(("octets", "source", "identification", "advertisement"), CAPTURES)
def test_packets_are_those_of_keepalived(
    octets: bytes, source: IPv4Address, identification: int, advertisement: Advertisement
) -> None:
    assert ipv4_datagram(encode(advertisement), source, VRRP_GROUP, identification) == octets


@pytest.mark.parametrize(("octets", "source", "identification", "advertisement"), CAPTURES)
def test_packets_of_keepalived_are_understood(
    octets: bytes, source: IPv4Address, identification: int, advertisement: Advertisement
) -> None:
    assert parse(octets) == Parsed(source, VRRP_GROUP, advertisement)


@UNTIMED
@given(ADVERTISEMENTS, st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(1, 0xFFFF))
def test_what_is_encoded_is_parsed_back(
    advertisement: Advertisement, source: IPv4Address, destination: IPv4Address, identification: int
) -> None:
    datagram = ipv4_datagram(encode(advertisement), source, destination, identification)
    assert parse(datagram) == Parsed(source, destination, advertisement)
    assert virtual_router_id(datagram) == advertisement.virtual_router_id
    assert source_address(datagram) == source


@UNTIMED
@given(ADVERTISEMENTS.filter(lambda each: each.addresses != ()), st.ip_addresses(v=4), st.integers(1, 0xFFFF))
def test_scapy_reads_the_same_fields_and_computes_the_same_checksums(
    advertisement: Advertisement, source: IPv4Address, identification: int
) -> None:
    datagram = ipv4_datagram(encode(advertisement), source, VRRP_GROUP, identification)
    seen = IP(datagram)
    assert (seen.tos, seen.id, seen.flags, seen.ttl, seen.proto) == (0xC0, identification, 0, 255, 112)
    assert (seen.src, seen.dst, seen.len) == (str(source), str(VRRP_GROUP), len(datagram))
    vrrp = seen[VRRP]
    assert (vrrp.version, vrrp.type, vrrp.vrid, vrrp.priority) == (
        2,
        1,
        advertisement.virtual_router_id,
        advertisement.priority,
    )
    assert (vrrp.authtype, vrrp.adv) == (advertisement.authentication_type, advertisement.advert_interval_s)
    assert vrrp.addrlist == [str(each) for each in advertisement.addresses]
    assert vrrp.auth1.to_bytes(4, "big") + vrrp.auth2.to_bytes(4, "big") == advertisement.authentication_data
    sums = seen.chksum, vrrp.chksum
    del seen.chksum, vrrp.chksum
    again = IP(seen.build())
    assert (again.chksum, again[VRRP].chksum) == sums


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", 0xFFFF),
        (b"\xff\xff", 0),
        (b"\xff", 0x00FF),
        (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),  # the example of RFC 1071 section 3
        (b"\xff\xff" * 0x8001, 0),
    ],
)
def test_the_checksum_is_that_of_rfc_1071(octets: bytes, expected: int) -> None:
    assert checksum(octets) == expected


SOUND = routers.KEEPALIVED_PASS


def changed(offset: int, value: int) -> bytes:
    """A sound packet with one octet changed."""
    return SOUND[:offset] + bytes((value,)) + SOUND[offset + 1 :]


@pytest.mark.parametrize(
    ("datagram", "fault"),
    [
        pytest.param(b"", PacketFault.LENGTH, id="nothing"),
        pytest.param(SOUND[:20], PacketFault.LENGTH, id="an IPv4 header alone"),
        pytest.param(SOUND[:27], PacketFault.LENGTH, id="not even a VRRP header"),
        pytest.param(SOUND[:-1], PacketFault.LENGTH, id="one octet is missing"),
        pytest.param(SOUND + bytes(4), PacketFault.LENGTH, id="four octets too many"),
        pytest.param(changed(23, 2), PacketFault.LENGTH, id="counts more addresses than it has"),
        pytest.param(changed(23, 0), PacketFault.LENGTH, id="counts fewer addresses than it has"),
        pytest.param(changed(0, 0x4F), PacketFault.LENGTH, id="claims more IPv4 options than it has"),
        pytest.param(changed(8, 254), PacketFault.TTL, id="was forwarded"),
        pytest.param(changed(20, 0x31), PacketFault.VERSION, id="version 3"),
        pytest.param(changed(20, 0x22), PacketFault.TYPE, id="type 2"),
        pytest.param(changed(22, 101), PacketFault.CHECKSUM, id="priority altered on the way"),
        pytest.param(changed(39, 1), PacketFault.CHECKSUM, id="authentication data altered on the way"),
    ],
)
def test_a_broken_packet_is_told_by_its_first_fault(datagram: bytes, fault: PacketFault) -> None:
    assert parse(datagram) is fault


def test_the_checks_come_in_the_order_length_ttl_version_type_checksum() -> None:
    everything_wrong = bytearray(SOUND[:-1])
    everything_wrong[8], everything_wrong[20] = 1, 0x35
    assert parse(bytes(everything_wrong)) is PacketFault.LENGTH
    everything_wrong.append(0)
    assert parse(bytes(everything_wrong)) is PacketFault.TTL
    everything_wrong[8] = 255
    assert parse(bytes(everything_wrong)) is PacketFault.VERSION
    everything_wrong[20] = 0x25
    assert parse(bytes(everything_wrong)) is PacketFault.TYPE
    everything_wrong[20], everything_wrong[22] = 0x21, 1
    assert parse(bytes(everything_wrong)) is PacketFault.CHECKSUM


@pytest.mark.parametrize("surplus", [1, 2, 3])
def test_padding_of_up_to_three_octets_is_tolerated(surplus: int) -> None:
    assert parse(SOUND + b"\xaa" * surplus) == parse(SOUND)


def test_ipv4_options_are_skipped() -> None:
    with_options = b"\x46" + SOUND[1:20] + b"\x94\x04\x00\x00" + SOUND[20:]  # router alert, RFC 2113
    assert parse(with_options) == parse(SOUND)
    assert virtual_router_id(with_options) == 50


@pytest.mark.parametrize(("octets", "expected"), [(0, None), (21, None), (22, 50), (40, 50)])
def test_the_virtual_router_is_known_as_soon_as_its_octet_is_there(octets: int, expected: int | None) -> None:
    assert virtual_router_id(SOUND[:octets]) == expected


@pytest.mark.parametrize(("octets", "expected"), [(19, None), (20, DIRECTOR_1)])
def test_the_sender_is_known_as_soon_as_the_ipv4_header_is_there(octets: int, expected: IPv4Address | None) -> None:
    assert source_address(SOUND[:octets]) == expected


@UNTIMED
@given(st.binary(max_size=80))
def test_no_bytes_make_the_parser_raise(datagram: bytes) -> None:
    assert isinstance(parse(datagram), Parsed | PacketFault)
