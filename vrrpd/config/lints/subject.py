"""What lints look at: the model says what holds, the tree where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from vrrpd.config.diagnostics import Report
from vrrpd.config.line import Line
from vrrpd.config.model import Config
from vrrpd.config.position import Position
from vrrpd.config.settings import merged
from vrrpd.config.tree import Node


@dataclass(frozen=True)
class Subject:
    """One configuration, and where what is found in it goes."""

    config: Config
    root: Node
    report: Report

    @cached_property
    def settings(self) -> Node:
        """All of `global_defs`."""
        return merged(self.root, "global_defs")

    def nodes(self) -> Iterator[Node]:
        """Every sound keyword, in order."""
        return _below(self.root)

    def block(self, position: Position) -> Node:
        """The block that a part of the model came from. Of several that one loop made any: they stand in one place."""
        return self._blocks[position]

    def line(self, position: Position, *names: str) -> Line:
        """The line of the first of these keywords that the block at `position` has; its own line where it has none."""
        block = self.block(position)
        found = next((node for name in names if (node := block.last(name))), block)
        return found.line

    @cached_property
    def _blocks(self) -> dict[Position, Node]:
        return {node.line.position(): node for node in self.nodes() if node.keyword.children}


def _below(block: Node) -> Iterator[Node]:
    for node in block.children:
        if node.sound:
            yield node
            yield from _below(node)
