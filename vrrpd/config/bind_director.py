"""`virtual_server` -> :class:`vrrpd.config.model.VirtualServer`, with its real servers and their checks.

Settings of checks come from the check, else its real server, else its virtual server, else the check's own defaults.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import cast

from healthcheck.types import Pace, TcpCheck
from ipvs.types import Forwarding, Protocol, ServiceFlags
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import is_undefined
from vrrpd.config.model import Address, RealServer, VirtualServer
from vrrpd.config.near import nearest
from vrrpd.config.settings import address, flag, merged, setting, switch, word
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, read_address

PORTLESS_PERSISTENCE_S = 360
"""IPVS_SVC_PERSISTENT_TIMEOUT: what keepalived and ipvsadm take where no time is given."""
FORWARDING = {"NAT": Forwarding.NAT, "DR": Forwarding.DR, "TUN": Forwarding.TUN}
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


def bind_virtual_servers(root: Node, report: Report) -> tuple[VirtualServer, ...]:
    """All virtual servers that can be served as configured."""
    settings = merged(root, "global_defs")
    bound: list[VirtualServer] = []
    seen: dict[object, Node] = {}
    for node in root.all("virtual_server"):
        server = _bind(node, settings, report)
        if server is None:
            continue
        key = (server.address, server.port, server.protocol)
        if key in seen:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"this address, port and protocol have a virtual server already, at line {seen[key].line.number}",
                assumed="this one is left out",
            )
            continue
        seen[key] = node
        bound.append(server)
    return tuple(bound)


def _bind(node: Node, settings: Node, report: Report) -> VirtualServer | None:
    key = _key(node, report)
    if key is None:
        return None
    where, port = key
    protocol = _protocol(node, report)
    scheduler = setting(node, "lb_algo", "wlc")
    _assume_default(node, "lb_algo", "wlc", report)
    timeout_s, prefix_length = _persistence(node, port, report)
    server = VirtualServer(
        address=where,
        port=port,
        protocol=protocol,
        scheduler=scheduler,
        position=node.line.position(),
        flags=_flags(node, scheduler, protocol, timeout_s, report),
        persistence_timeout_s=timeout_s,
        persistence_prefix_length=prefix_length,
        real_servers=_real_servers(node, where, port, settings, report),
        smtp_alert=switch(
            node, "smtp_alert", switch(settings, "smtp_alert_checker", switch(settings, "smtp_alert", default=False))
        ),
    )
    if not server.real_servers:
        if not node.mentions("real_server"):
            report.error(
                Code.MISSING_SETTING,
                node.line,
                0,
                "a virtual server without `real_server` serves nobody",
                assumed="it is left out",
            )
        return None
    return _with_quorum(server, node, report)


def _key(node: Node, report: Report) -> tuple[Address, int] | None:
    """Address and port, 0 without one; None, with a message, where there is none that is built."""
    words = node.line.words[1:]
    if words[0] in {"fwmark", "group"}:
        report.error(
            Code.NOT_BUILT,
            node.line,
            1,
            f"`virtual_server {words[0]}` is not built yet",
            assumed="the virtual server is left out",
        )
        return None
    try:
        index = 1
        where = read_address(words[0])
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
    if not isinstance(where, IPv4Address):
        report.error(
            Code.NOT_BUILT, node.line, 1, "virtual servers of IPv6 are not built yet", assumed="the virtual server is left out"
        )
        return None
    family = node.last("ip_family")
    if family is not None and family.values[0] != "inet":
        report.error(Code.ADDRESS_FAMILY, family.line, 1, f"{where} is of IPv4", assumed="`inet`")
    return where, port


def _assume_default(node: Node, name: str, default: str, report: Report) -> None:
    if not node.mentions(name):
        report.warning(Code.DEFAULT_ASSUMED, node.line, 0, f"the virtual server has no `{name}`", assumed=f"`{name} {default}`")


def _protocol(node: Node, report: Report) -> Protocol:
    _assume_default(node, "protocol", "UDP", report)
    return Protocol[setting(node, "protocol", "UDP")]


def _flags(node: Node, scheduler: str, protocol: Protocol, timeout_s: int, report: Report) -> ServiceFlags:
    flags = ServiceFlags.PERSISTENT if timeout_s else ServiceFlags.NONE
    for name, bit in RAW_FLAGS.items():
        if flag(node, name):
            flags |= bit
    for name, (needed, bit) in SCHEDULER_FLAGS.items():
        found = node.last(name)
        if found is None:
            continue
        if scheduler == needed:
            flags |= bit
        else:
            report.warning(
                Code.CONFLICT, found.line, 0, f"`{name}` is a flag of the scheduler {needed}", assumed="it is left out"
            )
    ops = node.last("ops")
    if ops is not None:
        if protocol is Protocol.UDP:
            flags |= ServiceFlags.ONE_PACKET
        else:
            report.warning(Code.CONFLICT, ops.line, 0, f"`ops` is for UDP, not {protocol.name}", assumed="it is left out")
    return flags


def _persistence(node: Node, port: int, report: Report) -> tuple[int, int | None]:
    """Timeout, 0 for none, and prefix length, None for the whole address. A service without port must be persistent."""
    found = node.last("persistence_timeout")
    timeout_s = setting(node, "persistence_timeout", PORTLESS_PERSISTENCE_S) if found else 0
    prefix_length = _granularity(node, report)
    if not timeout_s and (port == 0 or prefix_length is not None):
        timeout_s = PORTLESS_PERSISTENCE_S
        if port == 0:
            report.warning(
                Code.DEFAULT_ASSUMED,
                node.line,
                0,
                "a virtual server without a port must be persistent",
                assumed=f"`persistence_timeout {timeout_s}`",
            )
    return timeout_s, prefix_length if prefix_length != 32 else None


def _granularity(node: Node, report: Report) -> int | None:
    found = node.last("persistence_granularity")
    if found is None:
        return None
    text = cast("str", found.values[0])
    try:
        if "." not in text:
            return Integer(1, 32).read(text)
        return ip_network(f"0.0.0.0/{read_address(text)}").prefixlen
    except ValueError:
        report.error(
            Code.BAD_VALUE,
            found.line,
            1,
            f"`{text}` is neither a netmask nor 1 to 32",
            assumed="the whole address, the default",
        )
        return None


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


# -- real servers --------------------------------------------------------------------------------


def _real_servers(node: Node, where: Address, port: int, settings: Node, report: Report) -> tuple[RealServer, ...]:
    inherited_forwarding = Forwarding.NAT
    _assume_default(node, "lb_kind", "NAT", report)
    if (kind := node.last("lb_kind")) is not None:
        chosen = _forwarding(kind, report)
        if chosen is None:
            return ()
        inherited_forwarding = chosen
    bound: list[RealServer] = []
    seen: set[object] = set()
    for child in node.all("real_server"):
        server = _real_server(child, node, where, port, inherited_forwarding, settings, report)
        if server is None:
            continue
        if (server.address, server.port) in seen:
            report.error(
                Code.DUPLICATE,
                child.line,
                1,
                f"{server.address} port {server.port} is there already",
                assumed="this real server is left out",
            )
            continue
        seen.add((server.address, server.port))
        bound.append(server)
    return tuple(bound)


def _real_server(
    node: Node, virtual: Node, where: Address, port: int, forwarding: Forwarding, settings: Node, report: Report
) -> RealServer | None:
    own = cast("Address", node.values[0])
    if type(own) is not type(where):
        report.error(
            Code.ADDRESS_FAMILY, node.line, 1, f"{own} and {where} are of two families", assumed="the real server is left out"
        )
        return None
    method = node.last("lvs_method")
    if method is not None:
        chosen = _forwarding(method, report)
        if chosen is None:
            return None
        forwarding = chosen
    written = cast("int", node.values[1]) if len(node.values) > 1 else 0
    if forwarding is not Forwarding.NAT and written != port and len(node.values) > 1:
        report.warning(
            Code.CONFLICT,
            node.line,
            2,
            f"{forwarding.name} cannot change the port",
            assumed=f"connections go to port {port}, checks to port {written}" if port else "connections keep their port",
        )
    checks = node.all("TCP_CHECK")
    return RealServer(
        address=own,
        port=written if forwarding is Forwarding.NAT else port,
        weight=setting(node, "weight", setting(virtual, "weight", 1)),
        forwarding=forwarding,
        position=node.line.position(),
        upper_threshold=setting(node, "uthreshold", 0),
        lower_threshold=setting(node, "lthreshold", 0),
        inhibit_on_failure=switch(node, "inhibit_on_failure", flag(virtual, "inhibit_on_failure")),
        alpha=switch(node, "alpha", flag(virtual, "alpha")) or any(switch(check, "alpha", default=False) for check in checks),
        checks=tuple(_tcp_check(check, node, virtual, own, written, settings, report) for check in checks),
        smtp_alert=switch(
            node, "smtp_alert", switch(settings, "smtp_alert_checker", switch(settings, "smtp_alert", default=True))
        ),
    )


def _forwarding(node: Node, report: Report) -> Forwarding | None:
    """`NAT`, `DR` or `TUN [type ipip]`; None, with a message, for what is not built or no method at all."""
    words = node.line.words[1:]
    if is_undefined(" ".join(words)):
        return None
    forwarding = FORWARDING.get(words[0])
    if forwarding is None:
        near = next((name for name in FORWARDING if name == words[0].upper()), None)
        report.error(
            Code.BAD_VALUE,
            node.line,
            1,
            f"`{words[0]}` is not one of NAT, DR, TUN",
            assumed="`NAT`, the default",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return Forwarding.NAT
    options = words[1:]
    if forwarding is Forwarding.TUN and options[:1] == ["type"] and options[1:2] != ["ipip"]:
        report.error(
            Code.NOT_BUILT,
            node.line,
            3,
            f"tunnels of type {' '.join(options[1:2])} are not built yet",
            assumed="what uses them is left out",
        )
        return None
    surplus = 3 if options[:2] == ["type", "ipip"] and forwarding is Forwarding.TUN else 1
    if surplus < len(words):
        report.warning(
            Code.SURPLUS_WORDS,
            node.line,
            surplus + 1,
            f"`{words[surplus]}` has no effect",
            assumed=f"`{' '.join(words[:surplus])}`",
        )
    return forwarding


def _tcp_check(check: Node, real: Node, virtual: Node, own: Address, written: int, settings: Node, report: Report) -> TcpCheck:
    """The check asks the port as written, whatever port connections go to."""

    def inherited(name: str, default: float) -> float:
        return setting(check, name, setting(real, name, setting(virtual, name, default)))

    warmup_s = inherited("warmup", -1.0)
    port = setting(check, "connect_port", written)
    if port == 0:
        report.warning(
            Code.CHECK_WITHOUT_PORT,
            check.line,
            0,
            "neither the real server nor the check names a port",
            assumed="port 0, which nobody answers",
            advice="add `connect_port`",
        )
    return TcpCheck(
        address=address(check, "connect_ip") or own,
        port=port,
        pace=Pace(
            delay_loop_s=inherited("delay_loop", 60.0),
            retry=int(inherited("retry", 1)),
            delay_before_retry_s=inherited("delay_before_retry", 1.0),
            warmup_s=None if warmup_s < 0 else warmup_s,
        ),
        connect_timeout_s=inherited("connect_timeout", 5.0),
        bind_address=address(check, "bindto"),
        bind_port=setting(check, "bind_port", 0),
        bind_interface=word(check, "bind_if"),
        mark=setting(check, "fwmark", 0),
        log_all_failures=switch(check, "log_all_failures", switch(settings, "checker_log_all_failures", default=False)),
    )
