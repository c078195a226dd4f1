"""What virtual routers remember, as values: taken from some, given to others, which then go on as the first ones would.

A recording begins with it. It is everything that decides what is done next, and nothing else: what was counted is left out, and
what the wire remembers, because a recording has what was read and not the packets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vrrpd.config.model import GarpGroup, SyncGroup, VirtualAddress, VirtualRouter
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.announcing import Announcing
from vrrpd.protocol.notices import Conflicts, Notices
from vrrpd.protocol.peers import Peers
from vrrpd.protocol.priority import OwnPriority
from vrrpd.protocol.states import State
from vrrpd.protocol.timers import Timers
from vrrpd.protocol.trackers import Demands, Kind

Memory = Mapping[str, object]
"""By the names of attributes. A part's memory stands in its place."""

PARTS = (Announcing, Conflicts, Notices, OwnPriority, Peers, Timers)
"""What a virtual router is made of and can change, beside plain values and containers of such."""
NOT_REMEMBERED = frozenset({"number", "_router", "_wire", "_counters", "_lateness", "_actions"})
"""The first two are told apart from the memory; the others decide nothing, or are drained."""


class InstanceMemory(NamedTuple):
    """One virtual router."""

    number: int
    router: VirtualRouter
    memory: Memory


class LaneMemory(NamedTuple):
    """What waits in one lane of announcements."""

    where: str | GarpGroup
    family: int
    interval_s: float
    free_from_s: float
    rounds: tuple[tuple[int, VirtualAddress, int], ...]
    """Number of the virtual router, address, and how often; in the order of their turns."""


@dataclass(frozen=True, slots=True)
class PacingMemory:
    """The pace of announcements."""

    garp_s: float = 0.0
    neighbour_advert_s: float = 0.0
    groups: tuple[GarpGroup, ...] = ()
    lanes: tuple[LaneMemory, ...] = ()
    deadlines: tuple[tuple[float, int], ...] = ()
    """With places in `lanes`."""


class GroupMemory(NamedTuple):
    """One sync group; virtual routers by their numbers."""

    settings: SyncGroup
    state: State
    members: tuple[int, ...]
    joining: frozenset[int]
    in_group_fault: frozenset[int]
    last_wish: tuple[int, Cause] | None


@dataclass(frozen=True, slots=True)
class RouterMemory:
    """All virtual routers of a host, by their numbers."""

    instances: tuple[InstanceMemory, ...] = ()
    made: int = 0
    """How many there have ever been."""
    starts_from_s: float = float("-inf")
    wanted: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()
    postponed: frozenset[int] = frozenset()
    groups: tuple[GroupMemory, ...] = ()
    results: Mapping[tuple[Kind, str], bool | int] = field(default_factory=dict)
    demands: Mapping[int, Demands] = field(default_factory=dict)
    pacing: PacingMemory = PacingMemory()
    deadlines: tuple[tuple[float, int], ...] = ()


def memory_of(part: object) -> dict[str, object]:
    """What a virtual router or a part of one remembers."""
    return {name: _copied(getattr(part, name)) for name in _names(part)}


def recall(part: object, memory: Memory) -> None:
    """Have a virtual router or a part of one remember this. Raises ValueError if it is the memory of something else."""
    if memory.keys() != set(_names(part)):
        raise ValueError(f"it is not the memory of {type(part).__name__}")
    for name, value in memory.items():
        current = getattr(part, name)
        if not isinstance(current, PARTS):
            setattr(part, name, _copied(value))
        elif isinstance(value, Mapping):
            recall(current, value)
        else:
            raise ValueError(f"there is no memory of {type(current).__name__}")  # noqa: TRY004  # it was read from a file


def _names(part: object) -> Iterable[str]:
    slots: tuple[str, ...] | None = getattr(part, "__slots__", None)
    return slots if slots is not None else vars(part).keys() - NOT_REMEMBERED


def _copied(value: object) -> object:
    """A container holds nothing that changes, so it need not be copied any deeper."""
    if isinstance(value, PARTS):
        return memory_of(value)
    if isinstance(value, dict):
        return dict(value)
    return set(value) if isinstance(value, set | frozenset) else value
