"""Netlink as bytes: messages, attributes, and a socket that sends many requests at once and accounts for every answer.

Nothing here knows IPVS: routing netlink and generic netlink are framed alike (include/uapi/linux/netlink.h). Layouts are in
host byte order and aligned to four octets.

A batch goes out in few datagrams, because a system call per message costs more than the message; it is cut so that neither
the send buffer (EMSGSIZE) nor the receive buffer with its refusals (ENOBUFS) can overflow.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_DUMP = 0x300
NLM_F_DUMP_INTR = 0x10

NLMSG_ERROR = 2
NLMSG_DONE = 3

NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF

SOL_NETLINK = 270
NETLINK_EXT_ACK = 11
NETLINK_CAP_ACK = 10
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200
NLMSGERR_ATTR_MSG = 1

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # length, type
ERROR = struct.Struct("=i")
TIMEVAL = struct.Struct("@ll")

KERNEL_PORT = 0
KERNEL = (KERNEL_PORT, 0)  # port, groups

BATCH_MESSAGES_MAX = 200
"""Requests in flight: should all be refused, the answers (36 octets each and the kernel's words, about 1 KiB of buffer
accounting) stay below the smallest default receive buffer, 212,992 octets."""
BATCH_OCTETS_MAX = 65_536
"""Octets in one send: below the default send buffer."""
RECEIVE_OCTETS = 65_536
"""The kernel never puts more than 32 KiB in a dump's datagram; twice that leaves room."""
ANSWER_TIMEOUT_S = 5.0
"""The kernel answers within the send itself; a silence this long means that an answer was lost."""
UNREAD_DATAGRAMS_MAX = 4096
"""Read away after a loss: more than the default receive buffer holds (some 300 acknowledgements), and enough for the rest of
a dump of 100,000 rows. What is older than that is told apart by its sequence number."""
STRANGERS_MAX = 10_000
"""Other processes may send to our socket, too; so many of their datagrams are passed over for one of the kernel's."""
DUMP_TRIES_MAX = 5
"""A dump that was interrupted by changes is begun anew; so often changes may meet it before that is an error."""


class NetlinkError(OSError):
    """The kernel refused a request; `errno` says why and the text what the kernel said itself, where it did."""


class NetlinkOverrunError(NetlinkError):
    """Answers or notifications were lost (ENOBUFS, or no answer in time): what was known of the kernel may be wrong."""


