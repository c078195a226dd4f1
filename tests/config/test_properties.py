"""A file with one line less than it needs is not buried under messages. Worse files are in tests/fuzz."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.config.reading import INPUTS
from vrrpd.config import Loaded, load, render

SEEDS = [path.read_bytes() for path in sorted(INPUTS.rglob("*.conf"))]
QUICK = settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.too_slow])


def read(contents: bytes) -> Loaded:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.conf"
        path.write_bytes(contents)
        loaded = load(str(path))
    lines = contents.count(b"\n") + 1
    for one in loaded.diagnostics:
        assert 1 <= one.position.line <= lines
        assert one.position.column >= 1
        render(one, colour=True).encode()
    assert loaded.config is not None
    assert len(loaded.diagnostics) == len(loaded.errors) + len(loaded.warnings)
    return loaded


@QUICK
@given(st.sampled_from(SEEDS), st.integers(0, 60))
def test_a_file_that_lost_one_line_gives_few_messages(contents: bytes, number: int) -> None:
    lines = contents.split(b"\n")
    before = len(read(contents).diagnostics)
    del lines[number % len(lines)]
    assert len(read(b"\n".join(lines)).diagnostics) <= before + 2
