"""Waiting for the kernel's counters."""

from __future__ import annotations

import time

from ipvs.client import Client
from ipvs.statistics import MeasuredRow
from ipvs.types import RowKey

COUNTED_WITHIN_S = 10.0


def counted(client: Client, key: RowKey) -> MeasuredRow:
    """A row as soon as the kernel has summed up its processors' counters, which it does every two seconds."""
    deadline_s = time.monotonic() + COUNTED_WITHIN_S
    while not (measured := client.table_with_statistics()[key]).statistics.connections:
        assert time.monotonic() < deadline_s, "nothing was counted"
        time.sleep(0.05)
    return measured
