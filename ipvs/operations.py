"""What can be asked of the kernel: one small value for each change to a table."""

from __future__ import annotations

from dataclasses import dataclass

from ipvs.types import Destination, DestinationKey, RowKey, Service


@dataclass(frozen=True, slots=True)
class AddService:
    """Begin to balance `key`; it has no destinations yet."""

    key: RowKey
    service: Service


@dataclass(frozen=True, slots=True)
class SetService:
    """Change scheduler, flags or persistence; destinations and connections stay."""

    key: RowKey
    service: Service


@dataclass(frozen=True, slots=True)
class DeleteService:
    """Stop to balance `key`; the kernel deletes its destinations with it."""

    key: RowKey


@dataclass(frozen=True, slots=True)
class AddDestination:
    """Put one more real server behind a service."""

    service_key: RowKey
    key: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class SetDestination:
    """Change weight, forwarding or thresholds; connections stay."""

    service_key: RowKey
    key: DestinationKey
    destination: Destination


@dataclass(frozen=True, slots=True)
class DeleteDestination:
    """Take a real server away from a service."""

    service_key: RowKey
    key: DestinationKey


ServiceOperation = AddService | SetService | DeleteService
DestinationOperation = AddDestination | SetDestination | DeleteDestination
Operation = ServiceOperation | DestinationOperation
