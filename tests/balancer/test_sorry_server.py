from __future__ import annotations

from dataclasses import replace

from ipvs.types import Destination, DestinationKey, Forwarding
from tests.balancer.servers import SERVICE, address, begun, down, key, real, reconfigured, tell, up, virtual, weights, went_down
from vrrpd.balancer.events import Emptied, QuorumGained, QuorumLost
from vrrpd.config import model

SORRY = model.SorryServer(address(99), 80, Forwarding.NAT)


def test_the_sorry_server_serves_alone_while_the_quorum_is_lost() -> None:
    second = real(2)
    server = begun(replace(virtual(real(1), second, quorum=2), sorry_server=SORRY))
    assert server.actions() == [QuorumGained(SERVICE, 2, 2)]
    assert weights(server) == {1: 1, 2: 1}
    assert tell(server, down(2)) == [went_down(second), QuorumLost(SERVICE, 1, 2)]
    assert server.desired()[SERVICE].destinations == {key(99): Destination(Forwarding.NAT, 1)}
    assert server.sorry_server_serves
    tell(server, down(1), up(1))
    assert weights(server) == {99: 1}
    tell(server, up(2))
    assert weights(server) == {1: 1, 2: 1}


def test_it_serves_at_the_start_when_nobody_else_can_and_that_is_told() -> None:
    server = begun(replace(virtual(real(1, alpha=True)), sorry_server=SORRY))
    assert server.actions() == [QuorumLost(SERVICE, 0, 1)]
    assert weights(server) == {99: 1}


def test_inhibited_servers_stay_without_clients_while_it_serves() -> None:
    server = begun(replace(virtual(real(1, 3, inhibit=True), real(2, 3, inhibit=True), quorum=4), sorry_server=SORRY))
    tell(server, down(2))
    assert weights(server) == {1: 0, 2: 0, 99: 1}


def test_an_inhibited_sorry_server_is_always_there() -> None:
    server = begun(replace(virtual(real(1)), sorry_server=replace(SORRY, inhibit=True)))
    assert weights(server) == {1: 1, 99: 0}
    tell(server, down(1))
    assert weights(server) == {99: 1}


def test_one_that_is_a_real_server_too_keeps_that_ones_row() -> None:
    sorry = model.SorryServer(address(2), 80, Forwarding.DR, inhibit=True)
    server = begun(replace(virtual(real(1, 5), real(2, 5, inhibit=True), quorum=10), sorry_server=sorry))
    assert weights(server) == {1: 5, 2: 5}
    tell(server, down(1))
    assert weights(server) == {2: 1}


def test_without_one_a_lost_quorum_takes_nobody_out() -> None:
    server = begun(virtual(real(1), real(2), quorum=2))
    tell(server, down(2))
    assert weights(server) == {1: 1}
    assert not server.sorry_server_serves


def test_a_reload_may_bring_one_and_take_it_away() -> None:
    plain = virtual(real(1))
    server = begun(plain)
    tell(server, down(1))
    server.on_event(reconfigured(replace(plain, sorry_server=SORRY)), 5.0)
    assert weights(server) == {99: 1}
    server.on_event(reconfigured(plain), 6.0)
    assert weights(server) == {}


def test_a_removed_server_may_end_its_connections_in_peace() -> None:
    config = replace(virtual(real(1), real(2), real(3)), drain_removed_s=30.0)
    server = begun(config)
    tell(server, down(3))
    smaller = replace(config, real_servers=config.real_servers[:1])
    server.on_event(reconfigured(smaller), 10.0)
    assert weights(server) == {1: 1, 2: 0}  # the dead one has none to end
    assert server.leavers == (key(2),)
    assert server.deadline() == 40.0
    server.on_timer(39.9)
    assert weights(server) == {1: 1, 2: 0}
    server.on_timer(40.0)
    assert weights(server) == {1: 1}
    assert server.deadline() is None


def test_a_removed_server_goes_when_it_is_empty_and_may_come_back_before() -> None:
    config = replace(virtual(real(1), real(2), real(3)), drain_removed_s=30.0)
    server = begun(config)
    server.on_event(reconfigured(replace(config, real_servers=config.real_servers[:1])), 10.0)
    server.on_event(Emptied(DestinationKey(address(2), 80)), 11.0)
    assert weights(server) == {1: 1, 3: 0}
    server.on_event(reconfigured(config), 12.0)
    assert weights(server) == {1: 1, 2: 1, 3: 1}
    assert server.leavers == ()
