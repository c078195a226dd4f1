from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ipvs.types import Destination, DestinationKey, Forwarding, Service, ServiceFlags
from tests.balancer.servers import (
    HERE,
    SERVICE,
    address,
    begun,
    check,
    down,
    real,
    reconfigured,
    started,
    tell,
    timeless,
    up,
    virtual,
    weights,
    went_down,
    went_up,
)
from vrrpd.balancer.events import QuorumGained, QuorumLost, RealServerDown, RealServerUp
from vrrpd.balancer.real_server import DOWN_BEFORE, NO_CHECKS, NOT_CHECKED_YET, RealServerStatus
from vrrpd.balancer.virtual_server import FAILING_CHECK_REMOVED
from vrrpd.config import model


def test_the_row_says_all_that_the_configuration_says() -> None:
    config = replace(
        virtual(
            model.RealServer(address(1), 8080, 3, Forwarding.NAT, HERE, upper_threshold=100, lower_threshold=80),
            model.RealServer(address(2), 80, 2, Forwarding.TUN, HERE),
        ),
        flags=ServiceFlags.PERSISTENT,
        persistence_timeout_s=50,
        persistence_prefix_length=24,
    )
    row = begun(config).desired()[SERVICE]
    assert row.service == Service("wrr", ServiceFlags.PERSISTENT, 50, 24)
    assert row.destinations == {
        DestinationKey(address(1), 8080): Destination(Forwarding.NAT, 3, 100, 80),
        DestinationKey(address(2), 80): Destination(Forwarding.TUN, 2),
    }


@pytest.mark.parametrize(
    ("server", "at_start"),
    [
        (real(1, 3), {1: 3}),
        (real(1, 3, alpha=True), {}),
        (real(1, 3, alpha=True, inhibit=True), {1: 0}),
        (real(1, 3, checks=()), {1: 3}),
        (real(1, 3, checks=(), alpha=True), {1: 3}),
    ],
    ids=["serves before its first check", "alpha waits", "alpha waits at weight 0", "unchecked", "unchecked alpha"],
)
def test_who_serves_at_the_start(server: model.RealServer, at_start: dict[int, int]) -> None:
    assert weights(started(server)) == at_start


def test_a_dead_server_leaves_the_row_and_comes_back_with_its_weight() -> None:
    first, second = real(1, 1), real(2, 2)
    server = started(first, second)
    assert tell(server, down(2)) == [went_down(second)]
    assert weights(server) == {1: 1}
    assert tell(server, up(2)) == [went_up(second)]
    assert weights(server) == {1: 1, 2: 2}


def test_with_inhibit_on_failure_a_dead_server_stays_at_weight_0() -> None:
    server = started(real(1, 1), real(2, 2, inhibit=True))
    tell(server, down(2))
    assert weights(server) == {1: 1, 2: 0}
    tell(server, up(2))
    assert weights(server) == {1: 1, 2: 2}


def test_a_verdict_that_confirms_what_was_assumed_is_no_event() -> None:
    server = started(real(1))
    assert tell(server, up(1), up(1)) == []


def test_a_verdict_told_again_is_no_event() -> None:
    server = started(real(1), real(2))
    tell(server, down(1))
    assert tell(server, down(1)) == []


def test_a_check_that_no_server_has_changes_nothing() -> None:
    server = started(real(1))
    assert tell(server, down(7)) == []
    assert weights(server) == {1: 1}


def test_an_alpha_server_serves_after_its_first_success() -> None:
    alpha = real(1, 4, alpha=True)
    server = started(alpha)
    assert tell(server, up(1)) == [went_up(alpha), QuorumGained(SERVICE, 4, 1)]
    assert weights(server) == {1: 4}


def test_an_alpha_server_whose_first_check_fails_is_told_down_once() -> None:
    alpha = real(1, alpha=True)
    server = started(alpha)
    assert tell(server, down(1)) == [went_down(alpha)]
    assert tell(server, down(1)) == []


