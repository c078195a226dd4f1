"""One line of `virtual_ipaddress` -> :class:`vrrpd.config.model.VirtualAddress`.

192.168.4.15/24 brd + dev eth0 scope link label eth0:1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_interface

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import Address, VirtualAddress
from vrrpd.config.near import nearest
from vrrpd.config.values import BadValueError, Integer, InterfaceName, read_address

LABEL_MAX = 15
"""IFNAMSIZ less its terminator."""
SCOPES = {"global": 0, "universe": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
"""Names of RT_SCOPE_* (include/uapi/linux/rtnetlink.h and iproute2's rt_scopes)."""

OPTIONS = {
    "brd": 1, "dev": 1, "scope": 1, "label": 1, "peer": 1, "home": 0, "-nodad": 0, "mngtmpaddr": 0, "noprefixroute": 0,
    "autojoin": 0, "no_track": 0, "preferred_lft": 1, "use_vmac": 0, "track_group": 1,
}  # fmt: skip
"""What may follow an address, and how many words follow that."""
BUILT = frozenset({"brd", "dev", "scope", "label"})


def options(entry: Line) -> Iterator[tuple[int, str]]:
    """Each option of an address line with its index, as far as the first that is unknown."""
    index = 1
    while index < len(entry.words) and (option := entry.words[index]) in OPTIONS:
        yield index, option
        index += 1 + OPTIONS[option]


def bind_address(entry: Line, interface: str, report: Report) -> VirtualAddress | None:
    """The address on a line; None, with a message, where it is not sound. `interface` holds where the line names none."""
    if any(map(is_undefined, entry.words)):
        return None
    index = 0
    try:
        bound = VirtualAddress(*_prefix(entry.words[0], entry, report), interface)
        index = 1
        while index < len(entry.words):
            option = entry.words[index]
            if option in BUILT:
                index += 1
                bound = _with_option(bound, option, entry.words[index] if index < len(entry.words) else None)
                index += 1
            elif option in OPTIONS:
                index += 1 + OPTIONS[option]
            else:
                _unknown_option(entry, index, report)
                break
    except BadValueError as error:
        advice = f"did you mean `{error.near}`?" if error.near else None
        report.error(Code.BAD_VALUE, entry, index, str(error), assumed="the address is left out", advice=advice)
        return None
    return bound


def _prefix(word: str, entry: Line, report: Report) -> tuple[Address, int]:
    """Address and prefix length; the whole address without one, and where it is too long."""
    text, slash, length = word.partition("/")
    address = read_address(text)
    if not slash:
        return address, address.max_prefixlen
    if length.isascii() and length.isdigit() and len(length) < 4 and int(length) <= address.max_prefixlen:
        return address, int(length)
    report.error(
        Code.BAD_VALUE,
        entry,
        0,
        f"`{length[:20]}` is not a prefix length: 0 to {address.max_prefixlen}",
        assumed=f"{address}/{address.max_prefixlen}",
    )
    return address, address.max_prefixlen


def _with_option(bound: VirtualAddress, option: str, word: str | None) -> VirtualAddress:
    if word is None:
        raise BadValueError(f"`{option}` needs a value")
    if option == "dev":
        return replace(bound, interface=InterfaceName().read(word))
    if option == "scope":
        scope = SCOPES.get(word)
        return replace(bound, scope=Integer(0, 255).read(word) if scope is None else scope)
    if option == "label":
        if not 0 < len(word) <= LABEL_MAX:
            raise BadValueError(f"`{word}` is not a label: 1 to {LABEL_MAX} characters")
        return replace(bound, label=word)
    return replace(bound, broadcast=_broadcast(bound, word))


def _broadcast(bound: VirtualAddress, word: str) -> Address:
    """`+` sets all host bits, `-` clears them."""
    if not isinstance(bound.address, IPv4Address):
        raise BadValueError("IPv6 has no broadcast address")
    if word not in {"+", "-"}:
        return read_address(word)
    network = ip_interface(f"{bound.address}/{bound.prefix_length}").network
    return network.broadcast_address if word == "+" else network.network_address


def _unknown_option(entry: Line, index: int, report: Report) -> None:
    word = entry.words[index]
    if word[:1].isdigit():
        advice: str | None = "each address stands on a line of its own"
    else:
        near = nearest(word, OPTIONS)
        advice = f"did you mean `{near}`?" if near else None
    report.error(
        Code.UNKNOWN_OPTION,
        entry,
        index,
        f"unknown option `{word}` of an address",
        assumed="the rest of the line is left out",
        advice=advice,
    )
