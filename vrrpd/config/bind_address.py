"""One line of `virtual_ipaddress` -> :class:`vrrpd.config.model.VirtualAddress`.

192.168.4.15/24 brd + dev eth0 scope link label eth0:1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_interface
from typing import Any

from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import Address, Prefix, VirtualAddress
from vrrpd.config.near import nearest
from vrrpd.config.values import BadValueError, Integer, InterfaceName, read_address
from vrrpd.config.words import Words

LABEL_MAX = 15
"""IFNAMSIZ less its terminator."""
LIFETIME_MAX_S = 2**32 - 2
"""IFA_CACHEINFO counts seconds in 32 bits, of which all ones are for ever."""
SCOPES = {"global": 0, "universe": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
"""Names of RT_SCOPE_* (include/uapi/linux/rtnetlink.h and iproute2's rt_scopes)."""

FLAGS: dict[str, dict[str, Any]] = {
    "home": {"home": True},
    "-nodad": {"duplicate_detection": True},
    "mngtmpaddr": {"manages_temporary_addresses": True},
    "noprefixroute": {"no_prefix_route": True},
    "autojoin": {"joins_groups": True},
    "no_track": {"tracked": False},
    "use_vmac": {"virtual_mac": True},
}
"""Options without a value, and what each sets."""
WITH_VALUE = frozenset({"brd", "dev", "scope", "label", "peer", "preferred_lft", "track_group"})
OPTIONS = (*WITH_VALUE, *FLAGS)


def options(entry: Line) -> Iterator[tuple[int, str]]:
    """Each option of an address line with its index, as far as the first that is unknown."""
    index = 1
    while index < len(entry.words) and (option := entry.words[index]) in OPTIONS:
        yield index, option
        index += 2 if option in WITH_VALUE else 1


def bind_address(entry: Line, interface: str, report: Report) -> VirtualAddress | None:
    """The address on a line; None, with a message, where it is not sound. `interface` holds where the line names none."""
    if any(map(is_undefined, entry.words)):
        return None
    words = Words(entry)
    try:
        return _read(words, interface, report)
    except BadValueError as error:
        advice = f"did you mean `{error.near}`?" if error.near else None
        report.error(Code.BAD_VALUE, entry, words.index, str(error), assumed="the address is left out", advice=advice)
        return None


def _read(words: Words, interface: str, report: Report) -> VirtualAddress:
    prefix = read_prefix(words, report)
    # The kernel would choose a whole IPv6 address as a source for everything, so it is deprecated at once.
    lifetime_s = 0 if prefix.length == 128 else None
    bound = VirtualAddress(prefix.address, prefix.length, interface, preferred_lifetime_s=lifetime_s)
    named: set[str] = set()
    while words.next is not None:
        option = words.take()
        if option not in OPTIONS:
            _unknown_option(words, report)
            break
        if option == "dev" and option in named:
            raise BadValueError("`dev` is there already")
        named.add(option)
        bound = replace(bound, **FLAGS[option]) if option in FLAGS else _with_value(bound, option, words, report)
    return bound


def read_prefix(words: Words, report: Report) -> Prefix:
    """An address and its prefix length; the whole address without one, and, with a message, where it is too long."""
    text, slash, length = words.take().partition("/")
    address = read_address(text)
    if not slash:
        return Prefix(address, address.max_prefixlen)
    if length.isascii() and length.isdigit() and len(length) < 4 and int(length) <= address.max_prefixlen:
        return Prefix(address, int(length))
    report.error(
        Code.BAD_VALUE,
        words.line,
        words.index,
        f"`{length[:20]}` is not a prefix length: 0 to {address.max_prefixlen}",
        assumed=f"{address}/{address.max_prefixlen}",
    )
    return Prefix(address, address.max_prefixlen)


def read_scope(word: str) -> int:
    """The number of a scope: RT_SCOPE_*."""
    scope = SCOPES.get(word)
    return Integer(0, 255).read(word) if scope is None else scope


def _with_value(bound: VirtualAddress, option: str, words: Words, report: Report) -> VirtualAddress:
    if words.next is None:
        raise BadValueError(f"`{option}` needs a value")
    if option in {"brd", "label", "scope"} and not isinstance(bound.address, IPv4Address):
        raise BadValueError("IPv6 has no broadcast address" if option == "brd" else f"`{option}` is for IPv4 only")
    if option == "peer":
        peer = read_prefix(words, report)
        if type(peer.address) is not type(bound.address):
            raise BadValueError(f"{peer.address} and {bound.address} are of two families")
        return replace(bound, peer=peer)
    word = words.take()
    if option == "dev":
        return replace(bound, interface=InterfaceName().read(word))
    if option == "scope":
        return replace(bound, scope=read_scope(word))
    if option == "label":
        if not 0 < len(word) <= LABEL_MAX:
            raise BadValueError(f"`{word}` is not a label: 1 to {LABEL_MAX} characters")
        return replace(bound, label=word)
    if option == "preferred_lft":
        lifetime_s = None if word == "forever" else Integer(0, LIFETIME_MAX_S).read(word)
        return replace(bound, preferred_lifetime_s=lifetime_s)
    if option == "track_group":
        return replace(bound, track_group=word)
    return replace(bound, broadcast=_broadcast(bound, word))


def _broadcast(bound: VirtualAddress, word: str) -> Address:
    """`+` sets all host bits, `-` clears them."""
    if word not in {"+", "-"}:
        return read_address(word)
    network = ip_interface(f"{bound.address}/{bound.prefix_length}").network
    return network.broadcast_address if word == "+" else network.network_address


def _unknown_option(words: Words, report: Report) -> None:
    word = words.line.words[words.index]
    if word[:1].isdigit():
        advice: str | None = "each address stands on a line of its own"
    else:
        near = nearest(word, OPTIONS)
        advice = f"did you mean `{near}`?" if near else None
    report.error(
        Code.UNKNOWN_OPTION,
        words.line,
        words.index,
        f"unknown option `{word}` of an address",
        assumed="the rest of the line is left out",
        advice=advice,
    )
