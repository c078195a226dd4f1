"""Who goes on as master after a restart."""

from __future__ import annotations

import pytest

from tests.protocol.routers import NOW_S, router
from vrrpd.config.model import SyncGroup
from vrrpd.config.position import Position
from vrrpd.protocol.resumption import LastState, resuming
from vrrpd.protocol.vrrp_router import key_of

ONE, TWO = router(name="ONE", virtual_router_id=1), router(name="TWO", virtual_router_id=2)


@pytest.mark.parametrize(
    ("last", "goes_on"),
    [
        pytest.param(None, False, id="nothing is known of it"),
        pytest.param(LastState(False, NOW_S - 1), False, id="it was backup"),
        pytest.param(LastState(True, NOW_S), True, id="it spoke just now"),
        pytest.param(LastState(True, NOW_S - 2.99), True, id="peers still wait"),
        pytest.param(LastState(True, NOW_S - 3), False, id="peers take over"),
        pytest.param(LastState(True, NOW_S + 1), False, id="a time that has not come"),
    ],
)
def test_a_master_goes_on_whose_absence_nobody_noticed(last: LastState | None, goes_on: bool) -> None:
    assert resuming([ONE], (), lambda _key: last, NOW_S) == ({key_of(ONE)} if goes_on else set())


@pytest.mark.parametrize(("names", "going_on"), [(("ONE", "TWO"), set()), (("ONE", "OTHER"), {key_of(ONE)})])
def test_of_a_group_go_on_all_that_start_or_none(names: tuple[str, ...], going_on: set[object]) -> None:
    states = {key_of(ONE): LastState(True, NOW_S), key_of(TWO): LastState(False, NOW_S)}
    group = SyncGroup("G", names, Position("vrrpd.conf", 1))
    assert resuming([ONE, TWO], [group], states.get, NOW_S) == going_on
