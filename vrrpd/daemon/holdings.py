"""The addresses that this host's masters hold: kept in the kernel against all comers, and nothing else touched.

What is desired and what the kernel has are two tables (DESIGN rule 2). Becoming master, stepping down, start, reload, repair of
what somebody removed: each changes the desired table or learns about the current one, and then the difference is applied.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from ipvs.netlink import NetlinkError
from vrrpd.kernel.addresses import (
    AddAddress,
    AddressAttributes,
    AddressKey,
    AddressTable,
    DeleteAddress,
    Operation,
    diff,
)

log = logging.getLogger(__name__)


class Holdings:
    """Desired, current and owned addresses of all virtual routers of this host."""

    def __init__(self, table: AddressTable) -> None:
        self._table = table
        self._desired: dict[AddressKey, AddAddress] = {}
        self._owned: set[AddressKey] = set()
        self._refused: dict[AddressKey, str] = {}
        self.current: dict[AddressKey, AddressAttributes] = {}
        """What the kernel has, ours or not; kept up to date by `appeared` and `vanished`."""
        self.repairs = 0
        """Addresses put back after something else removed them."""

    def read(self) -> None:
        """Learn what the kernel has: at start, and when notifications were lost. Raises NetlinkError."""
        self.current = self._table.read()

    def own(self, keys: Iterable[AddressKey]) -> None:
        """These addresses may be removed when no master holds them."""
        self._owned.update(keys)

    def disown(self, keep: Collection[AddressKey]) -> None:
        """Forget the ownership of all but `keep`."""
        self._owned &= set(keep)

    def hold(self, additions: Iterable[AddAddress]) -> None:
        """A master holds these from now on. Takes one batch of prepared messages."""
        added = {addition.key: addition for addition in additions}
        self._desired.update(added)
        self._owned.update(added)
        self._apply([addition for key, addition in added.items() if key not in self.current])

    def release(self, keys: Iterable[AddressKey]) -> None:
        """No master holds these any more."""
        released = [key for key in keys if self._desired.pop(key, None) is not None]
        for key in released:
            self._refused.pop(key, None)
        self._apply([DeleteAddress(key) for key in released if key in self.current])

    def reconcile(self) -> None:
        """Apply the whole difference: put back what is missing, remove what is ours and no longer held."""
        desired = {key: addition.attributes for key, addition in self._desired.items()}
        self._apply(diff(desired, self.current, self._owned))

    def repair(self) -> list[AddressKey]:
        """Put back what a master holds and the kernel has not; returns what was put back."""
        missing = self.missing()
        never_there = set(self._refused)
        self._apply([self._desired[key] for key in missing])
        restored = [key for key in missing if key in self.current]
        self.repairs += sum(key not in never_there for key in restored)
        return restored

    def missing(self) -> list[AddressKey]:
        """What a master holds and the kernel has not."""
        return [key for key in self._desired if key not in self.current]

    def appeared(self, key: AddressKey, attributes: AddressAttributes) -> None:
        """The kernel tells of an address."""
        self.current[key] = attributes

    def vanished(self, key: AddressKey) -> None:
        """The kernel tells that an address is gone."""
        self.current.pop(key, None)

    def interface_vanished(self, index: int) -> None:
        """An interface is gone, and its addresses with it; some kernels do not tell of each."""
        for key in [key for key in self.current if key.interface_index == index]:
            del self.current[key]

    def _apply(self, operations: list[Operation]) -> None:
        if not operations:
            return
        try:
            applied = self._table.apply(operations)
        except NetlinkError as error:
            log.error("the kernel did not answer for addresses: %s; reading them again", error.strerror)  # noqa: TRY400
            self._read_or_keep()
            return
        failed = {failure.operation: str(failure) for failure in applied.failures}
        for operation in operations:
            key = operation.key
            if operation in failed:
                if self._refused.get(key) != failed[operation]:  # tried again every second, told once
                    self._refused[key] = failed[operation]
                    log.error("%s", failed[operation])
                continue
            self._refused.pop(key, None)
            if isinstance(operation, AddAddress):
                self.current[key] = operation.attributes
            else:
                self.current.pop(key, None)

    def _read_or_keep(self) -> None:
        try:
            self.read()
        except NetlinkError as error:
            log.error("addresses cannot be read: %s", error.strerror)  # noqa: TRY400
