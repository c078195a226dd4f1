"""Checksums and IP headers, with scapy for a second opinion."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import checksum as scapy_checksum

from tests.protocol.captures import IPV6, NONE, addresses6
from tests.protocol.routers import DIRECTOR_1, addresses, router
from vrrpd.protocol.checksum import closing, is_closed, words
from vrrpd.protocol.wire import Heard, Wire

LINK_LOCAL = IPv6Address("fe80::5")


@given(st.binary(min_size=1, max_size=80).filter(any))
def test_the_sum_is_scapy_s(octets: bytes) -> None:
    assert closing(words(octets)) == scapy_checksum(octets)


@given(st.binary(min_size=2, max_size=80).filter(any))
def test_a_message_with_its_sum_is_closed_and_with_another_is_not(octets: bytes) -> None:
    even = octets + bytes(len(octets) % 2)
    total = closing(words(even))
    assert is_closed(words(even + total.to_bytes(2, "big")))
    assert not is_closed(words(even + (total ^ 1).to_bytes(2, "big")))


@given(st.integers(0, 255), st.integers(1, 255), st.lists(st.integers(1, 254), max_size=20))
def test_version_2_is_scapy_s(priority: int, router_id: int, octets: list[int]) -> None:
    ours = router(virtual_router_id=router_id, addresses=addresses(*octets))
    datagram = Wire(ours).adverts(DIRECTOR_1, priority, 0.0)[0].octets
    texts = [str(entry.address) for entry in ours.addresses]
    message = VRRP(vrid=router_id, priority=priority, ipcount=len(texts), addrlist=texts, authtype=1, auth1=0x31313131)
    carrier = IP(src="192.168.4.5", dst="224.0.0.18", ttl=255, tos=0xC0, id=1)
    assert bytes(carrier / message) == datagram


@pytest.mark.parametrize("interval_s", [0.01, 1.0, 40.95])
@given(priority=st.integers(0, 255), octets=st.lists(st.integers(1, 254), max_size=20))
def test_version_3_is_scapy_s(interval_s: float, priority: int, octets: list[int]) -> None:
    ours = router(version=3, authentication=NONE, advert_interval_s=interval_s, addresses=addresses(*octets))
    datagram = Wire(ours).adverts(DIRECTOR_1, priority, 0.0)[0].octets
    texts = [str(entry.address) for entry in ours.addresses]
    message = VRRPv3(vrid=50, priority=priority, ipcount=len(texts), addrlist=texts, adv=round(interval_s * 100))
    carrier = IP(src="192.168.4.5", dst="224.0.0.18", ttl=255, tos=0xC0, id=1)
    assert bytes(carrier / message) == datagram


@given(st.integers(0, 255), st.lists(st.integers(1, 0xFFFF), max_size=10))
def test_version_3_over_ipv6_is_scapy_s(priority: int, numbers: list[int]) -> None:
    texts = [f"fd00::{number:x}" for number in numbers]
    ours = router(**IPV6, addresses=addresses6(*texts))
    datagram = Wire(ours).adverts(LINK_LOCAL, priority, 0.0)[0].octets
    message = VRRPv3(vrid=50, priority=priority, ipcount=len(texts), addrlist=texts, adv=100)
    carrier = IPv6(src="fe80::5", dst="ff02::12", hlim=255, tc=0xC0)
    assert bytes(carrier / message) == datagram
    assert isinstance(Wire(ours).read(bytes(carrier / message), 0.0), Heard)


def test_the_header_checksum_is_scapy_s_whatever_the_number() -> None:
    wire = Wire(router())
    for _ in range(300):
        datagram = wire.adverts(IPv4Address("10.255.255.254"), 1, 0.0)[0].octets
        assert scapy_checksum(datagram[:20]) == 0
