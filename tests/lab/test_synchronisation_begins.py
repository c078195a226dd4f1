"""Who starts beside a master hears of its connections at once, and not only when it has been master itself."""

from __future__ import annotations

import pytest

from netns_lab.waiting import wait_for
from tests.lab.conftest import Pair
from tests.lab.running import PROMPT_S
from tests.lab.test_traffic_synchronised import SYNCHRONISED, daemons

pytestmark = pytest.mark.kernel


def test_a_backup_receives_from_its_start(idle_pair: Pair) -> None:
    for each in (idle_pair.first, idle_pair.second):
        each.edit(SYNCHRONISED)
    idle_pair.start()
    wait_for(lambda: daemons(idle_pair.second) == ["backup sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs2 receiving")
    wait_for(lambda: daemons(idle_pair.first) == ["master sync daemon (mcast=eth0, syncid=50"], PROMPT_S, "lvs1 sending")
