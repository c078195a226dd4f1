"""ARP frames, against keepalived's own and scapy's."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP, Ether

from vrrpd.kernel.arp import arp_probe, claimed, gratuitous_arp

MAC = bytes.fromhex("020000000005")
OTHER_MAC = bytes.fromhex("020000000006")
ADDRESS = "192.168.4.15"


def test_the_frame_is_the_one_captured_from_keepalived() -> None:
    captured = bytes.fromhex("ffffffffffff02000000000508060001080006040001020000000005c0a8040fffffffffffffc0a8040f")
    assert gratuitous_arp(MAC, IPv4Address("192.168.4.15")) == captured


@given(mac=st.binary(min_size=6, max_size=6), address=st.ip_addresses(v=4))
def test_scapy_writes_the_same_frame(mac: bytes, address: IPv4Address) -> None:
    source = mac.hex(":")
    everybody = "ff:ff:ff:ff:ff:ff"
    request = ARP(op="who-has", hwsrc=source, psrc=str(address), hwdst=everybody, pdst=str(address))
    assert gratuitous_arp(mac, address) == bytes(Ether(src=source, dst=everybody) / request)


@given(mac=st.binary(min_size=6, max_size=6), address=st.ip_addresses(v=4))
def test_scapy_writes_the_same_probe(mac: bytes, address: IPv4Address) -> None:
    source = mac.hex(":")
    request = ARP(op="who-has", hwsrc=source, psrc="0.0.0.0", hwdst="00:00:00:00:00:00", pdst=str(address))
    assert arp_probe(mac, address) == bytes(Ether(src=source, dst="ff:ff:ff:ff:ff:ff") / request)


def heard(**fields: Any) -> bytes:
    """A frame of scapy's, as another host would send it."""
    fields = {"hwsrc": OTHER_MAC.hex(":"), "psrc": ADDRESS, "hwdst": MAC.hex(":"), "pdst": "0.0.0.0"} | fields
    return bytes(Ether(src=OTHER_MAC.hex(":"), dst=MAC.hex(":")) / ARP(**fields))


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (heard(op="is-at"), (IPv4Address(ADDRESS), OTHER_MAC)),
        (heard(op="is-at") + bytes(18), (IPv4Address(ADDRESS), OTHER_MAC)),
        (heard(op="who-has", pdst=ADDRESS), (IPv4Address(ADDRESS), OTHER_MAC)),
        (heard(op="who-has", pdst="192.168.4.1"), None),
        (heard(op="who-has", psrc="0.0.0.0", pdst=ADDRESS), None),
        (heard(op="is-at", hwtype=6), None),
        (heard(op="is-at", ptype=0x86DD), None),
        (heard(op="is-at")[:41], None),
        (b"", None),
    ],
    ids=["reply", "padded", "announcement", "question", "probe", "not Ethernet", "not IPv4", "cut short", "empty"],
)
def test_who_claims_an_address(frame: bytes, expected: object) -> None:
    assert claimed(frame) == expected


@given(noise=st.binary(max_size=80), place=st.integers(0, 42))
def test_no_bytes_make_it_raise(noise: bytes, place: int) -> None:
    claimed(noise)
    claimed(heard(op="is-at")[:place] + noise)
