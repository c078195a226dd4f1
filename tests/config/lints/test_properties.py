"""Whatever a configuration holds, lints end and raise nothing, and speak of places that are there."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.config.strategies import configurations
from vrrpd.config import Loaded, Severity, load, render
from vrrpd.config.lints import lint, lint_pair

CORPUS = sorted((Path(__file__).parents[2] / "interop" / "corpus").rglob("*.conf"))


def assert_sound(loaded: Loaded, lines: int) -> None:
    assert lint_pair(loaded, loaded) is not None
    for one in lint(loaded):
        assert one.severity is Severity.LINT
        assert 1 <= one.position.line <= lines
        render(one).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(configurations)
def test_made_up_configurations(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "made.conf"
        path.write_text(text)
        assert_sound(load(str(path)), text.count("\n") + 1)


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in CORPUS}))
def test_the_corpus(folder: str) -> None:
    for path in CORPUS:
        if path.parent.name == folder:
            assert_sound(load(str(path)), 10**6)
