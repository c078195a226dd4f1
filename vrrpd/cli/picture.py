"""A timeline on a terminal and in a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from vrrpd.simulation.drawing import as_text
from vrrpd.simulation.svg import as_svg
from vrrpd.simulation.timeline import Timeline

COLUMNS_MAX = 160
"""Wider pictures are no easier to read."""


def show(timeline: Timeline) -> None:
    """As wide as the terminal is."""
    click.echo(as_text(timeline, min(COLUMNS_MAX, shutil.get_terminal_size().columns)))


def draw(timeline: Timeline, file: str) -> None:
    """Raises click's error where the file cannot be written."""
    try:
        Path(file).write_text(as_svg(timeline))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
