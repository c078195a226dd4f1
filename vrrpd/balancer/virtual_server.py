"""A virtual server: verdicts in, the IPVS rows that should be and the events that happened out.

A real server is up unless one of its checks is down. It serves before its first check, unless it is `alpha`: then it has to
prove itself first. One that is down leaves the row, or stays at weight 0 with `inhibit_on_failure`, which keeps its open
connections and its persistent clients.

The quorum is a sum of weights. It is gained at `quorum + hysteresis` and lost below `quorum - hysteresis`, so a server that
comes and goes does not take the virtual server's state with it. Without it the sorry server serves, alone. Where there is none,
losing the quorum is told but takes nobody out: some service is better than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from healthcheck.types import AnyCheck
from ipvs.types import Destination, DestinationKey, Row, RowKey, Service
from vrrpd.balancer.events import (
    Action,
    CheckChanged,
    Event,
    Overridden,
    QuorumGained,
    QuorumLost,
    RealServerDown,
    RealServerUp,
    Reconfigured,
    Shutdown,
    WeightChanged,
)
from vrrpd.balancer.overrides import Override, in_words
from vrrpd.balancer.real_server import RealServer, RealServerStatus
from vrrpd.balancer.services import destination_key
from vrrpd.balancer.slow_start import SlowStart
from vrrpd.config import model

FAILING_CHECK_REMOVED = "its failing check was removed"
OVERRIDE_TAKEN_BACK = "back in service"
STOPPED = "vrrpd stops"
SORRY_WEIGHT = 1
"""A sorry server is alone, so any weight would do; this is keepalived's."""


@dataclass(frozen=True, slots=True)
class _Leaver:
    """A real server that a reload removed while it had clients."""

    config: model.RealServer
    until_s: float


