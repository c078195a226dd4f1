"""One real server: what its checks say, what an operator says, and the weight that comes of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from healthcheck.types import AnyCheck, WeightAdded, WeightSet, WeightShare, WeightWish
from vrrpd.balancer.events import CheckChanged
from vrrpd.balancer.overrides import Drain, FixedWeight, Maintenance, Override, in_words
from vrrpd.balancer.slow_start import SlowStart
from vrrpd.config import model

NOT_CHECKED_YET = "not checked yet"
NO_CHECKS = "has no checks"
DOWN_BEFORE = "was down before the restart, not checked since"
WEIGHT_MAX = 2**31 - 1
"""The scheduler counts in the kernel's signed 32 bits."""


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What one check holds of a real server."""

    up: bool
    """The verdict, or what is assumed until there is one."""
    reason: str = NOT_CHECKED_YET
    settled: bool = False
    """A verdict and no assumption."""
    weight: WeightWish | None = None


@dataclass(frozen=True, slots=True)
class RealServerStatus:
    """One real server as it stands."""

    config: model.RealServer
    up: bool
    effective_weight: int
    """What it carries of the service; 0 while it is down, be it in the row or not."""
    since_s: float
    """When it last went up or down, or came into being."""
    reason: str
    """Why it is up or down: what an operator or a check that is down says, else what the last check says."""
    checks: Mapping[AnyCheck, CheckVerdict]
    override: Override | None = None


class RealServer:
    """What is known of one real server. Times are seconds on one monotonic clock."""

    def __init__(self, config: model.RealServer, now_s: float, *, found_down: bool = False) -> None:
        self.config = config
        self.override: Override | None = None
        self.since_s = now_s
        self.slow_start: SlowStart | None = None
        self.told = not config.alpha
        """An action has spoken of it. The first failure of a server that starts down is told, though it changes nothing."""
        self.verdicts = {
            check: CheckVerdict(up=False, reason=DOWN_BEFORE)
            if found_down
            else CheckVerdict(up=check not in config.alpha_checks)
            for check in config.checks
        }

    @property
    def up(self) -> bool:
        """Whether it takes part: no check says no, and nobody works on it."""
        return all(verdict.up for verdict in self.verdicts.values()) and not isinstance(self.override, Maintenance)

    @property
    def weight(self) -> int:
        """What it weighs for the quorum: 0 while it is down or drained, and the whole weight while that still rises."""
        if not self.up:
            return 0
        match self.override:
            case Drain():
                return 0
            case FixedWeight(weight):
                return weight
        return min(WEIGHT_MAX, max(0, self.config.weight + sum(self._changes())))

    @property
    def carried_weight(self) -> int:
        """What the kernel is told: `weight`, or what of it a slow start allows."""
        return self.slow_start.share(self.weight) if self.slow_start else self.weight

    @property
    def reason(self) -> str:
        """Why it is up or down."""
        if self.override is not None:
            return in_words(self.override)
        reason = NO_CHECKS
        for verdict in self.verdicts.values():
            reason = verdict.reason
            if not verdict.up:
                break
        return reason

    def judge(self, event: CheckChanged) -> None:
        """Take in what a check says."""
        self.verdicts[event.check] = CheckVerdict(event.up, event.reason, settled=True, weight=event.weight)

    def renewed(self, config: model.RealServer) -> RealServer:
        """The same server by another description.

        A check that takes another's place is assumed to say what that one said, and one that is new to say what held so far:
        neither does a dead server get clients because its check was edited, nor does a living one lose them.
        """
        renewed = RealServer(config, self.since_s)
        renewed.override, renewed.slow_start, renewed.told = self.override, self.slow_start, self.told
        gone = [check for check in self.verdicts if check not in config.checks]
        renewed.verdicts = {check: self.verdicts.get(check) or self._assumed(check, gone) for check in config.checks}
        return renewed

    def _assumed(self, check: AnyCheck, gone: list[AnyCheck]) -> CheckVerdict:
        """What is held of a check that is new; each of those that are gone gives its verdict to one successor of its kind."""
        predecessor = next((one for one in gone if type(one) is type(check)), None)
        if predecessor is None:
            return CheckVerdict(self.up)
        gone.remove(predecessor)
        return replace(self.verdicts[predecessor], settled=False)

    def _changes(self) -> Iterator[int]:
        """By how much checks want the configured weight changed. Each time from the start, so that nothing can add up."""
        configured = self.config.weight
        for verdict in self.verdicts.values():
            match verdict.weight:
                case WeightSet(weight):
                    yield weight - configured
                case WeightShare(percent):
                    yield round(configured * percent / 100) - configured
                case WeightAdded(weight):
                    yield weight

    def status(self) -> RealServerStatus:
        """As it stands."""
        return RealServerStatus(
            self.config, self.up, self.carried_weight, self.since_s, self.reason, dict(self.verdicts), self.override
        )
