"""Which files a configuration consists of, and reading them.

The six include keywords differ in what counts as an error: `include` forgives everything, `includea` nothing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line

INCLUDE = re.compile(r"(include[rmwba]?)(?:[ \t]+(.*))?")
"""The pattern is the rest of the line as it stands; quotes would be part of it."""

FILE_OCTETS_MAX = 64 * 1024 * 1024
"""Largest file read: more than ten times what 10,000 virtual servers with ten real servers each need."""
TOTAL_OCTETS_MAX = 4 * FILE_OCTETS_MAX
"""All files of one load together."""
FILES_MAX = 4096
"""Files in one load; with the depth it bounds files that include others twice over."""
DEPTH_MAX = 16
"""Files being read at a time, each included by the one before."""
ALTERNATIVES_MAX = 256
"""Patterns that the `{a,b}` groups of one include may stand for."""

BRACES = re.compile(r"\{([^{}]*)\}")
WILDCARDS = re.compile(r"[*?\[]")

MISSING_IS_ERROR = frozenset({"includem", "includew", "includea"})
NO_MATCH_IS_ERROR = frozenset({"includew", "includea"})
ALTERNATIVE_IS_ERROR = frozenset({"includeb", "includea"})
FORGIVES_UNREADABLE = frozenset({"include"})


class UnreadableError(Exception):
    """A file cannot be read; the text says why."""


class Includes:
    """The files of one load: those read so far, and those being read."""

    def __init__(self, report: Report) -> None:
        self.files: list[str] = []
        """Every file read, in order."""
        self._report = report
        self._active: list[str] = []
        self._octets = 0
        self._exhausted = False

    def main(self, path: str) -> str:
        """The text of the main file, or UnreadableError."""
        return self._read(path)

    def matching(self, variant: str, pattern: str, place: Line) -> Iterator[tuple[str, str]]:
        """Path and text of each file that `pattern` stands for, in sorted order; what is wrong is reported at `place`.

        A file counts as being read until the next one is asked for, so that loops are seen.
        """
        for path in self._paths(variant, pattern, place):
            if not self._allowed(path, place):
                continue
            try:
                text = self._read(path)
            except UnreadableError as error:
                speak = self._report.warning if variant in FORGIVES_UNREADABLE else self._report.error
                speak(Code.INCLUDE, place, 0, f"{path} cannot be included: {error}", assumed="the file is left out")
                continue
            yield path, text
            self._active.pop()

    def _allowed(self, path: str, place: Line) -> bool:
        if os.path.realpath(path) in self._active:
            self._report.error(
                Code.INCLUDE,
                place,
                0,
                f"{path} includes itself",
                assumed="it is not read again",
                advice=" > ".join(self._active),
            )
            return False
        if len(self._active) < DEPTH_MAX and len(self.files) < FILES_MAX and self._octets < TOTAL_OCTETS_MAX:
            return True
        if not self._exhausted:
            limits = f"{DEPTH_MAX} within one another, {FILES_MAX} files, {TOTAL_OCTETS_MAX >> 20} MiB in all"
            self._report.error(
                Code.INCLUDE_LIMIT,
                place,
                0,
                "too much is included",
                assumed="this file is left out",
                advice=f"the limits are {limits}",
            )
        self._exhausted = True
        return False

    def _read(self, path: str) -> str:
        """The file's text, noted as being read. Octets that are no UTF-8 survive as surrogates."""
        try:
            with open(path, "rb", opener=_open_at_once if self._active else None) as file:
                mode = os.fstat(file.fileno()).st_mode
                if self._active and not stat.S_ISREG(mode):
                    raise UnreadableError("it is no regular file")
                if self._active and mode & 0o111:
                    raise UnreadableError("it is executable")
                contents = file.read(FILE_OCTETS_MAX + 1)
        except (OSError, ValueError) as error:
            raise UnreadableError(getattr(error, "strerror", None) or str(error)) from error
        if len(contents) > FILE_OCTETS_MAX:
            raise UnreadableError(f"it has more than {FILE_OCTETS_MAX >> 20} MiB")
        self._octets += len(contents)
        self.files.append(path)
        self._active.append(os.path.realpath(path))
        return contents.decode("utf-8", "surrogateescape")

    def _paths(self, variant: str, pattern: str, place: Line) -> list[str]:
        """The existing files meant by a pattern, relative to the file in which it stands."""
        from glob import glob  # noqa: PLC0415  only files with includes pay for the import

        base = os.path.dirname(place.file)
        found: list[str] = []
        alternatives = _alternatives(pattern)
        for alternative in alternatives:
            path = os.path.join(base, alternative)
            if WILDCARDS.search(alternative):
                matches = sorted(glob(path))  # noqa: PTH207  a pattern may be absolute
                if not matches and variant in NO_MATCH_IS_ERROR:
                    self._absent(place, f"nothing matches {path}", is_error=True)
                found += matches
            elif os.path.exists(path):
                found.append(path)
            else:
                strict = MISSING_IS_ERROR if len(alternatives) == 1 else ALTERNATIVE_IS_ERROR
                self._absent(place, f"there is no file {path}", is_error=variant in strict)
        return found

    def _absent(self, place: Line, message: str, *, is_error: bool) -> None:
        speak = self._report.error if is_error else self._report.warning
        speak(Code.INCLUDE, place, 0, message, assumed="nothing is included")


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a FIFO, which a pattern may match."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _alternatives(pattern: str) -> list[str]:
    """What a pattern with `{a,b}` groups stands for, in order."""
    patterns = [pattern]
    while len(patterns) < ALTERNATIVES_MAX and (match := BRACES.search(patterns[0])):
        choices = match[1].split(",")
        patterns = [
            one[: found.start()] + choice + one[found.end() :]
            for one in patterns
            if (found := BRACES.search(one))
            for choice in choices
        ]
    return patterns[:ALTERNATIVES_MAX]
