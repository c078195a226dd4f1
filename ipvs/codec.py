"""Services and destinations as IPVS's generic netlink messages, both ways (include/uapi/linux/ip_vs.h,
net/netfilter/ipvs/ip_vs_ctl.c). What concerns IPVS as a whole stands in :mod:`ipvs.administration`.

Requests have fixed places, so each nest is one precompiled Struct. Answers are walked attribute by attribute: kernels for
machines without cheap unaligned access put pads between the counters, and older ones lack some attributes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from ipvs.genetlink import GENERIC_HEADER, generic_message
from ipvs.netlink import NLA_F_NESTED, attribute, attributes, nested
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.statistics import Statistics
from ipvs.types import (
    PLAIN_TUNNEL,
    SCHEDULER_NAME_MAX,
    Address,
    Destination,
    DestinationKey,
    Forwarding,
    MarkKey,
    Protocol,
    RowKey,
    Service,
    ServiceFlags,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
    canonical,
    canonical_destination,
)

FAMILY_NAME = "IPVS"
FAMILY_VERSION = 1

AF_INET = 2  # Linux's numbers, not those of the machine this runs on
AF_INET6 = 10
FAMILIES = {4: AF_INET, 6: AF_INET6}
FORWARDINGS = tuple(map(Forwarding, range(8)))
FORWARDING_MASK = 0x7  # IP_VS_CONN_F_FWD_MASK
ENGINE_NAME_MAX = 15  # IP_VS_PENAME_MAXLEN less its terminator
ALL_FLAGS = 0xFFFF_FFFF


class Command(IntEnum):
    """IPVS_CMD_*."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DEL_SERVICE = 3
    GET_SERVICE = 4
    NEW_DEST = 5
    SET_DEST = 6
    DEL_DEST = 7
    GET_DEST = 8
    NEW_DAEMON = 9
    DEL_DAEMON = 10
    GET_DAEMON = 11
    SET_CONFIG = 12
    GET_CONFIG = 13
    SET_INFO = 14
    GET_INFO = 15
    ZERO = 16
    FLUSH = 17


# Plain numbers instead of enumerations, because these are compared once per attribute of a dump.
ATTR_SERVICE, ATTR_DEST = 1, 2  # IPVS_CMD_ATTR_*
SVC_AF, SVC_PROTOCOL, SVC_ADDR, SVC_PORT, SVC_FWMARK = 1, 2, 3, 4, 5  # IPVS_SVC_ATTR_*
SVC_SCHED_NAME, SVC_FLAGS, SVC_TIMEOUT, SVC_NETMASK, SVC_STATS, SVC_PE_NAME, SVC_STATS64 = 6, 7, 8, 9, 10, 11, 12
DEST_ADDR, DEST_PORT, DEST_FWD_METHOD, DEST_WEIGHT, DEST_U_THRESH, DEST_L_THRESH = 1, 2, 3, 4, 5, 6  # IPVS_DEST_ATTR_*
DEST_ACTIVE_CONNS, DEST_INACT_CONNS, DEST_PERSIST_CONNS, DEST_STATS, DEST_ADDR_FAMILY, DEST_STATS64 = 7, 8, 9, 10, 11, 12
DEST_TUN_TYPE, DEST_TUN_PORT, DEST_TUN_FLAGS = 13, 14, 15
STATS_FIRST, STATS_LAST = 1, 10  # IPVS_STATS_ATTR_CONNS to _OUTBPS, in the order of Statistics' fields; 11 is a pad

NEST = "HH"
U8 = "HHB3x"
U16 = "HHH2x"  # length, type, value, padding
U32 = "HHI"
PORT = "HH2s2x"  # big-endian, as on the wire
ADDRESS = "HH16s"  # union nf_inet_addr: an IPv4 address stands in the first four of sixteen octets
U8_SIZE, U16_SIZE, U32_SIZE, PORT_SIZE, ADDRESS_SIZE = 5, 6, 8, 6, 20

