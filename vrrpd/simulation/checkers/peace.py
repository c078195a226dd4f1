"""Since when nothing is broken."""

from __future__ import annotations

from vrrpd.simulation.faults import Fault, Weather
from vrrpd.simulation.host import Condition
from vrrpd.simulation.observer import Observer
from vrrpd.simulation.world import World


class Peace(Observer):
    """Watches the faults. Not an observer of its own: who asks it also tells it, so that it always knows first."""

    def __init__(self) -> None:
        self.since_s: float | None = 0.0
        """When the last fault was over; None while packets are lost, the network is cut or a daemon stands still."""
        self.delay_max_s = 0.0
        """The longest that a packet takes or took."""
        self._delay_max_now_s = 0.0
        self._world: World | None = None

    def on_begin(self, world: World) -> None:
        """Learn what to look at."""
        self._world = world
        self.delay_max_s = self._delay_max_now_s = world.scenario.weather.delay_max_s

    def on_fault_over(self, now_s: float, fault: Fault) -> None:
        """Look again."""
        world = self._world
        assert world is not None
        in_flight_s = self._delay_max_now_s if isinstance(fault, Weather) else 0.0
        if isinstance(fault, Weather):
            self._delay_max_now_s = fault.delay_max_s
            self.delay_max_s = max(self.delay_max_s, fault.delay_max_s)
        broken = any(segment.weather.loss or not segment.whole for segment in world.segments.values()) or any(
            host.condition is Condition.PAUSED for host in world.hosts.values()
        )
        self.since_s = None if broken else now_s + in_flight_s  # what is still on its way suffers from the weather before
