"""keepalived and vrrpd in namespaces of their own, each with a table of its own, before the same real servers.

All cases are played at once: each round does every case's next step and waits until both tables show what they are to show.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from netns_lab import programs, topology
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import Daemon
from tests.interop.balancing import servers as behaviour
from tests.interop.balancing.cases import FILE, Case, block
from tests.interop.balancing.differences import Difference
from tests.interop.balancing.table import in_full, shown, weights

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
ADDRESSES = {"a": "10.9.0.1", "b": "10.9.0.2", "c": "10.9.0.3", "d": "10.9.0.4", "s": "10.9.0.9", "a6": "fd00:9::1"}
CLIENTS = {"theirs": ("10.9.255.1", "fd00:9::ff:1"), "ours": ("10.9.255.2", "fd00:9::ff:2")}
"""By which addresses the real servers know the daemons."""
PORT_BASE = 2000
LOST_TABLE_PRIORITY = 100

SETTLED_S = 15.0
"""For the slowest step, some 6 s of delays and time-outs; the rest is for a guest that shares its CPU with others."""
POLL_INTERVAL_S = 0.2
COMMAND = """#!/bin/sh
read status <"$1"
[ "$status" = hangs ] && exec sleep 30
exit "$status"
"""
NOTE = """#!/bin/sh
echo "$2" >>"$1"
"""
TRACKED = ("a", "b", "c", "d")

PARTIES = ("theirs", "ours")


@dataclass
class Record:
    """What came of one step of one case, by party."""

    shown: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    """When what is expected was first shown."""
    asked: dict[str, int] = field(default_factory=dict)
    strayed: dict[str, set[str]] = field(default_factory=dict)
    """Everything else that was seen on the way."""


History = list[Record]


class Player:
    """One case at its place in the lab."""

    def __init__(self, number: int, case: Case) -> None:
        self.number = number
        self.case = case
        self.port = PORT_BASE + number
        self.lone_address = f"10.9.1.{number}"
        self.version = 0
        self.kinds = dict(word.split(":") for word in case.servers.split())
        self.history: History = []

    def address(self, name: str) -> str:
        """Of a real server."""
        return self.lone_address if name == "h" else ADDRESSES[name]

    def file(self, directory: Path, name: str) -> Path:
        """The file that says how a real server, or a command, is."""
        return directory / f"{self.number}-{name}"

    def definitions(self, directory: Path) -> str:
        """Its track files, and its virtual server, in the present version, as written in `directory`."""
        text = (self.case.text, *self.case.reloaded)[self.version]
        values = {name: f"{self.address(name)} {self.port}" for name in (*ADDRESSES, "h")}
        values |= {f"address_{name}": self.address(name) for name in (*ADDRESSES, "h")}
        values |= {f"track_{name}": f"track_{self.number}_{name}" for name in TRACKED}
        values |= {"mark": str(self.number), "net": f"10.8.{self.number}", "vip": f"10.8.{self.number}.1"}
        values |= {"vip6": f"fd00:8:{self.number:x}::1", "port": str(self.port)}
        values |= {"misc": f"{directory / 'command'} {self.file(directory, 'm')}"}
        values |= {"note": f"{directory / 'note'} @PARTY@{self.number}"}
        tracks = [
            block(f"track_file track_{self.number}_{name}", f"file {self.file(directory, name)}", "weight 1")
            for name in TRACKED
            if f"$track_{name}" in text
        ]
        return "\n".join([*tracks, Template(text).substitute(values)])


class Arena:
    """Both daemons, the real servers, and the cases that are played."""

    def __init__(self, lab: Lab, cases: Sequence[Case], differences: Mapping[tuple[str, int], Difference]) -> None:
        """Make ready what the cases need; the daemons do not run yet."""
        self.lab = lab
        self.hosts = {party: lab.host(party) for party in PARTIES}
        self.daemons: dict[str, Daemon] = {}
        self.players = [Player(number, case) for number, case in enumerate(cases, 1)]
        self._differences = differences
        self._directory = lab.directory / "shared"
        self._directory.mkdir()
        for name, text in (("command", COMMAND), ("note", NOTE)):
            (self._directory / name).write_text(text)
            (self._directory / name).chmod(0o755)
        self._servers = _start_servers(lab.host("servers"))
        for player in self.players:
            self._furnish(player)

    # -- the daemons ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both on the same file."""
        configurations = self._write_configurations()
        self.daemons["theirs"] = programs.keepalived(self.hosts["theirs"], configurations["theirs"], "-C")
        self.daemons["ours"] = programs.vrrpd(self.hosts["ours"], configurations["ours"], "-C")

    def reload(self) -> None:
        """Have both read the cases' present versions."""
        configurations = self._write_configurations()
        adapted = self.hosts["theirs"].directory / "keepalived.conf"
        adapted.write_text(programs.for_keepalived(configurations["theirs"].read_text()))
        for daemon in self.daemons.values():
            daemon.signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop both and wait until they are gone."""
        for daemon in self.daemons.values():
            daemon.signal(signal.SIGTERM)
        for daemon in self.daemons.values():
            daemon.stop()

    def notes(self, party: str, player: Player) -> list[str]:
        """The words that a case's commands have noted, sorted."""
        path = self.hosts[party].directory / f"notes-{player.number}"
        return sorted(path.read_text().split()) if path.exists() else []

    def _write_configurations(self) -> dict[str, Path]:
        """One file for each; they differ only in where commands note things down."""
        head = block("global_defs", "script_user root")
        text = "\n".join([head, *(player.definitions(self._directory) for player in self.players)]) + "\n"
        written = {}
        for party, host in self.hosts.items():
            written[party] = host.directory / "balancing.conf"
            written[party].write_text(text.replace("@PARTY@", f"{host.directory}/notes-"))
        return written

    # -- the rounds -----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play every case to its end."""
        for number in range(max(len(player.case.steps) for player in self.players)):
            self._round(number)

    def _round(self, number: int) -> None:
        taking_part = [player for player in self.players if number < len(player.case.steps)]
        reloads = False
        for player in taking_part:
            for deed in filter(None, map(str.strip, player.case.steps[number].do.split(";"))):
                if deed == "reload":
                    player.version += 1
                    reloads = True
                else:
                    self._do(player, *deed.split())
            player.history.append(Record())
        if number == 0:
            self.start()
        elif reloads:
            self.reload()
        self._settle(taking_part, number)
        rows = {party: in_full(host) for party, host in self.hosts.items()}
        for player in taking_part:
            player.history[number].rows = {party: rows[party].get(player.number, []) for party in PARTIES}

    def _settle(self, taking_part: Sequence[Player], number: int) -> None:
        """Wait until every case shows what it is to show, or for as long as that may take."""
        deadline_s = time.monotonic() + SETTLED_S
        while time.monotonic() < deadline_s:
            seen = {party: weights(host) for party, host in self.hosts.items()}
            asked = self._asked()
            looks = [self._look(player, number, seen, asked) for player in taking_part]
            if all(looks):
                return
            time.sleep(POLL_INTERVAL_S)

    def _look(
        self,
        player: Player,
        number: int,
        seen: Mapping[str, dict[int, str]],
        asked: Mapping[tuple[str, int, str], int],
    ) -> bool:
        """Note what a case shows; whether that is what is waited for."""
        record, step = player.history[number], player.case.steps[number]
        target = self._asked_server(player, number)
        difference = self._differences.get((player.case.name, number))
        settled = True
        for party in PARTIES:
            expected = getattr(difference, party) if difference else step.shows
            shows = record.shown[party] = shown(seen[party], player.number)
            if target is not None:
                record.asked[party] = asked[(*target, party)]
            if shows != expected:
                record.strayed.setdefault(party, set()).add(shows)
                settled = False
                continue
            if party not in record.tries and target is not None:
                record.tries[party] = record.asked[party]
            wanted = step.after or (1 if number == 0 else 0)
            settled &= target is None or record.asked[party] >= wanted
        return settled

    def _asked_server(self, player: Player, number: int) -> tuple[str, int] | None:
        """The server whose requests a step counts: the one of its first deed; at the start one that listens."""
        deeds = player.case.steps[number].do.split()
        candidates = deeds[:1] if number else [name for name in player.kinds if f"{name} down" not in player.case.steps[0].do]
        for name in candidates:
            if player.kinds.get(name, FILE) != FILE and "connect_port" not in player.case.text:
                return player.address(name), player.port
        return None

    # -- the real servers -----------------------------------------------------------------------------------------------

    def _furnish(self, player: Player) -> None:
        """Files that say that all is well, and servers that run."""
        for name in (*TRACKED, "m"):
            player.file(self._directory, name).write_text("0\n")
        if "h" in player.kinds:
            self.lab.host("servers").ip_batch([f"address add {player.lone_address}/16 dev eth0"])
        for name, kind in player.kinds.items():
            if kind != FILE:
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

        if kind != FILE and verb in ("writes", "gone", "back", "lost", "found"):
            self._tell("forget", *where)

    def _ip(self, command: str) -> None:
        self.lab.host("servers").ip_batch([command])

    def _asked(self) -> dict[tuple[str, int, str], int]:
        """How often each server was asked, by its address and port and by party."""
        return {
            (address, port, party): sum(clients.get(client, 0) for client in CLIENTS[party])
            for address, port, clients in self._tell("asked")
            for party in PARTIES
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
def arena(cases: Sequence[Case], differences: Mapping[tuple[str, int], Difference]) -> Iterator[Arena]:
    """A lab with the cases in it, ready to be played."""
    with Lab(topology.parse("arena", ARENA, Path(__file__).parent)) as lab:
        yield Arena(lab, cases, differences)


def _start_servers(host: Host) -> subprocess.Popen[bytes]:
    """The process of all real servers, with a certificate made for it."""
    certificate, key = host.directory / "certificate.pem", host.directory / "key.pem"
    host.run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=servers", "-days", "1", "-keyout", key, "-out", certificate),
    )
    command = [sys.executable, behaviour.__file__, str(certificate), str(key)]
    return host.spawn(*command, log=host.directory / "servers.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
