"""The last sequence number heard of each sender, so that nothing counts twice."""

from __future__ import annotations


class Sequences:
    """Remembers the senders heard last, `senders_max` of them; what is told of others than those is forgotten."""

    def __init__(self, senders_max: int) -> None:
        self.senders_max = senders_max
        self._last: dict[bytes, int] = {}
        """By the octets of the address; the sender heard last stands last."""

    def take(self, source: bytes, sequence: int) -> bool:
        """Whether `sequence` is greater than the last of this sender, and from now on is the last."""
        if sequence <= self._last.get(source, -1):
            return False
        self._last.pop(source, None)
        self._last[source] = sequence
        while len(self._last) > self.senders_max:
            del self._last[next(iter(self._last))]
        return True
