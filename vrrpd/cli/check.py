"""`vrrpd check`: what is to be said about configuration files, and an exit code for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TextIO

import click

from vrrpd.config import Diagnostic, Loaded, default_file, load, render
from vrrpd.config.dump import dump
from vrrpd.config.instances import as_keepalived
from vrrpd.config.lints import lint, lint_pair, pairs
from vrrpd.config.model import counted


class ExitCode(IntEnum):
    """What a check came to; 4 and 5 are those of `keepalived -t`."""

    CLEAN = 0
    WARNINGS = 1
    """Warnings or lints; only with `--strict`."""
    UNREADABLE = 4
    ERRORS = 5


@dataclass(frozen=True)
class Checked:
    """One file and all that is to be said about it."""

    path: str
    loaded: Loaded
    lints: tuple[Diagnostic, ...] = ()

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Errors, warnings and lints, in the order of the files and of their lines."""
        files = self.loaded.written.files if self.loaded.written else ()
        order = {file: index for index, file in enumerate(files)}
        return sorted(
            (*self.loaded.diagnostics, *self.lints), key=lambda one: (order.get(one.position.file, -1), one.position.line)
        )

    def summary(self) -> str:
        """One line: `3 warnings, 2 lints; 1 virtual router, 1 virtual server with 2 real servers`."""
        if self.loaded.config is None:
            return "cannot be read"
        found = ((self.loaded.errors, "error"), (self.loaded.warnings, "warning"), (self.lints, "lint"))
        said = [counted(len(some), what) for some, what in found if some]
        return f"{', '.join(said) or 'no errors, no warnings'}; {self.loaded.config.contents()}"

    def exit_code(self, *, strict: bool) -> ExitCode:
        """What it comes to; under `strict` a file must be clean."""
        if self.loaded.config is None:
            return ExitCode.UNREADABLE
        if self.loaded.errors:
            return ExitCode.ERRORS
        return ExitCode.WARNINGS if strict and (self.loaded.warnings or self.lints) else ExitCode.CLEAN


@click.command()
@click.option("--strict", is_flag=True, help="Warnings and lints alone make the exit code 1.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file.")
@click.option("--dump", "as_dump", is_flag=True, help="Write the file back, with all that it includes; messages go to stderr.")
@click.option("-i", "--config-id", metavar="ID", help="Keep the lines that begin with @ID.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.pass_context
def check(
    context: click.Context, strict: bool, as_json: bool, as_dump: bool, config_id: str | None, files: tuple[str, ...]
) -> None:
    """Check configuration files, by default the one that the daemon reads.

    Two files are compared as those of two routers that stand in for one another; so are, of more, any two that share a
    virtual address. Exits with 0 if all is well or there are only warnings and lints, 5 on errors, 4 if a file cannot be read.
    """
    if as_dump and (as_json or len(files) > 1):
        raise click.UsageError("--dump is for one file, and not with --json")
    checked = _checked(files or (default_file(),), config_id)
    for one in checked:
        if as_json:
            click.echo(json.dumps(_as_json(one)))
        else:
            _write(one, sys.stderr if as_dump else sys.stdout)
        if as_dump and one.loaded.tree is not None:
            click.echo(dump(one.loaded.tree).encode("utf-8", "surrogateescape"), nl=False)
    context.exit(_worst(one.exit_code(strict=strict) for one in checked))


def config_test(path: str, *, stream: TextIO, config_id: str | None = None, strict: bool = False) -> int:
    """Write errors and warnings of a file and a summary to `stream`; returns the exit code (:class:`ExitCode`)."""
    checked = Checked(path, load(path, config_id=config_id))
    _write(checked, stream)
    return checked.exit_code(strict=strict)


def _checked(paths: Sequence[str], config_id: str | None) -> list[Checked]:
    """Every file with its lints; those of a pair are with its second file."""
    loaded = [load(path, config_id=config_id) for path in paths]
    lints = {id(one): lint(one) for one in loaded}
    for one, other in pairs(loaded):
        lints[id(other)] += lint_pair(one, other)
    return [Checked(path, one, lints[id(one)]) for path, one in zip(paths, loaded, strict=True)]


def _write(checked: Checked, stream: TextIO) -> None:
    colour = stream.isatty()
    for diagnostic in checked.diagnostics:
        click.echo(render(diagnostic, colour), file=stream, color=colour)
    click.echo(f"{checked.path}: {checked.summary()}", file=stream)


def _worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that tells most: a file that was not read outranks one with errors."""
    order = (ExitCode.CLEAN, ExitCode.WARNINGS, ExitCode.ERRORS, ExitCode.UNREADABLE)
    return max(codes, key=order.index)


def _as_json(checked: Checked) -> dict[str, object]:
    """`vrrp` is as in keepalived's dump: an array of objects, each with the `data` of a virtual router."""
    loaded, written = checked.loaded, checked.loaded.written
    return {
        "file": checked.path,
        "summary": checked.summary(),
        "errors": len(loaded.errors),
        "warnings": len(loaded.warnings),
        "lints": len(checked.lints),
        "diagnostics": [_diagnostic_as_json(one) for one in checked.diagnostics],
        "vrrp": [{"data": as_keepalived(router, written.tracked)} for router in written.virtual_routers] if written else [],
    }


def _diagnostic_as_json(diagnostic: Diagnostic) -> dict[str, object]:
    note = diagnostic.note
    return {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code.value,
        "number": diagnostic.number,
        "file": diagnostic.position.file,
        "line": diagnostic.position.line,
        "column": diagnostic.position.column,
        "length": diagnostic.length,
        "message": diagnostic.message,
        "source_line": diagnostic.source_line,
        "assumed": diagnostic.assumed,
        "help": diagnostic.help,
        "note": {
            "message": note.message,
            "file": note.position.file,
            "line": note.position.line,
            "column": note.position.column,
        }
        if note
        else None,
    }
