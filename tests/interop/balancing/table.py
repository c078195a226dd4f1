"""A host's IPVS table, case by case: its weights at a glance, and the whole of it in ipvsadm(8)'s words."""

from __future__ import annotations

import re
from collections import defaultdict
from ipaddress import ip_address

from netns_lab.namespaces import Host
from tests.interop.balancing.cases import NO_SERVICE

SERVICE_HEADS = ("TCP", "UDP", "SCTP", "FWM")
NAMES = {1: "a", 2: "b", 3: "c", 4: "d", 9: "s"}
SERVICE_OF_A_CASE = re.compile(
    r"(?:-[tu]|--sctp-service|TCP|UDP|SCTP) +(?:10\.8\.(?P<v4>\d+)\.|\[fd00:8:(?P<v6>[0-9a-f]+):)|(?:-f|FWM) +(?P<mark>\d+)"
)

SERVER = re.compile(r"-r (?P<server>\S+) .*-w (?P<weight>\d+)")


def weights(host: Host) -> dict[int, str]:
    """What each case shows, such as `a=1 b=2`; of a case without services nothing.

    Not from /proc/net/ip_vs: of a table longer than a page the kernel leaves rows out where other namespaces have tables, too.
    """
    services: dict[int, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for rule in host.run("ipvsadm", "-Sn").stdout.splitlines():
        case = _case_in(rule)
        if case is None:
            continue
        servers = services[case][rule.split()[2]]
        if found := SERVER.search(rule):
            servers[_name(found["server"])] = found["weight"]
    return {case: _in_words(list(rows.values())) for case, rows in services.items()}


def shown(weights_by_case: dict[int, str], case: int) -> str:
    """What one case shows."""
    return weights_by_case.get(case, NO_SERVICE)


def in_full(host: Host) -> dict[int | None, list[str]]:
    """Every row of each case, sorted, with the thresholds of its servers; foreign ones under None."""
    rules = host.run("ipvsadm", "-Sn").stdout.splitlines()
    listed = host.run("ipvsadm", "-Ln", "--thresholds").stdout.splitlines()[3:]
    rows: dict[int | None, list[str]] = defaultdict(list)
    for rule in rules:
        rows[_case_in(rule)].append(rule.rstrip())
    service = ""
    for line in listed:
        if line.startswith(SERVICE_HEADS):
            service = line
        elif (limits := line.split()[3:5]) != ["0", "0"]:
            words = line.split()
            rows[_case_in(service)].append(f"{service.split()[1]} -> {words[1]} thresholds {' '.join(limits)}")
    return {case: sorted(lines) for case, lines in rows.items()}


def _in_words(rows: list[dict[str, str]]) -> str:
    """One text for all services of a case, or one for each where they are not alike."""
    texts = [" ".join(f"{name}={weight}" for name, weight in sorted(row.items())) for row in rows]
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
