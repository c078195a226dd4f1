"""The files in examples/ are without a fault, on either of their load balancers."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from vrrpd.cli.check import check

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("host", ["lb1", "lb2"])
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.conf")), ids=lambda path: path.stem)
def test_check_has_nothing_to_say(path: Path, host: str) -> None:
    result = CliRunner().invoke(check, ["--strict", "-i", host, str(path)])
    assert (result.exit_code, len(result.output.splitlines())) == (0, 1), result.output


def test_every_file_is_in_the_table() -> None:
    page = (EXAMPLES / "README.md").read_text()
    assert {path.name for path in EXAMPLES.glob("*.conf")} == {name for name in _linked(page) if name.endswith(".conf")}


def _linked(page: str) -> set[str]:
    return {part.split(")")[0] for part in page.split("](")[1:]}
