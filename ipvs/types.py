"""What IPVS balances, as plain values.

A *service* is what clients reach (address, port and protocol, or a firewall mark); a *destination* is a real server behind
it. Keys identify, values carry what can be changed in place. No value holds a counter, so two tables compare by what they
ask of the kernel and nothing else; counters live in :mod:`ipvs.statistics`.

Numbers and limits are those of the kernel's include/uapi/linux/ip_vs.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

SCHEDULER_NAME_MAX = 15
"""Longest scheduler name in octets: IP_VS_SCHEDNAME_MAXLEN less its terminator."""


class Protocol(IntEnum):
    """IP protocol number of a service (IPPROTO_*)."""

    TCP = 6
    UDP = 17
    SCTP = 132


class Forwarding(IntEnum):
    """How a packet reaches its destination (IP_VS_CONN_F_*)."""

    NAT = 0
    LOCAL = 1
    TUN = 2
    DR = 3


class ServiceFlags(IntFlag):
    """Service flags a user may set (IP_VS_SVC_F_*)."""

    NONE = 0
    PERSISTENT = 0x1
    HASHED = 0x2  # set by the kernel itself on every service
    ONE_PACKET = 0x4
    SCHEDULER_1 = 0x8  # sh-fallback, mh-fallback
    SCHEDULER_2 = 0x10  # sh-port, mh-port
    SCHEDULER_3 = 0x20


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """Identity of a service: address, port and protocol, as IPVS knows it."""

    protocol: Protocol
    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.protocol.name.lower()}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """What a service asks of the kernel beside its key."""

    scheduler: str
    flags: ServiceFlags = ServiceFlags.NONE
    persistence_timeout_s: int = 0
    persistence_prefix_length: int | None = None
    """Clients in one prefix share a server; None is the whole address (32 or 128)."""


@dataclass(frozen=True, slots=True)
class DestinationKey:
    """Identity of a destination within its service."""

    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Destination:
    """What a destination asks of the kernel beside its key."""

    forwarding: Forwarding
    weight: int
    upper_threshold: int = 0
    lower_threshold: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One service with its destinations: the unit of a table."""

    service: Service
    destinations: Mapping[DestinationKey, Destination] = field(default_factory=dict)


Table = Mapping[ServiceKey, Row]
"""Everything IPVS holds or should hold."""


def canonical(key: ServiceKey, service: Service) -> Service:
    """`service` as it is read back from the kernel: HASHED is not a wish, and a prefix of the whole address is None."""
    prefix_length = service.persistence_prefix_length
    if prefix_length == key.address.max_prefixlen:
        prefix_length = None
    flags = service.flags & ~ServiceFlags.HASHED
    if flags == service.flags and prefix_length == service.persistence_prefix_length:
        return service
    return replace(service, flags=flags, persistence_prefix_length=prefix_length)
