"""Reading a line of which the order of words says what each means: an address with its options, a route, a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.near import nearest
from vrrpd.config.values import BadValueError

T = TypeVar("T")


class UnknownOptionError(Exception):
    """A word that means nothing where it stands; the text is what it might have meant, for a message's advice."""


class Words:
    """The words of one line, taken in order. `index` is that of the one taken last, where a message would point."""

    def __init__(self, line: Line, start: int = 0) -> None:
        self.line = line
        self.index = start - 1

    @property
    def next(self) -> str | None:
        """The word that would be taken, or None at the line's end."""
        words = self.line.words
        return words[self.index + 1] if self.index + 1 < len(words) else None

    def take(self) -> str:
        """The next word; there must be one."""
        self.index += 1
        return self.line.words[self.index]

    def take_if(self, *candidates: str) -> str | None:
        """The next word if it is one of these."""
        return self.take() if self.next in candidates else None

    def read(self, read: Callable[[str], T]) -> T:
        """The value of the word behind the one taken last; BadValueError where there is none or it is no such value."""
        if self.next is None:
            raise BadValueError(f"`{self.line.words[self.index]}` needs a value")
        return read(self.take())

    def unknown(self, candidates: Iterable[str]) -> UnknownOptionError:
        """To be raised over the word taken last."""
        near = nearest(self.line.words[self.index], candidates)
        return UnknownOptionError(f"did you mean `{near}`?" if near else "")


def read_entry(words: Words, read: Callable[[Words], T], what: str, report: Report) -> T | None:
    """What `read` makes of a line; None, with one message that calls the line `what`, if there is something wrong with it."""
    if any(map(is_undefined, words.line.words)):
        return None
    left_out = f"the {what} is left out"
    try:
        return read(words)
    except BadValueError as error:
        advice = f"did you mean `{error.near}`?" if error.near else None
        report.error(Code.BAD_VALUE, words.line, max(0, words.index), str(error), assumed=left_out, advice=advice)
    except UnknownOptionError as error:
        word = words.line.words[words.index]
        message = f"unknown option `{word}` of a {what}"
        report.error(Code.UNKNOWN_OPTION, words.line, words.index, message, assumed=left_out, advice=str(error) or None)
    return None
