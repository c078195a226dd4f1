"""A table that follows the kernel's: what an operation does there, done to plain values here."""

from __future__ import annotations

from collections.abc import Iterable

from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import Destination, DestinationKey, Row, RowKey, Table

Writable = dict[RowKey, dict[DestinationKey, Destination]]


def follow(table: Table, operations: Iterable[Operation]) -> dict[RowKey, Row]:
    """The table that `table` becomes when the kernel carries out `operations`. What it would refuse changes nothing."""
    followed = dict(table)
    writable: Writable = {}
    for operation in operations:
        match operation:
            case AddService(key, service) | SetService(key, service):
                present = followed.get(key)
                followed[key] = Row(service, {} if present is None else present.destinations)
            case DeleteService(key):
                followed.pop(key, None)
                writable.pop(key, None)
            case AddDestination(service_key, key, destination) | SetDestination(service_key, key, destination):
                if service_key in followed:
                    _destinations(followed, writable, service_key)[key] = destination
            case DeleteDestination(service_key, key):
                if service_key in followed:
                    _destinations(followed, writable, service_key).pop(key, None)
    return followed


def _destinations(followed: dict[RowKey, Row], writable: Writable, key: RowKey) -> dict[DestinationKey, Destination]:
    """The destinations of a service, copied at the first change only: a service may have thousands that all change."""
    if key not in writable:
        row = followed[key]
        writable[key] = dict(row.destinations)
        followed[key] = Row(row.service, writable[key])
    return writable[key]
