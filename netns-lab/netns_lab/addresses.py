"""The addresses of an interface, asked of the kernel over routing netlink (rtnetlink(7)).

A few lines of our own and not ip(8), because tests look for a virtual address every few milliseconds; and not the daemon's
code, because it is the daemon's work that is looked at.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address

from netns_lab.netlink import MESSAGE_HEADER, attributes, messages
from netns_lab.topology import Address

ADDRESS_HEADER = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index

NLM_F_REQUEST_DUMP = 0x301
NLMSG_DONE = 3
RTM_NEWADDR = 20
RTM_GETADDR = 22
IFA_ADDRESS = 1
IFA_LOCAL = 2
"""Differs from IFA_ADDRESS only on a point-to-point link, where that is the other end's."""

DATAGRAM_OCTETS_MAX = 32_768
"""The kernel puts no more into one datagram of a dump."""


def of_interface(name: str) -> set[Address]:
    """All addresses of an interface in this thread's network namespace."""
    request = ADDRESS_HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    header = MESSAGE_HEADER.pack(MESSAGE_HEADER.size + len(request), RTM_GETADDR, NLM_F_REQUEST_DUMP, 1, 0)
    index = socket.if_nametoindex(name)
    found = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(header + request)
        for kind, body in _dumped(netlink):
            if kind == RTM_NEWADDR and ADDRESS_HEADER.unpack_from(body)[4] == index:
                found_in = dict(attributes(body[ADDRESS_HEADER.size :]))
                found.add(ip_address(found_in.get(IFA_LOCAL) or found_in[IFA_ADDRESS]))
    return found


def _dumped(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Type and body of every message up to the end of the dump."""
    while True:
        for kind, _flags, body in messages(netlink.recv(DATAGRAM_OCTETS_MAX)):
            if kind == NLMSG_DONE:
                return
            yield kind, body
