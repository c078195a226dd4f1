"""The configuration as all else uses it: typed, frozen, complete.

Every default is already filled in and every inherited setting resolved, so nothing downstream knows that global defaults or
keepalived.conf exist. Values are hashable or tuples of such, so a reload is the difference of two models.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from healthcheck.types import TlsFiles
from ipvs.types import MarkKey, Tunnel, TunnelChecksum, TunnelType
from vrrpd.config.model.command import Command
from vrrpd.config.model.daemon import (
    AutoPriority,
    CompatMetrics,
    Daemon,
    DBus,
    Fifo,
    Fifos,
    Files,
    IncludeClass,
    ListenAddress,
    Mail,
    Names,
    Namespaces,
    ReceiveBufferPolicy,
    Reload,
    Scheduling,
    Scripts,
    Snmp,
    Vrrp,
)
from vrrpd.config.model.director import (
    AddressRange,
    GroupKey,
    RealServer,
    SorryServer,
    VirtualServer,
    VirtualServerGroup,
    VirtualServerKey,
)
from vrrpd.config.model.kernel import (
    Firewall,
    FlushOnStop,
    IpsetNames,
    Iptables,
    Lvs,
    Nftables,
    NftablesIpvs,
    ReceiveBuffer,
    ReceiveBuffers,
    SyncDaemon,
)
from vrrpd.config.model.links import GarpGroup, LinkDelay, Links, PolledInterface, Static, TrackGroup
from vrrpd.config.model.network import Address, NextHop, Prefix, Route, Rule, VirtualAddress
from vrrpd.config.model.tracking import (
    BfdSession,
    ParameterMatch,
    Tracked,
    Tracker,
    TrackFile,
    Tracking,
    TrackProcess,
    TrackScript,
)
from vrrpd.config.model.vrrp import (
    VRRP_GROUP,
    VRRP_GROUP6,
    Announcements,
    Authentication,
    AuthenticationType,
    HandOver,
    Hmac,
    HmacKey,
    HmacMode,
    IpVlan,
    Notification,
    OldChecksum,
    ReplayProtection,
    SyncGroup,
    Unicast,
    UnicastPeer,
    VirtualMac,
    VirtualRouter,
)

__all__ = [
    "VRRP_GROUP",
    "VRRP_GROUP6",
    "Address",
    "AddressRange",
    "Announcements",
    "Authentication",
    "AuthenticationType",
    "AutoPriority",
    "BfdSession",
    "Command",
    "CompatMetrics",
    "Config",
    "DBus",
    "Daemon",
    "Fifo",
    "Fifos",
    "Files",
    "Firewall",
    "FlushOnStop",
    "GarpGroup",
    "GroupKey",
    "HandOver",
    "Hmac",
    "HmacKey",
    "HmacMode",
    "IncludeClass",
    "IpVlan",
    "IpsetNames",
    "Iptables",
    "LinkDelay",
    "Links",
    "ListenAddress",
    "Lvs",
    "Mail",
    "MarkKey",
    "Names",
    "Namespaces",
    "NextHop",
    "Nftables",
    "NftablesIpvs",
    "Notification",
    "OldChecksum",
    "ParameterMatch",
    "PolledInterface",
    "Prefix",
    "RealServer",
    "ReceiveBuffer",
    "ReceiveBufferPolicy",
    "ReceiveBuffers",
    "Reload",
    "ReplayProtection",
    "Route",
    "Rule",
    "Scheduling",
    "Scripts",
    "Snmp",
    "SorryServer",
    "Static",
    "SyncDaemon",
    "SyncGroup",
    "TlsFiles",
    "TrackFile",
    "TrackGroup",
    "TrackProcess",
    "TrackScript",
    "Tracked",
    "Tracker",
    "Tracking",
    "Tunnel",
    "TunnelChecksum",
    "TunnelType",
    "Unicast",
    "UnicastPeer",
    "VirtualAddress",
    "VirtualMac",
    "VirtualRouter",
    "VirtualServer",
    "VirtualServerGroup",
    "VirtualServerKey",
    "Vrrp",
    "counted",
]


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration, read from one or more files."""

    daemon: Daemon
    virtual_routers: tuple[VirtualRouter, ...] = ()
    virtual_servers: tuple[VirtualServer, ...] = ()
    files: tuple[str, ...] = ()
    """Every file read, the main one first."""
    sync_groups: tuple[SyncGroup, ...] = ()
    tracked: Tracked = field(default_factory=Tracked)
    """What virtual routers and sync groups track by name."""
    static: Static = field(default_factory=Static)
    links: Links = field(default_factory=Links)
    virtual_server_groups: tuple[VirtualServerGroup, ...] = ()
    tls_files: TlsFiles = field(default_factory=TlsFiles)

    def contents(self) -> str:
        """What there is to run, in a few words: `1 virtual router, 1 virtual server with 2 real servers`."""
        parts = []
        if self.virtual_routers:
            parts.append(counted(len(self.virtual_routers), "virtual router"))
        if self.virtual_servers:
            real = sum(len(server.real_servers) for server in self.virtual_servers)
            parts.append(f"{counted(len(self.virtual_servers), 'virtual server')} with {counted(real, 'real server')}")
        return ", ".join(parts) or "nothing to run"


def counted(number: int, what: str) -> str:
    """`1 virtual router`, `2 virtual routers`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
