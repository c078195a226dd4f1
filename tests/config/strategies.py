"""Configurations made up from the declarations: whatever a keyword's declaration allows, and now and then a little more."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from vrrpd.config.declaration import Argument, Form, Keyword
from vrrpd.config.keywords import ROOT
from vrrpd.config.values import Boolean, Choice, Endpoint, Integer, InterfaceName, IpAddress, Seconds, Text, ValueType

NAMES = st.sampled_from(["VI_1", "VI_2", "web", "peer", "G1"])
"""Few, so that blocks often name one another, and now and then there are two of one name."""
INTERFACES = st.sampled_from(["eth0", "eth1", "bond0.7", "vrrp.51"])
ADDRESSES = st.sampled_from(["192.0.2.1", "192.0.2.2", "198.51.100.7", "192.0.2.101", "2001:DB8:0::2"])
GROUPS = st.sampled_from(["224.0.0.18", "239.1.2.3", "ff02::12"])
COMMANDS = st.sampled_from(
    ["/bin/true", "\"/usr/bin/tell 'two words' x\"", '"/bin/sh -c \\"a\\" \\#"', '"</run/x" nobody', "/opt/a\\!b root root"]
)
ODD_WORDS = st.text(string.ascii_letters + string.digits + " #!{}@$~\\/'=äµ\t", max_size=8).map(lambda text: f'"{text}"')
METHODS = st.sampled_from(["NAT", "DR", "TUN", "TUN type gre csum", "TUN type gue port 6080", "TUN type ipip"])

BY_KEYWORD = {
    "lb_kind": METHODS,
    "lvs_method": METHODS,
    "sorry_server_lvs_method": METHODS,
    "virtual_server": st.sampled_from(
        ["192.0.2.80 80", "192.0.2.80 443", "192.0.2.81", "2001:db8::80 80", "fwmark 7", "group web"]
    ),
    "persistence_granularity": st.sampled_from(["255.255.255.0", "24", "64"]),
    "status_code": st.sampled_from(["200", "200-299 404", "500-599 200-204"]),
    "regex": st.sampled_from(['"^a b$"', "x\\.y", '"(a|b)\\d{2}"', "'it''s'"]),
    "regex_options": st.sampled_from(["caseless", "dotall multiline"]),
    "digest": st.just("d41d8cd98f00b204e9800998ecf8427e"),
    "payload": st.sampled_from(["00ff", "0a0B0c"]),
    "require_reply": st.sampled_from(["", "00ff", "0x1x"]),
    "process": st.sampled_from(["nginx", "/usr/sbin/sshd -D", '"a b" "c # d"']),
    "init_file": st.sampled_from(["", "5", "-3 overwrite"]),
    "use_vmac": st.sampled_from(["", "vrrp.9", "name vm0 netlink_notify_msg", "02:00:5e:01:02:03"]),
    "use_ipvlan": st.sampled_from(["", "bridge", "private 192.0.2.9/24"]),
    "garp_extra_if": st.sampled_from(["60", "all 60"]),
    "vrrp_garp_extra_if": st.sampled_from(["60", "all 60"]),
    "lvs_timeouts": st.sampled_from(["tcp 900", "tcp 900 tcpfin 120 udp 300"]),
    "lvs_sync_daemon": st.sampled_from(["eth0 VI_1", "eth0 inst VI_1 id 7 ttl 3"]),
    "umask": st.sampled_from(["0177", "IRUSR|IWUSR"]),
    "include_check": st.sampled_from(["", "read", "match +read"]),
    "vrrp_rx_bufs_policy": st.sampled_from(["MTU", "advert", "4096"]),
    "vrrp_iptables": st.sampled_from(["", "VRRP_IN", "VRRP_IN VRRP_OUT"]),
    "key": st.sampled_from(["1 0123456789abcdef0123456789abcdef", f"2 hex:{'0f' * 32}"]),
    "password": ODD_WORDS,
}
"""Arguments of keywords whose words have a meaning that their types do not tell."""
ADDRESS_LINES = st.sampled_from(
    [
        "192.0.2.80/24",
        "192.0.2.81",
        "192.0.2.82/24 dev eth1 label eth1:v",
        "192.0.2.83/24 brd + scope link",
        "2001:db8::80/64",
        '"192.0.2.84"',
    ]
)
ROUTES = st.sampled_from(
    [
        "default via 192.0.2.254",
        "198.51.100.0/24 dev eth0 table 7 metric 5",
        "blackhole 203.0.113.0/24",
        "::/0 via fe80::1 dev eth0",
    ]
)
RULES = st.sampled_from(["from 192.0.2.0/24 table 7 priority 100", "to 198.51.100.0/24 lookup main preference 5"])
TRACKED = st.tuples(NAMES, st.sampled_from(["", " weight 0", " weight -20", " weight 10 reverse"])).map("".join)
BY_BLOCK = {
    "virtual_ipaddress": ADDRESS_LINES,
    "virtual_ipaddress_excluded": ADDRESS_LINES,
    "static_ipaddress": ADDRESS_LINES,
    "virtual_routes": ROUTES,
    "static_routes": ROUTES,
    "virtual_rules": RULES,
    "static_rules": RULES,
    "unicast_peer": st.sampled_from(["192.0.2.2", "192.0.2.3 min_ttl 250", "2001:db8::2"]),
    "track_interface": st.tuples(INTERFACES, st.sampled_from(["", " weight -20"])).map("".join),
    "track_script": TRACKED,
    "track_file": TRACKED,
    "track_process": TRACKED,
    "track_bfd": TRACKED,
    "interfaces": INTERFACES,
    "interface_up_down_delays": st.sampled_from(["eth0 1", "eth1 0.5 2"]),
    "linkbeat_interfaces": st.sampled_from(["eth0", "eth1 MII"]),
    "virtual_server_group": st.sampled_from(["192.0.2.80 80", "192.0.2.90-95 80", "fwmark 9"]),
    "notification_email": st.sampled_from(["admin@example.com", "Ops <ops@example.com>", '"$A=b"', '"include x"']),
    "group": NAMES,
}
"""One line of a block of values."""


def word(type_: ValueType) -> st.SearchStrategy[str]:
    """A word that is a value of the type."""
    match type_:
        case Integer():
            return st.integers(type_.low, type_.high).map(str) | st.integers(type_.low, min(type_.high, type_.low + 200)).map(
                str
            )
        case Seconds():
            high = min(type_.high, type_.low + 10_000)
            return st.decimals(str(type_.low), str(high), places=6).map(lambda number: f"{number:f}")
        case Boolean():
            return st.sampled_from(["on", "true", "yes", "off", "false", "no"])
        case Choice():
            return st.sampled_from(type_.words)
        case InterfaceName():
            return INTERFACES
        case IpAddress():
            return GROUPS if type_.multicast else ADDRESSES
        case Endpoint():
            return st.sampled_from(["127.0.0.1:9165", "[::1]:80", "localhost:1"])
        case Text(what="NAME"):
            return NAMES
        case Text(is_path=True):
            return st.sampled_from(["/run/x", '"/run/a b"', "//run/y", "rel/z"])
    return st.just("plain") | ODD_WORDS


def arguments(keyword: Keyword) -> st.SearchStrategy[str]:
    """What may stand behind a keyword."""
    if keyword.name in BY_KEYWORD:
        return BY_KEYWORD[keyword.name]
    first = keyword.arguments[0] if keyword.arguments else None
    if first and first.repeated and getattr(first.type, "is_path", False):
        return COMMANDS
    return st.tuples(*map(_argument, keyword.arguments)).flatmap(_as_many_as_are_not_missing)


def _argument(argument: Argument) -> st.SearchStrategy[str | None]:
    some = st.lists(word(argument.type), min_size=1, max_size=3 if argument.repeated else 1).map(" ".join)
    return some | st.none() if argument.optional else some


def _as_many_as_are_not_missing(words: tuple[str | None, ...]) -> st.SearchStrategy[str]:
    """The words in front of the first one that is left out."""
    return st.just(" ".join(one for index, one in enumerate(words) if one and None not in words[:index]))


def written(keyword: Keyword) -> st.SearchStrategy[str]:
    """The keyword with its arguments and all between its braces, as lines of text."""
    head = arguments(keyword).map(lambda words: f"{keyword.name} {words}")
    if keyword.form is Form.LINE:
        return head.map(lambda line: f"{line}\n")
    if keyword.form is Form.VALUES:
        entries = st.lists(BY_BLOCK.get(keyword.name, st.just("192.0.2.7")), min_size=1, max_size=3)
        return st.tuples(head, entries).map(
            lambda parts: f"{parts[0]} {{\n{''.join(f'{entry}{chr(10)}' for entry in parts[1])}}}\n"
        )
    return st.tuples(head, contents(keyword)).map(lambda parts: f"{parts[0]} {{\n{parts[1]}}}\n")


def contents(block: Keyword) -> st.SearchStrategy[str]:
    """Some keywords of a block, and mostly those without which it is nothing."""
    some = st.lists(st.sampled_from(list(block.children.values())).flatmap(written), max_size=8).map("".join)
    needed = st.tuples(*(written(block.children[name]) for name in NEEDED.get(block.name, ()))).map("".join)
    return st.tuples(needed, some).map("".join)


NEEDED = {
    "vrrp_instance": ("interface", "virtual_router_id", "virtual_ipaddress"),
    "virtual_server": ("lb_algo", "lb_kind", "protocol", "real_server"),
    "vrrp_script": ("script",),
    "vrrp_track_process": ("process",),
    "track_file": ("file",),
    "bfd_instance": ("neighbor_ip",),
    "HTTP_GET": ("url",),
    "url": ("path",),
    "MISC_CHECK": ("misc_path",),
    "vrrp_sync_group": ("group",),
}

COMMON = ("vrrp_instance", "virtual_server", "global_defs", "vrrp_script", "vrrp_sync_group")
configurations = st.lists(
    st.sampled_from(list(ROOT.children.values())).flatmap(written)
    | st.sampled_from([ROOT.children[name] for name in COMMON]).flatmap(written),
    max_size=6,
).map("".join)
"""Texts of whole files. No word in them is misspelled or out of its range; what is said of them is about what they mean."""
