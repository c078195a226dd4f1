"""One case at its place in the lab: its addresses, ports and files, what it is to show after each step, and what it showed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from tests.interop.balancing.cases import FILE, HOST, NO_SERVICE, Case, Step, block
from tests.interop.balancing.differences import Difference, differences
from tests.interop.balancing.table import in_words

PARTIES = THEIRS, OURS = ("theirs", "ours")
ADDRESSES = {"a": "10.9.0.1", "b": "10.9.0.2", "c": "10.9.0.3", "d": "10.9.0.4", "s": "10.9.0.9", "a6": "fd00:9::1"}
PORT_BASE = 2000
TRACKED = ("a", "b", "c", "d")
SAYS = {
    THEIRS: r"(?P<change>Adding|Removing) service {where} (?:to|from) VS",
    OURS: r"real server {where} is (?P<change>up|down)",
}
MEANS = {"Adding": "up", "Removing": "down", "up": "up", "down": "down"}
"""What a change in the words of either log comes to."""
STOP = Step("stop", NO_SERVICE)
"""The last step of every case."""


@dataclass
class Record:
    """What came of one step, by party."""

    servers: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Sequence[str]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    strayed: dict[str, set[str]] = field(default_factory=dict)
    """Everything else that was seen on the way."""
    log: dict[str, str] = field(default_factory=dict)

    def only(self, party: str) -> str:
        """The rows that the other one has not."""
        (other,) = set(PARTIES) - {party}
        return "; ".join(sorted(set(self.rows[party]) - set(self.rows[other])))


class Player:
    """A case that is played."""

    def __init__(self, number: int, case: Case) -> None:
        """Give it the place that goes with its number."""
        self.number = number
        self.case = case
        self.steps = (*case.steps, STOP)
        self.history: list[Record] = []
        self.notes: dict[str, tuple[str, ...]] = {}
        """The words that its commands have noted, sorted, by party."""
        self.port = PORT_BASE + number
        self.version = 0
        self.kinds = dict(word.split(":") for word in case.servers.split())
        self.lone_address = f"10.9.1.{number}"

    # -- its place ------------------------------------------------------------------------------------------------------

    def address(self, name: str) -> str:
        """Of a real server."""
        return self.lone_address if name == "h" else ADDRESSES[name]

    def file(self, directory: Path, name: str) -> Path:
        """The file that says how a real server, or a command, is."""
        return directory / f"{self.number}-{name}"

    def definitions(self, directory: Path) -> str:
        """Its track files, and its virtual server, in the present version, as written in `directory`."""
        text = (self.case.text, *self.case.reloaded)[self.version]
        tracks = [
            block(f"track_file track_{self.number}_{name}", f"file {self.file(directory, name)}", "weight 1")
            for name in TRACKED
            if f"$track_{name}" in text
        ]
        files = {"misc": f"{directory / 'command'} {self.file(directory, 'm')}"}
        files |= {"note": f"{directory / 'note'} @PARTY@{self.number}"}
        return "\n".join([*tracks, self.filled(text, files)])

    def filled(self, text: str, files: Mapping[str, str] | None = None) -> str:
        """A text with what its placeholders stand for here."""
        names = (*ADDRESSES, "h")
        values = {name: f"{self.address(name)} {self.port}" for name in names}
        values |= {f"address_{name}": self.address(name) for name in names}
        values |= {f"track_{name}": f"track_{self.number}_{name}" for name in TRACKED}
        values |= {"mark": str(self.number), "net": f"10.8.{self.number}", "vip": f"10.8.{self.number}.1"}
        values |= {"vip6": f"fd00:8:{self.number:x}::1", "port": str(self.port)}
        return Template(text).substitute(values | dict(files or {}))

    def asked_server(self, number: int) -> tuple[str, int] | None:
        """The server whose requests a step counts: the one of its first deed; at the start one that listens."""
        words = self.steps[number].do.split()
        down = [name for name in self.kinds if f"{name} down" in self.steps[0].do]
        for name in words[:1] if number else [name for name in self.kinds if name not in down]:
            if self.kinds.get(name, FILE) not in (FILE, HOST) and "connect_port" not in self.case.text:
                return self.address(name), self.port
        return None

    # -- what it shows --------------------------------------------------------------------------------------------------

    def difference(self, number: int, what: str) -> Difference | None:
        """What is known to differ after a step."""
        return differences().get((self.case.name, number, what))

    def expected(self, number: int, what: str, usual: str) -> dict[str, str]:
        """What each party is to show: the same, unless a difference is known."""
        known = self.difference(number, what)
        return {THEIRS: known.theirs, OURS: known.ours} if known else dict.fromkeys(PARTIES, usual)

    def look(self, number: int, tables: Mapping[str, Mapping[int | None, Sequence[str]]], asked: Mapping[str, int]) -> bool:
        """Note what it shows; whether that is all that is waited for."""
        record, step = self.history[number], self.steps[number]
        expected = self.expected(number, "servers", step.shows)
        record.asked = dict(asked)
        for party in PARTIES:
            rows = record.rows[party] = tables[party].get(self.number, ())
            shows = record.servers[party] = in_words(rows) if rows else NO_SERVICE
            if shows != expected[party]:
                record.strayed.setdefault(party, set()).add(shows)
        return record.servers == expected and self._rows_are_as_expected(number) and self.was_asked(number)

    def through(self, number: int, party: str) -> str:
        """Whether a log says first that the step's server is up, or that it is down; nothing if neither."""
        server = self.asked_server(number) or (self.address("a"), self.port)
        where = r"\[{}\]:\w+:{}".format(*server)
        said = re.search(SAYS[party].format(where=where), self.history[number].log[party])
        return MEANS[said["change"]] if said else ""

    def was_asked(self, number: int) -> bool:
        """Whether both have asked the server of the step as often as the step wants it."""
        wanted = self.steps[number].after or (1 if number == 0 else 0)
        return all(times >= wanted for times in self.history[number].asked.values())

    def _rows_are_as_expected(self, number: int) -> bool:
        if self.difference(number, "servers"):
            return True
        record = self.history[number]
        return {party: record.only(party) for party in PARTIES} == self.expected(number, "rows", "")
