"""Addresses: what each interface should have, what it has, and the few messages that close the gap.

The tables are mappings from `AddressKey` to `AddressAttributes`; `diff` compares two of them and does no I/O. `AddressTable`
reads the kernel's and applies operations to it.

An operation carries its netlink message, encoded when the operation is made. So a virtual router that keeps its list of
`AddAddress` from the time it was configured has nothing left to encode when it becomes master.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from socket import AF_INET, AF_INET6

from ipvs.netlink import NetlinkError, NetlinkSocket
from vrrpd.config.model import Address, VirtualAddress
from vrrpd.kernel import rtnetlink

FAMILIES = (AF_INET, AF_INET6)


@dataclass(frozen=True, slots=True)
class AddressKey:
    """Identity of an address: the kernel holds the same address twice where the interface, the prefix length or the peer
    differs (of IPv6, where the interface does)."""

    interface_index: int
    address: Address
    prefix_length: int
    """The peer's, where there is one."""
    peer: Address | None = None
    """The other end of a point-to-point link."""

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix_length}"


@dataclass(frozen=True, slots=True)
class AddressAttributes:
    """What an address carries. Two are equal when they ask the same of the kernel."""

    label: str | None = None
    """The kernel gives every IPv4 address one: the interface's name, if nothing else is asked for."""
    scope: int = rtnetlink.RT_SCOPE_UNIVERSE
    """RT_SCOPE_*. An IPv6 address has the one that it says itself, which is not kept here."""
    broadcast: Address | None = None
    flags: int = 0
    """Those of IFA_F_ASKED_FOR."""
    preferred_lifetime_s: int | None = field(default=None, compare=False)
    """None is for ever, 0 is deprecated; see `is_as_asked`, for what is left of it changes by the second."""
    protocol: int = field(default=rtnetlink.KEEPALIVED_PROTOCOL, compare=False)
    """Who set it (IFA_PROTO); read from the kernel, 0 where that does not say."""
    secondary: bool = field(default=False, compare=False)
    """Not the first of its network on its interface; read from the kernel."""
    tentative: bool = field(default=False, compare=False)
    """An IPv6 address that nobody can use before the kernel has asked whether it is in use elsewhere; read from the kernel."""
    duplicate: bool = field(default=False, compare=False)
    """It is: the kernel lets nobody use the address (IFA_F_DADFAILED). Read from the kernel; an operator has to know."""

    def is_as_asked(self, desired: AddressAttributes) -> bool:
        """Whether nothing is to be changed where this is what the kernel has.

        A finite lifetime runs down, and of IPv4 the kernel does not tell of it, so any will do.
        """
        asked_s = desired.preferred_lifetime_s
        return self == desired and (bool(asked_s) or asked_s == self.preferred_lifetime_s)


AddressMap = Mapping[AddressKey, AddressAttributes]


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Put an address on its interface."""

    key: AddressKey
    attributes: AddressAttributes
    message: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        key, attributes = self.key, self.attributes
        message = rtnetlink.new_address(
            key.interface_index,
            key.address,
            key.prefix_length,
            label=attributes.label,
            scope=attributes.scope,
            broadcast=attributes.broadcast,
            peer=key.peer,
            flags=attributes.flags,
            preferred_lifetime_s=attributes.preferred_lifetime_s,
        )
        object.__setattr__(self, "message", message)

    def __str__(self) -> str:
        return f"add {self.key}"


@dataclass(frozen=True, slots=True)
class DeleteAddress:
    """Take an address off its interface."""

    key: AddressKey
    message: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        key = self.key
        message = rtnetlink.delete_address(key.interface_index, key.address, key.prefix_length, key.peer)
        object.__setattr__(self, "message", message)

    def __str__(self) -> str:
        return f"delete {self.key}"


Operation = AddAddress | DeleteAddress


@dataclass(frozen=True, slots=True)
class AddressFailure:
    """An operation that the kernel refused, why, and what can be done about it."""

    operation: Operation
    error: NetlinkError

    @property
    def remedy(self) -> str:
        """What an operator can do, as a clause."""
        return REMEDIES.get(self.error.errno or 0, "see what `ip address` and the kernel's log say")

    def __str__(self) -> str:
        interface = f"interface {self.operation.key.interface_index}"
        return f"cannot {self.operation} on {interface}: {self.error.strerror}; {self.remedy}"


REMEDIES = {
    errno.ENODEV: "the interface is gone, or takes no addresses; the address is set when it comes back",
    errno.EACCES: "IPv6 is disabled on the interface; set net.ipv6.conf.*.disable_ipv6 to 0",
    errno.EPERM: "give the process CAP_NET_ADMIN",
    errno.EINVAL: "check the address's prefix length, scope, label and options, and that a network's addresses have one scope",
    errno.ENOBUFS: "the kernel is short of memory",
    errno.ENOMEM: "the kernel is short of memory",
}
"""What can be done about a refusal, by errno."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a list of operations; those named in neither list were carried out."""

    adopted: tuple[AddressKey, ...]
    """To be added, but there already."""
    failures: tuple[AddressFailure, ...]


