"""Who goes on as master after a restart: those whose absence no peer can have noticed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from vrrpd.config.model import SyncGroup, VirtualRouter
from vrrpd.protocol.vrrp_router import InstanceKey, key_of


@dataclass(frozen=True, slots=True)
class LastState:
    """What outlives a crash of one virtual router."""

    was_master: bool
    last_advert_s: float
    """When its last advert as master went out, on the monotonic clock."""
    sequence: int = 0
    """The number of its last authenticated advert."""


def resuming(
    routers: Collection[VirtualRouter],
    groups: Iterable[SyncGroup],
    last_state: Callable[[InstanceKey], LastState | None],
    now_s: float,
) -> set[InstanceKey]:
    """Who of these that start goes on as master; of a sync group all that start, or none."""
    found = {key_of(router) for router in routers if _may_resume(router, last_state(key_of(router)), now_s)}
    for group in groups:
        members = {key_of(router) for router in routers if router.name in group.members}
        if not members <= found:
            found -= members
    return found


def _may_resume(router: VirtualRouter, last: LastState | None, now_s: float) -> bool:
    """Peers take over after `down_timer_adverts` silent intervals and a skew; before that, nobody has noticed."""
    if last is None or not last.was_master:
        return False
    return 0 <= now_s - last.last_advert_s < router.down_timer_adverts * router.advert_interval_s
