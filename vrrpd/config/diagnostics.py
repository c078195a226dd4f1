"""What is said about a configuration file, in the form of a good compiler's messages.

One mistake gives one message: whoever reports an error also sees to it that what follows from it stays silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self

from vrrpd.config.line import Line
from vrrpd.config.position import Position

KEPT_MAX = 200
"""Messages kept of each severity: nobody reads more, and a hostile file must not fill the log or the memory."""
FIRST_LINT = 100
"""Codes from this number on are lints."""
SOURCE_SHOWN_MAX = 160
"""Characters of a source line shown; longer ones are cut around the caret."""


class Severity(Enum):
    """How grave a message is."""

    ERROR = "error"
    """Cannot be done as written: `vrrpd check` fails and a reload is refused."""
    WARNING = "warning"
    """Is read otherwise than it may seem."""
    LINT = "lint"
    """Is done as written, and is probably not what was wanted."""

    @property
    def letter(self) -> str:
        """What the code of such a message begins with."""
        return "E" if self is Severity.ERROR else "W"


class Code(StrEnum):
    """Every kind of message: its name, and its number, which never changes and is never used again.

    Up to 29: files, text and keywords. 30 to 59: settings. 60 to 99: what vrrpd does otherwise. From 100: lints.
    docs/diagnostics.md and docs/lints.md have an example of each.
    """

    number: int

    def __new__(cls, name: str, number: int) -> Self:
        """A member whose value is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.number = number
        return member

    FILE_UNREADABLE = "file-unreadable", 1
    INCLUDE = "include", 2
    INCLUDE_LIMIT = "include-limit", 3
    LINE_TOO_LONG = "line-too-long", 4
    UNTERMINATED_QUOTE = "unterminated-quote", 5
    UNDEFINED = "undefined", 6
    LOOP = "loop", 7
    EXPANSION_LIMIT = "expansion-limit", 8
    MISSING_BRACE = "missing-brace", 9
    SURPLUS_BRACE = "surplus-brace", 10
    UNEXPECTED_BRACE = "unexpected-brace", 11
    BAD_VALUE = "bad-value", 12
    MISSING_ARGUMENT = "missing-argument", 13
    SURPLUS_WORDS = "surplus-words", 14
    ONE_PER_LINE = "one-per-line", 15
    UNKNOWN_KEYWORD = "unknown-keyword", 16
    UNKNOWN_OPTION = "unknown-option", 17

    DUPLICATE = "duplicate", 30
    CONFLICT = "conflict", 31
    MISSING_SETTING = "missing-setting", 32
    DEFAULT_ASSUMED = "default-assumed", 33
    REDUCED = "reduced", 34
    ADDRESS_FAMILY = "address-family", 35
    AUTHENTICATION_INCOMPLETE = "authentication-incomplete", 36
    CHECK_WITHOUT_PORT = "check-without-port", 37
    UNKNOWN_NAME = "unknown-name", 38
    DEPRECATED = "deprecated", 39

    LENIENT = "lenient", 60
    NO_EFFECT = "no-effect", 61
    NOT_BUILT = "not-built", 62
    TOO_MANY = "too-many", 99

    PAIR_DIFFERS = "pair-differs", 102
    PAIR_AGREES = "pair-agrees", 103
    NOPREEMPT_WITHOUT_EFFECT = "nopreempt-without-effect", 104
    PREEMPT_DELAY_WITHOUT_EFFECT = "preempt-delay-without-effect", 105
    NOPREEMPT_WEIGHT = "nopreempt-weight", 106
    WEIGHT_WITHOUT_EFFECT = "weight-without-effect", 107
    NO_PREFIX_LENGTH = "no-prefix-length", 108
    STRICT_CONFLICT = "strict-conflict", 109
    CLEAR_TEXT_PASSWORD = "clear-text-password", 110
    UNICAST_WITHOUT_HMAC = "unicast-without-hmac", 111
    PERSISTENCE_WITH_OPS = "persistence-with-ops", 112
    REAL_SERVER_TWICE = "real-server-twice", 113
    WEIGHT_ZERO = "weight-zero", 114
    QUORUM_UNREACHABLE = "quorum-unreachable", 115
    CHECK_PORT_DIFFERS = "check-port-differs", 116
    SCRIPT_MISSING = "script-missing", 117
    SCRIPT_UNSAFE = "script-unsafe", 118
    SCRIPT_NOT_EXECUTABLE = "script-not-executable", 119
    FLAG_WITH_WORD = "flag-with-word", 120
    SETTING_IGNORED = "setting-ignored", 121
    MIXED_FAMILIES = "mixed-families", 122


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that a message is about."""

    message: str
    position: Position
    source_line: str = ""
    length: int = 1

    @classmethod
    def at(cls, line: Line, index: int = 0, message: str = "declared here") -> Note:
        """A note about word `index` of `line`."""
        return cls(message, line.position(index), line.source, line.length(index))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message about one place."""

    severity: Severity
    code: Code
    position: Position
    message: str
    source_line: str = ""
    """The line as it stands in the file; empty where there is none to show."""
    length: int = 1
    """Characters to underline, from the position's column."""
    assumed: str | None = None
    """What the daemon does in place of what was written."""
    help: str | None = None
    """What to write instead."""
    note: Note | None = None
    """Where that stands with which this place does not agree."""

    @property
    def number(self) -> str:
        """`E012`: the code's number behind the severity's letter."""
        return f"{self.severity.letter}{self.code.number:03}"


