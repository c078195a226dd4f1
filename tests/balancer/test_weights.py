from __future__ import annotations

from dataclasses import replace

import pytest

from healthcheck.types import WeightAdded, WeightSet, WeightShare, WeightWish
from tests.balancer.servers import (
    SERVICE,
    address,
    begun,
    check,
    down,
    key,
    real,
    reconfigured,
    started,
    tell,
    timeless,
    up,
    virtual,
    weights,
)
from vrrpd.balancer.events import Overridden, QuorumGained, QuorumLost, RealServerDown, RealServerUp, Shutdown, WeightChanged
from vrrpd.balancer.overrides import Drain, FixedWeight, Maintenance
from vrrpd.balancer.real_server import WEIGHT_MAX
from vrrpd.balancer.slow_start import STEPS
from vrrpd.balancer.virtual_server import OVERRIDE_TAKEN_BACK, STOPPED, VirtualServer


@pytest.mark.parametrize(
    ("wish", "weight"),
    [
        (WeightSet(7), 7),
        (WeightSet(0), 0),
        (WeightShare(50.0), 5),
        (WeightShare(250.0), 25),
        (WeightAdded(3), 13),
        (WeightAdded(-30), 0),
        (WeightAdded(WEIGHT_MAX), WEIGHT_MAX),
        (None, 10),
    ],
)
def test_a_check_may_change_the_weight(wish: WeightWish | None, weight: int) -> None:
    server = started(real(1, 10), real(2))
    tell(server, up(1, weight=wish))
    assert weights(server) == {1: weight, 2: 1}
    tell(server, up(1))
    assert weights(server) == {1: 10, 2: 1}


def test_a_changed_weight_is_told_and_weighs_for_the_quorum() -> None:
    first = real(1, 10)
    server = started(first, quorum=5)
    lighter = WeightChanged(SERVICE, first, 10, 2, "connected")
    assert tell(server, up(1, weight=WeightSet(2))) == [lighter, QuorumLost(SERVICE, 2, 5)]
    assert tell(server, up(1, weight=WeightSet(2))) == []
    heavier = WeightChanged(SERVICE, first, 2, 10, "connected")
    assert tell(server, up(1)) == [heavier, QuorumGained(SERVICE, 10, 5)]


def test_wishes_of_several_checks_add_up_and_never_leak() -> None:
    twice = real(1, 10, checks=(check(1, 80), check(1, 443)))
    server = started(twice)
    for _ in range(3):
        tell(server, up(1, 80, WeightSet(4)), up(1, 443, WeightAdded(1)), down(1, 443), up(1, 443, WeightAdded(1)))
    assert weights(server) == {1: 5}


def test_a_new_configured_weight_is_where_wishes_start_from() -> None:
    server = started(real(1, 10))
    tell(server, up(1, weight=WeightShare(50.0)))
    server.on_event(reconfigured(virtual(real(1, 100))), 5.0)
    assert weights(server) == {1: 50}


def test_a_server_that_comes_back_starts_slowly() -> None:
    server = begun(replace(virtual(real(1, 100), real(2, 100)), slow_start_s=10.0))
    tell(server, down(1))
    server.on_event(up(1), 20.0)
    assert weights(server) == {1: 10, 2: 100}
    assert server.alive_weight == 200  # the quorum counts who is there
    assert server.deadline() == 21.0
    server.on_timer(21.0)
    assert weights(server)[1] == 20
    server.on_timer(24.5)  # late: the steps between are left out
    assert weights(server)[1] == 50
    server.on_timer(20.0 + STEPS - 1)
    assert weights(server)[1] == 100
    assert server.deadline() is None


def test_a_slow_start_gives_small_weights_at_least_1_and_0_stays_0() -> None:
    server = begun(replace(virtual(real(1, 1), real(2, 0)), slow_start_s=10.0))
    tell(server, down(1), down(2), up(1), up(2))
    assert weights(server) == {1: 1, 2: 0}


def test_at_the_start_of_the_process_nobody_starts_slowly() -> None:
    server = begun(replace(virtual(real(1, 100), real(2, 100, alpha=True)), slow_start_s=10.0))
    tell(server, up(1), up(2))
    assert weights(server) == {1: 100, 2: 100}


def test_a_reload_keeps_a_slow_start_or_ends_it() -> None:
    config = replace(virtual(real(1, 100)), slow_start_s=10.0)
    server = begun(config)
    tell(server, down(1), up(1))
    server.on_event(reconfigured(config), 3.0)
    assert weights(server) == {1: 10}
    server.on_event(reconfigured(replace(config, slow_start_s=0.0)), 4.0)
    assert weights(server) == {1: 100}


