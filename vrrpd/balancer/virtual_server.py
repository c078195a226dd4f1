"""A virtual server: verdicts in, the IPVS row that should be and the events that happened out.

A real server is up unless one of its checks is down. It serves before its first check, unless it is `alpha`: then it has to
prove itself first. One that is down leaves the row, or stays at weight 0 with `inhibit_on_failure`, which keeps its open
connections and its persistent clients.

The quorum is a sum of weights. It is gained at `quorum + hysteresis` and lost below `quorum - hysteresis`, so a server that
comes and goes does not take the virtual server's state with it. Losing it is told but takes nobody out: some service is better
than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from healthcheck.types import AnyCheck
from ipvs.types import Destination, DestinationKey, Row, Service, ServiceKey
from vrrpd.config import model

NOT_CHECKED_YET = "not checked yet"
NO_CHECKS = "has no checks"
DOWN_BEFORE = "was down before the restart, not checked since"
FAILING_CHECK_REMOVED = "its failing check was removed"


@dataclass(frozen=True, slots=True)
class CheckChanged:
    """A check has a verdict: its first, or one that differs from the last. Telling it again does no harm."""

    check: AnyCheck
    up: bool
    reason: str
    latency_s: float


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """The same virtual server (address, port, protocol) is described anew."""

    config: model.VirtualServer


Event = CheckChanged | Reconfigured


@dataclass(frozen=True, slots=True)
class RealServerUp:
    """A real server takes clients again."""

    service: ServiceKey
    server: model.RealServer
    check: AnyCheck | None
    """The check that settled it; None when a new configuration did."""
    reason: str
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class RealServerDown:
    """A real server takes no new clients."""

    service: ServiceKey
    server: model.RealServer
    check: AnyCheck
    reason: str
    latency_s: float


@dataclass(frozen=True, slots=True)
class QuorumGained:
    """The weights that are up reach the quorum; also told at the start."""

    service: ServiceKey
    alive_weight: int
    quorum: int


@dataclass(frozen=True, slots=True)
class QuorumLost:
    """The weights that are up no longer reach the quorum."""

    service: ServiceKey
    alive_weight: int
    quorum: int


Action = RealServerUp | RealServerDown | QuorumGained | QuorumLost


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What one check holds of a real server."""

    up: bool
    """The verdict, or what is assumed until there is one."""
    reason: str = NOT_CHECKED_YET
    settled: bool = False
    """A verdict and no assumption."""


@dataclass(frozen=True, slots=True)
class RealServerStatus:
    """One real server as it stands."""

    config: model.RealServer
    up: bool
    effective_weight: int
    """What it carries of the service; 0 while it is down, be it in the row or not."""
    since_s: float
    """When it last went up or down, or came into being."""
    reason: str
    """Why it is up or down: what a check that is down says, else what the last check says."""
    checks: Mapping[AnyCheck, CheckVerdict]


