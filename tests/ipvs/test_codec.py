"""Our bytes, read and written by pyroute2's message classes as an independent witness."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.generic.ipvs import ipvsmsg

from ipvs import codec
from ipvs.genetlink import GENERIC_HEADER
from ipvs.netlink import attribute, attributes, nested
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

from .values import destination_keys, destinations, operations, row_keys, services_of

FAMILY = 35
WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
WEB6 = ServiceKey(Protocol.TCP, ip_address("2001:db8::1"), 80)
REAL = DestinationKey(ip_address("198.51.100.7"), 8080)
REAL6 = DestinationKey(ip_address("2001:db8::7"), 8080)
STATISTICS = Statistics(*range(1, 14))


def witness(request: bytes) -> Any:
    """The request as pyroute2 reads it."""
    read = ipvsmsg(request)
    read.decode()
    return read


def fields(nest: Any) -> dict[str, Any]:
    """The nest's attributes by their short names; an address as a value, for its text has more than one spelling."""
    found = {name.removeprefix(nest.prefix).removeprefix("IPVS_"): value for name, value in nest["attrs"]}
    return found | {"ADDR": ip_address(found["ADDR"])} if "ADDR" in found else found


def native(number: int) -> str:
    """A number in host order, as pyroute2 shows it where it takes it for an IPv4 address."""
    return str(IPv4Address(struct.pack("=I", number)))


def body(request: bytes) -> memoryview:
    """What follows the netlink header: requests and answers are alike from there on."""
    return memoryview(request)[16:]


# ---- requests, octet by octet


def test_a_destination_is_encoded_octet_by_octet() -> None:
    request = codec.encode(AddDestination(WEB, REAL, Destination(Forwarding.DR, 3, 10, 5)), FAMILY)
    little = struct.pack("=H", 1)[0] == 1
    if not little:
        pytest.skip("the octets below are those of a little-endian machine")
    assert request.hex(" ", 4) == (
        "8c000000 23000100 00000000 00000000 "  # nlmsghdr: 140 octets, family 35, NLM_F_REQUEST
        "05010000 "  # genlmsghdr: NEW_DEST, version 1
        "30000180 "  # nest SERVICE
        "06000100 02000000 "  # AF: AF_INET
        "06000200 06000000 "  # PROTOCOL: TCP
        "14000300 c0000201 00000000 00000000 00000000 "  # ADDR, padded to 16 octets
        "06000400 00500000 "  # PORT, big-endian
        "48000280 "  # nest DEST
        "14000100 c6336407 00000000 00000000 00000000 "
        "06000200 1f900000 "
        "06000b00 02000000 "  # ADDR_FAMILY
        "08000300 03000000 "  # FWD_METHOD: DR
        "08000400 03000000 "  # WEIGHT
        "08000500 0a000000 "  # U_THRESH
        "08000600 05000000"  # L_THRESH
    )


@pytest.mark.parametrize(
    ("operation", "command", "nests"),
    [
        (AddService(WEB, Service("wrr")), 1, ["IPVS_CMD_ATTR_SERVICE"]),
        (SetService(WEB, Service("wrr")), 2, ["IPVS_CMD_ATTR_SERVICE"]),
        (DeleteService(WEB), 3, ["IPVS_CMD_ATTR_SERVICE"]),
        (AddDestination(WEB, REAL, Destination(Forwarding.DR, 1)), 5, ["IPVS_CMD_ATTR_SERVICE", "IPVS_CMD_ATTR_DEST"]),
        (SetDestination(WEB, REAL, Destination(Forwarding.DR, 1)), 6, ["IPVS_CMD_ATTR_SERVICE", "IPVS_CMD_ATTR_DEST"]),
        (DeleteDestination(WEB, REAL), 7, ["IPVS_CMD_ATTR_SERVICE", "IPVS_CMD_ATTR_DEST"]),
    ],
)
def test_each_operation_is_its_command_with_its_nests(operation: Operation, command: int, nests: list[str]) -> None:
    read = witness(codec.encode(operation, FAMILY))
    assert (read["header"]["type"], read["cmd"], read["version"]) == (FAMILY, command, 1)
    assert [name for name, _value in read["attrs"]] == nests


