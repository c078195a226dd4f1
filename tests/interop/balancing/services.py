"""What a service can be: addresses, marks, groups, families; schedulers and their flags; persistence; ways to the servers."""

from __future__ import annotations

from tests.interop.balancing.cases import Case, Step, block, filed, real, virtual

AB = "a:file b:file"
STORY = (Step("", "a=1 b=1"), Step("a down", "b=1"), Step("a up", "a=1 b=1"))
SERVERS = (filed("a"), filed("b"))
SCHEDULERS = ("wrr", "lc", "wlc", "lblc", "lblcr", "dh", "fo", "ovf", "sed", "nq", "sh", "mh")
"""All that the lab's kernel has."""
GROUP_CHECK = block("TCP_CHECK", "connect_port $port")


def _grouped(*entries: str) -> str:
    """A group and its virtual server."""
    return block("virtual_server_group G$mark", *entries) + "\n" + virtual(*SERVERS, of="group G$mark")


SERVICES = (
    *(Case(f"scheduler {name}", virtual(*SERVERS, lb_algo=name), AB, STORY[:2]) for name in SCHEDULERS),
    Case("flags of sh", virtual("sh-port", "sh-fallback", *SERVERS, lb_algo="sh"), AB, STORY[:2]),
    Case("flags of mh", virtual("mh-port", "mh-fallback", *SERVERS, lb_algo="mh"), AB, STORY[:2]),
    Case("raw flags", virtual("flag-1", "flag-3", *SERVERS), AB, STORY[:2]),
    Case("udp in one packet", virtual("ops", *SERVERS, protocol="UDP"), AB, STORY[:2]),
    Case("sctp", virtual(*SERVERS, protocol="SCTP"), AB, STORY[:2]),
    Case("ipv6", virtual(real("a6", block("TCP_CHECK")), of="$vip6 80"), "a6:tcp", (Step("", "a=1"), Step("a6 down", ""))),
    Case(
        "mark over ipv6",
        virtual("ip_family inet6", real("a6", block("TCP_CHECK")), of="fwmark $mark", protocol=None),
        "a6:tcp",
        (Step("", "a=1"), Step("a6 down", ""), Step("a6 up", "a=1")),
    ),
    Case("mark", virtual(*SERVERS, of="fwmark $mark", protocol=None), AB, STORY),
    Case("mark to direct servers", virtual(*SERVERS, of="fwmark $mark", protocol=None, lb_kind="DR"), AB, STORY[:2]),
    Case("mark in one packet", virtual("ops", *SERVERS, of="fwmark $mark", protocol=None), AB, STORY[:2]),
    Case("group of a range", _grouped("$net.1-3 80"), AB, STORY),
    Case("group of ranges and addresses", _grouped("$net.1-2 80", "$net.7 443", "$net.9-10 8080"), AB, STORY),
    Case("group of a range and a mark", _grouped("$net.1-2 80", "fwmark $mark"), AB, STORY),
    Case(
        "group of two protocols",
        _grouped("$net.1-2 53") + "\n" + virtual(*SERVERS, of="group G$mark", protocol="UDP"),
        AB,
        STORY,
    ),
    Case("group of every port", _grouped("$net.1-2"), AB, STORY[:2]),
    Case("persistence", virtual("persistence_timeout 100", *SERVERS), AB, STORY[:2]),
    Case("persistence of six minutes", virtual("persistence_timeout", *SERVERS), AB, STORY[:1]),
    Case(
        "persistence by network",
        virtual("persistence_timeout 50", "persistence_granularity 255.255.255.0", *SERVERS),
        AB,
        STORY[:2],
    ),
    Case("persistence by network alone", virtual("persistence_granularity 255.255.0.0", *SERVERS), AB, STORY[:1]),
    Case(
        "persistence by call",
        virtual("persistence_timeout 60", "persistence_engine sip", *SERVERS, protocol="UDP"),
        AB,
        STORY[:2],
    ),
    Case("every port", virtual(*SERVERS, of="$vip"), AB, STORY[:2]),
    Case("direct servers", virtual(*SERVERS, lb_kind="DR"), AB, STORY),
    Case("tunnels", virtual(*SERVERS, lb_kind="TUN"), AB, STORY),
    Case("tunnels in gue", virtual(*SERVERS, lb_kind="TUN type gue port 6080 csum"), AB, STORY[:2]),
    Case("tunnels in gre", virtual(*SERVERS, lb_kind="TUN type gre csum"), AB, STORY[:2]),
    Case("a way for each", virtual(filed("a", lvs_method="DR"), filed("b", lvs_method="TUN")), AB, STORY),
    Case("thresholds", virtual(filed("a", uthreshold=10, lthreshold=5), filed("b", uthreshold=7)), AB, STORY),
    Case(
        "direct server checked at its own port",
        virtual(real("a", block("TCP_CHECK")), lb_kind="DR"),
        "a:tcp",
        (Step("", "a=1"), Step("a down", ""), Step("a up", "a=1")),
    ),
    Case(
        "every port, checked at one",
        virtual(real("a", GROUP_CHECK), of="$vip", lb_kind="DR"),
        "a:tcp",
        (Step("", "a=1"), Step("a down", "")),
    ),
)
