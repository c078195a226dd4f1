"""The addresses are on who serves, and on nobody else."""

from __future__ import annotations

from vrrpd.protocol.actions import Transition
from vrrpd.protocol.states import State
from vrrpd.simulation.checkers.promise import BrokenPromiseError
from vrrpd.simulation.elections import Candidate, all_addresses
from vrrpd.simulation.host import Held, Host
from vrrpd.simulation.observer import Observer

SERVING = frozenset({State.MASTER, State.RELINQUISHING, State.LISTENING})


class Holding(Observer):
    """After each step of a daemon its host has all the addresses of those that serve, and no others."""

    def __init__(self) -> None:
        self._moved: set[Host] = set()

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """Its addresses should have come or gone."""
        self._moved.add(candidate.host)

    def on_addresses(self, now_s: float, host: Host) -> None:
        """They did, for whatever reason."""
        self._moved.add(host)

    def on_settled(self, now_s: float, host: Host) -> None:
        """Compare."""
        if host not in self._moved:
            return
        self._moved.discard(host)
        wanted = {
            (entry.interface, entry.address)
            for candidate in host.candidates.values()
            if candidate.state in SERVING
            for entry in all_addresses(candidate.router)
        }
        missing, surplus = wanted - host.held, host.held - wanted
        if missing:
            seen = f"{host.name} lacks {_listed(missing)}"
            raise BrokenPromiseError("who serves holds every address", now_s, seen)
        if surplus:
            seen = f"{host.name} has {_listed(surplus)}"
            raise BrokenPromiseError("nobody else holds an address", now_s, seen)


def _listed(held: set[Held]) -> str:
    return ", ".join(sorted(f"{address} on {interface}" for interface, address in held))
