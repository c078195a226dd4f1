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
from ipvs.types import Row, ServiceKey, Table


def follow(table: Table, operations: Iterable[Operation]) -> dict[ServiceKey, Row]:
    """The table that `table` becomes when the kernel carries out `operations`. What it would refuse changes nothing."""
    followed = dict(table)
    for operation in operations:
        match operation:
            case AddService(key, service) | SetService(key, service):
                before = followed.get(key)
                followed[key] = Row(service, {} if before is None else before.destinations)
            case DeleteService(key):
                followed.pop(key, None)
            case AddDestination(service_key, key, destination) | SetDestination(service_key, key, destination):
                if service_key in followed:
                    row = followed[service_key]
                    followed[service_key] = Row(row.service, {**row.destinations, key: destination})
            case DeleteDestination(service_key, key):
                if service_key in followed:
                    row = followed[service_key]
                    remaining = {k: d for k, d in row.destinations.items() if k != key}
                    followed[service_key] = Row(row.service, remaining)
    return followed
