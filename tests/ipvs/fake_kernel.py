"""The kernel's end of a netlink socket, which answers requests the way a test wants."""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ipvs.netlink import (
    NLM_F_ACK,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSGERR_ATTR_MSG,
    attribute,
    messages,
)

HEADER = struct.Struct("=IHHII")


@dataclass(frozen=True)
class Request:
    """One request as the kernel sees it."""

    kind: int
    flags: int
    sequence: int
    payload: bytes

    @property
    def command(self) -> int:
        """The first octet of a generic netlink header."""
        return self.payload[0]


Answer = Callable[[Request], list[bytes | OSError]]


def reply(request: Request, kind: int, payload: bytes, flags: int = 0) -> bytes:
    return HEADER.pack(HEADER.size + len(payload), kind, flags, request.sequence, 0) + payload


def acknowledged(request: Request) -> list[bytes | OSError]:
    """As the kernel: only where it was asked for."""
    return [refused(request, 0)] if request.flags & NLM_F_ACK else []


def refused(request: Request, code: int, text: str = "") -> bytes:
    """As with NETLINK_CAP_ACK and NETLINK_EXT_ACK: the request's header alone, then the kernel's own words."""
    echo = HEADER.pack(HEADER.size + len(request.payload), request.kind, request.flags, request.sequence, 0)
    words = attribute(NLMSGERR_ATTR_MSG, text.encode() + b"\0") if text else b""
    return reply(request, NLMSG_ERROR, struct.pack("=i", -code) + echo + words, NLM_F_CAPPED | (NLM_F_ACK_TLVS if text else 0))


def done(request: Request, code: int = 0) -> bytes:
    return reply(request, NLMSG_DONE, struct.pack("=i", -code))


class FakeKernel:
    """Answers each request while it is sent, as the kernel does. An OSError among the answers is raised to the reader."""

    def __init__(self, answer: Answer = acknowledged) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.sends: list[int] = []
        self.unread: deque[tuple[bytes | OSError, int]] = deque()
        self.closed = False

    def sendto(self, octets: bytes, address: tuple[int, int], /) -> int:
        assert address == (0, 0)
        received = [Request(kind, flags, sequence, bytes(payload)) for kind, flags, sequence, payload in messages(octets)]
        self.sends.append(len(received))
        self.requests += received
        for request in received:
            self.unread.extend((answer, 0) for answer in self.answer(request))
        return len(octets)

    def recvfrom(self, size: int, _flags: int = 0, /) -> tuple[bytes, tuple[int, int]]:
        if not self.unread:
            raise BlockingIOError(errno.EAGAIN, "nothing to read")
        answer, port = self.unread.popleft()
        if isinstance(answer, OSError):
            raise answer
        assert len(answer) <= size
        return answer, (port, 0)

    def close(self) -> None:
        self.closed = True

    def commands(self) -> Iterator[int]:
        return (request.command for request in self.requests)
