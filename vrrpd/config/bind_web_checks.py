"""Checks of the web and over TLS -> the values of :mod:`healthcheck.types`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from healthcheck.types import (
    SUCCESS_STATUSES,
    AnyCheck,
    GrpcCheck,
    HttpCheck,
    HttpVersion,
    Regex,
    RegexOption,
    Sni,
    SslCheck,
    Tls,
    TlsCheck,
    TlsFiles,
    Url,
)
from vrrpd.config.check_layers import CheckLayers, NetworkSettings
from vrrpd.config.commands import UnterminatedError, split, unescaped
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import is_undefined
from vrrpd.config.model import RealServer, VirtualServer
from vrrpd.config.near import nearest
from vrrpd.config.settings import flag, merged, number, setting, switch, word
from vrrpd.config.tree import Node

DELAY_BEFORE_RETRY_S = 3.0
DIGEST = re.compile(r"[0-9A-Fa-f]{32}")
STATUS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
STATUS_MIN, STATUS_MAX = 100, 599
TLS_SETTINGS = ("enable_sni", "sni_name", "ssl_verify", "certificate_days")
REGEX_OPTIONS = {option.value: option for option in RegexOption}


def http_check(layers: CheckLayers) -> HttpCheck | None:
    """None, with a message, for a check without pages."""
    urls = _urls(layers)
    if not urls:
        return None
    return HttpCheck(**_network(layers), urls=urls, version=_version(layers.check), fast_recovery=_fast_recovery(layers.check))


def ssl_check(layers: CheckLayers) -> SslCheck | None:
    """None, with a message, for a check without pages."""
    urls = _urls(layers)
    if not urls:
        return None
    return SslCheck(
        **_network(layers),
        urls=urls,
        version=_version(layers.check),
        fast_recovery=_fast_recovery(layers.check),
        sni=_sni(layers),
        tls=_tls(layers.check),
    )


def tls_check(layers: CheckLayers) -> TlsCheck:
    """TLS and nothing within."""
    return TlsCheck(**layers.network(layers.pace()), sni=_sni(layers), tls=_tls(layers.check))


def grpc_check(layers: CheckLayers) -> GrpcCheck:
    """gRPC's health service."""
    check = layers.check
    over_tls = switch(check, "tls", default=any(check.last(name) is not None for name in TLS_SETTINGS))
    return GrpcCheck(
        **layers.network(layers.pace()),
        service=word(check, "service") or "",
        virtual_host=layers.nearest("virtualhost", cast("str | None", None)),
        tls=_tls(check) if over_tls else None,
        sni=_sni(layers) if over_tls else None,
    )


def _tls(check: Node) -> Tls:
    """The files come from the block `SSL`, which may stand further down; see :func:`with_tls_files`."""
    return Tls(verify=switch(check, "ssl_verify", default=False), certificate_days_min=number(check, "certificate_days"))


def _network(layers: CheckLayers) -> NetworkSettings:
    return layers.network(layers.pace(delay_before_retry_s=DELAY_BEFORE_RETRY_S))


def _version(check: Node) -> HttpVersion:
    return HttpVersion(setting(check, "http_protocol", "1.0").upper())


def _fast_recovery(check: Node) -> bool:
    return switch(check, "fast_recovery", default=False)


def _sni(layers: CheckLayers) -> Sni | None:
    """The name is that of `sni_name`, else the page's Host header; but of a real server's `virtualhost` SNI knows nothing."""
    check, around = layers.check, layers.around
    if check.last("sni_name") is None:
        if not switch(check, "enable_sni", default=False):
            return None
    elif name := word(check, "sni_name"):
        return Sni(name)
    if check.last("virtualhost") is None and around.real.last("virtualhost") is not None:
        return Sni(word(around.virtual, "virtualhost"))
    return Sni()


# -- pages --------------------------------------------------------------------------------


def _urls(layers: CheckLayers) -> tuple[Url, ...]:
    check = layers.check
    urls = tuple(url for node in check.all("url") if (url := _url(node, layers)))
    if not urls and not check.mentions("url"):
        layers.report.error(
            Code.MISSING_SETTING,
            check.line,
            0,
            f"`{check.keyword.name}` needs a `url` to ask for",
            assumed="the check is left out",
        )
    return urls


def _url(node: Node, layers: CheckLayers) -> Url | None:
    path = word(node, "path")
    if path is None:
        if not node.mentions("path"):
            layers.report.error(Code.MISSING_SETTING, node.line, 0, "a `url` needs a `path`", assumed="it is left out")
        return None
    return Url(
        path=path,
        virtual_host=word(node, "virtualhost") or layers.nearest("virtualhost", cast("str | None", None)),
        statuses=_statuses(node, layers.report),
        digest=_digest(node, layers.report),
        regex=_regex(node, layers.report),
        tls_compliant=switch(node, "tls_compliant", switch(layers.check, "tls_compliant", default=False)),
    )


