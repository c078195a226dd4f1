"""What an operator asked of real servers, kept in the run directory so that it outlives a reload and a restart.

::

    {"[192.0.2.10]:tcp:80": {"[192.0.2.101]:80": "drain", "[192.0.2.102]:80": "maintenance", "[192.0.2.103]:80": {"weight": 5}}}

Servers are called as in the metrics; a group of virtual servers is `[NAME]`, a firewall mark `FWM MARK`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ipvs.types import DestinationKey
from vrrpd.balancer.overrides import Drain, FixedWeight, Maintenance, Override
from vrrpd.balancer.real_server import WEIGHT_MAX
from vrrpd.config.model import VirtualServer

FILE_OCTETS_MAX = 4 * 1024 * 1024
"""Some 100,000 overrides; a file that is longer is none of ours."""

Overrides = tuple[tuple[str, str, Override], ...]
"""Virtual server, real server, and what is asked of it."""

EXPECTED = '"drain", "maintenance" or {"weight": N}'

log = logging.getLogger(__name__)


def read_overrides(path: Path) -> Overrides:
    """What the file asks for; what cannot be understood is left out and told in the log. A missing file asks for nothing."""
    try:
        with path.open(encoding="utf-8") as file:
            note = json.loads(file.read(FILE_OCTETS_MAX))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        log.error("overrides cannot be read: %s: %s; none is in force", path, error)  # noqa: TRY400
        return ()
    if not isinstance(note, dict):
        log.error("%s: expected virtual servers, each with its real servers; no override is in force", path)
        return ()
    found = []
    for virtual_server, servers in note.items():
        for real_server, wish in servers.items() if isinstance(servers, dict) else ():
            override = _override(wish)
            if override is None:
                log.error("%s: %s, %s: expected %s; left out", path, virtual_server, real_server, EXPECTED)
                continue
            found.append((virtual_server, real_server, override))
    return tuple(found)


def of_nobody(overrides: Overrides, servers: Iterable[VirtualServer]) -> list[tuple[str, str]]:
    """Those that no configured server heeds: virtual server and real server as the file calls them."""
    if not overrides:
        return []
    known = {(str(each.key), str(DestinationKey(real.address, real.port))) for each in servers for real in each.real_servers}
    return [(virtual, real) for virtual, real, _override in overrides if (virtual, real) not in known]


def _override(wish: Any) -> Override | None:
    match wish:
        case "drain":
            return Drain()
        case "maintenance":
            return Maintenance()
        case {"weight": int(weight)} if 0 <= weight <= WEIGHT_MAX and len(wish) == 1 and not isinstance(weight, bool):
            return FixedWeight(weight)
    return None