class VirtualServer:
    """One virtual server and its real servers. Does no I/O; times are seconds on one monotonic clock."""

    def __init__(self, config: model.VirtualServer, now_s: float, found_down: Collection[DestinationKey] = ()) -> None:
        """Start with every real server as it counts before its first check. A quorum that is met counts as gained.

        `found_down` are those that an earlier process had taken out: they stay out until a check succeeds.
        """
        self.config = config
        self.service = config.service
        self.quorum_up = False
        self._actions: list[Action] = []
        self._servers: dict[DestinationKey, _RealServer] = {}
        self._waiting_for: dict[AnyCheck, list[_RealServer]] = {}
        self._configure(config, now_s, found_down)
        self._weigh()

    def on_event(self, event: Event, now_s: float) -> None:
        """Take in a verdict or a new configuration. Afterwards `desired` and `actions` tell what came of it."""
        if isinstance(event, Reconfigured):
            self._configure(event.config, now_s)
        else:
            for server in self._waiting_for.get(event.check, ()):
                self._judge(server, event, now_s)
        self._weigh()

    def actions(self) -> list[Action]:
        """What has happened since the last call, in order: for each event at most one per real server and one quorum."""
        taken, self._actions = self._actions, []
        return taken

    def desired(self) -> tuple[ServiceKey, Row]:
        """What IPVS should hold for this virtual server."""
        config = self.config
        service = Service(config.scheduler, config.flags, config.persistence_timeout_s, config.persistence_prefix_length)
        return self.service, Row(
            service,
            {
                key: server.destination()
                for key, server in self._servers.items()
                if server.up or server.config.inhibit_on_failure
            },
        )

    @property
    def alive_weight(self) -> int:
        """Sum of the weights that are up."""
        return sum(server.effective_weight for server in self._servers.values())

    @property
    def real_servers(self) -> tuple[RealServerStatus, ...]:
        """Every real server as it stands, in the order of the configuration."""
        return tuple(server.status() for server in self._servers.values())

    def _judge(self, server: _RealServer, event: CheckChanged, now_s: float) -> None:
        was_up = server.up
        server.verdicts[event.check] = CheckVerdict(event.up, event.reason, settled=True)
        if server.up == was_up and (server.told or event.up):
            return
        server.told = True
        if server.up != was_up:
            server.since_s = now_s
        kind = RealServerUp if server.up else RealServerDown
        self._actions.append(kind(self.service, server.config, event.check, event.reason, event.latency_s))

    def _configure(self, config: model.VirtualServer, now_s: float, found_down: Collection[DestinationKey] = ()) -> None:
        """Take the real servers of `config`; those known by address and port keep what is known of them."""
        known = self._servers
        self.config = config
        self._servers = {}
        self._waiting_for = {}
        for server_config in config.real_servers:
            key = DestinationKey(server_config.address, server_config.port)
            before = known.get(key)
            if before is None:
                server = _RealServer(server_config, now_s, found_down=key in found_down)
            else:
                server = before.renewed(server_config)
            self._servers[key] = server
            for check in server.verdicts:
                self._waiting_for.setdefault(check, []).append(server)
            if before is not None and server.up and not before.up:
                server.since_s = now_s
                self._actions.append(RealServerUp(self.service, server_config, None, FAILING_CHECK_REMOVED, None))

    def _weigh(self) -> None:
        """Gain or lose the quorum, with a margin between the two."""
        weight, quorum, hysteresis = self.alive_weight, self.config.quorum, self.config.hysteresis
        if not self.quorum_up and weight >= quorum + hysteresis:
            self.quorum_up = True
            self._actions.append(QuorumGained(self.service, weight, quorum))
        elif self.quorum_up and (weight == 0 or weight < quorum - hysteresis):
            self.quorum_up = False
            self._actions.append(QuorumLost(self.service, weight, quorum))


class _RealServer:
    """What is known of one real server."""

    def __init__(self, config: model.RealServer, now_s: float, *, found_down: bool = False) -> None:
        self.config = config
        assumed = CheckVerdict(up=False, reason=DOWN_BEFORE) if found_down else CheckVerdict(up=not config.alpha)
        self.verdicts = dict.fromkeys(config.checks, assumed)
        self.since_s = now_s
        self.told = not config.alpha
        """An action has spoken of it. The first failure of a server that starts down is told, though it changes nothing."""

    def renewed(self, config: model.RealServer) -> _RealServer:
        """The same server by another description. A check that is new to it is assumed to say what held so far: neither does a
        dead server get clients because its check was edited, nor does a living one lose them.
        """
        renewed = _RealServer(config, self.since_s)
        renewed.verdicts = {check: self.verdicts.get(check, CheckVerdict(self.up)) for check in config.checks}
        renewed.told = self.told
        return renewed

    @property
    def up(self) -> bool:
        return all(verdict.up for verdict in self.verdicts.values())

    @property
    def effective_weight(self) -> int:
        return self.config.weight if self.up else 0

    def destination(self) -> Destination:
        config = self.config
        return Destination(config.forwarding, self.effective_weight, config.upper_threshold, config.lower_threshold)

    def status(self) -> RealServerStatus:
        reason = NO_CHECKS
        for verdict in self.verdicts.values():
            reason = verdict.reason
            if not verdict.up:
                break
        return RealServerStatus(self.config, self.up, self.effective_weight, self.since_s, reason, dict(self.verdicts))
