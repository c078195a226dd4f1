from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.file import FileReader, number_in
from healthcheck.types import FileCheck, NotProbed, Outcome, ProbeResult, WeightAdded
from tests.healthcheck.servers import descriptors_open


@pytest.fixture
def reader() -> Iterator[FileReader[str]]:
    before = descriptors_open()
    with closing(FileReader[str](clock=lambda: 0.0)) as reader:
        yield reader
    assert descriptors_open() == before


def read(reader: FileReader[str], path: Path, weight: int = 1, *, reverse: bool = False) -> Outcome:
    outcome = reader.start(FileCheck("load", weight, reverse, str(path)), "probe")
    assert (reader.has_room, reader.run(), reader.deadline()) == (True, [], None)
    return outcome


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("17\n", 17),
        (" \n-5 apples", -5),
        ("+0x1F", 31),
        ("-010", -8),
        ("08", 0),
        ("load", 0),
        ("--3", 0),
        ("99999999999999999999", 2**31),
        ("-99999999999999999999", -(2**31)),
    ],
)
def test_a_file_begins_with_a_number_in_any_base(text: str, number: int) -> None:
    assert number_in(text.encode()) == number


@given(st.binary(max_size=64))
def test_whatever_a_file_holds_is_a_number(octets: bytes) -> None:
    assert -(2**31) <= number_in(octets) <= 2**31


@pytest.mark.parametrize(
    ("text", "weight", "reverse", "success", "added"),
    [
        ("0", 0, False, True, 0),
        ("3", 0, False, False, 0),
        ("3", 0, True, True, 0),
        ("0", 0, True, False, 0),
        ("3", -2, False, True, -6),
        ("3", -2, True, True, 6),
        ("-2147483647", 1, False, True, -2147483647),
        ("-2147483648", 1, False, False, -2147483648),
    ],
)
def test_the_number_is_a_verdict_or_adds_to_the_weight(
    reader: FileReader[str], tmp_path: Path, text: str, weight: int, reverse: bool, success: bool, added: int
) -> None:
    (tmp_path / "load").write_text(text)
    outcome = read(reader, tmp_path / "load", weight, reverse=reverse)
    assert outcome == ProbeResult(success, 0.0, f"{tmp_path}/load says {text}", WeightAdded(added))


def test_a_file_that_is_not_there_counts_as_0(reader: FileReader[str], tmp_path: Path) -> None:
    assert read(reader, tmp_path / "none") == ProbeResult(True, 0.0, f"{tmp_path}/none says 0", WeightAdded(0))


def test_a_file_that_is_just_being_written_is_no_verdict(reader: FileReader[str], tmp_path: Path) -> None:
    (tmp_path / "load").write_text("\n")
    assert read(reader, tmp_path / "load") == NotProbed(f"{tmp_path}/load is empty")


def test_what_is_no_regular_file_holds_nobody_up(reader: FileReader[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "load")
    assert read(reader, tmp_path / "load") == NotProbed(f"cannot read {tmp_path}/load: not a regular file")
    assert read(reader, tmp_path) == NotProbed(f"cannot read {tmp_path}: not a regular file")
    assert read(reader, tmp_path / "load" / "x") == NotProbed(f"cannot read {tmp_path}/load/x: not a directory")


def test_of_a_large_file_only_the_beginning_is_read(reader: FileReader[str], tmp_path: Path) -> None:
    with (tmp_path / "load").open("wb") as file:
        file.write(b"7 ")
        file.truncate(2**40)
    outcome = read(reader, tmp_path / "load")
    assert isinstance(outcome, ProbeResult)
    assert outcome.weight == WeightAdded(7)
