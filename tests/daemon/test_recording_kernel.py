"""Two routers on a real kernel: what they recorded is what they did, also after a crash, and authenticated adverts go on."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from netns_lab.waiting import wait_for
from tests.interop.members import Member, connected
from tests.lab.running import ELECTED_S, PROMPT_S
from vrrpd.cli import main

pytestmark = pytest.mark.kernel

PRIORITIES = {5: 100, 6: 50}
CONFIGURATION = """
vrrp_instance PLAIN {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        192.168.4.51
    }}
}}
vrrp_instance SEALED {{
    interface eth0
    virtual_router_id 52
    priority {priority}
    advert_int 1
    authentication {{
        auth_type AH
        auth_pass sesame77
    }}
    virtual_ipaddress {{
        192.168.4.52
    }}
}}
vrrp_instance LATER {{
    interface eth1
    version 3
    virtual_router_id 53
    priority {priority}
    advert_int 1
    virtual_ipaddress {{
        10.5.0.53
    }}
}}
vrrp_sync_group BOTH {{
    group {{
        PLAIN
        LATER
    }}
}}
"""
NAMES = ("PLAIN", "SEALED", "LATER")
LOGGED = re.compile(r"\((\w+)\) \w+ vrid \d+: (\w+) -> (\w+)")
SILENT_ADVERTS = 6
"""Heard by the backup after a crash: enough for one that takes the numbers for old to count them as wrong."""


@pytest.fixture
def members(tmp_path: Path) -> Iterator[dict[int, Member]]:
    """Both run; the first is master of everything."""
    for own, priority in PRIORITIES.items():
        (tmp_path / f"{own}.conf").write_text(CONFIGURATION.format(priority=priority))
    with connected("rec", tmp_path, dict.fromkeys(PRIORITIES, "vrrpd")) as members:
        for member in members.values():
            member.start()
        wait_until(members, master=5, backup=6)
        yield members


def wait_until(members: dict[int, Member], **states: int) -> None:
    for state, own in states.items():
        for name in NAMES:
            what = f"{name} on {own} being {state}"
            wait_for(lambda own=own, name=name, state=state: members[own].statistics.state(name) == state, 2 * ELECTED_S, what)  # type: ignore[misc]


def replayed(file: Path) -> dict[str, object]:
    result = CliRunner().invoke(main, ["simulate", "--json", "--replay", str(file)])
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


def moves(told: dict[str, object]) -> list[tuple[str, str, str]]:
    """Virtual router, old and new state, of every change in the replay."""
    events = told["events"]
    assert isinstance(events, list)
    found = (re.match(r"(\w+): (\w+) > (\w+): ", event["what"]) for event in events)
    return [(match[1], match[2], match[3]) for match in found if match and not match[0].startswith("group")]


def logged(member: Member, after: int = 0) -> list[tuple[str, str, str]]:
    """The same, of what its log says."""
    return [(match[1], match[2], match[3]) for match in LOGGED.finditer(member.daemon.log()[after:])]


def test_a_failover_is_replayed_with_the_same_transitions_on_both_sides(members: dict[int, Member], tmp_path: Path) -> None:
    first, second = members[5], members[6]
    first.host.unplug()
    wait_until(members, master=6)
    first.host.plug()
    wait_until(members, master=5, backup=6)
    for member in (first, second):
        status, text = member.statistics.get("/api/v1/recording")
        assert status == 200
        assert "sesame77" not in text
        assert b"sesame77".hex() not in text
        file = tmp_path / f"{member.own}.jsonl"
        file.write_text(text)
        told = replayed(file)
        assert told["as_recorded"] is True
        assert told["differences"] == []
        assert sorted(moves(told)) == sorted(logged(member))
        for name in NAMES:
            assert [move for move in moves(told) if move[0] == name] == [move for move in logged(member) if move[0] == name]
    assert {(name, "BACKUP", "MASTER") for name in NAMES} <= set(logged(second))


def test_a_router_that_is_told_to_abort_leaves_its_recording_and_is_no_event(members: dict[int, Member]) -> None:
    first = members[5]
    said = logged(first)
    old = first.statistics.pid("router")
    os.kill(old, signal.SIGABRT)
    first.statistics.wait_for_restart("router", old)
    wait_until(members, master=5, backup=6)
    [file] = first.statistics.run_directory.glob("recording-*.jsonl")
    told = replayed(file)
    assert told["why"].startswith("did not answer")  # type: ignore[attr-defined]
    assert sorted(moves(told)) == sorted(said)
    assert {old_state for _, old_state, _ in logged(first)[len(said) :]} == {"INITIALIZE"}


def test_a_master_that_was_killed_goes_on_with_the_numbers_of_its_adverts(members: dict[int, Member]) -> None:
    first, second = members[5], members[6]
    after = len(second.daemon.log())
    first.daemon.crash()
    first.start()
    wait_for(lambda: first.statistics.state("SEALED") == "master", ELECTED_S, "the one that was killed being master again")

    def heard() -> float:
        return second.statistics.metric("vrrpd_adverts_received_total", name="SEALED")

    before = heard()
    wait_for(lambda: heard() >= before + SILENT_ADVERTS, SILENT_ADVERTS + PROMPT_S, "adverts of the one that was killed")
    assert [move for move in logged(second, after) if move[0] == "SEALED"] == []
    assert "dropped an advert" not in second.daemon.log()[after:]
    assert second.statistics.state("SEALED") == "backup"
