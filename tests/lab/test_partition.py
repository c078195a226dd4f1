"""Two vrrpd, masters both while the network was parted, meet again: no client must go on talking to the loser."""

from __future__ import annotations

import pytest

from tests.interop.healing import DIRECTORS, PHASES, SERVED_MAX_MS, directors, heal_at_every_moment, show

pytestmark = pytest.mark.kernel


def test_the_client_is_served_at_once_at_whatever_moment_a_partition_heals(capsys: pytest.CaptureFixture[str]) -> None:
    with directors(("vrrpd", "vrrpd")) as pair:
        healings = heal_at_every_moment(pair)
    with capsys.disabled():
        show("two vrrpd", healings)
    assert len(healings) == PHASES
    assert {healing.spoke_first for healing in healings} == set(DIRECTORS), "each of them in some phases"
    assert max(healing.served_after_ms for healing in healings) <= SERVED_MAX_MS
    assert max(healing.announced_after_ms for healing in healings) <= SERVED_MAX_MS
