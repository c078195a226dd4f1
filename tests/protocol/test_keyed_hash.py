"""Keyed hashes: the bytes, the time, and what was heard before."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.captures import NONE, peers
from tests.protocol.routers import DIRECTOR_2, addresses, router
from vrrpd.config.model import Hmac, HmacKey, ReplayProtection, VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.wire import Heard, Refused, Wire

ONE = HmacKey(1, b"0123456789abcdef0123456789abcdef")
TWO = HmacKey(2, bytes(range(64)))
HMAC = Hmac((ONE,), 1, 5.0)
V3 = router(version=3, authentication=NONE, hmac=HMAC)
VECTOR_S = 0x6B00E6F1 + 0x4D74 / 65_536
"""When keepalived 2.4 sent the advert below."""
VECTOR = bytes.fromhex("313cc80100649c22c0a8045a 010100006b00e6f14d740000bed8444f23e60c4e3af5e8b03f840896")


def sent(wire: Wire, unix_s: float, source: IPv4Address = DIRECTOR_2) -> bytes:
    return wire.adverts(source, 100, unix_s)[0].octets


def sequence(datagram: bytes) -> int:
    return int.from_bytes(datagram[-24:-16], "big")


def verdict(wire: Wire, datagram: bytes, unix_s: float) -> Rejection | str:
    one = wire.read(datagram, unix_s)
    if isinstance(one, Refused):
        assert isinstance(one.reason, Rejection)
        return one.reason
    return "heard"


def monotonic(one: VirtualRouter) -> VirtualRouter:
    return replace(one, hmac=replace(HMAC, replay_protection=ReplayProtection.MONOTONIC))


def test_the_bytes_are_keepalived_s() -> None:
    ours = replace(V3, virtual_router_id=60, priority=200, addresses=addresses(90))
    datagram = Wire(ours).adverts(IPv4Address("192.168.4.1"), 200, VECTOR_S)[0].octets
    assert datagram[20:] == VECTOR
    assert isinstance(Wire(ours).read(datagram, VECTOR_S), Heard)


def test_in_version_2_the_hash_follows_authentication_data_of_zeros() -> None:
    datagram = sent(Wire(router(hmac=HMAC)), VECTOR_S)
    assert datagram[24] == 0
    assert datagram[32:40] == bytes(8)
    assert len(datagram) == 40 + 28


def test_all_peers_get_the_same_hash() -> None:
    to_peers = Wire(replace(V3, unicast=peers("192.168.4.5", "192.168.4.7")))
    first, second = (one.octets for one in to_peers.adverts(DIRECTOR_2, 100, VECTOR_S))
    assert first[-28:] == second[-28:]


@given(st.lists(st.floats(0, 2.0**33), min_size=2, max_size=10))
def test_the_sequence_grows_whatever_the_clock_does(times_s: list[float]) -> None:
    wire = Wire(V3)
    sequences = [sequence(sent(wire, unix_s)) for unix_s in times_s]
    assert sequences == sorted(sequences)
    assert len(set(sequences)) == len(sequences) or sequences[-1] == 2**64 - 1


@pytest.mark.parametrize(
    ("late_s", "expected"),
    [
        (0.0, "heard"),
        (5.0, "heard"),
        (-5.0, "heard"),
        (5.01, Rejection.KEYED_HASH_STALE),
        (-5.01, Rejection.KEYED_HASH_STALE),
    ],
)
def test_a_hash_is_good_for_its_time(late_s: float, expected: Rejection | str) -> None:
    datagram = sent(Wire(V3), VECTOR_S)
    assert verdict(Wire(V3), datagram, VECTOR_S + late_s) == expected
    assert verdict(Wire(monotonic(V3)), datagram, VECTOR_S + late_s) == "heard"


def test_nothing_counts_twice() -> None:
    there, here = Wire(V3), Wire(V3)
    old, new = sent(there, VECTOR_S), sent(there, VECTOR_S)
    said = [verdict(here, one, VECTOR_S) for one in (new, new, old)]
    assert said == ["heard", Rejection.KEYED_HASH_REPLAYED, Rejection.KEYED_HASH_REPLAYED]


def test_senders_are_told_apart_and_those_heard_last_are_remembered() -> None:
    here = Wire(V3)
    senders = [IPv4Address(f"192.168.4.{octet}") for octet in range(10, 15)]
    said = {sender: sent(Wire(V3), VECTOR_S, sender) for sender in senders}
    assert [verdict(here, said[sender], VECTOR_S) for sender in senders] == ["heard"] * 5
    assert [verdict(here, said[sender], VECTOR_S) for sender in senders[1:]] == [Rejection.KEYED_HASH_REPLAYED] * 4
    assert verdict(here, said[senders[0]], VECTOR_S) == "heard"  # with a fifth sender the first was forgotten


def test_a_forged_sequence_shuts_nobody_out() -> None:
    there, here = Wire(V3), Wire(V3)
    forged = bytearray(sent(there, VECTOR_S + 4))
    forged[-1] ^= 1
    assert verdict(here, bytes(forged), VECTOR_S) is Rejection.KEYED_HASH_WRONG
    assert verdict(here, sent(Wire(V3), VECTOR_S), VECTOR_S) == "heard"


def test_a_key_is_changed_one_router_at_a_time() -> None:
    """Both get the new key, then each sends with it, then the old one goes; and at no time is anybody not understood."""
    steps = [HMAC, replace(HMAC, keys=(ONE, TWO)), replace(HMAC, keys=(ONE, TWO), active_key_id=2), Hmac((TWO,), 2, 5.0)]
    one, other = Wire(V3), Wire(V3)
    unix_s = VECTOR_S
    for step in steps:
        for changed in (one, other):
            changed.reconfigure(replace(V3, hmac=step))
            for speaker, hearer in ((one, other), (other, one)):
                unix_s += 1
                assert verdict(hearer, sent(speaker, unix_s), unix_s) == "heard"


def test_secrets_are_not_shown() -> None:
    assert "0123" not in repr(HMAC)


def test_a_process_that_follows_another_goes_on_though_the_clock_was_set_back() -> None:
    earlier, here = Wire(monotonic(V3)), Wire(monotonic(V3))
    assert verdict(here, sent(earlier, VECTOR_S), VECTOR_S) == "heard"
    later = Wire(monotonic(V3))
    later.go_on_after(earlier.sequence, VECTOR_S - 3600)
    assert verdict(here, sent(later, VECTOR_S - 3600), VECTOR_S) == "heard"


@pytest.mark.parametrize(("ahead_s", "goes_on"), [(0.5, True), (3600.0, False)])
def test_a_count_so_far_ahead_that_peers_have_not_taken_it_is_left(ahead_s: float, goes_on: bool) -> None:
    earlier, later = Wire(V3), Wire(V3)
    sent(earlier, VECTOR_S + ahead_s)
    later.go_on_after(earlier.sequence, VECTOR_S)
    sent(later, VECTOR_S)
    assert (later.sequence > earlier.sequence) is goes_on
