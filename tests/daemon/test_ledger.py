"""The ledger outlives whoever wrote it, and never says of another boot or a damaged file what it does not know."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vrrpd.daemon import ledger as module
from vrrpd.daemon.ledger import HEADER, RECORD, RECORDS_MAX, Ledger
from vrrpd.protocol.resumption import LastState
from vrrpd.protocol.vrrp_router import InstanceKey


def key(interface: str, virtual_router_id: int, family: int = 4) -> InstanceKey:
    return InstanceKey(interface, family, virtual_router_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def killed_after(story: Callable[[], None]) -> None:
    """Tell `story` in a process of its own that is killed, as by a crash, when it is told."""
    process_id = os.fork()
    if process_id == 0:
        try:
            story()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    _process_id, status = os.waitpid(process_id, 0)
    assert os.WIFSIGNALED(status), "the story failed"


def test_an_empty_ledger_knows_nothing(path: Path) -> None:
    assert Ledger.open(path).read(key("eth0", 51)) is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_last_note_of_a_virtual_router_is_what_is_known(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.write(key("eth0", 51), master=True, last_advert_s=1.5)
    ledger.write(key("eth0", 52), master=False, last_advert_s=2.5)
    ledger.write(key("eth1", 51), master=True, last_advert_s=3.5)
    ledger.write(key("eth0", 51), master=False, last_advert_s=4.5)
    for known in (ledger, Ledger.open(path)):
        assert known.read(key("eth0", 51)) == LastState(was_master=False, last_advert_s=4.5)
        assert known.read(key("eth0", 52)) == LastState(was_master=False, last_advert_s=2.5)
        assert known.read(key("eth1", 51)) == LastState(was_master=True, last_advert_s=3.5)
        assert known.read(key("eth1", 52)) is None


def test_the_number_of_the_last_authenticated_advert_is_known_again(path: Path) -> None:
    ledger = Ledger.open(path)
    for number, sequence in ((51, 1), (52, 2**32 - 1), (53, 2**64 - 1)):
        ledger.write(key("eth0", number), master=True, last_advert_s=1.0, sequence=sequence)
        assert Ledger.open(path).read(key("eth0", number)) == LastState(True, 1.0, sequence)


def test_of_one_number_there_may_be_a_virtual_router_of_each_family(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.write(key("eth0", 51, 4), master=True, last_advert_s=1.0)
    ledger.write(key("eth0", 51, 6), master=False, last_advert_s=2.0)
    for known in (ledger, Ledger.open(path)):
        assert known.read(key("eth0", 51, 4)) == LastState(was_master=True, last_advert_s=1.0)
        assert known.read(key("eth0", 51, 6)) == LastState(was_master=False, last_advert_s=2.0)


def test_what_a_killed_daemon_wrote_is_known_to_the_next(path: Path) -> None:
    killed_after(lambda: Ledger.open(path).write(key("eth0", 51), master=True, last_advert_s=7.0))
    assert Ledger.open(path).read(key("eth0", 51)) == LastState(was_master=True, last_advert_s=7.0)


def test_what_a_killed_router_wrote_is_known_to_its_successor_born_with_an_older_copy(path: Path) -> None:
    inherited = Ledger.open(path)

    def first() -> None:
        for number in (1, 2, 3):
            inherited.write(key("eth0", number), master=True, last_advert_s=float(number))

    def second() -> None:
        assert inherited.read(key("eth0", 2)) == LastState(was_master=True, last_advert_s=2.0)
        inherited.write(key("eth0", 4), master=True, last_advert_s=4.0)
        inherited.write(key("eth0", 1), master=False, last_advert_s=1.5)

    killed_after(first)
    killed_after(second)
    assert [inherited.read(key("eth0", number)) for number in (1, 2, 3, 4)] == [
        LastState(was_master=False, last_advert_s=1.5),
        LastState(was_master=True, last_advert_s=2.0),
        LastState(was_master=True, last_advert_s=3.0),
        LastState(was_master=True, last_advert_s=4.0),
    ]


def test_a_ledger_of_another_boot_is_emptied(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger.open(path).write(key("eth0", 51), master=True, last_advert_s=1.0)
    other_boot = tmp_path / "boot_id"
    other_boot.write_text("00000000-0000-0000-0000-000000000000\n")
    monkeypatch.setattr(module, "BOOT_ID", other_boot)
    assert Ledger.open(path).read(key("eth0", 51)) is None
    monkeypatch.undo()
    assert Ledger.open(path).read(key("eth0", 51)) is None, "nor does it come back"


@pytest.mark.parametrize("name", ["e", "abcdefghijklmno", "eth0.4094", "r\udce4seau", "\N{GREEK SMALL LETTER LAMDA}" * 7])
def test_every_name_that_an_interface_can_have_is_known_again(name: str, path: Path) -> None:
    Ledger.open(path).write(key(name, 255), master=True, last_advert_s=1.0)
    assert Ledger.open(path).read(key(name, 255)) == LastState(was_master=True, last_advert_s=1.0)


def test_a_name_longer_than_the_kernels_takes_one_record_all_the_same(path: Path) -> None:
    ledger = Ledger.open(path)
    for advert_s in range(RECORDS_MAX + 1):
        ledger.write(key("no-interface-is-called-that", 51), master=True, last_advert_s=float(advert_s))
    ledger.write(key("eth0", 51), master=True, last_advert_s=1.0)
    assert Ledger.open(path).read(key("eth0", 51)) is not None


def test_what_does_not_fit_is_not_noted_and_disturbs_nothing(path: Path) -> None:
    ledger = Ledger.open(path)
    for number in range(RECORDS_MAX + 2):
        ledger.write(key(f"eth{number // 256}", number % 256), master=True, last_advert_s=float(number))
    last = RECORDS_MAX - 1
    for known in (ledger, Ledger.open(path)):
        assert known.read(key("eth0", 0)) == LastState(was_master=True, last_advert_s=0.0)
        assert known.read(key(f"eth{last // 256}", last % 256)) == LastState(was_master=True, last_advert_s=float(last))
        assert known.read(key(f"eth{RECORDS_MAX // 256}", RECORDS_MAX % 256)) is None
    ledger.write(key("eth0", 0), master=False, last_advert_s=9.0)
    assert ledger.read(key("eth0", 0)) == LastState(was_master=False, last_advert_s=9.0)
    assert path.stat().st_size == HEADER.size + RECORDS_MAX * RECORD.size


def test_a_fresh_ledger_takes_no_more_than_the_page_it_uses(path: Path) -> None:
    path.write_bytes(b"\xff" * 300_000)
    Ledger.open(path).write(key("eth0", 51), master=True, last_advert_s=1.0)
    assert path.stat().st_blocks * 512 <= 2 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("contents", [b"", b"\0" * 200, b"vrrpd ledger 0\n\0" + b"x" * 500, b"\xff" * 300_000])
def test_a_file_that_is_no_ledger_is_made_one(contents: bytes, path: Path) -> None:
    path.write_bytes(contents)
    ledger = Ledger.open(path)
    assert ledger.read(key("eth0", 51)) is None
    ledger.write(key("eth0", 51), master=True, last_advert_s=1.0)
    assert Ledger.open(path).read(key("eth0", 51)) == LastState(was_master=True, last_advert_s=1.0)


@given(damage=st.binary(max_size=8 * RECORD.size))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_damaged_records_never_raise_and_what_is_written_is_still_known(damage: bytes, path: Path) -> None:
    path.unlink(missing_ok=True)
    Ledger.open(path)
    with path.open("r+b") as file:
        file.seek(HEADER.size)
        file.write(damage)
    ledger = Ledger.open(path)
    notes = {("eth0", number): LastState(was_master=True, last_advert_s=float(number)) for number in range(3)}
    for (interface, number), note in notes.items():
        ledger.read(key(interface, number))
        ledger.write(key(interface, number), master=note.was_master, last_advert_s=note.last_advert_s)
    for known in (ledger, Ledger.open(path)):
        assert {(name, number): known.read(key(name, number)) for name, number in notes} == notes


def test_the_same_virtual_router_twice_in_a_damaged_file_costs_no_other_its_record(path: Path) -> None:
    Ledger.open(path)
    records = [(b"eth0", 1), (b"eth0", 1), (b"eth1", 2)]
    with path.open("r+b") as file:
        file.seek(HEADER.size)
        file.write(b"".join(struct.pack(RECORD.format, name, 4, number, module.MASTER, 5.0, 0) for name, number in records))
    ledger = Ledger.open(path)
    ledger.write(key("eth2", 3), master=True, last_advert_s=6.0)
    assert ledger.read(key("eth1", 2)) == LastState(was_master=True, last_advert_s=5.0)
    assert ledger.read(key("eth2", 3)) == LastState(was_master=True, last_advert_s=6.0)


def test_a_symbolic_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        Ledger.open(path)
    assert target.read_text() == "precious"