SERVICE_IDENTITY = struct.Struct("=" + NEST + U16 + U16 + ADDRESS + PORT)
MARK_IDENTITY = struct.Struct("=" + NEST + U16 + U32)
DESTINATION_IDENTITY = struct.Struct("=" + NEST + ADDRESS + PORT + U16)
DESTINATION = struct.Struct("=" + NEST + ADDRESS + PORT + U16 + U32 * 4)
TUNNEL = struct.Struct("=" + U8 + PORT + U16)
NEST_HEADER_SIZE = 4

NUMBER = {1: struct.Struct("=B"), 2: struct.Struct("=H"), 4: struct.Struct("=I"), 8: struct.Struct("=Q")}
FLAGS = struct.Struct("=II")  # flags, mask of those that are meant


# ---- requests


def encode(operation: Operation, family: int) -> bytes:
    """The request that asks for `operation`; `family` is the number of the generic netlink family IPVS."""
    match operation:
        case AddService(key, service):
            return request(family, Command.NEW_SERVICE, _whole_service(key, service))
        case SetService(key, service):
            return request(family, Command.SET_SERVICE, _whole_service(key, service))
        case DeleteService(key):
            return request(family, Command.DEL_SERVICE, service_identity(key))
        case AddDestination(service_key, key, destination):
            return request(family, Command.NEW_DEST, service_identity(service_key) + _whole_destination(key, destination))
        case SetDestination(service_key, key, destination):
            return request(family, Command.SET_DEST, service_identity(service_key) + _whole_destination(key, destination))
        case DeleteDestination(service_key, key):
            return request(family, Command.DEL_DEST, service_identity(service_key) + _destination_identity(key))


def dump_services(family: int) -> bytes:
    """The request for all services (to be sent as a dump)."""
    return request(family, Command.GET_SERVICE, b"")


def get_service(family: int, key: RowKey) -> bytes:
    """The request for one service."""
    return request(family, Command.GET_SERVICE, service_identity(key))


def dump_destinations(family: int, key: RowKey) -> bytes:
    """The request for all destinations of one service (to be sent as a dump)."""
    return request(family, Command.GET_DEST, service_identity(key))


def request(family: int, command: Command, payload: bytes = b"") -> bytes:
    """One request to IPVS; `payload` is its attributes."""
    return generic_message(family, command, FAMILY_VERSION, payload)


def service_identity(key: RowKey) -> bytes:
    """The nest that says which service is meant."""
    if isinstance(key, MarkKey):
        return MARK_IDENTITY.pack(
            *(MARK_IDENTITY.size, ATTR_SERVICE | NLA_F_NESTED),
            *(U16_SIZE, SVC_AF, FAMILIES[key.family]),
            *(U32_SIZE, SVC_FWMARK, key.mark),
        )
    return SERVICE_IDENTITY.pack(
        *(SERVICE_IDENTITY.size, ATTR_SERVICE | NLA_F_NESTED),
        *(U16_SIZE, SVC_AF, FAMILIES[key.family]),
        *(U16_SIZE, SVC_PROTOCOL, key.protocol),
        *(ADDRESS_SIZE, SVC_ADDR, key.address.packed),
        *(PORT_SIZE, SVC_PORT, key.port.to_bytes(2, "big")),
    )


def _whole_service(key: RowKey, service: Service) -> bytes:
    """Without an engine's name the kernel takes the engine away."""
    name = service.scheduler.encode("ascii")
    if len(name) > SCHEDULER_NAME_MAX:
        raise ValueError(f"scheduler name {service.scheduler!r} is longer than {SCHEDULER_NAME_MAX} octets")
    engine = service.persistence_engine
    if engine and len(engine) > ENGINE_NAME_MAX:
        raise ValueError(f"persistence engine {engine!r} is longer than {ENGINE_NAME_MAX} octets")
    return nested(
        ATTR_SERVICE,
        service_identity(key)[NEST_HEADER_SIZE:],
        attribute(SVC_SCHED_NAME, name + b"\0"),
        attribute(SVC_FLAGS, FLAGS.pack(service.flags & ~ServiceFlags.HASHED, ALL_FLAGS)),
        attribute(SVC_TIMEOUT, NUMBER[4].pack(service.persistence_timeout_s)),
        attribute(SVC_NETMASK, _netmask(key, service)),
        attribute(SVC_PE_NAME, engine.encode("ascii") + b"\0") if engine else b"",
    )


