"""The work of `vrrpd simulate`: options become a scenario, the scenario a timeline, the timeline a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from vrrpd.cli.picture import draw, show
from vrrpd.config import load, render
from vrrpd.config.model import Config
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.faults import Timed, Weather
from vrrpd.simulation.scenario import Cast, ScenarioError, events, read_scenario, scenario, seconds, weather
from vrrpd.simulation.timeline import Timeline
from vrrpd.simulation.world import BusyWorldError, HostSpec, World


@dataclass(frozen=True)
class Request:
    """What the command line asks for, as it was typed."""

    files: tuple[str, ...]
    events: Mapping[str, tuple[str, ...]]
    """By the word that begins an event: WHO@WHEN[+FOR]."""
    network: Mapping[str, str]
    """`loss`, `duplicate`, `delay`, `jitter`, those that were given."""
    behaviours: tuple[str, ...]
    scenario_file: str | None
    duration: str | None
    seed: int
    config_id: str | None


def run(request: Request, *, as_json: bool, svg_file: str | None) -> None:
    """Simulate, and show it. Raises click's error where something is asked for that is none."""
    try:
        timeline, names = _simulated(request)
    except (ScenarioError, BusyWorldError) as error:
        raise click.ClickException(str(error)) from None
    if svg_file is not None:
        draw(timeline, svg_file)
    if as_json:
        files = dict(zip(names, request.files, strict=True))
        click.echo(json.dumps({"seed": request.seed, "files": files, **timeline.as_json()}, indent=2))
    else:
        show(timeline)


def _simulated(request: Request) -> tuple[Timeline, list[str]]:
    """What happens, and the names of the hosts."""
    configs = {_name(file, request.files): _config(file, request.config_id) for file in request.files}
    cast = Cast(tuple(configs), lambda file: _config(file, request.config_id))
    faults = list(_events(request.events, cast))
    end_s = seconds(request.duration) if request.duration else None
    if request.scenario_file is not None:
        of_file, end_of_file_s = _scenario_of(request.scenario_file, cast)
        faults += of_file
        end_s = end_of_file_s if end_s is None else end_s
    behaviours = dict(_behaviour(word, cast) for word in request.behaviours)
    specs = [HostSpec(name, config, behaviours.get(name, Behaviour.VRRPD)) for name, config in configs.items()]
    timeline = Timeline()
    plot = scenario(faults, end_s, weather(Weather(), request.network))
    World(specs, plot, seed=request.seed, observers=[timeline]).run()
    return timeline, list(configs)


def _name(file: str, files: tuple[str, ...]) -> str:
    """The file's name without its ending; where two have the same, with the folder before it."""
    path = Path(file)
    alike = [other for other in files if Path(other).stem == path.stem]
    if len(alike) == 1:
        return path.stem
    if len(set(alike)) < len(alike):
        raise ScenarioError(f"{file} is given twice; expected a file for each router")
    return f"{path.resolve().parent.name}/{path.stem}"


def _config(file: str, config_id: str | None) -> Config:
    """What runs of a file. Errors in it go to standard error, and it runs without what they touch, as the daemon does."""
    loaded = load(file, config_id=config_id or Path(file).stem)
    for diagnostic in loaded.errors:
        click.echo(render(diagnostic, colour=False), err=True)
    if loaded.config is None:
        raise ScenarioError(f"{file} cannot be read; expected a configuration file for each router")
    if not loaded.config.virtual_routers:
        raise ScenarioError(f"{file} has no virtual router to run; expected a vrrp_instance")
    return loaded.config


def _events(asked: Mapping[str, tuple[str, ...]], cast: Cast) -> Iterator[Timed]:
    """`WHO@WHEN+FOR` is the line `WHEN verb WHO FOR` of a scenario file."""
    for verb, texts in asked.items():
        for text in texts:
            who, at, when = text.rpartition("@")
            if not at:
                raise ScenarioError(f"--{verb} {text}: expected WHO@WHEN, such as A@10s")
            start, plus, lasts = when.partition("+")
            words = [verb, *([who] if who else []), *([lasts] if plus else [])]
            try:
                yield from events(seconds(start), words, cast)
            except ScenarioError as error:
                raise ScenarioError(f"--{verb} {text}: {error}") from None


def _scenario_of(file: str, cast: Cast) -> tuple[list[Timed], float | None]:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError as error:
        raise ScenarioError(f"{file}: {error.strerror}; expected a file with an event on each line") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{file}: it is no text; expected an event on each line") from None
    try:
        return read_scenario(lines, cast)
    except ScenarioError as error:
        raise ScenarioError(f"{file}: {error}") from None


def _behaviour(text: str, cast: Cast) -> tuple[str, Behaviour]:
    who, equals, kind = text.partition("=")
    kinds = [one.value for one in Behaviour]
    if not equals or kind not in kinds:
        raise ScenarioError(f"--behaviour {text}: expected WHO=DAEMON, with {', '.join(kinds)}")
    return cast.host(who), Behaviour(kind)
