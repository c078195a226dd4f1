"""Of which family and version a virtual router is, and the addresses that must be of that family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from vrrpd.config.diagnostics import Code, Note, Report
from vrrpd.config.line import Line, is_undefined
from vrrpd.config.model import VRRP_GROUP, VRRP_GROUP6, Address
from vrrpd.config.settings import address, flag, number, switch
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, read_address

SOURCES = ("mcast_src_ip", "unicast_src_ip")
BLOCKS = ("virtual_ipaddress", "unicast_peer")
GROUPS = {4: "vrrp_mcast_group4", 6: "vrrp_mcast_group6"}
"""Where `global_defs` says for each family where adverts go."""


@dataclass(frozen=True, slots=True)
class Family:
    """Of what a virtual router's adverts and addresses are."""

    number: int
    """4 or 6."""
    version: int
    """2 or 3, of VRRP."""
    decided_by: Line | None
    """The line with the first address, which decides."""


def family_of(node: Node, settings: Node, report: Report) -> Family:
    """The family of the first address in the block, 4 where there is none; and the version that goes with it."""
    families = _families(node)
    chosen, decided_by = next(families, (4, None))
    native = node.last("native_ipv6")
    if native is not None and chosen == 4:
        report.error(
            Code.ADDRESS_FAMILY,
            native.line,
            0,
            "`native_ipv6` in a virtual router of IPv4",
            assumed="it is left out",
            note=Note.at(decided_by, 0, "this address decides") if decided_by else None,
        )
    return Family(chosen, _version(node, settings, chosen, report), decided_by)


def _families(node: Node) -> Iterator[tuple[int, Line]]:
    """What each line of the block says of the family, in order."""
    for child in node.children:
        if not child.sound:
            continue
        if child.name in BLOCKS:
            for entry in child.entries:
                try:
                    yield read_address(entry.words[0].partition("/")[0]).version, entry
                except BadValueError:
                    continue
        elif child.name in SOURCES:
            yield cast("Address", child.values[0]).version, child.line
        elif child.name == "native_ipv6":
            yield 6, child.line


def _version(node: Node, settings: Node, family: int, report: Report) -> int:
    """Version 2 is of IPv4; keepalived lets it pass over IPv6 where somebody writes it, but nobody else speaks that."""
    written = number(node, "version")
    if family == 4:
        return written or number(settings, "vrrp_version") or 2
    if written != 2:
        return 3
    strict = switch(node, "strict_mode", switch(settings, "vrrp_strict", default=False))
    if not strict and not flag(node, "native_ipv6"):
        return 2
    found = node.last("version")
    assert found is not None
    report.error(Code.CONFLICT, found.line, 1, "version 2 is of IPv4, not IPv6", assumed="`version 3`")
    return 3


def bind_source(node: Node, family: Family, report: Report) -> Address | None:
    """Where adverts come from; None is the interface's own address."""
    found = next((child for child in reversed(node.children) if child.sound and child.name in SOURCES), None)
    return _of_family(found, family, report)


def bind_group(node: Node, settings: Node, family: Family, report: Report) -> Address:
    """Where adverts go unless there are peers."""
    written = _of_family(node.last("mcast_dst_ip"), family, report)
    inherited = address(settings, GROUPS[family.number])
    if inherited is not None and inherited.version != family.number:
        inherited = None
    return written or inherited or (VRRP_GROUP if family.number == 4 else VRRP_GROUP6)


def mind_groups(settings: Node, report: Report) -> None:
    """Report a group in `global_defs` that is of the other family than its keyword."""
    for family, keyword in GROUPS.items():
        for found in settings.all(keyword):
            named = cast("Address", found.values[0])
            if named.version != family:
                report.error(
                    Code.ADDRESS_FAMILY, found.line, 1, f"{named} is no group of IPv{family}", assumed="it is left out"
                )


def _of_family(found: Node | None, family: Family, report: Report) -> Address | None:
    """The address that a keyword names; None, with a message, if it is of the other family."""
    if found is None:
        return None
    named = cast("Address", found.values[0])
    if named.version == family.number:
        return named
    say_other_family(found.line, 1, named, family, "it is left out", report)
    return None


def say_other_family(line: Line, index: int, named: Address, family: Family, assumed: str, report: Report) -> None:
    """Report an address that cannot be in a virtual router of this family."""
    report.error(
        Code.ADDRESS_FAMILY,
        line,
        index,
        f"{named} is not of the virtual router's family, IPv{family.number}",
        assumed=assumed,
        note=Note.at(family.decided_by, 0, "this line decides") if family.decided_by else None,
    )


def say_addresses_are_of_other_family(entries: list[Line], others: list[Line], family: Family, report: Report) -> None:
    """Report, once, virtual addresses of the other family; where something else decided on it, that is more likely wrong."""
    first, decided_by = others[0], family.decided_by
    named = first.words[0].partition("/")[0]
    if decided_by is None or decided_by in entries:
        say_other_family(first, 0, read_address(named), family, "all such addresses are left out", report)
        return
    report.error(
        Code.ADDRESS_FAMILY,
        decided_by,
        1 if decided_by.words[0] in SOURCES else 0,
        f"this makes it a virtual router of IPv{family.number}, of whose family its virtual address {named} is not",
        assumed="all such addresses are left out",
        note=Note.at(first, 0, "of the other family"),
    )


def is_of_other_family(entry: Line, family: Family) -> bool:
    """Whether a line begins with an address of the other family."""
    if is_undefined(entry.words[0]):
        return False
    try:
        return read_address(entry.words[0].partition("/")[0]).version != family.number
    except BadValueError:
        return False
