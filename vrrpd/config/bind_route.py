"""One line of `virtual_routes` or `static_routes` -> :class:`vrrpd.config.model.Route`.

default via 192.168.4.1 dev eth0 table 100 mtu lock 1400
10.0.0.0/8 nexthop via 192.168.4.2 weight 2 nexthop via 192.168.4.3
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from vrrpd.config.bind_address import read_scope
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.line import Line
from vrrpd.config.model import Address, NextHop, Prefix, Route
from vrrpd.config.model.network import KEEPALIVED_PROTOCOL, Name, Option
from vrrpd.config.values import BadValueError, Choice, Integer, InterfaceName, read_address
from vrrpd.config.words import Words, read_entry

TYPES = (
    "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve",
)  # fmt: skip
OPERATIONS = ("add", "prepend", "append")
EVERYTHING = ("default", "any", "all")
FAMILIES = ("inet", "inet6")
TABLES: dict[str, Name] = {"default": 253, "main": 254, "local": 255}
"""RT_TABLE_* of include/uapi/linux/rtnetlink.h; /etc/iproute2/rt_tables may know more."""
PROTOCOLS: dict[str, Name] = {
    "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12,
    "dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "mrouted": 17, "keepalived": KEEPALIVED_PROTOCOL, "babel": 42,
    "bgp": 186, "isis": 187, "ospf": 188, "rip": 189, "eigrp": 192,
}  # fmt: skip
"""RTPROT_* of the same header; /etc/iproute2/rt_protos may know more."""
METRICS = frozenset({
    "mtu", "advmss", "rtt", "rttvar", "reordering", "cwnd", "ssthresh", "rto_min", "congctl", "hoplimit", "window", "initcwnd",
    "initrwnd", "features", "quickack", "fastopen_no_cookie",
})  # fmt: skip
"""Metrics, behind which `lock` may stand: the kernel must not change them by itself."""
OTHERS = frozenset({"realms", "expires", "vrf"})
"""Further options with one value."""
TIMES = frozenset({"rtt", "rttvar", "rto_min"})
"""Metrics that are times, with `s` or `ms` behind them."""
PREFERENCES = Choice(("low", "medium", "high"))
PROPAGATION = Choice(("enabled", "disabled"))
WORDS_OF_ENCAPSULATION = {
    "ip": ("id", "dst", "src", "tos", "ttl", "hoplimit", "flags"),
    "ip6": ("id", "dst", "src", "tc", "hoplimit", "flags"),
    "mpls": (),
    "ila": (),
}
"""Kinds of encapsulation with their options; `mpls` and `ila` take one word instead."""
KEYWORDS = (
    *TYPES, *OPERATIONS, *FAMILIES, "to", "via", "gw", "or", "nexthop", "src", "from", "tos", "dsfield", "table", "protocol",
    "scope", "metric", "priority", "preference", "dev", "oif", "onlink", "encap", "pref", "ttl-propagate", "ecn", "no_track",
    "track_group", *METRICS, *OTHERS,
)  # fmt: skip
WEIGHT = Integer(1, 256)
METRIC = Integer()
OCTET = Integer(0, 255)


def bind_route(entry: Line, report: Report) -> Route | None:
    """The route on a line; None, with a message, where it is not sound."""
    route = read_entry(Words(entry), lambda words: _RouteLine(words, report).read(), "route", report)
    if route is None or not route.tracked:
        return route
    return _as_tracked(route, entry, report)


def _as_tracked(route: Route, entry: Line, report: Report) -> Route:
    """A route is told from others' by its protocol, and missed only on an interface that is known."""
    if route.protocol != KEEPALIVED_PROTOCOL:
        report.error(
            Code.CONFLICT,
            entry,
            entry.words.index("protocol"),
            "only routes of protocol keepalived can be tracked",
            assumed="`protocol keepalived`",
            advice="add `no_track`",
        )
        route = replace(route, protocol=KEEPALIVED_PROTOCOL)
    return replace(route, tracked=any((route.interface, *(hop.interface for hop in route.next_hops))))


