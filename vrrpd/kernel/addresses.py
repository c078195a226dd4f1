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
from ipaddress import ip_network

from ipvs.netlink import NetlinkError, NetlinkSocket
from vrrpd.config.model import Address, VirtualAddress
from vrrpd.kernel import rtnetlink


@dataclass(frozen=True, slots=True)
class AddressKey:
    """Identity of an address: the kernel holds the same address twice where the interface or the prefix length differs."""

    interface_index: int
    address: Address
    prefix_length: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix_length}"


@dataclass(frozen=True, slots=True)
class AddressAttributes:
    """What an address carries. Two are equal when they ask the same of the kernel."""

    label: str | None = None
    """The kernel gives every IPv4 address one: the interface's name, if nothing else is asked for."""
    scope: int = rtnetlink.RT_SCOPE_UNIVERSE
    broadcast: Address | None = None
    protocol: int = field(default=rtnetlink.KEEPALIVED_PROTOCOL, compare=False)
    """Who set it (IFA_PROTO); read from the kernel, 0 where that does not say."""
    secondary: bool = field(default=False, compare=False)
    """Not the first of its network on its interface; read from the kernel."""


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
        message = rtnetlink.delete_address(self.key.interface_index, self.key.address, self.key.prefix_length)
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
    errno.ENODEV: "the interface is gone, or takes no IPv4; the address is set when it comes back",
    errno.EPERM: "give the process CAP_NET_ADMIN",
    errno.EINVAL: "check the address's prefix length, scope and label, and that addresses of one network have one scope",
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
    return AddAddress(
        AddressKey(interface_index, address.address, address.prefix_length),
        AddressAttributes(label=address.label or address.interface, scope=address.scope, broadcast=address.broadcast),
    )


def diff(desired: AddressMap, current: AddressMap, owned: Collection[AddressKey]) -> list[Operation]:
    """What turns `current` into `desired`, deletions first.

    Only addresses in `owned` are ever deleted. One of them whose label, scope or broadcast address changed is deleted and added
    again, since the kernel cannot change those in place; a foreign one that is desired is taken as it is.
    """
    deleted = [key for key in current if key in owned and desired.get(key) != current[key]]
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
    return (
        AddressKey(message.interface_index, message.address, message.prefix_length),
        AddressAttributes(
            label=message.label,
            scope=message.scope,
            broadcast=message.broadcast,
            protocol=message.protocol,
            secondary=bool(message.flags & rtnetlink.IFA_F_SECONDARY),
        ),
    )


class AddressTable:
    """The kernel's table of IPv4 addresses, in the network namespace where the socket was opened."""

    def __init__(self, netlink: NetlinkSocket) -> None:
        self._netlink = netlink

    def read(self) -> dict[AddressKey, AddressAttributes]:
        """All addresses, in the kernel's order: an interface's primary addresses before its secondary ones.

        Raises NetlinkError.
        """
        messages = (rtnetlink.decode_address(payload) for _kind, payload in self._netlink.dump(rtnetlink.dump_addresses()))
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
