"""The kernel's IPVS table: a mirror of it, the difference to what should be there, and the way to close it.

The mirror is brought up to date every so often, because the kernel tells of no change by itself: what its overview shows
otherwise than last time is read again. The overview does not show everything, so other services are read again in turn: half
of a table of ordinary size, fewer of a large one. While the table cannot be read or written (no module, no right, a kernel out
of memory) nothing is known of it; the caller's audits try again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from itertools import islice

from ipvs.client import Client
from ipvs.diff import diff, foreign
from ipvs.errors import IpvsError
from ipvs.mirror import follow
from ipvs.netlink import NetlinkError
from ipvs.operations import DestinationOperation, Operation
from ipvs.overview import Overview, differences
from ipvs.statistics import MeasuredRow
from ipvs.types import DestinationKey, Row, RowKey, Table

Owned = Mapping[RowKey, frozenset[DestinationKey]]

ORDINARY_SERVICES = 100
"""Of a table of so many, half is read again at each update, come what may, which takes some 10 ms."""
SERVICES_IN_TURN = 20
"""Of a larger one so many: few enough to hold up no check. Of 1,000 services each has its turn in half a minute. Only what the
overview does not show waits for it: thresholds, tunnels, scheduler flags."""
CHANGED_SHARE_MAX = 0.25
"""If more of a large table is shown otherwise, reading all of it costs less than reading the services one by one."""

log = logging.getLogger(__name__)


class IpvsTable:
    """What the kernel has, as far as is known, and what of it is ours."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: set[str] = set()
        """Refusals that are in the log already."""
        self._unavailable: str | None = None
        self.current: Mapping[RowKey, Row] | None = None
        """The mirror; None while the kernel's table cannot be used."""
        self._overview: Overview | None = None
        """What the kernel showed when the mirror was brought up to date; None where it shows nothing."""
        self._in_turn: list[RowKey] = []
        """Services that have not been read again since the last round."""
        self._refused: set[RowKey] = set()
        """Services of which the kernel refused something, so that they are not as they were to be."""
        self._overlooked: set[RowKey] = set()
        """Services that somebody else changed since the last update, while we changed so much that we looked anew."""
        self.owned: Owned = {}
        """What may be changed and removed."""
        self.refusals = 0
        """Requests that the kernel refused."""

    def read(self) -> None:
        """Read the kernel's table into the mirror."""
        overview = self._client.overview()  # first: what changes while the table is read is a difference at the next update
        try:
            self.current = self._client.table()
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return
        self._overview = overview
        self._in_turn = list(self.current)
        self._overlooked = set()
        if self._unavailable is not None:
            log.info("IPVS can be used again")
            self._unavailable = None

    def update(self) -> Collection[RowKey] | None:
        """Bring the mirror up to date at little cost. Returns the services that may not be as they should; None for any."""
        if self.current is None or self._overview is None:
            self.read()
            return None
        count = len(self.current)
        overview = self._client.overview()
        changed = None if overview is None else differences(self._overview, overview)
        if changed is None or len(changed) > CHANGED_SHARE_MAX * count + SERVICES_IN_TURN:
            self.read()
            return None
        self._overview = overview
        self._in_turn = self._in_turn or list(self.current)
        in_turn = (count + 1) // 2 if count <= ORDINARY_SERVICES else SERVICES_IN_TURN
        doubtful = changed | self._overlooked | set(islice(self._in_turn, in_turn))
        del self._in_turn[:in_turn]
        self._overlooked = set()
        self._read_again(doubtful)
        return doubtful | self._refused

    def _read_again(self, keys: Iterable[RowKey]) -> None:
        assert self.current is not None
        try:
            found = self._client.rows(keys)
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return
        current = dict(self.current)
        for key in keys:
            current.pop(key, None)
        self.current = current | found

    def bring_about(self, desired: Table, only: Collection[RowKey] | None = None) -> int:
        """Close the gap between `desired` and the mirror, for all rows or `only` for some; how many operations it took."""
        current = self.current
        if current is None:
            return 0
        owned = self.owned
        if only is not None:
            desired = {key: desired[key] for key in only if key in desired}
            current = {key: current[key] for key in only if key in current}
            owned = {key: owned[key] for key in only if key in owned}
        return self._apply(diff(desired, current, owned))

    def measured(self, keys: Iterable[RowKey]) -> Mapping[RowKey, MeasuredRow]:
        """Those of these services that are there, with what the kernel counted; nothing while that cannot be read."""
        if self.current is None:
            return {}
        try:
            return self._client.rows_with_statistics(keys)
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return {}

    def foreign_rows(self) -> int:
        """How many services and destinations are not ours; a service of ours is none, whatever somebody put behind it."""
        if self.current is None:
            return 0
        rows = foreign(self.current, self.owned)
        return sum(key not in self.owned for key in rows) + sum(len(row.destinations) for row in rows.values())

    def _apply(self, operations: list[Operation]) -> int:
        """Send operations and follow them in the mirror; how many the kernel carried out."""
        if not operations:
            return 0
        try:
            failures = self._client.apply(operations)
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return 0
        refused = {failure.operation for failure in failures}
        texts = {str(failure.error) for failure in failures}
        for text in sorted(texts - self._told):  # tried again at each audit, told once
            log.error("%s", text)
        self._told = texts
        self.refusals += len(refused)
        touched = set(map(_service_of, operations))
        self._refused = (self._refused - touched).union(map(_service_of, refused))
        assert self.current is not None
        self.current = follow(self.current, (operation for operation in operations if operation not in refused))
        if len(touched) > SERVICES_IN_TURN:
            self._look_anew(touched)
        return len(operations) - len(refused)

    def _look_anew(self, touched: Collection[RowKey]) -> None:
        """Take what we changed as it is shown now, or the next update would read all of it again."""
        overview = self._client.overview()
        if self._overview is not None and overview is not None:
            self._overlooked |= differences(self._overview, overview).difference(touched)
        self._overview = overview

    def _lose_sight(self, error: Exception) -> None:
        """The kernel's table cannot be used now; that is told once."""
        self.current = None
        self._client.close()
        if self._unavailable != str(error):
            self._unavailable = str(error)
            log.error("IPVS cannot be used: %s; it is tried again", error)


def _service_of(operation: Operation) -> RowKey:
    return operation.service_key if isinstance(operation, DestinationOperation) else operation.key
