"""What vrrpd writes back is a configuration for keepalived too."""

from __future__ import annotations

import os
from pathlib import Path

from tests.interop import keepalived
from tests.interop.configurations import CLEAN, CORPUS, loaded, names
from vrrpd.config.dump import dump


def test_what_keepalived_finds_sound_it_finds_sound_when_it_is_written_back(tmp_path: Path) -> None:
    theirs = keepalived.verdicts(CORPUS / name for name in names())
    sound = [name for name in names() if theirs[CORPUS / name] == CLEAN]
    written = {}
    for name in sound:
        tree = loaded(name).tree
        assert tree is not None
        path = tmp_path / name.replace("/", "-")
        path.write_bytes(os.fsencode(dump(tree)))
        written[path] = name
    assert len(written) > 100
    assert {written[path] for path, verdict in keepalived.verdicts(written).items() if verdict != CLEAN} == set()
