"""`real_server` and `sorry_server` -> :class:`vrrpd.config.model.RealServer` and :class:`vrrpd.config.model.SorryServer`.

What the kernel would refuse is left out here (net/netfilter/ipvs/ip_vs_ctl.c): an address that is not of a single host
(ip_vs_new_dest); a server of the other family without a tunnel to it, or where connections are synchronised
(ip_vs_genl_set_cmd).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Network
from typing import cast

from ipvs.types import Forwarding, ServiceKey
from vrrpd.config.bind_checks import bind_checks
from vrrpd.config.bind_forwarding import Method, bind_method
from vrrpd.config.check_layers import Surroundings
from vrrpd.config.commands import bind_command
from vrrpd.config.diagnostics import Code, Note, Report
from vrrpd.config.model import Address, GroupKey, RealServer, SorryServer, VirtualServerKey
from vrrpd.config.settings import flag, setting, switch, word
from vrrpd.config.tree import Node

LIMITED_BROADCAST = IPv4Address("255.255.255.255")
LINK_LOCAL_6 = IPv6Network("fe80::/10")
"""Of which the kernel could not tell on which link."""
Names = Mapping[str, Mapping[str, Node]]
"""Blocks that checks may refer to: by kind, then by name."""


def bind_real_servers(
    virtual: Node, key: VirtualServerKey, method: Method, settings: Node, names: Names, report: Report
) -> tuple[RealServer, ...]:
    """The real servers of the virtual server `key`; `method` is how packets reach those that do not say it themselves."""
    bound: list[RealServer] = []
    seen: dict[object, Node] = {}
    for node in virtual.all("real_server"):
        server = _real_server(node, virtual, key, method, settings, names, report)
        if server is None:
            continue
        where = (server.address, server.port)
        if where in seen:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"{server.address} port {server.port} is there already",
                assumed="this real server is left out",
                note=Note.at(seen[where].line, 1),
            )
            continue
        seen[where] = node
        bound.append(server)
    return tuple(bound)


def bind_sorry_server(
    virtual: Node, key: VirtualServerKey, method: Method, real_servers: tuple[RealServer, ...], settings: Node, report: Report
) -> SorryServer | None:
    """Who serves without quorum. One that is a real server too is inhibited, or not, as that one is."""
    node = virtual.last("sorry_server")
    if node is None:
        return None
    own = virtual.last("sorry_server_lvs_method")
    forwarding, tunnel = bind_method(own, report) if own else method
    if not _is_within_reach(node, key, forwarding, settings, "the sorry server", report):
        return None
    address, written = _written(node)
    port = _port(key, forwarding, written)
    inhibit = flag(virtual, "sorry_server_inhibit")
    same = next((real for real in real_servers if (real.address, real.port) == (address, port)), None)
    if same is not None and same.inhibit_on_failure != inhibit:
        inhibit = same.inhibit_on_failure
        report.warning(
            Code.CONFLICT,
            node.line,
            1,
            "a real server with the same address is inhibited on failure"
            if inhibit
            else "a real server with the same address is not inhibited on failure",
            assumed=f"`sorry_server_inhibit` is {'there' if inhibit else 'not there'}",
        )
    return SorryServer(address, port, forwarding, tunnel, inhibit)


def alerts(node: Node, settings: Node, *, default: bool) -> bool:
    """Whether mail is sent: `smtp_alert` of the block, else of checkers, else of all, else `default`."""
    return switch(node, "smtp_alert", switch(settings, "smtp_alert_checker", switch(settings, "smtp_alert", default)))


def _real_server(
    node: Node, virtual: Node, key: VirtualServerKey, method: Method, settings: Node, names: Names, report: Report
) -> RealServer | None:
    own = node.last("lvs_method")
    forwarding, tunnel = bind_method(own, report) if own else method
    if not _is_within_reach(node, key, forwarding, settings, "the real server", report):
        return None
    address, written = _written(node)
    port = _port(key, forwarding, written)
    if isinstance(key, ServiceKey) and written not in {0, port}:
        report.warning(
            Code.CONFLICT,
            node.line,
            2,
            f"{forwarding.name} cannot change the port",
            assumed=f"connections go to port {port}, checks to port {written}" if port else "connections keep their port",
        )
    checks = bind_checks(Surroundings(node, virtual, settings, address, written, names), report)
    alpha_checks = tuple(check for check, alpha in checks if alpha)
    upper_threshold = setting(node, "uthreshold", 0)
    return RealServer(
        address=address,
        port=port,
        weight=setting(node, "weight", setting(virtual, "weight", 1)),
        forwarding=forwarding,
        position=node.line.position(),
        upper_threshold=upper_threshold,
        lower_threshold=_lower_threshold(node, upper_threshold, report),
        inhibit_on_failure=switch(node, "inhibit_on_failure", flag(virtual, "inhibit_on_failure")),
        alpha=bool(alpha_checks) or (not checks and switch(node, "alpha", flag(virtual, "alpha"))),
        checks=tuple(check for check, _alpha in checks),
        smtp_alert=alerts(node, settings, default=True),
        tunnel=tunnel,
        alpha_checks=alpha_checks,
        notify_up=bind_command(node, "notify_up", settings, report),
        notify_down=bind_command(node, "notify_down", settings, report),
        snmp_name=word(node, "snmp_name"),
    )


def _written(node: Node) -> tuple[Address, int]:
    """Address and port as they stand in the file; 0 where there is no port."""
    return cast("Address", node.values[0]), cast("int", node.values[1]) if len(node.values) > 1 else 0


def _port(key: VirtualServerKey, forwarding: Forwarding, written: int) -> int:
    """What IPVS is told: only NAT can change a port."""
    if forwarding is Forwarding.NAT or isinstance(key, GroupKey):
        return written
    return key.port if isinstance(key, ServiceKey) else 0


def _lower_threshold(node: Node, upper: int, report: Report) -> int:
    """0 where the kernel would refuse it, and the server with it."""
    lower = setting(node, "lthreshold", 0)
    if lower <= upper:
        return lower
    found = node.last("lthreshold")
    assert found is not None
    message = f"it may not be above `uthreshold`, {upper}" if upper else "it has no meaning without `uthreshold`"
    report.warning(Code.REDUCED, found.line, 1, message, assumed="`lthreshold 0`")
    return 0


def _is_within_reach(
    node: Node, key: VirtualServerKey, forwarding: Forwarding, settings: Node, what: str, report: Report
) -> bool:
    """Whether it is a server at all, and of the virtual server's family, or a tunnel leads to it."""
    own, _port = _written(node)
    if not _is_of_one_host(own):
        report.error(Code.BAD_VALUE, node.line, 1, f"{own} is not the address of a single host", assumed=f"{what} is left out")
        return False
    family = key.address.version if isinstance(key, ServiceKey) else key.family
    if own.version == family:
        return True
    synchronised = settings.last("lvs_sync_daemon")
    if forwarding is Forwarding.TUN and synchronised is None:
        return True
    other = str(key.address) if isinstance(key, ServiceKey) else f"the virtual server, of IPv{family},"
    tunnelled = forwarding is Forwarding.TUN
    report.error(
        Code.ADDRESS_FAMILY,
        node.line,
        1,
        f"{own} and {other} are of two families"
        + (", which the kernel does not take where connections are synchronised" if tunnelled else ""),
        assumed=f"{what} is left out",
        advice=None if tunnelled else f"a tunnel would lead there: `TUN` in place of `{forwarding.name}`",
        note=Note.at(synchronised.line) if tunnelled and synchronised is not None else None,
    )
    return False


def _is_of_one_host(address: Address) -> bool:
    """What the kernel takes for a server, as far as it can be told without knowing the host's own addresses and routes."""
    return not (address.is_multicast or address.is_unspecified or address == LIMITED_BROADCAST or address in LINK_LOCAL_6)