@given(operations())
def test_pyroute2_reads_what_was_meant(operation: Operation) -> None:
    request = codec.encode(operation, FAMILY)
    assert len(request) == struct.unpack_from("=I", request)[0] == (len(request) + 3) & ~3
    read = witness(request)
    key = operation.key if isinstance(operation, AddService | SetService | DeleteService) else operation.service_key
    assert fields(read.get_attr("IPVS_CMD_ATTR_SERVICE")) == expected_service(key, operation)
    if not isinstance(operation, AddService | SetService | DeleteService):
        assert fields(read.get_attr("IPVS_CMD_ATTR_DEST")) == expected_destination(operation)


def expected_service(key: RowKey, operation: Operation) -> dict[str, Any]:
    expected: dict[str, Any] = {"AF": 2 if key.family == 4 else 10}
    if isinstance(key, MarkKey):
        expected["FWMARK"] = key.mark
    else:
        expected |= {"PROTOCOL": key.protocol, "ADDR": key.address, "PORT": key.port}
    if isinstance(operation, AddService | SetService):
        service = canonical(key, operation.service)
        length = service.persistence_prefix_length
        if key.family == 4:
            mask = (0xFFFF_FFFF << (32 - (32 if length is None else length))) & 0xFFFF_FFFF
            netmask = str(service.persistence_netmask or IPv4Address(mask))
        else:
            netmask = native(length or 128)
        expected |= {
            "SCHED_NAME": service.scheduler,
            "FLAGS": {"flags": service.flags, "mask": 0xFFFF_FFFF},
            "TIMEOUT": service.persistence_timeout_s,
            "NETMASK": netmask,
        }
        if service.persistence_engine:
            expected["PE_NAME"] = service.persistence_engine
    return expected


def expected_destination(operation: AddDestination | SetDestination | DeleteDestination) -> dict[str, Any]:
    expected: dict[str, Any] = {
        "ADDR": operation.key.address,
        "PORT": operation.key.port,
        "ADDR_FAMILY": 2 if operation.key.address.version == 4 else 10,
    }
    if not isinstance(operation, DeleteDestination):
        destination = canonical_destination(operation.destination)
        expected |= {
            "FWD_METHOD": destination.forwarding,
            "WEIGHT": destination.weight,
            "U_THRESH": destination.upper_threshold,
            "L_THRESH": destination.lower_threshold,
        }
        if destination.tunnel != Tunnel():
            expected |= {
                "TUN_TYPE": destination.tunnel.type,
                "TUN_PORT": socket.ntohs(destination.tunnel.port),  # big-endian, which pyroute2 takes for host order
                "TUN_FLAGS": destination.tunnel.checksum,
            }
    return expected


def test_the_persistence_mask_is_a_mask_for_ipv4_and_a_length_for_ipv6() -> None:
    service = Service("wrr", ServiceFlags.PERSISTENT, 300, 24)
    masks = []
    for key in (WEB, WEB6):
        request = codec.encode(AddService(key, service), FAMILY)
        ((_kind, nest),) = attributes(body(request)[4:])
        masks.append(bytes(dict(attributes(nest))[codec.SVC_NETMASK]))
    assert masks == [bytes([255, 255, 255, 0]), struct.pack("=I", 24)]


def test_a_scheduler_name_longer_than_the_kernels_is_no_request() -> None:
    with pytest.raises(ValueError, match="longer than 15"):
        codec.encode(AddService(WEB, Service("sixteen_octets__")), FAMILY)


def test_dumps_ask_for_what_they_say() -> None:
    assert witness(codec.dump_services(FAMILY))["cmd"] == 4
    read = witness(codec.dump_destinations(FAMILY, WEB6))
    assert read["cmd"] == 8
    assert fields(read.get_attr("IPVS_CMD_ATTR_SERVICE"))["ADDR"] == ip_address("2001:db8::1")


# ---- there and back


@given(st.data(), row_keys)
def test_a_service_comes_back_as_it_went(data: st.DataObject, key: RowKey) -> None:
    service = data.draw(services_of(key))
    answer = codec.decode_service(body(codec.encode(AddService(key, service), FAMILY)))
    assert (answer.key, answer.service) == (key, canonical(key, service))


