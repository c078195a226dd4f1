"""The unit and the daemon agree on how long things may take."""

from __future__ import annotations

import re

from tests.systemd.conftest import REPOSITORY
from vrrpd.control.http import SHUTDOWN_S
from vrrpd.daemon.supervisor import COMMANDS_TIMEOUT_S, STOP_TIMEOUT_S
from vrrpd.protocol.packet import CENTISECONDS, INTERVAL_MAX_CS

UNIT = (REPOSITORY / "systemd/vrrpd.service").read_text()


def test_a_stop_is_given_as_long_as_the_daemon_may_take() -> None:
    """A router that hands over at the rarest adverts and then hangs, a director that hangs, commands, and open connections."""
    router_s = STOP_TIMEOUT_S + INTERVAL_MAX_CS / CENTISECONDS
    (given_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(given_s) > router_s + STOP_TIMEOUT_S + COMMANDS_TIMEOUT_S + SHUTDOWN_S
