"""What one virtual router knows of the others: who is master, who gave up, who is about to be replaced."""

from __future__ import annotations

from typing import NamedTuple

from vrrpd.config.model import Address


class Speaker(NamedTuple):
    """Who sent an advert, and what it said."""

    address: Address
    priority: int
    advert_interval_s: float
    at_s: float
    """When it was heard."""


class Peers:
    """The knowledge of a backup, and of a master that gave up. A change of state forgets it."""

    __slots__ = ("learnt_interval_s", "leaver", "lower_master", "master", "preempt_from_s")

    def __init__(self) -> None:
        self.master: Speaker | None = None
        self.leaver: Speaker | None = None
        """Who gave up with priority 0, while nobody else was heard."""
        self.lower_master: Speaker | None = None
        """The last advert that was discarded because we may preempt its sender."""
        self.preempt_from_s: float | None = None
        """When `preempt_delay` ends; None until a lower priority was heard."""
        self.learnt_interval_s: float | None = None
        """The master's advert interval, in version 3; None where it is our own."""

    def forget(self, master: Speaker | None) -> None:
        """Know of nobody but a master."""
        self.master = master
        self.leaver = self.lower_master = self.preempt_from_s = self.learnt_interval_s = None
