"""Reading a block's settings: of several with one name the last holds, and each has the type that its declaration gives it."""

from __future__ import annotations

from typing import TypeVar, cast

from vrrpd.config.diagnostics import printable
from vrrpd.config.model.network import Address
from vrrpd.config.tree import Node

T = TypeVar("T")


def setting(block: Node, name: str, default: T) -> T:
    """The first argument of the keyword that holds, or `default`. Its declaration gives it the type of `default`."""
    node = block.last(name)
    return cast("T", node.values[0]) if node and node.values else default


def word(block: Node, name: str) -> str | None:
    """The first argument as text that can be shown and sent; None where the keyword is absent."""
    text = setting(block, name, cast("str | None", None))
    return None if text is None else printable(text)


def number(block: Node, name: str) -> int | None:
    """The first argument as a number; None where the keyword is absent."""
    return setting(block, name, cast("int | None", None))


def address(block: Node, name: str) -> Address | None:
    """The first argument as an address; None where the keyword is absent."""
    return setting(block, name, cast("Address | None", None))


def flag(block: Node, name: str) -> bool:
    """Whether a keyword without arguments occurs."""
    return block.last(name) is not None


def switch(block: Node, name: str, default: T) -> bool | T:
    """A boolean: true without a word, `default` where the keyword is absent."""
    node = block.last(name)
    if node is None:
        return default
    return cast("bool", node.values[0]) if node.values else True


def merged(root: Node, name: str) -> Node:
    """All blocks of one name as one; of a setting that several give, the last holds."""
    blocks = root.all(name)
    if len(blocks) == 1:
        return blocks[0]
    together = Node(root.keyword.children[name], root.line)
    together.children = [child for block in blocks for child in block.children]
    return together