def test_an_alpha_server_with_two_checks_needs_both() -> None:
    alpha = real(1, alpha=True, checks=(check(1, 80), check(1, 443)))
    server = started(alpha)
    assert tell(server, up(1, 80)) == []
    assert weights(server) == {}
    assert tell(server, up(1, 443)) == [went_up(alpha, 443), QuorumGained(SERVICE, 1, 1)]


def test_a_server_is_up_only_if_none_of_its_checks_is_down() -> None:
    twice = real(1, checks=(check(1, 80), check(1, 443)))
    server = started(twice, real(2))
    assert tell(server, down(1, 80), down(1, 443), up(1, 80)) == [went_down(twice, 80)]
    assert weights(server) == {2: 1}
    assert tell(server, up(1, 443)) == [went_up(twice, 443)]


def test_one_verdict_speaks_for_all_servers_that_share_the_check() -> None:
    first, second = real(1, checks=(check(9),)), real(2, checks=(check(9),))
    server = started(first, second, real(3))
    tell(server, down(9))
    assert weights(server) == {3: 1}


def test_the_start_counts_as_gaining_the_quorum() -> None:
    assert begun(virtual(real(1, 2), real(2, 3), quorum=4)).actions() == [QuorumGained(SERVICE, 5, 4)]


def test_a_quorum_that_is_not_met_at_the_start_is_not_told() -> None:
    server = begun(virtual(real(1), real(2, alpha=True), quorum=2))
    assert server.actions() == []
    assert not server.quorum_up


def test_a_lost_quorum_takes_nobody_out() -> None:
    second = real(2)
    server = started(real(1), second, quorum=2)
    assert tell(server, down(2)) == [went_down(second), QuorumLost(SERVICE, 1, 2)]
    assert weights(server) == {1: 1}


@pytest.mark.parametrize(
    ("quorum", "hysteresis", "alive", "quorum_up"),
    [
        (3, 0, [5, 3, 2, 3], [True, True, False, True]),
        (3, 1, [5, 2, 1, 3, 4], [True, True, False, False, True]),
        (2, 1, [5, 1, 0, 2, 3], [True, True, False, False, True]),
        (2, 2, [5, 1, 0, 3, 4], [True, True, False, False, True]),  # nobody alive is no quorum, whatever the margin
        (5, 1, [5, 4, 5], [False, False, False]),  # the gain lies out of reach
    ],
)
def test_the_quorum_is_gained_above_the_margin_and_lost_below_it(
    quorum: int, hysteresis: int, alive: list[int], quorum_up: list[bool]
) -> None:
    server = started(*(real(number) for number in range(5)), quorum=quorum, hysteresis=hysteresis)
    seen = []
    for count in alive:
        before = server.quorum_up
        events = [up(number) for number in range(count)]
        actions = tell(server, *events, *(down(number) for number in range(count, 5)))
        told = [action for action in actions if isinstance(action, QuorumGained | QuorumLost)]
        assert len(told) == (before != server.quorum_up)
        assert server.alive_weight == count
        seen.append(server.quorum_up)
    assert seen == quorum_up


def test_the_status_tells_state_weight_time_and_reason() -> None:
    server = started(real(1, 2), real(2, 3, checks=()), real(3, 4, checks=(check(3, 80), check(3, 443))))
    server.on_event(down(1), 7.0)
    server.on_event(down(3, 80), 8.0)
    server.on_event(up(3, 443), 9.0)
    assert [(s.up, s.effective_weight, s.since_s, s.reason) for s in server.real_servers] == [
        (False, 0, 7.0, "connection refused"),
        (True, 3, 0.0, NO_CHECKS),
        (False, 0, 8.0, "connection refused"),
    ]
    assert [verdict.up for verdict in server.real_servers[2].checks.values()] == [False, True]
    assert server.alive_weight == 3
    server.on_event(up(1), 10.0)
    first = server.real_servers[0]
    assert (first.up, first.effective_weight, first.since_s, first.reason) == (True, 2, 10.0, "connected")


