"""Those who use the virtual addresses: what they believe about who has which, and whether that serves them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from vrrpd.config.model import Address
from vrrpd.simulation.host import Host
from vrrpd.simulation.segment import Segment

NEIGHBOUR_CHECK_S = 43.0
"""How long a client keeps sending to a neighbour that no longer answers: Linux takes an entry that TCP has just confirmed for
reachable for 15 to 45 s, and asks three times before it gives up. 42.7 to 43.1 s were measured behind a healed partition."""


class Client:
    """A host beside the routers, with a neighbour cache."""

    def __init__(self, name: str, segment: Segment, addresses: Iterable[Address]) -> None:
        self.name = name
        self.segment = segment
        self.neighbours: dict[Address, Host | None] = dict.fromkeys(addresses)
        """Whose hardware address the cache has for each virtual address."""
        self.served_by: dict[Address, Host | None] = dict.fromkeys(self.neighbours)
        self.unserved_since_s: dict[Address, float] = dict.fromkeys(self.neighbours, 0.0)

    def hear(self, host: Host, addresses: Iterable[Address]) -> None:
        """Somebody announces addresses as its own: every neighbour cache believes that."""
        for address in addresses:
            if address in self.neighbours:
                self.neighbours[address] = host

    def look(self, now_s: float, holders: Callable[[Address], list[Host]], chance: random.Random) -> list[Address]:
        """Send to every address, asking who has it where nobody is known or the one known is silent for too long.

        `holders` are the hosts that have an address. Returns the addresses for which other hosts serve than before.
        """
        changed = []
        for address, before in self.served_by.items():
            neighbour = self.neighbours[address]
            reached = neighbour if neighbour is not None and self._reaches(neighbour, address) else None
            if reached is None and (neighbour is None or now_s - self.unserved_since_s[address] >= NEIGHBOUR_CHECK_S):
                answering = [host for host in holders(address) if self._reaches(host, address)]
                reached = self.neighbours[address] = chance.choice(answering) if answering else neighbour
                reached = reached if answering else None
            if reached is not before:
                self.served_by[address] = reached
                self.unserved_since_s[address] = now_s
                changed.append(address)
        return changed

    def _reaches(self, host: Host, address: Address) -> bool:
        """Whether packets go there and back."""
        return (
            host.answers(self.segment.name, address)
            and self.segment.hears(self.name, host.name)
            and self.segment.hears(host.name, self.name)
        )
