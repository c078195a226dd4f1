"""Whatever a file holds, loading it ends, soon, and raises nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.config.reading import INPUTS
from vrrpd.config import Loaded, load, render
from vrrpd.config.keywords import all_keywords

SEEDS = [path.read_bytes() for path in sorted(INPUTS.rglob("*.conf"))]
WORDS = sorted({one.name for one in all_keywords()})
PIECES = [
    b"{",
    b"}",
    b'"',
    b"#",
    b"!",
    b"\\",
    b"${X}",
    b"$A=",
    b"$A",
    b"@a ",
    b"~SEQ(i, 3) ",
    b"~LST(",
    b"//",
    b"\r",
    b"\0",
    b"include *\n",
]
QUICK = settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])


def read(contents: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.conf"
        path.write_bytes(contents)
        loaded = load(str(path))
    lines = contents.count(b"\n") + 1
    for one in loaded.diagnostics:
        assert 1 <= one.position.line <= lines
        assert one.position.column >= 1
        render(one, colour=True).encode()
    assert loaded.config is not None
    assert len(loaded.diagnostics) == len(loaded.errors) + len(loaded.warnings)
    return loaded


@QUICK
@given(st.binary(max_size=2000))
@example(b"\xff\xfe{\x00}")
def test_random_octets(contents: bytes) -> None:
    read(contents)


@QUICK
@given(st.lists(st.sampled_from([*WORDS, "{", "}", "\n", "10.0.0.1", "5", "on", '"a b"', "${X}", "1.5", "::1"]), max_size=200))
def test_random_words_of_the_language(words: list[str]) -> None:
    read(" ".join(words).encode())


@QUICK
@given(st.data())
def test_damaged_inputs(data: st.DataObject) -> None:
    contents = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(contents)))
        end = data.draw(st.integers(start, min(len(contents), start + 40)))
        contents = contents[:start] + data.draw(st.sampled_from([b"", *PIECES])) + contents[end:]
    read(contents)


@QUICK
@given(st.sampled_from(SEEDS), st.integers(0, 60))
def test_a_file_that_lost_one_line_gives_few_messages(contents: bytes, number: int) -> None:
    lines = contents.split(b"\n")
    before = len(read(contents).diagnostics)
    del lines[number % len(lines)]
    assert len(read(b"\n".join(lines)).diagnostics) <= before + 2
