"""What must hold in every history. Each checker is an observer that raises `BrokenPromiseError` where it does not.

Some promises hold at every moment, whatever the network does: they are about what one daemon did with what it heard
(`holding`, `speaking`, `yielding`, `patience`, `groups`). Others are about all of them, and hold while nothing is broken
(`unity`, `gapless`).
"""

from __future__ import annotations

from vrrpd.simulation.checkers.gapless import Gapless
from vrrpd.simulation.checkers.groups import Groups
from vrrpd.simulation.checkers.holding import Holding
from vrrpd.simulation.checkers.patience import Patience
from vrrpd.simulation.checkers.promise import BrokenPromiseError
from vrrpd.simulation.checkers.speaking import Speaking
from vrrpd.simulation.checkers.unity import Unity
from vrrpd.simulation.checkers.yielding import Yielding
from vrrpd.simulation.observer import Observer

__all__ = ["BrokenPromiseError", "every_checker"]


def every_checker() -> tuple[Observer, ...]:
    """One of each, for one history."""
    return Holding(), Speaking(), Yielding(), Patience(), Groups(), Unity(), Gapless()
