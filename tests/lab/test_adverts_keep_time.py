"""A master's adverts keep their second on the wire, whatever the processes beside the router do or fail to do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netns_lab import sniffer
from netns_lab.namespaces import Lab
from netns_lab.programs import REPOSITORY, Daemon
from tests.lab.running import ADVERT_LATE_S, HTTP_LISTEN, PROMPT_S, Vrrpd
from tests.lab.witnesses import adverts_of, intervals_s, watch

pytestmark = pytest.mark.kernel

ADVERT_EARLY_S = 0.9
DIRECTOR_AWAY_S = 10.0
SUPERVISOR_AWAY_S = 5.0
HOGS = 4
HOGGED_S = 5.0
NO_DIRECTOR = (503, "no answer from director\n")

DAEMON_WHOSE_DIRECTOR_CAN_GET_STUCK = """
import signal
from vrrpd.cli import main
from vrrpd.daemon.director import Director

def turn_in_a_circle(number, frame):
    while True:
        pass

def work_and_wait_for_the_signal(self, work, done, original=Director.work):
    original(self, work, done)
    signal.signal(signal.SIGUSR1, turn_in_a_circle)

Director.work = work_and_wait_for_the_signal
main()
"""


@pytest.fixture(scope="module")
def master(lab: Lab) -> Vrrpd:
    """A director alone in its network, whose director process turns in an endless loop when it gets SIGUSR1."""
    master = Vrrpd(lab.host("lvs1"))
    program = master.host.directory / "stuck.py"
    program.write_text(DAEMON_WHOSE_DIRECTOR_CAN_GET_STUCK)
    command: list[str | Path] = [sys.executable, program, "-n", "-l", "-f", master.configuration]
    command += ["--run-dir", master.run_directory, "--http", HTTP_LISTEN]
    master.daemon = Daemon("vrrpd", master.host, command, os.environ | {"PYTHONPATH": str(REPOSITORY)})
    master.wait_until("master")
    return master


@pytest.fixture(autouse=True)
def well_before_and_after(master: Vrrpd) -> Iterator[None]:
    """Nothing of what a test does lasts."""
    master.wait_until_ready()
    yield
    master.wait_until_ready()


def watch_adverts(lab: Lab, master: Vrrpd, duration_s: float) -> None:
    """Every advert of a while, from now on, comes a second after the one before it."""
    with sniffer.on_bridge(lab, adverts_of(master.host)) as wire:
        adverts = watch(wire, duration_s, timeout_s=PROMPT_S)
    assert min(intervals_s(adverts)) > ADVERT_EARLY_S
    assert max(intervals_s(adverts)) < ADVERT_LATE_S


def test_a_director_process_that_is_stopped_holds_up_no_advert(lab: Lab, master: Vrrpd) -> None:
    director = master.pid("director")
    os.kill(director, signal.SIGSTOP)
    watch_adverts(lab, master, DIRECTOR_AWAY_S)
    assert master.get("/readyz") == NO_DIRECTOR
    os.kill(director, signal.SIGCONT)
    master.wait_until_ready()
    assert master.pid("director") == director


def test_a_director_process_in_an_endless_loop_holds_up_no_advert(lab: Lab, master: Vrrpd) -> None:
    director = master.pid("director")
    os.kill(director, signal.SIGUSR1)
    watch_adverts(lab, master, DIRECTOR_AWAY_S)
    assert master.get("/readyz") == NO_DIRECTOR
    os.kill(director, signal.SIGKILL)
    master.wait_for_restart("director", director)


def test_a_supervisor_that_is_stopped_holds_up_no_advert(lab: Lab, master: Vrrpd) -> None:
    supervisor = master.pid("vrrpd")
    os.kill(supervisor, signal.SIGSTOP)
    watch_adverts(lab, master, SUPERVISOR_AWAY_S)
    os.kill(supervisor, signal.SIGCONT)


def test_processes_that_take_all_the_time_there_is_hold_up_no_advert(lab: Lab, master: Vrrpd) -> None:
    hogs = [master.host.spawn("sh", "-c", "while :; do :; done") for _ in range(HOGS)]
    try:
        watch_adverts(lab, master, HOGGED_S)
        assert [hog.poll() for hog in hogs] == [None] * HOGS
        # The guest's scheduler is fair enough to four hogs; what holds against four hundred is this.
        assert os.sched_getscheduler(master.pid("router")) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
