"""Frames of neighbour discovery, against keepalived's own and scapy's."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether
from scapy.utils6 import in6_getnsma, in6_getnsmac

from vrrpd.kernel.ndp import UNSPECIFIED, advertised, neighbour_advertisement, neighbour_solicitation

MAC = bytes.fromhex("020000000005")
OWN = IPv6Address("fe80::ff:fe00:5")
VIRTUAL = IPv6Address("fd00:4::15")

macs = st.binary(min_size=6, max_size=6)
addresses = st.ip_addresses(v=6)


@pytest.mark.parametrize(
    ("address", "captured"),
    [
        (
            IPv6Address("fe80::15"),
            (
                "33330000000102000000000586dd6000000000203afffe800000000000000000000000000015ff020000000000000000000000000001"
                "8800576f20000000fe8000000000000000000000000000150201020000000005"
            ),
        ),
        (
            VIRTUAL,
            (
                "33330000000102000000000586dd6000000000203afffd000004000000000000000000000015ff020000000000000000000000000001"
                "88005a6720000000fd0000040000000000000000000000150201020000000005"
            ),
        ),
    ],
)
def test_the_advertisement_is_the_one_captured_from_keepalived(address: IPv6Address, captured: str) -> None:
    frame = neighbour_advertisement(MAC, address, router=False)
    assert frame == bytes.fromhex(captured)
    assert len(frame) == 86


@given(mac=macs, address=addresses, router=st.booleans())
def test_scapy_writes_the_same_advertisement(mac: bytes, address: IPv6Address, router: bool) -> None:
    expected = (
        Ether(src=mac.hex(":"), dst="33:33:00:00:00:01")
        / IPv6(src=str(address), dst="ff02::1", hlim=255)
        / ICMPv6ND_NA(tgt=str(address), R=int(router), S=0, O=1)
        / ICMPv6NDOptDstLLAddr(lladdr=mac.hex(":"))
    )
    assert neighbour_advertisement(mac, address, router=router) == bytes(expected)


@given(mac=macs, source=st.just(UNSPECIFIED) | st.just(OWN), target=addresses)
def test_scapy_writes_the_same_solicitation(mac: bytes, source: IPv6Address, target: IPv6Address) -> None:
    group = in6_getnsma(target.packed)
    expected = (
        Ether(src=mac.hex(":"), dst=in6_getnsmac(group))
        / IPv6(src=str(source), dst=str(IPv6Address(group)), hlim=255)
        / ICMPv6ND_NS(tgt=str(target))
    )
    if source == OWN:
        expected /= ICMPv6NDOptSrcLLAddr(lladdr=mac.hex(":"))
    assert neighbour_solicitation(mac, source, target) == bytes(expected)


ADVERTISED = bytes(ICMPv6ND_NA(tgt=str(VIRTUAL)) / ICMPv6NDOptDstLLAddr(lladdr=MAC.hex(":")))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (ADVERTISED, (VIRTUAL, MAC)),
        (ADVERTISED + bytes(8), (VIRTUAL, MAC)),
        (bytes(ICMPv6ND_NS(tgt=str(VIRTUAL)) / ICMPv6NDOptSrcLLAddr(lladdr=MAC.hex(":"))), None),
        (bytes(ICMPv6ND_NA(tgt=str(VIRTUAL)) / ICMPv6NDOptMTU()), None),
        (ADVERTISED[:25] + bytes([2]) + ADVERTISED[26:], None),
        (ADVERTISED[:24], None),
        (b"", None),
    ],
    ids=["advertisement", "more options", "solicitation", "another option", "a longer address", "no option", "empty"],
)
def test_who_advertises_an_address(message: bytes, expected: object) -> None:
    assert advertised(message) == expected


@given(noise=st.binary(max_size=60), place=st.integers(0, 32))
def test_no_bytes_make_it_raise(noise: bytes, place: int) -> None:
    advertised(noise)
    advertised(ADVERTISED[:place] + noise)
