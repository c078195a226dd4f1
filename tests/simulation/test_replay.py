"""What the daemons of simulated histories record: told again, each does what it did, from whichever chapter on."""

from __future__ import annotations

import pytest

from tests.simulation.drawing import draw
from tests.simulation.history import world
from vrrpd.protocol.actions import Action
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.recording import recorder
from vrrpd.recording.lines import About, lines
from vrrpd.recording.reading import read
from vrrpd.recording.recorder import RecordedRouter
from vrrpd.simulation import host
from vrrpd.simulation.replay import replay

HISTORIES = 60
"""Each has several daemons, and a new one after each crash and stop."""
ENTRIES_MAX = 30
"""Short chapters, so that most recordings begin in the midst of something."""
ABOUT = About("0.1.0", "simulated", 0.0, "asked for")


class Recorded(RecordedRouter):
    """One that drains the changes of sync groups as the daemon does; a simulated host has no use for them."""

    def actions(self) -> list[tuple[Instance, Action | AnnounceAddresses]]:
        drained = super().actions()
        self.group_transitions()
        return drained


def test_every_daemon_of_many_histories_does_again_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ENTRIES_MAX", ENTRIES_MAX)
    recorded: list[Recorded] = []

    def begun(starts_from_s: float) -> Recorded:
        recorded.append(Recorded(starts_from_s))
        return recorded[-1]

    monkeypatch.setattr(host, "VrrpRouter", begun)
    transitions = in_the_midst = 0
    for seed in range(HISTORIES):
        recorded.clear()
        history = draw(seed)
        world(history, history.scenario).run()
        for routers in recorded:
            recording = read(list(lines(routers.recording(), ABOUT)))
            again = replay(recording)
            assert again.differences == (), f"seed {seed}"
            assert not again.faults
            transitions += again.transitions
            in_the_midst += bool(recording.beginning.instances)
    assert transitions > 5 * HISTORIES
    assert in_the_midst > HISTORIES
