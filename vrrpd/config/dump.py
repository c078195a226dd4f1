"""A configuration written back: includes, definitions, conditions and loops expanded, comments gone, one order and indentation.

The tree is written, not the model: it holds every keyword with its declaration and values, so nothing needs to be known here
of any keyword alone. What was not sound is left out; read again, the rest gives an equal model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.declaration import Form
from vrrpd.config.line import WORD, Line, is_undefined
from vrrpd.config.tree import Node

INDENTATION = "    "
OURS = "@vrrpd "
"""In front of lines that keepalived does not know; it skips them there (`vrrpd` is always one of our configuration ids)."""

BARE = re.compile(r"(?!//|include|[@~])[A-Za-z0-9_.:/+%,=*?()<>|\[\]^&;'@~-]+")
"""Words that need no quotes. Others could, where a line begins, be an include, a condition or a loop, and `//` a remark."""
COMMENT = re.compile(r'"[^"]*"|[#!]')

NAME_OTHERS = frozenset(
    {"static_ipaddress", "static_routes", "static_rules", "vrrp_instance", "vrrp_sync_group", "virtual_server"}
)
"""Blocks that refer to others by name. They come behind those, for most names must be known where they are used."""
IN_WRITTEN_ORDER = (
    ("preempt", "nopreempt"),
    ("accept", "no_accept"),
    ("mcast_src_ip", "unicast_src_ip"),
    ("lb_algo", "sh-port", "sh-fallback", "mh-port", "mh-fallback"),
    ("delay", "fork_delay", "terminate_delay"),
)
"""Keywords of which the later one outdoes the earlier one, or holds only behind it: they keep the order of the file."""
PLACE = {name: group[0] for group in IN_WRITTEN_ORDER for name in group}


def dump(root: Node) -> str:
    """The text of a configuration file that says what the tree says."""
    paragraphs = []
    for node in sorted(_in_order(root), key=lambda one: one.name in NAME_OTHERS):
        prefix = OURS if node.keyword.since == "vrrpd" else ""
        paragraphs.append("".join(f"{prefix}{line}\n" for line in _lines(node)))
    return "\n".join(paragraphs)


def _in_order(block: Node) -> list[Node]:
    """The sound keywords of a block in the order of their declarations."""
    place = {name: index for index, name in enumerate(block.keyword.children)}

    def key(node: Node) -> int:
        return place.get(PLACE.get(node.name, node.name), place[node.name])

    return sorted((child for child in block.children if child.sound), key=key)


def _lines(node: Node) -> Iterator[str]:
    head = " ".join([node.name, *_arguments(node)])
    if node.keyword.form is Form.LINE:
        yield head
        return
    yield f"{head} {{"
    if node.keyword.form is Form.VALUES:
        for entry in node.entries:
            if not any(map(is_undefined, entry.words)):
                yield INDENTATION + " ".join(map(_quoted, entry.words))
    for child in _in_order(node):
        yield from (INDENTATION + line for line in _lines(child))
    yield "}"


def _arguments(node: Node) -> list[str]:
    if not node.values:
        return []
    first = node.keyword.arguments[0]
    if first.repeated and getattr(first.type, "is_path", False):
        return [_as_it_stands(node.line)]
    words = node.line.words[1:]
    return [_quoted(_word(value, word)) for value, word in zip(node.values, words, strict=False)]


def _as_it_stands(line: Line) -> str:
    """What stands behind the keyword, with its quotes and backslashes: commands and patterns have rules of their own."""
    keyword = WORD.search(line.text)
    rest = line.text[keyword.end() :].strip() if keyword else ""
    return COMMENT.sub(lambda match: match[0] if match[0].startswith('"') else f"\\{match[0]}", rest)


def _word(value: object, written: str) -> str:
    """A value in the one spelling that all its spellings mean; `written` where it has but that one."""
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case str() | int() | IPv4Address() | IPv6Address():
            return str(value)
    return written


def _quoted(word: str) -> str:
    return word if BARE.fullmatch(word) else f'"{word}"'
