"""Includes: which files are read, in which order, and what counts as an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.config.reading import Reader, said
from vrrpd.config import Code, load


@pytest.fixture
def tree(reader: Reader) -> Reader:
    """A folder with a few files, one of them a directory, one a FIFO, one executable."""
    parts = reader.directory / "parts"
    parts.mkdir()
    (parts / "b.conf").write_text("router_id b\n")
    (parts / "a.conf").write_text("router_id a\n")
    (parts / "x y.conf").write_text("router_id xy\n")
    (parts / "nested.conf").write_text("include a.conf\n")
    (parts / "run.conf").write_text("router_id run\n")
    (parts / "run.conf").chmod(0o755)
    (parts / "dir.conf").mkdir()
    os.mkfifo(parts / "fifo.conf")
    return reader


def wrapped(line: str) -> str:
    return f"global_defs {{\nrouter_id none\n{line}\n}}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("include parts/a.conf", "a"),
        ("include parts/[ab].conf", "b"),
        ("include parts/{b,a}.conf", "a"),
        ("include parts/x y.conf # remark", "xy"),
        ("include parts/nested.conf", "a"),
        ("include parts/*.nothing", "none"),
        ("$P=parts\ninclude ${P}/b.conf", "b"),
        ("@elsewhere include parts/b.conf", "none"),
        ("includea parts/a.conf", "a"),
    ],
)
def test_files_are_read_in_place(tree: Reader, line: str, expected: str) -> None:
    assert tree.config(wrapped(line)).daemon.router_id == expected


def test_an_absolute_path_is_read(tree: Reader) -> None:
    path = tree.directory / "parts" / "a.conf"
    config = tree.config(wrapped(f"include {path}"))
    assert config.files == (str(tree.directory / "test.conf"), str(path))


@pytest.mark.parametrize(
    ("pattern", "errors"),
    [
        ("parts/none.conf", {"includem", "includew", "includea"}),
        ("parts/none*.conf", {"includew", "includea"}),
        ("parts/{a,none}.conf", {"includeb", "includea"}),
        ("parts/dir.conf", {"includer", "includem", "includew", "includeb", "includea"}),
        ("parts/run.conf", {"includer", "includem", "includew", "includeb", "includea"}),
        ("parts/fifo.conf", {"includer", "includem", "includew", "includeb", "includea"}),
        ('"parts/a.conf"', {"includem", "includew", "includea"}),
    ],
)
def test_each_keyword_has_its_own_idea_of_an_error(tree: Reader, pattern: str, errors: set[str]) -> None:
    found = {
        word
        for word in ("include", "includer", "includem", "includew", "includeb", "includea")
        if tree.load(wrapped(f"{word} {pattern}")).errors
    }
    assert found == errors
    loaded = tree.load(wrapped(f"include {pattern}"))
    assert {one.code for one in loaded.warnings} == (set() if "*" in pattern else {Code.INCLUDE})


def test_an_include_without_a_file_is_an_error(reader: Reader) -> None:
    assert said(reader.load(wrapped("include"))) == ["3:1 missing-argument"]


def test_a_loop_is_one_error_at_the_place_that_closes_it(reader: Reader) -> None:
    (reader.directory / "a.conf").write_text("include b.conf\n")
    (reader.directory / "b.conf").write_text("\ninclude a.conf\n")
    loaded = load(str(reader.directory / "a.conf"))
    (found,) = loaded.errors
    assert (found.code, found.position.line) == (Code.INCLUDE, 2)
    assert found.position.file.endswith("b.conf")


def test_a_long_chain_is_cut(reader: Reader) -> None:
    for number in range(40):
        (reader.directory / f"{number}.conf").write_text(f"include {number + 1}.conf\n" * 2)
    loaded = load(str(reader.directory / "0.conf"))
    assert [one.code for one in loaded.diagnostics] == [Code.INCLUDE_LIMIT]


def test_messages_are_in_the_order_of_files_and_lines(tree: Reader) -> None:
    (tree.directory / "parts" / "a.conf").write_text("a1\na2\n")
    loaded = tree.load("include parts/a.conf\nmain1\nmain2\n")
    assert [(Path(one.position.file).name, one.position.line) for one in loaded.errors] == [
        ("test.conf", 2),
        ("test.conf", 3),
        ("a.conf", 1),
        ("a.conf", 2),
    ]


@pytest.mark.parametrize("path", ["/nonexistent/x.conf", "/", "\0", "x" * 5000])
def test_a_main_file_that_cannot_be_read_is_no_exception(path: str) -> None:
    loaded = load(path)
    assert loaded.config is None
    assert [one.code for one in loaded.errors] == [Code.FILE_UNREADABLE]


def test_a_main_file_may_be_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"global_defs {\nrouter_id piped\n}\n")
    os.close(writing)
    loaded = load(f"/dev/fd/{reading}")
    os.close(reading)
    assert loaded.config is not None
    assert loaded.config.daemon.router_id == "piped"
