"""From a path to a configuration and all that is to be said about it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from vrrpd.config.bind import bind
from vrrpd.config.diagnostics import Code, Diagnostic, Report, Severity
from vrrpd.config.expansion import Expansion
from vrrpd.config.includes import Includes, UnreadableError
from vrrpd.config.keywords import PATH_KEYWORDS, ROOT
from vrrpd.config.lexer import Lexer
from vrrpd.config.line import Line, Mark
from vrrpd.config.model import Config
from vrrpd.config.support import runnable
from vrrpd.config.tree import Node, TreeBuilder

DEFAULT_FILES = ("/etc/vrrpd/vrrpd.conf", "/etc/keepalived/keepalived.conf")
"""Where the configuration is looked for when nobody names one."""
ALWAYS_SET = ("vrrpd",)
"""Configuration ids that hold on every host, so that a file for both daemons can hide our lines from keepalived."""


@dataclass(frozen=True)
class Loaded:
    """What came of reading a configuration."""

    written: Config | None
    """All that is sound in it; None where the file cannot be read."""
    config: Config | None
    """What this version runs of that."""
    tree: Node | None
    """Every keyword of it with its place, for lints and for writing it back."""
    diagnostics: tuple[Diagnostic, ...]

    @cached_property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Mistakes: what they touch was left out or has its default."""
        return tuple(one for one in self.diagnostics if one.severity is Severity.ERROR)

    @cached_property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is read otherwise than it may seem."""
        return tuple(one for one in self.diagnostics if one.severity is Severity.WARNING)


def default_file() -> str:
    """The first of the default files that exists; the last where none does."""
    return next((path for path in DEFAULT_FILES if os.path.exists(path)), DEFAULT_FILES[-1])


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A configuration has no cycles, and looking for them among its million objects takes as long as reading it.

    Nor are they to be looked at all at once when collection goes on: freezing and unfreezing puts them with the old objects.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


@_no_garbage_collection()
def load(path: str, *, config_id: str | None = None, also: Iterable[str] = ALWAYS_SET) -> Loaded:
    """Read a configuration with all that it includes.

    `config_id` is what `@ID` lines are compared with, by default the host's name up to its first dot; the ids in `also` hold
    beside it. No contents of any file raise: what is wrong is in the diagnostics, and the configuration is what remains.
    """
    report = Report()
    host = os.uname().nodename
    config_id = config_id or host.partition(".")[0]
    includes = Includes(report)
    try:
        text = includes.main(path)
    except UnreadableError as error:
        message = f"the file cannot be read: {error}"
        report.error(
            Code.FILE_UNREADABLE,
            Line(Mark.WORDS, [], path, 1, ""),
            0,
            message,
            advice="name a file that exists and is readable",
        )
        return Loaded(None, None, None, report.diagnostics([path]))
    lexer = Lexer(report, Expansion(report, frozenset({config_id, *also}), config_id), includes, PATH_KEYWORDS)
    lexer.read(path, text)
    root = TreeBuilder(ROOT, lexer.lines, report).build()
    written = bind(root, report, host, includes.files)
    return Loaded(written, runnable(written, root, report), root, report.diagnostics(includes.files))
