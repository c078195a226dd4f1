"""Virtual routers that write down what they are told, so that it can be told again to others.

What is written down are references to values that do not change, so it costs a microsecond or less; lines are made of them only
when somebody asks. The recording is a ring of chapters. Each begins with what the virtual routers remembered then, so that
the oldest can be forgotten and a replay of the others is exact all the same.

Of packets there is not the datagram but what was read in it. So nobody needs a key for the replay, a password that a datagram
shows is not in the recording, and what could not be read is there with the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.actions import Action, Alarm, Transition
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.memory import RouterMemory
from vrrpd.protocol.pacing import AnnounceAddresses
from vrrpd.protocol.vrrp_router import GroupTransition, InstanceKey, VrrpRouter
from vrrpd.protocol.wire import Heard, Refused

ENTRIES_MAX = 16_384
"""In a chapter. A backup of one virtual router fills one in four and a half hours, 255 of them in a minute; 2 MiB,
and 6 MiB where each advert is another one, because it is authenticated."""
ADDRESSES_MAX = 65_536
"""In the configurations and in the adverts with other addresses than ours that a chapter holds; some 10 MiB. Adverts with our
own addresses share ours."""
CHAPTERS_MAX = 2
"""The one that is being written and the one before it: there is always a whole one."""
OUTPUTS = (Transition, Alarm)
"""What is written down of what virtual routers want: with the changes of sync groups, what an operator hears of."""

INPUTS = frozenset({
    "start_from", "add", "start", "reconfigure", "dismiss", "abandon_leavers", "group", "pace", "tell", "learn", "fail_over",
    "inform", "hear", "on_timer",
})  # fmt: skip
"""The methods of VrrpRouter that change something, and are written down."""

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

Entry = tuple[object, ...]
"""The name of a method and its arguments in their order; or TOLD, GROUP or FAULT and what belongs to it."""

TOLD = "told"
"""A virtual router told something: the virtual router, and the action."""
GROUP = "group_transition"
"""A sync group changed its state."""
FAULT = "fault"
"""What the entry before this one led to raised this."""


class Chapter(NamedTuple):
    """A part of the recording that can stand for itself."""

    beginning: RouterMemory
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Recording:
    """What there is of it at one moment; it does not change any more."""

    beginning: RouterMemory
    chapters: tuple[tuple[list[Entry], int], ...]
    """The entries of each, and how many of them are there at this moment."""
    is_drained: bool
    """Whether everything that was wanted was told; it is not when something went wrong over the last input."""


def _written_down(
    method: Callable[Concatenate[VrrpRouter, Parameters], Answer],
) -> Callable[Concatenate[RecordedRouter, Parameters], Answer]:
    """A method that writes down that it was called, with what, and how it failed where it did."""
    name = method.__name__

    def called(self: RecordedRouter, /, *arguments: Parameters.args, **named: Parameters.kwargs) -> Answer:
        self._entries.append((name, *arguments, *named.values()))
        try:
            return method(self, *arguments, **named)
        except Exception as error:
            self._entries.append((FAULT, fault(error)))
            raise

    return called


def fault(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}"


class RecordedRouter(VrrpRouter):
    """All virtual routers of one host, with a recording of what they are told by every method that changes something.

    `on_packet` is none of them: all it changes, it changes by `hear`.
    """

    def __init__(self, starts_from_s: float = float("-inf")) -> None:
        super().__init__(starts_from_s)
        self._chapters: deque[Chapter] = deque(maxlen=CHAPTERS_MAX)
        self._begin_chapter()

    def recording(self) -> Recording:
        """What there is of it now."""
        chapters = tuple((chapter.entries, len(chapter.entries)) for chapter in self._chapters)
        return Recording(self._chapters[0].beginning, chapters, not self._actions and not self._group_transitions)

    # -- what comes in --------------------------------------------------------------------------------------------------

    start_from = _written_down(VrrpRouter.start_from)
    start = _written_down(VrrpRouter.start)  # what is given by name stands last, as its only one is the last of its parameters
    dismiss = _written_down(VrrpRouter.dismiss)
    abandon_leavers = _written_down(VrrpRouter.abandon_leavers)
    group = _written_down(VrrpRouter.group)
    pace = _written_down(VrrpRouter.pace)
    tell = _written_down(VrrpRouter.tell)
    learn = _written_down(VrrpRouter.learn)
    fail_over = _written_down(VrrpRouter.fail_over)
    inform = _written_down(VrrpRouter.inform)
    on_timer = _written_down(VrrpRouter.on_timer)
    _add = _written_down(VrrpRouter.add)
    _reconfigure = _written_down(VrrpRouter.reconfigure)

    def add(self, router: VirtualRouter) -> Instance:
        """As without a recording; the configuration is in it."""
        self._addresses += len(router.addresses) + len(router.excluded_addresses)
        return self._add(router)

    def reconfigure(self, key: InstanceKey, router: VirtualRouter, now_s: float) -> None:
        """As without a recording; the configuration is in it."""
        self._addresses += len(router.addresses) + len(router.excluded_addresses)
        self._reconfigure(key, router, now_s)

    def hear(self, instance: Instance, heard: Heard | Refused, now_s: float) -> None:
        """As without a recording; what was read is in it."""
        self._entries.append(("hear", instance, heard, now_s))
        if isinstance(heard, Heard) and heard.addresses_differ:
            self._addresses += len(heard.addresses)
        try:
            super().hear(instance, heard, now_s)
        except Exception as error:
            self._entries.append((FAULT, fault(error)))
            raise

    # -- what goes out --------------------------------------------------------------------------------------------------

    def actions(self) -> list[tuple[Instance, Action | AnnounceAddresses]]:
        """As without a recording; what an operator hears of is in it."""
        drained = super().actions()
        for instance, action in drained:
            if isinstance(action, OUTPUTS):
                self._entries.append((TOLD, instance, action))
        return drained

    def group_transitions(self) -> list[GroupTransition]:
        """As without a recording; they are in it, and behind them is the place where a new chapter can begin."""
        drained = super().group_transitions()
        for transition in drained:
            self._entries.append((GROUP, transition))
        if len(self._entries) >= ENTRIES_MAX or self._addresses >= ADDRESSES_MAX:
            self._begin_chapter()
        return drained

    def _begin_chapter(self) -> None:
        self._entries: list[Entry] = []
        self._addresses = 0
        """In the configurations and adverts of this chapter, those apart that adverts share with our configuration."""
        self._chapters.append(Chapter(self.memory(), self._entries))
