"""`vrrpd simulate --replay` as an operator types it."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from tests.protocol.routers import DIRECTOR_1, DIRECTOR_2, NOW_S, heard, router
from vrrpd import __version__
from vrrpd.cli import main
from vrrpd.config.model import SyncGroup
from vrrpd.config.position import Position
from vrrpd.protocol.events import AddressAnswered, ClockSet, SourceChanged
from vrrpd.protocol.trackers import Kind
from vrrpd.protocol.vrrp_router import key_of
from vrrpd.recording.lines import About, lines
from vrrpd.recording.recorder import RecordedRouter


def recorded() -> list[str]:
    """A backup whose master is silent after 5 s, and whose cable is pulled after 20 s."""
    here, one = RecordedRouter(), router()
    here.add(one)
    here.tell(key_of(one), SourceChanged(DIRECTOR_1), NOW_S)
    here.start(key_of(one), NOW_S)
    for second in range(5):
        here.on_packet("eth0", heard(200, DIRECTOR_2), NOW_S + second)
    while (due_s := here.deadline()) is not None and due_s < NOW_S + 20:
        here.on_timer(due_s)
        here.actions()
        here.group_transitions()
    here.learn(Kind.INTERFACE, "eth0", False, NOW_S + 20)
    here.actions()
    return list(lines(here.recording(), About(__version__, "lvs1", 1_700_000_000.0 - NOW_S, "asked for")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recording.jsonl"
    path.write_text("".join(f"{line}\n" for line in recorded()))
    return path


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["simulate", "--replay", *map(str, arguments)])


def test_the_timeline_of_a_recording_is_that_of_a_simulation(file: Path) -> None:
    result = replay(file)
    assert result.exit_code == 0, result.output
    shown = result.stdout.splitlines()
    assert shown[0].startswith("lvs1 VI_1")
    assert {"·", "█", "x"} >= set(shown[0].removeprefix("lvs1 VI_1").strip()) >= {"·", "█"}
    assert "      7.609 s    lvs1  VI_1: BACKUP > MASTER: master-timeout" in shown
    assert "     20.000 s  ^ lvs1  interface eth0 is down" in shown
    assert "     20.000 s    lvs1  VI_1: MASTER > FAULT: interface-down" in shown
    assert f"Recorded on lvs1 by vrrpd {__version__}, 20.000 s from 2023-11-14T22:13:20.000+00:00: asked for" in shown
    assert shown[-1].endswith("3 changes of state: all as recorded.")
    assert not any("outage" in line for line in shown)


def test_json_has_the_same(file: Path) -> None:
    told = json.loads(replay(file, "--json").stdout)
    assert told["as_recorded"] is True
    assert told["host"] == "lvs1"
    [lane] = told["routers"]
    assert [state["what"] for state in lane["states"]] == ["BACKUP", "MASTER", "FAULT"]
    assert [event["at_s"] for event in told["events"] if "MASTER" in event["what"]] == [7.609375, 20.0]


def test_a_picture_can_be_drawn(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    assert replay(file, "--svg", picture).exit_code == 0
    texts = {element.text for element in ET.fromstring(picture.read_text()).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314  # our own
    assert {"lvs1", "lvs1 VI_1", "interface eth0 is down"} <= texts
    assert not {"outage", "no outage"} & texts


@pytest.mark.parametrize("as_json", [False, True])
def test_a_story_that_was_changed_is_found_and_told(file: Path, as_json: bool) -> None:
    text = file.read_text()
    told = next(line for line in text.splitlines() if "told" in line and "MASTER_TIMEOUT" in line)
    file.write_text(text.replace(told, told.replace("MASTER_TIMEOUT", "PRIORITY_ZERO")))
    result = replay(file, *["--json"] * as_json)
    assert result.exit_code == 1
    assert "was: VI_1: BACKUP > MASTER: priority-zero; is: VI_1: BACKUP > MASTER: master-timeout" in result.stdout
    assert ("NOT as recorded" in result.stdout) is not as_json


def test_what_was_done_is_marked_in_words_and_once_a_second(tmp_path: Path) -> None:
    here, one = RecordedRouter(), router()
    instance = here.add(one)
    here.inform(instance, SourceChanged(None), NOW_S)
    here.inform(instance, SourceChanged(DIRECTOR_1), NOW_S + 0.1)
    here.start(key_of(one), NOW_S + 0.2, resume_master=True)
    for tenth in range(15):
        here.inform(instance, AddressAnswered(IPv4Address("192.168.4.15"), bytes(6)), NOW_S + 0.5 + tenth / 10)
        here.inform(instance, ClockSet(1.0), NOW_S + 0.5 + tenth / 10)
    here.on_timer(NOW_S + 2.5)
    here.learn(Kind.FILE, "load", -7, NOW_S + 3)
    here.learn(Kind.SCRIPT, "web", False, NOW_S + 3)
    here.reconfigure(key_of(one), router(priority=90), NOW_S + 4)
    here.fail_over(key_of(one), NOW_S + 5)
    here.dismiss(key_of(one), NOW_S + 6)
    again = here.add(one)
    here.inform(again, SourceChanged(DIRECTOR_1), NOW_S + 6)
    here.start(key_of(one), NOW_S + 6)
    here.group([SyncGroup("ALL", ("VI_1",), Position("keepalived.conf", 1))], NOW_S + 6)
    here.actions()
    here.group_transitions()
    path = tmp_path / "recording.jsonl"
    path.write_text("\n".join(lines(here.recording(), About(__version__, "lvs1", 0.0, "asked for"))))
    told = json.loads(replay(path, "--json").stdout)
    assert told["as_recorded"] is True
    marks = [(event["at_s"], event["what"]) for event in told["events"] if event["is_fault"]]
    assert marks == [
        (0.0, "VI_1 comes"),
        (0.0, "VI_1 has no address to send from"),
        (0.1, "VI_1 sends from 192.168.4.5"),
        (0.2, "goes on as master"),
        (0.5, "00:00:00:00:00:00 answers for 192.168.4.15"),
        (1.5, "00:00:00:00:00:00 answers for 192.168.4.15"),
        (3.0, "file load is -7"),
        (3.0, "script web is not well"),
        (4.0, "VI_1 is changed"),
        (5.0, "VI_1 is to hand over"),
        (6.0, "VI_1 goes"),
        (6.0, "VI_1 comes"),
        (6.0, "VI_1 sends from 192.168.4.5"),
    ]
    others = [event["what"] for event in told["events"] if not event["is_fault"]]
    assert any(text.startswith("VI_1: 00:00:00:00:00:00 answers for 192.168.4.15 of virtual router id 50") for text in others)
    assert others[-1] == "group ALL: INITIALIZE > BACKUP"
    assert [lane["virtual_router"] for lane in told["routers"]] == ["VI_1", "VI_1 #2"]


def test_another_version_is_told(file: Path) -> None:
    file.write_text(file.read_text().replace(f'"vrrpd":"{__version__}"', '"vrrpd":"9.9"'))
    assert f"This is vrrpd {__version__}: what differs may be what has changed since." in replay(file).stdout


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"", "line 1: the end is missing, so it was cut off; fetch the recording again"),
        (b"vrrp_instance VI_1 {\n}\n", "line 1: expected a JSON object; fetch the recording again"),
        (b"\xff\xfe", "it is no text; expected what /api/v1/recording of a daemon gave"),
    ],
)
def test_what_is_no_recording_is_refused_by_file_line_and_remedy(contents: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "strange"
    path.write_bytes(contents)
    result = replay(path)
    assert result.exit_code == 1
    assert f"Error: {path}: {complaint}" in result.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    result = replay(tmp_path / "missing")
    assert (result.exit_code, "No such file" in result.stderr) == (1, True)


@pytest.mark.parametrize("more", [["lvs1.conf"], ["--kill", "A@1s"], ["--seed", "1"]])
def test_nothing_else_can_be_asked_of_a_replay(more: list[str], file: Path) -> None:
    result = replay(file, *more)
    assert result.exit_code == 2
    assert "nothing but --json and --svg goes with it" in result.stderr


def test_without_files_there_is_nothing_to_simulate() -> None:
    result = CliRunner().invoke(main, ["simulate"])
    assert result.exit_code == 2
    assert "expected a configuration file for each router, or --replay with a recording" in result.stderr
