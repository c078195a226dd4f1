"""What concerns IPVS as a whole, as values and as octets: its version, time-outs, synchronisation daemons, counters and flush.

Attributes are those of include/uapi/linux/ip_vs.h; their meaning is that of net/netfilter/ipvs/ip_vs_ctl.c and ip_vs_sync.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from ipvs.codec import NUMBER, Command, nest, number, request, service_identity, text
from ipvs.genetlink import GENERIC_HEADER
from ipvs.netlink import attribute, attributes, nested
from ipvs.types import Address, RowKey

ATTR_DAEMON, ATTR_TIMEOUT_TCP, ATTR_TIMEOUT_TCP_FIN, ATTR_TIMEOUT_UDP = 3, 4, 5, 6  # IPVS_CMD_ATTR_*
DAEMON_STATE, DAEMON_MCAST_IFN, DAEMON_SYNC_ID, DAEMON_SYNC_MAXLEN = 1, 2, 3, 4  # IPVS_DAEMON_ATTR_*
DAEMON_MCAST_GROUP, DAEMON_MCAST_GROUP6, DAEMON_MCAST_PORT, DAEMON_MCAST_TTL = 5, 6, 7, 8
INFO_VERSION, INFO_CONN_TAB_SIZE = 1, 2  # IPVS_INFO_ATTR_*


@dataclass(frozen=True, slots=True)
class Info:
    """What the kernel says of IPVS as a whole."""

    version: tuple[int, int, int]
    connection_table_size: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an idle connection is remembered. Those set: None, as 0, leaves one as it is."""

    tcp_s: int | None = None
    tcp_fin_s: int | None = None
    """After a FIN."""
    udp_s: int | None = None


class SyncRole(IntEnum):
    """Which way connections are synchronised (IP_VS_STATE_*). A network namespace can have one daemon of each role."""

    MASTER = 1
    BACKUP = 2


@dataclass(frozen=True, slots=True)
class SyncDaemon:
    """The kernel thread that tells other directors of connections, or hears of theirs. None leaves the choice to the kernel,
    which says what it chose when it is asked for its daemons.
    """

    role: SyncRole
    interface: str
    sync_id: int = 0
    """0 to 255: a backup hears masters with its own number; with 0 every master."""
    message_octets_max: int | None = None
    """1 to 65,535; the kernel takes what the interface's MTU leaves."""
    group: Address | None = None
    """Multicast; the kernel takes 224.0.0.81."""
    port: int | None = None
    """UDP; the kernel takes 8848."""
    ttl: int | None = None
    """The kernel takes 1."""

    def is_met_by(self, running: SyncDaemon) -> bool:
        """Whether a daemon that the kernel has is the one that is asked for here."""
        choices = (
            (self.message_octets_max, running.message_octets_max),
            (self.group, running.group),
            (self.port, running.port),
            (self.ttl, running.ttl),
        )
        return (self.role, self.interface, self.sync_id) == (running.role, running.interface, running.sync_id) and all(
            asked is None or asked == found for asked, found in choices
        )


# ---- requests


def get_info(family: int) -> bytes:
    """The request for version and table size."""
    return request(family, Command.GET_INFO)


def zero(family: int, key: RowKey | None) -> bytes:
    """The request to begin counting anew: for one service with its destinations, or for all."""
    return request(family, Command.ZERO, b"" if key is None else service_identity(key))


def flush(family: int) -> bytes:
    """The request to delete every service."""
    return request(family, Command.FLUSH)


def get_timeouts(family: int) -> bytes:
    """The request for the time-outs."""
    return request(family, Command.GET_CONFIG)


def set_timeouts(family: int, timeouts: Timeouts) -> bytes:
    """The request that sets those that are not None."""
    wanted = (
        (ATTR_TIMEOUT_TCP, timeouts.tcp_s),
        (ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin_s),
        (ATTR_TIMEOUT_UDP, timeouts.udp_s),
    )
    payload = b"".join(attribute(kind, NUMBER[4].pack(value)) for kind, value in wanted if value)
    return request(family, Command.SET_CONFIG, payload)


def dump_daemons(family: int) -> bytes:
    """The request for the daemons that run (to be sent as a dump)."""
    return request(family, Command.GET_DAEMON)


def start_daemon(family: int, daemon: SyncDaemon) -> bytes:
    """The request to start a daemon."""
    parts = [
        attribute(DAEMON_STATE, NUMBER[4].pack(daemon.role)),
        attribute(DAEMON_MCAST_IFN, daemon.interface.encode("utf-8", errors="surrogateescape") + b"\0"),
        attribute(DAEMON_SYNC_ID, NUMBER[4].pack(daemon.sync_id)),
    ]
    if daemon.message_octets_max is not None:
        parts.append(attribute(DAEMON_SYNC_MAXLEN, NUMBER[2].pack(daemon.message_octets_max)))
    if daemon.group is not None:
        kind = DAEMON_MCAST_GROUP if daemon.group.version == 4 else DAEMON_MCAST_GROUP6
        parts.append(attribute(kind, daemon.group.packed))
    if daemon.port is not None:
        parts.append(attribute(DAEMON_MCAST_PORT, NUMBER[2].pack(daemon.port)))
    if daemon.ttl is not None:
        parts.append(attribute(DAEMON_MCAST_TTL, NUMBER[1].pack(daemon.ttl)))
    return request(family, Command.NEW_DAEMON, nested(ATTR_DAEMON, *parts))


def stop_daemon(family: int, role: SyncRole) -> bytes:
    """The request to stop the daemon of a role."""
    return request(family, Command.DEL_DAEMON, nested(ATTR_DAEMON, attribute(DAEMON_STATE, NUMBER[4].pack(role))))


# ---- answers


def decode_info(payload: memoryview) -> Info:
    """The answer to `get_info`."""
    found = dict(attributes(payload[GENERIC_HEADER.size :]))
    version = number(found[INFO_VERSION])
    return Info(
        version=(version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF),  # NVERSION() in include/net/ip_vs.h
        connection_table_size=number(found[INFO_CONN_TAB_SIZE]),
    )


def decode_timeouts(payload: memoryview) -> Timeouts:
    """The answer to `get_timeouts`; a kernel without a protocol says nothing of it."""
    found = dict(attributes(payload[GENERIC_HEADER.size :]))
    tcp, tcp_fin, udp = (
        number(found[kind]) if kind in found else None for kind in (ATTR_TIMEOUT_TCP, ATTR_TIMEOUT_TCP_FIN, ATTR_TIMEOUT_UDP)
    )
    return Timeouts(tcp, tcp_fin, udp)


def decode_daemon(payload: memoryview) -> SyncDaemon:
    """A daemon out of a dump. Kernels before 4.3 say nothing of length, group, port and TTL."""
    found = nest(payload, ATTR_DAEMON)
    length, port, ttl = (
        number(found[kind]) if kind in found else None for kind in (DAEMON_SYNC_MAXLEN, DAEMON_MCAST_PORT, DAEMON_MCAST_TTL)
    )
    group: Address | None = None
    if DAEMON_MCAST_GROUP in found:
        group = IPv4Address(bytes(found[DAEMON_MCAST_GROUP]))
    elif DAEMON_MCAST_GROUP6 in found:
        group = IPv6Address(bytes(found[DAEMON_MCAST_GROUP6]))
    return SyncDaemon(
        role=SyncRole(number(found[DAEMON_STATE])),
        interface=text(found[DAEMON_MCAST_IFN]),
        sync_id=number(found[DAEMON_SYNC_ID]),
        message_octets_max=length,
        group=group,
        port=port,
        ttl=ttl,
    )
