"""`vrrpd check`: what is to be said about configuration files, and an exit code for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import TextIO

import click

from vrrpd.config import Diagnostic, Loaded, default_file, load, render
from vrrpd.config.model import counted


class ExitCode(IntEnum):
    """What a check came to; 4 and 5 are those of `keepalived -t`."""

    CLEAN = 0
    WARNINGS = 1
    """Only with `--strict`."""
    UNREADABLE = 4
    ERRORS = 5


@click.command()
@click.option("--strict", is_flag=True, help="Warnings alone make the exit code 1.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file.")
@click.option("-i", "--config-id", metavar="ID", help="Keep the lines that begin with @ID.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.pass_context
def check(context: click.Context, strict: bool, as_json: bool, config_id: str | None, files: tuple[str, ...]) -> None:
    """Check configuration files, by default the one that the daemon reads.

    Exits with 0 if all is well or there are only warnings, 5 on errors, 4 if a file cannot be read.
    """
    codes: list[int] = []
    for path in files or (default_file(),):
        if as_json:
            loaded = load(path, config_id=config_id)
            click.echo(json.dumps(_as_json(path, loaded)))
            codes.append(_exit_code(loaded, strict=strict))
        else:
            codes.append(config_test(path, config_id=config_id, strict=strict, stream=sys.stdout))
    context.exit(_worst(codes))


def config_test(path: str, *, stream: TextIO, config_id: str | None = None, strict: bool = False) -> int:
    """Write what is to be said about a file and a summary to `stream`; returns the exit code (:class:`ExitCode`)."""
    loaded = load(path, config_id=config_id)
    colour = stream.isatty()
    for diagnostic in loaded.diagnostics:
        click.echo(render(diagnostic, colour), file=stream, color=colour)
    click.echo(f"{path}: {summary(loaded)}", file=stream)
    return _exit_code(loaded, strict=strict)


def summary(loaded: Loaded) -> str:
    """One line: `3 warnings; 1 virtual router, 1 virtual server with 2 real servers`."""
    if loaded.config is None:
        return "cannot be read"
    said = [counted(len(found), what) for found, what in ((loaded.errors, "error"), (loaded.warnings, "warning")) if found]
    return f"{', '.join(said) or 'no errors, no warnings'}; {loaded.config.contents()}"


def _exit_code(loaded: Loaded, *, strict: bool) -> ExitCode:
    if loaded.config is None:
        return ExitCode.UNREADABLE
    if loaded.errors:
        return ExitCode.ERRORS
    return ExitCode.WARNINGS if strict and loaded.warnings else ExitCode.CLEAN


def _worst(codes: Iterable[int]) -> int:
    """The code that tells most: a file that was not read outranks one with errors."""
    order = (ExitCode.CLEAN, ExitCode.WARNINGS, ExitCode.ERRORS, ExitCode.UNREADABLE)
    return max((ExitCode(code) for code in codes), key=order.index)


def _as_json(path: str, loaded: Loaded) -> dict[str, object]:
    return {
        "file": path,
        "summary": summary(loaded),
        "errors": len(loaded.errors),
        "warnings": len(loaded.warnings),
        "diagnostics": [_diagnostic_as_json(one) for one in loaded.diagnostics],
    }


def _diagnostic_as_json(diagnostic: Diagnostic) -> dict[str, object]:
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
    }
