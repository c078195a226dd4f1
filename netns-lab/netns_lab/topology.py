"""A topology: which hosts stand on the bridge, what they are and what they run.

Read from a short TOML file, whose leading comment is the drawing that people see::

    virtual_address = "192.168.4.15"

    [hosts.lvs1]
    role = "director"                       # client, router, director or real-server
    address = "192.168.4.5/24"              # of eth0
    runs = ["router"]                       # router (a VRRP daemon) and web-server; nothing if left out
    configuration = "lvs1.conf"             # the router's, relative to this file
    further_addresses = ["fd00:4::5/64"]    # of eth0 as well
    gateways = ["192.168.4.1"]              # default routes, one of each family at most
    settings = { "ipv4/ip_forward" = "1" }  # of the kernel, under /proc/sys/net, beside those of the role

Real servers hold `virtual_address` and all `further_virtual_addresses`, which stand beside it if there are any.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from pathlib import Path

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface

TOPOLOGIES = Path(__file__).parents[1] / "topologies"

HOST_KEYS = frozenset({"role", "address", "runs", "configuration", "further_addresses", "gateways", "settings"})
HOST_NAME_LENGTH_MAX = 15
"""A host's name is also its port's on the bridge, and an interface's name has 15 octets (IFNAMSIZ less its terminator)."""


class Role(StrEnum):
    """What a host is in the network, which decides its kernel settings."""

    CLIENT = "client"
    ROUTER = "router"
    """Shares the virtual address with others and serves it by itself."""
    DIRECTOR = "director"
    """Shares the virtual address with others and balances it with IPVS."""
    REAL_SERVER = "real-server"
    """Holds the virtual address on `lo` and keeps quiet about it."""


class Service(StrEnum):
    """What a host runs."""

    ROUTER = "router"
    WEB_SERVER = "web-server"


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One host as the file has it."""

    name: str
    role: Role
    address: Interface
    runs: frozenset[Service] = frozenset()
    configuration: Path | None = None
    """The VRRP daemon's file; set exactly if the host runs a router."""
    further_addresses: tuple[Interface, ...] = ()
    gateways: tuple[Address, ...] = ()
    """Default routes."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the kernel, by path under /proc/sys/net."""


@dataclass(frozen=True, slots=True)
class Topology:
    """All hosts, in the order of the file."""

    name: str
    drawing: str
    virtual_address: Address
    hosts: Mapping[str, HostPlan]
    further_virtual_addresses: tuple[Address, ...] = ()


class TopologyError(ValueError):
    """The file does not describe a topology; the text says where and what was expected."""


def load(name: str) -> Topology:
    """The topology called `name` that comes with the lab.

    Raises TopologyError if there is none, naming those that there are.
    """
    path = TOPOLOGIES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in TOPOLOGIES.glob("*.toml")))
        raise TopologyError(f"no topology {name!r}; there are {known}")
    return parse(name, path.read_text(), path.parent)


def parse(name: str, text: str, directory: Path) -> Topology:
    """Read a topology's text; configuration files are relative to `directory`.

    Raises TopologyError.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TopologyError(f"{name}: {error}") from error
    _only_keys(name, document, {"virtual_address", "further_virtual_addresses", "hosts"})
    hosts = document.get("hosts")
    if not isinstance(hosts, dict) or not hosts:
        raise TopologyError(f"{name}: expected a table [hosts.NAME] for each host")
    try:
        virtual_address = ip_address(document.get("virtual_address", ""))
        further = tuple(map(ip_address, document.get("further_virtual_addresses", [])))
    except ValueError as error:
        raise TopologyError(f"{name}: virtual_address: {error}") from error
    plans = {host: _host(f"{name}: hosts.{host}", host, table, directory) for host, table in hosts.items()}
    return Topology(name, _drawing(text), virtual_address, plans, further)


def _host(where: str, name: str, table: object, directory: Path) -> HostPlan:
    if not isinstance(table, dict):
        raise TopologyError(f"{where}: expected a table")
    _only_keys(where, table, HOST_KEYS)
    if len(name) > HOST_NAME_LENGTH_MAX:
        raise TopologyError(f"{where}: the name is longer than {HOST_NAME_LENGTH_MAX} octets")
    try:
        role = Role(table.get("role", ""))
        address = ip_interface(table.get("address", ""))
        runs = frozenset(Service(service) for service in table.get("runs", []))
        further = tuple(map(ip_interface, table.get("further_addresses", [])))
        gateways = tuple(map(ip_address, table.get("gateways", [])))
    except ValueError as error:
        raise TopologyError(f"{where}: {error}") from error
    configuration = table.get("configuration")
    if (Service.ROUTER in runs) != (configuration is not None):
        raise TopologyError(f"{where}: a host that runs a router has a configuration, and no other has")
    return HostPlan(
        name,
        role,
        address,
        runs,
        None if configuration is None else (directory / configuration).resolve(),
        further,
        gateways,
        dict(table.get("settings", {})),
    )


def _only_keys(where: str, table: Mapping[str, object], known: AbstractSet[str]) -> None:
    if unknown := sorted(table.keys() - known):
        raise TopologyError(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(sorted(known))}")


def _drawing(text: str) -> str:
    """The comment at the top, without its marks."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)