def _netmask(key: RowKey, service: Service) -> bytes:
    """One attribute, two meanings: a mask in network order for IPv4, a prefix length in host order for IPv6."""
    length = service.persistence_prefix_length
    if key.family == 6:
        return NUMBER[4].pack(128 if length is None else length)
    if service.persistence_netmask is not None:
        return service.persistence_netmask.packed
    return (0xFFFF_FFFF << (32 - (32 if length is None else length)) & 0xFFFF_FFFF).to_bytes(4, "big")


def _destination_identity(key: DestinationKey) -> bytes:
    return DESTINATION_IDENTITY.pack(
        *(DESTINATION_IDENTITY.size, ATTR_DEST | NLA_F_NESTED),
        *(ADDRESS_SIZE, DEST_ADDR, key.address.packed),
        *(PORT_SIZE, DEST_PORT, key.port.to_bytes(2, "big")),
        *(U16_SIZE, DEST_ADDR_FAMILY, FAMILIES[key.address.version]),
    )


def _whole_destination(key: DestinationKey, destination: Destination) -> bytes:
    """A plain tunnel is told by nothing: the kernel assumes it, and kernels before 5.3 know no other."""
    tunnel = canonical_destination(destination).tunnel
    told = _tunnel(tunnel) if tunnel != PLAIN_TUNNEL else b""
    fixed = DESTINATION.pack(
        *(DESTINATION.size + len(told), ATTR_DEST | NLA_F_NESTED),
        *(ADDRESS_SIZE, DEST_ADDR, key.address.packed),
        *(PORT_SIZE, DEST_PORT, key.port.to_bytes(2, "big")),
        *(U16_SIZE, DEST_ADDR_FAMILY, FAMILIES[key.address.version]),
        *(U32_SIZE, DEST_FWD_METHOD, destination.forwarding),
        *(U32_SIZE, DEST_WEIGHT, destination.weight),
        *(U32_SIZE, DEST_U_THRESH, destination.upper_threshold),
        *(U32_SIZE, DEST_L_THRESH, destination.lower_threshold),
    )
    return fixed + told


def _tunnel(tunnel: Tunnel) -> bytes:
    return TUNNEL.pack(
        *(U8_SIZE, DEST_TUN_TYPE, tunnel.type),
        *(PORT_SIZE, DEST_TUN_PORT, tunnel.port.to_bytes(2, "big")),
        *(U16_SIZE, DEST_TUN_FLAGS, tunnel.checksum),
    )


# ---- answers


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """One service of a dump."""

    key: RowKey
    service: Service
    attributes: dict[int, memoryview]
    """Undecoded, since most readers want no statistics: for `decode_service_statistics`."""


@dataclass(frozen=True, slots=True)
class DestinationAnswer:
    """One destination of a dump."""

    key: DestinationKey
    destination: Destination
    attributes: dict[int, memoryview]
    """Undecoded: for `decode_destination_statistics`."""


def decode_service(payload: memoryview) -> ServiceAnswer:
    """A service out of a dump. Raises KeyError or struct.error where the kernel left out what it always says."""
    found = nest(payload, ATTR_SERVICE)
    key = _service_key(found)
    flags, _mask = FLAGS.unpack(found[SVC_FLAGS])
    engine = found.get(SVC_PE_NAME)
    netmask = found[SVC_NETMASK]
    service = Service(
        scheduler=text(found[SVC_SCHED_NAME]),
        flags=ServiceFlags(flags),
        persistence_timeout_s=number(found[SVC_TIMEOUT]),
        persistence_prefix_length=number(netmask) if key.family == 6 else None,
        persistence_netmask=IPv4Address(bytes(netmask)) if key.family == 4 else None,
        persistence_engine=text(engine) if engine else None,
    )
    return ServiceAnswer(key, canonical(key, service), found)


