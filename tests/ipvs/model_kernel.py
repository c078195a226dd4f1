"""IPVS as plain values: it refuses what the kernel refuses, by failing, and counts nothing."""

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
from ipvs.types import Row, RowKey, Table


class ModelKernel:
    """A table that changes operation by operation."""

    def __init__(self, table: Table) -> None:
        self.services = {key: row.service for key, row in table.items()}
        self.destinations = {key: dict(row.destinations) for key, row in table.items()}

    def apply(self, operation: Operation) -> None:
        match operation:
            case AddService(key, service):
                assert key not in self.services
                self.services[key], self.destinations[key] = service, {}
            case SetService(key, service):
                assert key in self.services
                self.services[key] = service
            case DeleteService(key):
                del self.services[key], self.destinations[key]
            case AddDestination(service_key, key, destination):
                assert key not in self.destinations[service_key]
                self.destinations[service_key][key] = destination
            case SetDestination(service_key, key, destination):
                assert key in self.destinations[service_key]
                self.destinations[service_key][key] = destination
            case DeleteDestination(service_key, key):
                del self.destinations[service_key][key]

    def table(self) -> dict[RowKey, Row]:
        return {key: Row(service, dict(self.destinations[key])) for key, service in self.services.items()}


def applied(current: Table, operations: Iterable[Operation]) -> dict[RowKey, Row]:
    kernel = ModelKernel(current)
    for operation in operations:
        kernel.apply(operation)
    return kernel.table()
