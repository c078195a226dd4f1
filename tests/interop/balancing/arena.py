"""keepalived and vrrpd in namespaces of their own, each with a table of its own, before the same real servers.

All cases are played at once: each round does every case's next step, waits until both tables show what they are to show, and
then until both daemons have looked at their servers twice more.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from netns_lab import programs, topology
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import Daemon
from netns_lab.waiting import wait_for
from tests.interop.balancing import servers as behaviour
from tests.interop.balancing.cases import FILE, HOST, Case, block, real, virtual
from tests.interop.balancing.player import PARTIES, TRACKED, Player, Record
from tests.interop.balancing.table import table

ARENA = """
virtual_address = "10.8.0.1"

[hosts.theirs]
role = "client"
address = "10.9.255.1/16"
further_addresses = ["fd00:9::ff:1/64"]

[hosts.ours]
role = "client"
address = "10.9.255.2/16"
further_addresses = ["fd00:9::ff:2/64"]

[hosts.servers]
role = "client"
address = "10.9.0.1/16"
further_addresses = ["10.9.0.2/16", "10.9.0.3/16", "10.9.0.4/16", "fd00:9::1/64"]
"""
CLIENTS = {"theirs": ("10.9.255.1", "fd00:9::ff:1"), "ours": ("10.9.255.2", "fd00:9::ff:2")}
"""By which addresses the real servers know the daemons."""
LOST_TABLE_PRIORITY = 100

SETTLED_S = 60.0
"""For the slowest step, some 12 s of delays and time-outs; the rest is for a guest that shares its CPU with others."""
POLL_INTERVAL_S = 0.2
CLOCK = Case("clock", virtual(real("a", block("HTTP_GET", block("url", "path /")))), "a:http", ())
"""A virtual server to which nothing happens. Who has asked its server has been round all others that are as often asked."""
CLOCK_TICKS = 2
"""Of two requests the second was begun after the table was seen."""
RELOADED = {"theirs": "Reload complete", "ours": "reloaded: "}
RELOADED_S = 30.0
NOTED_S = 5.0
COMMAND = """#!/bin/sh
until read -r status <"$1"; do :; done
[ "$status" = hangs ] && exec sleep 60
exit "$status"
"""
"""A file that is just being written is read again."""
NOTE = """#!/bin/sh
echo "$2" >>"$1"
"""


class Arena:
    """Both daemons, the real servers, and the cases that are played."""

    def __init__(self, lab: Lab, cases: Sequence[Case]) -> None:
        """Make ready what the cases need; the daemons do not run yet."""
        self.lab = lab
        self.hosts = {party: lab.host(party) for party in PARTIES}
        self.daemons: dict[str, Daemon] = {}
        self.players = [Player(number, case) for number, case in enumerate(cases, 1)]
        self._clock = Player(len(cases) + 1, CLOCK)
        self._everybody = (*self.players, self._clock)
        self._given_up: set[int] = set()
        """Numbers of the cases that did not show what they were to show."""
        self._log_lengths: dict[str, int] = {}
        """Where the present step begins."""
        self._directory = lab.directory / "shared"
        self._directory.mkdir()
        for name, text in (("command", COMMAND), ("note", NOTE)):
            (self._directory / name).write_text(text)
            (self._directory / name).chmod(0o755)
        self._servers = _start_servers(lab.host("servers"))
        for player in self._everybody:
            self._furnish(player)

    # -- the daemons ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both on the same file."""
        configurations = self._write_configurations()
        self.daemons["theirs"] = programs.keepalived(self.hosts["theirs"], configurations["theirs"], "-C")
        self.daemons["ours"] = programs.vrrpd(self.hosts["ours"], configurations["ours"], "-C")

    def reload(self) -> None:
        """Have both read the cases' present versions, and wait until they have."""
        configurations = self._write_configurations()
        adapted = self.hosts["theirs"].directory / "keepalived.conf"
        adapted.write_text(programs.for_keepalived(configurations["theirs"].read_text()))
        before = self._reloads()
        for daemon in self.daemons.values():
            daemon.signal(signal.SIGHUP)
        wait_for(
            lambda: all(count > before[party] for party, count in self._reloads().items()),
            RELOADED_S,
            "both say that they have reloaded",
        )

    def _reloads(self) -> dict[str, int]:
        return {party: self.daemons[party].log().count(RELOADED[party]) for party in PARTIES}

    def stop(self) -> None:
        """Stop both and wait until they are gone."""
        for daemon in self.daemons.values():
            daemon.stop()

    def _notes(self, party: str, player: Player) -> tuple[str, ...]:
        """The words that a case's commands have noted; the last ones may outlive their daemon."""
        path = self.hosts[party].directory / f"notes-{player.number}"
        path.touch()
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: len(path.read_text().split()) >= len(player.case.notes), NOTED_S, "all is noted")
        return tuple(sorted(path.read_text().split()))

    def _write_configurations(self) -> dict[str, Path]:
        """One file for each; they differ only in where commands note things down."""
        head = block("global_defs", "script_user root")
        text = "\n".join([head, *(player.definitions(self._directory) for player in self._everybody)]) + "\n"
        written = {}
        for party, host in self.hosts.items():
            written[party] = host.directory / "balancing.conf"
            written[party].write_text(text.replace("@PARTY@", f"{host.directory}/notes-"))
        return written

    # -- the rounds -----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play every case to its end, and stop."""
        for number in range(max(len(player.case.steps) for player in self.players)):
            self.play_round(number)
        self._begin_records(self.players)
        self.stop()
        self._look(self.players)
        self._end_records(self.players)
        for player in self.players:
            player.notes = {party: self._notes(party, player) for party in PARTIES}

    def play_round(self, number: int) -> None:
        """Do the step of this number of every case that has one."""
        taking_part = [player for player in self.players if number < len(player.case.steps)]
        self._begin_records(taking_part)
        reloads = False
        for player in taking_part:
            for deed in filter(None, map(str.strip, player.steps[number].do.split(";"))):
                if deed == "reload":
                    player.version += 1
                    reloads = True
                else:
                    self._do(player, *deed.split())
        if number == 0:
            self.start()
        elif reloads:
            self.reload()
        self._settle(taking_part)
        self._end_records(taking_part)

    def _begin_records(self, players: Sequence[Player]) -> None:
        self._log_lengths = {party: len(daemon.log()) for party, daemon in self.daemons.items()}
        for player in players:
            player.history.append(Record())

    def _end_records(self, players: Sequence[Player]) -> None:
        said = {party: daemon.log()[self._log_lengths.get(party, 0) :] for party, daemon in self.daemons.items()}
        for player in players:
            player.history[-1].log = said

    def _settle(self, players: Sequence[Player]) -> None:
        """Wait until every case shows what it is to show and goes on doing so, or for as long as that may take.

        Nobody waits again for a case that did not get there.
        """
        deadline_s = time.monotonic() + SETTLED_S
        since: dict[str, int] | None = None
        while True:
            late, clock = self._look(players)
            if late - self._given_up:
                since = None
            elif since is None:
                since = clock
            elif all(clock[party] - since[party] >= CLOCK_TICKS for party in PARTIES):
                return
            if time.monotonic() > deadline_s:
                self._given_up |= late
                return
            time.sleep(POLL_INTERVAL_S)

    def _look(self, players: Sequence[Player]) -> tuple[set[int], dict[str, int]]:
        """Note what the cases show; the numbers of those that wait for something, and how often the clock was asked."""
        tables = {party: table(host) for party, host in self.hosts.items()}
        asked = self._asked()
        late = set()
        for player in players:
            number = len(player.history) - 1
            server = player.asked_server(number)
            if not player.look(number, tables, asked[server] if server else {}):
                late.add(player.number)
        return late, asked[self._clock.address("a"), self._clock.port]

    # -- the real servers -----------------------------------------------------------------------------------------------

    def _furnish(self, player: Player) -> None:
        """Files that say that all is well, and servers that run."""
        for name in (*TRACKED, "m"):
            player.file(self._directory, name).write_text("0\n")
        if "h" in player.kinds:
            self._ip(f"address add {player.lone_address}/16 dev eth0")
        for name, kind in player.kinds.items():
            if kind not in (FILE, HOST):
                self._tell("open", kind, player.address(name), player.port, behaviour.WELL)

    def _do(self, player: Player, name: str, verb: str, *arguments: str) -> None:
        where = (player.address(name), player.port) if name != "m" else ("", 0)
        kind = player.kinds.get(name, FILE)
        match verb:
            case "up" | "down" if kind == FILE:
                player.file(self._directory, name).write_text("0\n" if verb == "up" else "1\n")
            case "up":
                self._tell("open", kind, *where, behaviour.WELL)
            case "down":
                self._tell("close", *where)
            case "writes":
                player.file(self._directory, name).write_text(f"{arguments[0]}\n")
            case "exits" | "hangs":
                player.file(self._directory, name).write_text(f"{(*arguments, verb)[0]}\n")
            case "gone" | "back":
                self._ip(f"address {'del' if verb == 'gone' else 'add'} {where[0]}/16 dev eth0")
            case "lost" | "found":
                self._ip(f"rule {'add' if verb == 'lost' else 'del'} from {where[0]} pref {LOST_TABLE_PRIORITY} blackhole")
            case _:
                self._tell("mood", *where, verb, int(arguments[0]) if arguments else 0)
        if kind not in (FILE, HOST) and verb in ("writes", "gone", "back", "lost", "found"):
            self._tell("forget", *where)

    def _ip(self, command: str) -> None:
        self.lab.host("servers").ip_batch([command])

    def _asked(self) -> dict[tuple[str, int], dict[str, int]]:
        """How often each party has asked each server, by its address and port."""
        return {
            (address, port): {party: sum(clients.get(client, 0) for client in CLIENTS[party]) for party in PARTIES}
            for address, port, clients in self._tell("asked")
        }

    def _tell(self, *command: Any) -> Any:
        assert self._servers.stdin is not None
        assert self._servers.stdout is not None
        self._servers.stdin.write(json.dumps(command).encode() + b"\n")
        self._servers.stdin.flush()
        answer = self._servers.stdout.readline()
        assert answer, f"the real servers ended at {command}"
        return json.loads(answer)


@contextlib.contextmanager
def arena(cases: Sequence[Case]) -> Iterator[Arena]:
    """A lab with the cases in it, ready to be played."""
    with Lab(topology.parse("arena", ARENA, Path(__file__).parent)) as lab:
        yield Arena(lab, cases)


def _start_servers(host: Host) -> subprocess.Popen[bytes]:
    """The process of all real servers, with a certificate made for it."""
    certificate, key = host.directory / "certificate.pem", host.directory / "key.pem"
    host.run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=servers", "-days", "1", "-keyout", key, "-out", certificate),
    )
    command = [sys.executable, behaviour.__file__, str(certificate), str(key)]
    return host.spawn(*command, log=host.directory / "servers.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
