"""Every lint is documented with an example that gives it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.config.reading import Reader
from vrrpd.config import Code, load
from vrrpd.config.diagnostics import FIRST_LINT
from vrrpd.config.lints import lint, lint_pair

PAGE = (Path(__file__).parents[3] / "docs" / "lints.md").read_text()
SECTIONS = re.findall(r"^## W([0-9]{3}) ([a-z-]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [(name, re.findall(r"```keepalived\n(.*?)```", text, re.DOTALL)) for _, name, text in SECTIONS]


def test_every_lint_is_documented_in_the_order_of_their_numbers() -> None:
    expected = sorted((code.number, code.value) for code in Code if code.number >= FIRST_LINT)
    assert [(int(number), name) for number, name, _ in SECTIONS] == expected


@pytest.mark.parametrize(("name", "texts"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_example_gives_that_lint_alone(reader: Reader, tmp_path: Path, name: str, texts: list[str]) -> None:
    first = reader.load(texts[0])
    assert not [one for one in first.errors if one.code is not Code.NOT_BUILT]
    if len(texts) == 1:
        found = lint(first)
    else:
        path = tmp_path / "second.conf"
        path.write_text(texts[1])
        found = lint_pair(first, load(str(path)))
        assert lint(first) == ()
    assert [one.code.value for one in found] == [name]