def _statuses(node: Node, report: Report) -> tuple[tuple[int, int], ...]:
    """All ranges of all lines, sorted and joined; those of success where none is sound."""
    ranges = []
    for found in node.all("status_code"):
        for index, text in enumerate(found.line.words[1:], 1):
            match = STATUS.fullmatch(text)
            low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if STATUS_MIN <= low <= high <= STATUS_MAX:
                ranges.append((low, high))
                continue
            report.error(
                Code.BAD_VALUE,
                found.line,
                index,
                f"`{text}` is neither a status nor a range of them, within {STATUS_MIN} to {STATUS_MAX}",
                assumed="it is left out",
            )
    return _joined(ranges) or SUCCESS_STATUSES


def _joined(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def _digest(node: Node, report: Report) -> bytes | None:
    found = node.last("digest")
    if found is None:
        return None
    text = cast("str", found.values[0])
    if DIGEST.fullmatch(text):
        return bytes.fromhex(text)
    report.error(
        Code.BAD_VALUE, found.line, 1, f"`{text}` is not an MD5 digest: 32 hexadecimal digits", assumed="no digest is compared"
    )
    return None


# -- expressions --------------------------------------------------------------------------------


def _regex(node: Node, report: Report) -> Regex | None:
    """The expression, which is read like a command: with single quotes and backslashes."""
    found = node.last("regex")
    if found is None:
        return None
    try:
        words = split(found.line.text)
    except UnterminatedError as error:
        report.error(Code.UNTERMINATED_QUOTE, found.line, 1, str(error), assumed="the page need not match")
        return None
    if len(words) > 2:
        report.error(
            Code.SURPLUS_WORDS,
            found.line,
            2,
            "an expression with blanks must stand in quotes",
            assumed=f"`{words[1]}`",
        )
    stack = node.last("regex_stack")
    regex = Regex(
        pattern=unescaped(words[1]),
        must_match=not flag(node, "regex_no_match"),
        options=_options(node, report),
        min_offset=setting(node, "regex_min_offset", 0),
        max_offset=number(node, "regex_max_offset"),
        stack_octets=cast("tuple[int, int]", tuple(stack.values)) if stack else None,
    )
    from healthcheck.expression import ExpressionError, compiled  # noqa: PLC0415  its library is large, and few files need it

    try:
        compiled(regex)
    except ExpressionError as error:
        message = f"the expression cannot be used: {error}"
        report.error(Code.BAD_VALUE, found.line, 1, message, assumed="the page need not match")
        return None
    return regex


def _options(node: Node, report: Report) -> tuple[RegexOption, ...]:
    chosen = set()
    for found in node.all("regex_options"):
        for index, name in enumerate(found.line.words[1:], 1):
            if name in REGEX_OPTIONS:
                chosen.add(REGEX_OPTIONS[name])
            elif not is_undefined(name):
                near = nearest(name, REGEX_OPTIONS)
                report.warning(
                    Code.UNKNOWN_OPTION,
                    found.line,
                    index,
                    f"`{name}` is no option of an expression",
                    assumed="it is left out",
                    advice=f"did you mean `{near}`?" if near else None,
                )
    return tuple(option for option in RegexOption if option in chosen)


# -- files for TLS --------------------------------------------------------------------------------


def bind_tls_files(root: Node) -> TlsFiles:
    """The `SSL` block, which holds for every check over TLS."""
    block = merged(root, "SSL")
    return TlsFiles(
        authorities=word(block, "ca"),
        certificate=word(block, "certificate"),
        key=word(block, "key"),
        password=setting(block, "password", cast("str | None", None)),
    )


def with_tls_files(servers: tuple[VirtualServer, ...], files: TlsFiles) -> tuple[VirtualServer, ...]:
    """The virtual servers with these files in all their checks over TLS."""
    if files == TlsFiles():
        return servers
    return tuple(
        replace(server, real_servers=tuple(_real_server_with_files(real, files) for real in server.real_servers))
        for server in servers
    )


def _real_server_with_files(real: RealServer, files: TlsFiles) -> RealServer:
    if not any(isinstance(check, SslCheck | TlsCheck | GrpcCheck) for check in real.checks):
        return real
    return replace(
        real,
        checks=tuple(_check_with_files(check, files) for check in real.checks),
        alpha_checks=tuple(_check_with_files(check, files) for check in real.alpha_checks),
    )


def _check_with_files(check: AnyCheck, files: TlsFiles) -> AnyCheck:
    if isinstance(check, SslCheck | TlsCheck | GrpcCheck) and check.tls is not None:
        return replace(check, tls=replace(check.tls, files=files))
    return check
