"""The supervisor: reads the configuration, keeps the router and the director alive, and answers for both.

It never touches addresses or IPVS itself. Start, reload, a child's death and stop all come down to handing a child its half
of the configuration; the child finds out what the kernel lacks.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vrrpd import config as language
from vrrpd.config.model import Config, ListenAddress, Lvs
from vrrpd.daemon import systemd
from vrrpd.daemon.director import Director
from vrrpd.daemon.ledger import Ledger
from vrrpd.daemon.messages import DirectorWork, EventReport, LogLine, Masters, RecordingPart, RouterWork
from vrrpd.daemon.nursery import Nursling
from vrrpd.daemon.overrides_file import of_nobody, read_overrides
from vrrpd.daemon.recordings import RecordingFiles, Recordings
from vrrpd.daemon.router import Router
from vrrpd.daemon.run_directory import AlreadyRunningError, Ownership, OwnershipFile, PidFile, write_pid_file
from vrrpd.notify.commands import CommandQueue
from vrrpd.notify.mail import Mailer
from vrrpd.protocol.states import State
from vrrpd.status.events import AlarmRaised, VirtualRouterChanged
from vrrpd.status.model import DirectorStatus, RouterStatus, Snapshot

if TYPE_CHECKING:
    from vrrpd.control.http import HttpServer

RUN_DIRECTORY = "/run/vrrpd"
RUN_DIRECTORY_MODE = 0o700

ROUTER_SILENCE_MAX_S = 10.0
"""A router that has not answered for so long hangs; its peers have long taken over, so it is replaced."""
DIRECTOR_SILENCE_MAX_S = 30.0
"""A director may be busy with a large table for seconds, never for so long."""
READY_TIMEOUT_S = 30.0
"""The service manager is told after this time even if a child is not done: a slow kernel is no failed start."""
STOP_TIMEOUT_S = 10.0
"""A child that has not given everything back by then is ended."""
COMMANDS_TIMEOUT_S = 5.0
"""At the end, notifications may take so long."""
HEARTBEAT_S = 1.0
STATUS_TIMEOUT_S = 1.0
"""A scrape waits no longer for a child; what is missing is missing in the snapshot."""

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_NO_CONFIGURATION = 6
"""keepalived's number for it."""
EXIT_CONFIGURATION_ERRORS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    config_file: str
    run_dir: Path
    config_id: str | None = None
    strict: bool = False
    """Refuse to start on a file with errors."""
    vrrp: bool = True
    balancing: bool = True
    pid_file: Path | None = None
    router_pid_file: Path | None = None
    director_pid_file: Path | None = None
    http_listen: ListenAddress | None = None
    """Where the file says nothing."""


