"""Text to logical lines: comments, quotes, braces, includes.

Most lines of most files are plain words, or words and an opening brace, or a closing brace; they take the short way. Only a
line that holds one of the characters in :data:`SPECIAL` is looked at character by character. Large files say the same things
over and over, so what a plain line is made of is remembered by its text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.expansion import Expansion, Text
from vrrpd.config.includes import INCLUDE, Includes
from vrrpd.config.line import UNDEFINED, WORD, Line, Mark

LINE_OCTETS_MAX = 1022
"""keepalived reads lines into a buffer of this size and takes the rest of a longer one for the next line. A file that both can
read has none; one that has is more likely damaged than meant."""

SPECIAL = re.compile(r'["#!$@~\\{}\x00\x1c-\x1f]|//|^[ \t]*include')
"""What the short way does not know; nor does it know text beyond ASCII, where `str.split` would split at blanks of its own."""
PLAIN_BLOCK = re.compile(r'[^"#!$@~\\{}/\x00\x1c-\x1f]*\{[ \t\r]*')
PLAIN_CLOSE = re.compile(r"[ \t]*\}[ \t\r]*")
SCAN = re.compile(r'"[^"]*"|"|\\[#!]|[#!]|//')
REMARK_AFTER = frozenset(" \t{}")
NO_WORDS: list[str] = []
"""Of a brace; nobody adds to the words of a line."""
PLAIN_KEPT_MAX = 4096
"""Plain lines that are remembered. Lines that recur do so soon; a file in which none does must not fill the memory."""


class PlainLine(NamedTuple):
    """A line that means the same wherever it stands, unless a definition continues there."""

    source: str
    words: list[str]
    brace: Mark | None
    """What stands behind the words."""
    columns: Sequence[int]
    """Of the brace."""


class Lexer:
    """Reads one configuration with all its includes into `lines`."""

    def __init__(self, report: Report, expansion: Expansion, includes: Includes, path_keywords: frozenset[str]) -> None:
        self.lines: list[Line] = []
        self._report = report
        self._expansion = expansion
        self._includes = includes
        self._path_keywords = path_keywords
        """Keywords whose argument is a path: a `//` behind them begins no remark."""
        self._plain: dict[str, PlainLine] = {}

    def read(self, file: str, text: str) -> None:
        """Append the logical lines of `text`, the contents of `file`."""
        remarks: list[Line] = []
        plain_lines, append, words_mark = self._plain, self.lines.append, Mark.WORDS
        for number, source in enumerate(text.replace(UNDEFINED, "\ufffd").split("\n"), 1):
            plain = plain_lines.get(source) or self._plain_line(source)
            if plain is None or self._expansion.in_definition:
                self._read_special(file, number, source, remarks)
                continue
            source, words, brace, columns = plain  # noqa: PLW2901  one string serves for all lines that are alike
            if words:
                append(Line(words_mark, words, file, number, source))
            if brace is not None:
                append(Line(brace, NO_WORDS, file, number, source, columns))
        if remarks:
            lines = "1 line of this file ends" if len(remarks) == 1 else f"{len(remarks)} lines of this file end"
            self._report.warning(
                Code.LENIENT,
                remarks[0],
                0,
                f"`//` begins no comment in keepalived.conf, but {lines} in one",
                assumed="a remark, as far as the end of the line",
                advice="write `#`",
            )

    def _plain_line(self, source: str) -> PlainLine | None:
        """What a plain line is made of; None for one that must be looked at more closely."""
        if _too_long(source):
            return None
        if source.isascii() and not SPECIAL.search(source):
            plain = PlainLine(source, source.split(), None, ())
        elif PLAIN_CLOSE.fullmatch(source):
            plain = PlainLine(source, NO_WORDS, Mark.CLOSE, (source.index("}") + 1,))
        elif source.isascii() and PLAIN_BLOCK.fullmatch(source):
            brace = source.index("{")
            plain = PlainLine(source, source[:brace].split(), Mark.OPEN, (brace + 1,))
        else:
            return None
        if len(self._plain) < PLAIN_KEPT_MAX:
            self._plain[source] = plain
        return plain

    def _read_special(self, file: str, number: int, source: str, remarks: list[Line]) -> None:
        if _too_long(source):
            self._report.error(
                Code.LINE_TOO_LONG,
                Line(Mark.WORDS, [], file, number, source[:LINE_OCTETS_MAX], [1]),
                0,
                f"the line has more than {LINE_OCTETS_MAX} octets",
                assumed="the line is left out",
            )
            return
        if "\0" in source:  # keepalived drops such a line too
            return
        text = self._without_comments(file, number, source.rstrip("\r"), remarks)
        if self._expansion.in_definition:
            self._expansion.continue_definition(text[0])
            return
        place = Line(Mark.WORDS, [source.strip()], file, number, source, [len(source) - len(source.lstrip()) + 1])
        for expanded in self._expansion.expand(text, place):
            if include := INCLUDE.fullmatch(expanded[0]):
                self._include(include[1], include[2], place)
            else:
                self._split(expanded, place)

    def _without_comments(self, file: str, number: int, source: str, remarks: list[Line]) -> Text:
        """The line as far as its comment or remark, with `\\#` and `\\!` unescaped and a missing quote supplied."""
        columns: Sequence[int] = range(1, len(source) + 1)
        search_from = 0
        while match := SCAN.search(source, search_from):
            found, start = match[0], match.start()
            search_from = match.end()
            if found in {"#", "!"}:
                return source[:start], columns[:start]
            if found == "//" and self._is_remark(source, start):
                remarks.append(Line(Mark.WORDS, ["//"], file, number, source, [columns[start]]))
                return source[:start], columns[:start]
            if found[0] == "\\":
                source = source[:start] + source[start + 1 :]
                columns = [*columns[:start], *columns[start + 1 :]]
                search_from = start + 1
            elif found == '"':
                return self._quote_supplied(file, number, source, columns, start)
        return source, columns

    def _quote_supplied(self, file: str, number: int, source: str, columns: Sequence[int], start: int) -> Text:
        """Close an open quote at the end of the line, or before the brace that opens a block there."""
        self._report.error(
            Code.UNTERMINATED_QUOTE,
            Line(Mark.WORDS, [source[start:].rstrip()], file, number, source, [columns[start]]),
            0,
            'a `"` has no partner on this line',
            assumed="the quoted word ends with the line",
        )
        body = source.rstrip(" \t")
        end = len(body[:-1].rstrip(" \t")) if body.endswith("{") else len(body)
        tail = body[end:]
        return body[:end] + '"' + tail, [*columns[:end], columns[end - 1], *columns[end : end + len(tail)]]

    def _is_remark(self, source: str, start: int) -> bool:
        before = source[:start]
        if before and before[-1] not in REMARK_AFTER:
            return False
        words = before.split()
        return not words or words[-1] not in self._path_keywords

    def _split(self, text: Text, place: Line) -> None:
        """Split at braces and blanks; what follows a brace is a logical line of its own."""
        words: list[str] = []
        columns: list[int] = []
        start = 0
        for match in WORD.finditer(text[0]):
            column = text[1][match.start()]
            if brace := match["brace"]:
                if words:
                    self._append(words, columns, place, text[0][start : match.start()])
                    words, columns = [], []
                mark = Mark.OPEN if brace == "{" else Mark.CLOSE
                self.lines.append(Line(mark, [], place.file, place.number, place.source, [column]))
                start = match.end()
            else:
                quoted = match["quoted"]
                words.append(match["bare"] if quoted is None else quoted)
                columns.append(column)
        if words:
            self._append(words, columns, place, text[0][start:])

    def _append(self, words: list[str], columns: list[int], place: Line, text: str) -> None:
        self.lines.append(Line(Mark.WORDS, words, place.file, place.number, place.source, columns, text))

    def _include(self, variant: str, pattern: str | None, place: Line) -> None:
        if not pattern:
            self._report.error(Code.MISSING_ARGUMENT, place, 0, f"`{variant}` names no file", assumed="nothing is included")
            return
        for path, text in self._includes.matching(variant, pattern, place):
            self.read(path, text)


def _too_long(source: str) -> bool:
    """Whether the line exceeds the limit in octets; a character has four at most."""
    if len(source) * 4 <= LINE_OCTETS_MAX:
        return False
    return len(source) > LINE_OCTETS_MAX or len(source.encode("utf-8", "surrogateescape")) > LINE_OCTETS_MAX
