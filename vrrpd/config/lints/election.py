"""Who becomes master: weights that can change no election."""

from __future__ import annotations

from vrrpd.config.diagnostics import Code
from vrrpd.config.lints.subject import Subject
from vrrpd.config.model import Tracker, VirtualRouter

OWNER = 255
LOWEST, HIGHEST = 1, 254
"""Tracking keeps a priority within these (RFC 5798 section 5.2.4 reserves 0 and 255)."""


def lint_elections(subject: Subject) -> None:
    """All that is to be said about elections in one configuration."""
    for router in subject.config.virtual_routers:
        weighted = weighted_trackers(router)
        if weighted and not router.preempt:
            _weights_under_nopreempt(router, weighted, subject)
        elif weighted:
            _weights_without_effect(router, weighted, subject)


def weighted_trackers(router: VirtualRouter) -> tuple[Tracker, ...]:
    """What can change the router's priority."""
    tracking = router.tracking
    every = (*tracking.interfaces, *tracking.scripts, *tracking.files, *tracking.processes, *tracking.bfd_sessions)
    return tuple(one for one in every if one.weight)


def priorities(router: VirtualRouter) -> tuple[int, int]:
    """The lowest and the highest priority that tracking can give the router."""
    if router.priority == OWNER:
        return OWNER, OWNER
    if any(one.weight for one in router.tracking.files):
        return LOWEST, HIGHEST
    weights = [one.weight for one in weighted_trackers(router)]
    low = router.priority + sum(weight for weight in weights if weight < 0)
    high = router.priority + sum(weight for weight in weights if weight > 0)
    return _clamped(low), _clamped(high)


def _clamped(priority: int) -> int:
    return max(LOWEST, min(priority, HIGHEST))


def _weights_under_nopreempt(router: VirtualRouter, weighted: tuple[Tracker, ...], subject: Subject) -> None:
    subject.report.lint(
        Code.NOPREEMPT_WEIGHT,
        subject.line(router.position, "nopreempt"),
        0,
        f"`{router.name}` tracks {_names(weighted)} with a weight, but a backup with `nopreempt` leaves a living master alone "
        "however low its priority sinks, so a failure moves nothing",
        advice="track with `weight 0`, which puts a failing router into FAULT, or remove `nopreempt` on all routers",
    )


def _weights_without_effect(router: VirtualRouter, weighted: tuple[Tracker, ...], subject: Subject) -> None:
    low, high = priorities(router)
    if low != high:
        return
    why = (
        "the owner's priority of 255 never changes"
        if router.priority == OWNER
        else f"a priority cannot go {'above 254' if low == HIGHEST else 'below 1'}"
    )
    subject.report.lint(
        Code.WEIGHT_WITHOUT_EFFECT,
        subject.line(router.position, "priority"),
        0,
        f"`{router.name}` tracks {_names(weighted)} with a weight that changes nothing: {why}",
        advice="choose a priority with room for the weights",
    )


def _names(trackers: tuple[Tracker, ...]) -> str:
    return ", ".join(f"`{one.name}`" for one in trackers)