class Supervisor:
    """The daemon. `run` lives until a signal ends it and returns the exit status."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._ownership_file = OwnershipFile(options.run_dir / "ownership.json")
        self._started_s = time.monotonic()
        self._reloads = 0
        self._reloads_refused = 0
        self._reloading: asyncio.Task[None] | None = None
        self._reload_again = False
        self._mailer: Mailer | None = None
        self._masters: frozenset[str] | None = None
        """Of which virtual routers this host is master; None until one has told how it stands."""
        self._http: HttpServer | None = None
        self._stopped = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> int:
        """From the first reading of the configuration to the last child's end."""
        loaded = self._load()
        if loaded.config is None:
            return EXIT_NO_CONFIGURATION
        if loaded.errors and self._options.strict:
            log.error("not started: %s has errors and --strict is set", self._options.config_file)
            return EXIT_CONFIGURATION_ERRORS
        self._config = loaded.config
        self._configured_unix_s = time.time()
        pid_file = PidFile(self._options.pid_file or self._options.run_dir / "vrrpd.pid")
        try:
            await self._live()
        finally:
            pid_file.remove()
        return EXIT_OK

    async def _live(self) -> None:
        """Start, wait for the signal to stop, which may come before the start is done, and stop."""
        starting, stopping = asyncio.create_task(self._start()), asyncio.create_task(self._stopped.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        else:
            starting.cancel()
        await stopping
        await self._stop()

    # -- start and stop -------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._commands = CommandQueue()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # inherited as ignored, it would leave no child to wait for
        ledger = Ledger.open(self._options.run_dir / "ledger")
        run_dir = self._options.run_dir
        files = RecordingFiles(run_dir)
        router = partial(Router, ledger=ledger, files=files)
        self._router = Nursling("router", router, ROUTER_SILENCE_MAX_S, self._on_report, has_last_words=True)
        self._recordings = Recordings(files, self._router.ask)
        self._director = Nursling(
            "director", lambda channel: Director(channel, run_dir), DIRECTOR_SILENCE_MAX_S, self._on_report
        )
        self._router.on_process_id = _pid_file_writer(self._options.router_pid_file, self._options.run_dir / "router.pid")
        self._director.on_process_id = _pid_file_writer(self._options.director_pid_file, self._options.run_dir / "director.pid")
        await self._hand_out(self._config, self._ownership_file.read())
        self._mailer = Mailer(self._config.daemon.mail, self._config.daemon.router_id)
        await self._serve_http(self._config)
        self._tasks = [asyncio.create_task(self._heartbeat()), asyncio.create_task(self._feed_watchdog())]
        systemd.ready(self._summary())
        log.info("started: %s", self._summary())

    async def _stop(self) -> None:
        """The router first, so that the table still serves while the other director takes over."""
        systemd.stopping()
        for task in self._tasks:
            task.cancel()
        if self._reloading is not None:
            self._reloading.cancel()
        await self._router.stop(STOP_TIMEOUT_S + _rarest_adverts_s(self._config))
        await self._director.stop(STOP_TIMEOUT_S)
        self._ownership_file.write(Ownership())
        await self._commands.close(COMMANDS_TIMEOUT_S)
        if self._http is not None:
            await self._http.close()
        if self._mailer is not None:
            await self._mailer.close()
        log.info("stopped")

    def _on_stop_signal(self, number: int) -> None:
        log.info("stopping: received %s", signal.Signals(number).name)
        self._stopped.set()

    # -- configuration --------------------------------------------------------------------------------------------------

    def _load(self) -> language.Loaded:
        loaded = language.load(self._options.config_file, config_id=self._options.config_id)
        for diagnostic in loaded.diagnostics:
            level = logging.ERROR if diagnostic.severity is language.Severity.ERROR else logging.WARNING
            log.log(level, "%s", language.render(diagnostic, colour=False))
        return loaded

    def reload(self) -> None:
        """Read the configuration again and apply the difference. One reload at a time; another asked for meanwhile follows."""
        if self._reloading is not None and not self._reloading.done():
            self._reload_again = True
            return
        self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        while True:
            self._reload_again = False
            systemd.reloading()
            loaded = self._load()
            if loaded.config is None or loaded.errors:
                self._reloads_refused += 1
                log.error("reload refused: %s has errors; the configuration in force stays", self._options.config_file)
            else:
                await self._adopt(loaded.config)
            systemd.ready(self._summary())
            if not self._reload_again:
                return

    async def _adopt(self, config: Config) -> None:
        formerly = Ownership.of(self._config)
        self._config = config
        self._configured_unix_s = time.time()
        await self._hand_out(config, formerly)
        if self._mailer is not None:
            self._mailer.configure(config.daemon.mail, config.daemon.router_id)
        await self._serve_http(config)
        self._reloads += 1
        log.info("reloaded: %s", self._summary())

    async def _hand_out(self, config: Config, formerly: Ownership) -> None:
        """Give each child its half and wait until the kernel shows it.

        What is ours is noted before anything is done, and what no longer is forgotten only after it is gone, so that a
        crash in between leaves nothing behind that nobody knows.
        """
        now = Ownership.of(config)
        self._ownership_file.write(formerly + now)
        routers = config.virtual_routers if self._options.vrrp else ()
        servers = config.virtual_servers if self._options.balancing else ()
        daemon = config.daemon
        waits = []
        if routers or self._router.alive:
            router_work = RouterWork(
                routers,
                daemon.router_scheduling,
                formerly.addresses,
                sync_groups=config.sync_groups,
                garp_groups=config.links.garp_groups,
                vrrp=daemon.vrrp,
                starts_from_s=self._started_s + daemon.vrrp.startup_delay_s,
            )
            waits.append(self._router.give(router_work))
        if servers or self._director.alive:
            overrides = read_overrides(self._options.run_dir / "overrides.json")
            for virtual_server, real_server in of_nobody(overrides, servers):
                log.warning("overrides.json: there is no virtual server %s with a real server %s", virtual_server, real_server)
            groups = config.virtual_server_groups
            lvs = _synchronised(config)
            namespace = daemon.namespaces.ipvs
            scheduling = daemon.director_scheduling
            work = DirectorWork(servers, scheduling, formerly.rows, groups, overrides, lvs, namespace=namespace)
            first = replace(work, flush=lvs.flush and not self._director.alive)
            waits.append(self._director.give(first, once_done=work))
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await asyncio.gather(*waits)
        except TimeoutError:
            log.warning("the kernel does not show the configuration yet after %g s; going on", READY_TIMEOUT_S)
            return
        self._ownership_file.write(formerly + now if _lets_servers_leave(config) else now)

    def _summary(self) -> str:
        return f"{self._options.config_file}: {self._config.contents()}"

    # -- reports and views ----------------------------------------------------------------------------------------------

    def _on_report(self, message: object) -> None:
        match message:
            case LogLine(level, text):
                log.log(level, "%s", text)
            case EventReport(event):
                log.log(logging.WARNING if isinstance(event, AlarmRaised) else logging.INFO, "%s", event.headline())
                if self._mailer is not None:
                    self._mailer.hear(event)
                self._commands.hear(event)
                if isinstance(event, VirtualRouterChanged):
                    self._note_master(event)
            case RecordingPart():
                self._recordings.hear(message)

    def _note_master(self, event: VirtualRouterChanged) -> None:
        """The director synchronises connections as the virtual router stands."""
        others = (self._masters or frozenset()) - {event.name}
        masters = others | {event.name} if event.new == State.MASTER.name else others
        if masters != self._masters:
            self._masters = masters
            self._director.tell(Masters(masters))

    async def snapshot(self) -> Snapshot:
        """Ask the children and put everything together. Takes at most STATUS_TIMEOUT_S."""
        router, director = await asyncio.gather(self._router.status(STATUS_TIMEOUT_S), self._director.status(STATUS_TIMEOUT_S))
        return Snapshot(
            reloads=self._reloads,
            reloads_refused=self._reloads_refused,
            configuration_loaded_unix_s=self._configured_unix_s,
            compat_metrics=self._config.daemon.compat_metrics,
            processes=(
                self._router.process_status(answers=router is not None),
                self._director.process_status(answers=director is not None),
            ),
            router=router if isinstance(router, RouterStatus) else None,
            director=director if isinstance(director, DirectorStatus) else None,
        )

    async def _serve_http(self, config: Config) -> None:
        """Listen where the configuration says; a place that cannot be had is logged and costs nothing else."""
        wanted = config.daemon.http_listen or self._options.http_listen
        if self._http is not None and self._http.listen == wanted:
            return
        if self._http is not None:
            await self._http.close()
            self._http = None
        if wanted is None:
            return
        from vrrpd.control.http import HttpServer  # noqa: PLC0415  # 120 ms and 15 MiB that the children never need

        server = HttpServer(wanted, self.snapshot, self._recordings.parts)
        try:
            await server.start()
        except OSError as error:
            log.error("no metrics: cannot listen on %s port %d: %s", wanted.host, wanted.port, error.strerror)  # noqa: TRY400
            return
        self._http = server

    # -- heartbeats -----------------------------------------------------------------------------------------------------

    async def _heartbeat(self) -> None:
        for _ in itertools.count():
            await asyncio.sleep(HEARTBEAT_S)
            self._router.check_pulse()
            self._director.check_pulse()

    async def _feed_watchdog(self) -> None:
        interval_s = systemd.watchdog_interval_s()
        while interval_s is not None:
            systemd.feed_watchdog()
            await asyncio.sleep(interval_s)


def _synchronised(config: Config) -> Lvs:
    """IPVS as a whole; the synchronisation has its virtual router's number where it has none of its own."""
    lvs = config.daemon.lvs
    daemon = lvs.sync_daemon
    if daemon is None or daemon.sync_id is not None:
        return lvs
    numbers = (one.virtual_router_id for one in config.virtual_routers if one.name == daemon.virtual_router)
    return replace(lvs, sync_daemon=replace(daemon, sync_id=next(numbers, 0)))


def _lets_servers_leave(config: Config) -> bool:
    """Whether servers that a reload removes may have rows for a while; until the next one they stay ours."""
    return any(server.drain_removed_s > 0 for server in config.virtual_servers)


def _rarest_adverts_s(config: Config) -> float:
    """How much longer a hand-over may take where version 3 scales it with the advert interval: at most 40.95 s."""
    return max((router.advert_interval_s for router in config.virtual_routers if router.version == 3), default=0.0)


def _pid_file_writer(configured: Path | None, default: Path) -> Callable[[int | None], None]:
    path = configured or default
    return lambda process_id: write_pid_file(path, process_id)


def run(options: Options) -> int:
    """Run the daemon in this process until a signal ends it; returns the exit status."""
    os.umask(0o077)
    try:
        options.run_dir.mkdir(mode=RUN_DIRECTORY_MODE, parents=True, exist_ok=True)
        return asyncio.run(_run(options))
    except AlreadyRunningError as error:
        log.error("%s", error)  # noqa: TRY400
    except OSError as error:
        log.error("not started: %s", error)  # noqa: TRY400
    return EXIT_FAILURE


async def _run(options: Options) -> int:
    return await Supervisor(options).run()
