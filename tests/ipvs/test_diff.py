"""The plan: what is desired comes true, what is foreign stays, and nobody is sent nowhere on the way."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

from hypothesis import given

from ipvs.diff import Ownership, diff, foreign, ownership
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    SetService,
)
from ipvs.types import (
    Destination,
    DestinationKey,
    Forwarding,
    MarkKey,
    Protocol,
    Row,
    RowKey,
    Service,
    ServiceFlags,
    ServiceKey,
    Table,
    Tunnel,
    TunnelType,
    canonical,
    canonical_destination,
)

from .model_kernel import ModelKernel, applied
from .values import ownerships, tables

WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
DNS = ServiceKey(Protocol.UDP, ip_address("2001:db8::53"), 53)
ONE, TWO, THREE = (DestinationKey(ip_address(f"198.51.100.{i}"), 80) for i in (1, 2, 3))
WRR = Service("wrr")
ALL = frozenset({ONE, TWO, THREE})


def server(weight: int = 1) -> Destination:
    return Destination(Forwarding.DR, weight)


def web(**weights: int) -> Table:
    keys = {"one": ONE, "two": TWO, "three": THREE}
    return {WEB: Row(WRR, {keys[name]: server(weight) for name, weight in weights.items()})}


def canonical_table(table: Table) -> dict[RowKey, Row]:
    return {
        key: Row(canonical(key, row.service), {k: canonical_destination(d) for k, d in row.destinations.items()})
        for key, row in table.items()
    }


def all_of_ours(owned: Ownership, desired: Table) -> dict[RowKey, frozenset[DestinationKey]]:
    wanted = ownership(desired)
    return {key: frozenset(owned.get(key, ())) | wanted.get(key, frozenset()) for key in owned.keys() | wanted.keys()}


# ---- properties


@given(desired=tables, current=tables, owned=ownerships)
def test_what_is_desired_comes_true(desired: Table, current: Table, owned: Ownership) -> None:
    after = canonical_table(applied(current, diff(desired, current, owned)))
    for key, row in canonical_table(desired).items():
        assert after[key].service == row.service
        assert after[key].destinations.items() >= row.destinations.items()


@given(desired=tables, current=tables, owned=ownerships)
def test_what_is_ours_and_no_longer_desired_goes(desired: Table, current: Table, owned: Ownership) -> None:
    after = applied(current, diff(desired, current, owned))
    nothing = Row(WRR)
    for key, destinations in owned.items():
        assert not destinations & after.get(key, nothing).destinations.keys() - desired.get(key, nothing).destinations.keys()
        if key in after and key not in desired:
            assert after[key].destinations, "a service of ours outlives its wish only for the sake of others' destinations"


@given(desired=tables, current=tables, owned=ownerships)
def test_what_is_foreign_stays_as_it_is(desired: Table, current: Table, owned: Ownership) -> None:
    after = applied(current, diff(desired, current, owned))
    ours = all_of_ours(owned, desired)
    before = foreign(current, ours)
    assert {key: row.destinations for key, row in foreign(after, ours).items()} == {
        key: row.destinations for key, row in before.items()
    }
    assert all(after[key].service == row.service for key, row in before.items() if key not in ours)


@given(desired=tables, current=tables, owned=ownerships)
def test_once_applied_there_is_nothing_left_to_do(desired: Table, current: Table, owned: Ownership) -> None:
    after = applied(current, diff(desired, current, owned))
    assert diff(desired, after, owned) == []


@given(table=tables)
def test_equal_tables_need_nothing(table: Table) -> None:
    assert diff(table, table, ownership(table)) == []
    assert diff(table, canonical_table(table)) == []


@given(desired=tables, current=tables, owned=ownerships)
def test_a_service_that_has_and_shall_have_a_server_is_never_without(desired: Table, current: Table, owned: Ownership) -> None:
    def served(table: Table) -> set[RowKey]:
        return {key for key, row in table.items() if any(d.weight for d in row.destinations.values())}

    always = served(current) & served(desired)
    kernel = ModelKernel(current)
    for operation in diff(desired, current, owned):
        kernel.apply(operation)
        assert always <= served(kernel.table())


@given(first=tables, second=tables)
def test_from_one_table_of_ours_to_any_other_and_once_is_enough(first: Table, second: Table) -> None:
    owned = ownership(first)
    after = applied(first, diff(second, first, owned))
    assert canonical_table(after) == canonical_table(second)
    assert diff(second, after, owned) == []


@given(desired=tables, current=tables, owned=ownerships)
def test_a_server_that_is_there_and_shall_be_is_never_away(desired: Table, current: Table, owned: Ownership) -> None:
    def present(table: Table) -> set[tuple[RowKey, DestinationKey]]:
        return {(key, server_key) for key, row in table.items() for server_key in row.destinations}

    always = present(current) & present(desired)
    kernel = ModelKernel(current)
    for operation in diff(desired, current, owned):
        kernel.apply(operation)
        assert always <= present(kernel.table())


@given(desired=tables, current=tables, owned=ownerships)
def test_no_operation_is_one_too_many(desired: Table, current: Table, owned: Ownership) -> None:
    """Each leaves the table other than it was, so each is needed."""
    kernel = ModelKernel(current)
    for operation in diff(desired, current, owned):
        before = canonical_table(kernel.table())
        kernel.apply(operation)
        assert canonical_table(kernel.table()) != before


# ---- cases


def test_one_changed_weight_is_one_operation() -> None:
    assert diff(web(one=1, two=3), web(one=1, two=2)) == [SetDestination(WEB, TWO, server(3))]


def test_a_new_service_comes_before_its_destinations() -> None:
    assert diff(web(one=1, two=2), {}) == [
        AddService(WEB, WRR),
        AddDestination(WEB, ONE, server(1)),
        AddDestination(WEB, TWO, server(2)),
    ]


def test_a_server_is_replaced_by_adding_before_deleting() -> None:
    assert diff(web(two=1), web(one=1), {WEB: {ONE}}) == [AddDestination(WEB, TWO, server()), DeleteDestination(WEB, ONE)]


def test_a_weight_rises_before_another_falls_to_zero() -> None:
    assert diff(web(one=0, two=1), web(one=1, two=0)) == [
        SetDestination(WEB, TWO, server(1)),
        SetDestination(WEB, ONE, server(0)),
    ]


def test_another_scheduler_or_persistence_sets_the_service_and_leaves_its_destinations() -> None:
    for service in (Service("rr"), Service("wrr", ServiceFlags.PERSISTENT, 300), replace(WRR, persistence_prefix_length=24)):
        assert diff({WEB: Row(service, {ONE: server()})}, web(one=1)) == [SetService(WEB, service)]


def test_the_kernels_own_flag_and_a_whole_prefix_are_no_difference() -> None:
    current: Table = {WEB: Row(Service("wrr", ServiceFlags.HASHED, persistence_prefix_length=32), {ONE: server()})}
    assert diff(web(one=1), current) == []


def test_a_service_that_is_all_ours_goes_in_one_operation_and_after_what_is_added() -> None:
    desired: Table = {DNS: Row(WRR)}
    assert diff(desired, web(one=1, two=2), {WEB: ALL}) == [AddService(DNS, WRR), DeleteService(WEB)]


def test_a_service_of_ours_with_a_foreign_destination_is_left_with_that_alone() -> None:
    current = web(one=1, two=2)
    assert diff({}, current, {WEB: {ONE}}) == [DeleteDestination(WEB, ONE)]
    assert foreign(current, {WEB: {ONE}}) == {WEB: Row(WRR, {TWO: server(2)})}


def test_a_foreign_service_is_reported_whole_and_never_deleted() -> None:
    current = web(one=1)
    assert diff({}, current) == []
    assert foreign(current, {DNS: ALL}) == current


def test_a_foreign_row_that_becomes_desired_is_adopted() -> None:
    assert diff(web(one=1), web(one=1, two=2)) == []
    assert diff(web(one=5), web(one=1)) == [SetDestination(WEB, ONE, server(5))]


def test_what_is_ours_but_gone_already_needs_no_deleting() -> None:
    assert diff({}, {}, {WEB: ALL}) == []
    assert diff(web(one=1), web(one=1), {WEB: ALL}) == []


def test_ownership_unites_tables() -> None:
    assert ownership(web(one=1), web(two=1), {DNS: Row(WRR)}) == {WEB: {ONE, TWO}, DNS: frozenset()}


def test_a_mark_is_a_service_of_its_own_in_each_family() -> None:
    four, six = MarkKey(7), MarkKey(7, 6)
    assert diff({six: Row(WRR)}, {four: Row(WRR)}, {four: frozenset()}) == [AddService(six, WRR), DeleteService(four)]


def test_another_tunnel_or_engine_or_mask_is_set_in_place() -> None:
    tunnel = Destination(Forwarding.TUN, 1, tunnel=Tunnel(TunnelType.GUE, 6080))
    assert diff({WEB: Row(WRR, {ONE: tunnel})}, web(one=1)) == [SetDestination(WEB, ONE, tunnel)]
    for service in (
        replace(WRR, persistence_engine="sip"),
        replace(WRR, persistence_netmask=IPv4Address("255.0.255.0")),
        replace(WRR, flags=ServiceFlags.SH_PORT),
    ):
        assert diff({WEB: Row(service, {ONE: server()})}, web(one=1)) == [SetService(WEB, service)]


def test_a_tunnel_where_there_is_none_and_a_mask_that_is_a_length_are_no_difference() -> None:
    asked = Row(
        replace(WRR, persistence_netmask=IPv4Address("255.255.255.255")),
        {
            ONE: replace(server(), tunnel=Tunnel(TunnelType.GUE, 6080)),
            TWO: Destination(Forwarding.TUN, 1, tunnel=Tunnel(port=9)),
        },
    )
    current = Row(WRR, {ONE: server(), TWO: Destination(Forwarding.TUN, 1)})
    assert diff({WEB: asked}, {WEB: current}) == []
