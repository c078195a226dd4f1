"""`make install` as a packager runs it, below a directory that is not the final place, and as an operator does."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.systemd.conftest import REPOSITORY, make

WEB_1 = REPOSITORY / "tests/inputs/web-ha/web1.conf"


def test_what_is_installed_knows_nothing_of_the_directory_below_which_it_was_made(installed: Path) -> None:
    found = subprocess.run(["grep", "-rlF", installed, installed], stdout=subprocess.PIPE, text=True, check=False)
    assert found.stdout == ""
    command = installed / "usr/local/bin/vrrpd"
    assert command.resolve() == installed / "usr/local/lib/vrrpd/bin/vrrpd"
    assert command.read_text().startswith("#!/usr/local/lib/vrrpd/bin/python\n")


def test_it_is_the_daemon_with_what_it_needs_and_no_more(installed: Path) -> None:
    python = installed / "usr/local/lib/vrrpd/bin/python"
    packages = {path.name.partition("-")[0] for path in installed.glob("usr/local/lib/vrrpd/lib/*/site-packages/*.dist-info")}
    assert {"vrrpd", "aiohttp", "click", "prometheus_client"} <= packages
    assert not packages & {"pytest", "mypy", "scapy", "pyroute2", "pip", "setuptools"}
    version = subprocess.run([python, "-m", "vrrpd", "--version"], cwd="/", stdout=subprocess.PIPE, text=True, check=True)
    assert version.stdout.startswith("vrrpd, version ")


def test_every_module_is_compiled_because_the_service_cannot_write_there(installed: Path) -> None:
    modules = list(installed.glob("usr/local/lib/vrrpd/lib/**/vrrpd/**/*.py"))
    assert modules
    assert not [path for path in modules if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))]


def test_the_unit_names_the_final_place(installed: Path) -> None:
    unit = (installed / "etc/systemd/system/vrrpd.service").read_text()
    assert "\nExecStart=/usr/local/bin/vrrpd " in unit
    assert "@" not in unit.replace("SystemCallFilter=@", "").replace("~@privileged @keyring", "")
    documentation = next(line for line in unit.splitlines() if line.startswith("Documentation=file:"))
    assert (installed / documentation.partition("file:/")[2]).is_file()


def test_the_pages_come_with_the_reference_that_they_link_to(installed: Path) -> None:
    pages = installed / "usr/local/share/doc/vrrpd"
    assert "(reference/index.md)" in (pages / "configuration.md").read_text()
    assert (pages / "reference/index.md").is_file()


def test_in_its_final_place_it_runs_and_again_changes_nothing_and_uninstall_leaves_nothing(tmp_path: Path) -> None:
    where = (f"PREFIX={tmp_path}/opt", f"UNITDIR={tmp_path}/units")
    assert "Nothing was enabled or started" in make("install", *where)
    first = _files(tmp_path)
    command = tmp_path / "opt/bin/vrrpd"
    assert f"\nExecStart={command} " in (tmp_path / "units/vrrpd.service").read_text()
    checked = subprocess.run([command, "check", WEB_1], cwd="/", stdout=subprocess.PIPE, text=True, check=True)
    assert checked.stdout.splitlines()[-1].endswith("1 virtual router")
    make("install", *where)
    assert _files(tmp_path) == first
    make("uninstall", *where)
    assert _files(tmp_path) == set()


def _files(below: Path) -> set[str]:
    return {str(path) for path in below.rglob("*") if path.is_symlink() or path.is_file()}
