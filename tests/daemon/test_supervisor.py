"""What the supervisor passes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from vrrpd.daemon.messages import EventReport, Masters
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
