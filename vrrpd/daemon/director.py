"""The director process: probes the real servers and keeps IPVS as the verdicts say.

Desired and current table and their difference (DESIGN rule 2) serve the start, each verdict, a reload, the repair of what
somebody changed by hand, and the stop. The current table is a mirror of the kernel's, read again every so often, because the
kernel tells of no change by itself.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Callable, Collection, Mapping

from healthcheck.scheduler import Scheduler
from healthcheck.tcp import TcpEngine
from healthcheck.types import Check, Outcome, TcpCheck
from healthcheck.verdict import VerdictChange
from ipvs.client import Client
from ipvs.diff import Ownership, diff, foreign
from ipvs.errors import IpvsError
from ipvs.mirror import follow
from ipvs.netlink import NetlinkError
from ipvs.operations import Operation
from ipvs.types import DestinationKey, Row, ServiceKey
from vrrpd.balancer import virtual_server as balancer
from vrrpd.balancer.virtual_server import VirtualServer
from vrrpd.config import model
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.child import take_place
from vrrpd.daemon.director_status import status
from vrrpd.daemon.messages import DirectorWork, EventReport
from vrrpd.status.events import QuorumChanged, RealServerChanged
from vrrpd.status.model import DirectorStatus

AUDIT_INTERVAL_S = 0.5
"""The kernel's table is compared with what it should be so often: what somebody changed by hand is mended within a second, on a
busy machine, too."""
AUDIT_SHARE_MAX = 0.05
"""A large table takes long to read, so audits take at most this share of the time and get rarer."""
UNAVAILABLE_RETRY_S = 5.0
"""Without IPVS in the kernel, or without the right to use it, it is tried again so often."""

log = logging.getLogger(__name__)


class Director:
    """The role of the director process. See `vrrpd.daemon.child.Role`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._client = Client()
        self._scheduler = Scheduler(
            {TcpCheck: TcpEngine()}, self._on_verdict, now_s=self._loop.time(), on_failure=self._on_failure
        )
        self._scheduler.attach(self._loop)
        self._servers: dict[ServiceKey, VirtualServer] = {}
        self._waiting_for: dict[Check, list[VirtualServer]] = {}
        self._owned: dict[ServiceKey, frozenset[DestinationKey]] = {}
        self._current: dict[ServiceKey, Row] | None = None
        """The mirror; None while the kernel's table cannot be read."""
        self._dirty: set[ServiceKey] = set()
        self._flush: asyncio.Handle | None = None
        self._audit_timer: asyncio.TimerHandle | None = None
        self._refused: set[str] = set()
        self._refusals = 0
        self._repairs = 0
        self._unavailable: str | None = None
        self._scheduled = False

    # -- configuration --------------------------------------------------------------------------------------------------

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take the configured virtual servers. What did not change is not touched, not even by a message to the kernel."""
        assert isinstance(work, DirectorWork)
        if not self._scheduled:
            self._scheduled = True
            take_place("director", work.scheduling)
            _raise_descriptor_limit()
        now_s = self._loop.time()
        wanted = {each.service: each for each in work.virtual_servers}
        formerly = {key: frozenset(destinations) for key, destinations in work.formerly_owned}
        self._owned = _union(self._owned, formerly, _configured(wanted))
        if self._current is None:
            self._read()
        for key in self._servers.keys() - wanted.keys():
            del self._servers[key]
        for key, config in wanted.items():
            if key in self._servers:
                self._servers[key].on_event(balancer.Reconfigured(config), now_s)
            else:
                down = _found_down(config, formerly.get(key, frozenset()), (self._current or {}).get(key))
                self._servers[key] = VirtualServer(config, now_s, found_down=down)
        self._waiting_for = {}
        for server in self._servers.values():
            for check in {check for real in server.config.real_servers for check in real.checks if isinstance(check, Check)}:
                self._waiting_for.setdefault(check, []).append(server)
        self._scheduler.apply(self._waiting_for, now_s)
        self._tell_known_verdicts(now_s)
        self._reconcile()
        self._owned = _configured(wanted)
        for server in self._servers.values():
            self._report(server)
        self._audit_later(AUDIT_INTERVAL_S)
        done()

    def _tell_known_verdicts(self, now_s: float) -> None:
        """A server that begins to wait for a check that others share learns what it says; for these it is no news."""
        for check, watch in self._scheduler.watches.items():
            if watch.last_change is not None:
                known = _changed(check, watch.last_change)
                for server in self._waiting_for[check]:
                    server.on_event(known, now_s)

    # -- verdicts -------------------------------------------------------------------------------------------------------

    def _on_verdict(self, check: Check, change: VerdictChange) -> None:
        for server in self._waiting_for.get(check, ()):
            server.on_event(_changed(check, change), self._loop.time())
            self._report(server)
            self._dirty.add(server.service)
        if self._flush is None:  # verdicts that come together go to the kernel together
            self._flush = self._loop.call_soon(self._apply_dirty)

    def _on_failure(self, check: Check, outcome: Outcome) -> None:
        log.warning("check of [%s]:%d: %s", check.address, check.port, outcome.reason)

    def _apply_dirty(self) -> None:
        self._flush = None
        keys, self._dirty = self._dirty & self._servers.keys(), set()
        if self._current is not None:
            self._apply(self._difference(keys))

    # -- the kernel's table ---------------------------------------------------------------------------------------------

    def _difference(self, keys: Collection[ServiceKey]) -> list[Operation]:
        """What has to change for some services."""
        current = self._current or {}
        return diff(
            dict(self._servers[key].desired() for key in keys),
            {key: current[key] for key in keys if key in current},
            {key: self._owned.get(key, frozenset()) for key in keys},
        )

    def _reconcile(self) -> int:
        """Close the gap between the whole desired table and the mirror; returns how many operations it took."""
        if self._current is None:
            return 0
        desired = dict(server.desired() for server in self._servers.values())
        operations = diff(desired, self._current, self._owned)
        self._apply(operations)
        return len(operations)

    def _apply(self, operations: list[Operation]) -> None:
        """Send operations and follow them in the mirror."""
        if not operations:
            return
        try:
            failures = self._client.apply(operations)
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return
        refused = {failure.operation for failure in failures}
        texts = {str(failure.error) for failure in failures}
        for text in sorted(texts - self._refused):  # tried again at each audit, told once
            log.error("%s", text)
        self._refused = texts
        self._refusals += len(refused)
        assert self._current is not None
        self._current = follow(self._current, (operation for operation in operations if operation not in refused))

    def _read(self) -> None:
        try:
            self._current = self._client.table()
        except (IpvsError, NetlinkError) as error:
            self._lose_sight(error)
            return
        if self._unavailable is not None:
            log.info("IPVS can be used again")
            self._unavailable = None

    def _lose_sight(self, error: Exception) -> None:
        """The kernel's table cannot be used now; that is told once and tried again."""
        self._current = None
        self._client.close()
        if self._unavailable != str(error):
            self._unavailable = str(error)
            log.error("IPVS cannot be used: %s; trying again every %g s", error, UNAVAILABLE_RETRY_S)

    # -- audits ---------------------------------------------------------------------------------------------------------

    def _audit_later(self, delay_s: float) -> None:
        if self._audit_timer is not None:
            self._audit_timer.cancel()
        self._audit_timer = self._loop.call_later(delay_s, self._audit)

    def _audit(self) -> None:
        """Read the kernel's table and mend what is not as it should be."""
        self._audit_timer = None
        began_s = time.monotonic()
        seen_before = self._current is not None
        self._read()
        changed = self._reconcile()
        if changed and seen_before:
            self._repairs += changed
            log.warning("IPVS was changed by something else; changes made to mend it: %d", changed)
        took_s = time.monotonic() - began_s
        wait_s = max(AUDIT_INTERVAL_S, took_s / AUDIT_SHARE_MAX)
        self._audit_later(wait_s if self._current is not None else UNAVAILABLE_RETRY_S)

    # -- for the supervisor ---------------------------------------------------------------------------------------------

    def _report(self, server: VirtualServer) -> None:
        name, at_unix_s = str(server.service), time.time()
        for action in server.actions():
            match action:
                case balancer.RealServerUp(_service, real, _check, reason) | balancer.RealServerDown(
                    _service, real, _check, reason
                ):
                    real_name = str(ServiceKey(server.service.protocol, real.address, real.port))
                    up = isinstance(action, balancer.RealServerUp)
                    event = RealServerChanged(at_unix_s, name, real_name, up, reason, real.smtp_alert)
                    self._channel.send(EventReport(event))
                case balancer.QuorumGained(_service, weight, quorum) | balancer.QuorumLost(_service, weight, quorum):
                    gained = isinstance(action, balancer.QuorumGained)
                    mail = server.config.smtp_alert
                    self._channel.send(EventReport(QuorumChanged(at_unix_s, name, gained, weight, quorum, mail)))

    def status(self) -> DirectorStatus:
        """Everything there is to know of the virtual servers, with what the kernel counted."""
        measured = {}
        foreign_rows = 0
        if self._current is not None:
            foreign_rows = _foreign_rows(self._current, self._owned)
            try:
                measured = self._client.table_with_statistics()
            except (IpvsError, NetlinkError) as error:
                self._lose_sight(error)
        return DirectorStatus(
            virtual_servers=tuple(
                status(server, measured.get(server.service), self._scheduler.watches, self._loop.time())
                for server in self._servers.values()
            ),
            foreign_rows=foreign_rows,
            row_repairs=self._repairs,
            ipvs_messages=self._client.messages_sent,
            ipvs_changes=self._client.changes_sent,
            ipvs_refusals=self._refusals,
            messages_dropped=self._channel.dropped,
        )

    def stop(self, done: Callable[[], None]) -> None:
        """Take every row of ours out of the kernel."""
        if self._audit_timer is not None:
            self._audit_timer.cancel()
        self._scheduler.close()
        self._servers.clear()
        self._read()
        self._reconcile()
        done()


