"""What a tracked thing does to a virtual router: it adds to the priority, or is a fault.

Rules are keepalived's. The priority of the owner of the addresses (255) is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from vrrpd.config.model import Tracker

OWNER_PRIORITY = 255
"""The router whose own addresses these are (RFC 3768 section 5.3.4): it waits for nobody."""
PRIORITY_MIN, PRIORITY_MAX = 1, 254
"""What tracking can lead to: 0 would be a farewell, 255 the owner."""
ADJUSTMENT_MAX = 253
"""From one end of the priorities to the other. A file that asks for less than the opposite of it is a fault."""


class Verdict(Enum):
    """What has no number."""

    FAULT = "fault"
    """The virtual router cannot work."""


def adjustment(tracker: Tracker, *, well: bool) -> int | Verdict:
    """What a tracked interface, script, process or BFD session adds to the priority.

    A positive weight is added while it is well, a negative one while it is not; weight 0 is a fault while it is not.
    """
    well = well != tracker.reverse
    if tracker.weight == 0:
        return 0 if well else Verdict.FAULT
    return tracker.weight if well == (tracker.weight > 0) else 0


def file_adjustment(tracker: Tracker, value: int) -> int | Verdict:
    """What the number in a tracked file adds: times the weight, at most `ADJUSTMENT_MAX`, and below its opposite a fault.

    With weight 0 any number but 0 is a fault, and with `reverse` just the 0.
    """
    if tracker.weight == 0:
        return Verdict.FAULT if (value != 0) != tracker.reverse else 0
    product = value * (-tracker.weight if tracker.reverse else tracker.weight)
    return Verdict.FAULT if product < -ADJUSTMENT_MAX else min(product, ADJUSTMENT_MAX)


def effective_priority(base: int, adjustments: Iterable[int]) -> int:
    """The priority that is advertised and compared."""
    if base == OWNER_PRIORITY:
        return base
    return max(PRIORITY_MIN, min(PRIORITY_MAX, base + sum(adjustments)))
