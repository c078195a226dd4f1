"""What is said about a configuration file, in the form of a good compiler's messages.

One mistake gives one message: whoever reports an error also sees to it that what follows from it stays silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from vrrpd.config.line import Line
from vrrpd.config.position import Position

KEPT_MAX = 200
"""Messages kept of each severity: nobody reads more, and a hostile file must not fill the log or the memory."""
SOURCE_SHOWN_MAX = 160
"""Characters of a source line shown; longer ones are cut around the caret."""


class Severity(Enum):
    """Errors make `vrrpd check` fail and a reload be refused; warnings tell of what was read otherwise than it may seem."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """Every kind of message; docs/diagnostics.md has an example of each."""

    ADDRESS_FAMILY = "address-family"
    AUTHENTICATION_INCOMPLETE = "authentication-incomplete"
    BAD_VALUE = "bad-value"
    CHECK_WITHOUT_PORT = "check-without-port"
    CONFLICT = "conflict"
    DEFAULT_ASSUMED = "default-assumed"
    DUPLICATE = "duplicate"
    EXPANSION_LIMIT = "expansion-limit"
    FILE_UNREADABLE = "file-unreadable"
    INCLUDE = "include"
    INCLUDE_LIMIT = "include-limit"
    LENIENT = "lenient"
    LINE_TOO_LONG = "line-too-long"
    LOOP = "loop"
    MISSING_ARGUMENT = "missing-argument"
    MISSING_BRACE = "missing-brace"
    MISSING_SETTING = "missing-setting"
    NO_EFFECT = "no-effect"
    NOT_BUILT = "not-built"
    ONE_PER_LINE = "one-per-line"
    REDUCED = "reduced"
    SURPLUS_BRACE = "surplus-brace"
    SURPLUS_WORDS = "surplus-words"
    TOO_MANY = "too-many"
    UNDEFINED = "undefined"
    UNEXPECTED_BRACE = "unexpected-brace"
    UNKNOWN_KEYWORD = "unknown-keyword"
    UNKNOWN_OPTION = "unknown-option"
    UNTERMINATED_QUOTE = "unterminated-quote"


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


class Report:
    """Collects diagnostics in the order in which they are found."""

    def __init__(self) -> None:
        self._kept: list[Diagnostic] = []
        self._counts = dict.fromkeys(Severity, 0)

    def error(
        self, code: Code, line: Line, index: int, message: str, *, assumed: str | None = None, advice: str | None = None
    ) -> None:
        """Report a mistake at word `index` of `line`."""
        self._add(Severity.ERROR, code, line, index, message, assumed, advice)

    def warning(
        self, code: Code, line: Line, index: int, message: str, *, assumed: str | None = None, advice: str | None = None
    ) -> None:
        """Report, at word `index` of `line`, something that is read otherwise than it may seem."""
        self._add(Severity.WARNING, code, line, index, message, assumed, advice)

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
        self, severity: Severity, code: Code, line: Line, index: int, message: str, assumed: str | None, advice: str | None
    ) -> None:
        self._counts[severity] += 1
        if self._counts[severity] <= KEPT_MAX:
            self._kept.append(
                Diagnostic(severity, code, line.position(index), message, line.source, line.length(index), assumed, advice)
            )


BOLD = "\033[1m"
RESET = "\033[0m"
COLOURS = {Severity.ERROR: "\033[1;31m", Severity.WARNING: "\033[1;35m"}
CARET_COLOUR = "\033[1;32m"


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """The message as text of several lines without a final newline; `colour` adds ANSI sequences."""

    def painted(text: str, sequence: str) -> str:
        return f"{sequence}{text}{RESET}" if colour else text

    head = painted(f"{printable(str(diagnostic.position))}:", BOLD)
    kind = painted(f"{diagnostic.severity.value}[{diagnostic.code.value}]:", COLOURS[diagnostic.severity])
    lines = [f"{head} {kind} {printable(diagnostic.message)}"]
    if diagnostic.source_line.strip():
        source, column = _window(diagnostic.source_line, diagnostic.position.column)
        length = max(1, min(diagnostic.length, len(source) - column + 1))
        lines += [f"    {source}", f"    {' ' * (column - 1)}{painted('^' + '~' * (length - 1), CARET_COLOUR)}"]
    if diagnostic.assumed:
        lines.append(f"    assumed: {printable(diagnostic.assumed)}")
    if diagnostic.help:
        lines.append(f"    help: {printable(diagnostic.help)}")
    return "\n".join(lines)


def _window(source: str, column: int) -> tuple[str, int]:
    """Cut a source line to what is shown; returns it and the caret's column in it."""
    start = 0 if column <= SOURCE_SHOWN_MAX else column - SOURCE_SHOWN_MAX // 2
    return printable(source[start : start + SOURCE_SHOWN_MAX]), column - start


def printable(text: str) -> str:
    """Text that can go to a terminal: what could steer it, or not be encoded, is replaced character by character."""
    return "".join(character if character.isprintable() else " " if character == "\t" else "\ufffd" for character in text)
