"""Virtual routers that remember what others did go on as those: whatever comes, they do the same."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.routers import NOW_S
from tests.protocol.stories import GROUP, ONE, OWNER, STEPS, TWO, Driven
from vrrpd.protocol.memory import NOT_REMEMBERED, RouterMemory, memory_of, recall
from vrrpd.protocol.pacing import Pacing
from vrrpd.protocol.sync_group import Group
from vrrpd.protocol.timers import Timers
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import VrrpRouter, key_of


@settings(max_examples=300, deadline=None)
@given(before=STEPS, after=STEPS, postponed=st.booleans())
def test_who_remembers_the_same_does_the_same(before: Any, after: Any, postponed: bool) -> None:
    first = Driven(VrrpRouter(NOW_S + 3 if postponed else float("-inf")), NOW_S)
    for each in (ONE, TWO, OWNER):
        first.drive([(("come", each), 0.0)])
    first.drive([(("group", (GROUP,)), 0.0), *before])
    memory = first.routers.memory()
    second = Driven(VrrpRouter(), first.now_s)
    second.routers.recall(memory)
    assert second.routers.memory() == memory
    assert second.drive(after) == first.drive(after)
    assert second.routers.memory() == first.routers.memory()


def test_a_memory_does_not_change_with_whom_it_was_taken_from() -> None:
    here = Driven(VrrpRouter(), NOW_S)
    here.drive([(("come", ONE), 0.0), (("pace", 0.2, ()), 0.0)])
    memory = here.routers.memory()
    again = Driven(VrrpRouter(), NOW_S)
    again.routers.recall(memory)
    here.drive([(("time", None), 9.0), (("learn", (Kind.INTERFACE, "eth0"), False), 1.0)])
    assert again.routers.memory() == memory != here.routers.memory()


def test_virtual_routers_are_numbered_as_they_come() -> None:
    here = VrrpRouter()
    assert [here.add(each).number for each in (ONE, TWO)] == [1, 2]
    here.dismiss(key_of(ONE), NOW_S)
    assert here.add(ONE).number == 3


def test_nothing_of_a_router_is_forgotten() -> None:
    """Whoever gives one of them something more to remember is to think of its memory, too."""
    kept = set(RouterMemory.__dataclass_fields__)
    known = {
        "made", "starts_from_s", "_instances", "_leavers", "_postponed", "_groups", "_results", "_demands", "_pacing",
        "_deadlines", "_group_of", "_actions", "_group_transitions", "lateness", "unknown_virtual_router_ids",
    }  # fmt: skip
    assert vars(VrrpRouter()).keys() == known
    assert {name.lstrip("_") for name in known} - kept == {
        "leavers", "group_of", "actions", "group_transitions", "lateness", "unknown_virtual_router_ids",
    }  # fmt: skip
    assert vars(Group(GROUP)).keys() == {"settings", "state", "members", "_joining", "_in_group_fault", "_last_wish"}
    assert vars(Pacing()).keys() == {"_lanes", "_deadlines", "_usual_s", "_groups", "_group_of"}


def test_nothing_that_is_remembered_can_change_behind_its_back() -> None:
    """Whoever gives a virtual router a part that can change is to name it in `PARTS`."""
    here = Driven(VrrpRouter(), NOW_S)
    here.drive([(("come", each), 0.0) for each in (ONE, TWO, OWNER)])
    for part in here.routers.memory().instances:
        waiting = list(part.memory.values())
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict | set):
                waiting += [*value, *value.values()] if isinstance(value, dict) else [*value]
            elif isinstance(value, tuple):
                waiting += [*value]
            else:
                kinds = bool | int | float | str | bytes | IPv4Address | Enum | None
                assert isinstance(value, kinds) or getattr(value, "__dataclass_params__").frozen  # noqa: B009  # mypy knows none


def test_what_is_not_the_memory_of_a_part_is_refused() -> None:
    instance = VrrpRouter().add(ONE)
    memory = memory_of(instance)
    assert not memory.keys() & NOT_REMEMBERED
    with pytest.raises(ValueError, match="not the memory of Timers"):
        recall(Timers(), memory)
    with pytest.raises(ValueError, match="no memory of Timers"):
        recall(instance, memory | {"_timers": 7})
