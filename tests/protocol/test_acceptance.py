"""Whether a sound advert is for us."""

from __future__ import annotations

from dataclasses import fields, replace
from ipaddress import IPv4Address

import pytest

from tests.protocol.routers import DIRECTOR_2, PASS_1111, router
from vrrpd.config.model import VRRP_GROUP, Authentication, AuthenticationType
from vrrpd.protocol.acceptance import COUNTER_NAMES, Rejection, addresses_differ, rejection, seen_and_expected
from vrrpd.protocol.adverts import advertisement_of
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.packet import Advertisement, PacketFault, Parsed

OURS = advertisement_of(router())
NO_AUTHENTICATION = advertisement_of(router(authentication=Authentication()))


def verdict(heard: Advertisement, ours: Advertisement = OURS, destination: IPv4Address = VRRP_GROUP) -> Rejection | None:
    return rejection(Parsed(DIRECTOR_2, destination, heard), ours, VRRP_GROUP)


def test_an_advert_like_our_own_is_accepted_whatever_its_priority() -> None:
    assert [verdict(replace(OURS, priority=priority)) for priority in (0, 1, 100, 255)] == [None] * 4


@pytest.mark.parametrize(
    ("heard", "ours", "expected"),
    [
        (replace(OURS, authentication_type=3), OURS, Rejection.INVALID_AUTHENTICATION_TYPE),
        (replace(OURS, authentication_type=255), NO_AUTHENTICATION, Rejection.INVALID_AUTHENTICATION_TYPE),
        (replace(OURS, authentication_type=2), OURS, Rejection.AUTHENTICATION_TYPE_MISMATCH),
        (NO_AUTHENTICATION, OURS, Rejection.AUTHENTICATION_TYPE_MISMATCH),
        (OURS, NO_AUTHENTICATION, Rejection.AUTHENTICATION_TYPE_MISMATCH),
        (replace(OURS, authentication_data=b"1112\0\0\0\0"), OURS, Rejection.AUTHENTICATION_FAILURE),
        (replace(OURS, authentication_data=b"1111\0\0\0\1"), OURS, Rejection.AUTHENTICATION_FAILURE),
        (replace(NO_AUTHENTICATION, authentication_data=b"whatever"), NO_AUTHENTICATION, None),
        (replace(OURS, advert_interval_s=2), OURS, Rejection.ADVERT_INTERVAL_MISMATCH),
        # Two things wrong: authentication is looked at before the interval.
        (replace(OURS, authentication_data=bytes(8), advert_interval_s=2), OURS, Rejection.AUTHENTICATION_FAILURE),
    ],
)
def test_the_first_check_that_fails_is_the_reason(
    heard: Advertisement, ours: Advertisement, expected: Rejection | None
) -> None:
    assert verdict(heard, ours) is expected


def test_an_advert_to_another_group_or_to_us_alone_is_not_for_us() -> None:
    assert verdict(OURS, destination=IPv4Address("224.0.0.19")) is Rejection.WRONG_DESTINATION
    assert verdict(OURS, destination=IPv4Address("192.168.4.5")) is Rejection.WRONG_DESTINATION


@pytest.mark.parametrize(
    ("heard", "ours", "differ"),
    [
        ("abc", "abc", False),
        ("cab", "abc", False),
        ("", "", False),
        ("ab", "abc", True),
        ("abcd", "abc", True),
        ("abd", "abc", True),
        ("aab", "ab", True),
    ],
)
def test_address_lists_are_compared_as_sets_of_the_same_length(heard: str, ours: str, differ: bool) -> None:
    def with_addresses(letters: str) -> Advertisement:
        return replace(OURS, addresses=tuple(IPv4Address(ord(letter)) for letter in letters))

    assert addresses_differ(with_addresses(heard), with_addresses(ours)) is differ


def test_each_reason_to_drop_a_packet_has_a_counter_but_the_wrong_destination() -> None:
    assert set(COUNTER_NAMES) == {*PacketFault, *Rejection}
    names = {name for reason, name in COUNTER_NAMES.items() if reason is not Rejection.WRONG_DESTINATION}
    assert len(names) == len(COUNTER_NAMES) - 1
    assert names <= {field.name for field in fields(Counters)}
    assert COUNTER_NAMES[Rejection.WRONG_DESTINATION] is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Rejection.INVALID_AUTHENTICATION_TYPE, "7, ours is 1"),
        (Rejection.AUTHENTICATION_TYPE_MISMATCH, "7, ours is 1"),
        (Rejection.AUTHENTICATION_FAILURE, "check auth_pass on both sides"),
        (Rejection.ADVERT_INTERVAL_MISMATCH, "9 s, ours is 1 s"),
        (Rejection.WRONG_DESTINATION, "224.0.0.19, ours is 224.0.0.18"),
    ],
)
def test_a_reason_says_what_was_seen_and_what_was_expected_but_no_password(reason: Rejection, expected: str) -> None:
    advert = replace(OURS, authentication_type=7, advert_interval_s=9)
    text = seen_and_expected(reason, Parsed(DIRECTOR_2, IPv4Address("224.0.0.19"), advert), OURS, VRRP_GROUP)
    assert text == expected
    assert PASS_1111.password.decode() not in text


def test_authentication_types_are_numbered_as_on_the_wire() -> None:
    assert (AuthenticationType.NONE.value, AuthenticationType.PASS.value) == (0, 1)
