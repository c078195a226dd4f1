"""Routing netlink bytes against pyroute2, which is written from the same headers by other people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_BRIDGE, AF_INET, AF_INET6
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from ipvs.netlink import HEADER, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, attribute, messages
from vrrpd.kernel import rtnetlink
from vrrpd.kernel.rtnetlink import Address, AddressMessage, LinkMessage

ADDRESS = IPv4Address("192.168.4.15")
FULL_ADDRESS = AddressMessage(
    interface_index=7,
    address=ADDRESS,
    prefix_length=24,
    scope=253,
    flags=0x281,
    label="eth0:1",
    broadcast=IPv4Address("192.168.4.255"),
    protocol=18,
)
FULL_LINK = LinkMessage(index=7, name="eth0", hardware_type=1, flags=0x11043, hardware_address=b"\2\0\0\0\0\5", mtu=1500)


def payload_of(request: bytes) -> memoryview:
    """The payload of the only message in `request`."""
    [(_kind, _flags, _sequence, payload)] = messages(request)
    return payload


def read_by_pyroute2(kind: type[Any], request: bytes) -> Any:
    """A message decoded by pyroute2."""
    message = kind(request)
    message.decode()
    return message


def written_by_pyroute2(kind: type[Any], fields: dict[str, int], attributes: dict[str, object]) -> memoryview:
    """The payload of a message encoded by pyroute2."""
    message = kind()
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = list(attributes.items())
    message.encode()
    return payload_of(bytes(message.data))


def address_payload(**changes: object) -> memoryview:
    """FULL_ADDRESS as pyroute2 writes it, with other attributes, or without those that are None."""
    attributes = {
        "IFA_ADDRESS": str(ADDRESS),
        "IFA_LOCAL": str(ADDRESS),
        "IFA_BROADCAST": "192.168.4.255",
        "IFA_LABEL": "eth0:1",
        "IFA_FLAGS": 0x281,
        "IFA_PROTO": 18,
    } | changes
    fields = {"family": AF_INET, "prefixlen": 24, "flags": 0x81, "scope": 253, "index": 7}
    return written_by_pyroute2(ifaddrmsg, fields, {name: value for name, value in attributes.items() if value is not None})


def lifetimes(preferred_s: int) -> dict[str, int]:
    """IFA_CACHEINFO of an address that is valid for ever."""
    return {"ifa_preferred": preferred_s, "ifa_valid": 0xFFFF_FFFF, "cstamp": 1, "tstamp": 2}


def link_payload(family: int = 0, **changes: object) -> memoryview:
    """FULL_LINK as pyroute2 writes it, with other attributes, or without those that are None."""
    attributes = {"IFLA_IFNAME": "eth0", "IFLA_ADDRESS": "02:00:00:00:00:05", "IFLA_MTU": 1500} | changes
    fields = {"family": family, "ifi_type": 1, "index": 7, "flags": 0x11043, "change": 0}
    return written_by_pyroute2(ifinfmsg, fields, {name: value for name, value in attributes.items() if value is not None})


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(
    index=st.integers(1, 2**31 - 1),
    address=addresses,
    prefix_length=st.integers(0, 32),
    label=st.none() | st.from_regex(r"[a-z0-9:.]{1,15}", fullmatch=True),
    scope=st.integers(0, 255),
    broadcast=st.none() | st.ip_addresses(v=4),
    has_peer=st.booleans(),
    flags=st.integers(0, 2**32 - 1),
    lifetime_s=st.none() | st.integers(0, 2**32 - 2),
)
def test_pyroute2_reads_the_address_that_was_written(
    index: int,
    address: Address,
    prefix_length: int,
    label: str | None,
    scope: int,
    broadcast: IPv4Address | None,
    has_peer: bool,
    flags: int,
    lifetime_s: int | None,
) -> None:
    broadcast = broadcast if address.version == 4 else None
    peer = (type(address)(int(address) ^ 1)) if has_peer else None
    request = rtnetlink.new_address(
        index,
        address,
        prefix_length,
        label=label,
        scope=scope,
        broadcast=broadcast,
        peer=peer,
        flags=flags,
        preferred_lifetime_s=lifetime_s,
    )
    message = read_by_pyroute2(ifaddrmsg, request)

    header = message["header"]
    assert (header["type"], header["length"]) == (rtnetlink.RTM_NEWADDR, len(request))
    assert header["flags"] == NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL
    assert message["family"] == (AF_INET if address.version == 4 else AF_INET6)
    assert (message["index"], message["prefixlen"], message["scope"]) == (index, prefix_length, scope)
    assert ip_address(message.get_attr("IFA_LOCAL")) == address
    assert ip_address(message.get_attr("IFA_ADDRESS")) == (peer or address)
    assert message.get_attr("IFA_BROADCAST") == (None if broadcast is None else str(broadcast))
    assert message.get_attr("IFA_LABEL") == label
    assert message.get_attr("IFA_PROTO") == 18
    assert message.get_attr("IFA_FLAGS") == (flags or None)
    written = message.get_attr("IFA_CACHEINFO")
    if lifetime_s is None:
        assert written is None
    else:
        assert (written["ifa_preferred"], written["ifa_valid"]) == (lifetime_s, 0xFFFF_FFFF)


@given(index=st.integers(1, 2**31 - 1), address=addresses, prefix_length=st.integers(0, 32))
def test_what_is_written_is_what_is_read(index: int, address: Address, prefix_length: int) -> None:
    request = rtnetlink.new_address(index, address, prefix_length, label=None, scope=0, broadcast=None)
    expected = AddressMessage(index, address, prefix_length, scope=0, flags=0, label=None, broadcast=None, protocol=18)
    assert rtnetlink.decode_address(payload_of(request)) == expected


def test_pyroute2_reads_the_deletion() -> None:
    message = read_by_pyroute2(ifaddrmsg, rtnetlink.delete_address(7, ADDRESS, 24))
    assert (message["header"]["type"], message["header"]["flags"]) == (rtnetlink.RTM_DELADDR, NLM_F_REQUEST)
    assert (message["index"], message["prefixlen"]) == (7, 24)
    assert dict(message["attrs"]) == {"IFA_LOCAL": str(ADDRESS), "IFA_ADDRESS": str(ADDRESS)}


def test_the_deletion_of_an_address_with_a_peer_names_both_ends() -> None:
    peer = IPv4Address("192.168.4.99")
    message = read_by_pyroute2(ifaddrmsg, rtnetlink.delete_address(7, ADDRESS, 32, peer))
    assert dict(message["attrs"]) == {"IFA_LOCAL": str(ADDRESS), "IFA_ADDRESS": str(peer)}


def test_pyroute2_reads_the_dump_requests() -> None:
    addresses = read_by_pyroute2(ifaddrmsg, rtnetlink.dump_addresses(AF_INET))
    assert (addresses["header"]["type"], addresses["header"]["flags"]) == (rtnetlink.RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP)
    assert (addresses["family"], addresses["index"]) == (AF_INET, 0)

    links = read_by_pyroute2(ifinfmsg, rtnetlink.dump_links())
    assert (links["header"]["type"], links["header"]["flags"]) == (rtnetlink.RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP)
    assert (links["family"], links["index"], links.get_attr("IFLA_EXT_MASK")) == (0, 0, 8)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (address_payload(), FULL_ADDRESS),
        (
            address_payload(IFA_BROADCAST=None, IFA_LABEL=None, IFA_FLAGS=None, IFA_PROTO=None),
            AddressMessage(7, ADDRESS, 24, scope=253, flags=0x81, label=None, broadcast=None, protocol=0),
        ),
        (address_payload(IFA_LOCAL=None), FULL_ADDRESS),
        (address_payload(IFA_ADDRESS="192.168.4.99"), replace(FULL_ADDRESS, peer=IPv4Address("192.168.4.99"))),
        (address_payload(IFA_CACHEINFO=lifetimes(preferred_s=60)), replace(FULL_ADDRESS, preferred_lifetime_s=60)),
        (address_payload(IFA_CACHEINFO=lifetimes(preferred_s=0xFFFF_FFFF)), FULL_ADDRESS),
    ],
    ids=["all attributes", "an old kernel", "without a local end", "with a peer", "for a minute", "for ever"],
)
def test_an_address_written_by_pyroute2_is_read(payload: memoryview, expected: AddressMessage) -> None:
    assert rtnetlink.decode_address(payload) == expected


def test_an_ipv6_address_is_read_from_the_attribute_that_it_has() -> None:
    fields = {"family": AF_INET6, "prefixlen": 64, "flags": 0, "scope": 0, "index": 7}
    message = rtnetlink.decode_address(written_by_pyroute2(ifaddrmsg, fields, {"IFA_ADDRESS": "2001:db8::15"}))
    assert message is not None
    assert message.address == IPv6Address("2001:db8::15")


def test_a_link_written_by_pyroute2_is_read() -> None:
    assert rtnetlink.decode_link(link_payload()) == FULL_LINK


@pytest.mark.parametrize(("forwarding", "expected"), [(0, False), (1, True), (2, True)])
def test_a_link_says_whether_it_forwards_ipv6(forwarding: int, expected: bool) -> None:
    settings = attribute(rtnetlink.IFLA_INET6_CONF, rtnetlink.U32.pack(forwarding) + bytes(8))
    families = attribute(rtnetlink.IFLA_AF_SPEC, attribute(AF_INET, bytes(8)) + attribute(AF_INET6, settings))
    link = rtnetlink.decode_link(memoryview(bytes(link_payload()) + families))
    assert link == replace(FULL_LINK, forwards_ipv6=expected)


def test_a_link_without_hardware_address_is_a_link() -> None:
    link = rtnetlink.decode_link(link_payload(IFLA_ADDRESS=None))
    assert link is not None
    assert link.hardware_address == b""


@pytest.mark.parametrize(
    "payload",
    [link_payload(family=AF_BRIDGE), link_payload(IFLA_IFNAME=None), link_payload(IFLA_MTU=None), memoryview(b"\0" * 15)],
    ids=["a bridge about its port", "no name", "no MTU", "cut short"],
)
def test_what_is_not_a_links_state_is_left_out(payload: memoryview) -> None:
    assert rtnetlink.decode_link(payload) is None


@pytest.mark.parametrize(
    "payload",
    [
        rtnetlink.ADDRESS_HEADER.pack(AF_INET, 24, 0, 0, 7)[:7],
        rtnetlink.ADDRESS_HEADER.pack(AF_INET, 24, 0, 0, 7),
        rtnetlink.ADDRESS_HEADER.pack(AF_INET, 24, 0, 0, 7) + attribute(rtnetlink.IFA_LOCAL, bytes(5)),
        rtnetlink.ADDRESS_HEADER.pack(AF_INET6, 24, 0, 0, 7) + attribute(rtnetlink.IFA_LOCAL, bytes(4)),
        rtnetlink.ADDRESS_HEADER.pack(99, 24, 0, 0, 7) + attribute(rtnetlink.IFA_LOCAL, bytes(4)),
        rtnetlink.ADDRESS_HEADER.pack(AF_INET, 33, 0, 0, 7) + attribute(rtnetlink.IFA_LOCAL, bytes(4)),
    ],
    ids=["cut short", "no address", "five octets", "four octets of IPv6", "unknown family", "prefix too long"],
)
def test_what_is_not_an_address_is_left_out(payload: bytes) -> None:
    assert rtnetlink.decode_address(memoryview(payload)) is None


@pytest.mark.parametrize("decode", [rtnetlink.decode_address, rtnetlink.decode_link])
@given(
    header=st.sampled_from([bytes(address_payload()), bytes(link_payload())]),
    place=st.integers(0, 200),
    noise=st.binary(max_size=60),
)
def test_no_bytes_make_a_decoder_raise(decode: Callable[[memoryview], object], header: bytes, place: int, noise: bytes) -> None:
    decode(memoryview(header[:place] + noise + header[place + len(noise) :]))
    decode(memoryview(noise))


@pytest.mark.parametrize("size", [0, 2, 8])
def test_attributes_of_a_wrong_size_count_as_missing(size: int) -> None:
    base = bytes(address_payload(IFA_FLAGS=None, IFA_PROTO=None, IFA_BROADCAST=None))
    wrong = [attribute(kind, bytes(size)) for kind in (rtnetlink.IFA_FLAGS, rtnetlink.IFA_PROTO, rtnetlink.IFA_BROADCAST)]
    message = rtnetlink.decode_address(memoryview(base + b"".join(wrong)))
    assert message is not None
    assert (message.flags, message.protocol, message.broadcast) == (0x81, 0, None)


def test_a_request_is_as_long_as_it_says() -> None:
    request = rtnetlink.new_address(7, ADDRESS, 32, label="eth0", scope=0, broadcast=None)
    assert HEADER.unpack_from(request)[0] == len(request) == 60
