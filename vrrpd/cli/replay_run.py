"""The work of `vrrpd simulate --replay`: a recording becomes a timeline, and is compared with what the machine does now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from vrrpd import __version__
from vrrpd.cli.picture import draw, show
from vrrpd.recording.reading import RecordingError, WrittenRecording, read
from vrrpd.simulation.replay import Replay, replay

EXIT_DIFFERENT = 1
OCTETS_MAX = 256 * 1024 * 1024
"""A recording of a busy host has some 4 MiB."""


def run_replay(file: str, *, as_json: bool, svg_file: str | None) -> int:
    """Tell a recording again and show it; returns the exit status. Raises click's error where the file is no recording."""
    recording = _read(file)
    try:
        replayed = replay(recording)
    except RecordingError as error:
        raise click.ClickException(f"{file}: {error}") from None
    if svg_file is not None:
        draw(replayed.timeline, svg_file)
    if as_json:
        click.echo(json.dumps(_as_json(file, recording, replayed), indent=2))
    else:
        show(replayed.timeline)
        click.echo()
        for line in _verdict(recording, replayed):
            click.echo(line)
    return EXIT_DIFFERENT if replayed.differences else 0


def _read(file: str) -> WrittenRecording:
    try:
        if Path(file).stat().st_size > OCTETS_MAX:
            raise click.ClickException(f"{file}: it has more than {OCTETS_MAX} octets, which no recording has")
        with open(file) as lines:
            return read(lines)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}; expected what /api/v1/recording of a daemon gave") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{file}: it is no text; expected what /api/v1/recording of a daemon gave") from None
    except RecordingError as error:
        raise click.ClickException(f"{file}: {error}") from None


def _verdict(recording: WrittenRecording, replayed: Replay) -> Iterator[str]:
    about, timeline = recording.about, replayed.timeline
    begin = _begin(recording)
    yield f"Recorded on {about.host} by vrrpd {about.version}, {timeline.end_s:.3f} s from {begin}: {about.why}"
    if about.version != __version__:
        yield f"This is vrrpd {__version__}: what differs may be what has changed since."
    inputs = f"{len(recording.inputs)} inputs, {replayed.transitions} changes of state"
    if replayed.differences:
        yield f"Replayed {inputs}: NOT as recorded."
        yield from (f"  {difference}" for difference in replayed.differences)
    else:
        yield f"Replayed {inputs}: all as recorded."


def _begin(recording: WrittenRecording) -> str:
    first_s = next((one.arguments["now_s"] for one in recording.inputs if "now_s" in one.arguments), 0.0)
    return datetime.fromtimestamp(first_s + recording.about.unix_offset_s, UTC).isoformat(timespec="milliseconds")


def _as_json(file: str, recording: WrittenRecording, replayed: Replay) -> dict[str, object]:
    about = recording.about
    return {
        "recording": file,
        "host": about.host,
        "vrrpd": about.version,
        "why": about.why,
        "begin": _begin(recording),
        "inputs": len(recording.inputs),
        "transitions": replayed.transitions,
        "as_recorded": not replayed.differences,
        "differences": list(replayed.differences),
        **replayed.timeline.as_json(),
    }
