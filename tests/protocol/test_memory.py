"""Virtual routers that remember what others did go on as those: whatever comes, they do the same."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, addresses, heard, router
from vrrpd.config.model import GarpGroup, SyncGroup, Tracker, Tracking, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol.actions import SendAdvert
from vrrpd.protocol.events import AddressAnswered, AdjustmentChanged, FaultCleared, FaultRaised, SourceChanged
from vrrpd.protocol.memory import NOT_REMEMBERED, RouterMemory, memory_of, recall
from vrrpd.protocol.pacing import Pacing
from vrrpd.protocol.sync_group import Group
from vrrpd.protocol.timers import Timers
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import VrrpRouter, key_of

TRACKING = Tracking(interfaces=(Tracker("eth0"), Tracker("eth9", weight=-30)), scripts=(Tracker("web", weight=20),))
ONE = router(name="ONE", addresses=addresses(15, 16, 17), tracking=TRACKING, probe_addresses=True)
TWO = router(name="TWO", virtual_router_id=51, priority=90, addresses=addresses(25))
OWNER = router(name="OWNER", virtual_router_id=52, priority=255, addresses=addresses(35), version=3, advert_interval_s=0.5)
CHANGED = {
    "ONE": replace(ONE, priority=120),
    "TWO": replace(TWO, preempt_delay_s=2.0, addresses=addresses(26)),
    "OWNER": replace(OWNER, priority=200),
}
GROUP = SyncGroup("BOTH", ("ONE", "TWO"), Position("keepalived.conf", 9))
SLOW_LINKS = GarpGroup(("eth0",), 0.3)
PEERS = (IPv4Address("192.168.4.1"), DIRECTOR_2)

Step = tuple[str, Any, float]
"""What is done, with what, and so long after the one before."""

ROUTERS = st.sampled_from((ONE, TWO, OWNER))
STEPS = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just("hear"), ROUTERS, st.sampled_from((0, 50, 90, 100, 150, 255)), st.sampled_from(PEERS)),
            st.tuples(st.sampled_from(("time", "time", "time", "leave", "come", "change", "fail over", "abandon")), ROUTERS),
            st.tuples(st.just("learn"), st.sampled_from(((Kind.INTERFACE, "eth0"), (Kind.SCRIPT, "web"))), st.booleans()),
            st.tuples(st.just("tell"), ROUTERS, st.sampled_from((
                FaultRaised("cable"), FaultCleared("cable"), SourceChanged(None), SourceChanged(DIRECTOR_1),
                AdjustmentChanged("load", -20), AddressAnswered(IPv4Address("192.168.4.15"), bytes(6)),
            ))),
            st.tuples(st.just("group"), st.sampled_from(((GROUP,), ()))),
            st.tuples(st.just("pace"), st.sampled_from((0.0, 0.2)), st.sampled_from(((SLOW_LINKS,), ()))),
        ),
        st.sampled_from((0.0, 0.01, 0.3, 1.0, 4.0)),
    ),
    max_size=40,
)  # fmt: skip


class Driven:
    """Virtual routers and the time, as a story drives them."""

    def __init__(self, routers: VrrpRouter, now_s: float) -> None:
        self.routers = routers
        self.now_s = now_s

    def drive(self, steps: list[tuple[tuple[Any, ...], float]]) -> list[object]:
        """Let everything happen in its time; what they wanted done."""
        done: list[object] = []
        for what, after_s in steps:
            self.now_s += after_s
            while (due_s := self.routers.deadline()) is not None and due_s <= self.now_s:
                self.routers.on_timer(due_s)
                done += self._drained()
            self._do(*what)
            done += self._drained()
        return done

    def _do(self, verb: str, subject: Any, *rest: Any) -> None:
        here, now_s = self.routers, self.now_s
        is_here = isinstance(subject, VirtualRouter) and key_of(subject) in here.instances
        match verb:
            case "hear":
                said = {"virtual_router_id": subject.virtual_router_id, "version": subject.version}
                interval_s = subject.advert_interval_s
                here.on_packet("eth0", heard(*rest, addresses=subject.addresses, advert_interval_s=interval_s, **said), now_s)
            case "learn":
                here.learn(subject[0], subject[1], rest[0], now_s)
            case "tell":
                here.tell(key_of(subject), rest[0], now_s)
            case "group":
                here.group(subject, now_s)
            case "pace":
                here.pace(subject, subject, *rest)
            case "abandon":
                here.abandon_leavers()
            case "leave" if is_here:
                here.dismiss(key_of(subject), now_s)
            case "change" if is_here:
                here.reconfigure(key_of(subject), CHANGED[subject.name], now_s)
            case "fail over" if is_here:
                here.fail_over(key_of(subject), now_s)
            case "come" if not is_here:
                here.add(subject)
                here.tell(key_of(subject), SourceChanged(DIRECTOR_1), now_s)
                here.start(key_of(subject), now_s)
            case _:
                here.on_timer(now_s)

    def _drained(self) -> list[object]:
        """Of adverts the priority, for the numbers of packets are not remembered."""
        actions = [
            (instance.number, action.priority if isinstance(action, SendAdvert) else action)
            for instance, action in self.routers.actions()
        ]
        return [*actions, *self.routers.group_transitions()]


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


def test_what_is_not_the_memory_of_a_part_is_refused() -> None:
    instance = VrrpRouter().add(ONE)
    memory = memory_of(instance)
    assert not memory.keys() & NOT_REMEMBERED
    with pytest.raises(ValueError, match="not the memory of Timers"):
        recall(Timers(), memory)
    with pytest.raises(ValueError, match="no memory of Timers"):
        recall(instance, memory | {"_timers": 7})
