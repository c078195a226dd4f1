"""Authentication headers: sequences, and what is covered. The bytes are held to keepalived's in test_wire."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.protocol.captures import AH_1111, peers
from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, router
from vrrpd.config.model import Authentication, AuthenticationType
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.actions import SendAdvert
from vrrpd.protocol.events import AdvertsNumbered, SourceChanged, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.wire import Heard, Refused, Wire

AH = router(authentication=AH_1111)
TO_PEERS = replace(AH, unicast=peers("192.168.4.5", "192.168.4.6"))


def sent(wire: Wire, source: IPv4Address = DIRECTOR_2) -> bytes:
    return wire.adverts(source, 100, 0.0)[0].octets


def sequence(datagram: bytes) -> int:
    return int.from_bytes(datagram[28:32], "big")


def is_heard(wire: Wire, datagram: bytes) -> bool:
    return isinstance(wire.read(datagram, 0.0), Heard)


def test_sequences_grow_from_1() -> None:
    wire = Wire(AH)
    assert [sequence(sent(wire)) for _ in range(3)] == [1, 2, 3]


def test_nothing_counts_twice() -> None:
    there, here = Wire(AH), Wire(AH)
    old, new = sent(there), sent(there)
    assert is_heard(here, new)
    for replayed in (new, old):
        refused = here.read(replayed, 0.0)
        assert isinstance(refused, Refused)
        assert refused.reason is Rejection.SEQUENCE
    assert is_heard(here, sent(there))


def test_a_new_master_goes_on_after_the_old_one() -> None:
    there, here = Wire(AH), Wire(AH)
    for _ in range(5):
        is_heard(here, sent(there))
    assert sequence(sent(here, DIRECTOR_1)) == 6
    is_heard(there, sent(here, DIRECTOR_1))
    assert sequence(sent(there)) == 8


def test_two_masters_are_each_heard_by_their_own_count() -> None:
    first, second, here = Wire(AH), Wire(AH), Wire(AH)
    for _ in range(5):
        assert is_heard(here, sent(first, DIRECTOR_1))
    assert is_heard(here, sent(second, DIRECTOR_2))


def test_the_count_goes_round_without_0() -> None:
    wire, here = Wire(AH), Wire(AH)
    assert wire._header_authentication is not None
    wire._header_authentication.sequence = 2**32 - 2
    assert is_heard(here, sent(wire))
    assert sequence(sent(here, DIRECTOR_1)) == 1
    assert sequence(sent(wire)) == 1


def test_what_changes_on_the_way_is_not_covered() -> None:
    datagram = bytearray(sent(Wire(TO_PEERS)))
    datagram[1], datagram[6], datagram[8], datagram[10] = 0, 0x40, 17, 99
    assert is_heard(Wire(TO_PEERS), bytes(datagram))
    datagram[4] ^= 1
    assert not is_heard(Wire(TO_PEERS), bytes(datagram))


def test_a_forged_header_changes_no_count() -> None:
    there, here = Wire(AH), Wire(AH)
    forged = bytearray(sent(there))
    forged[28] = 0xFF
    assert not is_heard(here, bytes(forged))
    assert is_heard(here, sent(there))
    assert sequence(sent(here, DIRECTOR_1)) == 3


def test_a_reload_changes_the_password_and_keeps_the_count() -> None:
    other = replace(AH, authentication=Authentication(AuthenticationType.AH, b"2222"))
    wire = Wire(AH)
    sent(wire)
    wire.reconfigure(other)
    datagram = sent(wire)
    assert sequence(datagram) == 2
    assert is_heard(Wire(other), datagram)
    assert not is_heard(Wire(AH), datagram)


def test_a_process_that_follows_another_goes_on_after_its_count() -> None:
    earlier, here = Wire(AH), Wire(AH)
    for _ in range(5):
        assert is_heard(here, sent(earlier))
    later = Wire(AH)
    later.go_on_after(earlier.sequence, 0.0)
    assert is_heard(here, sent(later))
    assert later.sequence == 6


@pytest.mark.parametrize("sequence_of_another_kind", [0, 2**32, 2**64 - 1])
def test_what_is_no_number_of_a_header_is_passed_over(sequence_of_another_kind: int) -> None:
    wire = Wire(AH)
    sent(wire)
    wire.go_on_after(sequence_of_another_kind, 0.0)
    assert wire.sequence == 1


def test_where_nothing_is_numbered_there_is_nothing_to_go_on_after() -> None:
    wire = Wire(router())
    wire.go_on_after(7, 0.0)
    sent(wire)
    assert wire.sequence == 0


def test_an_instance_is_told_of_the_earlier_count() -> None:
    instance = Instance(AH)
    instance.on_event(SourceChanged(DIRECTOR_1), 1000.0)
    instance.on_event(AdvertsNumbered(41), 1000.0)
    instance.on_event(Start(resume_master=True), 1000.0)
    (advert,) = (action for action in instance.actions() if isinstance(action, SendAdvert))
    assert sequence(advert.datagrams[0].octets) == 42
    assert instance.sequence == 42
