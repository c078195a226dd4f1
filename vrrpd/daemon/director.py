"""The director process: probes the real servers and keeps IPVS as the verdicts say.

Desired and current table and their difference (DESIGN rule 2) serve the start, each verdict, a reload, the repair of what
somebody changed by hand, and the stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from healthcheck.probers import probers
from healthcheck.scheduler import Scheduler
from healthcheck.types import Check, Outcome
from healthcheck.verdict import VerdictChange
from healthcheck.wheel import TimerWheel
from ipvs.client import Client
from ipvs.settings import Settings
from ipvs.types import DestinationKey, Row, RowKey, ServiceKey
from vrrpd.balancer import events
from vrrpd.balancer.overrides import Override
from vrrpd.balancer.services import destination_key, destinations_of, services_of
from vrrpd.balancer.virtual_server import VirtualServer
from vrrpd.config import model
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.child import take_place
from vrrpd.daemon.director_status import report, status
from vrrpd.daemon.ipvs_host import IpvsHost
from vrrpd.daemon.ipvs_table import IpvsTable, Owned
from vrrpd.daemon.local_addresses import LocalAddresses
from vrrpd.daemon.messages import DirectorWork, EventReport, Masters
from vrrpd.status.model import DirectorStatus, VirtualServerStatus

AUDIT_INTERVAL_S = 0.5
"""The kernel's table is compared with what it should be so often: what somebody changed by hand is mended within a second, on a
busy machine, too."""
AUDIT_SHARE_MAX = 0.2
"""On a machine on which a look at the table takes long, audits take at most this share of the time and get rarer. On an
ordinary machine they take some 3 %, with 100 services and with 1,000."""
DESCRIPTORS_WANTED = 16_384
"""For all probes that may be under way at once, and as many again."""
FLUSH_SHARE_MAX = 0.25
"""Of the time, for telling the kernel what verdicts changed: of a virtual server with thousands of real servers that takes tens
of milliseconds, and checks are to start in time."""
STATUS_SLICE = 20
"""Virtual servers asked after at a time: of 10 real servers each they take some 5 ms."""
UNAVAILABLE_RETRY_S = 5.0
"""Without IPVS in the kernel, or without the right to use it, it is tried again so often."""

log = logging.getLogger(__name__)


class Director:
    """The role of the director process. See `vrrpd.daemon.child.Role`."""

    def __init__(self, channel: Channel, run_dir: Path) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._run_dir = run_dir
        self._work_in(None)
        self._lvs = model.Lvs()
        self._masters: frozenset[str] | None = None
        """Of which virtual routers this host is master; None until that is told."""
        _raise_descriptor_limit()
        self._scheduler = Scheduler(probers(), self._on_verdict, now_s=self._loop.time(), on_failure=self._on_failure)
        self._scheduler.attach(self._loop)
        self._servers: dict[model.VirtualServerKey, VirtualServer] = {}
        self._waiting_for: dict[Check, list[VirtualServer]] = {}
        self._local: LocalAddresses | None = None
        """Followed only where a virtual server asks for `ha_suspend`."""
        self._rows: dict[RowKey, Row] = {}
        """Every row that should be there."""
        self._dirty: set[model.VirtualServerKey] = set()
        self._flush: asyncio.TimerHandle | None = None
        self._flush_from_s = 0.0
        """Not before this."""
        self._audit_timer: asyncio.TimerHandle | None = None
        self._deadlines: TimerWheel[VirtualServer] = TimerWheel(self._loop.time())
        """Of weights that rise and servers that leave."""
        self._timer: asyncio.TimerHandle | None = None
        """For the first of them."""
        self._gathering: set[asyncio.Task[None]] = set()
        """Answers that are being put together."""
        self._repairs = 0
        self._scheduled = False

    # -- configuration --------------------------------------------------------------------------------------------------

    def work(self, work: object, done: Callable[[], None]) -> None:
        """Take the configured virtual servers. What did not change is not touched, not even by a message to the kernel."""
        assert isinstance(work, DirectorWork)
        if not self._scheduled:
            self._scheduled = True
            take_place("director", work.scheduling)
            self._work_in(work.namespace)
        if work.flush:
            self._host.flush()
        self._lvs = work.lvs
        self._set_host()
        groups = {group.name: group for group in work.groups}
        services = {each.key: services_of(each.key, groups) for each in work.virtual_servers}
        wanted = {each.key: each for each in work.virtual_servers}
        formerly = {key: frozenset(destinations) for key, destinations in work.formerly_owned}
        configured = _configured(wanted.values(), services)
        self._table.owned = _union(self._table.owned, formerly, configured)
        if self._table.current is None:
            self._table.read()
        now_s = self._loop.time()
        for key in self._servers.keys() - wanted.keys():
            self._deadlines.cancel(self._servers.pop(key))
        for key, config in wanted.items():
            self._take(config, services[key], _overrides_of(config, work), formerly, now_s)
        self._follow_addresses()
        self._apply_checks(now_s)
        self._dirty.clear()
        self._rows = self._desired()
        self._table.bring_about(self._rows)
        self._table.owned = _union(configured, self._leaving())
        for server in self._servers.values():
            self._report(server)
            self._set_deadline(server)
        self._arm()
        self._audit_later(AUDIT_INTERVAL_S)
        done()

    def _work_in(self, namespace: str | None) -> None:
        """Deal with the IPVS of a network namespace."""
        self._client = Client(namespace)
        self._table = IpvsTable(self._client)
        self._host = IpvsHost(self._client, Settings(namespace), self._run_dir / "ipvs-before.json")

    def _set_host(self) -> None:
        """Time-outs, expiry and synchronisation, as the file has them and as the virtual routers stand."""
        self._host.configure(self._lvs)
        self._host.follow(self._masters)

    def _take(
        self,
        config: model.VirtualServer,
        services: tuple[RowKey, ...],
        overrides: Mapping[DestinationKey, Override],
        formerly: Owned,
        now_s: float,
    ) -> None:
        """A new virtual server, or what is new of one."""
        server = self._servers.get(config.key)
        if server is None:
            down = _found_down(config, services, formerly, self._table.current or {}, overrides)
            self._servers[config.key] = VirtualServer(config, services, now_s, found_down=down, overrides=overrides)
            return
        if (server.config, server.services) != (config, services):
            server.on_event(events.Reconfigured(config, services), now_s)
        for real in config.real_servers:
            key = DestinationKey(real.address, real.port)
            server.on_event(events.Overridden(key, overrides.get(key)), now_s)

    def _apply_checks(self, now_s: float) -> None:
        """Check what somebody waits for, but for those that are suspended: they keep what was last known."""
        self._waiting_for = {}
        for server in self._servers.values():
            for check in {check for real in server.config.real_servers for check in real.checks if isinstance(check, Check)}:
                self._waiting_for.setdefault(check, []).append(server)
        running = (check for check, servers in self._waiting_for.items() if not all(map(self._is_suspended, servers)))
        self._scheduler.apply(running, now_s)
        self._tell_known_verdicts(now_s)

    def _tell_known_verdicts(self, now_s: float) -> None:
        """A server that begins to wait for a check that others share learns what it says; for these it is no news."""
        for check, watch in self._scheduler.watches.items():
            if watch.last_change is not None:
                known = _changed(check, watch.last_change)
                for server in self._waiting_for[check]:
                    server.on_event(known, now_s)

    # -- suspension -----------------------------------------------------------------------------------------------------

    def _is_suspended(self, server: VirtualServer) -> bool:
        """Whether another director has the address, so that its checks are enough."""
        key = server.config.key
        return server.config.ha_suspend and isinstance(key, ServiceKey) and key.address not in (self._local or ())

    def _follow_addresses(self) -> None:
        wanted = any(server.config.ha_suspend for server in self._servers.values())
        if wanted and self._local is None:
            self._local = LocalAddresses(self._on_addresses)
        elif not wanted and self._local is not None:
            self._local.close()
            self._local = None

    def _on_addresses(self) -> None:
        self._apply_checks(self._loop.time())

    # -- verdicts and time ----------------------------------------------------------------------------------------------

    def _on_verdict(self, check: Check, change: VerdictChange) -> None:
        for server in self._waiting_for.get(check, ()):
            server.on_event(_changed(check, change), self._loop.time())
            if server.has_news:
                self._show(server)
        self._arm()

    def _on_failure(self, check: Check, outcome: Outcome) -> None:
        log.warning("check of %s: %s", check.subject, outcome.reason)

    def _show(self, server: VirtualServer) -> None:
        """Tell what happened, and let the kernel know of it; what comes together goes there together."""
        self._report(server)
        self._set_deadline(server)
        self._dirty.add(server.config.key)
        if self._flush is None:
            self._flush = self._loop.call_at(self._flush_from_s, self._apply_dirty)

    def _apply_dirty(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        began_s = self._loop.time()
        keys, self._dirty = self._dirty & self._servers.keys(), set()
        changed = {key: row for each in keys for key, row in self._servers[each].desired().items()}
        self._rows |= changed
        self._table.bring_about(self._rows, only=changed.keys())
        ended_s = self._loop.time()
        self._flush_from_s = ended_s + (ended_s - began_s) * (1 / FLUSH_SHARE_MAX - 1)

    def _set_deadline(self, server: VirtualServer) -> None:
        due_s = server.deadline()
        if due_s is None:
            self._deadlines.cancel(server)
        else:
            self._deadlines.arm(server, due_s)

    def _arm(self) -> None:
        """Set the timer for the next weight that is to rise, or the next server that is to go."""
        if self._timer is not None:
            self._timer.cancel()
        due_s = self._deadlines.deadline()
        self._timer = None if due_s is None else self._loop.call_at(due_s, self._on_timer)

    def _on_timer(self) -> None:
        now_s = self._loop.time()
        for server in self._deadlines.expire(now_s):
            server.on_timer(now_s)
            self._show(server)
        self._arm()

    # -- the kernel's table ---------------------------------------------------------------------------------------------

    def _desired(self) -> dict[RowKey, Row]:
        """Every row of every virtual server; of two that ask for the same one the first has it."""
        desired: dict[RowKey, Row] = {}
        for server in self._servers.values():
            for key, row in server.desired().items():
                desired.setdefault(key, row)
        return desired

    def _leaving(self) -> dict[RowKey, frozenset[DestinationKey]]:
        """Destinations of servers that a reload removed and that still have connections."""
        return {
            key: frozenset(row.destinations)
            for server in self._servers.values()
            if server.leavers
            for key, row in server.desired().items()
        }

    def _audit_later(self, delay_s: float) -> None:
        if self._audit_timer is not None:
            self._audit_timer.cancel()
        self._audit_timer = self._loop.call_later(delay_s, self._audit)

    def _audit(self) -> None:
        """Look at the kernel's table and mend what is not as it should be."""
        self._audit_timer = None
        began_s = time.process_time()  # of ours: on a busy machine an audit takes long and costs no more
        seen_before = self._table.current is not None
        self._let_go_of_the_empty()
        self._apply_dirty()  # what is still to be done is no repair
        doubtful = self._table.update()
        took_s = time.process_time() - began_s
        if not seen_before and self._table.current is not None:
            self._set_host()  # which the kernel could not do until now
        changed = self._table.bring_about(self._rows, only=doubtful)
        if changed and seen_before:
            self._repairs += changed
            log.warning("IPVS was changed by something else; changes made to mend it: %d", changed)
        wait_s = max(AUDIT_INTERVAL_S, took_s / AUDIT_SHARE_MAX)
        self._audit_later(wait_s if self._table.current is not None else UNAVAILABLE_RETRY_S)

    def _let_go_of_the_empty(self) -> None:
        """A removed server whose last connection ended need not wait for its time."""
        leaving = [server for server in self._servers.values() if server.leavers]
        if not leaving:
            return
        measured = self._table.measured(key for server in leaving for key in server.services)
        for server in leaving:
            for key in server.leavers:
                rows = [measured[service] for service in server.services if service in measured]
                counts = [row.destinations[key].active_connections for row in rows if key in row.destinations]
                if not any(counts):
                    server.on_event(events.Emptied(key), self._loop.time())
                    self._show(server)

    # -- for the supervisor ---------------------------------------------------------------------------------------------

    def _report(self, server: VirtualServer) -> None:
        for action in server.actions():
            self._channel.send(EventReport(report(action, server.config, time.time())))

    def hear(self, news: object) -> None:
        """Synchronise connections as whoever is master does."""
        assert isinstance(news, Masters)
        self._masters = news.names
        self._host.follow(self._masters)

    def status(self, done: Callable[[DirectorStatus], None]) -> None:
        """Everything there is to know of the virtual servers, with what the kernel counted.

        To ask the kernel for the counters of a large table takes half a second. Checks go on meanwhile.
        """
        task = self._loop.create_task(self._gather_status(done))
        self._gathering.add(task)
        task.add_done_callback(self._gathering.discard)

    async def _gather_status(self, done: Callable[[DirectorStatus], None]) -> None:
        found: list[VirtualServerStatus] = []
        for servers in _slices(tuple(self._servers.values()), STATUS_SLICE):
            measured = self._table.measured(key for server in servers for key in server.services)
            found += (status(server, measured, self._scheduler.watches, self._loop.time()) for server in servers)
            await asyncio.sleep(0)
        done(
            DirectorStatus(
                virtual_servers=tuple(found),
                foreign_rows=self._table.foreign_rows(),
                row_repairs=self._repairs,
                ipvs_messages=self._client.messages_sent,
                ipvs_changes=self._client.changes_sent,
                ipvs_refusals=self._table.refusals,
                messages_dropped=self._channel.dropped,
            )
        )

    def stop(self, done: Callable[[], None]) -> None:
        """Take every row of ours out of the kernel."""
        for timer in (self._audit_timer, self._timer):
            if timer is not None:
                timer.cancel()
        self._scheduler.close()
        for server in self._servers.values():
            server.on_event(events.Shutdown(), self._loop.time())
            self._report(server)
        self._servers.clear()
        self._follow_addresses()
        self._table.read()
        self._table.bring_about({})
        self._host.give_back()
        done()


