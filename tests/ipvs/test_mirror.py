"""The mirror shows what the kernel made of the operations."""

from ipaddress import ip_address

from hypothesis import given

from ipvs.diff import Ownership, diff
from ipvs.mirror import follow
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
)
from ipvs.types import Destination, DestinationKey, Forwarding, Protocol, Row, Service, ServiceKey, Table

from .model_kernel import applied
from .values import ownerships, tables

WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
ONE = DestinationKey(ip_address("198.51.100.1"), 80)
DR = Destination(Forwarding.DR, 1)


@given(desired=tables, current=tables, owned=ownerships)
def test_the_mirror_follows_every_plan_and_leaves_its_original_alone(desired: Table, current: Table, owned: Ownership) -> None:
    before = {key: Row(row.service, dict(row.destinations)) for key, row in current.items()}
    operations = diff(desired, current, owned)
    assert follow(current, operations) == applied(current, operations)
    assert current == before


def test_what_the_kernel_would_refuse_changes_nothing() -> None:
    refused: list[Operation] = [
        AddDestination(WEB, ONE, DR),
        SetDestination(WEB, ONE, DR),
        DeleteDestination(WEB, ONE),
        DeleteService(WEB),
    ]
    assert follow({}, refused) == {}


def test_a_service_added_anew_has_none_of_its_former_destinations() -> None:
    former = {WEB: Row(Service("rr"), {ONE: DR})}
    operations: list[Operation] = [SetDestination(WEB, ONE, DR), DeleteService(WEB), AddService(WEB, Service("wrr"))]
    assert follow(former, operations) == {WEB: Row(Service("wrr"))}
