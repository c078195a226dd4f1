"""What `global_defs` asks of the kernel -> :mod:`vrrpd.config.model.kernel`: packet filter, IPVS, receive buffers."""

from __future__ import annotations

from dataclasses import fields
from typing import cast

from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.model import (
    Address,
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
from vrrpd.config.settings import flag, number, setting, switch
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, InterfaceName, IpAddress
from vrrpd.config.words import Words, read_entry

CHAIN_NAME_MAX = 27
"""iptables refuses longer names of chains (XT_EXTENSION_MAXNAMELEN of include/uapi/linux/netfilter/x_tables.h, less 2)."""

# -- packet filter --------------------------------------------------------------------------------


def bind_firewall(settings: Node, report: Report) -> Firewall:
    """Which of iptables and nftables holds the rules, and where."""
    return Firewall(
        iptables=_iptables(settings, report),
        ipsets=_ipsets(settings, report),
        nftables=_nftables(settings),
        nftables_ipvs=_nftables_ipvs(settings),
    )


def _iptables(settings: Node, report: Report) -> Iptables | None:
    """Two chains, or that for input alone; those of the system where none is named."""
    found = settings.last("vrrp_iptables")
    if found is None:
        return None
    names = [printable(name) for name in cast("list[str]", found.values)]
    message = None
    if any(len(name) > CHAIN_NAME_MAX for name in names):
        message = f"the name of a chain has {CHAIN_NAME_MAX} characters at most"
    elif len(names) != len(set(names)):
        message = "the chains for input and output must differ"
    if message:
        report.error(Code.BAD_VALUE, found.line, 1, message, assumed="the chains INPUT and OUTPUT")
        return Iptables()
    if len(names) > 2:
        assumed = f"`vrrp_iptables {names[0]} {names[1]}`"
        report.warning(Code.SURPLUS_WORDS, found.line, 3, f"`{names[2]}` has no effect", assumed=assumed)
    return Iptables(names[0], names[1] if len(names) > 1 else None) if names else Iptables()


def _ipsets(settings: Node, report: Report) -> IpsetNames | None:
    """The names given replace the first of the usual ones; the bare keyword does without sets."""
    found = settings.last("vrrp_ipsets")
    if found is None:
        return IpsetNames()
    given = [printable(name) for name in cast("list[str]", found.values)]
    if not given:
        return None
    usual = [str(one.default) for one in fields(IpsetNames)]
    if len(given) > len(usual):
        message = f"there are {len(usual)} sets, and `{given[len(usual)]}` is the name of none"
        report.warning(Code.SURPLUS_WORDS, found.line, len(usual) + 1, message, assumed="it is left out")
    names = (given + usual[len(given) :])[: len(usual)]
    if len(set(names)) != len(names):
        report.error(Code.BAD_VALUE, found.line, 1, "each set needs a name of its own", assumed="the usual names")
        return IpsetNames()
    return IpsetNames(*names)


def _nftables(settings: Node) -> Nftables | None:
    if not flag(settings, "nftables"):
        return None
    return Nftables(
        table=printable(setting(settings, "nftables", Nftables().table)),
        priority=setting(settings, "nftables_priority", Nftables().priority),
        match_interface_index=flag(settings, "nftables_ifindex"),
        counters=flag(settings, "nftables_counters"),
    )


def _nftables_ipvs(settings: Node) -> NftablesIpvs | None:
    if not flag(settings, "nftables_ipvs"):
        return None
    return NftablesIpvs(
        table=printable(setting(settings, "nftables_ipvs", NftablesIpvs().table)),
        priority=setting(settings, "nftables_ipvs_priority", NftablesIpvs().priority),
        first_mark=setting(settings, "nftables_ipvs_start_fwmark", NftablesIpvs().first_mark),
    )


# -- IPVS --------------------------------------------------------------------------------

TIMEOUT = Integer(0, 2_678_400)
"""31 days, keepalived's limit."""
SYNC_OPTIONS = {
    "id": Integer(0, 255),
    "maxlen": Integer(1, 65507),
    "port": Integer(1, 65535),
    "ttl": Integer(1, 255),
}
"""Ranges of IPVS_DAEMON_ATTR_* of include/uapi/linux/ip_vs.h."""


def bind_lvs(settings: Node, ours: Node, report: Report) -> Lvs:
    """Settings of the kernel's balancer as a whole; `ours` is the `vrrpd` block."""
    timeouts = _timeouts(settings, report)
    stop = settings.last("lvs_flush_on_stop")
    return Lvs(
        tcp_timeout_s=timeouts.get("tcp"),
        tcp_fin_timeout_s=timeouts.get("tcpfin"),
        udp_timeout_s=timeouts.get("udp"),
        flush=flag(settings, "lvs_flush"),
        flush_on_stop=FlushOnStop(stop.values[0] if stop.values else "everything") if stop else FlushOnStop.NOTHING,
        sync_daemon=_sync_daemon(settings, report),
        expire_dead_connections=switch(ours, "expire_dead_connections", default=False),
    )


def _timeouts(settings: Node, report: Report) -> dict[str, int]:
    """Seconds by kind; 0 is as if the kind were not named."""
    timeouts_s: dict[str, int] = {}

    def read(words: Words) -> dict[str, int]:
        given_s = {}
        while words.next is not None:
            kind = words.take()
            if kind not in {"tcp", "tcpfin", "udp"}:
                raise words.unknown(("tcp", "tcpfin", "udp"))
            given_s[kind] = words.read(TIMEOUT.read)
        return given_s

    for found in settings.all("lvs_timeouts"):
        timeouts_s.update(read_entry(Words(found.line, 1), read, "line of timeouts", report) or {})
    return {kind: timeout_s for kind, timeout_s in timeouts_s.items() if timeout_s}


def _sync_daemon(settings: Node, report: Report) -> SyncDaemon | None:
    found = settings.last("lvs_sync_daemon")
    return read_entry(Words(found.line, 1), _read_sync_daemon, "synchronisation of connections", report) if found else None


def _read_sync_daemon(words: Words) -> SyncDaemon:
    """INTERFACE [[inst] INSTANCE] [id ID] [maxlen OCTETS] [port PORT] [ttl TTL] [group ADDRESS]"""
    interface = InterfaceName().read(words.take())
    options = (*SYNC_OPTIONS, "group")
    virtual_router = None
    if words.take_if("inst"):
        virtual_router = words.read(printable)
    elif words.next is not None and words.next not in options:
        virtual_router = printable(words.take())
    given: dict[str, int] = {}
    group: Address | None = None
    while words.next is not None:
        option = words.take()
        if option == "group":
            group = words.read(IpAddress(multicast=True).read)
        elif option in SYNC_OPTIONS:
            given[option] = words.read(SYNC_OPTIONS[option].read)
        elif option.isdigit():
            raise BadValueError(f"the number {option} needs `id` in front of it", f"id {option}")
        else:
            raise words.unknown(options)
    return SyncDaemon(
        interface, virtual_router, given.get("id"), given.get("maxlen"), given.get("port"), given.get("ttl"), group
    )


# -- netlink --------------------------------------------------------------------------------


def bind_receive_buffers(settings: Node) -> ReceiveBuffers:
    """How much each kind of netlink socket takes in."""

    def buffer(name: str) -> ReceiveBuffer:
        return ReceiveBuffer(number(settings, name), switch(settings, f"{name}_force", default=False))

    return ReceiveBuffers(
        router_commands=buffer("vrrp_netlink_cmd_rcv_bufs"),
        router_monitor=buffer("vrrp_netlink_monitor_rcv_bufs"),
        director_commands=buffer("lvs_netlink_cmd_rcv_bufs"),
        director_monitor=buffer("lvs_netlink_monitor_rcv_bufs"),
        process_monitor=buffer("process_monitor_rcv_bufs"),
    )