class VirtualServer:
    """One virtual server and its real servers. Does no I/O; times are seconds on one monotonic clock."""

    def __init__(
        self,
        config: model.VirtualServer,
        services: tuple[RowKey, ...],
        now_s: float,
        *,
        found_down: Collection[DestinationKey] = (),
        overrides: Mapping[DestinationKey, Override] | None = None,
    ) -> None:
        """Start with every real server as it counts before its first check. A quorum that is met counts as gained; one that
        is not counts as lost where that makes a sorry server serve.

        `found_down` are those that an earlier process had taken out: they stay out until a check succeeds. `overrides` are
        what an operator asked for before.
        """
        self.config = config
        self.services = services
        self.quorum_up = False
        self._actions: list[Action] = []
        self._leavers: dict[DestinationKey, _Leaver] = {}
        self._waiting_for: dict[AnyCheck, list[RealServer]] = {}
        self._rising: dict[RealServer, SlowStart] = {}
        self._alive_weight = 0
        self._servers = {key: RealServer(each, now_s, found_down=key in found_down) for key, each in _by_key(config).items()}
        for server in self._servers.values():
            server.told &= not config.tells_first_state
        for key, override in (overrides or {}).items():
            if key in self._servers:
                self._servers[key].override = override
        self._remember()
        self._weigh()
        if config.sorry_server is not None and not self.quorum_up:
            self._actions.append(QuorumLost(config.key, self.alive_weight, config.quorum))

    # -- what is known ----------------------------------------------------------------------------------------------

    @property
    def alive_weight(self) -> int:
        """Sum of the weights that are up."""
        return self._alive_weight

    @property
    def real_servers(self) -> tuple[RealServerStatus, ...]:
        """Every real server as it stands, in the order of the configuration."""
        return tuple(server.status() for server in self._servers.values())

    @property
    def sorry_server_serves(self) -> bool:
        """Whether clients get the sorry server in place of the real ones."""
        return self.config.sorry_server is not None and not self.quorum_up

    @property
    def leavers(self) -> tuple[DestinationKey, ...]:
        """Removed real servers whose connections may end in peace; when one has none left, say `Emptied`."""
        return tuple(self._leavers)

    def desired(self) -> dict[RowKey, Row]:
        """What IPVS should hold for this virtual server."""
        return {key: Row(self._service(), self._destinations(key)) for key in self.services}

    @property
    def has_news(self) -> bool:
        """Whether `actions` would return any. A verdict that is no news changes no row either."""
        return bool(self._actions)

    def actions(self) -> list[Action]:
        """What has happened since the last call, in order: for each event at most one per real server and one quorum."""
        taken, self._actions = self._actions, []
        return taken

    # -- what happens -----------------------------------------------------------------------------------------------

    def on_event(self, event: Event, now_s: float) -> None:
        """Take in what happened. Afterwards `desired`, `deadline` and `actions` tell what came of it."""
        if isinstance(event, Shutdown):
            self._shut_down(now_s)
            return
        match event:
            case CheckChanged():
                for server in self._waiting_for.get(event.check, ()):
                    self._judge(server, event, now_s)
            case Reconfigured(config, services):
                self._reconfigure(config, services, now_s)
            case Overridden(key, override):
                self._override(key, override, now_s)
            case _:
                self._leavers.pop(event.server, None)
        self._weigh()

    def deadline(self) -> float | None:
        """When `on_timer` is to be called next; None while nothing is waited for."""
        rising = (slow_start.next_s() for slow_start in self._rising.values())
        return min([*rising, *(leaver.until_s for leaver in self._leavers.values())], default=None)

    def on_timer(self, now_s: float) -> None:
        """Let weights rise and leavers go, as is due."""
        for server, slow_start in list(self._rising.items()):
            if slow_start.on_timer(now_s):
                self._start(server, None)
        self._leavers = {key: leaver for key, leaver in self._leavers.items() if leaver.until_s > now_s}

    def _judge(self, server: RealServer, event: CheckChanged, now_s: float) -> None:
        was_up, weight_before, settled_before = server.up, server.weight, server.verdicts[event.check].settled
        server.judge(event)
        self._alive_weight += server.weight - weight_before
        news = server.up != was_up or (not server.told and (server.up or not event.up))
        if not news:
            self._tell_weight(server, weight_before, event.reason)
            return
        server.told = True
        self._tell_change(server, was_up, event.check, event.reason, event.latency_s, now_s, risen=settled_before)

    def _override(self, key: DestinationKey, override: Override | None, now_s: float) -> None:
        server = self._servers.get(key)
        if server is None or server.override == override:
            return
        was_up, weight_before = server.up, server.weight
        server.override = override
        self._alive_weight += server.weight - weight_before
        reason = in_words(override) if override else OVERRIDE_TAKEN_BACK
        if server.up == was_up:
            self._tell_weight(server, weight_before, reason)
        else:
            self._tell_change(server, was_up, None, reason, None, now_s, risen=True)

    def _tell_change(
        self,
        server: RealServer,
        was_up: bool,
        check: AnyCheck | None,
        reason: str,
        latency_s: float | None,
        now_s: float,
        *,
        risen: bool,
    ) -> None:
        """A real server is up or down now. One that has `risen` from a failure may have to start slowly."""
        kind = RealServerUp if server.up else RealServerDown
        self._actions.append(kind(self.config.key, server.config, check, reason, latency_s, now_s - server.since_s))
        if server.up == was_up:
            return
        server.since_s = now_s
        slow = server.up and risen and self.config.slow_start_s > 0
        self._start(server, SlowStart(now_s, self.config.slow_start_s) if slow else None)

    def _start(self, server: RealServer, slow_start: SlowStart | None) -> None:
        """Have a server start slowly, or (None) take all its clients."""
        server.slow_start = slow_start
        if slow_start is None:
            self._rising.pop(server, None)
        else:
            self._rising[server] = slow_start

    def _tell_weight(self, server: RealServer, before: int, reason: str) -> None:
        if server.weight != before:
            self._actions.append(WeightChanged(self.config.key, server.config, before, server.weight, reason))

    def _reconfigure(self, config: model.VirtualServer, services: tuple[RowKey, ...], now_s: float) -> None:
        """Take the real servers of `config`; those known by address and port keep what is known of them."""
        known, self._servers = self._servers, {}
        self.config, self.services = config, services
        for key, server_config in _by_key(config).items():
            before = known.pop(key, None)
            self._leavers.pop(key, None)
            if before is None:
                self._servers[key] = RealServer(server_config, now_s)
                continue
            server = self._servers[key] = before.renewed(server_config)
            if server.up and not before.up:
                self._tell_change(server, before.up, None, FAILING_CHECK_REMOVED, None, now_s, risen=False)
            if config.slow_start_s == 0:
                server.slow_start = None
        if config.drain_removed_s > 0:
            until_s = now_s + config.drain_removed_s
            self._leavers |= {key: _Leaver(gone.config, until_s) for key, gone in known.items() if gone.up}
        self._remember()

    def _shut_down(self, now_s: float) -> None:
        """Tell of the end, where that is wanted; the rows go by themselves."""
        if not self.config.omega:
            return
        for server in self._servers.values():
            if server.up:
                after_s = now_s - server.since_s
                self._actions.append(RealServerDown(self.config.key, server.config, None, STOPPED, None, after_s))
        if self.quorum_up:
            self._actions.append(QuorumLost(self.config.key, 0, self.config.quorum))

    def _weigh(self) -> None:
        """Gain or lose the quorum, with a margin between the two."""
        weight, quorum, hysteresis = self.alive_weight, self.config.quorum, self.config.hysteresis
        if not self.quorum_up and weight >= quorum + hysteresis:
            self.quorum_up = True
            self._actions.append(QuorumGained(self.config.key, weight, quorum))
        elif self.quorum_up and (weight == 0 or weight < quorum - hysteresis):
            self.quorum_up = False
            self._actions.append(QuorumLost(self.config.key, weight, quorum))

    def _remember(self) -> None:
        """What would take a look at every real server at each verdict, of which there are thousands."""
        self._alive_weight = sum(server.weight for server in self._servers.values())
        self._rising = {server: server.slow_start for server in self._servers.values() if server.slow_start}
        self._waiting_for = {}
        for server in self._servers.values():
            for check in server.verdicts:
                self._waiting_for.setdefault(check, []).append(server)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _service(self) -> Service:
        config = self.config
        return Service(
            config.scheduler,
            config.flags,
            config.persistence_timeout_s,
            config.persistence_prefix_length,
            persistence_engine=config.persistence_engine,
        )

    def _destinations(self, service: RowKey) -> dict[DestinationKey, Destination]:
        """While the sorry server serves, the others are out; with `inhibit_on_failure` they stay without clients."""
        sorry_serves = self.sorry_server_serves
        row = {}
        for server in self._servers.values():
            if server.up and not sorry_serves:
                row[destination_key(service, server.config)] = _destination(server.config, server.carried_weight)
            elif server.config.inhibit_on_failure:
                row[destination_key(service, server.config)] = _destination(server.config, 0)
        for leaver in self._leavers.values():
            row[destination_key(service, leaver.config)] = _destination(leaver.config, 0)
        sorry = self.config.sorry_server
        if sorry is not None and (sorry_serves or (sorry.inhibit and destination_key(service, sorry) not in row)):
            row[destination_key(service, sorry)] = Destination(
                sorry.forwarding, SORRY_WEIGHT if sorry_serves else 0, tunnel=sorry.tunnel
            )
        return row


def _by_key(config: model.VirtualServer) -> dict[DestinationKey, model.RealServer]:
    return {DestinationKey(real.address, real.port): real for real in config.real_servers}


def _destination(server: model.RealServer, weight: int) -> Destination:
    return Destination(server.forwarding, weight, server.upper_threshold, server.lower_threshold, server.tunnel)
