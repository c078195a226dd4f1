"""`lb_kind`, `lvs_method` and `sorry_server_lvs_method`: how packets reach a server.

NAT | DR | TUN [type ipip | gue port N | gre] [nocsum | csum | remcsum]
"""

from __future__ import annotations

from dataclasses import replace

from ipvs.types import Forwarding
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import Tunnel, TunnelChecksum, TunnelType
from vrrpd.config.near import nearest
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer

KINDS = {"NAT": Forwarding.NAT, "DR": Forwarding.DR, "TUN": Forwarding.TUN}
TUNNELS = {kind.name.lower(): kind for kind in TunnelType}
CHECKSUMS = {checksum.name.lower(): checksum for checksum in TunnelChecksum}
PORT = Integer(1, 65535)

Method = tuple[Forwarding, Tunnel]
DEFAULT_METHOD: Method = (Forwarding.NAT, Tunnel())


def bind_method(node: Node, report: Report) -> Method:
    """What the line says; what is wrong leaves the default."""
    words = node.line.words
    forwarding = KINDS.get(words[1])
    if forwarding is None:
        near = next((name for name in KINDS if name == words[1].upper()), None)
        report.error(
            Code.BAD_VALUE,
            node.line,
            1,
            f"`{words[1]}` is not one of NAT, DR, TUN",
            assumed="`NAT`, the default",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return DEFAULT_METHOD
    if forwarding is Forwarding.TUN:
        return forwarding, _tunnel(node, report)
    _refuse_rest(node, 2, f"is an option of tunnels, and {forwarding.name} is none", report)
    return forwarding, Tunnel()


def _tunnel(node: Node, report: Report) -> Tunnel:
    """The options behind `TUN`; one that is wrong leaves the plain tunnel, ipip."""
    words = node.line.words
    tunnel, index = Tunnel(), 2
    try:
        if words[index : index + 1] == ["type"]:
            index += 1
            tunnel = Tunnel(TUNNELS[_one_of(words, index, tuple(TUNNELS))])
            index += 1
            if tunnel.type is TunnelType.GUE:
                _one_of(words, index, ("port",))
                index += 1
                tunnel = replace(tunnel, port=PORT.read(words[index] if index < len(words) else ""))
                index += 1
    except BadValueError as error:
        report.error(
            Code.BAD_VALUE,
            node.line,
            index,
            str(error),
            assumed="`TUN type ipip`",
            advice=f"did you mean `{error.near}`?" if error.near else None,
        )
        return Tunnel()
    if index < len(words) and words[index] in CHECKSUMS:
        checksum = CHECKSUMS[words[index]]
        if checksum is not TunnelChecksum.NOCSUM and tunnel.type is TunnelType.IPIP:
            message = f"tunnels of type ipip have no checksum, so `{words[index]}` has no meaning"
            report.error(Code.CONFLICT, node.line, index, message, assumed="`nocsum`")
        else:
            tunnel = replace(tunnel, checksum=checksum)
        index += 1
    _refuse_rest(node, index, "is no option of such a tunnel", report)
    return tunnel


def _one_of(words: list[str], index: int, choices: tuple[str, ...]) -> str:
    found = words[index] if index < len(words) else ""
    if found not in choices:
        what = f"`{found}`, but" if found else "nothing, where"
        raise BadValueError(f"here stands {what} one of {', '.join(choices)} is needed", nearest(found, choices))
    return found


def _refuse_rest(node: Node, index: int, message: str, report: Report) -> None:
    """Who writes options expects what they bring about, and would get another way of forwarding."""
    words = node.line.words
    if index < len(words):
        assumed = f"`{' '.join(words[1:index])}`"
        report.error(Code.SURPLUS_WORDS, node.line, index, f"`{words[index]}` {message}", assumed=assumed)
