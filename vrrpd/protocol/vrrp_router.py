"""All virtual routers of one host: packets, events and the time go in, actions come out, each with the one that wants it.

The daemon's router process and the simulation both run this; neither decides anything beside it::

    routers.on_packet("eth0", datagram, now_s)
    for instance, action in routers.actions():
        ...
    sleep until routers.deadline()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from vrrpd.config.model import VirtualRouter
from vrrpd.protocol.actions import Action
from vrrpd.protocol.deadlines import Deadlines
from vrrpd.protocol.events import Event, Reconfigured, Shutdown, Start
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.states import State
from vrrpd.protocol.wire import virtual_router_key


class InstanceKey(NamedTuple):
    """What tells virtual routers apart on the wire."""

    interface: str
    family: int
    """4 or 6."""
    virtual_router_id: int


def key_of(router: VirtualRouter) -> InstanceKey:
    """The key under which packets find a virtual router."""
    return InstanceKey(router.interface, router.family, router.virtual_router_id)


class VrrpRouter:
    """Every virtual router of one host."""

    def __init__(self) -> None:
        self._instances: dict[InstanceKey, Instance] = {}
        self._leavers: dict[Instance, InstanceKey] = {}
        """No longer wanted; each is forgotten when it has let go of its addresses."""
        self._deadlines: Deadlines[Instance] = Deadlines()
        self._actions: list[tuple[Instance, Action]] = []
        self.unknown_virtual_router_ids = 0
        """Packets for virtual routers that are not here."""
        self.lateness_max_s = 0.0
        """The longest that a deadline was served late."""

    @property
    def instances(self) -> Mapping[InstanceKey, Instance]:
        """Those that are wanted, started or not."""
        return MappingProxyType(self._instances)

    @property
    def leavers(self) -> tuple[Instance, ...]:
        """Those that were dismissed and still hold their addresses."""
        return tuple(self._leavers)

    def deadline(self) -> float | None:
        """When `on_timer` is to be called next; None while nothing is waited for. It may change with every call."""
        return self._deadlines.next_s()

    def actions(self) -> list[tuple[Instance, Action]]:
        """What is to be done since the last time this was asked, in order."""
        drained, self._actions = self._actions, []
        return drained

    # -- configuration --------------------------------------------------------------------------------------------------

    def add(self, router: VirtualRouter) -> Instance:
        """Have one more virtual router, which takes no part before `start`; tell it meanwhile what it has to know.

        Raises ValueError if there is one with its key.
        """
        key = key_of(router)
        if key in self._instances:
            raise ValueError(f"there is a virtual router {router.virtual_router_id} on {router.interface} already")
        instance = self._instances[key] = Instance(router)
        return instance

    def start(self, key: InstanceKey, now_s: float, *, resume_master: bool = False) -> None:
        """Let it take part; as master if it was that before its process died a moment ago."""
        self.inform(self._instances[key], Start(resume_master=resume_master), now_s)

    def reconfigure(self, key: InstanceKey, router: VirtualRouter, now_s: float) -> None:
        """A reload changes a virtual router, but not its key."""
        self.inform(self._instances[key], Reconfigured(router), now_s)

    def dismiss(self, key: InstanceKey, now_s: float) -> None:
        """Have a virtual router give up. A master may serve on for a while, beside those that stay."""
        instance = self._instances.pop(key)
        self._leavers[instance] = key
        self.inform(instance, Shutdown(), now_s)

    def abandon_leavers(self) -> None:
        """Wait no longer for those that still hand over; what they hold is for the caller to take away."""
        for leaver in self._leavers:
            self._deadlines.set(leaver, None)
        self._leavers.clear()

    # -- what comes in --------------------------------------------------------------------------------------------------

    def tell(self, key: InstanceKey, event: Event, now_s: float) -> None:
        """Tell a virtual router what happened, and those with its key that still hand over."""
        for instance in self._with_key(key):
            self.inform(instance, event, now_s)

    def inform(self, instance: Instance, event: Event, now_s: float) -> None:
        """Tell this one alone, be it wanted or handing over."""
        instance.on_event(event, now_s)
        self._settle(instance)

    def on_packet(self, interface: str, datagram: bytes, now_s: float) -> None:
        """Take in a whole IP packet that came through `interface`. Never raises, whatever is in it."""
        key = virtual_router_key(datagram)
        heard_by = [] if key is None else self._with_key(InstanceKey(interface, *key))
        for instance in heard_by:
            instance.on_packet(datagram, now_s)
            self._settle(instance)
        self.unknown_virtual_router_ids += not heard_by

    def on_timer(self, now_s: float) -> None:
        """Do what is due. Called too early it does nothing; called late it does each thing once."""
        for deadline_s, instance in self._deadlines.due(now_s):
            self.lateness_max_s = max(self.lateness_max_s, now_s - deadline_s)
            instance.on_timer(now_s)
            self._settle(instance)

    # -- pieces ---------------------------------------------------------------------------------------------------------

    def _with_key(self, key: InstanceKey) -> list[Instance]:
        """The virtual router of this key, behind those of the same key that still hand over."""
        instance = self._instances.get(key)
        return [*self._leavers_with(key), *([instance] if instance else [])]

    def _leavers_with(self, key: InstanceKey) -> Iterator[Instance]:
        return (leaver for leaver, its_key in self._leavers.items() if its_key == key)

    def _settle(self, instance: Instance) -> None:
        """Take over what an instance wants and waits for; a leaver that has let go is forgotten."""
        self._actions.extend((instance, action) for action in instance.actions())
        self._deadlines.set(instance, instance.deadline())
        if instance.state is State.INITIALIZE:
            self._leavers.pop(instance, None)