def pad(octets: bytes) -> bytes:
    """Fill up to the next multiple of four."""
    return octets + bytes(-len(octets) % 4)


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute with its header and padding."""
    return pad(ATTRIBUTE.pack(ATTRIBUTE.size + len(payload), kind) + payload)


def nested(kind: int, *attributes: bytes) -> bytes:
    """One attribute that holds others."""
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def message(kind: int, flags: int, payload: bytes) -> bytes:
    """One request; its sequence number is given when it is sent."""
    return HEADER.pack(HEADER.size + len(payload), kind, flags | NLM_F_REQUEST, 0, 0) + pad(payload)


def attributes(buffer: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The attributes in `buffer`, as (type without flags, payload). Stops at the first that does not fit."""
    offset, end = 0, len(buffer)
    while offset + ATTRIBUTE.size <= end:
        length, kind = ATTRIBUTE.unpack_from(buffer, offset)
        if length < ATTRIBUTE.size or offset + length > end:
            return
        yield kind & NLA_TYPE_MASK, buffer[offset + ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def messages(datagram: bytes) -> Iterator[tuple[int, int, int, memoryview]]:
    """The messages in a datagram, as (type, flags, sequence, payload). Stops at the first that does not fit."""
    view, offset, end = memoryview(datagram), 0, len(datagram)
    while offset + HEADER.size <= end:
        length, kind, flags, sequence, _port = HEADER.unpack_from(view, offset)
        if length < HEADER.size or offset + length > end:
            return
        yield kind, flags, sequence, view[offset + HEADER.size : offset + length]
        offset += (length + 3) & ~3


class Transport(Protocol):
    """The part of a socket that a conversation needs: a real one, or a stand-in for the kernel in tests."""

    def sendto(self, octets: bytes, address: tuple[int, int], /) -> int:
        """Hand requests to the kernel, which carries them out before this returns."""

    def recvfrom(self, size: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """One datagram and its sender (port, groups); BlockingIOError when there is none in time."""

    def close(self) -> None:
        """Give it back."""


class NetlinkSocket:
    """A blocking netlink socket for requests. One thread, one conversation at a time.

    `protocol` is a number of the NETLINK_* kind, as NETLINK_ROUTE (0). With a `transport` no socket is opened.
    """

    def __init__(self, protocol: int, transport: Transport | None = None) -> None:
        self._transport = transport or _open(protocol)
        self._sequence = int(time.time()) & 0x7FFF_FFFF
        self.messages_sent = 0
        """Requests handed to the kernel since the socket was opened, dumps included."""

    def close(self) -> None:
        """Give the socket back; it cannot be used after that."""
        self._transport.close()

    def request(self, requests: Sequence[bytes]) -> list[NetlinkError | None]:
        """Send requests and return what became of each, in their order: None, or the kernel's refusal.

        All are sent and all are answered for, also after a refusal. Raises NetlinkOverrunError when answers were lost.
        """
        outcome: list[NetlinkError | None] = []
        for batch in _batches(requests):
            outcome += self._exchange(batch)
        return outcome

    def query(self, request: bytes) -> list[tuple[int, memoryview]]:
        """Send one request that is answered with data and return the answers as (type, payload). Raises NetlinkError."""
        return self._conversation(request, NLM_F_ACK) or []

    def dump(self, request: bytes) -> list[tuple[int, memoryview]]:
        """Send a dump request (NLM_F_DUMP) and return its answers as (type, payload).

        A dump that the kernel marks as interrupted is asked again. Raises NetlinkError.
        """
        for _ in range(DUMP_TRIES_MAX):
            answers = self._conversation(request, NLM_F_DUMP)
            if answers is not None:
                return answers
        raise NetlinkOverrunError(errno.EINTR, f"the kernel's table changed during each of {DUMP_TRIES_MAX} dumps")

    def _exchange(self, batch: Sequence[bytes]) -> list[NetlinkError | None]:
        """Only the last request asks for an acknowledgement. The kernel tells every refusal unasked, and in order, so what it
        has not refused by then is done (netlink_rcv_skb); a system call for each answer would cost more than the request.
        """
        first, last = self._sequence, len(batch) - 1
        self._send(b"".join(self._number(request, NLM_F_ACK if index == last else 0) for index, request in enumerate(batch)))
        outcome: list[NetlinkError | None] = [None] * len(batch)
        while True:
            for kind, flags, sequence, payload in messages(self._receive()):
                index = (sequence - first) & 0xFFFF_FFFF
                if kind == NLMSG_ERROR and index <= last:  # else it is the late rest of an abandoned conversation
                    outcome[index] = _refusal(flags, payload)
                    if index == last:
                        return outcome

    def _conversation(self, request: bytes, flags: int) -> list[tuple[int, memoryview]] | None:
        """Send one request and collect what answers it, up to the end; None when a dump was interrupted by changes."""
        sequence_sent = self._sequence
        self._send(self._number(request, flags))
        answers: list[tuple[int, memoryview]] = []
        interrupted = False
        while True:
            for kind, answer_flags, sequence, payload in messages(self._receive()):
                if sequence != sequence_sent:
                    continue
                interrupted = interrupted or bool(answer_flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    refusal = _refusal(answer_flags, payload, request_echoed=kind == NLMSG_ERROR)
                    if refusal is not None:
                        raise refusal
                    return None if interrupted else answers
                answers.append((kind, payload))

    def _number(self, request: bytes, flags: int) -> bytes:
        length, kind, own_flags, _sequence, port = HEADER.unpack_from(request)
        numbered = HEADER.pack(length, kind, own_flags | flags, self._sequence, port) + request[HEADER.size :]
        self._sequence = (self._sequence + 1) & 0xFFFF_FFFF
        self.messages_sent += 1
        return numbered

    def _send(self, octets: bytes) -> None:
        try:
            self._transport.sendto(octets, KERNEL)
        except OSError as error:
            raise NetlinkError(error.errno, error.strerror) from error

    def _receive(self) -> bytes:
        try:
            for _ in range(STRANGERS_MAX):
                datagram, (port, _groups) = self._transport.recvfrom(RECEIVE_OCTETS)
                if port == KERNEL_PORT:
                    return datagram
        except BlockingIOError as error:
            raise NetlinkOverrunError(errno.ETIMEDOUT, f"no answer from the kernel in {ANSWER_TIMEOUT_S:g} s") from error
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise NetlinkError(error.errno, error.strerror) from error
            self._forget_unread()
            raise NetlinkOverrunError(error.errno, "the receive buffer overflowed and answers were lost") from error
        raise NetlinkOverrunError(errno.EBADMSG, "another process floods this socket")

    def _forget_unread(self) -> None:
        """Empty the receive buffer, which also ends a dump that is under way: the next conversation begins afresh."""
        for _ in range(UNREAD_DATAGRAMS_MAX):
            try:
                self._transport.recvfrom(RECEIVE_OCTETS, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                continue  # another loss; what comes after it can be read


def _open(protocol: int) -> socket.socket:
    try:
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    except OSError as error:
        raise NetlinkError(error.errno, f"no netlink socket: {error.strerror}") from error
    opened.bind((0, 0))
    # A time limit kept by the kernel saves a poll before each of the many acknowledgements.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEVAL.pack(int(ANSWER_TIMEOUT_S), 0))
    for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK):  # short acknowledgements, and the kernel's own words
        with contextlib.suppress(OSError):  # kernels before 4.12 know only the number
            opened.setsockopt(SOL_NETLINK, option, 1)
    return opened


def _batches(requests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = octets = 0
    for index, request in enumerate(requests):
        if index > start and (index - start == BATCH_MESSAGES_MAX or octets + len(request) > BATCH_OCTETS_MAX):
            yield requests[start:index]
            start, octets = index, 0
        octets += len(request)
    if start < len(requests):
        yield requests[start:]


def _refusal(flags: int, payload: memoryview, *, request_echoed: bool = True) -> NetlinkError | None:
    """The error in an NLMSG_ERROR, or in the NLMSG_DONE of a dump that failed half-way; None where all went well."""
    code = -ERROR.unpack_from(payload)[0] if len(payload) >= ERROR.size else 0
    if code <= 0:
        return None
    text = os.strerror(code)
    if flags & NLM_F_ACK_TLVS:
        end = ERROR.size
        if request_echoed:  # whole, or its header alone
            end += HEADER.size if flags & NLM_F_CAPPED else (HEADER.unpack_from(payload, end)[0] + 3) & ~3
        for kind, value in attributes(payload[end:]):
            if kind == NLMSGERR_ATTR_MSG:
                text = bytes(value).rstrip(b"\0").decode(errors="replace")
    return NetlinkError(code, text)
