"""Arguments that many keywords take."""

from __future__ import annotations

from vrrpd.config.declaration import Argument, named, optional
from vrrpd.config.values import Boolean, Choice, Integer, Seconds, Text

NAME = Text("NAME")
BOOL = optional(Boolean())
COUNT = Integer(0, 2**31 - 1)
SIGNED = Integer(-(2**31), 2**31 - 1)
OCTETS = named("OCTETS", Integer())
PORT = named("PORT", Integer(1, 65535))
PRIORITY = named("PRIORITY", Integer(1, 255))
TIME = Seconds(0.000001)
"""Any time but none."""
WHOLE_SECONDS = named("SECONDS", Integer(0, 4294))
USER = Text("USER")
GROUP = optional(Text("GROUP"))
REVERSE = optional(Choice(("reverse",)))


def weight(limit: int) -> Argument:
    """What a tracker adds to the priority."""
    return named("WEIGHT", Integer(-limit, limit))
