"""keepalived and vrrpd find the same configurations sound, but for named differences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import keepalived
from tests.interop.configurations import (
    CLEAN,
    CORPUS,
    CRASH,
    ERRORS,
    Difference,
    differences,
    loaded,
    mistakes,
    names,
)
from vrrpd.config.declaration import Keyword
from vrrpd.config.diagnostics import Code
from vrrpd.config.keywords import ROOT
from vrrpd.config.tree import Node

CONFIGURATIONS_MIN = 150


@pytest.fixture(scope="module")
def theirs() -> dict[str, str]:
    """keepalived's verdict on every configuration."""
    verdicts = keepalived.verdicts(CORPUS / name for name in names())
    return {str(path.relative_to(CORPUS)): verdict for path, verdict in verdicts.items()}


def ours(name: str) -> str:
    """vrrpd's verdict; warnings and lints do not count."""
    return ERRORS if loaded(name).errors else CLEAN


@pytest.mark.parametrize("name", names())
def test_both_give_the_same_verdict_or_the_difference_has_a_row(name: str, theirs: dict[str, str]) -> None:
    row = differences().get(name)
    found = theirs[name], ours(name)
    if row is None:
        said = [f"{one.position.line}: {one.message}" for one in loaded(name).errors]
        assert found[0] == found[1], f"a difference without a row in differences.toml; vrrpd says {said}"
    else:
        assert found[0] != found[1], "this is no difference any more: remove its row"
        assert found == (row.theirs, row.ours)


@pytest.mark.parametrize("name", names())
def test_errors_stand_where_the_mistakes_are(name: str) -> None:
    """What is sound but not built yet is an error too, but no mistake."""
    spoken_of = {(one.position.file, one.position.line) for one in loaded(name).errors if one.code is not Code.NOT_BUILT}
    written = loaded(name).written
    assert written is not None
    assert spoken_of == {(path, line) for path in written.files for line in mistakes(Path(path))}


@pytest.mark.parametrize("row", differences().values(), ids=lambda row: row.file)
def test_every_difference_has_a_file_verdicts_and_a_reason(row: Difference) -> None:
    assert (CORPUS / row.file).is_file()
    assert row.theirs in {CLEAN, ERRORS, CRASH}
    assert row.ours in {CLEAN, ERRORS}
    assert row.reason.endswith(".")


def test_the_corpus_has_every_keyword_in_every_block() -> None:
    assert len(names()) >= CONFIGURATIONS_MIN
    written = {pair for name in names() for pair in _written(loaded(name).tree)}
    assert set(_declared(ROOT)) - written == set()


def _declared(block: Keyword) -> Iterator[tuple[str, str]]:
    """Block and keyword of all that keepalived knows."""
    for keyword in block.children.values():
        if keyword.since != "vrrpd" and not keyword.lenient:
            yield block.name, keyword.name
            yield from _declared(keyword)


def _written(block: Node | None) -> Iterator[tuple[str, str]]:
    """Block and keyword of all that a configuration says."""
    if block is None:
        return
    for node in block.children:
        yield block.keyword.name, node.keyword.name
        yield from _written(node)
