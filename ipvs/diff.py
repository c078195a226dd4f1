"""What has to change so that the kernel holds what is desired, and nothing of anybody else is touched.

Rows are *ours* when they are desired or `owned`, that is, were put there or adopted earlier. All others are *foreign*:
reported by `foreign`, never changed. So a service that we no longer want, but behind which somebody else has put a
destination, stays with that destination alone.

The operations come in an order that never leaves a service without a server while it is to have one: what is added comes
before what is changed, weights rise before they fall to zero, and what is deleted comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import DestinationKey, Row, RowKey, Table, canonical, canonical_destination

Ownership = Mapping[RowKey, AbstractSet[DestinationKey]]
"""The services that are ours, and which of their destinations are."""

NOTHING_OWNED: Ownership = {}


def ownership(*tables: Table) -> dict[RowKey, frozenset[DestinationKey]]:
    """The ownership of every row in any of `tables`, for instance of the last table asked for and the new one."""
    owned: dict[RowKey, frozenset[DestinationKey]] = {}
    for table in tables:
        for key, row in table.items():
            owned[key] = owned.get(key, frozenset()).union(row.destinations)
    return owned


def diff(desired: Table, current: Table, owned: Ownership = NOTHING_OWNED) -> list[Operation]:
    """The operations that turn `current` into `desired`, foreign rows aside; empty when there is nothing to do."""
    operations: list[Operation] = []
    for key, row in desired.items():
        present = current.get(key)
        if present is None:
            operations += _new_service(key, row)
        elif present != row:
            operations += _changed_service(key, row, present, owned.get(key, frozenset()))
    for key, owned_destinations in owned.items():
        if key in current and key not in desired:
            operations += _unwanted_service(key, current[key], owned_destinations)
    return operations


def foreign(current: Table, owned: Ownership) -> dict[RowKey, Row]:
    """The rows of `current` that are not ours: whole services, and under services of ours only the others' destinations."""
    others: dict[RowKey, Row] = {}
    for key, row in current.items():
        if key not in owned:
            others[key] = row
        elif not row.destinations.keys() <= owned[key]:
            others[key] = Row(row.service, {k: d for k, d in row.destinations.items() if k not in owned[key]})
    return others


def _new_service(key: RowKey, row: Row) -> Iterator[Operation]:
    yield AddService(key, row.service)
    for destination_key, destination in row.destinations.items():
        yield AddDestination(key, destination_key, destination)


def _changed_service(key: RowKey, row: Row, present: Row, owned: AbstractSet[DestinationKey]) -> Iterator[Operation]:
    if canonical(key, row.service) != canonical(key, present.service):
        yield SetService(key, row.service)
    changed: list[SetDestination] = []
    for destination_key, destination in row.destinations.items():
        if destination_key not in present.destinations:
            yield AddDestination(key, destination_key, destination)
        elif canonical_destination(destination) != canonical_destination(present.destinations[destination_key]):
            changed.append(SetDestination(key, destination_key, destination))
    yield from sorted(changed, key=lambda operation: operation.destination.weight == 0)
    for destination_key in present.destinations:
        if destination_key in owned and destination_key not in row.destinations:
            yield DeleteDestination(key, destination_key)


def _unwanted_service(key: RowKey, present: Row, owned: AbstractSet[DestinationKey]) -> Iterator[Operation]:
    if present.destinations.keys() <= owned:
        yield DeleteService(key)
        return
    for destination_key in present.destinations:
        if destination_key in owned:
            yield DeleteDestination(key, destination_key)
