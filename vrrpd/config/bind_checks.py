"""The checks of a real server -> the values of :mod:`healthcheck.types`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from healthcheck.types import (
    SMTP_HELO_NAME,
    UDP_PAYLOAD,
    UDP_REPLY_OCTETS_MAX,
    AgentCheck,
    AnyCheck,
    BfdCheck,
    DnsCheck,
    DnsRecordType,
    FileCheck,
    MiscCheck,
    PingCheck,
    RedisCheck,
    ReplyPattern,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
)
from vrrpd.config.bind_web_checks import grpc_check, http_check, ssl_check, tls_check
from vrrpd.config.check_layers import CheckLayers, Surroundings
from vrrpd.config.commands import bind_command
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.near import nearest
from vrrpd.config.settings import flag, setting, word
from vrrpd.config.tree import Node

DNS_RETRY = 3
HEX = re.compile(r"[0-9A-Fa-f]+")
HEX_OR_ANY = re.compile(r"[0-9A-Fa-fx]+")


def bind_checks(around: Surroundings, report: Report) -> tuple[tuple[AnyCheck, bool], ...]:
    """The checks, kind by kind, each with whether it must succeed before its server first serves."""
    bound = []
    present = around.real.in_force()
    for name, bind in BINDERS.items():
        for node in around.real.all(name) if name in present else ():
            layers = CheckLayers(node, around, report)
            check = bind(layers)
            if check is not None:
                bound.append((check, layers.alpha))
    return tuple(bound)


def _tcp(layers: CheckLayers) -> AnyCheck:
    return TcpCheck(**layers.network(layers.pace()))


def _ping(layers: CheckLayers) -> AnyCheck:
    return PingCheck(**layers.network(layers.pace(), needs_port=False))


def _smtp(layers: CheckLayers) -> AnyCheck:
    return SmtpCheck(**layers.network(layers.pace()), helo_name=word(layers.check, "helo_name") or SMTP_HELO_NAME)


def _dns(layers: CheckLayers) -> AnyCheck:
    return DnsCheck(
        **layers.network(layers.pace(retry=DNS_RETRY, delay_before_retry_s=None)),
        record_type=DnsRecordType[setting(layers.check, "type", "SOA")],
        name=word(layers.check, "name") or ".",
    )


def _redis(layers: CheckLayers) -> AnyCheck:
    return RedisCheck(
        **layers.network(layers.pace()), user=word(layers.check, "redis_user"), password=word(layers.check, "redis_password")
    )


def _agent(layers: CheckLayers) -> AnyCheck:
    send = word(layers.check, "send")
    return AgentCheck(**layers.network(layers.pace()), request=b"" if send is None else f"{send}\n".encode())


# -- UDP --------------------------------------------------------------------------------


def _udp(layers: CheckLayers) -> AnyCheck:
    check = layers.check
    reply = check.last("require_reply")
    return UdpCheck(
        **layers.network(layers.pace()),
        payload=_payload(layers),
        require_reply=reply is not None,
        reply=_pattern(reply, layers.report) if reply and reply.values else None,
        min_reply_octets=setting(check, "min_reply_length", 0),
        max_reply_octets=setting(check, "max_reply_length", UDP_REPLY_OCTETS_MAX),
    )


def _payload(layers: CheckLayers) -> bytes:
    found = layers.check.last("payload")
    if found is None:
        return UDP_PAYLOAD
    text = cast("str", found.values[0])
    if not HEX.fullmatch(text) or len(text) % 2:
        _not_octets(found, "hexadecimal digits", "the usual payload", layers.report)
        return UDP_PAYLOAD
    return bytes.fromhex(text)


def _pattern(found: Node, report: Report) -> ReplyPattern | None:
    """Hexadecimal digits, in which `x` stands for any."""
    text = cast("str", found.values[0])
    if not HEX_OR_ANY.fullmatch(text) or len(text) % 2:
        _not_octets(found, "hexadecimal digits or `x`", "any reply will do", report)
        return None
    mask = "".join("0" if digit == "x" else "f" for digit in text)
    return ReplyPattern(bytes.fromhex(text.replace("x", "0")), bytes.fromhex(mask))


def _not_octets(found: Node, what: str, assumed: str, report: Report) -> None:
    text = cast("str", found.values[0])
    report.error(Code.BAD_VALUE, found.line, 1, f"`{text}` is not an even number of {what}", assumed=assumed)


# -- checks that send no packets themselves --------------------------------------------------------------------------------


def _misc(layers: CheckLayers) -> AnyCheck | None:
    check, settings = layers.check, layers.around.settings
    command = bind_command(check, "misc_path", settings, layers.report)
    if command is None:
        _needed(layers, "misc_path")
        return None
    pace = replace(layers.pace(retry=0), from_start=True)
    user, group = command.user, command.group
    if (found := check.last("user")) is not None:
        user, group = [*cast("list[str]", found.values), None][:2]
    return MiscCheck(
        command=command.words,
        timeout_s=float(setting(check, "misc_timeout", 0)) or pace.delay_loop_s,
        pace=pace,
        sets_weight=flag(check, "misc_dynamic"),
        user=user,
        group=group,
        log_all_failures=layers.log_all_failures,
    )


def _file(layers: CheckLayers) -> AnyCheck | None:
    file = _referred(layers, "track_file", "track_file")
    if file is None:
        return None
    name, declared = file
    weight = layers.check.last("weight") or declared.last("weight")
    return FileCheck(
        track_file=name,
        weight=cast("int", weight.values[0]) if weight else 1,
        reverse=bool(weight and "reverse" in weight.values),
        path=word(declared, "file") or "",
    )


def _bfd(layers: CheckLayers) -> AnyCheck | None:
    session = _referred(layers, "name", "bfd_instance")
    return BfdCheck(session[0]) if session else None


def _referred(layers: CheckLayers, keyword: str, kind: str) -> tuple[str, Node] | None:
    """What the keyword names, which must be declared above as a block of `kind`; None, with a message, where it is not."""
    found = layers.check.last(keyword)
    if found is None:
        _needed(layers, keyword)
        return None
    name = word(layers.check, keyword) or ""
    declared = layers.around.names[kind]
    if name not in declared:
        near = nearest(name, declared)
        layers.report.error(
            Code.UNKNOWN_NAME,
            found.line,
            1,
            f"no `{kind} {name}` stands above",
            assumed="the check is left out",
            advice=f"did you mean `{near}`?" if near else f"declare `{kind} {name}` before the virtual server",
        )
        return None
    return name, declared[name]


def _needed(layers: CheckLayers, keyword: str) -> None:
    """Say, unless it was said, what a check cannot do without."""
    check = layers.check
    if not check.mentions(keyword):
        message = f"`{check.keyword.name}` needs `{keyword}`"
        layers.report.error(Code.MISSING_SETTING, check.line, 0, message, assumed="the check is left out")


BINDERS: dict[str, Callable[[CheckLayers], AnyCheck | None]] = {
    "TCP_CHECK": _tcp,
    "PING_CHECK": _ping,
    "HTTP_GET": http_check,
    "SSL_GET": ssl_check,
    "TLS_CHECK": tls_check,
    "GRPC_CHECK": grpc_check,
    "SMTP_CHECK": _smtp,
    "DNS_CHECK": _dns,
    "UDP_CHECK": _udp,
    "MISC_CHECK": _misc,
    "FILE_CHECK": _file,
    "BFD_CHECK": _bfd,
    "REDIS_CHECK": _redis,
    "AGENT_CHECK": _agent,
}
