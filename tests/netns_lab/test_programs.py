"""What keepalived is given instead of the operators' own files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from netns_lab.programs import for_keepalived

INPUTS = Path(__file__).parents[1] / "inputs"


@pytest.mark.parametrize(
    ("text", "adapted"),
    [
        ("  auth_type pass\n", "  auth_type PASS\n"),
        ("  auth_type PASS\n", "  auth_type PASS\n"),
        ("      nb_get_retry 3\n", "      retry 3\n"),
        ("  auth_pass 1111 //secret\n", "  auth_pass 1111\n"),
        ("// all of it\n}\n", "\n}\n"),
        ("  url http://localhost/\n", "  url http://localhost/\n"),
    ],
)
def test_only_what_keepalived_does_not_know_is_changed(text: str, adapted: str) -> None:
    assert for_keepalived(text) == adapted


@pytest.mark.skipif(shutil.which("keepalived") is None, reason="needs keepalived")
@pytest.mark.parametrize("path", sorted(INPUTS.glob("*/*.conf")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_keepalived_accepts_every_adapted_input(path: Path, tmp_path: Path) -> None:
    assert _complaints(path.read_text(), tmp_path), "as it is the file is refused, so there is something to adapt"
    assert _complaints(for_keepalived(path.read_text()), tmp_path) == []


def _complaints(text: str, directory: Path) -> list[str]:
    """What `keepalived -t` says, but for the interface, which this host need not have."""
    configuration = directory / "keepalived.conf"
    configuration.write_text(text)
    result = subprocess.run(["keepalived", "-t", "-l", "-f", configuration], capture_output=True, text=True, check=False)
    return [line for line in (result.stdout + result.stderr).splitlines() if str(configuration) in line and "eth0" not in line]
