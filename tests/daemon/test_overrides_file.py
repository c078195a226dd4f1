"""What operators ask of real servers, as they write it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.config.reading import SERVER, Reader
from vrrpd.balancer.overrides import Drain, FixedWeight, Maintenance
from vrrpd.daemon.overrides_file import of_nobody, read_overrides

WEB = "[192.168.4.15]:tcp:80"


def test_each_wish_is_read(tmp_path: Path) -> None:
    path = tmp_path / "overrides.json"
    path.write_text(json.dumps({WEB: {"a": "drain", "b": "maintenance", "c": {"weight": 5}, "d": {"weight": 0}}}))
    assert read_overrides(path) == (
        (WEB, "a", Drain()),
        (WEB, "b", Maintenance()),
        (WEB, "c", FixedWeight(5)),
        (WEB, "d", FixedWeight(0)),
    )


@pytest.mark.parametrize(
    "wish",
    ["off", None, 5, True, [], {}, {"weight": -1}, {"weight": 2**31}, {"weight": "5"}, {"weight": True}, {"weight": 1.5}],
)
def test_what_is_none_is_told_and_costs_no_other(wish: object, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "overrides.json"
    path.write_text(json.dumps({WEB: {"a": wish, "b": "drain"}}))
    assert read_overrides(path) == ((WEB, "b", Drain()),)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_no_file_asks_for_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_overrides(tmp_path / "overrides.json") == ()
    assert not caplog.records


@pytest.mark.parametrize("text", ["", "{", "[]", '"drain"', "[" * 100_000, "\xff"])
def test_a_damaged_file_asks_for_nothing_and_is_told(text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "overrides.json"
    path.write_bytes(text.encode("latin-1"))
    assert read_overrides(path) == ()
    assert len(caplog.records) == 1


@pytest.mark.parametrize("server", ["drain", ["drain"], None])
def test_a_virtual_server_without_real_servers_asks_for_nothing(server: object, tmp_path: Path) -> None:
    path = tmp_path / "overrides.json"
    path.write_text(json.dumps({WEB: server}))
    assert read_overrides(path) == ()


def test_wishes_of_servers_that_are_not_there_are_found(tmp_path: Path) -> None:
    servers = Reader(tmp_path).config(SERVER.format("", "", "")).virtual_servers
    wishes = tuple(
        (virtual, real, Drain())
        for virtual, real in (
            (WEB, "[192.168.4.100]:80"),
            (WEB, "[192.168.4.100]:tcp:80"),
            ("[192.168.4.15]:udp:80", "[192.168.4.100]:80"),
        )
    )
    assert of_nobody(wishes, servers) == [(virtual, real) for virtual, real, _wish in wishes[1:]]
    assert of_nobody((), servers) == []
