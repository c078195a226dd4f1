"""When a certificate ends: the one field of X.509 that is of interest although the certificate is not verified.

Python's `ssl` takes only verified certificates apart. The way to the field is short (RFC 5280, 4.1), so it is walked here, in
DER as X.690 has it: a tag, a length, a value.
"""

from __future__ import annotations

from datetime import UTC, datetime

SEQUENCE = 0x30
VERSION = 0xA0
"""[0], present in every certificate but those of version 1."""
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
LONG_LENGTH = 0x80
BEFORE_VALIDITY = 3
"""Serial number, signature algorithm, issuer."""
CENTURY_PIVOT = 50
"""RFC 5280, 4.1.2.5.1: two-digit years from here on are of the 20th century."""


def certificate_end_unix_s(certificate: bytes) -> float | None:
    """`notAfter` of a certificate in DER; None where it cannot be read."""
    try:
        _tag, whole, _rest = _value(certificate)
        _tag, signed, _rest = _value(whole)
        if signed[0] == VERSION:
            _tag, _version, signed = _value(signed)
        for _ in range(BEFORE_VALIDITY):
            _tag, _skipped, signed = _value(signed)
        _tag, validity, _rest = _value(signed)
        _tag, _not_before, validity = _value(validity)
        tag, not_after, _rest = _value(validity)
        return _moment(tag, not_after.decode("ascii"))
    except (IndexError, ValueError, OverflowError):
        return None


def _value(octets: bytes) -> tuple[int, bytes, bytes]:
    """The first value with its tag, and what follows it."""
    tag, length, at = octets[0], octets[1], 2
    if length & LONG_LENGTH:
        at += length - LONG_LENGTH
        length = int.from_bytes(octets[2:at], "big")
    if len(octets) < at + length:
        raise ValueError("cut off")
    return tag, octets[at : at + length], octets[at + length :]


def _moment(tag: int, text: str) -> float:
    if tag == UTC_TIME:
        text = ("19" if int(text[:2]) >= CENTURY_PIVOT else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
