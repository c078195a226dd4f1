"""Other daemons on the same segment, as our own machine with something left out or said in another order.

What is imitated is what makes the difference in an outage: how a master stops, and what two masters do that meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from vrrpd.config.model import HandOver, VirtualRouter
from vrrpd.protocol.actions import Action, SendAdvert, Transition
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.states import State

Deed = Action | AnnounceAddresses


class Behaviour(Enum):
    """Whose rules a host follows."""

    VRRPD = "vrrpd"
    RFC = "rfc"
    """Not a word more than RFC 3768 and 9568: a master discards adverts of lesser ones."""
    KEEPALIVED = "keepalived"


def configured(router: VirtualRouter, behaviour: Behaviour) -> VirtualRouter:
    """A virtual router as a daemon of this kind runs it: only ours serves on after its farewell, and asks the neighbours.

    RFC 3768 section 6.4.3 has a master discard what a lesser one says.
    """
    if behaviour is Behaviour.VRRPD:
        return router
    other = replace(router, hand_over=HandOver.BREAK_BEFORE_MAKE, probe_addresses=False)
    if behaviour is Behaviour.KEEPALIVED:
        return other
    silent = replace(router.announcements, lower_priority_repeat=0)
    return replace(other, lower_priority_no_advert=True, announcements=silent)


def resumes(behaviour: Behaviour) -> bool:
    """Whether a daemon that was killed and started again goes on as the master that it was."""
    return behaviour is Behaviour.VRRPD


def adapted(actions: Sequence[tuple[Instance, Deed]]) -> list[tuple[Instance, Deed]]:
    """What a daemon of another kind does of what our machine wants done: a new master speaks before it holds the addresses,
    also when it preempts, and one that yields says nothing."""
    moves = {instance: action for instance, action in actions if isinstance(action, Transition)}
    kept = [(instance, action) for instance, action in actions if _is_done(instance, action, moves)]
    if not any(move.new is State.MASTER for move in moves.values()):
        return kept
    return sorted(kept, key=lambda each: not isinstance(each[1], SendAdvert))


def _is_done(instance: Instance, action: Deed, moves: dict[Instance, Transition]) -> bool:
    """A master that yields says nothing, but for keepalived's `higher_prio_send_advert`."""
    move = moves.get(instance)
    yields = move is not None and (move.old, move.new) == (State.MASTER, State.BACKUP)
    return not (yields and isinstance(action, SendAdvert) and not instance.router.higher_priority_send_advert)
