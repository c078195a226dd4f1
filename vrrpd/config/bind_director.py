"""`virtual_server` -> :class:`vrrpd.config.model.VirtualServer`, in its three forms.

virtual_server 192.168.4.15 80    an address, and a port or all of them
virtual_server fwmark 5           what the packet filter marked
virtual_server group WEB          all that a `virtual_server_group` holds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import cast

from ipvs.types import Protocol, ServiceFlags, ServiceKey
from vrrpd.config.bind_forwarding import DEFAULT_METHOD, bind_method
from vrrpd.config.bind_groups import FAMILIES, family_of
from vrrpd.config.bind_real_servers import Names, alerts, bind_real_servers, bind_sorry_server
from vrrpd.config.commands import bind_command
from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.model import GroupKey, MarkKey, VirtualServer, VirtualServerGroup, VirtualServerKey
from vrrpd.config.near import nearest
from vrrpd.config.settings import flag, merged, setting, switch, word
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, read_address

DEFAULT_PERSISTENCE_S = 360
"""IPVS_SVC_PERSISTENT_TIMEOUT: what keepalived and ipvsadm take where no time is given."""
RAW_FLAGS = {
    "flag-1": ServiceFlags.SCHEDULER_1,
    "flag-2": ServiceFlags.SCHEDULER_2,
    "flag-3": ServiceFlags.SCHEDULER_3,
}
SCHEDULER_FLAGS = {
    "sh-fallback": ("sh", ServiceFlags.SCHEDULER_1),
    "sh-port": ("sh", ServiceFlags.SCHEDULER_2),
    "mh-fallback": ("mh", ServiceFlags.SCHEDULER_1),
    "mh-port": ("mh", ServiceFlags.SCHEDULER_2),
}
HASHING = frozenset({"sh", "mh"})
REFERABLE = ("track_file", "bfd_instance")
"""Blocks that checks name once they are declared."""

Groups = Mapping[str, VirtualServerGroup]


def bind_virtual_servers(root: Node, groups: tuple[VirtualServerGroup, ...], report: Report) -> tuple[VirtualServer, ...]:
    """All virtual servers that are sound. Groups may be declared anywhere, what checks refer to must stand above."""
    settings = merged(root, "global_defs")
    by_name = {group.name: group for group in groups}
    declared: dict[str, dict[str, Node]] = {kind: {} for kind in REFERABLE}
    bound: list[VirtualServer] = []
    seen: dict[VirtualServerKey, Node] = {}
    for node in root.children:
        if not node.sound:
            continue
        if node.name in REFERABLE:
            declared[node.name][printable(cast("str", node.values[0]))] = node
        elif node.name == "virtual_server":
            server = _bind(node, by_name, settings, declared, report)
            if server is not None and not _is_duplicate(node, server.key, seen, report):
                bound.append(server)
    return tuple(bound)


def _is_duplicate(node: Node, key: VirtualServerKey, seen: dict[VirtualServerKey, Node], report: Report) -> bool:
    if key not in seen:
        seen[key] = node
        return False
    what = {ServiceKey: "address, port and protocol have", MarkKey: "mark has", GroupKey: "group and protocol have"}[type(key)]
    report.error(
        Code.DUPLICATE,
        node.line,
        1,
        f"this {what} a virtual server already, at line {seen[key].line.number}",
        assumed="this one is left out",
        note=Note.at(seen[key].line, 1),
    )
    return True


def _bind(node: Node, groups: Groups, settings: Node, names: Names, report: Report) -> VirtualServer | None:
    key = _key(node, groups, report)
    kind = node.last("lb_kind")
    method = bind_method(kind, report) if kind else DEFAULT_METHOD
    if key is None:
        return None
    _assume_default(node, "lb_algo", "wlc", report)
    timeout_s, prefix_length = _persistence(node, key, groups, report)
    _assume_default(node, "lb_kind", "NAT", report)
    real_servers = bind_real_servers(node, key, method, settings, names, report)
    if not real_servers:
        if not node.mentions("real_server"):
            report.error(
                Code.MISSING_SETTING,
                node.line,
                0,
                "a virtual server without `real_server` serves nobody",
                assumed="it is left out",
            )
        return None
    server = VirtualServer(
        key=key,
        scheduler=setting(node, "lb_algo", "wlc"),
        position=node.line.position(),
        flags=_flags(node, key, timeout_s, report),
        persistence_timeout_s=timeout_s,
        persistence_prefix_length=prefix_length,
        real_servers=real_servers,
        smtp_alert=alerts(node, settings, default=False),
        persistence_engine=_persistence_engine(node, key, report) if timeout_s else None,
        sorry_server=bind_sorry_server(node, key, method, real_servers, settings, report),
        omega=flag(node, "omega"),
        ha_suspend=_ha_suspend(node, key, report),
        tells_first_state=switch(settings, "rs_init_notifies", default=False),
        slow_start_s=setting(node, "slow_start", 0.0),
        drain_removed_s=setting(node, "drain_removed", 0.0),
        quorum_up=bind_command(node, "quorum_up", settings, report),
        quorum_down=bind_command(node, "quorum_down", settings, report),
        snmp_name=word(node, "snmp_name"),
    )
    return _with_quorum(server, node, report)


# -- what clients reach --------------------------------------------------------------------------------


def _key(node: Node, groups: Groups, report: Report) -> VirtualServerKey | None:
    """None, with a message, where the words behind `virtual_server` are none of the three forms."""
    words = node.line.words[1:]
    index = 1
    try:
        if words[0] == "fwmark":
            index = 2
            return _mark_key(node, Integer(1).read(words[1] if len(words) > 1 else ""), report)
        if words[0] == "group":
            return _group_key(node, printable(words[1]) if len(words) > 1 else "", groups, report)
        address = read_address(words[0])
        index = 2
        port = Integer(1, 65535).read(words[1]) if len(words) > 1 else 0
    except BadValueError as error:
        near = error.near or (nearest(words[0], ("fwmark", "group")) if index == 1 else None)
        report.error(
            Code.BAD_VALUE,
            node.line,
            index,
            str(error),
            assumed="the virtual server is left out",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return None
    _family(node, address.version, str(address), report)
    return ServiceKey(_protocol(node, report), address, port)


def _mark_key(node: Node, mark: int, report: Report) -> MarkKey:
    """A mark says nothing of the protocol: packets of all are found by it."""
    found = node.last("protocol")
    if found is not None:
        report.warning(Code.CONFLICT, found.line, 0, "a firewall mark stands for every protocol", assumed="it is left out")
    family = node.last("ip_family")
    return MarkKey(mark, FAMILIES[cast("str", family.values[0])] if family else 4)


def _group_key(node: Node, name: str, groups: Groups, report: Report) -> GroupKey | None:
    if name not in groups:
        near = nearest(name, groups)
        report.error(
            Code.UNKNOWN_NAME,
            node.line,
            2,
            f"there is no `virtual_server_group {name}`",
            assumed="the virtual server is left out",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return None
    group = groups[name]
    family = family_of(group)
    _family(node, family, f"the group `{name}`", report)
    if group.ranges:
        return GroupKey(name, _protocol(node, report), family)
    return GroupKey(name, Protocol[setting(node, "protocol", "UDP")], family)


def _family(node: Node, family: int, what: str, report: Report) -> None:
    """Say where `ip_family` is another than that of the addresses."""
    found = node.last("ip_family")
    if found is not None and FAMILIES[cast("str", found.values[0])] != family:
        assumed = "`inet`" if family == 4 else "`inet6`"
        report.error(Code.ADDRESS_FAMILY, found.line, 1, f"{what} is of IPv{family}", assumed=assumed)


def _protocol(node: Node, report: Report) -> Protocol:
    _assume_default(node, "protocol", "UDP", report)
    return Protocol[setting(node, "protocol", "UDP")]


def _assume_default(node: Node, name: str, default: str, report: Report) -> None:
    if not node.mentions(name):
        report.warning(Code.DEFAULT_ASSUMED, node.line, 0, f"the virtual server has no `{name}`", assumed=f"`{name} {default}`")


# -- how connections are spread --------------------------------------------------------------------------------


def _flags(node: Node, key: VirtualServerKey, timeout_s: int, report: Report) -> ServiceFlags:
    flags = ServiceFlags.PERSISTENT if timeout_s else ServiceFlags.NONE
    for name, bit in RAW_FLAGS.items():
        if flag(node, name):
            flags |= bit
    flags |= _scheduler_flags(node, report)
    hashed = node.last("hashed")
    if hashed is not None and setting(node, "lb_algo", "wlc") not in HASHING:
        report.warning(Code.CONFLICT, hashed.line, 0, "`hashed` is for the schedulers sh and mh", assumed="it is left out")
    ops = node.last("ops")
    if ops is not None:
        if isinstance(key, MarkKey) or key.protocol is Protocol.UDP:
            flags |= ServiceFlags.ONE_PACKET
        else:
            report.warning(Code.CONFLICT, ops.line, 0, f"`ops` is for UDP, not {key.protocol.name}", assumed="it is left out")
    return flags


def _scheduler_flags(node: Node, report: Report) -> ServiceFlags:
    """Flags hold only behind the scheduler they belong to: keepalived decides line by line."""
    flags = ServiceFlags.NONE
    chosen = ""
    final = setting(node, "lb_algo", "wlc")
    for child in node.children:
        if child.name == "lb_algo" and child.sound:
            chosen = cast("str", child.values[0])
        if child.name not in SCHEDULER_FLAGS:
            continue
        needed, bit = SCHEDULER_FLAGS[child.name]
        if chosen == final == needed:
            flags |= bit
            continue
        if final == needed:
            report.error(
                Code.CONFLICT,
                child.line,
                0,
                f"`{child.name}` stands before `lb_algo {needed}`",
                assumed="it is left out",
                advice=f"write it below `lb_algo {needed}`",
            )
        else:
            message = f"`{child.name}` is a flag of the scheduler {needed}"
            report.warning(Code.CONFLICT, child.line, 0, message, assumed="it is left out")
    return flags


def _persistence(node: Node, key: VirtualServerKey, groups: Groups, report: Report) -> tuple[int, int | None]:
    """Timeout, 0 for none, and prefix length, None for the whole address. A service without port must be persistent."""
    found = node.last("persistence_timeout")
    timeout_s = setting(node, "persistence_timeout", DEFAULT_PERSISTENCE_S) if found else 0
    whole = 32 if _version(key) == 4 else 128
    prefix_length = _granularity(node, whole, report)
    portless = _is_portless(key, groups)
    if not timeout_s and (portless or prefix_length is not None):
        timeout_s = DEFAULT_PERSISTENCE_S
        if portless:
            report.warning(
                Code.DEFAULT_ASSUMED,
                node.line,
                0,
                "a virtual server without a port must be persistent",
                assumed=f"`persistence_timeout {timeout_s}`",
            )
    return timeout_s, prefix_length if prefix_length != whole else None


def _persistence_engine(node: Node, key: VirtualServerKey, report: Report) -> str | None:
    """SIP's reads nothing but UDP, and with it the kernel turns away every connection of another protocol (ip_vs_pe_sip.c)."""
    found = node.last("persistence_engine")
    if found is None or isinstance(key, MarkKey) or key.protocol is Protocol.UDP:
        return word(node, "persistence_engine")
    report.warning(
        Code.CONFLICT,
        found.line,
        0,
        f"`persistence_engine` is for UDP, not {key.protocol.name}",
        assumed="it is left out",
    )
    return None


