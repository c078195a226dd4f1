"""What engines of probes with a socket each have in common: one epoll object, the probes under way, and when they time out.

The epoll object can itself be watched by an event loop.
"""

from __future__ import annotations

import resource
import select
import socket
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from healthcheck.wheel import TimerWheel

PROBES_IN_FLIGHT_MAX = 4096
"""Of one engine. 10,000 dead servers with a delay of 6 s and a time-out of 3 s keep 3,333 waiting; more than this would eat
into the 28,000 ports that Linux gives out."""
DESCRIPTORS_SHARE = 0.75
"""Of the descriptors that this process may have; without one a probe cannot be made, and there are other uses for them."""


class OnSocket(Protocol):
    """A probe under way."""

    @property
    def connection(self) -> socket.SocketType: ...


Probe = TypeVar("Probe", bound=OnSocket)


class ProbesInFlight(Generic[Probe]):
    """The probes of one engine, by descriptor. Must be closed."""

    def __init__(self, in_flight_max: int | None, clock: Callable[[], float]) -> None:
        """`in_flight_max` is what the process has room for where it is None."""
        self._in_flight_max = _in_flight_max() if in_flight_max is None else in_flight_max
        self._clock = clock
        self._epoll = select.epoll()
        self._probes: dict[int, Probe] = {}
        self._timeouts: TimerWheel[int] = TimerWheel(clock())

    def fileno(self) -> int:
        """Readable when `run` has something to do before its deadline."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Break off all probes and give everything back."""
        for probe in self._probes.values():
            probe.connection.close()
        self._probes.clear()
        self._epoll.close()

    @property
    def in_flight(self) -> int:
        """Probes under way."""
        return len(self._probes)

    @property
    def has_room(self) -> bool:
        """Whether one more probe may start."""
        return len(self._probes) < self._in_flight_max

    def deadline(self) -> float | None:
        """When the next probe may have timed out; None while there is none."""
        return self._timeouts.deadline()

    def _follow(self, probe: Probe, events: int, times_out_s: float) -> None:
        """From now on this probe is under way; `events` of its socket are those of epoll(7)."""
        descriptor = probe.connection.fileno()
        self._epoll.register(descriptor, events)
        self._probes[descriptor] = probe
        self._timeouts.arm(descriptor, times_out_s)

    def _end(self, descriptor: int) -> Probe:
        """Its socket is closed, which takes it out of epoll, too."""
        probe = self._probes.pop(descriptor)
        probe.connection.close()
        return probe


def _in_flight_max() -> int:
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(PROBES_IN_FLIGHT_MAX, int(descriptors * DESCRIPTORS_SHARE))