@given(row_keys, destination_keys, destinations)
def test_a_destination_comes_back_as_it_went(service_key: RowKey, key: DestinationKey, destination: Destination) -> None:
    request = codec.encode(AddDestination(service_key, key, destination), FAMILY)
    answer = codec.decode_destination(body(request), service_key)
    assert (answer.key, answer.destination) == (key, canonical_destination(destination))


# ---- answers of many kernels


def service_attributes(*more: bytes, flags: int = 0, mask: bytes = b"\xff\xff\xff\xff", protocol: int = 6) -> bytes:
    return b"".join(
        [
            attribute(codec.SVC_AF, struct.pack("=H", 2)),
            attribute(codec.SVC_PROTOCOL, struct.pack("=H", protocol)),
            attribute(codec.SVC_ADDR, WEB.address.packed + bytes(12)),
            attribute(codec.SVC_PORT, b"\0\x50"),
            attribute(codec.SVC_SCHED_NAME, b"wrr\0"),
            attribute(codec.SVC_FLAGS, struct.pack("=II", flags, 0xFFFF_FFFF)),
            attribute(codec.SVC_TIMEOUT, struct.pack("=I", 0)),
            attribute(codec.SVC_NETMASK, mask),
            *more,
        ]
    )


def service_answer(*more: bytes, **values: Any) -> memoryview:
    return answer_of(codec.ATTR_SERVICE, service_attributes(*more, **values))


def answer_of(kind: int, inner: bytes) -> memoryview:
    return memoryview(GENERIC_HEADER.pack(4, 1) + nested(kind, inner))


def destination_answer(address: Address, *more: bytes, forwarding: int = 3, family: bool = True) -> memoryview:
    parts = [
        attribute(codec.DEST_ADDR, address.packed + bytes(16 - len(address.packed))),
        attribute(codec.DEST_PORT, b"\x1f\x90"),
        attribute(codec.DEST_FWD_METHOD, struct.pack("=I", forwarding)),
        attribute(codec.DEST_WEIGHT, struct.pack("=I", 1)),
        attribute(codec.DEST_U_THRESH, bytes(4)),
        attribute(codec.DEST_L_THRESH, bytes(4)),
        attribute(codec.DEST_ACTIVE_CONNS, struct.pack("=I", 11)),
        attribute(codec.DEST_INACT_CONNS, struct.pack("=I", 12)),
        attribute(codec.DEST_PERSIST_CONNS, struct.pack("=I", 13)),
        *more,
    ]
    if family:
        parts.append(attribute(codec.DEST_ADDR_FAMILY, struct.pack("=H", 2 if address.version == 4 else 10)))
    return answer_of(codec.ATTR_DEST, b"".join(parts))


def counters(kind: int, sizes: list[str], *, pads: bool = False, times: int = 1) -> bytes:
    """A statistics nest that counts times 1 to times 10."""
    pad = attribute(11, b"") if pads else b""
    return nested(kind, *(pad + attribute(i, struct.pack("=" + size, times * i)) for i, size in enumerate(sizes, start=1)))


NARROW = ["I", "I", "I", "Q", "Q", "I", "I", "I", "I", "I"]
WIDE = ["Q"] * 10


@pytest.mark.parametrize("pads", [False, True])
def test_wide_counters_are_preferred_wherever_the_pads_are(pads: bool) -> None:
    nests = counters(codec.DEST_STATS, NARROW, times=7), counters(codec.DEST_STATS64, WIDE, pads=pads)
    answer = codec.decode_destination(destination_answer(REAL.address, *nests), WEB)

    assert codec.decode_destination_statistics(answer) == STATISTICS


def test_counters_larger_than_32_bits_are_whole() -> None:
    nest = nested(codec.DEST_STATS64, attribute(4, struct.pack("=Q", 2**63)))
    answer = codec.decode_destination(destination_answer(REAL.address, nest), WEB)

    assert codec.decode_destination_statistics(answer).bytes_in == 2**63