def _service_key(found: dict[int, memoryview]) -> RowKey:
    family = number(found[SVC_AF])
    mark = found.get(SVC_FWMARK)
    if mark:
        return MarkKey(number(mark), 4 if family == AF_INET else 6)
    return ServiceKey(Protocol(number(found[SVC_PROTOCOL])), _address(found[SVC_ADDR], family), _port(found[SVC_PORT]))


def decode_destination(payload: memoryview, service_key: RowKey) -> DestinationAnswer:
    """A destination out of a dump. Raises as `decode_service`.

    Kernels before 3.18 do not say the destination's address family: it is then that of the service.
    """
    found = nest(payload, ATTR_DEST)
    told = found.get(DEST_ADDR_FAMILY)
    family = number(told) if told else FAMILIES[service_key.family]
    key = DestinationKey(_address(found[DEST_ADDR], family), _port(found[DEST_PORT]))
    destination = Destination(
        forwarding=FORWARDINGS[number(found[DEST_FWD_METHOD]) & FORWARDING_MASK],
        weight=number(found[DEST_WEIGHT]),
        upper_threshold=number(found[DEST_U_THRESH]),
        lower_threshold=number(found[DEST_L_THRESH]),
        tunnel=_tunnel_told(found),
    )
    return DestinationAnswer(key, canonical_destination(destination), found)


def _tunnel_told(found: dict[int, memoryview]) -> Tunnel:
    """Most are plain, and kernels before 5.3 say nothing."""
    kind, checksum = (number(found[each]) if each in found else 0 for each in (DEST_TUN_TYPE, DEST_TUN_FLAGS))
    if not kind:
        return PLAIN_TUNNEL
    return Tunnel(TunnelType(kind), _port(found.get(DEST_TUN_PORT, memoryview(b""))), TunnelChecksum(checksum))


def decode_service_statistics(answer: ServiceAnswer, destinations: Iterable[Statistics]) -> Statistics:
    """What a service counted; the connections it has now are those of its destinations."""
    active = inactive = persistent = 0
    for destination in destinations:
        active += destination.active_connections
        inactive += destination.inactive_connections
        persistent += destination.persistent_connections
    return _statistics(answer.attributes, SVC_STATS64, SVC_STATS, (active, inactive, persistent))


def decode_destination_statistics(answer: DestinationAnswer) -> Statistics:
    """What a destination counted."""
    found = answer.attributes
    present = [number(found[kind]) for kind in (DEST_ACTIVE_CONNS, DEST_INACT_CONNS, DEST_PERSIST_CONNS)]
    return _statistics(found, DEST_STATS64, DEST_STATS, present)


def nest(payload: memoryview, kind: int) -> dict[int, memoryview]:
    """The attributes in the nest `kind` of an answer; empty where it has none."""
    for found, value in attributes(payload[GENERIC_HEADER.size :]):
        if found == kind:
            return dict(attributes(value))
    return {}


def _statistics(found: dict[int, memoryview], wide: int, narrow: int, present: Iterable[int]) -> Statistics:
    """Counters of 64 bits (since Linux 4.1), else of 32 bits, else zero; then the present connections."""
    values = [0] * STATS_LAST
    for kind, value in attributes(found.get(wide) or found.get(narrow) or memoryview(b"")):
        if STATS_FIRST <= kind <= STATS_LAST:
            values[kind - STATS_FIRST] = number(value)
    return Statistics(*values, *present)


def number(value: memoryview) -> int:
    """A number of 1, 2, 4 or 8 octets in host order."""
    found: int = NUMBER[len(value)].unpack(value)[0]
    return found


def text(value: memoryview) -> str:
    """A name that ends with a zero octet."""
    return bytes(value).rstrip(b"\0").decode("ascii", errors="replace")


def _port(value: memoryview) -> int:
    return int.from_bytes(value, "big")


def _address(value: memoryview, family: int) -> Address:
    return IPv4Address(bytes(value[:4])) if family == AF_INET else IPv6Address(bytes(value))
