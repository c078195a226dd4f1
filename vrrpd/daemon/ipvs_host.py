"""IPVS as a whole on this host: time-outs, the kernel's settings, the synchronisation of connections, and emptying the table.

What was there before is noted in the run directory before it is changed, so that it can be put back at the end,
whatever happens in between.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ipvs.administration import SyncDaemon, SyncRole, Timeouts
from ipvs.client import Client
from ipvs.errors import IpvsError, ModuleMissingError
from ipvs.netlink import NetlinkError
from ipvs.settings import EXPIRE_NODEST_CONN, EXPIRE_QUIESCENT_TEMPLATE, Settings
from vrrpd.config.model import FlushOnStop, Lvs
from vrrpd.config.model import SyncDaemon as Synchronisation

EXPIRING = (EXPIRE_NODEST_CONN, EXPIRE_QUIESCENT_TEMPLATE)
"""What makes connections and persistent clients leave a server that is gone or gets nobody new."""

log = logging.getLogger(__name__)


class IpvsHost:
    """Brings about what `global_defs` and the `vrrpd` block say of IPVS, and takes it back."""

    def __init__(self, client: Client, settings: Settings, note: Path) -> None:
        self._client = client
        self._settings = settings
        self._note = note
        self._lvs = Lvs()
        self._roles: frozenset[SyncRole] = frozenset()
        self._told: set[str] = set()

    def flush(self) -> None:
        """Remove every service, whoever made it."""
        self._try(self._client.flush)

    def configure(self, lvs: Lvs) -> None:
        """Take what the file says now."""
        before, self._lvs = self._lvs, lvs
        if before.sync_daemon != lvs.sync_daemon:
            self._stop_synchronising()
        self._try(self._set_timeouts)
        self._try(self._set_expiry)

    def follow(self, masters: Collection[str] | None) -> None:
        """Send connections while the virtual router is master here, else receive them; without one do both."""
        wished = self._lvs.sync_daemon
        if wished is None or (wished.virtual_router is not None and masters is None):
            return
        if wished.virtual_router is None:
            roles = frozenset(SyncRole)
        else:
            roles = frozenset({SyncRole.MASTER if wished.virtual_router in (masters or ()) else SyncRole.BACKUP})
        for role in self._roles - roles:
            self._try(lambda role=role: self._client.stop_daemon(role))  # type: ignore[misc]
        running = {daemon.role: daemon for daemon in self._try(self._client.daemons) or ()}
        for role in roles:
            daemon = _daemon(wished, role)
            found = running.get(role)
            if found is not None and daemon.is_met_by(found):
                continue
            if found is not None:
                self._try(lambda role=role: self._client.stop_daemon(role))  # type: ignore[misc]
            self._try(lambda daemon=daemon: self._client.start_daemon(daemon))  # type: ignore[misc]
        self._roles = roles

    def give_back(self) -> None:
        """Put everything back as it was."""
        if self._lvs.flush_on_stop is FlushOnStop.EVERYTHING:
            self.flush()
        self._stop_synchronising()
        self._lvs = Lvs()
        self._try(self._set_timeouts)
        self._try(self._set_expiry)

    def _stop_synchronising(self) -> None:
        for role in self._roles:
            self._try(lambda role=role: self._client.stop_daemon(role))  # type: ignore[misc]
        self._roles = frozenset()

    def _set_timeouts(self) -> None:
        lvs = self._lvs
        wished = Timeouts(lvs.tcp_timeout_s, lvs.tcp_fin_timeout_s, lvs.udp_timeout_s)
        before = self._before()
        if wished == Timeouts():
            if "timeouts" in before:
                self._client.set_timeouts(Timeouts(**before.pop("timeouts")))
                self._remember(before)
            return
        found = self._client.timeouts()
        if "timeouts" not in before:
            self._remember(before | {"timeouts": asdict(found)})
        if any(value not in (None, getattr(found, name)) for name, value in asdict(wished).items()):
            self._client.set_timeouts(wished)

    def _set_expiry(self) -> None:
        before = self._before()
        for setting in EXPIRING:
            if self._lvs.expire_dead_connections:
                if setting.name not in before:
                    before[setting.name] = self._settings.read(setting)
                    self._remember(before)
                self._settings.set(setting, True)
            elif setting.name in before:
                self._settings.set(setting, bool(before.pop(setting.name)))
                self._remember(before)

    def _before(self) -> dict[str, Any]:
        """What was there before us; nothing of a note that is missing or damaged."""
        try:
            note = json.loads(self._note.read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return note if isinstance(note, dict) else {}

    def _remember(self, before: dict[str, Any]) -> None:
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps(before))
        new.replace(self._note)

    def _try(self, what: Callable[[], Any]) -> Any:
        """Do it, or say once why it cannot be done: the table is worth more than any of this."""
        try:
            return what()
        except ModuleMissingError:  # the table says so, and tries again
            return None
        except (IpvsError, NetlinkError, OSError, TypeError) as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                log.error("%s", error)  # noqa: TRY400
            return None


def _daemon(wished: Synchronisation, role: SyncRole) -> SyncDaemon:
    return SyncDaemon(role, wished.interface, wished.sync_id or 0, wished.max_octets, wished.group, wished.port, wished.ttl)
