"""`use_vmac` and `use_ipvlan` -> :class:`vrrpd.config.model.VirtualMac` and :class:`vrrpd.config.model.IpVlan`."""

from __future__ import annotations

import re
from dataclasses import replace

from vrrpd.config.bind_address import read_prefix
from vrrpd.config.diagnostics import Code, Report
from vrrpd.config.model import IpVlan, VirtualMac
from vrrpd.config.model.network import Name
from vrrpd.config.settings import flag, setting
from vrrpd.config.tree import Node
from vrrpd.config.values import BadValueError, Integer, InterfaceName
from vrrpd.config.words import Words, read_entry

MAC = re.compile(r"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){4,5}")
VRRP_MACS = (bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002"))
"""What virtual routers' own MAC addresses begin with, for IPv4 and IPv6 (RFC 5798 section 7.3)."""
MULTICAST_BIT = 0x01
IPVLAN_MODES = ("bridge", "private", "vepa")


def bind_virtual_interface(
    node: Node, virtual_router_id: int, settings: Node, *, unicast: bool, report: Report
) -> VirtualMac | IpVlan | None:
    """The interface that the virtual router makes for itself, if any. `settings` is `global_defs`."""
    vmac, ipvlan = node.last("use_vmac"), node.last("use_ipvlan")
    if vmac is not None and ipvlan is not None:
        report.error(Code.CONFLICT, ipvlan.line, 0, "`use_vmac` is there already", assumed="`use_ipvlan` is left out")
    found = vmac or ipvlan
    if found is None:
        return None
    default_name = f"{setting(settings, 'vmac_prefix', 'vrrp')}.{virtual_router_id}"
    from_base = flag(node, "vmac_xmit_base")
    if found is vmac:
        made = read_entry(
            Words(found.line, 1), lambda words: _vmac(words, default_name, virtual_router_id), "`use_vmac`", report
        )
        from_base = from_base or (unicast and _must_send_from_base(found, report))
        return made and replace(made, adverts_from_base=from_base, for_other_interfaces=flag(node, "use_vmac_addr"))
    ip = read_entry(Words(found.line, 1), lambda words: _ipvlan(words, default_name, report), "`use_ipvlan`", report)
    return ip and replace(ip, adverts_from_base=from_base)


def _must_send_from_base(found: Node, report: Report) -> bool:
    report.error(
        Code.CONFLICT,
        found.line,
        0,
        "unicast adverts cannot leave through an interface with a virtual MAC address",
        assumed="`vmac_xmit_base`",
        advice="add `vmac_xmit_base`",
    )
    return True


def _vmac(words: Words, default_name: str, virtual_router_id: int) -> VirtualMac:
    """`[name INTERFACE | INTERFACE] [MAC] [netlink_notify_msg] [group GROUP]`"""
    made = VirtualMac(default_name)
    while words.next is not None:
        word = words.take()
        if word == "name":
            made = replace(made, interface=words.read(InterfaceName().read))
        elif word == "netlink_notify_msg":
            made = replace(made, notifies=True)
        elif word == "group":
            made = replace(made, link_group=words.read(read_group))
        elif MAC.fullmatch(word):
            made = replace(made, mac=_mac(word, virtual_router_id))
        else:
            made = replace(made, interface=InterfaceName().read(word))
    return made


def _ipvlan(words: Words, default_name: str, report: Report) -> IpVlan:
    """`[bridge|private|vepa] [group GROUP] [name INTERFACE | INTERFACE] [ADDRESS]`"""
    made = IpVlan(default_name)
    while words.next is not None:
        if "." in words.next or ":" in words.next:
            made = replace(made, address=read_prefix(words, report))
            continue
        word = words.take()
        if word in IPVLAN_MODES:
            made = replace(made, mode=word)
        elif word == "group":
            made = replace(made, link_group=words.read(read_group))
        else:
            name = words.read(InterfaceName().read) if word == "name" else InterfaceName().read(word)
            made = replace(made, interface=name)
    return made


def _mac(word: str, virtual_router_id: int) -> bytes:
    """Six octets; where five are given the last one is the virtual router's number."""
    octets = bytes(int(part, 16) for part in word.split(":"))
    if octets[0] & MULTICAST_BIT:
        raise BadValueError(f"{word} is a group's MAC address")
    if octets[:5] in VRRP_MACS:
        raise BadValueError(f"{word} belongs to the virtual routers themselves; leave it out to get it")
    return octets if len(octets) == 6 else octets + bytes([virtual_router_id])


def read_group(word: str) -> Name:
    """A link group's number, or a name that the host must know (/etc/iproute2/group)."""
    return Integer().read(word) if word[:1].isdigit() else word
