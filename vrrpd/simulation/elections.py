"""Who elects one master together, and each one's standing among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vrrpd.config.model import Address, VirtualAddress, VirtualRouter
from vrrpd.protocol.states import State
from vrrpd.protocol.vrrp_router import InstanceKey

if TYPE_CHECKING:
    from vrrpd.simulation.host import Host


class Election(NamedTuple):
    """A virtual router as the network knows it: all who send and hear adverts of this id on this segment."""

    segment: str
    family: int
    virtual_router_id: int


class Candidate:
    """A host's part in an election. It outlives the host's processes; without one its state is INITIALIZE."""

    __slots__ = ("election", "host", "key", "priority", "router", "since_s", "source", "state")

    def __init__(self, host: Host, election: Election, key: InstanceKey, router: VirtualRouter, source: Address) -> None:
        self.host = host
        self.election = election
        self.key = key
        self.router = router
        self.priority = router.priority
        """The effective one: what is tracked changes it."""
        self.source = source
        """Where its adverts come from."""
        self.state = State.INITIALIZE
        self.since_s = 0.0
        """Since when it is in this state."""

    def __repr__(self) -> str:
        return f"{self.host.name} ({self.router.name} vrid {self.election.virtual_router_id})"


def all_addresses(router: VirtualRouter) -> tuple[VirtualAddress, ...]:
    """Advertised and excluded ones: what a master holds."""
    return router.addresses + router.excluded_addresses


def interfaces(router: VirtualRouter) -> frozenset[str]:
    """Every interface that it has to do with."""
    return frozenset({router.interface, *(address.interface for address in all_addresses(router))})
