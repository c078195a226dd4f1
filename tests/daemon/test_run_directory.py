"""The run directory: one daemon at a time, and what is ours known again after whatever happened."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvs.types import DestinationKey, Forwarding, Protocol, ServiceKey
from tests.ipvs.values import any_address, destination_keys, service_keys
from vrrpd.config.model import Config, Daemon, RealServer, VirtualAddress, VirtualRouter, VirtualServer
from vrrpd.config.position import Position
from vrrpd.daemon.run_directory import AlreadyRunningError, Ownership, OwnershipFile, PidFile, write_pid_file

# ---- pid files

TAKE_IT = "import sys; from pathlib import Path; from vrrpd.daemon.run_directory import *\n"
TAKE_IT += "try: PidFile(Path(sys.argv[1])).remove()\nexcept AlreadyRunningError as error: sys.exit(str(error))"


def taken_by_another_process(path: Path) -> str:
    """What another process that wants the pid file is told; nothing if it gets it."""
    done = subprocess.run([sys.executable, "-c", TAKE_IT, str(path)], capture_output=True, text=True, timeout=60, check=False)
    return done.stderr.strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vrrpd.pid"


def test_the_file_holds_this_process_and_another_is_refused_with_its_number_and_a_remedy(path: Path) -> None:
    mine = PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    refusal = taken_by_another_process(path)
    assert f"already running with process id {os.getpid()} (it holds {path})" in refusal
    assert "--run-dir" in refusal
    assert path.read_text() == f"{os.getpid()}\n", "the refused one changed nothing"
    mine.remove()


def test_a_removed_file_is_free_again(path: Path) -> None:
    PidFile(path).remove()
    assert not path.exists()
    assert taken_by_another_process(path) == ""


@pytest.mark.parametrize("contents", ["", "1\n", "4711 and more\n" * 10, "\0\xff"])
def test_a_file_left_behind_is_no_obstacle_whatever_it_says(contents: str, path: Path) -> None:
    path.write_text(contents)
    mine = PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    mine.remove()


def test_a_holder_without_a_number_is_unknown(path: Path) -> None:
    mine = PidFile(path)
    os.truncate(path, 0)
    with pytest.raises(AlreadyRunningError, match="process id unknown"):
        PidFile(path)
    mine.remove()


def test_a_shorter_number_replaces_a_longer_one(path: Path) -> None:
    mine = PidFile(path)
    mine.write(4_000_000)
    mine.write(7)
    assert path.read_text() == "7\n"
    mine.remove()


def test_a_childs_file_carries_no_lock_and_is_never_an_error(path: Path, tmp_path: Path) -> None:
    write_pid_file(path, 17)
    assert path.read_text() == "17\n"
    PidFile(path).remove()
    write_pid_file(path, None)
    write_pid_file(path, 18)
    write_pid_file(path, None)
    assert not path.exists()
    write_pid_file(tmp_path / "no" / "such" / "directory", 1)


# ---- ownership

POSITION = Position("vrrpd.conf", 1)
WEB = ServiceKey(Protocol.TCP, IPv4Address("192.0.2.100"), 80)
ONE, TWO = (DestinationKey(IPv4Address(f"192.0.2.{octet}"), 80) for octet in (1, 2))
FIRST, SECOND = (VirtualAddress(IPv4Address(f"192.0.2.{octet}"), 24, "eth0") for octet in (100, 101))

addresses = st.builds(VirtualAddress, any_address, st.integers(0, 128), st.text(min_size=1, max_size=15))
ownerships = st.builds(
    Ownership,
    st.lists(addresses, max_size=4).map(tuple),
    st.lists(st.tuples(service_keys, st.lists(destination_keys, max_size=4).map(tuple)), max_size=4).map(tuple),
)


@pytest.fixture
def file(tmp_path: Path) -> OwnershipFile:
    return OwnershipFile(tmp_path / "ownership.json")


@given(ownership=ownerships)
def test_ownership_is_read_as_it_was_written(ownership: Ownership, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = OwnershipFile(tmp_path_factory.getbasetemp() / "ownership.json")
    file.write(ownership)
    assert file.read() == ownership


@given(one=ownerships, other=ownerships)
def test_a_sum_owns_what_either_owns_and_names_each_once(one: Ownership, other: Ownership) -> None:
    both = one + other
    assert set(both.addresses) == {*one.addresses, *other.addresses}
    assert len(both.addresses) == len(set(both.addresses))
    assert {service for service, _ in both.rows} == {service for service, _ in one.rows + other.rows}
    owned = {(service, key) for service, keys in both.rows for key in keys}
    assert owned == {(service, key) for service, keys in one.rows + other.rows for key in keys}
    assert len(dict(both.rows)) == len(both.rows)


def test_a_service_in_two_configurations_keeps_the_destinations_of_both() -> None:
    assert dict((Ownership(rows=((WEB, (ONE,)),)) + Ownership(rows=((WEB, (TWO,)),))).rows) == {WEB: (ONE, TWO)}


def test_a_configuration_owns_every_address_and_row_it_can_lead_to() -> None:
    router = VirtualRouter("VI_1", "eth0", 51, 100, POSITION, addresses=(FIRST,), excluded_addresses=(SECOND,))
    reals = tuple(RealServer(key.address, key.port, 1, Forwarding.DR, POSITION) for key in (ONE, TWO))
    server = VirtualServer(WEB, "rr", POSITION, real_servers=reals)
    owned = Ownership.of(Config(Daemon("lb1"), (router,), (server,)))
    assert owned == Ownership((FIRST, SECOND), ((WEB, (ONE, TWO)),))


GOOD = {"addresses": [["192.0.2.1", 24, "eth0"]], "rows": [[6, "192.0.2.1", 80, [["192.0.2.2", 80]]]]}


def test_the_note_is_what_the_damaged_ones_below_are_made_of(file: OwnershipFile) -> None:
    file._path.write_text(json.dumps(GOOD))
    assert len(file.read().addresses) == len(file.read().rows) == 1


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"addresses": []}',
        b"[" * 100_000,
        json.dumps(GOOD).encode()[:-5],
        json.dumps({**GOOD, "addresses": [["192.0.2.1", 24]]}).encode(),
        json.dumps({**GOOD, "addresses": [["192.0.2.256", 24, "eth0"]]}).encode(),
        json.dumps({**GOOD, "addresses": [["192.0.2.1", None, "eth0"]]}).encode(),
        json.dumps({**GOOD, "addresses": [["192.0.2.1", "many", "eth0"]]}).encode(),
        json.dumps({**GOOD, "addresses": [["192.0.2.1", float("inf"), "eth0"]]}).encode(),
        json.dumps({**GOOD, "addresses": 5}).encode(),
        json.dumps({**GOOD, "rows": [["tcp", "192.0.2.1", 80, []]]}).encode(),
        json.dumps({**GOOD, "rows": [[6, "192.0.2.1", {}, []]]}).encode(),
        json.dumps({**GOOD, "rows": [[6, "192.0.2.1", 80, [["192.0.2.2"]]]]}).encode(),
        json.dumps({**GOOD, "rows": [[6, "192.0.2.1", 80, None]]}).encode(),
    ],
    ids=lambda contents: contents[:40].decode(errors="replace") or "empty",
)
def test_of_a_damaged_file_nothing_is_known(contents: bytes, file: OwnershipFile) -> None:
    file._path.write_bytes(contents)
    assert file.read() == Ownership()


def test_of_a_missing_file_or_a_directory_nothing_is_known(file: OwnershipFile) -> None:
    assert file.read() == Ownership()
    file._path.mkdir()
    assert file.read() == Ownership()


@given(contents=st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_no_values_raise_whatever_stands_where(contents: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = OwnershipFile(tmp_path_factory.getbasetemp() / "ownership.json")
    for name in GOOD:
        file._path.write_text(json.dumps({**GOOD, name: contents}))
        for address in file.read().addresses:
            hash(address)


def test_a_note_is_replaced_as_a_whole_for_whoever_reads_meanwhile(file: OwnershipFile) -> None:
    many = Ownership(rows=((WEB, tuple(DestinationKey(IPv6Address(number), 80) for number in range(500))),))
    few = Ownership((FIRST,))
    file.write(many)
    process = multiprocessing.get_context("fork").Process(target=_write_by_turns, args=(file, (few, many), 50))
    process.start()
    seen = []
    while process.is_alive():
        seen.append(file.read())
    process.join()
    assert process.exitcode == 0
    assert seen
    assert all(note in (few, many) for note in seen)
    assert not file._path.with_suffix(".new").exists()


def _write_by_turns(file: OwnershipFile, notes: tuple[Ownership, ...], times: int) -> None:
    for _ in range(times):
        for note in notes:
            file.write(note)
