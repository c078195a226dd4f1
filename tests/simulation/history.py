"""One history: run it, and say what was wrong with it, as shortly as can be.

    python -m tests.simulation.history 4711

draws the history of a seed again, and prints which promise was broken, with as few faults as still break it.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.simulation.drawing import History, draw
from vrrpd.simulation.checkers import BrokenPromiseError, every_checker
from vrrpd.simulation.drawing import as_text
from vrrpd.simulation.faults import Scenario, Timed
from vrrpd.simulation.observer import Observer
from vrrpd.simulation.shrinking import shrunk
from vrrpd.simulation.timeline import Timeline
from vrrpd.simulation.world import HostSpec, World


def broken_promise(history: History, scenario: Scenario | None = None) -> BrokenPromiseError | None:
    """What a history breaks, or None."""
    try:
        world(history, scenario or history.scenario, *every_checker()).run()
    except BrokenPromiseError as error:
        return error
    return None


def world(history: History, scenario: Scenario, *observers: Observer) -> World:
    """The world of a history."""
    specs = [HostSpec(plan.name, plan.config(), plan.behaviour) for plan in history.hosts]
    return World(specs, scenario, seed=history.seed, observers=observers)


def report(seed: int) -> str:
    """What the history of a seed breaks, with the fewest faults; and how to see it again."""
    history = draw(seed)
    error = broken_promise(history)
    if error is None:
        return f"seed {seed}: every promise is kept"

    promise = error.promise

    def still_fails(faults: tuple[Timed, ...]) -> bool:
        again = broken_promise(history, replace(history.scenario, faults=faults))
        return again is not None and again.promise == promise

    scenario = replace(history.scenario, faults=shrunk(history.scenario.faults, still_fails))
    timeline = Timeline()
    try:
        world(history, scenario, timeline, *every_checker()).run()
    except BrokenPromiseError as again:
        error = again
    timeline.on_end(error.at_s)
    files = "\n".join(f"# {plan.name}.conf ({plan.behaviour.value})\n{plan.text()}" for plan in history.hosts)
    return f"{files}\n{as_text(timeline)}\n\n{error}\nagain: python -m tests.simulation.history {seed}"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(report(int(argument)))  # noqa: T201