def test_before_the_first_check_the_status_says_so() -> None:
    first, second = started(real(1), real(2, alpha=True)).real_servers
    assert (first.up, first.reason, second.up, second.reason) == (True, NOT_CHECKED_YET, False, NOT_CHECKED_YET)


def test_a_server_found_taken_out_after_a_crash_stays_out_until_a_check_succeeds() -> None:
    first, second = real(1, 1), real(2, 2)
    found_down = [DestinationKey(address(2), 80)]
    server = begun(virtual(first, second), *found_down)
    assert server.actions() == [QuorumGained(SERVICE, 1, 1)]
    assert weights(server) == {1: 1}
    assert server.real_servers[1].reason == DOWN_BEFORE
    assert tell(server, down(2)) == []  # nothing new: it was down before, too
    assert tell(server, up(2)) == [went_up(second)]
    assert weights(server) == {1: 1, 2: 2}


def test_an_unchecked_server_found_taken_out_serves_since_nothing_could_ever_bring_it_back() -> None:
    server = begun(virtual(real(1, checks=())), DestinationKey(address(1), 80))
    assert weights(server) == {1: 1}


def test_a_server_found_taken_out_once_is_new_when_it_was_removed_and_comes_again() -> None:
    server = begun(virtual(real(1), real(2)), DestinationKey(address(2), 80))
    server.on_event(reconfigured(virtual(real(1))), 5.0)
    server.on_event(reconfigured(virtual(real(1), real(2))), 6.0)
    assert weights(server) == {1: 1, 2: 1}


def test_a_new_weight_keeps_verdicts_and_tells_nothing() -> None:
    server = started(real(1, 1), real(2, 2), real(3, 3, alpha=True))
    tell(server, down(2))
    server.on_event(reconfigured(virtual(real(1, 10), real(2, 20), real(3, 30, alpha=True))), 50.0)
    assert server.actions() == []
    assert weights(server) == {1: 10}
    assert [s.since_s for s in server.real_servers] == [0.0, 1.0, 0.0]
    tell(server, up(2))
    assert weights(server) == {1: 10, 2: 20}


def test_servers_added_by_a_reload_begin_like_at_the_start_and_removed_ones_are_forgotten() -> None:
    server = started(real(1), real(2))
    server.on_event(reconfigured(virtual(real(2), real(3, 3), real(4, 4, alpha=True))), 5.0)
    assert weights(server) == {2: 1, 3: 3}
    assert server.actions() == []
    assert tell(server, down(1)) == []


def test_an_edited_check_is_assumed_to_say_what_held_before() -> None:
    server = started(real(1), real(2))
    tell(server, down(2))
    edited = virtual(real(1, checks=(check(1, 8080),)), real(2, checks=(check(2, 8080),)))
    server.on_event(reconfigured(edited), 5.0)
    assert weights(server) == {1: 1}
    assert server.actions() == []
    assert tell(server, up(2, 8080)) == [went_up(edited.real_servers[1], 8080)]
    assert weights(server) == {1: 1, 2: 1}


def test_a_server_comes_up_when_its_failing_check_is_removed() -> None:
    server = started(real(1, checks=(check(1, 80), check(1, 443))), real(2))
    tell(server, up(1, 80), down(1, 443))
    config = virtual(real(1), real(2))
    server.on_event(reconfigured(config), 5.0)
    up_again = RealServerUp(SERVICE, config.real_servers[0], None, FAILING_CHECK_REMOVED, None, 0.0)
    assert timeless(server.actions()) == [up_again]
    assert weights(server) == {1: 1, 2: 1}
    assert server.real_servers[0].since_s == 5.0


def test_a_reload_may_gain_and_lose_the_quorum() -> None:
    server = started(real(1), real(2))
    server.on_event(reconfigured(virtual(real(1), real(2), quorum=3)), 5.0)
    assert server.actions() == [QuorumLost(SERVICE, 2, 3)]
    server.on_event(reconfigured(virtual(real(1), real(2, 2), quorum=3)), 6.0)
    assert server.actions() == [QuorumGained(SERVICE, 3, 3)]


