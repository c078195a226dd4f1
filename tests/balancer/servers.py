"""Virtual servers of a few words, for the tests of the balancer."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from healthcheck.types import AnyCheck, TcpCheck, WeightWish
from ipvs.types import DestinationKey, Forwarding, Protocol, ServiceKey
from vrrpd.balancer.events import Action, CheckChanged, Event, RealServerDown, RealServerUp, Reconfigured
from vrrpd.balancer.virtual_server import VirtualServer
from vrrpd.config import model
from vrrpd.config.position import Position

HERE = Position("test.conf", 1)
SERVICE = ServiceKey(Protocol.TCP, IPv4Address("192.168.4.15"), 80)


def address(number: int) -> IPv4Address:
    return IPv4Address("192.168.4.100") + number


def check(number: int, port: int = 80) -> TcpCheck:
    return TcpCheck(address(number), port)


def real(
    number: int, weight: int = 1, *, checks: tuple[AnyCheck, ...] | None = None, alpha: bool = False, inhibit: bool = False
) -> model.RealServer:
    """A real server with one check of its own port, unless told otherwise."""
    checks = (check(number),) if checks is None else checks
    return model.RealServer(
        address(number),
        80,
        weight,
        Forwarding.DR,
        HERE,
        alpha=alpha,
        alpha_checks=checks if alpha else (),
        inhibit_on_failure=inhibit,
        checks=checks,
    )


def virtual(*servers: model.RealServer, quorum: int = 1, hysteresis: int = 0) -> model.VirtualServer:
    return model.VirtualServer(SERVICE, "wrr", HERE, quorum=quorum, hysteresis=hysteresis, real_servers=servers)


def key(number: int) -> DestinationKey:
    return DestinationKey(address(number), 80)


def begun(config: model.VirtualServer, *found_down: DestinationKey) -> VirtualServer:
    """A virtual server at second 0."""
    return VirtualServer(config, (SERVICE,), 0.0, found_down=found_down)


def started(*servers: model.RealServer, quorum: int = 1, hysteresis: int = 0) -> VirtualServer:
    """A virtual server at second 0 whose first actions are taken."""
    server = begun(virtual(*servers, quorum=quorum, hysteresis=hysteresis))
    server.actions()
    return server


def up(number: int, port: int = 80, weight: WeightWish | None = None) -> CheckChanged:
    return CheckChanged(check(number, port), True, "connected", 0.001, weight)


def down(number: int, port: int = 80) -> CheckChanged:
    return CheckChanged(check(number, port), False, "connection refused", 0.002)


def tell(server: VirtualServer, *events: Event) -> list[Action]:
    for now_s, event in enumerate(events, start=1):
        server.on_event(event, float(now_s))
    return timeless(server.actions())


def timeless(actions: list[Action]) -> list[Action]:
    """The same actions without how long things had been as they were."""
    return [replace(one, after_s=0.0) if isinstance(one, RealServerUp | RealServerDown) else one for one in actions]


def reconfigured(config: model.VirtualServer) -> Reconfigured:
    return Reconfigured(config, (SERVICE,))


def weights(server: VirtualServer) -> dict[int, int]:
    """The row's weights, by the number of the real server."""
    return {int(key.address) - int(address(0)): value.weight for key, value in server.desired()[SERVICE].destinations.items()}


def went_up(server: model.RealServer, port: int = 80) -> RealServerUp:
    number = int(server.address) - int(address(0))
    return RealServerUp(SERVICE, server, check(number, port), "connected", 0.001, 0.0)


def went_down(server: model.RealServer, port: int = 80) -> RealServerDown:
    number = int(server.address) - int(address(0))
    return RealServerDown(SERVICE, server, check(number, port), "connection refused", 0.002, 0.0)
