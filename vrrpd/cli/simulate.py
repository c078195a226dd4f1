"""`vrrpd simulate FILE FILE ...`: what the routers of some configurations do when things go wrong, in virtual time."""

from __future__ import annotations

import click

OPTION_METAVARS = {
    "kill": "WHO@WHEN[+FOR]", "crash": "WHO@WHEN[+FOR]", "return": "WHO@WHEN", "start": "WHO@WHEN", "stop": "WHO@WHEN[+FOR]",
    "failover": "WHO@WHEN", "pause": "WHO@WHEN+FOR", "unplug": "WHO[.PORT]@WHEN[+FOR]", "plug": "WHO[.PORT]@WHEN",
    "cut": "A,B@WHEN[+FOR]", "heal": "@WHEN",
}  # fmt: skip
"""The events that have an option of their own; the others stand in a scenario file."""
OPTION_HELP = {
    "kill": "The machine is off at once.",
    "crash": "The daemon is killed; the kernel keeps its addresses.",
    "return": "The machine and its daemon are started.",
    "start": "The same.",
    "stop": "The daemon is stopped in good order.",
    "failover": "The operator has the masters of a router hand over.",
    "pause": "The daemon stands still.",
    "unplug": "A router loses its carrier.",
    "plug": "It has it back.",
    "cut": "The network between routers breaks; A alone is cut off from all, A>B is one way.",
    "heal": "Every cut is over.",
}


def _event_options(command: click.Command) -> click.Command:
    """Add an option for each event that fits into one word."""
    for verb in reversed(OPTION_METAVARS):
        option = click.Option(
            [f"--{verb}", f"event_{verb}"], multiple=True, metavar=OPTION_METAVARS[verb], help=OPTION_HELP[verb]
        )
        command.params.insert(1, option)
    return command


def _replay(file: str, *, as_json: bool, svg_file: str | None) -> None:
    """Nothing else can be asked for: a recording has its own routers, network and time."""
    from vrrpd.cli.replay_run import run_replay  # noqa: PLC0415  # the daemon starts without it

    context = click.get_current_context()
    alone = {"recording_file", "as_json", "svg_file"}
    for name in context.params.keys() - alone:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("--replay FILE tells what was recorded; nothing but --json and --svg goes with it")
    context.exit(run_replay(file, as_json=as_json, svg_file=svg_file))


@_event_options
@click.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--replay", "recording_file", metavar="FILE", help="Tell a recording again in place of configuration files.")
@click.option("--loss", metavar="SHARE", help="Of all packets so many are lost, such as 5%.")
@click.option("--duplicate", metavar="SHARE", help="So many come twice.")
@click.option("--delay", metavar="TIME", help="What a packet takes. [default: 0.5ms]")
@click.option("--jitter", metavar="TIME", help="Up to so much more.")
@click.option("--behaviour", multiple=True, metavar="WHO=DAEMON", help="Imitate keepalived, or the bare rfc, on a router.")
@click.option("--scenario", "scenario_file", metavar="FILE", help="Read events from a file, one on each line.")
@click.option("--duration", metavar="TIME", help="How long to look. [default: 20 s after the last event]")
@click.option("--seed", default=1, show_default=True, help="What is drawn by chance is drawn from this.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--svg", "svg_file", metavar="FILE", help="Draw a picture, too.")
@click.option("-i", "--config-id", metavar="ID", help="Keep the lines that begin with @ID; by default each router's own name.")
def simulate(
    files: tuple[str, ...],
    recording_file: str | None,
    loss: str | None,
    duplicate: str | None,
    delay: str | None,
    jitter: str | None,
    behaviour: tuple[str, ...],
    scenario_file: str | None,
    duration: str | None,
    seed: int,
    as_json: bool,
    svg_file: str | None,
    config_id: str | None,
    **event_options: tuple[str, ...],
) -> None:
    """Run the routers of configuration files in virtual time, and draw what happens.

    A router is called by its file's name without its ending, or A, B, ... in the order of the files. With --replay, a recording
    of a daemon is told again to the same state machines; the exit status is 1 if they do not do what they did then.
    """
    if recording_file is not None:
        _replay(recording_file, as_json=as_json, svg_file=svg_file)
    if not files:
        raise click.UsageError("expected a configuration file for each router, or --replay with a recording")
    from vrrpd.cli.simulation_run import Request, run  # noqa: PLC0415  # the daemon starts without it

    network = {"loss": loss, "duplicate": duplicate, "delay": delay, "jitter": jitter}
    request = Request(
        files=files,
        events={option.removeprefix("event_"): texts for option, texts in event_options.items()},
        network={name: value for name, value in network.items() if value is not None},
        behaviours=behaviour,
        scenario_file=scenario_file,
        duration=duration,
        seed=seed,
        config_id=config_id,
    )
    run(request, as_json=as_json, svg_file=svg_file)