def test_a_virtual_server_may_lose_all_its_servers_and_stay() -> None:
    server = started(real(1))
    tell(server, down(1))
    assert {key: row.destinations for key, row in server.desired().items()} == {SERVICE: {}}


NUMBERS = st.integers(0, 4)
PORTS = st.sampled_from([80, 443])


@st.composite
def configurations(draw: st.DrawFn) -> model.VirtualServer:
    numbers = draw(st.lists(NUMBERS, unique=True, min_size=1))
    servers = []
    for number in numbers:
        checks = tuple(check(number, port) for port in draw(st.lists(PORTS, unique=True)))
        servers.append(
            real(number, draw(st.integers(0, 3)), checks=checks, alpha=draw(st.booleans()), inhibit=draw(st.booleans()))
        )
    quorum = draw(st.integers(1, 6))
    return virtual(*servers, quorum=quorum, hysteresis=draw(st.integers(0, quorum - 1)))


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens, the row, the sums and the told events agree with each other."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.server = begun(virtual(real(0), real(1)))
        self.told_up = {0: True, 1: True}
        self.told_quorum = False
        self.follow()

    @rule(number=NUMBERS, port=PORTS, is_up=st.booleans())
    def verdict(self, number: int, port: int, is_up: bool) -> None:
        self.now_s += 1
        self.server.on_event(up(number, port) if is_up else down(number, port), self.now_s)
        self.follow()
        self.server.on_event(up(number, port) if is_up else down(number, port), self.now_s)
        assert self.server.actions() == []

    @rule(config=configurations())
    def reload(self, config: model.VirtualServer) -> None:
        self.now_s += 1
        up_before = {key: s.up for key, s in self.by_key().items()}
        self.server.on_event(reconfigured(config), self.now_s)
        for key, status in self.by_key().items():
            assert status.up or not up_before.get(key, False), "a reload takes nobody out"
            number = int(status.config.address) - int(address(0))
            self.told_up.setdefault(number, status.up)
        present = {int(s.address) - int(address(0)) for s in config.real_servers}
        self.told_up = {number: told for number, told in self.told_up.items() if number in present}
        self.follow()
        rows = self.server.desired()
        self.server.on_event(reconfigured(config), self.now_s)
        assert self.server.desired() == rows, "the same configuration again changes nothing"
        assert self.server.actions() == []

    def by_key(self) -> dict[DestinationKey, RealServerStatus]:
        return {DestinationKey(s.config.address, s.config.port): s for s in self.server.real_servers}

    def follow(self) -> None:
        """Keep the books of somebody who only hears the actions."""
        for action in self.server.actions():
            match action:
                case RealServerUp() | RealServerDown():
                    self.told_up[int(action.server.address) - int(address(0))] = isinstance(action, RealServerUp)
                case QuorumGained() | QuorumLost():
                    gained = isinstance(action, QuorumGained)
                    assert gained != self.told_quorum
                    self.told_quorum = gained

    @invariant()
    def who_only_hears_the_actions_knows_the_state(self) -> None:
        assert self.told_up == {int(s.config.address) - int(address(0)): s.up for s in self.server.real_servers}
        assert self.told_quorum == self.server.quorum_up

    @invariant()
    def the_row_holds_the_living_with_their_weight_and_the_inhibited_with_none(self) -> None:
        expected = {}
        for s in self.server.real_servers:
            assert s.up == all(verdict.up for verdict in s.checks.values())
            if s.up or s.config.inhibit_on_failure:
                expected[int(s.config.address) - int(address(0))] = s.config.weight if s.up else 0
        assert weights(self.server) == expected
        assert self.server.alive_weight == sum(expected.values())

    @invariant()
    def the_quorum_agrees_with_the_weight(self) -> None:
        config, weight = self.server.config, self.server.alive_weight
        if self.server.quorum_up:
            assert weight > 0
            assert weight >= config.quorum - config.hysteresis
        else:
            assert weight < config.quorum + config.hysteresis


TestAnyHistory = AnyHistory.TestCase
