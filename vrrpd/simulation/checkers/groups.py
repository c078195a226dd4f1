"""The members of a sync group are masters together or not at all."""

from __future__ import annotations

from vrrpd.protocol.actions import Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.checkers.promise import BrokenPromiseError
from vrrpd.simulation.elections import Candidate
from vrrpd.simulation.host import Host
from vrrpd.simulation.observer import Observer

NOT_SERVING = frozenset({State.BACKUP, State.FAULT})


class Groups(Observer):
    """After each step of a daemon."""

    def __init__(self) -> None:
        self._moved: list[Candidate] = []

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """Its group should follow."""
        self._moved.append(candidate)

    def on_settled(self, now_s: float, host: Host) -> None:
        """Compare."""
        if not self._moved:
            return
        moved, self._moved = self._moved, []
        for candidate in moved:
            members = host.group_of(candidate)
            states = {member.state for member in members}
            if State.MASTER in states and states & NOT_SERVING:
                seen = ", ".join(f"{member} is {member.state.name}" for member in members)
                raise BrokenPromiseError("a sync group goes together", now_s, seen)
            if State.FAULT in states and State.BACKUP in states:
                seen = ", ".join(f"{member} is {member.state.name}" for member in members)
                raise BrokenPromiseError("a sync group fails together", now_s, seen)
