"""What IPVS counts, as plain values: a snapshot of one dump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipvs.types import DestinationKey, Row


@dataclass(frozen=True, slots=True)
class Statistics:
    """Traffic of a service or a destination since it was added or zeroed, the kernel's estimate of the present rates (over
    some ten seconds), and the connections there are now.

    The kernel sums its processors' counters every two seconds, so totals may be that old; present connections are exact.
    With direct routing and tunnelling the answers do not pass the director: everything `out` stays zero. Present
    connections are counted by destination; a service shows the sums over its own.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_per_s: int = 0
    packets_in_per_s: int = 0
    packets_out_per_s: int = 0
    bytes_in_per_s: int = 0
    bytes_out_per_s: int = 0
    active_connections: int = 0
    inactive_connections: int = 0
    persistent_connections: int = 0


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A row of the table together with what it counted."""

    row: Row
    statistics: Statistics
    destinations: Mapping[DestinationKey, Statistics]
