from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from ipvs.types import Destination, DestinationKey, Forwarding, Protocol, ServiceKey
from tests.balancer.servers import HERE, SERVICE, address, virtual
from vrrpd.balancer.services import destinations_of, services_of
from vrrpd.balancer.virtual_server import VirtualServer
from vrrpd.config import model
from vrrpd.config.model import AddressRange, GroupKey, MarkKey, VirtualServerGroup

FIRST, LAST = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.3")
GROUP = GroupKey("web", Protocol.TCP)


def groups(*ranges: AddressRange, marks: tuple[MarkKey, ...] = ()) -> dict[str, VirtualServerGroup]:
    return {"web": VirtualServerGroup("web", HERE, ranges, marks)}


def test_an_address_or_a_mark_is_one_service() -> None:
    assert services_of(SERVICE, {}) == (SERVICE,)
    assert services_of(MarkKey(7), {}) == (MarkKey(7),)


def test_a_group_is_a_service_for_each_address_and_mark() -> None:
    span, single = AddressRange(FIRST, LAST, 80), AddressRange(FIRST, FIRST, 443)
    expected = [ServiceKey(Protocol.TCP, IPv4Address(f"192.0.2.{last}"), 80) for last in (1, 2, 3)]
    assert services_of(GROUP, groups(span, single, marks=(MarkKey(7),))) == (
        *expected,
        ServiceKey(Protocol.TCP, FIRST, 443),
        MarkKey(7),
    )


def test_overlapping_ranges_are_one_service_for_each_address() -> None:
    assert len(services_of(GROUP, groups(AddressRange(FIRST, LAST, 80), AddressRange(FIRST, FIRST, 80)))) == 3


def test_a_group_that_is_not_there_is_no_service() -> None:
    assert services_of(GROUP, {}) == ()


def test_each_service_has_every_server_on_the_port_that_its_forwarding_allows() -> None:
    nat = model.RealServer(address(1), 8080, 3, Forwarding.NAT, HERE)
    direct = model.RealServer(address(2), 8080, 2, Forwarding.DR, HERE)
    config = replace(virtual(nat, direct), key=GROUP)
    services = (ServiceKey(Protocol.TCP, FIRST, 80), ServiceKey(Protocol.TCP, FIRST, 443), MarkKey(7))
    assert {key: dict(row.destinations) for key, row in VirtualServer(config, services, 0.0).desired().items()} == {
        services[0]: {
            DestinationKey(address(1), 8080): Destination(Forwarding.NAT, 3),
            DestinationKey(address(2), 80): Destination(Forwarding.DR, 2),
        },
        services[1]: {
            DestinationKey(address(1), 8080): Destination(Forwarding.NAT, 3),
            DestinationKey(address(2), 443): Destination(Forwarding.DR, 2),
        },
        services[2]: {
            DestinationKey(address(1), 8080): Destination(Forwarding.NAT, 3),
            DestinationKey(address(2), 0): Destination(Forwarding.DR, 2),
        },
    }


def test_every_destination_that_a_service_may_have_is_known_with_the_sorry_server() -> None:
    first, second = DestinationKey(address(1), 80), DestinationKey(address(2), 80)
    config = virtual(model.RealServer(address(1), 80, 1, Forwarding.DR, HERE))
    assert destinations_of(config, SERVICE) == (first,)
    assert destinations_of(replace(config, sorry_server=model.SorryServer(address(2), 80, Forwarding.DR)), SERVICE) == (
        first,
        second,
    )
