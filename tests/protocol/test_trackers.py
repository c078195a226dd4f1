"""What is tracked, and what that does to a virtual router."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.protocol.routers import addresses, router
from vrrpd.config.model import Tracker, Tracking, VirtualAddress
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.events import AdjustmentChanged, FaultCleared, FaultRaised
from vrrpd.protocol.trackers import Demands, Kind, demands, interfaces_needed

ELSEWHERE = VirtualAddress(IPv4Address("10.0.0.1"), 24, "eth1")
NOTHING = Tracking()


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, {"eth0"}),
        ({"track_primary": False}, set()),
        ({"addresses": (ELSEWHERE,)}, {"eth0", "eth1"}),
        ({"excluded_addresses": (ELSEWHERE,)}, {"eth0", "eth1"}),
        ({"addresses": (*addresses(15), ELSEWHERE), "track_primary": False}, {"eth1"}),
    ],
)
def test_it_needs_its_own_interface_and_those_of_its_addresses(changes: dict[str, Any], needed: set[str]) -> None:
    assert interfaces_needed(router(**changes)) == needed


def of(kind: str, tracker: Tracker, results: dict[tuple[Kind, str], bool | int], *, by_group: bool = False) -> Demands:
    tracking = Tracking(**{kind: (tracker,)})
    own, of_group = (NOTHING, tracking) if by_group else (tracking, NOTHING)
    return demands(router(tracking=own), of_group, results)


INTERFACE, SCRIPT, FILE = (Kind.INTERFACE, "eth1"), (Kind.SCRIPT, "check"), (Kind.FILE, "level")


@pytest.mark.parametrize("by_group", [False, True])
@pytest.mark.parametrize(
    ("kind", "tracker", "results", "faults", "adjustments"),
    [
        ("interfaces", Tracker("eth1"), {}, [], {}),
        ("interfaces", Tracker("eth1"), {INTERFACE: True}, [], {}),
        ("interfaces", Tracker("eth1"), {INTERFACE: False}, ["interface eth1 is down"], {}),
        ("interfaces", Tracker("eth1", reverse=True), {INTERFACE: True}, ["interface eth1 is up"], {}),
        ("interfaces", Tracker("eth1", 20), {INTERFACE: True}, [], {"interface eth1": 20}),
        ("interfaces", Tracker("eth1", -20), {INTERFACE: False}, [], {"interface eth1": -20}),
        ("interfaces", Tracker("eth0", -20), {(Kind.INTERFACE, "eth0"): False}, [], {"interface eth0": -20}),
        ("scripts", Tracker("check"), {}, ["script check is not well"], {}),
        ("scripts", Tracker("check"), {SCRIPT: True}, [], {}),
        ("scripts", Tracker("check", 10), {}, [], {}),
        ("scripts", Tracker("check", 10), {SCRIPT: True}, [], {"script check": 10}),
        ("files", Tracker("level", 2), {FILE: 7}, [], {"file level": 14}),
        ("files", Tracker("level", 2), {FILE: -200}, ["file level is not well"], {}),
        ("processes", Tracker("httpd"), {(Kind.PROCESS, "httpd"): False}, ["process httpd is not well"], {}),
        ("bfd_sessions", Tracker("peer"), {(Kind.BFD_SESSION, "peer"): False}, ["BFD session peer is not well"], {}),
    ],
)
def test_what_a_result_does(
    kind: str,
    tracker: Tracker,
    results: dict[tuple[Kind, str], bool | int],
    faults: list[str],
    adjustments: dict[str, int],
    by_group: bool,
) -> None:
    demanded = of(kind, tracker, results, by_group=by_group)
    assert list(demanded.faults) == faults
    assert demanded.adjustments == adjustments


def test_its_own_and_its_group_s_adjustments_are_added() -> None:
    tracking = Tracking(scripts=(Tracker("check", 10),))
    demanded = demands(router(tracking=tracking), tracking, {SCRIPT: True})
    assert demanded.adjustments == {"script check": 20}


def test_its_interface_down_is_a_fault_without_a_word_in_the_file() -> None:
    assert list(demands(router(), NOTHING, {(Kind.INTERFACE, "eth0"): False}).faults) == ["interface eth0 is down"]


def test_only_what_has_changed_is_told() -> None:
    before = Demands({"old": Kind.SCRIPT, "both": Kind.SCRIPT, "cable": Kind.INTERFACE}, {"gone": 5, "other": 1, "same": 2})
    now = Demands({"both": Kind.SCRIPT, "new": Kind.BFD_SESSION, "link": Kind.INTERFACE}, {"other": 3, "same": 2, "more": 4})
    events = list(now.events_since(before))
    assert events[:2] == [FaultRaised("new", Cause.TRACKER_DOWN), FaultRaised("link", Cause.INTERFACE_DOWN)]
    assert {(event.name, event.adjustment) for event in events if isinstance(event, AdjustmentChanged)} == {
        ("gone", 0),
        ("other", 3),
        ("more", 4),
    }
    assert events[-2:] == [FaultCleared("old", Cause.TRACKER_UP), FaultCleared("cable", Cause.INTERFACE_UP)]
    assert list(now.events_since(now)) == []