def told(server: VirtualServer, event: Overridden, now_s: float = 5.0) -> list[object]:
    server.on_event(event, now_s)
    return list(timeless(server.actions()))


def test_a_drained_server_keeps_its_row_without_new_clients() -> None:
    first = real(1, 3)
    server = started(first, real(2), quorum=3)
    drained = WeightChanged(SERVICE, first, 3, 0, "is being drained")
    assert told(server, Overridden(key(1), Drain())) == [drained, QuorumLost(SERVICE, 1, 3)]
    assert weights(server) == {1: 0, 2: 1}
    assert server.real_servers[0].reason == "is being drained"
    assert told(server, Overridden(key(1), Drain())) == []
    back = WeightChanged(SERVICE, first, 0, 3, OVERRIDE_TAKEN_BACK)
    assert told(server, Overridden(key(1), None)) == [back, QuorumGained(SERVICE, 4, 3)]


def test_a_server_in_maintenance_is_out_whatever_its_checks_say() -> None:
    first = real(1)
    server = started(first, real(2))
    out = RealServerDown(SERVICE, first, None, "is in maintenance", None, 0.0)
    assert told(server, Overridden(key(1), Maintenance())) == [out]
    assert weights(server) == {2: 1}
    assert tell(server, down(1), up(1)) == []
    assert weights(server) == {2: 1}
    back = RealServerUp(SERVICE, first, None, OVERRIDE_TAKEN_BACK, None, 0.0)
    assert told(server, Overridden(key(1), None)) == [back]


def test_a_fixed_weight_outranks_file_and_checks() -> None:
    server = started(real(1, 3))
    told(server, Overridden(key(1), FixedWeight(9)))
    tell(server, up(1, weight=WeightSet(50)))
    assert weights(server) == {1: 9}
    assert server.real_servers[0].reason == "weight fixed at 9"


def test_overrides_outlive_a_reload_and_a_restart() -> None:
    config = virtual(real(1, 3), real(2))
    server = begun(config)
    told(server, Overridden(key(1), Drain()))
    server.on_event(reconfigured(virtual(real(1, 4), real(2))), 9.0)
    assert weights(server) == {1: 0, 2: 1}
    restarted = VirtualServer(config, (SERVICE,), 0.0, overrides={key(1): Drain(), key(7): Maintenance()})
    assert weights(restarted) == {1: 0, 2: 1}


def test_an_override_for_a_server_that_is_not_there_changes_nothing() -> None:
    server = started(real(1))
    assert told(server, Overridden(key(7), Drain())) == []


def test_how_long_it_had_been_as_it_was_is_told() -> None:
    server = started(real(1))
    server.on_event(down(1), 30.0)
    server.on_event(up(1), 50.0)
    lives = [action.after_s for action in server.actions() if isinstance(action, RealServerDown | RealServerUp)]
    assert lives == [30.0, 20.0]


def test_omega_tells_of_the_end() -> None:
    first = real(1)
    server = begun(replace(virtual(first, real(2)), omega=True))
    tell(server, down(2))
    assert tell(server, Shutdown()) == [
        RealServerDown(SERVICE, first, None, STOPPED, None, 0.0),
        QuorumLost(SERVICE, 0, 1),
    ]
    lost = begun(replace(virtual(first), omega=True))
    tell(lost, down(1))
    assert tell(lost, Shutdown()) == []
    assert tell(started(real(1)), Shutdown()) == []


def test_an_edited_check_takes_the_place_of_one_of_its_kind() -> None:
    config = virtual(real(1, checks=(check(1, 80), check(1, 443))))
    server = begun(config)
    tell(server, up(1, 80), down(1, 443))
    edited = virtual(real(1, checks=(check(1, 81), check(1, 443), check(1, 82))))
    server.on_event(reconfigured(edited), 5.0)
    verdicts = {(one.port): verdict.up for one, verdict in server.real_servers[0].checks.items() if hasattr(one, "port")}
    assert verdicts == {81: True, 443: False, 82: False}
    assert address(1) == server.real_servers[0].config.address


def test_where_it_is_asked_for_each_server_is_told_when_it_is_first_known_to_be_up() -> None:
    first = real(1)
    server = begun(replace(virtual(first, real(2)), tells_first_state=True))
    server.actions()
    assert tell(server, up(1)) == [RealServerUp(SERVICE, first, check(1), "connected", 0.001, 0.0)]
    assert tell(server, up(1)) == []
