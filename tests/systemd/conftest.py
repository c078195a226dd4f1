"""What `make install` makes, once for all tests of the room."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MAKE_TIMEOUT_S = 300.0
"""An environment and its packages: some ten seconds, but for the network's part."""


def make(*arguments: str) -> str:
    """Run make in the repository and return what it printed; a failure raises CalledProcessError."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", REPOSITORY, *arguments],
        check=True,
        timeout=MAKE_TIMEOUT_S,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="session")
def installed() -> Iterator[Path]:
    """The directory below which everything was installed, as for a package."""
    with tempfile.TemporaryDirectory(prefix="vrrpd-installed-") as directory:
        make("install", f"DESTDIR={directory}")
        yield Path(directory)
