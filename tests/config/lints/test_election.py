from __future__ import annotations

import pytest

from tests.config.lints.linting import codes, router
from tests.config.reading import Reader

SCRIPT = "vrrp_script web {{\n script </dev/null\n weight {}\n}}\n"
"""Four lines, so the settings of the virtual router begin at line 8."""
TRACK = "track_script {\n web\n }"


@pytest.mark.parametrize(
    ("weight", "settings", "said"),
    [
        pytest.param(-20, ("nopreempt",), ["8 nopreempt-weight"], id="a weight under nopreempt"),
        pytest.param(0, ("nopreempt",), [], id="a failure that means FAULT"),
        pytest.param(-20, ("preempt",), [], id="a weight where backups preempt"),
        pytest.param(-20, ("priority 255",), ["8 weight-without-effect"], id="an owner's priority never changes"),
        pytest.param(20, ("priority 254",), ["8 weight-without-effect"], id="nothing above the highest priority"),
        pytest.param(-20, ("priority 1",), ["8 weight-without-effect"], id="nothing below the lowest priority"),
        pytest.param(-20, ("priority 254",), [], id="a weight with room below"),
        pytest.param(0, ("priority 255",), [], id="an owner can be in FAULT"),
    ],
)
def test_tracking_with_weights(reader: Reader, weight: int, settings: tuple[str, ...], said: list[str]) -> None:
    assert codes(reader, router(*settings, TRACK, before=SCRIPT.format(weight))) == said
