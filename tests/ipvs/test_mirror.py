"""The mirror is what the kernel's table becomes."""

from hypothesis import given
from hypothesis import strategies as st

from ipvs.diff import Ownership, diff
from ipvs.mirror import follow
from ipvs.operations import AddDestination, AddService, DeleteDestination, DeleteService, Operation, SetDestination, SetService
from ipvs.types import Row, Service, ServiceFlags, Table

from .model_kernel import applied
from .test_diff import ONE, TWO, WEB, all_of_ours, canonical_table, server, web
from .values import few_destination_keys, few_destinations, few_row_keys, few_services, ownerships, tables

operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(AddService, few_row_keys, few_services),
    st.builds(SetService, few_row_keys, few_services),
    st.builds(DeleteService, few_row_keys),
    st.builds(AddDestination, few_row_keys, few_destination_keys, few_destinations),
    st.builds(SetDestination, few_row_keys, few_destination_keys, few_destinations),
    st.builds(DeleteDestination, few_row_keys, few_destination_keys),
)


@given(desired=tables, current=tables, owned=ownerships)
def test_a_plan_leads_the_mirror_where_it_leads_the_kernel(desired: Table, current: Table, owned: Ownership) -> None:
    plan = diff(desired, current, owned)
    assert follow(current, plan) == applied(current, plan)


@given(desired=tables, current=tables, owned=ownerships)
def test_a_plan_leads_to_what_is_desired_and_the_foreign_rows(desired: Table, current: Table, owned: Ownership) -> None:
    after = canonical_table(follow(current, diff(desired, current, owned)))
    expected = canonical_table(desired)
    ours = all_of_ours(owned, desired)
    for key, row in canonical_table(current).items():
        others = {k: d for k, d in row.destinations.items() if k not in ours.get(key, ())}
        if key not in ours or (key not in desired and others):
            expected[key] = Row(row.service, others)
        elif key in desired:
            expected[key] = Row(expected[key].service, {**expected[key].destinations, **others})
    assert after == expected


@given(current=tables, history=st.lists(operations, max_size=10))
def test_any_operations_are_followed_one_by_one_and_the_table_given_stays(current: Table, history: list[Operation]) -> None:
    before = {key: Row(row.service, dict(row.destinations)) for key, row in current.items()}
    step_by_step = current
    for operation in history:
        step_by_step = follow(step_by_step, [operation])
    assert follow(current, history) == step_by_step
    assert current == before


def test_nothing_done_changes_nothing() -> None:
    assert follow(web(one=1), []) == web(one=1)


def test_a_service_set_keeps_its_destinations_and_one_deleted_takes_them_along() -> None:
    persistent = Service("rr", ServiceFlags.PERSISTENT, 300)
    assert follow(web(one=1), [SetService(WEB, persistent)]) == {WEB: Row(persistent, {ONE: server(1)})}
    assert follow(web(one=1, two=2), [DeleteService(WEB)]) == {}


def test_destinations_come_change_and_go() -> None:
    assert follow(web(one=1), [AddDestination(WEB, TWO, server(2))]) == web(one=1, two=2)
    assert follow(web(one=1, two=2), [SetDestination(WEB, ONE, server(3))]) == web(one=3, two=2)
    assert follow(web(one=1, two=2), [DeleteDestination(WEB, ONE)]) == web(two=2)


def test_a_destination_without_its_service_changes_nothing() -> None:
    for operation in (AddDestination(WEB, ONE, server()), SetDestination(WEB, ONE, server()), DeleteDestination(WEB, ONE)):
        assert follow({}, [operation]) == {}
