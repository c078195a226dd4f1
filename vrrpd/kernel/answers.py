"""Answers: who else on the wire says that an address of ours is his.

Replies to our probes, and announcements that others make unasked. A filter in the kernel keeps the segment's ordinary ARP and
neighbour discovery away, so that they do not wake this process.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Collection

from vrrpd.config.model import Address
from vrrpd.kernel.arp import ETH_P_ARP, claimed
from vrrpd.kernel.links import Link
from vrrpd.kernel.ndp import HOP_LIMIT, NEIGHBOUR_ADVERTISEMENT, advertised
from vrrpd.kernel.socket_options import (
    DROP,
    JUMP_IF_EQUAL,
    LOAD_BYTE,
    LOAD_WORD,
    NETWORK_HEADER,
    TAKE,
    Instruction,
    attach_filter,
    bind_to_interface,
)

ANSWERS_MAX = 16
"""Read in one call, so that a flood cannot keep the event loop from its timers; the rest stays readable for the next."""
ANSWER_OCTETS = 256
"""An ARP frame has 42 octets, or 60 with Ethernet's padding; an advertisement 32, and other options may be behind them."""
FILTER_ADDRESSES_MAX = 256
"""Compared one by one in the kernel, two instructions each; more would not fit the 20,480 octets (net.core.optmem_max) of older
kernels, where a filter and its successor are charged together. Where more are watched, every answer wakes us."""

ARP_SENDER_AT = 28
ADVERTISED_TAIL_AT = 20
"""Where the last four octets of a neighbour advertisement's target are in its ICMPv6 message."""
HOP_LIMIT_AT = NETWORK_HEADER + 7

ICMPV6_FILTER = 1
ICMPV6_KINDS = struct.Struct("=8I")
"""struct icmp6_filter: a bit for each kind of message that is kept away."""

Answer = tuple[Address, bytes]
"""An address, and the MAC (6 octets) at which somebody says it is."""


class AnswerSocket:
    """Hears, on one interface, who else claims one of a set of addresses of one family. Non-blocking.

    Raises OSError where the socket cannot be had: no such interface, no CAP_NET_RAW, no IPv6.
    """

    def __init__(self, link: Link, family: int) -> None:
        self._link = link
        self._watched: frozenset[Address] = frozenset()
        self._read: Callable[[bytes], Answer | None]
        if family == 4:
            self._read = claimed
            self._head: tuple[Instruction, ...] = ((LOAD_WORD, 0, 0, ARP_SENDER_AT),)
            self._socket = _arp_socket(link)
        else:
            self._read = advertised
            self._head = (
                (LOAD_BYTE, 0, 0, HOP_LIMIT_AT),
                (JUMP_IF_EQUAL, 1, 0, HOP_LIMIT),  # from a neighbour (RFC 4861 section 7.1.2)
                DROP,
                (LOAD_WORD, 0, 0, ADVERTISED_TAIL_AT),
            )
            self._socket = _advertisement_socket(link)

    def fileno(self) -> int:
        """For the event loop: readable when somebody claims an address."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the socket back; it cannot be used after that."""
        self._socket.close()

    def watch(self, addresses: Collection[Address]) -> None:
        """Hear of these addresses from now on, and of no others."""
        self._watched = frozenset(addresses)
        tails = sorted({int.from_bytes(address.packed[-4:], "big") for address in self._watched})
        body: list[Instruction] = [TAKE]
        if len(tails) <= FILTER_ADDRESSES_MAX:
            body = [instruction for tail in tails for instruction in ((JUMP_IF_EQUAL, 0, 1, tail), TAKE)] + [DROP]
        attach_filter(self._socket, (*self._head, *body))

    def receive(self) -> list[Answer]:
        """The waiting answers, at most ANSWERS_MAX of them; what this interface says itself is none. Never raises."""
        answers: list[Answer] = []
        for _ in range(ANSWERS_MAX):
            try:
                octets = self._socket.recv(ANSWER_OCTETS)
            except OSError:  # nothing more, or the interface went down: then nobody answers
                break
            answer = self._read(octets)
            if answer is not None and answer[0] in self._watched and answer[1] != self._link.mac:
                answers.append(answer)
        return answers


def _arp_socket(link: Link) -> socket.socket:
    """Deaf until it is bound, and to all but what `watch` then names: the filter is there before the protocol."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    try:
        attach_filter(opened, (DROP,))
        opened.bind((link.name, ETH_P_ARP))
    except OSError:
        opened.close()
        raise
    return opened


def _advertisement_socket(link: Link) -> socket.socket:
    """A socket of ICMPv6, not of the link: so the IPv6 traffic that passes the host is never looked at."""
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_INET6, kind, socket.IPPROTO_ICMPV6)
    try:
        attach_filter(opened, (DROP,))
        words = [0xFFFF_FFFF] * 8
        words[NEIGHBOUR_ADVERTISEMENT // 32] ^= 1 << NEIGHBOUR_ADVERTISEMENT % 32
        opened.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, ICMPV6_KINDS.pack(*words))
        bind_to_interface(opened, link)
    except OSError:
        opened.close()
        raise
    return opened
