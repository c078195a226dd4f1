"""What a master holds -> the addresses, routes and rules of a :class:`vrrpd.config.model.VirtualRouter`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from vrrpd.config.bind_address import bind_address
from vrrpd.config.bind_family import Family, is_of_other_family, say_addresses_are_of_other_family
from vrrpd.config.bind_route import bind_route
from vrrpd.config.bind_rule import Preferences, bind_rule
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line
from vrrpd.config.model import VirtualAddress, VirtualRouter
from vrrpd.config.tree import Node

T = TypeVar("T")
ADDRESSES_MAX = 255
"""The advert's count of addresses is one octet (RFC 3768 section 5.3.5)."""


def with_goods(
    router: VirtualRouter, node: Node, family: Family, preferences: Preferences, report: Report
) -> VirtualRouter | None:
    """The router with all that it holds; None, with a message, where it lacks the addresses that it must have."""
    router = replace(
        router,
        routes=_bound(node, "virtual_routes", lambda entry: bind_route(entry, report)),
        rules=_bound(node, "virtual_rules", lambda entry: bind_rule(entry, preferences, report)),
    )
    seen: set[object] = set()
    addresses = _addresses(node, "virtual_ipaddress", router, seen, family, report)
    excluded = _addresses(node, "virtual_ipaddress_excluded", router, seen, None, report)
    if not addresses and not _may_lack_them(router, node, report):
        return None
    if len(addresses) > ADDRESSES_MAX:
        report.warning(
            Code.REDUCED,
            node.line,
            1,
            f"an advert carries {ADDRESSES_MAX} addresses at most, and `{router.name}` has {len(addresses)}",
            assumed="the further ones count as excluded",
        )
        excluded = addresses[ADDRESSES_MAX:] + excluded
    return replace(router, addresses=tuple(addresses[:ADDRESSES_MAX]), excluded_addresses=tuple(excluded))


def _bound(node: Node, name: str, bind: Callable[[Line], T | None]) -> tuple[T, ...]:
    """What `bind` makes of the lines of all blocks of one name."""
    found = (bind(entry) for block in node.all(name) for entry in block.entries)
    return tuple(one for one in found if one is not None)


def _may_lack_them(router: VirtualRouter, node: Node, report: Report) -> bool:
    """Whether a router without addresses can be; says what is missing, unless that was said of its addresses."""
    if router.may_lack_addresses:
        return True
    needed = router.version == 3 or router.strict
    if not node.mentions("virtual_ipaddress"):
        message = f"virtual router `{router.name}` has no virtual address"
        if needed:
            report.error(
                Code.MISSING_SETTING,
                node.line,
                1,
                message,
                assumed="it is left out",
                advice="add `virtual_ipaddress`, or `no_virtual_ipaddress` if that is what you want",
            )
        else:
            report.warning(Code.MISSING_SETTING, node.line, 1, message, assumed="it has none")
    return not needed


def _addresses(
    node: Node, name: str, router: VirtualRouter, seen: set[object], family: Family | None, report: Report
) -> list[VirtualAddress]:
    """The sound addresses of all blocks of one name; of any family where `family` is None."""
    addresses = []
    entries = [entry for block in node.all(name) for entry in block.entries]
    others = [entry for entry in entries if family is not None and is_of_other_family(entry, family)]
    if family is not None and others:
        say_addresses_are_of_other_family(entries, others, family, report)
    left_out = set(map(id, others))
    for entry in entries:
        if id(entry) in left_out:
            continue
        bound = bind_address(entry, _home(router), report)
        if bound is None:
            continue
        if bound.address in seen:
            report.error(Code.DUPLICATE, entry, 0, f"{bound.address} is there already", assumed="it is left out")
            continue
        seen.add(bound.address)
        addresses.append(_on_virtual_interface(bound, router))
    return addresses


def _home(router: VirtualRouter) -> str:
    """Where addresses live that name no interface."""
    return router.virtual_interface.interface if router.virtual_interface else router.interface


def _on_virtual_interface(bound: VirtualAddress, router: VirtualRouter) -> VirtualAddress:
    """`dev` with the interface below the virtual one means the virtual one."""
    return replace(bound, interface=_home(router)) if bound.interface == router.interface else bound
