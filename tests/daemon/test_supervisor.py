"""What the supervisor passes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.reading import SERVER, Reader
from vrrpd.daemon.messages import EventReport, Masters
from vrrpd.daemon.run_directory import Ownership, OwnershipFile
from vrrpd.daemon.supervisor import Options, Supervisor
from vrrpd.status.events import VirtualRouterChanged


class Told:
    """In the director's place."""

    def __init__(self) -> None:
        self.news: list[object] = []

    def tell(self, news: object) -> None:
        self.news.append(news)


class Deaf:
    """In place of whoever else hears of events."""

    def hear(self, event: object) -> None:
        pass


def changed(name: str, old: str, new: str) -> EventReport:
    return EventReport(VirtualRouterChanged(0.0, name, "eth0", 50, old, new, "startup"))


@pytest.fixture
def told(tmp_path: Path) -> tuple[Supervisor, Told]:
    supervisor, director = Supervisor(Options("none.conf", tmp_path)), Told()
    supervisor._director, supervisor._commands = director, Deaf()  # type: ignore[assignment]
    return supervisor, director


def test_the_director_hears_of_a_virtual_router_that_begins_as_backup(told: tuple[Supervisor, Told]) -> None:
    """It receives the connections of the other one from then on."""
    supervisor, director = told
    supervisor._on_report(changed("VI_1", "INITIALIZE", "BACKUP"))
    assert director.news == [Masters(frozenset())]


def test_it_hears_of_each_change_once(told: tuple[Supervisor, Told]) -> None:
    supervisor, director = told
    for name, old, new in (
        ("VI_1", "INITIALIZE", "BACKUP"),
        ("VI_2", "INITIALIZE", "BACKUP"),
        ("VI_1", "BACKUP", "MASTER"),
        ("VI_2", "BACKUP", "MASTER"),
        ("VI_1", "MASTER", "RELINQUISHING"),
        ("VI_1", "RELINQUISHING", "BACKUP"),
    ):
        supervisor._on_report(changed(name, old, new))
    assert director.news == [Masters(frozenset(names)) for names in ((), {"VI_1"}, {"VI_1", "VI_2"}, {"VI_2"})]


class Done:
    """In place of a child that has done its work already."""

    alive = True

    async def give(self, work: object, once_done: object | None = None) -> None:
        pass


@pytest.mark.parametrize(("setting", "remembered"), [("", False), ("drain_removed 60", True)])
async def test_servers_that_a_reload_lets_leave_stay_ours(tmp_path: Path, setting: str, remembered: bool) -> None:
    """Should every process die before they have left, the next one takes them out."""
    reader, supervisor = Reader(tmp_path), Supervisor(Options("none.conf", tmp_path))
    supervisor._router = supervisor._director = Done()  # type: ignore[assignment]
    before, after = (
        reader.config(SERVER.replace("192.168.4.100", real).format(setting, "", "")) for real in ("10.0.0.1", "10.0.0.2")
    )
    await supervisor._hand_out(after, Ownership.of(before))
    owned = OwnershipFile(tmp_path / "ownership.json").read()
    assert owned == (Ownership.of(before) + Ownership.of(after) if remembered else Ownership.of(after))