def _changed(check: Check, change: VerdictChange) -> balancer.CheckChanged:
    return balancer.CheckChanged(check, change.up, change.result.reason, change.result.latency_s)


def _raise_descriptor_limit() -> None:
    """Each probe under way takes a descriptor; take as many as we may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _configured(wanted: Mapping[ServiceKey, model.VirtualServer]) -> dict[ServiceKey, frozenset[DestinationKey]]:
    return {
        key: frozenset(DestinationKey(real.address, real.port) for real in config.real_servers)
        for key, config in wanted.items()
    }


def _union(
    *owned: Mapping[ServiceKey, frozenset[DestinationKey]],
) -> dict[ServiceKey, frozenset[DestinationKey]]:
    keys = {key for each in owned for key in each}
    return {key: frozenset().union(*(each.get(key, frozenset()) for each in owned)) for key in keys}


def _found_down(
    config: model.VirtualServer, formerly: Collection[DestinationKey], row: Row | None
) -> frozenset[DestinationKey]:
    """The servers that an earlier run of ours had taken out when it died.

    They were ours, and the kernel has their service but not them, or has them at weight 0: they start as down, for a crash
    must not send clients to a server that is known to be dead.
    """
    if row is None:
        return frozenset()
    present = {key for key, destination in row.destinations.items() if destination.weight > 0}
    return frozenset(
        key
        for real in config.real_servers
        if real.weight > 0
        and real.checks
        and (key := DestinationKey(real.address, real.port)) in formerly
        and key not in present
    )


def _foreign_rows(current: Mapping[ServiceKey, Row], owned: Ownership) -> int:
    """How many services and destinations are not ours; a service of ours is none, whatever somebody put behind it."""
    rows = foreign(current, owned)
    return sum(key not in owned for key in rows) + sum(len(row.destinations) for row in rows.values())
