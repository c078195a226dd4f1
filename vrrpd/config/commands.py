"""Commands in keepalived.conf: `notify_up "/usr/local/bin/tell 'the admin' up" USER GROUP`.

A line with a command is split by rules of its own: single quotes group words as double quotes do, and a backslash has a meaning
everywhere. The second word, as a rule in quotes, is the whole command; it is then split again into program and arguments.
So a command with arguments must stand in quotes, and its inner quotes are single ones: an escaped double quote is a character
like any other.
"""

from __future__ import annotations

import re
from typing import cast

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model.command import Command
from vrrpd.config.settings import word
from vrrpd.config.tree import Node

ANY_ESCAPE = r"\\(?>x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|c.|.)"
"""Atomic, for it has one reading only; else a long line without its quote would be read in every possible way."""
PART = re.compile(
    rf"""{ANY_ESCAPE}|"(?:{ANY_ESCAPE}|[^"\\])*"|'(?:{ANY_ESCAPE}|[^'\\])*'|[^ \t\f\v\r\n"'\\]|(?P<stray>["'\\])""", re.DOTALL
)
"""One piece of a word: an escape, a quoted stretch, a character; or what can be none of these."""
BLANKS = re.compile(r"[ \t\f\v\r\n]+")
ESCAPE = re.compile(r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<other>.))", re.DOTALL)
NAMED = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class UnterminatedError(ValueError):
    """A quote without its partner, or a backslash with nothing behind it; the text names it."""


def bind_command(block: Node, name: str, settings: Node, report: Report) -> Command | None:
    """The command of a keyword in `block`; None where there is none.

    Of several the first holds, as in keepalived. `settings` is `global_defs`, whose `script_user` runs what names no user.
    """
    found = block.all(name)
    if not found:
        return None
    for other in found[1:]:
        report.warning(
            Code.DUPLICATE,
            other.line,
            0,
            f"`{name}` is there already, at line {found[0].line.number}",
            assumed="the first one holds",
        )
    return read_command(found[0], settings, report)


def read_command(node: Node, settings: Node, report: Report) -> Command | None:
    """The command behind one keyword; None, with a message, where its quotes do not match or it is empty."""
    try:
        words = split(node.line.text)[1:]
        command = tuple(unescaped(part) for part in split(_without_outer_quotes(words[0])))
    except UnterminatedError as error:
        report.error(Code.UNTERMINATED_QUOTE, node.line, 1, str(error), assumed="the command is left out")
        return None
    if not command:
        report.error(Code.MISSING_ARGUMENT, node.line, 1, "the command is empty", assumed="it is left out")
        return None
    if len(words) > 3:
        report.warning(
            Code.SURPLUS_WORDS,
            node.line,
            4,
            f"`{node.keyword.name}` takes a command in quotes, a user and a group; what follows is ignored",
            assumed=f"`{' '.join(words[:3])}`",
        )
    user, group = [*(unescaped(part) for part in words[1:3]), None, None][:2]
    if user is None:
        user, group = script_user(settings)
    return Command(command, user, group)


def script_user(settings: Node) -> tuple[str | None, str | None]:
    """User and group of `script_user`; None where they are not given."""
    found = settings.last("script_user")
    if found is None:
        return None, None
    return word(settings, "script_user"), cast("str", found.values[1]) if len(found.values) > 1 else None


def split(text: str) -> list[str]:
    """The words of a line, with their quotes and backslashes; UnterminatedError where a quote has no partner."""
    words: list[str] = []
    position = 0
    while position < len(text):
        if blanks := BLANKS.match(text, position):
            position = blanks.end()
            continue
        start = position
        while part := PART.match(text, position):
            if part["stray"]:
                raise UnterminatedError(
                    f"a `{part['stray']}` has {'nothing behind it' if part['stray'] == chr(92) else 'no partner'}"
                )
            position = part.end()
        words.append(text[start:position])
    return words


def unescaped(word_: str) -> str:
    """A word of :func:`split` without its quotes, and with each escape replaced by what it stands for."""
    pieces = []
    for part in PART.finditer(word_):
        piece = part[0]
        if len(piece) > 1 and piece[0] in "\"'":
            piece = piece[1:-1]
        pieces.append(ESCAPE.sub(_meaning, piece))
    return "".join(pieces)


def _meaning(escape: re.Match[str]) -> str:
    if escape["hex"]:
        return chr(int(escape["hex"], 16))
    if escape["octal"]:
        return chr(int(escape["octal"], 8) & 0xFF)
    if escape["control"]:
        return chr(ord(escape["control"].upper()) & 0x1F)
    return NAMED.get(escape["other"], escape["other"])


def _without_outer_quotes(text: str) -> str:
    """What stands between the quotes of a word that is one quoted stretch."""
    whole = PART.fullmatch(text)
    return text[1:-1] if whole and len(text) > 1 and text[0] in "\"'" else text