class _RouteLine:
    """Reads one line word by word into a route."""

    def __init__(self, words: Words, report: Report) -> None:
        self._words = words
        self._report = report
        self._destination: Prefix | None = None
        self._everything: IPv4Address | IPv6Address | None = None
        """`default` was the destination; the gateway may yet say of which family."""
        self._options: list[Option] = []
        self._hops: list[NextHop] = []
        self._route = Route(Prefix(IPv4Address(0), 0), words.line.position())

    def read(self) -> Route:
        words = self._words
        family = words.take_if(*FAMILIES)
        while words.next is not None:
            self._keyword(words.take())
        if self._destination is None and self._everything is None:
            words.index = 0
            raise BadValueError("a route needs a destination")
        destination = self._destination or self._all_of_family(family)
        route = replace(self._route, destination=destination, next_hops=tuple(self._hops), options=tuple(self._options))
        self._mind_families(route)
        return route

    def _keyword(self, word: str) -> None:
        words = self._words
        if word in TYPES:
            self._set(type=word)
        elif word in OPERATIONS:
            self._set(operation=word)
        elif word in {"via", "gw"}:
            self._via(word)
        elif word == "or":
            self._or()
        elif word == "nexthop":
            self._hops.append(read_next_hop(words))
        elif word in {"dev", "oif"}:
            self._set(interface=words.read(InterfaceName().read))
        elif word in {"table", "protocol", "scope", "metric", "priority", "preference", "tos", "dsfield", "src", "from"}:
            self._selector(word)
        elif word == "onlink":
            self._set(on_link=True)
        elif word == "no_track":
            self._set(tracked=False)
        elif word == "track_group":
            self._set(track_group=words.read(str))
        elif (option := read_option(words, word)) is not None:
            self._options.append(option)
        else:
            self._to(words.read(str) if word == "to" else word)

    def _selector(self, word: str) -> None:
        words = self._words
        if word == "table":
            self._set(table=words.read(read_table))
        elif word == "protocol":
            self._set(protocol=words.read(read_protocol))
        elif word == "scope":
            self._set(scope=words.read(read_scope))
        elif word in {"tos", "dsfield"}:
            self._set(type_of_service=words.read(read_octet))
        elif word == "src":
            self._set(source=words.read(read_address))
        elif word == "from":
            self._set(origin=words.read(read_destination))
        else:
            self._set(metric=words.read(METRIC.read))

    def _to(self, word: str) -> None:
        if self._destination is not None or self._everything is not None:
            raise self._words.unknown(KEYWORDS)
        if word in EVERYTHING:
            self._everything = IPv4Address(0)
        elif word == "default6":
            self._destination = Prefix(IPv6Address(0), 0)
        elif word[:1].isdigit() or ":" in word:
            self._destination = read_destination(word)
        else:
            raise self._words.unknown(KEYWORDS)

    def _via(self, word: str) -> None:
        words = self._words
        if word == "gw":
            self._deprecated("gw", "via")
        words.take_if(*FAMILIES)
        self._set(gateway=words.read(read_address))

    def _or(self) -> None:
        """`via A or B` is the old form of two next hops."""
        self._deprecated("or", "nexthop via")
        if self._route.gateway is not None:
            self._hops.append(NextHop(self._route.gateway))
            self._set(gateway=None)
        self._hops.append(NextHop(self._words.read(read_address)))

    def _deprecated(self, old: str, new: str) -> None:
        words = self._words
        self._report.error(
            Code.DEPRECATED, words.line, words.index, f"`{old}` is an old word", assumed=f"`{new}`", advice=f"write `{new}`"
        )

    def _set(self, **changes: Any) -> None:
        self._route = replace(self._route, **changes)

    def _all_of_family(self, family: str | None) -> Prefix:
        """`default`: of the family that the line begins with, else of the gateway's."""
        of_ipv6 = any(isinstance(one, IPv6Address) for one in _addresses(self._route, self._hops))
        return Prefix(IPv6Address(0) if family == "inet6" or of_ipv6 else IPv4Address(0), 0)

    def _mind_families(self, route: Route) -> None:
        """A gateway of IPv6 may serve IPv4 (RFC 5549), but not the reverse, and a source is of the destination's family."""
        of_ipv6 = isinstance(route.destination.address, IPv6Address)
        for address in _addresses(route, route.next_hops):
            if isinstance(address, IPv4Address) if of_ipv6 else address is route.source and isinstance(address, IPv6Address):
                self._words.index = next(i for i, word in enumerate(self._words.line.words) if _is(word, address))
                raise BadValueError(f"{address} and {route.destination} are of two families")


