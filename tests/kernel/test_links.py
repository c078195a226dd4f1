"""What a link's flags mean, and which of its addresses is its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrpd.config.model import Address
from vrrpd.kernel.addresses import AddressAttributes, AddressKey, AddressMap
from vrrpd.kernel.links import (
    IFF_LOOPBACK,
    IFF_NOARP,
    IFF_RUNNING,
    IFF_UP,
    Link,
    link_local_address,
    observed_link,
    primary_address,
)
from vrrpd.kernel.rtnetlink import LinkMessage

MESSAGE = LinkMessage(7, "eth0", hardware_type=1, flags=IFF_UP | IFF_RUNNING, hardware_address=b"\2\0\0\0\0\5", mtu=1500)
ETH0 = Link(index=7, name="eth0", up=True, mac=b"\2\0\0\0\0\5", mtu=1500, arp=True)

OWN, OTHER, VIRTUAL = (IPv4Address(f"192.168.4.{n}") for n in (5, 7, 15))
GLOBAL, LINK_LOCAL, HOST = (AddressAttributes(scope=scope) for scope in (0, 253, 254))


def on_eth0(address: Address, prefix_length: int = 24) -> AddressKey:
    return AddressKey(7, address, prefix_length)


@pytest.mark.parametrize(
    ("flags", "up"),
    [(0, False), (IFF_UP, False), (IFF_RUNNING, False), (IFF_UP | IFF_RUNNING, True)],
    ids=["off", "no carrier", "carrier but off", "up"],
)
def test_a_link_is_up_when_switched_on_and_running(flags: int, up: bool) -> None:
    assert observed_link(replace(MESSAGE, flags=flags)).up is up


@pytest.mark.parametrize(
    ("message", "arp"),
    [
        (MESSAGE, True),
        (replace(MESSAGE, flags=MESSAGE.flags | IFF_NOARP), False),
        (replace(MESSAGE, flags=MESSAGE.flags | IFF_LOOPBACK), False),
        (replace(MESSAGE, hardware_type=768, hardware_address=bytes(4)), False),
        (replace(MESSAGE, hardware_address=b""), False),
    ],
    ids=["Ethernet", "ARP off", "loopback", "tunnel", "no hardware address"],
)
def test_arp_is_spoken_on_ethernet_alone(message: LinkMessage, arp: bool) -> None:
    assert observed_link(message).arp is arp


def test_a_link_carries_what_the_kernel_said() -> None:
    assert observed_link(MESSAGE) == ETH0


@pytest.mark.parametrize(
    ("addresses", "excluding", "expected"),
    [
        ({}, set(), None),
        ({on_eth0(OWN): GLOBAL, on_eth0(OTHER): GLOBAL}, set(), OWN),
        ({on_eth0(VIRTUAL, 32): GLOBAL, on_eth0(OWN): GLOBAL}, {VIRTUAL}, OWN),
        ({on_eth0(VIRTUAL): GLOBAL}, {VIRTUAL}, None),
        ({AddressKey(8, OWN, 24): GLOBAL}, set(), None),
        ({on_eth0(OTHER): LINK_LOCAL, on_eth0(OWN): GLOBAL}, set(), OWN),
        ({on_eth0(OTHER): LINK_LOCAL}, set(), OTHER),
        ({on_eth0(OWN): HOST}, set(), None),
        ({on_eth0(IPv6Address("2001:db8::5")): GLOBAL}, set(), None),
    ],
    ids=[
        "none",
        "the first",
        "not a virtual one",
        "only a virtual one",
        "on another link",
        "the widest scope first",
        "link scope where there is no other",
        "never host scope",
        "no IPv6",
    ],
)
def test_the_primary_address(addresses: AddressMap, excluding: Collection[Address], expected: IPv4Address | None) -> None:
    assert primary_address(ETH0, addresses, excluding) == expected


LOW, HIGH = IPv6Address("fe80::5"), IPv6Address("fe80::7")
PLAIN, DEPRECATED = AddressAttributes(), AddressAttributes(preferred_lifetime_s=0)


@pytest.mark.parametrize(
    ("addresses", "excluding", "expected"),
    [
        ({}, set(), None),
        ({on_eth0(HIGH): PLAIN, on_eth0(LOW): PLAIN}, set(), LOW),
        ({on_eth0(HIGH): PLAIN, on_eth0(LOW): PLAIN}, {LOW}, HIGH),
        ({on_eth0(HIGH): PLAIN, on_eth0(LOW): DEPRECATED}, set(), HIGH),
        ({on_eth0(LOW): DEPRECATED}, set(), LOW),
        ({on_eth0(LOW): AddressAttributes(tentative=True)}, set(), None),
        ({on_eth0(LOW): AddressAttributes(duplicate=True)}, set(), None),
        ({AddressKey(8, LOW, 64): PLAIN}, set(), None),
        ({on_eth0(IPv6Address("2001:db8::5")): PLAIN, on_eth0(OWN): GLOBAL}, set(), None),
    ],
    ids=[
        "none",
        "the smallest, whatever the order",
        "not a virtual one",
        "a deprecated one last",
        "a deprecated one where there is no other",
        "not yet unique",
        "in use elsewhere",
        "on another link",
        "not link-local",
    ],
)
def test_the_link_local_address(addresses: AddressMap, excluding: Collection[Address], expected: IPv6Address | None) -> None:
    assert link_local_address(ETH0, addresses, excluding) == expected