def wanted(address: VirtualAddress, interface_index: int) -> AddAddress:
    """The operation that puts a configured address on its interface."""
    peer, prefix_length = None, address.prefix_length
    if address.peer is not None:
        peer, prefix_length = address.peer.address, address.peer.length
    of_ipv4 = isinstance(address.address, IPv4Address)
    attributes = AddressAttributes(
        label=(address.label or address.interface) if of_ipv4 else None,
        scope=address.scope,
        broadcast=address.broadcast,
        flags=_flags(address),
        preferred_lifetime_s=address.preferred_lifetime_s,
    )
    return AddAddress(AddressKey(interface_index, address.address, prefix_length, peer), attributes)


def _flags(address: VirtualAddress) -> int:
    """A master takes its addresses over, so it does not first ask whether they are in use, unless told to."""
    asked = {
        rtnetlink.IFA_F_NODAD: isinstance(address.address, IPv6Address) and not address.duplicate_detection,
        rtnetlink.IFA_F_HOMEADDRESS: address.home,
        rtnetlink.IFA_F_MANAGETEMPADDR: address.manages_temporary_addresses,
        rtnetlink.IFA_F_NOPREFIXROUTE: address.no_prefix_route,
        rtnetlink.IFA_F_MCAUTOJOIN: address.joins_groups,
    }
    return sum(flag for flag, wished in asked.items() if wished)


def diff(desired: AddressMap, current: AddressMap, owned: Collection[AddressKey]) -> list[Operation]:
    """What turns `current` into `desired`, deletions first.

    Only addresses in `owned` are ever deleted. One of them whose label, scope, broadcast address, flags or lifetime changed is
    deleted and added again, since the kernel cannot change most of those in place; a foreign one that is desired is taken as
    it is.
    """
    deleted = [
        key
        for key, attributes in current.items()
        if key in owned and not (key in desired and attributes.is_as_asked(desired[key]))
    ]
    lost = set(deleted) | set(_taken_along(deleted, current))
    added = [key for key in desired if key not in current or key in lost]
    return [*map(DeleteAddress, deleted), *(AddAddress(key, desired[key]) for key in added)]


def _taken_along(deleted: Sequence[AddressKey], current: AddressMap) -> Iterator[AddressKey]:
    """The addresses that go with the deleted ones.

    With the first address of a network the kernel deletes the others of that network (net.ipv4.conf.*.promote_secondaries
    being 0). Where it does not, adding them again is answered by EEXIST and harmless.
    """
    networks = {_network(key) for key in deleted if not current[key].secondary and not _is_alone(key)}
    if networks:
        yield from (key for key, attributes in current.items() if attributes.secondary and _network(key) in networks)


def _is_alone(key: AddressKey) -> bool:
    return key.prefix_length == key.address.max_prefixlen


def _network(key: AddressKey) -> tuple[int, object]:
    return key.interface_index, ip_network((key.address, key.prefix_length), strict=False)


def observed_address(message: rtnetlink.AddressMessage) -> tuple[AddressKey, AddressAttributes]:
    """An address as the kernel tells of it."""
    of_ipv4 = isinstance(message.address, IPv4Address)
    return (
        AddressKey(message.interface_index, message.address, message.prefix_length, message.peer),
        AddressAttributes(
            label=message.label,
            scope=message.scope if of_ipv4 else rtnetlink.RT_SCOPE_UNIVERSE,
            broadcast=message.broadcast,
            flags=message.flags & rtnetlink.IFA_F_ASKED_FOR,
            preferred_lifetime_s=0 if message.flags & rtnetlink.IFA_F_DEPRECATED else message.preferred_lifetime_s,
            protocol=message.protocol,
            secondary=of_ipv4 and bool(message.flags & rtnetlink.IFA_F_SECONDARY),
            tentative=bool(message.flags & rtnetlink.IFA_F_TENTATIVE),
            duplicate=bool(message.flags & rtnetlink.IFA_F_DADFAILED),
        ),
    )


class AddressTable:
    """The kernel's table of addresses of both families, in the network namespace where the socket was opened."""

    def __init__(self, netlink: NetlinkSocket) -> None:
        self._netlink = netlink

    def read(self) -> dict[AddressKey, AddressAttributes]:
        """All addresses, in the kernel's order: an interface's primary addresses before its secondary ones.

        Raises NetlinkError.
        """
        answers = [answer for family in FAMILIES for answer in self._netlink.dump(rtnetlink.dump_addresses(family))]
        messages = (rtnetlink.decode_address(payload) for _kind, payload in answers)
        return dict(observed_address(message) for message in messages if message is not None)

    def apply(self, operations: Sequence[Operation]) -> Applied:
        """Carry out operations in one batch. A refusal keeps none of the others from being carried out.

        Raises NetlinkError where the kernel could not be asked at all, or its answers were lost: `read` tells what is there.
        """
        adopted: list[AddressKey] = []
        failures: list[AddressFailure] = []
        outcome = self._netlink.request([operation.message for operation in operations])
        for operation, error in zip(operations, outcome, strict=True):
            if error is None or _already_gone(operation, error):
                continue
            if isinstance(operation, AddAddress) and error.errno == errno.EEXIST:
                adopted.append(operation.key)
            else:
                failures.append(AddressFailure(operation, error))
        return Applied(tuple(adopted), tuple(failures))


def _already_gone(operation: Operation, error: NetlinkError) -> bool:
    """An address cannot be deleted because it, or its whole interface (ENODEV), is no longer there."""
    return isinstance(operation, DeleteAddress) and error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV)
