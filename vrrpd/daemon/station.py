"""A virtual router at work in the router process: its state machine, and what was prepared for the moment it becomes master."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from vrrpd.config.model import Address, VirtualAddress, VirtualRouter
from vrrpd.daemon.segment import Segment
from vrrpd.kernel.addresses import AddAddress, AddressKey, AddressMap, wanted
from vrrpd.kernel.announcements import announcements
from vrrpd.protocol.actions import AlarmKind
from vrrpd.protocol.instance import Instance
from vrrpd.status.model import AddressStatus, VirtualRouterStatus


class Station:
    """One virtual router."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.source: Address | None = None
        self.additions: list[AddAddress] = []
        """Netlink messages that put its addresses on their interfaces, encoded beforehand."""
        self._frames: dict[str, tuple[tuple[AddressKey, bytes], ...]] = {}
        """Announcements for each interface, encoded beforehand."""
        self._keys: dict[VirtualAddress, AddressKey] = {}
        self.transitions: Counter[tuple[str, str]] = Counter()
        self.alarms: Counter[str] = Counter()
        self.changed_unix_s = 0.0

    @property
    def name(self) -> str:
        """How the log calls it."""
        router = self.instance.router
        return f"({router.name}) {router.interface} vrid {router.virtual_router_id}"

    def prepare(self, segments: Mapping[str, Segment]) -> None:
        """Encode what a takeover sends; anew whenever the configuration or a link changes."""
        self.additions = []
        self._keys = {}
        frames: dict[str, list[tuple[AddressKey, bytes]]] = {}
        for address in all_addresses(self.instance.router):
            link = segments[address.interface].link
            if link is None:
                continue
            addition = wanted(address, link.index)
            self.additions.append(addition)
            self._keys[address] = addition.key
            frames.setdefault(address.interface, []).extend(
                (addition.key, frame) for frame in announcements(link, (address.address,))
            )
        self._frames = {name: tuple(pairs) for name, pairs in frames.items()}

    def announce(self, segments: Mapping[str, Segment], repeat: int, only: Collection[AddressKey] | None = None) -> None:
        """Send a set of announcements for all addresses, or only for some."""
        for name, pairs in self._frames.items():
            segments[name].announce(tuple(frame for key, frame in pairs if only is None or key in only), repeat)

    def keys_of(self, addresses: Iterable[VirtualAddress]) -> set[AddressKey]:
        """The kernel's keys of some of its addresses; those on interfaces that are not there have none."""
        return {self._keys[address] for address in addresses if address in self._keys}


def all_addresses(router: VirtualRouter) -> tuple[VirtualAddress, ...]:
    """Advertised and excluded ones: what a master holds."""
    return router.addresses + router.excluded_addresses


def interfaces(router: VirtualRouter) -> set[str]:
    """Every interface that it has to do with, be it only that it is tracked."""
    tracked = (tracker.name for tracker in router.tracking.interfaces)
    return {router.interface, *(address.interface for address in all_addresses(router)), *tracked}


def status(station: Station, present: AddressMap) -> VirtualRouterStatus:
    """Everything there is to know of a virtual router."""
    instance, router = station.instance, station.instance.router
    indexes = {addition.key.address: addition.key for addition in station.additions}
    return VirtualRouterStatus(
        name=router.name,
        interface=router.interface,
        virtual_router_id=router.virtual_router_id,
        family=router.family,
        version=router.version,
        state=instance.state,
        priority=router.priority,
        effective_priority=instance.priority,
        advert_interval_s=router.advert_interval_s,
        master_advert_interval_s=instance.master_advert_interval_s,
        master_down_interval_s=instance.master_down_interval_s,
        announcement_delay_s=router.announcements.delay_s,
        master_address=instance.master_address,
        master_priority=instance.master_priority,
        last_transition_unix_s=station.changed_unix_s,
        addresses=tuple(
            AddressStatus(
                address=_text(address),
                interface=address.interface,
                excluded=address in router.excluded_addresses,
                present=indexes.get(address.address) in present,
            )
            for address in all_addresses(router)
        ),
        counters=instance.counters,
        transitions=tuple((state, cause, count) for (state, cause), count in station.transitions.items()),
        alarms=tuple((kind.value, station.alarms[kind.value]) for kind in AlarmKind),
    )


def _text(address: VirtualAddress) -> str:
    """As `ip address` and keepalived write it: the prefix length only where it is not the whole address."""
    whole = address.prefix_length == address.address.max_prefixlen
    return str(address.address) if whole else f"{address.address}/{address.prefix_length}"
