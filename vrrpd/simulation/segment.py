"""One link, and who on it hears whom."""

from __future__ import annotations

import random
from collections.abc import Iterable

from vrrpd.simulation.faults import Cut, Weather


class Segment:
    """An Ethernet segment. Stations are known by name: the hosts, and the client."""

    def __init__(self, name: str, chance: random.Random, weather: Weather) -> None:
        self.name = name
        self.stations: set[str] = set()
        self.weather = weather
        self._chance = chance
        self._cuts: list[Cut] = []
        self._deaf: frozenset[tuple[str, str]] = frozenset()
        """Sender and receiver between whom nothing passes."""

    @property
    def whole(self) -> bool:
        """Whether everybody hears everybody."""
        return not self._deaf

    def cut(self, cut: Cut) -> None:
        """Break it further."""
        self._cuts.append(cut)
        self._deaf = frozenset(pair for one in self._cuts for pair in deaf_pairs(one, self.stations))

    def heal(self) -> None:
        """Make it whole."""
        self._cuts.clear()
        self._deaf = frozenset()

    def hears(self, sender: str, receiver: str) -> bool:
        """Whether what `sender` sends can reach `receiver`."""
        return (sender, receiver) not in self._deaf

    def delays_s(self) -> tuple[float, ...]:
        """What becomes of one packet for one receiver: the delay of each copy that arrives; none if it is lost."""
        weather, chance = self.weather, self._chance
        if weather.loss and chance.random() < weather.loss:
            return ()
        copies = 2 if weather.duplication and chance.random() < weather.duplication else 1
        if not weather.jitter_s:
            return (weather.delay_s,) * copies
        return tuple(weather.delay_s + chance.random() * weather.jitter_s for _ in range(copies))


def deaf_pairs(cut: Cut, stations: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The (sender, receiver) pairs that a cut parts."""
    sides = cut.sides if len(cut.sides) > 1 else (*cut.sides, frozenset(stations) - cut.sides[0])
    parted = {
        (sender, receiver)
        for number, side in enumerate(sides)
        for other in sides[number + 1 :]
        for sender in side
        for receiver in other
    }
    return frozenset(parted) if cut.one_way else frozenset(parted | {(receiver, sender) for sender, receiver in parted})
