"""What lints look at: the model says what holds, the tree where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vrrpd.config.declaration import Form
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line
from vrrpd.config.load import Loaded
from vrrpd.config.model import Config
from vrrpd.config.position import Position
from vrrpd.config.settings import merged
from vrrpd.config.tree import Node


@dataclass(frozen=True)
class Subject:
    """One configuration, and where what is found in it goes."""

    config: Config
    root: Node
    said: frozenset[Position]
    """Places that an error or a warning is about."""
    report: Report

    @cached_property
    def settings(self) -> Node:
        """All of `global_defs`."""
        return merged(self.root, "global_defs")

    @cached_property
    def blocks(self) -> tuple[Node, ...]:
        """Every sound block of keywords, the file itself first."""
        return tuple(_blocks(self.root))

    def block(self, position: Position) -> Node:
        """The block that a part of the model came from. Of several that one loop made any: they stand in one place."""
        return self._by_position[position]

    def line(self, position: Position, *names: str) -> Line:
        """The line of the first of these keywords that the block at `position` has; its own line where it has none."""
        block = self.block(position)
        found = next((node for name in names if (node := block.last(name))), block)
        return found.line

    @cached_property
    def _by_position(self) -> dict[Position, Node]:
        return {node.line.position(): node for node in self.blocks[1:]}


def subject_of(loaded: Loaded, report: Report) -> Subject | None:
    """What there is to look at; None where the file could not be read."""
    if loaded.written is None or loaded.tree is None:
        return None
    said = frozenset(one.position for one in loaded.diagnostics if one.code is not Code.NO_EFFECT)
    return Subject(loaded.written, loaded.tree, said, report)


def _blocks(block: Node) -> Iterator[Node]:
    yield block
    for node in block.children:
        if node.sound and node.keyword.form is Form.BLOCK:
            yield from _blocks(node)
