"""`virtual_server_group` -> :class:`vrrpd.config.model.VirtualServerGroup`.

192.168.200.1-10 80      the last part counts up; of IPv6 the last 16 bits, in hexadecimal
192.168.201.0/28 80      every address of a network
192.168.202.1            every port
fwmark 5 inet6           what the packet filter marked
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_network
from typing import cast

from vrrpd.config.diagnostics import Code, Note, Report, printable
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import Address, AddressRange, MarkKey, VirtualServerGroup
from vrrpd.config.near import nearest
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Choice, Integer, read_address

NETWORK_ADDRESSES_MAX = 65_536
"""As many as a range of IPv6 can have: each is a service in the kernel, so more is a slip of the pen."""
PORT = Integer(1, 65535)
MARK = Integer(1)
FAMILIES = {"inet": 4, "inet6": 6}
FAMILY = Choice(tuple(FAMILIES))
SPAN = re.compile(r"(?P<first>[^-/]+)(?:-(?P<last>[0-9A-Fa-f]{1,4})|/(?P<length>[0-9]{1,3}))?")


def bind_groups(root: Node, report: Report) -> tuple[VirtualServerGroup, ...]:
    """All groups, those that no virtual server names too."""
    groups: dict[str, Node] = {}
    bound = []
    for node in root.all("virtual_server_group"):
        name = printable(cast("str", node.values[0]))
        if name in groups:
            report.error(
                Code.DUPLICATE,
                node.line,
                1,
                f"there is a group `{name}` already",
                assumed="this one is left out",
                note=Note.at(groups[name].line, 1),
            )
            continue
        groups[name] = node
        bound.append(_bind(name, node, report))
    return tuple(bound)


def family_of(group: VirtualServerGroup) -> int:
    """4 or 6; 4 for a group that holds nothing."""
    return next((one.first.version for one in group.ranges), next((mark.family for mark in group.marks), 4))


def _bind(name: str, node: Node, report: Report) -> VirtualServerGroup:
    ranges: list[AddressRange] = []
    marks: list[MarkKey] = []
    family: int | None = None
    for entry in node.entries:
        if any(map(is_undefined, entry.words)):
            continue
        bound = _entry(entry, report)
        if bound is None:
            continue
        own = bound.family if isinstance(bound, MarkKey) else bound.first.version
        if own != (family := family or own):
            report.error(
                Code.ADDRESS_FAMILY,
                entry,
                0,
                f"this is of IPv{own}, and what stands above of IPv{family}: a group has one family",
                assumed="it is left out",
            )
        elif bound in ranges or bound in marks:
            report.warning(Code.DUPLICATE, entry, 0, f"`{' '.join(entry.words)}` is there already", assumed="it is there once")
        elif isinstance(bound, MarkKey):
            marks.append(bound)
        else:
            ranges.append(bound)
    if not node.entries:
        report.warning(Code.MISSING_SETTING, node.line, 1, f"the group `{name}` holds nothing", assumed="it is empty")
    return VirtualServerGroup(name, node.line.position(), tuple(ranges), tuple(marks))


def _entry(entry: Line, report: Report) -> AddressRange | MarkKey | None:
    words = entry.words
    index = 0
    bound: AddressRange | MarkKey
    try:
        if words[0] == "fwmark":
            index = 1
            mark = MARK.read(words[1] if len(words) > 1 else "")
            index = 2
            bound = MarkKey(mark, FAMILIES[FAMILY.read(words[2])] if len(words) > 2 else 4)
        else:
            first, last = _span(words[0])
            index = 1
            bound = AddressRange(first, last, PORT.read(words[1]) if len(words) > 1 else 0)
    except BadValueError as error:
        near = error.near or (nearest(words[0], ("fwmark",)) if index == 0 else None)
        report.error(
            Code.BAD_VALUE,
            entry,
            index,
            str(error),
            assumed="the line is left out",
            advice=f"did you mean `{near}`?" if near else None,
        )
        return None
    used = 3 if isinstance(bound, MarkKey) else 2
    if used < len(words):
        report.warning(Code.SURPLUS_WORDS, entry, used, f"`{words[used]}` has no effect", assumed=f"`{' '.join(words[:used])}`")
    return bound


def _span(word: str) -> tuple[Address, Address]:
    """First and last address of `ADDRESS`, `ADDRESS-LAST` or `NETWORK/LENGTH`."""
    match = SPAN.fullmatch(word)
    if match is None:
        raise BadValueError(f"`{word}` is neither an address nor a range")
    first = read_address(match["first"])
    if match["length"]:
        return _network(first, match["length"], word)
    if match["last"] is None:
        return first, first
    six = isinstance(first, IPv6Address)
    mask = 0xFFFF if six else 0xFF
    last = _last_part(match["last"], six, word)
    if last < int(first) & mask:
        raise BadValueError(f"the range `{word}` ends before it begins")
    return first, type(first)(int(first) & ~mask | last)


def _last_part(text: str, six: bool, word: str) -> int:
    """The last 16 bits in hexadecimal, or the last 8 in decimal."""
    if not six and not text.isdigit():
        raise BadValueError(f"`{word}` must end in a number")
    last, most = (int(text, 16), 0xFFFF) if six else (int(text), 0xFF)
    if last > most:
        raise BadValueError(f"`{text}` is more than {most:x}" if six else f"{text} is more than {most}")
    return last


def _network(first: Address, length: str, word: str) -> tuple[Address, Address]:
    try:
        network = ip_network(f"{first}/{int(length)}", strict=False)
    except ValueError:
        raise BadValueError(f"{length} is not a prefix length of IPv{first.version}") from None
    if network.network_address != first:
        raise BadValueError(f"`{word}` has host bits", str(network))
    if network.num_addresses > NETWORK_ADDRESSES_MAX:
        raise BadValueError(f"`{word}` has more than {NETWORK_ADDRESSES_MAX} addresses")
    return first, network.broadcast_address
