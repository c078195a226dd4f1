"""UDP_CHECK: a datagram to a server of which nothing is known but its port.

Silence is a success unless an answer is required, for most protocols do not answer what they do not understand. Only the ICMP
error of a closed port or a server out of reach is a failure then.
"""

from __future__ import annotations

from functools import partial

from healthcheck.datagram import Question, Reply
from healthcheck.types import ReplyPattern, UdpCheck


def udp_question(check: UdpCheck) -> Question:
    """What is sent to the server, and which answers will do."""
    return Question(check.payload, partial(_read, check), silence_is_good=not check.require_reply)


def _read(check: UdpCheck, datagram: bytes) -> Reply:
    if not check.require_reply:
        return None
    if not check.min_reply_octets <= len(datagram) <= check.max_reply_octets:
        wanted = f"{check.min_reply_octets} to {check.max_reply_octets}"
        return f"the answer has {len(datagram)} octets, not {wanted}"
    if check.reply is not None and not _matches(check.reply, datagram):
        return "the answer is not the expected one"
    return None


def _matches(pattern: ReplyPattern, datagram: bytes) -> bool:
    """Compared as far as both go."""
    return all(not (wanted ^ seen) & mask for wanted, mask, seen in zip(pattern.octets, pattern.mask, datagram, strict=False))
