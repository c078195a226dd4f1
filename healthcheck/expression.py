"""Regular expressions as PCRE has them, by the library `regex`: what it writes otherwise is translated, what it lacks refused.

`regex` and not `re`, because a search can be given a time: an expression that is harmless on the pages that its author had in
mind can take hours on a page that somebody else made.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import regex as engine

from healthcheck.types import Regex, RegexOption

SEARCH_S = 0.1
"""The longest search; nothing else is probed meanwhile. A megaoctet takes some milliseconds."""
COMPILED_MAX = 1024

FLAGS = {
    RegexOption.CASELESS: engine.IGNORECASE,
    RegexOption.DOTALL: engine.DOTALL,
    RegexOption.EXTENDED: engine.VERBOSE,
    RegexOption.MULTILINE: engine.MULTILINE,
}
NOT_SUPPORTED = frozenset({RegexOption.ALLOW_EMPTY_CLASS, RegexOption.ALT_BSUX, RegexOption.MATCH_UNSET_BACKREF})
"""These change what an expression means, in ways that this library does not know. Those in neither table change neither whether
there is a match nor where it begins: how long it is (`ungreedy`), what is kept of it, how PCRE proceeds, what it allows."""
TRANSLATED = {
    "Z": r"(?=\n?\Z)",
    "z": r"\Z",
    "H": r"[^\h]",
    "v": r"[\n\x0b\x0c\r\x85]",
    "V": r"[^\n\x0b\x0c\r\x85]",
    "e": r"\x1b",
}
"""Escapes that `regex` does not know or takes otherwise."""
TRANSLATED_IN_CLASS = {"v": r"\n\x0b\x0c\r\x85", "e": r"\x1b"}
REFUSED = frozenset("CLQEcgklmMouU<>")
REFUSED_IN_CLASS = frozenset("CHLNQRVXZz")
"""Escapes for which neither has an equal here."""
SET_OPERATORS = frozenset("[&|~")
"""In a class `regex` would take two of these as an operation on sets."""


class ExpressionError(ValueError):
    """The expression cannot be used; the text says why."""


Pattern: TypeAlias = "engine.Pattern[bytes] | engine.Pattern[str]"


@lru_cache(COMPILED_MAX)
def compiled(regex: Regex) -> Pattern:
    """The expression, ready for use. Raises ExpressionError."""
    for option in regex.options:
        if option in NOT_SUPPORTED:
            raise ExpressionError(f"the option `{option.value}` is not supported")
    chosen = set(regex.options)
    flags = engine.VERSION1
    for option, flag in FLAGS.items():
        if option in chosen:
            flags |= flag
    text = _Translation(regex.pattern, chosen).whole()
    try:
        if RegexOption.UTF in chosen or RegexOption.UCP in chosen:
            flags |= engine.UNICODE if RegexOption.UCP in chosen else engine.ASCII
            return engine.compile(text, flags)
        return engine.compile(text.encode(errors="surrogateescape"), flags)
    except (engine.error, ValueError, OverflowError, RecursionError) as error:
        raise ExpressionError(str(error)) from error


def found_in(pattern: Pattern, regex: Regex, page: bytes) -> bool | None:
    """Whether the page has a match that begins where it may; None if it took too long to know."""
    if len(page) < regex.min_offset:
        return False
    last = len(page) if regex.max_offset is None else regex.max_offset
    if RegexOption.FIRSTLINE in regex.options:
        line_end = page.find(b"\n", regex.min_offset)
        last = last if line_end < 0 else min(last, line_end)
    try:
        if isinstance(pattern.pattern, bytes):
            found = pattern.search(page, regex.min_offset, timeout=SEARCH_S)
            return found is not None and found.start() <= last
        text = page.decode(errors="surrogateescape")
        start = len(page[: regex.min_offset].decode(errors="surrogateescape"))
        match = pattern.search(text, start, timeout=SEARCH_S)
        return match is not None and len(text[: match.start()].encode(errors="surrogateescape")) <= last
    except TimeoutError:
        return None


class _Translation:
    """A walk over an expression, piece by piece; only what the two libraries read differently is looked at."""

    def __init__(self, pattern: str, options: set[RegexOption]) -> None:
        self._pattern = pattern
        self._at = 0
        self._options = options

    def whole(self) -> str:
        pieces = []
        while self._at < len(self._pattern):
            pieces.append(self._piece())
        return "".join(pieces)

    def _piece(self) -> str:
        character = self._take()
        if character == "\\":
            return self._escape(TRANSLATED, REFUSED)
        if character == "[":
            return self._class()
        if character == "$" and RegexOption.DOLLAR_ENDONLY in self._options and RegexOption.MULTILINE not in self._options:
            return r"\Z"
        if character == "{" and not self._ahead_is_count():
            return r"\{"  # plain text in PCRE, the bounds of an inexact match in `regex`
        if character == "#" and RegexOption.EXTENDED in self._options:
            end = self._pattern.find("\n", self._at)
            self._at = len(self._pattern) if end < 0 else end + 1
            return "\n"
        return character

    def _take(self) -> str:
        character = self._pattern[self._at : self._at + 1]
        self._at += 1
        return character

    def _escape(self, translated: dict[str, str], refused: frozenset[str]) -> str:
        letter = self._take()
        if letter == "":
            raise ExpressionError("it ends with a backslash")
        if letter == "x" and self._pattern[self._at : self._at + 1] == "{":
            return self._code_point()
        if letter in refused:
            raise ExpressionError(f"`\\{letter}` is not supported at position {self._at - 2}")
        return translated.get(letter, "\\" + letter)

    def _code_point(self) -> str:
        """`\\x{HEX}`."""
        end = self._pattern.find("}", self._at)
        digits = self._pattern[self._at + 1 : end] if end > 0 else ""
        if not digits or len(digits) > 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise ExpressionError(f"`\\x{{` without a number and `}}` at position {self._at - 2}")
        self._at = end + 1
        number = int(digits, 16)
        return f"\\x{number:02x}" if number < 0x100 else f"\\U{number:08x}"

    def _class(self) -> str:
        """What stands in square brackets, the first of which is read already."""
        pieces = ["["]
        start = self._at
        if self._pattern[self._at : self._at + 1] == "^":
            pieces.append(self._take())
        if self._pattern[self._at : self._at + 1] == "]":
            pieces.append("\\" + self._take())
        while True:
            character = self._take()
            if character == "":
                raise ExpressionError(f"`[` without `]` at position {start - 1}")
            if character == "]":
                return "".join([*pieces, "]"])
            if character == "\\":
                pieces.append(self._escape(TRANSLATED_IN_CLASS, REFUSED_IN_CLASS))
            elif character == "[" and self._pattern[self._at : self._at + 1] == ":" and ":]" in self._pattern[self._at + 1 :]:
                end = self._pattern.index(":]", self._at + 1) + 2
                pieces.append("[" + self._pattern[self._at : end])
                self._at = end
            elif character == "-" and self._pattern[self._at : self._at + 1] == "-":
                raise ExpressionError(f"`--` within brackets is not supported at position {self._at - 1}")
            else:
                pieces.append("\\" + character if character in SET_OPERATORS else character)

    def _ahead_is_count(self) -> bool:
        """Whether a brace begins a count of repetitions, `{2}`, `{2,}` or `{2,4}`."""
        end = self._pattern.find("}", self._at)
        low, _comma, high = self._pattern[self._at : max(end, self._at)].partition(",")
        return low.isdecimal() and (not high or high.isdecimal())
