"""keepalived and vrrpd, masters both while the network was parted, meet again: no client must go on talking to the loser."""

from __future__ import annotations

import pytest

from tests.interop.healing import DIRECTORS, PHASES, SERVED_MAX_MS, Healing, directors, heal_at_every_moment, show
from tests.interop.pair import MIXED

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module", params=MIXED, ids=" with ".join)
def healings(request: pytest.FixtureRequest) -> list[Healing]:
    """Ten, spread over the advert interval."""
    with directors(request.param) as pair:
        return heal_at_every_moment(pair)


def test_the_client_is_served_at_once_whoever_speaks_first(
    healings: list[Healing], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """A keepalived that yields does so without a word, so vrrpd learns of it by the answer to its probe."""
    with capsys.disabled():
        show(request.node.callspec.id, healings)
    assert len(healings) == PHASES
    assert {healing.spoke_first for healing in healings} == set(DIRECTORS), "each of them in some phases"
    assert max(healing.served_after_ms for healing in healings) <= SERVED_MAX_MS
    assert max(healing.announced_after_ms for healing in healings) <= SERVED_MAX_MS
