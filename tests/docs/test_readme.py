"""What README.md shows of `vrrpd simulate` is what it prints, and its commands are there."""

from __future__ import annotations

import re

from click.testing import CliRunner

from tests.docs.markdown import ROOT
from vrrpd.cli import main

INPUTS = ROOT / "tests/inputs/lvs-dr"
TEXT = (ROOT / "README.md").read_text()


def test_the_simulation_is_drawn_as_it_is_shown() -> None:
    (command,) = re.findall(r"^    vrrpd (simulate .*)$", TEXT, re.MULTILINE)
    (shown,) = (block for block in re.findall(r"^```\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL) if "held by" in block)
    words = [str(INPUTS / word) if word.endswith(".conf") else word for word in command.split()]
    printed = CliRunner(env={"COLUMNS": "80"}).invoke(main, words)
    assert printed.exit_code == 0
    assert [line for line in shown.splitlines() if line != "..." and line not in printed.output.splitlines()] == []


def test_its_commands_are_there() -> None:
    subcommands = set(re.findall(r"^    vrrpd ([a-z]+)", TEXT, re.MULTILINE))
    assert subcommands
    assert subcommands <= main.commands.keys()
    targets = set(re.findall(r"^    make ([a-z]+)", TEXT, re.MULTILINE))
    assert targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