def _version(key: VirtualServerKey) -> int:
    return key.address.version if isinstance(key, ServiceKey) else key.family


def _is_portless(key: VirtualServerKey, groups: Groups) -> bool:
    if isinstance(key, GroupKey):
        return any(one.port == 0 for one in groups[key.group].ranges)
    return isinstance(key, ServiceKey) and key.port == 0


def _granularity(node: Node, whole: int, report: Report) -> int | None:
    """A prefix length up to that of the `whole` address, or a netmask of IPv4."""
    found = node.last("persistence_granularity")
    if found is None:
        return None
    text = cast("str", found.values[0])
    try:
        if "." not in text:
            return Integer(1, whole).read(text)
        if whole == 32:
            return ip_network(f"0.0.0.0/{read_address(text)}").prefixlen
    except ValueError:
        pass
    report.error(
        Code.BAD_VALUE,
        found.line,
        1,
        f"`{text}` is neither a netmask nor 1 to 32" if whole == 32 else f"`{text}` is not a prefix length, 1 to 128",
        assumed="the whole address, the default",
    )
    return None


# -- when it counts as up --------------------------------------------------------------------------------


def _ha_suspend(node: Node, key: VirtualServerKey, report: Report) -> bool:
    found = node.last("ha_suspend")
    if found is not None and isinstance(key, MarkKey):
        report.warning(
            Code.CONFLICT, found.line, 0, "a firewall mark is no address that could be here", assumed="it is left out"
        )
        return False
    return found is not None


def _with_quorum(server: VirtualServer, node: Node, report: Report) -> VirtualServer:
    """A quorum that cannot be reached is lowered to all there is, and the hysteresis below it."""
    quorum, hysteresis = setting(node, "quorum", 1), setting(node, "hysteresis", 0)
    total = sum(real.weight for real in server.real_servers)
    found = node.last("quorum")
    if found is not None and quorum > total:
        report.warning(
            Code.REDUCED,
            found.line,
            1,
            f"the real servers weigh {total} in all, less than {quorum}",
            assumed=f"`quorum {max(1, total)}`",
        )
        quorum = max(1, total)
    found = node.last("hysteresis")
    if found is not None and hysteresis >= quorum:
        report.warning(
            Code.REDUCED,
            found.line,
            1,
            f"the hysteresis must be less than the quorum, {quorum}",
            assumed=f"`hysteresis {quorum - 1}`",
        )
        hysteresis = quorum - 1
    return replace(server, quorum=quorum, hysteresis=hysteresis)
