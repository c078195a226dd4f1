"""What can be tracked by name: scripts, files, processes and BFD sessions."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.config.reading import Reader
from vrrpd.config.model import BfdSession, Command, ParameterMatch, TrackFile, TrackProcess, TrackScript
from vrrpd.config.position import Position

HERE = Position("", 1)
"""Positions do not take part in comparisons."""
SCRIPT = TrackScript("x", Command(("/bin/true",)), HERE)
FILE = TrackFile("x", "/run/x", HERE)
PROCESS = TrackProcess("x", "nginx", HERE)
SESSION = BfdSession("x", IPv4Address("10.0.0.2"), 255, HERE)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("script /bin/true", SCRIPT),
        ("script \"/bin/a 'b c' d\"", replace(SCRIPT, command=Command(("/bin/a", "b c", "d")))),
        ("script /bin/true\nuser web www", replace(SCRIPT, command=Command(("/bin/true",), "web", "www"))),
        ("script /bin/true\ninterval 2.5", replace(SCRIPT, interval_s=2.5, timeout_s=2.5)),
        ("script /bin/true\ninterval 0", SCRIPT),
        ("script /bin/true\ntimeout 0.25", replace(SCRIPT, timeout_s=0.25)),
        ("script /bin/true\nweight -20", replace(SCRIPT, weight=-20)),
        ("script /bin/true\nweight 20 reverse", replace(SCRIPT, weight=20, reverse=True)),
        ("script /bin/true\nrise 2\nfall 3\ninit_fail", replace(SCRIPT, rise=2, fall=3, fails_first=True)),
    ],
)
def test_scripts(reader: Reader, lines: str, expected: TrackScript) -> None:
    text = f"vrrp_script x {{\n{lines}\n}}\n"
    assert reader.model(text).tracked.scripts == (expected,)
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("file /run/x", FILE),
        ("file /run/x\nweight 3 reverse", replace(FILE, weight=3, reverse=True)),
        ("file /run/x\ninit_file", replace(FILE, initial_value=0)),
        ("file /run/x\ninit_file 5 overwrite", replace(FILE, initial_value=5, overwrite=True)),
    ],
)
@pytest.mark.parametrize("keyword", ["track_file", "vrrp_track_file"])
def test_files(reader: Reader, keyword: str, lines: str, expected: TrackFile) -> None:
    assert reader.model(f"{keyword} x {{\n{lines}\n}}\n").tracked.files == (expected,)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("process nginx", PROCESS),
        ("process nginx -c x", replace(PROCESS, parameters=("-c", "x"), match=ParameterMatch.EXACT)),
        ("process nginx -c\nparam_match initial", replace(PROCESS, parameters=("-c",), match=ParameterMatch.INITIAL)),
        ("process nginx -c\nparam_match partial", replace(PROCESS, parameters=("-c",), match=ParameterMatch.PARTIAL)),
        ("process nginx\nparam_match", replace(PROCESS, match=ParameterMatch.EXACT)),
        ("process nginx\nquorum 2\nquorum_max 5", replace(PROCESS, quorum=2, quorum_max=5)),
        ("process nginx\ndelay 2\nfork_delay 1", replace(PROCESS, fork_delay_s=1.0, terminate_delay_s=2.0)),
        ("process nginx\nfork_delay 1\ndelay 2", replace(PROCESS, fork_delay_s=2.0, terminate_delay_s=2.0)),
        ("process nginx\nterminate_delay 3", replace(PROCESS, terminate_delay_s=3.0)),
        ("process nginx\nfull_command\nweight -254", replace(PROCESS, full_command=True, weight=-254)),
    ],
)
def test_processes(reader: Reader, lines: str, expected: TrackProcess) -> None:
    text = f"vrrp_track_process x {{\n{lines}\n}}\n"
    assert reader.model(text).tracked.processes == (expected,)
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("neighbor_ip 10.0.0.2", SESSION),
        ("neighbour_ip 10.0.0.2", SESSION),
        ("neighbor_ip 2001:db8::2", replace(SESSION, neighbour=IPv6Address("2001:db8::2"), ttl=64)),
        ("neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1", replace(SESSION, source=IPv4Address("10.0.0.1"))),
        ("neighbor_ip 10.0.0.2\nhoplimit 5\nmax_hops 2", replace(SESSION, ttl=5, max_hops=2)),
        ("neighbor_ip 10.0.0.2\nmax_hops -1", replace(SESSION, max_hops=None)),
        ("neighbor_ip 10.0.0.2\nmin_rx 50\nmin_tx 60.5\nidle_tx 2000\nmultiplier 3", replace(
            SESSION, min_rx_ms=50.0, min_tx_ms=60.5, idle_tx_ms=2000.0, multiplier=3
        )),
        ("neighbor_ip 10.0.0.2\npassive\nmultihop", replace(SESSION, passive=True, multihop=True)),
        ("neighbor_ip 10.0.0.2\nvrrp", replace(SESSION, for_checks=False)),
        ("neighbor_ip 10.0.0.2\nchecker", replace(SESSION, for_routers=False)),
        ("neighbor_ip 10.0.0.2\nvrrp\nchecker", SESSION),
    ],
)  # fmt: skip
def test_bfd_sessions(reader: Reader, lines: str, expected: BfdSession) -> None:
    text = f"bfd_instance x {{\n{lines}\n}}\n"
    assert reader.model(text).tracked.bfd_sessions == (expected,)
    assert reader.mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "message", "kept"),
    [
        ("vrrp_script x {\ninterval 2\n}", "1:13 missing-setting", 0),
        ("vrrp_script x {\nscript\n}", "2:1 missing-argument", 0),
        ("vrrp_script x {\nscript /a\ntimeout 1.2345\n}", "3:9 reduced", 1),
        ("vrrp_script x {\nscript /a\nweight 254\n}", "3:8 bad-value", 1),
        ("vrrp_script x {\nscript /a\n}\nvrrp_script x {\nscript /b\n}", "4:13 duplicate", 1),
        ("track_file x {\nweight 2\n}", "1:12 missing-setting", 0),
        ("track_file x {\nfile /a\ninit_file five\n}", "3:11 bad-value", 1),
        ("vrrp_track_process x {\nquorum 2\n}", "1:20 missing-setting", 0),
        ("vrrp_track_process x {\nprocess a\nquorum 5\nquorum_max 3\n}", "4:12 conflict", 1),
        ("bfd_instance x {\npassive\n}", "1:14 missing-setting", 0),
        ("bfd_instance x {\nneighbor_ip 10.0.0.2\nsource_ip ::1\n}", "3:11 address-family", 0),
        ("bfd_instance x {\nneighbor_ip 10.0.0.2\nttl 3\nmax_hops 5\n}", "4:10 reduced", 1),
        ("bfd_instance x {\nneighbor_ip 10.0.0.2\n}\nbfd_instance y {\nneighbor_ip 10.0.0.2\n}", "4:14 duplicate", 1),
        ("bfd_instance xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx {\nneighbor_ip 10.0.0.2\n}", "1:14 bad-value", 0),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, text: str, message: str, kept: int) -> None:
    tracked = reader.model(text).tracked
    assert reader.mistakes(text) == [message]
    assert len((*tracked.scripts, *tracked.files, *tracked.processes, *tracked.bfd_sessions)) == kept


def test_of_two_definitions_with_one_name_the_first_holds(reader: Reader) -> None:
    (script,) = reader.model("vrrp_script x {\nscript /a\n}\nvrrp_script x {\nscript /b\n}\n").tracked.scripts
    assert script.command == Command(("/a",))


def test_one_session_may_differ_from_another_in_its_source_or_hops(reader: Reader) -> None:
    text = "".join(
        f"bfd_instance {name} {{\nneighbor_ip 10.0.0.2\n{more}\n}}\n"
        for name, more in (("a", ""), ("b", "source_ip 10.0.0.1"), ("c", "multihop"))
    )
    assert reader.mistakes(text) == []
    assert len(reader.model(text).tracked.bfd_sessions) == 3
