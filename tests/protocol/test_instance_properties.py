"""What holds of a virtual router whatever happens to it, in whatever order."""

from __future__ import annotations

from dataclasses import astuple
from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, KEEPALIVED_PASS, NOW_S, addresses, heard, master, router, started
from vrrpd.config.model import Announcements, Authentication, HandOver, VirtualRouter
from vrrpd.protocol.actions import Action, Announce, Cause, HoldAddresses, ReleaseAddresses, SendAdvert, Transition
from vrrpd.protocol.events import (
    AddressAnswered,
    AdjustmentChanged,
    AnnounceAgain,
    BecomeMaster,
    Event,
    Failover,
    FaultCleared,
    FaultRaised,
    FollowGroup,
    Reconfigured,
    Shutdown,
    SourceChanged,
    Start,
)
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import TRANSITIONS, State
from vrrpd.protocol.wire import Heard, Wire

UNTIMED = settings(deadline=None)
"""The machine may be slow; what is tested here is not its speed."""
SENDERS = st.sampled_from([DIRECTOR_1, DIRECTOR_2, IPv4Address("192.168.4.4")])
PRIORITIES = st.integers(0, 255)
REASONS = st.sampled_from(["interface down", "another"])
DELAYS_S = st.sampled_from([0.0, 0.3, 2.0])
ANNOUNCEMENTS = st.builds(
    Announcements,
    delay_s=DELAYS_S,
    refresh_s=DELAYS_S,
    lower_priority_delay_s=DELAYS_S,
    lower_priority_repeat=st.integers(0, 5),
)
ROUTERS = st.builds(
    router,
    priority=st.integers(1, 255),
    preempt=st.booleans(),
    preempt_delay_s=DELAYS_S,
    advert_interval_s=st.sampled_from([1.0, 2.0]),
    source_address=st.sampled_from([None, None, DIRECTOR_1]),
    addresses=st.sampled_from([(), addresses(15), addresses(15, 16)]),
    announcements=ANNOUNCEMENTS,
    lower_priority_no_advert=st.booleans(),
    version=st.sampled_from([2, 3]),
    authentication=st.just(Authentication()),
    probe_addresses=st.booleans(),
    stalled_master_yields_to=st.sampled_from([None, 100]),
    hand_over=st.sampled_from(HandOver),
)
ARROWS = {(state, successor) for (state, _, _), successor in TRANSITIONS.items()}
SILENT = frozenset({State.RELINQUISHING, State.LISTENING})
ACTIONS_MAX = 9
"""More than any single call brings forth."""


@UNTIMED
@given(st.binary(max_size=120))
def test_no_bytes_make_an_instance_raise(datagram: bytes) -> None:
    for instance in (started(), master()):
        instance.on_packet(datagram, NOW_S)


@UNTIMED
@given(st.lists(st.tuples(st.integers(0, len(KEEPALIVED_PASS) - 1), st.integers(0, 255)), max_size=4), st.binary(max_size=6))
def test_no_damage_to_a_good_packet_makes_an_instance_raise(damage: list[tuple[int, int]], tail: bytes) -> None:
    octets = bytearray(KEEPALIVED_PASS + tail)
    for offset, value in damage:
        octets[offset] = value
    for instance in (started(), master()):
        instance.on_packet(bytes(octets), NOW_S)