def _changed(check: Check, change: VerdictChange) -> events.CheckChanged:
    return events.CheckChanged(check, change.up, change.result.reason, change.result.latency_s, change.result.weight)


def _slices(servers: Sequence[VirtualServer], size: int) -> Iterator[Sequence[VirtualServer]]:
    for first in range(0, len(servers), size):
        yield servers[first : first + size]


def _raise_descriptor_limit() -> None:
    """Each probe under way takes a descriptor; take as many as are wanted, or else as many as we may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # to raise what is allowed is a privilege
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, DESCRIPTORS_WANTED),) * 2)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _overrides_of(config: model.VirtualServer, work: DirectorWork) -> dict[DestinationKey, Override]:
    """What operators ask of the real servers of one virtual server."""
    asked = {real: override for virtual, real, override in work.overrides if virtual == str(config.key)}
    if not asked:
        return {}
    keys = (DestinationKey(real.address, real.port) for real in config.real_servers)
    return {key: asked[str(key)] for key in keys if str(key) in asked}


def _configured(
    wanted: Iterable[model.VirtualServer], services: Mapping[model.VirtualServerKey, tuple[RowKey, ...]]
) -> dict[RowKey, frozenset[DestinationKey]]:
    """Every row that a configuration can make, with every destination that it can have."""
    return _union(*({key: frozenset(destinations_of(each, key)) for key in services[each.key]} for each in wanted))


def _union(*owned: Owned) -> dict[RowKey, frozenset[DestinationKey]]:
    joined: dict[RowKey, frozenset[DestinationKey]] = {}
    for each in owned:
        for key, destinations in each.items():
            joined[key] = joined[key] | destinations if key in joined else destinations
    return joined


def _found_down(
    config: model.VirtualServer,
    services: tuple[RowKey, ...],
    formerly: Owned,
    current: Mapping[RowKey, Row],
    overrides: Collection[DestinationKey],
) -> frozenset[DestinationKey]:
    """The servers that an earlier run of ours had taken out when it died.

    They were ours, and the kernel has their service but not them, or has them at weight 0 where failures inhibit: they start as
    down, for a crash must not send clients to a server that is known to be dead. Without inhibition, or by an override, weight
    0 is that of a server that is being drained, whose clients a crash must not cost their connections. While a sorry server
    served nobody else was there, so that tells nothing of them.
    """
    service = next((key for key in services if key in current), None)
    if service is None:
        return frozenset()
    found = current[service].destinations
    serving = {key for key, destination in found.items() if destination.weight > 0}
    sorry = config.sorry_server
    if sorry is not None and serving == {destination_key(service, sorry)}:
        return frozenset()
    return frozenset(
        DestinationKey(real.address, real.port)
        for real in config.real_servers
        if real.weight > 0
        and real.checks
        and (key := destination_key(service, real)) in formerly.get(service, frozenset())
        and key not in serving
        and (key not in found or (real.inhibit_on_failure and DestinationKey(real.address, real.port) not in overrides))
    )
