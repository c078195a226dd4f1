"""What a page must be like, judged while its octets come in."""

from __future__ import annotations

import hashlib

from healthcheck.types import Url

WINDOW_OCTETS_MAX = 2**20
"""An expression looks at no more of a page than this, for as much is kept in memory."""


class Page:
    """One answer, of which `take` hears the body piece by piece."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self._digest = hashlib.md5(usedforsecurity=False) if url.digest is not None else None
        self._window = bytearray()

    @property
    def wants_more(self) -> bool:
        """Whether more of the body can change anything."""
        return self._digest is not None or (self._url.regex is not None and len(self._window) < WINDOW_OCTETS_MAX)

    def take(self, octets: bytes) -> None:
        """Take in a piece of the body."""
        if self._digest is not None:
            self._digest.update(octets)
        if self._url.regex is not None:
            self._window += octets[: WINDOW_OCTETS_MAX - len(self._window)]

    def wants_status(self, status: int) -> bool:
        """Whether the status is one of those expected."""
        return any(low <= status <= high for low, high in self._url.statuses)

    def fault(self) -> str | None:
        """What is wrong with the body, when there is no more of it to come."""
        if self._digest is not None and self._digest.digest() != self._url.digest:
            return f"the page's digest is {self._digest.hexdigest()}"
        regex = self._url.regex
        if regex is None:
            return None
        from healthcheck.expression import compiled, found_in  # noqa: PLC0415  its library is large, and few pages need it

        found = found_in(compiled(regex), regex, bytes(self._window))
        if found is None:
            return "the page takes too long to be compared with the expression"
        if found is regex.must_match:
            return None
        return "the page does not match the expression" if regex.must_match else "the page matches the expression"
