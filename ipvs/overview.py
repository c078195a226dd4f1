"""A cheap look at the whole table: /proc/net/ip_vs shows all rows at a tenth of what it costs to ask for each.

It shows less than netlink does (no thresholds, no tunnels), so it is no way to read the table. It is a way to learn which rows
are worth reading again.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from ipvs.types import MarkKey, Protocol, RowKey, ServiceKey

PATH = Path("/proc/thread-self/net/ip_vs")
HEAD_LINES = 3
DESTINATION = b"  ->"
COUNTS_OCTETS = 21
"""At the end of each destination's line: its connections, which change all the time ("%-10d %-10d")."""

Overview = Mapping[bytes, list[bytes]]
"""A service's line, with the lines of its destinations."""


def parse(text: bytes) -> Overview:
    """Each service with its destinations as they are shown, but for what they count."""
    overview: dict[bytes, list[bytes]] = {}
    destinations: list[bytes] = []
    for line in text.splitlines()[HEAD_LINES:]:
        if line.startswith(DESTINATION):
            destinations.append(line[:-COUNTS_OCTETS])
        else:
            destinations = overview[line] = []
    return overview


def differences(before: Overview, now: Overview) -> set[RowKey]:
    """The services that are shown otherwise than before, those that came or went among them."""
    lines = {line for line in before.keys() | now.keys() if before.get(line) != now.get(line)}
    return {key for line in lines for key in _keys(line)}


def _keys(line: bytes) -> tuple[RowKey, ...]:
    """Of which services this is the line: of a mark it does not tell the family. None of an unknown kind."""
    try:
        kind, where, *_others = line.decode("ascii").split()
        if kind == "FWM":
            return MarkKey(int(where, 16), 4), MarkKey(int(where, 16), 6)
        address, _colon, port = where.rpartition(":")
        shown = IPv6Address(address[1:-1]) if address.startswith("[") else IPv4Address(int(address, 16))
        return (ServiceKey(Protocol[kind], shown, int(port, 16)),)
    except (ValueError, KeyError):
        return ()
