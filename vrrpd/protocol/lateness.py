"""How late deadlines were served: what the machine, and not the network, did to a virtual router."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BUCKETS_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds: from what a timer costs anyway to what ends a master's reign several times over."""
LISTENING_MARGIN_S = 0.05
"""How much longer than one advert interval is listened: a peer that is served a little late is heard all the same."""
LATE_S = 0.1
"""A takeover that is due for longer was slept over: no loaded machine is so late with a real-time process."""


@dataclass(slots=True)
class Lateness:
    """A histogram of seconds. All virtual routers of a host may share one."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    """How many fell into each bucket and no earlier one; the last is for those beyond all bounds."""
    sum_s: float = 0.0
    max_s: float = 0.0

    @property
    def count(self) -> int:
        """How many deadlines were served."""
        return sum(self.counts)

    def observe(self, late_s: float) -> None:
        """Count one deadline that was served `late_s` after its time."""
        self.counts[bisect_left(BUCKETS_S, late_s)] += 1
        self.sum_s += late_s
        if late_s > self.max_s:
            self.max_s = late_s


def slept_over(late_s: float, advert_interval_s: float) -> bool:
    """Whether a backup may owe a takeover to its own sleep: the master's adverts may lie unread, or were missed."""
    return late_s > min(LATE_S, advert_interval_s)


def listening_time_s(advert_interval_s: float) -> float:
    """How long to listen until a living master must have been heard."""
    return advert_interval_s + LISTENING_MARGIN_S
