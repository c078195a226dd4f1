"""What is said to have no effect has none: the configuration that runs is the same without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vrrpd.config import load
from vrrpd.config.declaration import Effect, Form
from vrrpd.config.model import Config
from vrrpd.config.tree import Node

CORPUS = Path(__file__).parents[1] / "interop/corpus"
WITHOUT_EFFECT = {Effect.NONE, Effect.IGNORED}
NEVER_READ = {"regex_stack", "bfd_instance", "BFD_CHECK"}
"""They leave a trace in the configuration that runs, which nothing looks at."""


def _without_effect(block: Node) -> Iterator[Node]:
    for node in block.children:
        if node.name in NEVER_READ:
            continue
        if node.keyword.effect in WITHOUT_EFFECT:
            yield node
        else:
            yield from _without_effect(node)


def _end(lines: list[str], first: int, node: Node) -> int:
    """The index behind a keyword's last line."""
    if node.keyword.form is Form.LINE:
        return first + 1
    depth = 0
    for index in range(first, len(lines)):
        depth += lines[index].count("{") - lines[index].count("}")
        if depth == 0 and "}" in lines[index]:
            return index + 1
    return len(lines)


def _running(path: Path) -> Config | None:
    return load(str(path), config_id="lb1").config


@pytest.mark.parametrize("name", sorted(str(path.relative_to(CORPUS)) for path in CORPUS.rglob("*.conf")))
def test_what_has_no_effect_changes_nothing_that_runs(name: str, tmp_path: Path) -> None:
    original, copy = CORPUS / name, tmp_path / "copy.conf"
    tree = load(str(original), config_id="lb1").tree
    if tree is None:
        return
    lines = original.read_text(errors="surrogateescape").splitlines(keepends=True)
    copy.write_text("".join(lines), errors="surrogateescape")
    whole = _running(copy)
    for node in _without_effect(tree):
        if node.line.file != str(original):
            continue
        first = node.line.number - 1
        end = _end(lines, first, node)
        copy.write_text("".join([*lines[:first], *["\n"] * (end - first), *lines[end:]]), errors="surrogateescape")
        assert _running(copy) == whole, f"line {node.line.number}: `{node.name}` has an effect"
