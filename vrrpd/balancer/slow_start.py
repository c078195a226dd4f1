"""A server that comes back takes its clients in steps: its caches are cold, and the first wave must not take it down again."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = 10
"""Each step is one change of a row: enough to be smooth, few enough for thousands of servers that come back at once."""


@dataclass(slots=True)
class SlowStart:
    """A weight that rises from a tenth to the whole. Times are seconds on one monotonic clock."""

    began_s: float
    duration_s: float
    step: int = 1
    """1 to `STEPS`; at the last one it is over."""

    def next_s(self) -> float:
        """When the weight is to rise next."""
        return self.began_s + self.duration_s * self.step / STEPS

    def on_timer(self, now_s: float) -> bool:
        """Take the steps that are due; whether it is over."""
        passed = int((now_s - self.began_s) * STEPS / self.duration_s)
        self.step = min(STEPS, max(self.step, passed + 1))
        return self.step == STEPS

    def share(self, weight: int) -> int:
        """What of `weight` is carried now. Whoever is to carry anything carries at least 1."""
        return max(1, weight * self.step // STEPS) if weight else 0
