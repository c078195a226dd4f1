"""Which interfaces of which hosts are on one link, and what addresses they have: what the configurations leave to the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from vrrpd.config.model import Address, Config, VirtualRouter
from vrrpd.simulation.elections import all_addresses, interfaces
from vrrpd.simulation.host import Link

Port = tuple[str, str]
"""Host and interface."""


def links(configs: Mapping[str, Config]) -> dict[str, dict[str, Link]]:
    """The interfaces of each host, by host and name.

    Two interfaces are on one segment if they have the same name, or if virtual routers with the same id and an address in
    common run on them. Segments are called by the first interface on them.
    """
    ports = {(host, name): name for host, config in configs.items() for name in _interface_names(config)}
    segment_of = _segments(configs, list(ports))
    names = sorted(set(segment_of.values()))
    found: dict[str, dict[str, Link]] = {host: {} for host in configs}
    for host_number, (host, config) in enumerate(configs.items(), 1):
        for port in (port for port in ports if port[0] == host):
            segment = segment_of[port]
            sources: dict[int, Address] = {
                4: IPv4Address(f"10.0.{names.index(segment)}.{host_number}"),
                6: IPv6Address(f"fe80::{names.index(segment)}:{host_number:x}"),
            }
            sources |= _named_by_peers(host, config, configs)
            found[host][port[1]] = Link(port[1], segment, sources)
    return found


def _interface_names(config: Config) -> list[str]:
    names = {name for router in config.virtual_routers for name in interfaces(router)}
    return sorted(names)


def _segments(configs: Mapping[str, Config], ports: list[Port]) -> dict[Port, str]:
    """The segment of each port. Ports that must be together take the name of the first one."""
    together = {port: port for port in ports}

    def root(port: Port) -> Port:
        while together[port] != port:
            port = together[port]
        return port

    first_by_name: dict[str, Port] = {}
    first_by_service: dict[tuple[int, int, Address], Port] = {}
    for host, router in _routers(configs):
        for entry in router.addresses:
            service = (router.family, router.virtual_router_id, entry.address)
            together[root((host, router.interface))] = root(first_by_service.setdefault(service, (host, router.interface)))
    for port in ports:
        together[root(port)] = root(first_by_name.setdefault(port[1], port))
    return {port: root(port)[1] for port in ports}


def _named_by_peers(host: str, config: Config, configs: Mapping[str, Config]) -> dict[int, Address]:
    """The own addresses of a host with unicast peers: what each of the others has as a peer, and it has not itself."""
    found = {}
    for router in config.virtual_routers:
        if router.unicast is None or router.source_address is not None:
            continue
        own_peers = {peer.address for peer in router.unicast.peers}
        lists = [
            {peer.address for peer in other.unicast.peers}
            for name, other in _routers(configs)
            if name != host and other.unicast is not None and _same_service(router, other)
        ]
        candidates = set.intersection(*lists) - own_peers if lists else set[Address]()
        if len(candidates) == 1:
            found[router.family] = candidates.pop()
    return found


def _same_service(one: VirtualRouter, other: VirtualRouter) -> bool:
    return (one.family, one.virtual_router_id) == (other.family, other.virtual_router_id)


def _routers(configs: Mapping[str, Config]) -> Iterator[tuple[str, VirtualRouter]]:
    return ((host, router) for host, config in configs.items() for router in config.virtual_routers)


def addresses_on(segment: str, configs: Mapping[str, Config], found: Mapping[str, Mapping[str, Link]]) -> list[Address]:
    """Every virtual address of a segment, in the order of the configurations."""
    addresses = [
        entry.address
        for host, router in _routers(configs)
        for entry in all_addresses(router)
        if found[host][entry.interface].segment == segment
    ]
    return list(dict.fromkeys(addresses))
