"""How messages look, and that every kind of them is documented with an example that works."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config import Code, Diagnostic, Note, Severity, render
from vrrpd.config.diagnostics import FIRST_LINT, SOURCE_SHOWN_MAX
from vrrpd.config.explanations import EXPLANATIONS
from vrrpd.config.line import Line, Mark
from vrrpd.config.position import Position

PAGE = (Path(__file__).parents[2] / "docs" / "diagnostics.md").read_text()
SECTIONS: list[tuple[str, str]] = re.findall(
    r"^## (?:[EW][0-9]{3}[, ]+)+([a-z-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
)
EXAMPLES = [
    (code, example) for code, section in SECTIONS for example in re.findall(r"```keepalived\n(.*?)```", section, re.DOTALL)
]


def test_a_message_shows_the_line_a_caret_what_was_assumed_and_a_remedy(reader: Reader) -> None:
    found = reader.only(INSTANCE.format("priorty 100"))
    assert render(found).split(": ", 1)[1].split("\n") == [
        "error[E016 unknown-keyword]: unknown keyword `priorty` in `vrrp_instance`",
        "     priorty 100",
        "     ^~~~~~~",
        "    assumed: it is left out",
        "    help: did you mean `priority`?",
    ]
    assert render(found).startswith(f"{reader.directory}/test.conf:7:2: ")


def test_colour_changes_nothing_but_the_colour(reader: Reader) -> None:
    found = reader.only(INSTANCE.format("priority 300"))
    assert re.sub(r"\033\[[0-9;]*m", "", render(found, colour=True)) == render(found, colour=False)
    assert "\033[1;31m" in render(found, colour=True)


def test_nothing_in_a_file_reaches_the_terminal_as_a_command() -> None:
    nasty = "\033[2J\udcff\x07\ttab"
    found = Diagnostic(Severity.ERROR, Code.BAD_VALUE, Position(nasty, 1), nasty, nasty, 3, nasty, nasty)
    text = render(found)
    text.encode()
    assert not set(text) & {"\033", "\udcff", "\x07", "\t"}


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = "a" * 500 + "bad" + "c" * 500
    _, line, caret = render(Diagnostic(Severity.ERROR, Code.BAD_VALUE, Position("f", 1, 501), "m", source, 3)).split("\n")
    assert len(line) == SOURCE_SHOWN_MAX + 4
    assert line[caret.index("^") :].startswith("bad")


def test_every_code_that_is_no_lint_is_documented_in_the_order_of_their_numbers() -> None:
    documented = [code for code in Code if code.number < FIRST_LINT]
    assert [code for code, _ in SECTIONS] == [code.value for code in sorted(documented, key=lambda code: code.number)]


def test_no_number_is_given_twice() -> None:
    assert len({code.number for code in Code}) == len(Code)


def test_a_second_place_is_shown_below(reader: Reader) -> None:
    first = Line(Mark.WORDS, ["priority", "100"], "f", 3, " priority 100")
    found = Diagnostic(Severity.LINT, Code.DUPLICATE, Position("f", 9), "again", note=Note.at(first, 1))
    assert render(found).split("\n") == [
        "f:9:1: lint[W030 duplicate]: again",
        "  f:3:11: note: declared here",
        "     priority 100",
        "              ^~~",
    ]


@pytest.mark.parametrize(("code", "text"), EXAMPLES, ids=[code for code, _ in EXAMPLES])
def test_the_example_in_the_documentation_gives_that_message_alone(reader: Reader, code: str, text: str) -> None:
    """Beside it there may be that something has no effect yet."""
    given = [one.code.value for one in reader.load(text).diagnostics]
    assert given.count(code) == 1
    assert {*given} - {code} <= {Code.NO_EFFECT.value, Code.NOT_BUILT.value}


def test_messages_are_as_grave_as_is_documented() -> None:
    """Where a code and its severity stand in one call. What documents only warnings is never an error, nor the reverse."""
    given: dict[str, set[str]] = {}
    for path in (Path(__file__).parents[2] / "vrrpd" / "config").rglob("*.py"):
        for code, severity in _given(ast.parse(path.read_text())):
            given.setdefault(code, set()).add("E" if severity == "error" else "W")
    assert len(given) > 40
    for code, letters in given.items():
        documented = EXPLANATIONS[Code[code]].letters
        assert letters <= set(documented), code


def _given(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each code that is the first argument of a call, with the name of what is called."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="error" | "warning" | "lint" as severity),
                args=[ast.Attribute(value=ast.Name(id="Code"), attr=code), *_],
            ):
                yield code, severity
