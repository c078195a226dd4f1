"""Mistakes that somebody could make in the machine of production, to see that the simulation notices each.

Every mutation changes what the machine does, never so that it falls over: a checker has to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from vrrpd.config.model import HandOver
from vrrpd.protocol import instance as instance_module
from vrrpd.protocol.actions import Announce, HoldAddresses, ReleaseAddresses, SendAdvert, Transition
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import Guard, State
from vrrpd.protocol.timers import Timers
from vrrpd.protocol.vrrp_router import VrrpRouter

Mutation = Callable[[pytest.MonkeyPatch], None]


def _without(unwanted: Callable[[Any, list[Any]], bool]) -> Mutation:
    """A machine that does not ask for some actions; `unwanted` sees each, with all that come with it."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        original = Instance.actions

        def actions(self: Instance) -> list[Any]:
            asked: list[Any] = list(original(self))
            return [action for action in asked if not unwanted(action, asked)]

        patch.setattr(Instance, "actions", actions)

    return mutate


def _instead(name: str, replacement: Any, owner: Any = Instance) -> Mutation:
    """A machine with another method."""
    return lambda patch: patch.setattr(owner, name, replacement)


def _before(name: str, is_ignored: Callable[..., bool]) -> Mutation:
    """A machine that does not call a method when ..."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        original = getattr(Instance, name)

        def guarded(self: Instance, *arguments: Any) -> Any:
            return None if is_ignored(self, *arguments) else original(self, *arguments)

        patch.setattr(Instance, name, guarded)

    return mutate


def _moves(actions: list[Any], old: State, new: State) -> bool:
    return any(isinstance(action, Transition) and (action.old, action.new) == (old, new) for action in actions)


def _tie_reversed(patch: pytest.MonkeyPatch) -> None:
    original = Instance._heard_as_master

    def heard(self: Instance, advert: Any, heard: Any, now_s: float) -> None:
        if advert.priority == self.priority and self._source is not None and self.priority < 255:
            (self._force_election if advert.address > self._source else self._yield_to_equal)(advert, now_s)
        else:
            original(self, advert, heard, now_s)

    patch.setattr(Instance, "_heard_as_master", heard)


def _scaled(name: str, factor: float) -> Mutation:
    def mutate(patch: pytest.MonkeyPatch) -> None:
        original = getattr(Instance, name)
        patch.setattr(Instance, name, lambda self, priority: factor * original(self, priority))

    return mutate


def _break_before_make(patch: pytest.MonkeyPatch) -> None:
    guards = dict.fromkeys(HandOver, Guard.BREAK_BEFORE_MAKE)
    patch.setattr(instance_module, "HAND_OVER_GUARDS", guards)


def _preempt_delay_ignored(self: Instance, now_s: float) -> bool:
    return self.router.preempt and not self._defers


def _nothing(*_: Any) -> None:
    pass


MUTATIONS: Mapping[str, tuple[Mutation, frozenset[str]]] = {
    "a backup waits for less than three adverts": (
        _scaled("_master_down_interval_s", 0.9),
        frozenset({"a backup waits for its time"}),
    ),
    "a backup waits for more than three adverts": (
        _scaled("_master_down_interval_s", 1.1),
        frozenset({"a backup takes over in its time"}),
    ),
    "the skew after a farewell is shorter": (_scaled("_skew_time_s", 0.5), frozenset({"a backup waits for its time"})),
    "the skew after a farewell is longer": (_scaled("_skew_time_s", 2.0), frozenset({"a backup takes over in its time"})),
    "a farewell is ignored": (
        _before("_heard_as_backup", lambda _, advert, __: advert.priority == 0),
        frozenset({"a backup takes over in its time", "what is planned interrupts nobody"}),
    ),
    "who wins a conflict does not announce itself": (
        _instead("_announce_against_lesser", _nothing),
        frozenset({"who wins a conflict announces the addresses", "clients reach the master"}),
    ),
    "who wins a conflict says nothing": (
        _instead("_force_election", _nothing),
        frozenset({"a master answers a lesser one", "who wins a conflict announces the addresses", "clients reach the master"}),
    ),
    "of equals the lower address stays": (
        _tie_reversed,
        frozenset({"the better master stays, of equals the one with the higher address"}),
    ),
    "a better master is ignored": (
        _before("_heard_as_master", lambda self, advert, *_: advert.priority > self.priority),
        frozenset({"the better master stays, of equals the one with the higher address"}),
    ),
    "the advert's timer is not armed again": (
        _instead("repeat", lambda self, timer, *_: self.clear(timer), Timers),
        frozenset({"a master speaks at its interval", "nobody else is master"}),
    ),
    "addresses are not taken": (
        _without(lambda action, _: isinstance(action, HoldAddresses)),
        frozenset({"who serves holds every address"}),
    ),
    "addresses are not let go": (
        _without(lambda action, _: isinstance(action, ReleaseAddresses)),
        frozenset({"nobody else holds an address"}),
    ),
    "a lesser master is obeyed": (
        _instead("_may_preempt", lambda *_: False),
        frozenset({"a backup takes over in its time", "the best one is master"}),
    ),
    "nopreempt is not heeded": (
        _instead("_may_preempt", lambda *_: True),
        frozenset({"a backup waits for its time"}),
    ),
    "preempt_delay is not heeded": (
        _instead("_may_preempt", _preempt_delay_ignored),
        frozenset({"a backup waits for its time"}),
    ),
    "the master's interval is not learnt": (
        _instead("_learn_interval", _nothing),
        frozenset({"a backup waits for its time", "a backup takes over in its time"}),
    ),
    "no farewell is said": (
        _without(lambda action, _: isinstance(action, SendAdvert) and action.priority == 0),
        frozenset({"a master that gives up says farewell"}),
    ),
    "one that overslept speaks at once": (
        _instead("_wake", _nothing),
        frozenset({"a master that overslept listens before it speaks"}),
    ),
    "the member of a sync group goes alone": (
        _instead("_keep_together", _nothing, VrrpRouter),
        frozenset({"a sync group goes together", "a sync group fails together", "somebody is master"}),
    ),
    "a new master does not announce itself": (
        _without(lambda action, asked: isinstance(action, Announce) and _moves(asked, State.BACKUP, State.MASTER)),
        frozenset({"a new master announces its addresses at once"}),
    ),
    "a new master announces itself once": (
        _without(lambda action, asked: isinstance(action, Announce) and len(asked) == 1),
        frozenset({"a new master announces its addresses twice"}),
    ),
    "a new master does not speak at once": (
        _without(lambda action, asked: isinstance(action, SendAdvert) and _moves(asked, State.BACKUP, State.MASTER)),
        frozenset({"a new master speaks at once"}),
    ),
    "who yields says nothing": (
        _without(lambda action, asked: isinstance(action, SendAdvert) and _moves(asked, State.MASTER, State.BACKUP)),
        frozenset({"a master that yields has a last word"}),
    ),
    "who is stopped lets go at once": (
        _break_before_make,
        frozenset({"what is planned interrupts nobody"}),
    ),
}
"""Each with the promises that it can break first."""
