"""Tables for property tests: few addresses, so that rows of two tables often meet."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import (
    Address,
    Destination,
    DestinationKey,
    Forwarding,
    MarkKey,
    Protocol,
    Row,
    RowKey,
    Service,
    ServiceFlags,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

SETTABLE_FLAGS = [flag for flag in ServiceFlags if flag is not ServiceFlags.HASHED]
KERNEL_INT_MAX = 0x7FFF_FFFF
UINT32_MAX = 0xFFFF_FFFF

any_address: st.SearchStrategy[Address] = st.ip_addresses(v=4) | st.ip_addresses(v=6)
ports = st.integers(0, 0xFFFF)
service_keys = st.builds(ServiceKey, st.sampled_from(Protocol), any_address, ports)
mark_keys = st.builds(MarkKey, st.integers(1, UINT32_MAX), st.sampled_from([4, 6]))
row_keys: st.SearchStrategy[RowKey] = service_keys | mark_keys
destination_keys = st.builds(DestinationKey, any_address, ports)
tunnels = st.builds(Tunnel, st.sampled_from(TunnelType), ports, st.sampled_from(TunnelChecksum))
destinations = st.builds(
    Destination,
    st.sampled_from(Forwarding),
    st.integers(0, KERNEL_INT_MAX),
    st.integers(0, UINT32_MAX),
    st.integers(0, UINT32_MAX),
    tunnels,
)


@st.composite
def services_of(draw: st.DrawFn, key: RowKey) -> Service:
    flags = ServiceFlags(0)
    for flag in draw(st.sets(st.sampled_from(SETTABLE_FLAGS))):
        flags |= flag
    return Service(
        scheduler=draw(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=15)),
        flags=flags,
        persistence_timeout_s=draw(st.integers(0, UINT32_MAX)),
        persistence_prefix_length=draw(st.none() | st.integers(1, 32 if key.family == 4 else 128)),
        persistence_netmask=draw(st.none() | st.builds(IPv4Address, st.integers(0, UINT32_MAX))) if key.family == 4 else None,
        persistence_engine=draw(st.none() | st.just("sip")),
    )


few_row_keys: st.SearchStrategy[RowKey] = st.sampled_from(
    [
        *(ServiceKey(protocol, IPv4Address("192.0.2.1"), 53) for protocol in Protocol),
        ServiceKey(Protocol.TCP, IPv6Address("2001:db8::1"), 80),
        MarkKey(7),
        MarkKey(7, 6),
    ]
)
few_destination_keys = st.sampled_from(
    [DestinationKey(IPv4Address(f"198.51.100.{i}"), 80) for i in range(3)] + [DestinationKey(IPv6Address("2001:db8::2"), 80)]
)
few_services = st.builds(
    Service,
    st.sampled_from(["rr", "wrr"]),
    st.sampled_from([ServiceFlags.NONE, ServiceFlags.PERSISTENT, ServiceFlags.HASHED]),
    st.sampled_from([0, 300]),
    st.sampled_from([None, 24, 32]),
    st.sampled_from([None, IPv4Address("255.255.255.0"), IPv4Address("255.0.255.0")]),
    st.sampled_from([None, "sip"]),
)
few_destinations = st.builds(
    Destination,
    st.sampled_from([Forwarding.DR, Forwarding.TUN]),
    st.integers(0, 2),
    tunnel=st.sampled_from([Tunnel(), Tunnel(TunnelType.GUE, 6080), Tunnel(TunnelType.GRE, 0, TunnelChecksum.CSUM)]),
)
rows = st.builds(Row, few_services, st.dictionaries(few_destination_keys, few_destinations))
tables = st.dictionaries(few_row_keys, rows)
ownerships = st.dictionaries(few_row_keys, st.frozensets(few_destination_keys))


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    service_key = draw(row_keys)
    kind = draw(st.sampled_from([AddService, SetService, DeleteService, AddDestination, SetDestination, DeleteDestination]))
    if kind is AddService or kind is SetService:
        return kind(service_key, draw(services_of(service_key)))
    if kind is DeleteService:
        return DeleteService(service_key)
    if kind is AddDestination or kind is SetDestination:
        return kind(service_key, draw(destination_keys), draw(destinations))
    return DeleteDestination(service_key, draw(destination_keys))
