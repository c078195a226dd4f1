"""A host's IPVS table, case by case: the whole of it in ipvsadm(8)'s words, and its weights at a glance."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from netns_lab.namespaces import Host

SERVICE_HEADS = ("TCP", "UDP", "SCTP", "FWM")
NAMES = {1: "a", 2: "b", 3: "c", 4: "d", 9: "s"}
SERVICE_OF_A_CASE = re.compile(
    r"(?:-[tu]|--sctp-service|TCP|UDP|SCTP) +(?:10\.8\.(?P<v4>\d+)\.|\[fd00:8:(?P<v6>[0-9a-f]+):)|(?:-f|FWM) +(?P<mark>\d+)"
)
SERVER = re.compile(r"-r (?P<server>\S+) .*-w (?P<weight>\d+)")
UNLIMITED = ["0", "0"]


def table(host: Host) -> Mapping[int | None, Sequence[str]]:
    """Every row of each case, sorted, and the thresholds of its servers; what belongs to no case under None.

    Not from /proc/net/ip_vs: of a table longer than a page the kernel leaves rows out where other namespaces have tables, too.
    """
    rows: dict[int | None, list[str]] = defaultdict(list)
    for rule in host.run("ipvsadm", "-Sn").stdout.splitlines():
        rows[_case_in(rule)].append(rule.rstrip())
    service = ""
    for line in host.run("ipvsadm", "-Ln", "--thresholds").stdout.splitlines()[3:]:
        if line.startswith(SERVICE_HEADS):
            service = line
            continue
        _arrow, server, upper, lower, *_connections = line.split()
        if [upper, lower] != UNLIMITED:
            rows[_case_in(service)].append(f"{_name(server)}: -x {upper} -y {lower}")
    return {case: sorted(lines) for case, lines in rows.items()}


def in_words(rows: Iterable[str]) -> str:
    """What a case shows, such as `a=1 b=2`: one text for all its services, or one for each where they are not alike."""
    services: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.startswith("-A"):
            services.setdefault(row.split()[2], {})
    for row in rows:
        if found := SERVER.search(row):
            services[row.split()[2]][_name(found["server"])] = found["weight"]
    texts = [" ".join(f"{name}={weight}" for name, weight in sorted(servers.items())) for servers in services.values()]
    return texts[0] if len(set(texts)) == 1 else " | ".join(sorted(texts))


def _case_in(rule: str) -> int | None:
    found = SERVICE_OF_A_CASE.search(rule)
    if found is None:
        return None
    return int(found["v6"], 16) if found["v6"] else int(found["v4"] or found["mark"])


def _name(server: str) -> str:
    if server.startswith("["):
        return NAMES[ip_address(server[1:].partition("]")[0]).packed[-1]]
    octets = ip_address(server.partition(":")[0]).packed
    return "h" if octets[2] else NAMES[octets[3]]
