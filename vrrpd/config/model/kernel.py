"""What the daemon as a whole wants of the kernel: packet filter, IPVS, netlink."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vrrpd.config.model.network import Address


@dataclass(frozen=True, slots=True)
class Iptables:
    """Rules go into these chains of iptables; None sets no rules of that direction."""

    input_chain: str | None = "INPUT"
    output_chain: str | None = "OUTPUT"


@dataclass(frozen=True, slots=True)
class IpsetNames:
    """The sets that iptables' rules refer to."""

    ipv4: str = "keepalived"
    ipv6: str = "keepalived6"
    ipv6_with_interface: str = "keepalived_if6"
    igmp: str = "keepalived_igmp"
    mld: str = "keepalived_mld"
    neighbour_discovery: str = "keepalived_nd"


@dataclass(frozen=True, slots=True)
class Nftables:
    """Rules go into a table of nftables."""

    table: str = "keepalived"
    priority: int = -1
    """Of the chains; -1 is before `filter`."""
    match_interface_index: bool = False
    """Interfaces are matched by index instead of name."""
    counters: bool = False


@dataclass(frozen=True, slots=True)
class NftablesIpvs:
    """Groups of virtual servers are mapped onto firewall marks by nftables."""

    table: str = "keepalived_ipvs"
    priority: int = -1
    first_mark: int = 1000


@dataclass(frozen=True, slots=True)
class Firewall:
    """How packets to virtual addresses are kept away, where that is wanted."""

    iptables: Iptables | None = None
    ipsets: IpsetNames | None = IpsetNames()
    """None writes each address into a rule of its own. Only for iptables."""
    nftables: Nftables | None = None
    """Used also where neither is configured and rules are needed."""
    nftables_ipvs: NftablesIpvs | None = None


class FlushOnStop(Enum):
    """What is taken out of IPVS at the end, beside our own rows."""

    NOTHING = "nothing"
    VIRTUAL_SERVERS = "VS"
    """Our services are deleted without their destinations being deleted one by one."""
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class SyncDaemon:
    """IPVS tells its connections to the backup directors."""

    interface: str
    virtual_router: str | None = None
    """Whose state decides who sends and who receives; None does both."""
    sync_id: int | None = None
    """None is the virtual router's number."""
    max_octets: int | None = None
    """Of one message; None, here and below, is the kernel's default."""
    port: int | None = None
    ttl: int | None = None
    group: Address | None = None


@dataclass(frozen=True, slots=True)
class Lvs:
    """What holds for IPVS as a whole. Timeouts of connections: None leaves the kernel's."""

    tcp_timeout_s: int | None = None
    tcp_fin_timeout_s: int | None = None
    udp_timeout_s: int | None = None
    flush: bool = False
    """Empty the table at the start."""
    flush_on_stop: FlushOnStop = FlushOnStop.NOTHING
    sync_daemon: SyncDaemon | None = None
    expire_dead_connections: bool = False
    """Connections and persistent clients leave a server that was removed or gets nobody new."""


@dataclass(frozen=True, slots=True)
class ReceiveBuffer:
    """How much a socket takes in before it must be read."""

    octets: int | None = None
    """None is the system's default."""
    force: bool = False
    """Exceed the system's limit."""


@dataclass(frozen=True, slots=True)
class ReceiveBuffers:
    """Of the netlink sockets."""

    router_commands: ReceiveBuffer = ReceiveBuffer()
    router_monitor: ReceiveBuffer = ReceiveBuffer()
    director_commands: ReceiveBuffer = ReceiveBuffer()
    director_monitor: ReceiveBuffer = ReceiveBuffer()
    process_monitor: ReceiveBuffer = ReceiveBuffer()
