"""DNS_CHECK: a name server is up while it answers without an error code (RFC 1035), be the answer empty or not."""

from __future__ import annotations

import random
from functools import lru_cache, partial

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from healthcheck.datagram import Question, Reply, Verdictless
from healthcheck.types import DnsCheck, NotProbed

QUERIES_KEPT_MAX = 1024
"""Encoded queries, of some 50 octets each; without them half of a probe's time would be spent on building the same again."""
IDENTIFIER_OCTETS = 2


def dns_question(check: DnsCheck) -> Question | NotProbed:
    """The query with an identifier that nobody can guess."""
    try:
        query = _query(check.name, check.record_type.name)
    except (dns.exception.DNSException, UnicodeError) as error:
        return NotProbed(f"`{check.name}` is no domain name: {error}")
    identifier = random.SystemRandom().getrandbits(8 * IDENTIFIER_OCTETS)
    octets = identifier.to_bytes(IDENTIFIER_OCTETS, "big") + query
    return Question(octets, partial(_read, identifier))


@lru_cache(QUERIES_KEPT_MAX)
def _query(name: str, record_type: str) -> bytes:
    """A query that asks for recursion, without its identifier. dnspython's DNSException if the name is none."""
    return dns.message.make_query(name, record_type).to_wire()[IDENTIFIER_OCTETS:]


def _read(identifier: int, datagram: bytes) -> Reply:
    try:
        answer = dns.message.from_wire(datagram, question_only=True)
    except (dns.exception.DNSException, ValueError):
        return Verdictless("what is no DNS message")
    if answer.id != identifier or not answer.flags & dns.flags.QR:
        return Verdictless("what answers another question")
    code = answer.rcode()
    return None if code == dns.rcode.NOERROR else f"the answer is {dns.rcode.to_text(code)}"
