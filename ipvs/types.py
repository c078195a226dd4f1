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
from typing import Self

Address = IPv4Address | IPv6Address

SCHEDULER_NAME_MAX = 15
"""Longest scheduler name in octets: IP_VS_SCHEDNAME_MAXLEN less its terminator."""


class KernelNumber(IntEnum):
    """A number with a name. One that the kernel shows and that has none here is a member all the same, named by its number:
    rows of another program's, or of a later kernel's, are read and told as they are.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFFFF:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"{cls.__name__}_{value}".upper()
        member._value_ = value
        return member


class Protocol(KernelNumber):
    """IP protocol number of a service (IPPROTO_*)."""

    TCP = 6
    UDP = 17
    SCTP = 132


class Forwarding(KernelNumber):
    """How a packet reaches its destination (IP_VS_CONN_F_*)."""

    NAT = 0
    LOCAL = 1
    TUN = 2
    DR = 3
    BYPASS = 4


class TunnelType(KernelNumber):
    """How TUN wraps a packet (IP_VS_CONN_F_TUNNEL_TYPE_*)."""

    IPIP = 0
    GUE = 1
    GRE = 2


class TunnelChecksum(KernelNumber):
    """Checksum of the wrapping (IP_VS_TUNNEL_ENCAP_FLAG_*)."""

    NOCSUM = 0
    CSUM = 1
    REMCSUM = 2


class ServiceFlags(IntFlag):
    """Service flags a user may set (IP_VS_SVC_F_*). Three mean what the scheduler makes of them."""

    NONE = 0
    PERSISTENT = 0x1
    HASHED = 0x2  # set by the kernel itself on every service
    ONE_PACKET = 0x4
    SCHEDULER_1 = 0x8
    SCHEDULER_2 = 0x10
    SCHEDULER_3 = 0x20
    SH_FALLBACK = SCHEDULER_1
    SH_PORT = SCHEDULER_2
    MH_FALLBACK = SCHEDULER_1
    MH_PORT = SCHEDULER_2


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """Identity of a service: address, port and protocol, as IPVS knows it."""

    protocol: Protocol
    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.protocol.name.lower()}:{self.port}"

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version


@dataclass(frozen=True, slots=True)
class MarkKey:
    """Identity of a service by firewall mark: whatever the packet filter marked. Not 0, which is no mark."""

    mark: int
    family: int = 4
    """4 or 6."""

    def __str__(self) -> str:
        return f"FWM {self.mark}"


RowKey = ServiceKey | MarkKey
"""Identity of any service."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service asks of the kernel beside its key."""

    scheduler: str
    flags: ServiceFlags = ServiceFlags.NONE
    persistence_timeout_s: int = 0
    persistence_prefix_length: int | None = None
    """Clients in one prefix share a server; None is the whole address (32 or 128)."""
    persistence_netmask: IPv4Address | None = None
    """The same for IPv4, and goes before the length: a mask may have holes, which no length can say."""
    persistence_engine: str | None = None
    """What tells clients apart in place of their address: `sip` goes by the Call-ID."""


@dataclass(frozen=True, slots=True)
class DestinationKey:
    """Identity of a destination within its service."""

    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """How TUN reaches a destination; without meaning for other kinds of forwarding. GUE and GRE need Linux 5.3."""

    type: TunnelType = TunnelType.IPIP
    port: int = 0
    """Of GUE; 0 for the others, which have none."""
    checksum: TunnelChecksum = TunnelChecksum.NOCSUM
    """Of GUE and GRE."""


PLAIN_TUNNEL = Tunnel()


@dataclass(frozen=True, slots=True)
class Destination:
    """What a destination asks of the kernel beside its key."""

    forwarding: Forwarding
    weight: int
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel = PLAIN_TUNNEL


@dataclass(frozen=True, slots=True)
class Row:
    """One service with its destinations: the unit of a table."""

    service: Service
    destinations: Mapping[DestinationKey, Destination] = field(default_factory=dict)


Table = Mapping[RowKey, Row]
"""Everything IPVS holds or should hold."""


def canonical(key: RowKey, service: Service) -> Service:
    """`service` as it is read back from the kernel: HASHED is not a wish, a mask without holes is a length, a prefix of the
    whole address is None.
    """
    length, netmask = service.persistence_prefix_length, service.persistence_netmask
    if netmask is not None:
        length = _contiguous_length(netmask)
        netmask = netmask if length is None else None
    if length == (32 if key.family == 4 else 128):
        length = None
    flags = service.flags & ~ServiceFlags.HASHED
    asked = (service.flags, service.persistence_prefix_length, service.persistence_netmask)
    if asked == (flags, length, netmask):
        return service
    return replace(service, flags=flags, persistence_prefix_length=length, persistence_netmask=netmask)


def canonical_destination(destination: Destination) -> Destination:
    """`destination` without what has no meaning: a tunnel where there is none, a port or checksum that its type has not."""
    tunnel = destination.tunnel
    if tunnel == PLAIN_TUNNEL:
        return destination
    if destination.forwarding is not Forwarding.TUN or tunnel.type is TunnelType.IPIP:
        tunnel = PLAIN_TUNNEL
    elif tunnel.type is TunnelType.GRE and tunnel.port:
        tunnel = replace(tunnel, port=0)
    return replace(destination, tunnel=tunnel)


def _contiguous_length(netmask: IPv4Address) -> int | None:
    """The prefix length that says the same; None for a mask with holes."""
    length = int(netmask).bit_count()
    return length if int(netmask) == 0xFFFF_FFFF << (32 - length) & 0xFFFF_FFFF else None
