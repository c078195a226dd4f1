"""Under which keys the kernel has a virtual server (one, or one for each address and mark of its group) and its servers."""

from __future__ import annotations

from collections.abc import Mapping

from ipvs.types import DestinationKey, Forwarding, RowKey, ServiceKey
from vrrpd.config.model import GroupKey, RealServer, SorryServer, VirtualServer, VirtualServerGroup, VirtualServerKey


def services_of(key: VirtualServerKey, groups: Mapping[str, VirtualServerGroup]) -> tuple[RowKey, ...]:
    """The services of a virtual server, each once; of a group that is not there, or of another family, none."""
    if not isinstance(key, GroupKey):
        return (key,)
    group = groups.get(key.group)
    if group is None:
        return ()
    services: dict[RowKey, None] = {}
    for span in group.ranges:
        services.update((ServiceKey(key.protocol, address, span.port), None) for address in span.addresses())
    services.update((mark, None) for mark in group.marks)
    return tuple(services)


def destination_key(service: RowKey, server: RealServer | SorryServer) -> DestinationKey:
    """A server's key among the destinations of a service: only NAT can change the port. 0 leaves it as each packet has it."""
    if server.forwarding is Forwarding.NAT:
        return DestinationKey(server.address, server.port)
    return DestinationKey(server.address, service.port if isinstance(service, ServiceKey) else 0)


def destinations_of(config: VirtualServer, service: RowKey) -> tuple[DestinationKey, ...]:
    """Every destination that a virtual server may ever have in one of its services, each once."""
    sorry = (config.sorry_server,) if config.sorry_server is not None else ()
    return tuple(dict.fromkeys(destination_key(service, server) for server in (*config.real_servers, *sorry)))
