"""What can be seen of a world while it runs. Checkers and the timeline are observers; so may be what reads a recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vrrpd.config.model import Address
from vrrpd.protocol.actions import Transition
from vrrpd.simulation.elections import Candidate

if TYPE_CHECKING:
    from vrrpd.simulation.client import Client
    from vrrpd.simulation.faults import Fault
    from vrrpd.simulation.host import Host
    from vrrpd.simulation.world import World


@dataclass(frozen=True, slots=True)
class Flight:
    """One advert on its way, with what the sender meant by it, so that nobody has to read it again."""

    sender: Candidate
    priority: int
    interval_s: float
    destination: Address
    octets: bytes


class Observer:
    """Told of everything as it happens, in order. Each method does nothing unless it is overridden, and is not called then."""

    def on_begin(self, world: World) -> None:
        """The world is made and nothing has happened in it."""

    def on_fault(self, now_s: float, fault: Fault) -> None:
        """A fault is about to happen."""

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """What a fault did at once is done; what follows from it is not."""

    def on_host(self, now_s: float, host: Host) -> None:
        """A host or its daemon was started, stopped, paused; or a link of it changed, or its configuration."""

    def on_heard(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """A daemon is about to take in an advert."""

    def on_sent(self, now_s: float, candidate: Candidate, flight: Flight) -> None:
        """A daemon sent an advert, to the network or, with its link down, to nobody."""

    def on_announced(self, now_s: float, candidate: Candidate) -> None:
        """A daemon sent a set of gratuitous ARPs or neighbour advertisements."""

    def on_transition(self, now_s: float, candidate: Candidate, transition: Transition) -> None:
        """A virtual router changed its state; `candidate` is in the new one."""

    def on_settled(self, now_s: float, host: Host) -> None:
        """A daemon has done all that one packet, event or deadline made it do."""

    def on_addresses(self, now_s: float, host: Host) -> None:
        """Other virtual addresses than before are on a host's interfaces."""

    def on_served(self, now_s: float, client: Client, address: Address, holder: Host | None) -> None:
        """A client's packets to an address reach another host than before, or none any more."""

    def on_end(self, now_s: float) -> None:
        """The time is over."""


class Audience(Observer):
    """Several observers as one, told in their order."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        present = tuple(observers)
        for name in (name for name in vars(Observer) if name.startswith("on_")):
            listeners = [getattr(one, name) for one in present if getattr(type(one), name) is not getattr(Observer, name)]
            setattr(self, name, _tell_all(listeners))


def _tell_all(listeners: list[Any]) -> Any:
    """One function for many; most histories have one listener for most things, and adverts are many."""
    if len(listeners) == 1:
        return listeners[0]

    def tell(*what: Any) -> None:
        for listener in listeners:
            listener(*what)

    return tell
