"""What a virtual router says of itself."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from tests.protocol import routers
from tests.protocol.routers import DIRECTOR_1, addresses, router
from vrrpd.config.model import Authentication, VirtualAddress
from vrrpd.protocol.adverts import OwnAdverts, advertisement_of
from vrrpd.protocol.packet import Parsed, parse


def identification(datagram: bytes) -> int:
    return int.from_bytes(datagram[4:6], "big")


def test_the_first_advert_is_keepalived_s_to_the_last_bit() -> None:
    assert OwnAdverts(router()).datagram(DIRECTOR_1) == routers.KEEPALIVED_PASS


def test_the_eighth_datagram_may_be_the_farewell() -> None:
    adverts = OwnAdverts(router())
    for _ in range(7):
        adverts.datagram(DIRECTOR_1)
    assert adverts.farewell(DIRECTOR_1) == routers.KEEPALIVED_PASS_FAREWELL


def test_addresses_go_out_in_the_order_of_the_configuration_and_excluded_ones_not_at_all() -> None:
    three = router(authentication=Authentication(), addresses=addresses(15, 16, 17), excluded_addresses=addresses(18))
    assert OwnAdverts(three).datagram(DIRECTOR_1) == routers.KEEPALIVED_THREE_ADDRESSES
    turned = router(addresses=addresses(17, 15))
    assert advertisement_of(turned).addresses == (IPv4Address("192.168.4.17"), IPv4Address("192.168.4.15"))


def test_an_ipv6_address_has_no_place_in_version_2() -> None:
    both = router(addresses=(*addresses(15), VirtualAddress(IPv6Address("fd00:4::f"), 128, "eth0")))
    assert advertisement_of(both).addresses == (IPv4Address("192.168.4.15"),)


def test_the_identification_goes_round_without_zero() -> None:
    adverts = OwnAdverts(router())
    numbers = [identification(adverts.datagram(DIRECTOR_1)) for _ in range(0x10001)]
    assert numbers[:2] == [1, 2]
    assert numbers[-3:] == [0xFFFF, 1, 2]


def test_a_reload_changes_the_words_and_keeps_the_count() -> None:
    adverts = OwnAdverts(router())
    adverts.datagram(DIRECTOR_1)
    adverts.reconfigure(router(priority=7, multicast_group=IPv4Address("224.0.0.99")))
    datagram = adverts.datagram(DIRECTOR_1)
    heard = parse(datagram)
    assert isinstance(heard, Parsed)
    assert (heard.advertisement.priority, str(heard.destination), identification(datagram)) == (7, "224.0.0.99", 2)
