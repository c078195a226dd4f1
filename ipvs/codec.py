"""IPVS's generic netlink messages as bytes, both ways (include/uapi/linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c).

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
    SCHEDULER_NAME_MAX,
    Address,
    Destination,
    DestinationKey,
    Forwarding,
    Protocol,
    Service,
    ServiceFlags,
    ServiceKey,
    canonical,
)

FAMILY_NAME = "IPVS"
FAMILY_VERSION = 1

AF_INET = 2  # Linux's numbers, not those of the machine this runs on
AF_INET6 = 10
FORWARDING_MASK = 0x7  # IP_VS_CONN_F_FWD_MASK
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
    SET_INFO = 14
    GET_INFO = 15


# Plain numbers instead of enumerations, because these are compared once per attribute of a dump.
ATTR_SERVICE, ATTR_DEST = 1, 2  # IPVS_CMD_ATTR_*
SVC_AF, SVC_PROTOCOL, SVC_ADDR, SVC_PORT, SVC_FWMARK = 1, 2, 3, 4, 5  # IPVS_SVC_ATTR_*
SVC_SCHED_NAME, SVC_FLAGS, SVC_TIMEOUT, SVC_NETMASK, SVC_STATS, SVC_PE_NAME, SVC_STATS64 = 6, 7, 8, 9, 10, 11, 12
DEST_ADDR, DEST_PORT, DEST_FWD_METHOD, DEST_WEIGHT, DEST_U_THRESH, DEST_L_THRESH = 1, 2, 3, 4, 5, 6  # IPVS_DEST_ATTR_*
DEST_ACTIVE_CONNS, DEST_INACT_CONNS, DEST_PERSIST_CONNS, DEST_STATS, DEST_ADDR_FAMILY, DEST_STATS64 = 7, 8, 9, 10, 11, 12
INFO_VERSION, INFO_CONN_TAB_SIZE = 1, 2  # IPVS_INFO_ATTR_*
STATS_FIRST, STATS_LAST = 1, 10  # IPVS_STATS_ATTR_CONNS to _OUTBPS, in the order of Statistics' fields; 11 is a pad

NEST = "HH"
U16 = "HHH2x"  # length, type, value, padding
U32 = "HHI"
PORT = "HH2s2x"  # big-endian, as on the wire
ADDRESS = "HH16s"  # union nf_inet_addr: an IPv4 address stands in the first four of sixteen octets
U16_SIZE, U32_SIZE, PORT_SIZE, ADDRESS_SIZE = 6, 8, 6, 20

SERVICE_IDENTITY = struct.Struct("=" + NEST + U16 + U16 + ADDRESS + PORT)
DESTINATION_IDENTITY = struct.Struct("=" + NEST + ADDRESS + PORT + U16)
DESTINATION = struct.Struct("=" + NEST + ADDRESS + PORT + U16 + U32 * 4)
NEST_HEADER_SIZE = 4

NUMBER = {2: struct.Struct("=H"), 4: struct.Struct("=I"), 8: struct.Struct("=Q")}
FLAGS = struct.Struct("=II")  # flags, mask of those that are meant


@dataclass(frozen=True, slots=True)
class Info:
    """What the kernel says of IPVS as a whole."""

    version: tuple[int, int, int]
    connection_table_size: int


# ---- requests


def encode(operation: Operation, family: int) -> bytes:
    """The request that asks for `operation`; `family` is the number of the generic netlink family IPVS."""
    match operation:
        case AddService(key, service):
            return _request(family, Command.NEW_SERVICE, _whole_service(key, service))
        case SetService(key, service):
            return _request(family, Command.SET_SERVICE, _whole_service(key, service))
        case DeleteService(key):
            return _request(family, Command.DEL_SERVICE, _service_identity(key))
        case AddDestination(service_key, key, destination):
            return _request(family, Command.NEW_DEST, _service_identity(service_key) + _whole_destination(key, destination))
        case SetDestination(service_key, key, destination):
            return _request(family, Command.SET_DEST, _service_identity(service_key) + _whole_destination(key, destination))
        case DeleteDestination(service_key, key):
            return _request(family, Command.DEL_DEST, _service_identity(service_key) + _destination_identity(key))


def dump_services(family: int) -> bytes:
    """The request for all services (to be sent as a dump)."""
    return _request(family, Command.GET_SERVICE, b"")


def dump_destinations(family: int, key: ServiceKey) -> bytes:
    """The request for all destinations of one service (to be sent as a dump)."""
    return _request(family, Command.GET_DEST, _service_identity(key))


def get_info(family: int) -> bytes:
    """The request for version and table size."""
    return _request(family, Command.GET_INFO, b"")


def _request(family: int, command: Command, payload: bytes) -> bytes:
    return generic_message(family, command, FAMILY_VERSION, payload)


def _address_family(address: Address) -> int:
    return AF_INET if address.version == 4 else AF_INET6


def _service_identity(key: ServiceKey) -> bytes:
    return SERVICE_IDENTITY.pack(
        *(SERVICE_IDENTITY.size, ATTR_SERVICE | NLA_F_NESTED),
        *(U16_SIZE, SVC_AF, _address_family(key.address)),
        *(U16_SIZE, SVC_PROTOCOL, key.protocol),
        *(ADDRESS_SIZE, SVC_ADDR, key.address.packed),
        *(PORT_SIZE, SVC_PORT, key.port.to_bytes(2, "big")),
    )


def _whole_service(key: ServiceKey, service: Service) -> bytes:
    name = service.scheduler.encode("ascii")
    if len(name) > SCHEDULER_NAME_MAX:
        raise ValueError(f"scheduler name {service.scheduler!r} is longer than {SCHEDULER_NAME_MAX} octets")
    return nested(
        ATTR_SERVICE,
        _service_identity(key)[NEST_HEADER_SIZE:],
        attribute(SVC_SCHED_NAME, name + b"\0"),
        attribute(SVC_FLAGS, FLAGS.pack(service.flags & ~ServiceFlags.HASHED, ALL_FLAGS)),
        attribute(SVC_TIMEOUT, NUMBER[4].pack(service.persistence_timeout_s)),
        attribute(SVC_NETMASK, _netmask(key.address, service.persistence_prefix_length)),
    )


def _netmask(address: Address, prefix_length: int | None) -> bytes:
    """One attribute, two meanings: a mask in network order for IPv4, a prefix length in host order for IPv6."""
    length = address.max_prefixlen if prefix_length is None else prefix_length
    if address.version == 4:
        return (0xFFFF_FFFF << (32 - length) & 0xFFFF_FFFF).to_bytes(4, "big")
    return NUMBER[4].pack(length)


def _destination_identity(key: DestinationKey) -> bytes:
    return DESTINATION_IDENTITY.pack(
        *(DESTINATION_IDENTITY.size, ATTR_DEST | NLA_F_NESTED),
        *(ADDRESS_SIZE, DEST_ADDR, key.address.packed),
        *(PORT_SIZE, DEST_PORT, key.port.to_bytes(2, "big")),
        *(U16_SIZE, DEST_ADDR_FAMILY, _address_family(key.address)),
    )


def _whole_destination(key: DestinationKey, destination: Destination) -> bytes:
    return DESTINATION.pack(
        *(DESTINATION.size, ATTR_DEST | NLA_F_NESTED),
        *(ADDRESS_SIZE, DEST_ADDR, key.address.packed),
        *(PORT_SIZE, DEST_PORT, key.port.to_bytes(2, "big")),
        *(U16_SIZE, DEST_ADDR_FAMILY, _address_family(key.address)),
        *(U32_SIZE, DEST_FWD_METHOD, destination.forwarding),
        *(U32_SIZE, DEST_WEIGHT, destination.weight),
        *(U32_SIZE, DEST_U_THRESH, destination.upper_threshold),
        *(U32_SIZE, DEST_L_THRESH, destination.lower_threshold),
    )


# ---- answers


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """One service of a dump."""

    key: ServiceKey
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


def decode_service(payload: memoryview) -> ServiceAnswer | None:
    """A service out of a dump; None for one that has no address (a firewall mark) or a protocol we do not know."""
    found = _nest(payload, ATTR_SERVICE)
    if SVC_FWMARK in found:
        return None
    try:
        protocol = Protocol(_number(found[SVC_PROTOCOL]))
    except ValueError:
        return None
    address = _address(found[SVC_ADDR], _number(found[SVC_AF]))
    key = ServiceKey(protocol, address, _port(found[SVC_PORT]))
    flags, _mask = FLAGS.unpack(found[SVC_FLAGS])
    service = Service(
        scheduler=bytes(found[SVC_SCHED_NAME]).rstrip(b"\0").decode("ascii", errors="replace"),
        flags=ServiceFlags(flags),
        persistence_timeout_s=_number(found[SVC_TIMEOUT]),
        persistence_prefix_length=_prefix_length(address, found[SVC_NETMASK]),
    )
    return ServiceAnswer(key, canonical(key, service), found)


def decode_destination(payload: memoryview, service_address: Address) -> DestinationAnswer | None:
    """A destination out of a dump; None for a way of forwarding that we do not know.

    Kernels before 3.18 do not say the destination's address family: it is then that of the service.
    """
    found = _nest(payload, ATTR_DEST)
    try:
        forwarding = Forwarding(_number(found[DEST_FWD_METHOD]) & FORWARDING_MASK)
    except ValueError:
        return None
    told = found.get(DEST_ADDR_FAMILY)
    family = _number(told) if told else _address_family(service_address)
    key = DestinationKey(_address(found[DEST_ADDR], family), _port(found[DEST_PORT]))
    destination = Destination(
        forwarding=forwarding,
        weight=_number(found[DEST_WEIGHT]),
        upper_threshold=_number(found[DEST_U_THRESH]),
        lower_threshold=_number(found[DEST_L_THRESH]),
    )
    return DestinationAnswer(key, destination, found)


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
    present = [_number(found[kind]) for kind in (DEST_ACTIVE_CONNS, DEST_INACT_CONNS, DEST_PERSIST_CONNS)]
    return _statistics(found, DEST_STATS64, DEST_STATS, present)


def decode_info(payload: memoryview) -> Info:
    """The answer to `get_info`."""
    found = dict(attributes(payload[GENERIC_HEADER.size :]))
    version = _number(found[INFO_VERSION])
    return Info(
        version=(version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF),  # NVERSION() in include/net/ip_vs.h
        connection_table_size=_number(found[INFO_CONN_TAB_SIZE]),
    )


def _nest(payload: memoryview, kind: int) -> dict[int, memoryview]:
    for found, value in attributes(payload[GENERIC_HEADER.size :]):
        if found == kind:
            return dict(attributes(value))
    return {}


def _statistics(found: dict[int, memoryview], wide: int, narrow: int, present: Iterable[int]) -> Statistics:
    """Counters of 64 bits (since Linux 4.1), else of 32 bits, else zero; then the present connections."""
    values = [0] * STATS_LAST
    for kind, value in attributes(found.get(wide) or found.get(narrow) or memoryview(b"")):
        if STATS_FIRST <= kind <= STATS_LAST:
            values[kind - STATS_FIRST] = _number(value)
    return Statistics(*values, *present)


def _number(value: memoryview) -> int:
    number: int = NUMBER[len(value)].unpack(value)[0]
    return number


def _port(value: memoryview) -> int:
    return int.from_bytes(value, "big")


def _address(value: memoryview, family: int) -> Address:
    return IPv4Address(bytes(value[:4])) if family == AF_INET else IPv6Address(bytes(value))


def _prefix_length(address: Address, value: memoryview) -> int:
    if address.version == 6:
        return _number(value)
    mask = int.from_bytes(value, "big")
    length = mask.bit_count()
    return length if mask == 0xFFFF_FFFF << (32 - length) & 0xFFFF_FFFF else 0  # a mask with holes equals no prefix
