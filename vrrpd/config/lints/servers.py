"""Virtual servers that spread less, or serve less, than it seems."""

from __future__ import annotations

from collections import Counter

from ipvs.types import ServiceFlags, ServiceKey
from vrrpd.config.diagnostics import Code, Note
from vrrpd.config.lints.subject import Subject
from vrrpd.config.model import VirtualServer
from vrrpd.config.settings import flag, number
from vrrpd.config.tree import Node

PERSISTENT_ONE_PACKET = ServiceFlags.PERSISTENT | ServiceFlags.ONE_PACKET


def lint_servers(subject: Subject) -> None:
    """All that is to be said about the virtual servers of one configuration."""
    for server in subject.config.virtual_servers:
        if server.flags & PERSISTENT_ONE_PACKET == PERSISTENT_ONE_PACKET:
            _persistence_with_ops(server, subject)
        if not any(real.weight for real in server.real_servers):
            _no_weight(server, subject)
        else:
            _quorum(server, subject)
        _sorry_server(server, subject)
        _families(server, subject)
        _check_ports(server, subject)


def _persistence_with_ops(server: VirtualServer, subject: Subject) -> None:
    subject.report.lint(
        Code.PERSISTENCE_WITH_OPS,
        subject.line(server.position, "ops"),
        0,
        "`ops` spreads the packets of a client over all real servers, and persistence sends them all to one: persistence wins, "
        "and only the memory of connections is gone",
        advice="remove one of them",
    )


def _no_weight(server: VirtualServer, subject: Subject) -> None:
    """Checks that set a weight may raise it again."""
    block = subject.block(server.position)
    for real in block.all("real_server"):
        if real.all("FILE_CHECK") or any(flag(check, "misc_dynamic") for check in real.all("MISC_CHECK")):
            return
    subject.report.lint(
        Code.WEIGHT_ZERO,
        block.line,
        1,
        "every real server has weight 0, which gets no new connections, so clients are turned away",
        advice="give at least one a weight above 0",
    )


def _quorum(server: VirtualServer, subject: Subject) -> None:
    total = sum(real.weight for real in server.real_servers)
    if server.quorum + server.hysteresis <= total:
        return
    subject.report.lint(
        Code.QUORUM_UNREACHABLE,
        subject.line(server.position, "hysteresis"),
        1,
        f"the quorum is gained at quorum plus hysteresis, {server.quorum + server.hysteresis}, but all real servers together "
        f"weigh {total}, so it never is",
        advice=f"the two may make {total} at most",
        note=Note.at(subject.line(server.position, "quorum"), 0, "the quorum"),
    )


def _sorry_server(server: VirtualServer, subject: Subject) -> None:
    sorry = server.sorry_server
    if sorry is None:
        return
    twin = next((real for real in server.real_servers if (real.address, real.port) == (sorry.address, sorry.port)), None)
    if twin is None:
        return
    subject.report.lint(
        Code.REAL_SERVER_TWICE,
        subject.line(server.position, "sorry_server"),
        1,
        "the sorry server is one of the real servers, and so may be down at the very time when it is needed",
        advice="name another server",
        note=Note.at(subject.block(twin.position).line, 1),
    )


def _families(server: VirtualServer, subject: Subject) -> None:
    """A tunnel that leads to the other family, which is told of the first server alone."""
    key = server.key
    family = key.address.version if isinstance(key, ServiceKey) else key.family
    for real in server.real_servers:
        if real.address.version != family:
            subject.report.lint(
                Code.MIXED_FAMILIES,
                subject.block(real.position).line,
                1,
                f"{real.address} serves IPv{family} through a tunnel of IPv{real.address.version}, which it has to unwrap; "
                "keepalived leaves it out, and its connections cannot be synchronised",
                advice="see that the server has a device for that tunnel",
            )
            return


def _check_ports(server: VirtualServer, subject: Subject) -> None:
    """A port that one real server alone is asked on, where others are asked on the port that they serve."""
    asked = {real.position: _asked_ports(subject.block(real.position), real.port) for real in server.real_servers}
    times = Counter(port for ports in asked.values() for port in ports)
    if not times[None]:
        return
    for ports in asked.values():
        for port, check in ports.items():
            if check is None or None in ports or times[port] > 1:
                continue
            subject.report.lint(
                Code.CHECK_PORT_DIFFERS,
                check.line,
                1,
                f"this real server alone is checked on port {port}; the others are on the port that they serve, so this one "
                "can be up with its service down",
                advice="remove `connect_port` if it is no longer meant",
            )


def _asked_ports(real: Node, served: int) -> dict[int | None, Node | None]:
    """The ports that checks ask, each with its `connect_port`; None for the port served."""
    ports: dict[int | None, Node | None] = {}
    for check in real.children:
        if not (check.sound and "connect_port" in check.keyword.children):
            continue
        port = number(check, "connect_port")
        if port is None or port == served:
            ports[None] = None
        else:
            ports[port] = check.last("connect_port")
    return ports
