"""`auth_hmac`: a keyed hash behind each message, in both versions and families (keepalived 2.4).

::

    | type = 1      | key id        | zeros                         |
    |                 Unix time, seconds                            |
    | fraction, 1/65536 s           | counter                       |
    |       the first 16 octets of an HMAC-SHA256                   |

Seconds, fraction and counter are one number that grows with each advert, so that none counts twice. The hash is of a pseudo
header, the message without its checksum, and the trailer up to the hash with zeros in its place. Neither the length in a pseudo
header nor the VRRP checksum counts the trailer.
"""

from __future__ import annotations

import hmac
import struct

from vrrpd.config.model import Hmac, ReplayProtection
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.sequences import Sequences

STAMP = struct.Struct("!BBHQ")
"""Type, key id, zeros, sequence."""
HASH_OCTETS = 16
TRAILER_OCTETS = STAMP.size + HASH_OCTETS
TRAILER_TYPE = 1
SEQUENCES_A_SECOND = 1 << 32
FRACTIONS_A_SECOND = 1 << 16
COUNTS_A_FRACTION = 1 << 16
SEQUENCE_MAX = (1 << 64) - 1

_PSEUDO_HEADER = struct.Struct("!BBBx16s")
_NO_HASH = bytes(HASH_OCTETS)


def covered(family: int, version: int, router_id: int, source: bytes, message: bytes) -> bytes:
    """What the hash covers but for the trailer; `message` without its checksum, `source` of 4 or 16 octets."""
    return _PSEUDO_HEADER.pack(family, version, router_id, source) + message


class KeyedHash:
    """Puts trailers behind our messages, and checks those of others."""

    def __init__(self, settings: Hmac, senders_max: int) -> None:
        self.sequence = 0
        """The last one that was sent."""
        self._heard = Sequences(senders_max)
        self.reconfigure(settings, senders_max)

    def reconfigure(self, settings: Hmac, senders_max: int) -> None:
        """Use other keys and rules; the numbering goes on, and what was heard is remembered."""
        self._secrets = {key.key_id: key.secret for key in settings.keys}
        self._active_key_id = settings.active_key_id
        self._minds_time = settings.replay_protection is ReplayProtection.TIME
        self._window = int(settings.time_window_s * SEQUENCES_A_SECOND)
        self._heard.senders_max = senders_max

    def next_stamp(self, unix_s: float) -> bytes:
        """The beginning of the next trailer: the time, or a little more where the clock stood still or went back."""
        self.sequence = min(SEQUENCE_MAX, max(_clock(unix_s), self.sequence + 1))
        return STAMP.pack(TRAILER_TYPE, self._active_key_id, 0, self.sequence)

    def go_on_after(self, sequence: int, unix_s: float) -> None:
        """Number on from there where the clock was set back meanwhile; what is too far ahead of it, peers have not taken."""
        if not self._minds_time or sequence <= _clock(unix_s) + self._window:
            self.sequence = max(self.sequence, sequence)

    def trailer(self, stamp: bytes, covered_octets: bytes) -> bytes:
        """The whole trailer for a message."""
        return stamp + _hash(self._secrets[self._active_key_id], covered_octets, stamp)

    def refusal(self, trailer: bytes, covered_octets: bytes, source: bytes, unix_s: float) -> Rejection | None:
        """What is wrong with a trailer of :data:`TRAILER_OCTETS`; a good one is remembered."""
        kind, key_id, zeros, sequence = STAMP.unpack_from(trailer)
        if kind != TRAILER_TYPE or zeros != 0:
            return Rejection.KEYED_HASH_MALFORMED
        secret = self._secrets.get(key_id)
        if secret is None:
            return Rejection.KEYED_HASH_UNKNOWN_KEY
        if self._minds_time and abs(_clock(unix_s) - sequence) > self._window:
            return Rejection.KEYED_HASH_STALE
        if not hmac.compare_digest(_hash(secret, covered_octets, trailer[: STAMP.size]), trailer[STAMP.size :]):
            return Rejection.KEYED_HASH_WRONG
        if not self._heard.take(source, sequence):
            return Rejection.KEYED_HASH_REPLAYED
        return None


def _clock(unix_s: float) -> int:
    """A time as a sequence number; the counter in it is 0."""
    return int(unix_s * FRACTIONS_A_SECOND) * COUNTS_A_FRACTION


def _hash(secret: bytes, covered_octets: bytes, stamp: bytes) -> bytes:
    return hmac.digest(secret, covered_octets + stamp + _NO_HASH, "sha256")[:HASH_OCTETS]
