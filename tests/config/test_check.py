"""`vrrpd check`: what it prints and what it exits with."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.config.reading import INPUTS, INSTANCE
from vrrpd.cli.check import check, config_test

LVS1 = str(INPUTS / "lvs-dr" / "lvs1.conf")
LVS2 = str(INPUTS / "lvs-dr" / "lvs2.conf")
GOOD = INSTANCE.replace("192.168.4.15", "192.168.4.15/24").format("")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments, catch_exceptions=False)


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.conf"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.conf"
    path.write_text(INSTANCE.replace("192.168.4.15", "192.168.4.15/24").format("priority 300"))
    return str(path)


def test_a_clean_file(good: str) -> None:
    result = run("--strict", good)
    assert (result.exit_code, result.output) == (0, f"{good}: no errors, no warnings; 1 virtual router\n")


def test_warnings_and_lints_are_counted_apart_and_no_failure_unless_strict(tmp_path: Path) -> None:
    result = run(LVS1)
    assert result.exit_code == 0
    assert (
        result.output.splitlines()[-1] == f"{LVS1}: 3 warnings, 2 lints; 1 virtual router, 1 virtual server with 2 real servers"
    )
    assert result.output.count(" warning[W060 lenient]: ") == 3
    assert result.output.count(" lint[W1") == 2
    assert run("--strict", LVS1).exit_code == 1
    path = tmp_path / "lints.conf"
    path.write_text(INSTANCE.format(""))
    assert run(str(path)).output.splitlines()[-1] == f"{path}: 1 lint; 1 virtual router"
    assert (run(str(path)).exit_code, run("--strict", str(path)).exit_code) == (0, 1)


def test_two_files_are_compared(tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text(Path(LVS2).read_text().replace("priority 50", "priority 100"))
    assert "pair-agrees" not in run(LVS1, LVS2).output
    result = run(LVS1, str(other))
    assert result.output.count("lint[W103 pair-agrees]") == 1
    assert result.output.splitlines()[-1].startswith(f"{other}: 3 warnings, 3 lints")
    assert f"  {LVS1}:14:3: note: the other router" in result.output


def test_a_dump_is_alone_on_standard_output(good: str, tmp_path: Path) -> None:
    result = run("--dump", LVS1)
    assert result.exit_code == 0
    assert result.stdout.startswith("global_defs {\n    notification_email {\n        admin@example.com\n    }\n")
    assert "warning[" in result.stderr
    path = tmp_path / "again.conf"
    path.write_text(result.stdout)
    assert run("--dump", str(path)).stdout == result.stdout
    assert run("--dump", "/nonexistent.conf").stdout == ""
    assert run("--dump", good, LVS1).exit_code == run("--dump", "--json", good).exit_code == 2


def test_errors_and_missing_files(good: str, broken: str) -> None:
    assert run(broken).exit_code == 5
    assert run("--strict", broken).exit_code == 5
    assert run(good, broken, LVS1).exit_code == 5
    missing = run("/nonexistent.conf")
    assert missing.exit_code == 4
    assert missing.output.count("error[") == 1
    assert (
        "/nonexistent.conf:1:1: error[E001 file-unreadable]: the file cannot be read: No such file or directory"
        in missing.output
    )
    assert run(broken, "/nonexistent.conf").exit_code == 4


def test_json_is_one_object_for_each_file(good: str, broken: str) -> None:
    result = run("--json", good, broken)
    assert result.exit_code == 5
    first, second = map(json.loads, result.output.splitlines())
    assert (first["errors"], first["diagnostics"]) == (0, [])
    assert second["errors"] == 1
    (found,) = second["diagnostics"]
    assert (found["code"], found["line"], found["column"], found["file"]) == ("bad-value", 7, 11, broken)


def test_json_has_virtual_routers_as_keepalived_dumps_them() -> None:
    result = run("--json", LVS1, LVS2)
    first, second = map(json.loads, result.output.splitlines())
    assert (first["warnings"], first["lints"]) == (3, 2)
    (router,) = first["vrrp"]
    assert router["data"] == {
        "iname": "VI_1",
        "dont_track_primary": False,
        "skip_check_adv_addr": False,
        "strict_mode": False,
        "vmac_ifname": "",
        "ifp_ifname": "eth0",
        "garp_delay": 5,
        "garp_refresh": 0,
        "garp_rep": 5,
        "garp_refresh_rep": 1,
        "garp_lower_prio_delay": 5,
        "garp_lower_prio_rep": 5,
        "lower_prio_no_advert": False,
        "higher_prio_send_advert": False,
        "vrid": 50,
        "base_priority": 100,
        "promote_secondaries": False,
        "adver_int": 1,
        "accept": True,
        "nopreempt": False,
        "preempt_delay": 0,
        "version": 2,
        "smtp_alert": False,
        "notify_deleted": False,
        "vips": ["192.168.4.15 dev eth0 scope global"],
        "auth_type": 1,
    }
    assert second["vrrp"][0]["data"]["base_priority"] == 50


def test_the_configuration_id_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("@one frobnicate\n")
    assert run("--config-id", "one", str(path)).exit_code == 5
    assert run("--config-id", "two", str(path)).exit_code == 0


def test_config_test_writes_to_any_stream_without_colour(broken: str) -> None:
    stream = io.StringIO()
    assert config_test(broken, stream=stream) == 5
    assert "error[E012 bad-value]" in stream.getvalue()
    assert "\033" not in stream.getvalue()


def test_a_terminal_gets_colour(broken: str) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    config_test(broken, stream=stream)
    assert "\033[1;31merror[E012 bad-value]:" in stream.getvalue()


def test_importing_the_language_is_cheap_and_drags_nothing_in(tmp_path: Path) -> None:
    """Every command and every process pays for it: a class for each thing that can be configured costs half a millisecond, so
    the limit is three and a half times what asyncio costs. Processor time, the best of five from compiled files, for on a busy
    machine all else is chance."""
    program = (
        "import time, sys\nstart = time.process_time()\nimport {0}\nprint(time.process_time() - start)\n"
        "assert '{0}' == 'asyncio' or not {{'click', 'asyncio', 'socket', 'random', 'glob'}} & set(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}

    def cost_s(module: str) -> float:
        command = [sys.executable, "-c", program.format(module)]
        done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
        return float(done.stdout)

    assert min(cost_s("vrrpd.config") for _ in range(5)) < 3.5 * min(cost_s("asyncio") for _ in range(5))