def test_an_older_kernels_narrow_counters_do() -> None:
    answer = codec.decode_destination(destination_answer(REAL.address, counters(codec.DEST_STATS, NARROW)), WEB)

    assert codec.decode_destination_statistics(answer) == STATISTICS


def test_without_counters_all_is_zero() -> None:
    answer = codec.decode_service(service_answer())
    assert codec.decode_service_statistics(answer, []) == Statistics()


def test_a_service_has_the_connections_of_its_destinations() -> None:
    answer = codec.decode_service(service_answer(counters(codec.SVC_STATS64, WIDE)))
    two = Statistics(active_connections=1, inactive_connections=2, persistent_connections=3)
    assert codec.decode_service_statistics(answer, [two, two]) == Statistics(*[*range(1, 11), 2, 4, 6])


def test_the_kernels_own_flag_is_not_shown() -> None:
    answer = codec.decode_service(service_answer(flags=0x3))
    assert answer.service == Service("wrr", ServiceFlags.PERSISTENT)


def test_a_mask_with_holes_is_read_as_it_is() -> None:
    answer = codec.decode_service(service_answer(mask=bytes([255, 0, 255, 0])))
    assert answer.service == Service("wrr", persistence_netmask=IPv4Address("255.0.255.0"))


def test_a_strange_protocol_way_of_forwarding_or_tunnel_is_read_and_told_by_its_number() -> None:
    key = codec.decode_service(service_answer(protocol=50)).key
    assert (str(key), key) == ("[192.0.2.1]:protocol_50:80", ServiceKey(Protocol(50), WEB.address, 80))
    assert codec.encode(DeleteService(key), FAMILY) == codec.encode(
        DeleteService(ServiceKey(Protocol(50), WEB.address, 80)), FAMILY
    )
    assert codec.decode_destination(destination_answer(REAL.address, forwarding=5), WEB).destination.forwarding.name == (
        "FORWARDING_5"
    )
    tunnel = attribute(codec.DEST_TUN_TYPE, b"\7"), attribute(codec.DEST_TUN_FLAGS, struct.pack("=H", 9))
    read = codec.decode_destination(destination_answer(REAL.address, *tunnel, forwarding=2), WEB).destination.tunnel
    assert (read.type, read.checksum, read.port) == (TunnelType(7), TunnelChecksum(9), 0)


def test_only_a_number_of_the_kernel_is_one() -> None:
    strange: Any
    for strange in (-1, 2**16, "tcp"):
        with pytest.raises(ValueError, match="not a valid"):
            Protocol(strange)


def test_an_attribute_that_nobody_knows_is_passed_over() -> None:
    assert codec.decode_service(service_answer(attribute(99, b"later"))).service == Service("wrr")
    strange = destination_answer(REAL.address, attribute(99, b"later"))
    assert codec.decode_destination(strange, WEB).destination == Destination(Forwarding.DR, 1)


def test_a_service_by_mark_has_its_family() -> None:
    for family, number in ((4, 2), (6, 10)):
        marked = [attribute(codec.SVC_AF, struct.pack("=H", number)), attribute(codec.SVC_FWMARK, struct.pack("=I", 7))]
        netmask = attribute(codec.SVC_NETMASK, b"\xff" * 4 if family == 4 else struct.pack("=I", 128))
        rest = service_attributes(netmask)
        answer = codec.decode_service(answer_of(codec.ATTR_SERVICE, rest + b"".join(marked)))
        assert (answer.key, answer.service) == (MarkKey(7, family), Service("wrr"))


def test_an_engine_name_longer_than_the_kernels_is_no_request() -> None:
    with pytest.raises(ValueError, match="longer than 15"):
        codec.encode(AddService(WEB, Service("rr", persistence_engine="sixteen_octets__")), FAMILY)


@pytest.mark.parametrize(("service", "address"), [(WEB, REAL.address), (WEB6, REAL6.address)])
def test_a_kernel_that_tells_no_family_means_that_of_the_service(
    service: ServiceKey, address: IPv4Address | IPv6Address
) -> None:
    answer = codec.decode_destination(destination_answer(address, family=False), service)
    assert answer.key == DestinationKey(address, 8080)