def _addresses(route: Route, hops: list[NextHop] | tuple[NextHop, ...]) -> list[Address]:
    return [one for one in (route.gateway, route.source, *(hop.gateway for hop in hops)) if one is not None]


def _is(word: str, address: Address) -> bool:
    try:
        return read_address(word) == address
    except BadValueError:
        return False


def read_next_hop(words: Words) -> NextHop:
    """What stands behind `nexthop`, as far as the first word that is not part of it."""
    hop = NextHop()
    options: list[Option] = []
    while word := words.take_if("via", "dev", "oif", "weight", "onlink", "encap", "realms"):
        if word == "via":
            words.take_if(*FAMILIES)
            hop = replace(hop, gateway=words.read(read_address))
        elif word == "weight":
            hop = replace(hop, weight=words.read(WEIGHT.read))
        elif word == "onlink":
            hop = replace(hop, on_link=True)
        elif word in {"dev", "oif"}:
            hop = replace(hop, interface=words.read(InterfaceName().read))
        elif (option := read_option(words, word)) is not None:
            options.append(option)
    return replace(hop, options=tuple(options))


def read_option(words: Words, word: str) -> Option | None:
    """An option that goes to the kernel as it is, from its keyword `word` on; None where the word is none."""
    if word in METRICS:
        lock = words.take_if("lock")
        return (word, lock, words.read(_metric(word))) if lock else (word, words.read(_metric(word)))
    if word in OTHERS:
        return word, words.read(str)
    if word == "pref":
        return word, words.read(PREFERENCES.read)
    if word == "ttl-propagate":
        return word, words.read(PROPAGATION.read)
    if word == "ecn":
        return (word,)
    if word == "encap":
        return _encapsulation(words)
    return None


def _metric(name: str) -> Callable[[str], str]:
    """How the value of a metric is read: it stays a word, but must be one that the kernel could get."""
    if name in {"congctl", "features"}:
        return str
    return _time if name in TIMES else lambda word: str(METRIC.read(word))


def _time(word: str) -> str:
    number = word.removesuffix("ms") if word.endswith("ms") else word.removesuffix("s")
    METRIC.read(number)
    return word


def _encapsulation(words: Words) -> Option:
    kind = words.read(Choice(tuple(WORDS_OF_ENCAPSULATION)).read)
    known = WORDS_OF_ENCAPSULATION[kind]
    if not known:
        return "encap", kind, words.read(str)
    option = ["encap", kind]
    while word := words.take_if(*known):
        option += (word, words.read(str))
    return tuple(option)


def read_destination(word: str) -> Prefix:
    """`ADDRESS[/LENGTH]`."""
    text, slash, length = word.partition("/")
    address = read_address(text)
    return Prefix(address, Integer(0, address.max_prefixlen).read(length) if slash else address.max_prefixlen)


def read_table(word: str) -> Name:
    """A routing table's number, or a name that the host must know."""
    return _number_or_name(word, TABLES, Integer(0, 2**32 - 1))


def read_protocol(word: str) -> Name:
    """The number of who made a route or rule, or a name that the host must know."""
    return _number_or_name(word, PROTOCOLS, OCTET)


def read_octet(word: str) -> int:
    """A number of one octet, also in hexadecimal, as the type of service is mostly written."""
    try:
        number = int(word, 16 if word[:2] in {"0x", "0X"} else 10)
    except ValueError:
        raise BadValueError(f"`{word}` is not a number") from None
    return OCTET.read(str(number))


def _number_or_name(word: str, names: dict[str, Name], numbers: Integer) -> Name:
    if word in names:
        return names[word]
    return numbers.read(word) if word[:1].isdigit() or word[:1] in "+-" else word
