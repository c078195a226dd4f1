"""Which addresses this host has now: checks with `ha_suspend` run only beside the virtual server's own."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from ipvs.netlink import NetlinkError, NetlinkSocket
from vrrpd.config.model import Address
from vrrpd.kernel.addresses import AddressKey, AddressTable
from vrrpd.kernel.monitor import AddressAdded, AddressRemoved, LinkRemoved, Overrun, RouteMonitor

log = logging.getLogger(__name__)


class LocalAddresses:
    """Follows the kernel's addresses and calls back when an address came or went, on whatever interface."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._monitor = RouteMonitor()
        self._table = AddressTable(NetlinkSocket(socket.NETLINK_ROUTE))
        self._keys: set[AddressKey] = set()
        asyncio.get_running_loop().add_reader(self._monitor.fileno(), self._read)
        self._read_all()

    def __contains__(self, address: Address) -> bool:
        return any(key.address == address for key in self._keys)

    def close(self) -> None:
        """Follow no longer."""
        asyncio.get_running_loop().remove_reader(self._monitor.fileno())
        self._monitor.close()

    def _read(self) -> None:
        before = set(self._keys)
        for event in self._monitor.read():
            match event:
                case AddressAdded(key, _attributes):
                    self._keys.add(key)
                case AddressRemoved(key):
                    self._keys.discard(key)
                case LinkRemoved(index, _name):
                    self._keys = {key for key in self._keys if key.interface_index != index}
                case Overrun():
                    self._read_all()
        if self._keys != before:
            self._on_change()

    def _read_all(self) -> None:
        try:
            self._keys = set(self._table.read())
        except NetlinkError as error:
            log.error("addresses cannot be read: %s", error.strerror)  # noqa: TRY400
