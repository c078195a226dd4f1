"""What virtual routers and sync groups track, with which weight, and which names they cannot know."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import Tracker, Tracking

DEFINITIONS = (
    "vrrp_script s {\nscript /bin/true\nweight 5 reverse\n}\n"
    "track_file f {\nfile /run/f\n}\n"
    "vrrp_track_process p {\nprocess nginx\n}\n"
    "bfd_instance b {\nneighbor_ip 10.0.0.2\nweight -9\n}\n"
)
LINES_BEFORE = DEFINITIONS.count("\n")


def with_tracking(block: str, line: str) -> str:
    """A virtual router behind all definitions, with one line in one block, on line `LINES_BEFORE` + 8."""
    return DEFINITIONS + INSTANCE.format(f"{block} {{\n{line}\n}}")


@pytest.mark.parametrize(
    ("block", "line", "field", "expected"),
    [
        ("track_interface", "eth1", "interfaces", Tracker("eth1")),
        ("track_interface", "eth1 weight 10", "interfaces", Tracker("eth1", 10)),
        ("track_interface", "eth1 weight -10 reverse", "interfaces", Tracker("eth1", -10, reverse=True)),
        ("track_script", "s", "scripts", Tracker("s", 5, reverse=True)),
        ("track_script", "s weight 7", "scripts", Tracker("s", 7, reverse=True)),
        ("track_script", "s weight 0", "scripts", Tracker("s", reverse=True)),
        ("track_script", "s weight 7 reverse", "scripts", Tracker("s", 7, reverse=True)),
        ("track_script", "s weight 7 noreverse", "scripts", Tracker("s", 7)),
        ("track_file", "f", "files", Tracker("f", 1)),
        ("track_file", "f weight -254", "files", Tracker("f", -254)),
        ("track_process", "p weight 254", "processes", Tracker("p", 254)),
        ("track_bfd", "b", "bfd_sessions", Tracker("b", -9)),
    ],
)
def test_trackers(reader: Reader, block: str, line: str, field: str, expected: Tracker) -> None:
    text = with_tracking(block, line)
    assert reader.model(text).virtual_routers[0].tracking == Tracking(**{field: (expected,)})
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("block", "line", "message", "kept"),
    [
        ("track_interface", "eth0", "1 conflict", 0),
        ("track_interface", "averyverylonginterface", "1 bad-value", 0),
        ("track_script", "x", "1 unknown-name", 0),
        ("track_file", "s", "1 unknown-name", 0),
        ("track_process", "x", "1 unknown-name", 0),
        ("track_bfd", "x", "1 unknown-name", 0),
        ("track_script", "s weight 255", "10 bad-value", 1),
        ("track_script", "s weight", "3 bad-value", 1),
        ("track_script", "s weight 254", "10 reduced", 1),
        ("track_interface", "eth1 weight -254", "13 reduced", 1),
        ("track_script", "s faster", "3 unknown-option", 1),
        ("track_script", "s weight 3 upside_down", "12 unknown-option", 1),
    ],
)
def test_wrong_lines_are_one_message(reader: Reader, block: str, line: str, message: str, kept: int) -> None:
    text = with_tracking(block, line)
    assert reader.mistakes(text) == [f"{LINES_BEFORE + 8}:{message}"]
    tracking = reader.model(text).virtual_routers[0].tracking
    assert len((*tracking.interfaces, *tracking.scripts, *tracking.files, *tracking.processes)) == kept


def test_of_two_lines_with_one_name_the_first_holds(reader: Reader) -> None:
    text = with_tracking("track_script", "s weight 3\ns weight 4")
    assert reader.mistakes(text) == [f"{LINES_BEFORE + 9}:1 duplicate"]
    assert reader.model(text).virtual_routers[0].tracking.scripts == (Tracker("s", 3, reverse=True),)


def test_a_definition_stands_before_its_use(reader: Reader) -> None:
    loaded = reader.load(INSTANCE.format("track_script {\ns\n}") + DEFINITIONS)
    (found,) = [one for one in loaded.diagnostics if one.code.value == "unknown-name"]
    assert "defined below" in found.message
    assert found.note is not None
    assert found.note.position.line == 11


def test_a_misspelled_name_is_met_with_a_suggestion(reader: Reader) -> None:
    text = "vrrp_script check_web {\nscript /bin/true\n}\n" + INSTANCE.format("track_script {\nchek_web\n}")
    (found,) = reader.load(text).errors
    assert found.help == "did you mean `check_web`?"


@pytest.mark.parametrize(
    "definition", ["vrrp_script s {\n}\n", "vrrp_script {\nscript /a\n}\n", "vrrp_scirpt s {\nscript /a\n}\n"]
)
def test_who_uses_a_definition_with_a_mistake_is_not_blamed(reader: Reader, definition: str) -> None:
    assert len(reader.mistakes(definition + INSTANCE.format("track_script {\ns\n}"))) == 1


@pytest.mark.parametrize(
    ("in_group", "line", "expected"),
    [
        ("", "track_script {\ns\n}", Tracking()),
        ("", "track_script {\ns weight 0\n}", Tracking(scripts=(Tracker("s", reverse=True),))),
        ("", "track_interface {\neth1 weight 5\n}", Tracking(interfaces=(Tracker("eth1"),))),
        ("sync_group_tracking_weight", "track_script {\ns\n}", Tracking(scripts=(Tracker("s", 5, reverse=True),))),
    ],
)
@pytest.mark.parametrize("group_first", [True, False])
def test_most_sync_groups_allow_their_members_no_weights(
    reader: Reader, group_first: bool, in_group: str, line: str, expected: Tracking
) -> None:
    group = f"vrrp_sync_group G {{\ngroup {{\nVI_1\n}}\n{in_group}\n}}\n"
    router = DEFINITIONS + INSTANCE.format(line)
    config = reader.model(group + router if group_first else router + group)
    assert config.virtual_routers[0].tracking == expected
