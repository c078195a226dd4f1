"""`vrrpd simulate` as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from vrrpd.cli import main

LVS = Path(__file__).parents[1] / "inputs" / "lvs-dr"
FILES = [str(LVS / "lvs1.conf"), str(LVS / "lvs2.conf")]
PRIORITY_OF_LVS2 = 50
LONGEST_S = 3 + (256 - PRIORITY_OF_LVS2) / 256 + 0.001


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *FILES, *arguments])


def simulated(*arguments: str) -> dict[str, object]:
    result = simulate("--json", *arguments)
    assert result.exit_code == 0, result.output
    loaded: dict[str, object] = json.loads(result.stdout)
    return loaded


def outages_s(*arguments: str) -> list[float]:
    found = simulated(*arguments)["outages"]
    assert isinstance(found, list)
    return [each["length_s"] for each in found]


@pytest.mark.parametrize("at", ["10s", "10.25s", "10.6s", "10.61s", "10.9s"])
def test_a_crash_costs_three_adverts_and_a_skew_at_most_and_the_return_nothing(at: str) -> None:
    (outage_s,) = outages_s("--kill", f"lvs1@{at}", "--return", "A@30s", "--duration", "50s")
    assert LONGEST_S - 1.01 < outage_s <= LONGEST_S


def test_a_planned_stop_costs_nothing_where_keepalived_s_costs_the_skew() -> None:
    assert outages_s("--stop", "A@10s+10s") == []
    (outage_s,) = outages_s("--stop", "A@10s+10s", "--behaviour", "A=keepalived")
    assert outage_s == pytest.approx((256 - PRIORITY_OF_LVS2) / 256, abs=0.002)


def test_a_crash_of_the_daemon_alone_is_no_event() -> None:
    found = simulated("--crash", "A@10s+1s")
    assert found["outages"] == []
    events = found["events"]
    assert isinstance(events, list)
    assert [event["what"] for event in events if event["at_s"] > 10] == ["return lvs1", "VI_1: INITIALIZE > MASTER: resumed"]


def test_the_timeline_shows_lanes_events_and_costs() -> None:
    result = simulate("--kill", "lvs1@10s", "--return", "lvs1@30s")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("lvs1 VI_1")
    assert {"█", "·", " "} <= set(lines[0])
    assert any(line.startswith("192.168.4.15 reached") and "▚" in line for line in lines)
    assert "     10.000 s    3.415 s  kill lvs1" in lines
    assert "     30.000 s    0.000 s  return lvs1" in lines
    assert lines[-1].split() == ["192.168.4.15", "1", "3.415", "s", "3.415", "s"]


def test_without_any_event_there_is_a_timeline_all_the_same() -> None:
    result = simulate()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split() == ["192.168.4.15", "0", "0.000", "s", "0.000", "s"]


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    lossy = ("--loss", "60%", "--duration", "2m", "--json", "--seed")
    assert simulate(*lossy, "7").stdout == simulate(*lossy, "7").stdout
    assert simulate(*lossy, "7").stdout != simulate(*lossy, "8").stdout


def test_a_scenario_file_is_as_good_as_options(tmp_path: Path) -> None:
    file = tmp_path / "night.txt"
    file.write_text("10s kill lvs1\n30s return lvs1\n50s end\n")
    by_options = simulated("--kill", "lvs1@10s", "--return", "lvs1@30s", "--duration", "50s")
    assert simulated("--scenario", str(file)) == by_options


def test_the_picture_is_sound_and_shows_the_outage(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    assert simulate("--kill", "lvs1@10s", "--svg", str(file)).exit_code == 0
    root = ET.fromstring(file.read_text())  # noqa: S314  # our own
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"lvs1 VI_1", "192.168.4.15 reached", "kill lvs1", "3.415 s", "10 s"} <= texts
    assert {"MASTER", "BACKUP", "off", "outage"} <= texts
    assert not any("href" in name or "script" in element.tag for element in root.iter() for name in element.attrib)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--kill", "lvs3@10s"), "--kill lvs3@10s: there is no router `lvs3`; there are lvs1 (A), lvs2 (B)"),
        (("--kill", "lvs1"), "--kill lvs1: expected WHO@WHEN, such as A@10s"),
        (("--pause", "A@x"), "`x` is no time; expected a time such as 10s"),
        (("--loss", "a lot"), "`a lot` is no share; expected 0% to 100%"),
        (("--behaviour", "A=frr"), "expected WHO=DAEMON, with vrrpd, rfc, keepalived"),
        (
            ("--scenario", "/nonexistent"),
            "/nonexistent: No such file or directory; expected a file with an event on each line\n",
        ),
        (("--duration", "30000h"), "a week"),
        (("--duration", "0s"), "more than nothing"),
        (("--svg", "/nonexistent/a.svg"), "/nonexistent/a.svg: No such file or directory"),
    ],
)
def test_bad_input_is_told_with_what_is_expected(arguments: tuple[str, ...], complaint: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_files_must_be_configurations_and_different_ones(tmp_path: Path) -> None:
    empty = tmp_path / "empty.conf"
    empty.write_text("")
    for file, complaint in (
        (str(empty), "has no virtual router to run"),
        (str(tmp_path / "missing.conf"), "cannot be read"),
        (FILES[0], "is given twice"),
    ):
        result = simulate(file)
        assert result.exit_code == 1
        assert complaint in result.stderr


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "keepalived.conf").write_text(Path(FILES[folder == "right"]).read_text())
    files = [str(tmp_path / folder / "keepalived.conf") for folder in ("left", "right")]
    result = CliRunner().invoke(main, ["simulate", *files, "--kill", "left/keepalived@10s", "--json"])
    assert list(json.loads(result.stdout)["files"]) == ["left/keepalived", "right/keepalived"]