class Report:
    """Collects diagnostics in the order in which they are found."""

    def __init__(self) -> None:
        self._kept: list[Diagnostic] = []
        self._counts = dict.fromkeys(Severity, 0)

    def error(
        self,
        code: Code,
        line: Line,
        index: int,
        message: str,
        *,
        assumed: str | None = None,
        advice: str | None = None,
        note: Note | None = None,
    ) -> None:
        """Report a mistake at word `index` of `line`."""
        self._add(Severity.ERROR, code, line, index, message, assumed, advice, note)

    def warning(
        self,
        code: Code,
        line: Line,
        index: int,
        message: str,
        *,
        assumed: str | None = None,
        advice: str | None = None,
        note: Note | None = None,
    ) -> None:
        """Report, at word `index` of `line`, something that is read otherwise than it may seem."""
        self._add(Severity.WARNING, code, line, index, message, assumed, advice, note)

    def lint(
        self, code: Code, line: Line, index: int, message: str, *, advice: str | None = None, note: Note | None = None
    ) -> None:
        """Report, at word `index` of `line`, something sound that is probably not what was wanted."""
        self._add(Severity.LINT, code, line, index, message, None, advice, note)

    def has_room(self, severity: Severity = Severity.ERROR) -> bool:
        """Whether one more message would be kept; a caller spares itself the search for a suggestion if not."""
        return self._counts[severity] < KEPT_MAX

    def diagnostics(self, files: Sequence[str]) -> tuple[Diagnostic, ...]:
        """All that was kept, in the order of `files` and of their lines, and a last word on what was not."""
        order = {file: index for index, file in enumerate(files)}
        kept = sorted(self._kept, key=lambda one: (order.get(one.position.file, -1), one.position.line, one.position.column))
        left_out = [
            Diagnostic(
                severity,
                Code.TOO_MANY,
                kept[-1].position,
                f"{count - KEPT_MAX} further {severity.value}s are not shown",
            )
            for severity, count in self._counts.items()
            if count > KEPT_MAX
        ]
        return (*kept, *left_out)

    def _add(
        self,
        severity: Severity,
        code: Code,
        line: Line,
        index: int,
        message: str,
        assumed: str | None,
        advice: str | None,
        note: Note | None,
    ) -> None:
        self._counts[severity] += 1
        if self._counts[severity] <= KEPT_MAX:
            place = line.position(index)
            self._kept.append(
                Diagnostic(severity, code, place, message, line.source, line.length(index), assumed, advice, note)
            )


BOLD = "\033[1m"
RESET = "\033[0m"
COLOURS = {Severity.ERROR: "\033[1;31m", Severity.WARNING: "\033[1;35m", Severity.LINT: "\033[1;36m"}
CARET_COLOUR = "\033[1;32m"


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """The message as text of several lines without a final newline; `colour` adds ANSI sequences."""

    def painted(text: str, sequence: str) -> str:
        return f"{sequence}{text}{RESET}" if colour else text

    def pointed(place: Position, source_line: str, underlined: int) -> list[str]:
        if not source_line.strip():
            return []
        source, column = _window(source_line, place.column)
        length = max(1, min(underlined, len(source) - column + 1))
        return [f"    {source}", f"    {' ' * (column - 1)}{painted('^' + '~' * (length - 1), CARET_COLOUR)}"]

    head = painted(f"{printable(str(diagnostic.position))}:", BOLD)
    kind = f"{diagnostic.severity.value}[{diagnostic.number} {diagnostic.code.value}]:"
    lines = [f"{head} {painted(kind, COLOURS[diagnostic.severity])} {printable(diagnostic.message)}"]
    lines += pointed(diagnostic.position, diagnostic.source_line, diagnostic.length)
    if diagnostic.assumed:
        lines.append(f"    assumed: {printable(diagnostic.assumed)}")
    if diagnostic.help:
        lines.append(f"    help: {printable(diagnostic.help)}")
    if note := diagnostic.note:
        lines.append(f"  {painted(f'{printable(str(note.position))}:', BOLD)} note: {printable(note.message)}")
        lines += pointed(note.position, note.source_line, note.length)
    return "\n".join(lines)


def _window(source: str, column: int) -> tuple[str, int]:
    """Cut a source line to what is shown; returns it and the caret's column in it."""
    start = 0 if column <= SOURCE_SHOWN_MAX else column - SOURCE_SHOWN_MAX // 2
    return printable(source[start : start + SOURCE_SHOWN_MAX]), column - start


def printable(text: str) -> str:
    """Text that can go to a terminal: what could steer it, or not be encoded, is replaced character by character."""
    return "".join(character if character.isprintable() else " " if character == "\t" else "\ufffd" for character in text)
