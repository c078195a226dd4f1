"""One logical line of a configuration: what the lexer makes and everything else reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from vrrpd.config.position import Position

WORD = re.compile(r'"(?P<quoted>[^"]*)"|(?P<brace>[{}])|(?P<bare>[^ \t\f\v\r\n"{}]+)')
"""A word or brace of text without comments. A quote ends a bare word: ``ab"cd"`` is two words."""

UNDEFINED = "\ufdd0"
"""Stands, in a word, for the reference to a definition that does not exist. It was reported where it was met; whoever finds it
in a word keeps silent. A Unicode noncharacter, so no file holds it (the reader replaces it)."""


class Mark(IntEnum):
    """What a line is."""

    WORDS = 0
    OPEN = 1
    CLOSE = 2


class Line:
    """Words that stand on one line, or one brace, with their place in a file.

    Most lines are never spoken of, so columns are worked out when somebody asks, except where substitution moved them.
    """

    __slots__ = ("_columns", "_text", "file", "mark", "number", "source", "words")

    def __init__(
        self,
        mark: Mark,
        words: list[str],
        file: str,
        number: int,
        source: str,
        columns: Sequence[int] | None = None,
        text: str | None = None,
    ) -> None:
        self.mark = mark
        self.words = words
        self.file = file
        self.number = number
        self.source = source
        self._columns = columns
        self._text = text

    @property
    def text(self) -> str:
        """The words as they stand in the line, with quotes and backslashes; commands are split by rules of their own."""
        return self.source.partition("{")[0] if self._text is None else self._text

    def column(self, index: int) -> int:
        """Column of word `index`, from 1; of the last word where there is no such one."""
        columns = self._columns
        if columns is None:
            if index == 0:
                return len(self.source) - len(self.source.lstrip()) + 1
            columns = [match.start() + 1 for match in WORD.finditer(self.source) if not match["brace"]]
        return columns[min(index, len(columns) - 1)] if columns else 1

    def position(self, index: int = 0) -> Position:
        """Place of word `index`."""
        return Position(self.file, self.number, self.column(index))

    def length(self, index: int) -> int:
        """Characters of word `index`, for underlining; 1 for braces."""
        if self.mark is not Mark.WORDS or index >= len(self.words):
            return 1
        return max(1, len(self.words[index]))

    def part(self, start: int, end: int) -> Line:
        """The words from `start` up to `end`, as if they stood on a line of their own."""
        columns = [self.column(index) for index in range(start, end)]
        words = self.words[start:end]
        return Line(self.mark, words, self.file, self.number, self.source, columns, " ".join(f'"{word}"' for word in words))

    def __repr__(self) -> str:
        return f"Line({self.mark.name}, {self.words!r}, {self.file}:{self.number}:{self.column(0)})"


def is_undefined(word: str) -> bool:
    """Whether the word holds a reference that could not be resolved."""
    return UNDEFINED in word