class AnyHistory(RuleBasedStateMachine):
    """Events, packets and time in any order, served in time or late."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self.instance = Instance(router())
        self.state = State.INITIALIZE
        self.holds = False
        self.adverts = self.farewells = 0

    def settle(self) -> None:
        """Do what the instance asks for, as its host would."""
        actions = self.instance.actions()
        assert len(actions) <= ACTIONS_MAX
        for action in actions:
            match action:
                case SendAdvert((datagram,), priority):
                    assert self.state not in SILENT or priority == 0 or self.speaks_again(actions)
                    sent = Wire(self.instance.router).read(datagram.octets, 0.0)
                    assert isinstance(sent, Heard)
                    assert sent.priority == priority
                    self.adverts += 1
                    self.farewells += priority == 0
                case HoldAddresses():
                    self.holds = True
                case ReleaseAddresses():
                    self.holds = False
                case Announce(repeat):
                    assert self.holds
                    assert self.state not in SILENT or self.speaks_again(actions)
                    assert repeat > 0
                case Transition(old, new):
                    assert old is self.state
                    assert (old, new) in ARROWS
                    self.state = new
                case _:
                    pass

    def speaks_again(self, actions: list[Action]) -> bool:
        """Whether these end with it as master, as which it may speak."""
        last = [action for action in actions if isinstance(action, Transition)][-1:]
        return bool(last) and last[0].new is State.MASTER

    def tell(self, event: Event) -> None:
        self.instance.on_event(event, self.now_s)
        self.settle()

    @precondition(lambda self: self.state is State.INITIALIZE)
    @rule(resume=st.booleans())
    def start(self, resume: bool) -> None:
        self.tell(Start(resume_master=resume))

    @rule(reason=REASONS)
    def raise_fault(self, reason: str) -> None:
        self.tell(FaultRaised(reason))

    @rule(reason=REASONS)
    def clear_fault(self, reason: str) -> None:
        self.tell(FaultCleared(reason))

    @rule(address=st.sampled_from([None, DIRECTOR_1, DIRECTOR_1, DIRECTOR_1]))
    def change_source(self, address: IPv4Address | None) -> None:
        self.tell(SourceChanged(address))

    @rule(configuration=ROUTERS)
    def reconfigure(self, configuration: VirtualRouter) -> None:
        before = self.state
        self.tell(Reconfigured(configuration))
        assert self.instance.router is configuration
        a_fault_s_doing = State.FAULT in (before, self.state) or before is State.RELINQUISHING
        slept = before is State.MASTER and self.state in (State.LISTENING, State.BACKUP)
        assert self.state is before or a_fault_s_doing or slept  # a reload never elects

    @rule()
    def shut_down(self) -> None:
        self.tell(Shutdown())

    @rule(
        event=st.sampled_from(
            [
                Failover(),
                AnnounceAgain(),
                BecomeMaster(Cause.SYNC_GROUP),
                FollowGroup(State.BACKUP),
                FollowGroup(State.BACKUP),
                FollowGroup(State.FAULT),
                AddressAnswered(DIRECTOR_2, bytes(6)),
                AdjustmentChanged("script", -100),
                AdjustmentChanged("script", 100),
            ]
        )
    )
    def be_told(self, event: Event) -> None:
        self.tell(event)

    @rule(member=st.booleans())
    def join_or_leave_a_group(self, member: bool) -> None:
        self.instance.in_group = member

    @rule(sender=SENDERS, priority=PRIORITIES)
    def hear(self, sender: IPv4Address, priority: int) -> None:
        configuration = self.instance.router
        own_way = {"version": configuration.version, "authentication": configuration.authentication}
        self.instance.on_packet(heard(priority, sender, **own_way), self.now_s)
        self.settle()

    @rule(octets=st.binary(max_size=60))
    def hear_noise(self, octets: bytes) -> None:
        self.instance.on_packet(octets, self.now_s)
        self.settle()

    @rule(late_s=st.sampled_from([0.0, 0.0, 0.01, 1.0, 100.0]))
    def serve_deadline(self, late_s: float) -> None:
        deadline_s = self.instance.deadline()
        if deadline_s is None:
            return
        self.now_s = max(self.now_s, deadline_s + late_s)
        adverts_before = self.adverts
        self.instance.on_timer(self.now_s)
        self.settle()
        assert self.adverts <= adverts_before + 1
        next_s = self.instance.deadline()
        assert next_s is None or next_s > self.now_s

    @rule(seconds=st.floats(0, 2))
    def call_the_timer_whenever(self, seconds: float) -> None:
        self.now_s += seconds
        self.instance.on_timer(self.now_s)
        self.settle()

    @invariant()
    def addresses_are_held_by_a_master_until_it_has_let_go_and_by_nobody_else(self) -> None:
        assert self.state is self.instance.state
        assert self.holds == self.instance.holds_addresses == (self.state in {State.MASTER, *SILENT})

    @invariant()
    def something_is_waited_for_exactly_while_it_takes_part(self) -> None:
        assert (self.instance.deadline() is not None) == (self.state not in (State.INITIALIZE, State.FAULT))

    @invariant()
    def counters_tell_what_was_done(self) -> None:
        counters = self.instance.counters
        assert (counters.advertisements_sent, counters.priority_zero_sent) == (self.adverts, self.farewells)
        assert counters.became_master - counters.released_master == (self.state is State.MASTER)
        assert min(astuple(counters)) >= 0


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = UNTIMED
