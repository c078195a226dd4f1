"""A partition heals at a thousand different moments between two adverts: clients are served again within a second in each."""

from __future__ import annotations

import pytest

from tests.simulation.plans import HostPlan, RouterPlan
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.faults import CLIENT, Cut, Heal, Scenario, Timed
from vrrpd.simulation.timeline import Outage, Timeline
from vrrpd.simulation.world import HostSpec, World

PHASES = 1000
CUT_S, HEAL_S, END_S = 12.0, 24.0, 34.0
PROMISED_S = 1.0

BEST = HostPlan("best", (RouterPlan(priority=100),)).config()
OTHER = HostPlan("other", (RouterPlan(priority=50),)).config()


def outages_after_healing(phase: int, best: Behaviour, other: Behaviour, client_beside: str) -> list[Outage]:
    """What clients miss after a partition that heals at a phase of the adverts, of which there are `PHASES` in a second."""
    cut = Cut(tuple(frozenset({name, CLIENT} if name == client_beside else {name}) for name in ("best", "other")))
    heal_s = HEAL_S + phase / PHASES
    timeline = Timeline()
    specs = [HostSpec("best", BEST, best), HostSpec("other", OTHER, other)]
    World(specs, Scenario((Timed(CUT_S, cut), Timed(heal_s, Heal())), END_S), seed=phase, observers=[timeline]).run()
    return [outage for outage in timeline.outages() if outage.end_s > heal_s]


@pytest.mark.parametrize("client_beside", ["best", "other"])
@pytest.mark.parametrize(
    ("best", "other"),
    [
        (Behaviour.VRRPD, Behaviour.VRRPD),
        (Behaviour.VRRPD, Behaviour.KEEPALIVED),
        (Behaviour.KEEPALIVED, Behaviour.VRRPD),
    ],
)
def test_a_healed_partition_is_over_for_clients_within_a_second(best: Behaviour, other: Behaviour, client_beside: str) -> None:
    for phase in range(PHASES):
        for outage in outages_after_healing(phase, best, other, client_beside):
            assert outage.is_over, f"phase {phase}"
            assert outage.end_s - (HEAL_S + phase / PHASES) <= PROMISED_S, f"phase {phase}: {outage.length_s} s"


def test_with_keepalived_alone_some_phases_leave_clients_cut_off() -> None:
    """What the promise is about; and these tests could fail."""
    phases = range(0, PHASES, 20)
    cut_off = [phase for phase in phases if outages_after_healing(phase, Behaviour.KEEPALIVED, Behaviour.KEEPALIVED, "other")]
    lasting = [
        phase
        for phase in cut_off
        if not outages_after_healing(phase, Behaviour.KEEPALIVED, Behaviour.KEEPALIVED, "other")[0].is_over
    ]
    assert 0 < len(lasting) < len(phases)
