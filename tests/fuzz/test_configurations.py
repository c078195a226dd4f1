"""Whatever a file holds, loading it ends, soon, and raises nothing.

`make fuzz` runs many rounds of this, each with other cases; `make test` runs one.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.loading import Folder
from tests.interop.configurations import CORPUS, names
from vrrpd.config.declaration import Form, Keyword
from vrrpd.config.keywords import ROOT, all_keywords

ROUNDS = int(os.environ.get("VRRPD_FUZZ_ROUNDS", "1"))
CASES = 250
"""Cases of each of the four kinds in one round."""
MEMORY_MAX_KIB = 512 * 1024
"""What the tests' process may have taken at most after all its cases."""

FILES = [(CORPUS / name).read_bytes() for name in names()]
KEYWORDS = sorted({one.name for one in all_keywords()})
VALUES = ["0", "1", "5", "-1", "255", "256", "4294967296", "1.5", "0.0000001", "1e3", "0x10", "on", "off", "TRUE", "PASS"]
VALUES += ["10.0.0.1", "10.0.0.1/24", "10.0.0.300", "10.0.0.1-9", "fe80::1", "2001:db8::/64", "ff02::12", "224.0.0.18", "%"]
VALUES += ["eth0", "dev", "weight", "reverse", "via", "table", "fwmark", "group", "inet6", "VI_1", "TUN", "type", "gue", "port"]
VALUES += [
    '"a b"',
    '""',
    '"',
    "'",
    "\\",
    "${X}",
    "$X",
    "${_PWD}",
    "${_RANDOM 5 1}",
    "${_ENV HOME}",
    "/bin/true",
    "//",
    "é",
    "\x00",
]
MARKS = ["{", "}", "\n", "\n", "\n", "#", "!", "@director1 ", "@^director1 ", "$X=", "~SEQ(i, 3) ", "~SEQx(i, 9, -4, 1) "]
MARKS += [
    "~LST({a,b}, {1,2}) ",
    "~SEQ(",
    "include parts/*.inc\n",
    "includea case.conf\n",
    "\r\n",
    "\\\n",
    "\\#",
    "\x85",
    "\x1c",
]
PIECES = [word.encode() for word in [*KEYWORDS, *VALUES, *MARKS, "", "", ""]]

rounds = pytest.mark.parametrize("round_number", range(ROUNDS))
cases = settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    """Load one case and look at what came of it."""
    folder = Folder(tmp_path_factory.mktemp("fuzz"))

    def check(contents: bytes) -> None:
        loaded = folder.load(contents)
        assert loaded.written is not None
        assert loaded.config is not None
        lines = contents.count(b"\n") + 1
        for one in loaded.diagnostics:
            assert one.position.column >= 1
            assert one.position.line >= 1
            assert one.position.line <= lines or one.position.file != str(folder.path)

    return check


@rounds
@cases
@given(contents=st.binary(max_size=2000))
@example(contents=b"\xff\xfe{\x00}")
def test_octets(check: Callable[[bytes], None], round_number: int, contents: bytes) -> None:
    check(contents)


@rounds
@cases
@given(words=st.lists(st.sampled_from([*KEYWORDS, *VALUES, *MARKS]), max_size=150))
def test_words_of_the_language(check: Callable[[bytes], None], round_number: int, words: list[str]) -> None:
    check(" ".join(words).encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of the corpus in which some pieces are replaced by others, or by a part of another file."""
    contents = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(contents)))
        end = min(len(contents), start + draw(st.integers(0, 40)))
        other = draw(st.sampled_from(FILES))
        cut = draw(st.integers(0, len(other)))
        piece = draw(st.sampled_from([*PIECES, other[cut : cut + 100]]))
        contents = contents[:start] + piece + contents[end:]
    return contents


@rounds
@cases
@given(contents=damaged())
def test_damaged_files(check: Callable[[bytes], None], round_number: int, contents: bytes) -> None:
    check(contents)


@st.composite
def statements(draw: st.DrawFn, block: Keyword = ROOT, depth: int = 0) -> str:
    """Keywords where they may stand, with arguments that may be right or not."""
    text = []
    for keyword in draw(st.lists(st.sampled_from(list(block.children.values())), max_size=6 if depth else 4)):
        arguments = draw(st.lists(st.sampled_from(VALUES), min_size=keyword.required, max_size=keyword.required + 1))
        text.append(" ".join([keyword.name, *arguments]))
        if keyword.form is Form.BLOCK:
            text += ["{", draw(statements(keyword, depth + 1)), "}"]
        elif keyword.form is Form.VALUES:
            entries = draw(st.lists(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6), max_size=4))
            text += ["{", *(" ".join(entry) for entry in entries), "}"]
    return "\n".join(text)


@rounds
@cases
@given(text=statements())
def test_statements(check: Callable[[bytes], None], round_number: int, text: str) -> None:
    check(text.encode())


def test_all_these_took_little_memory() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= MEMORY_MAX_KIB
