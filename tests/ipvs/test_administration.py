"""What concerns IPVS as a whole, octet by octet and there and back."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs import administration, codec
from ipvs.administration import Info, SyncDaemon, SyncRole, Timeouts
from ipvs.genetlink import GENERIC_HEADER
from ipvs.netlink import attribute, attributes
from ipvs.types import MarkKey

FAMILY = 35
BACKUP = SyncDaemon(SyncRole.BACKUP, "eth0", 7)
WHOLE = SyncDaemon(SyncRole.MASTER, "eth1", 255, 1400, ip_address("224.0.0.82"), 8849, 3)

daemons = st.builds(
    SyncDaemon,
    st.sampled_from(SyncRole),
    st.text("abcdefgh0123456789.-", min_size=1, max_size=15),
    st.integers(0, 255),
    st.none() | st.integers(1, 65535),
    st.none() | st.ip_addresses(v=4) | st.ip_addresses(v=6),
    st.none() | st.integers(1, 65535),
    st.none() | st.integers(1, 255),
)


def body(request: bytes) -> memoryview:
    return memoryview(request)[16:]


def shown(request: bytes) -> tuple[int, dict[int, bytes]]:
    """The command, and its attributes."""
    payload = body(request)
    return payload[0], {kind: bytes(value) for kind, value in attributes(payload[GENERIC_HEADER.size :])}


def test_each_request_is_its_command() -> None:
    assert shown(administration.get_info(FAMILY)) == (15, {})
    assert shown(administration.flush(FAMILY)) == (17, {})
    assert shown(administration.zero(FAMILY, None)) == (16, {})
    assert shown(administration.zero(FAMILY, MarkKey(7)))[1].keys() == {codec.ATTR_SERVICE}
    assert shown(administration.get_timeouts(FAMILY)) == (13, {})
    assert shown(administration.dump_daemons(FAMILY)) == (11, {})


def test_only_the_time_outs_that_are_meant_are_sent() -> None:
    assert shown(administration.set_timeouts(FAMILY, Timeouts(tcp_fin_s=30, udp_s=0))) == (12, {5: struct.pack("=I", 30)})
    every = administration.set_timeouts(FAMILY, Timeouts(900, 120, 300))
    assert administration.decode_timeouts(body(every)) == Timeouts(900, 120, 300)


def test_a_daemon_is_stopped_by_its_role_alone() -> None:
    command, nests = shown(administration.stop_daemon(FAMILY, SyncRole.BACKUP))
    assert command == 10
    assert dict(attributes(memoryview(nests[3]))) == {1: struct.pack("=I", 2)}


@given(daemons)
def test_a_daemon_comes_back_as_it_went(daemon: SyncDaemon) -> None:
    request = administration.start_daemon(FAMILY, daemon)
    assert body(request)[0] == 9
    assert administration.decode_daemon(body(request)) == daemon


@pytest.mark.parametrize(
    "change",
    [
        {"role": SyncRole.BACKUP},
        {"interface": "eth2"},
        {"sync_id": 1},
        {"message_octets_max": 1000},
        {"group": ip_address("ff02::1")},
        {"port": 1},
        {"ttl": 9},
    ],
)
def test_a_daemon_that_differs_is_not_the_one_asked_for(change: dict[str, object]) -> None:
    assert WHOLE.is_met_by(WHOLE)
    assert not WHOLE.is_met_by(replace(WHOLE, **change))  # type: ignore[arg-type]


def test_what_is_left_to_the_kernel_is_met_by_whatever_it_chose() -> None:
    assert BACKUP.is_met_by(replace(BACKUP, message_octets_max=1472, group=ip_address("224.0.0.81"), port=8848, ttl=1))


def test_the_version_is_three_numbers() -> None:
    payload = GENERIC_HEADER.pack(14, 1) + attribute(1, struct.pack("=I", 0x010201)) + attribute(2, struct.pack("=I", 4096))
    assert administration.decode_info(memoryview(payload)) == Info((1, 2, 1), 4096)
