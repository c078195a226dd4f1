"""Virtual routers to which anything happens, drawn by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from hypothesis import strategies as st

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, addresses, heard, router
from vrrpd.config.model import GarpGroup, SyncGroup, Tracker, Tracking, VirtualRouter
from vrrpd.config.position import Position
from vrrpd.protocol.actions import SendAdvert
from vrrpd.protocol.events import AddressAnswered, AdjustmentChanged, FaultCleared, FaultRaised, SourceChanged
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
"""What is done, and so long after the one before."""


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
