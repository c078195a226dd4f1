"""What can happen to routers and their network, as values: a scenario is a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vrrpd.config.model import Config

CLIENT = "client"
"""The station that stands for everybody who uses the virtual addresses of a segment."""


@dataclass(frozen=True, slots=True)
class Kill:
    """The machine is off from one moment to the next, and with it every address."""

    host: str


@dataclass(frozen=True, slots=True)
class Crash:
    """The daemon's processes are killed (SIGKILL). The kernel keeps the addresses and answers for them."""

    host: str


@dataclass(frozen=True, slots=True)
class Return:
    """The machine is switched on, where it was off, and the daemon is started."""

    host: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The daemon is stopped as it should be (SIGTERM)."""

    host: str


@dataclass(frozen=True, slots=True)
class Failover:
    """The operator has every master on a host hand over."""

    host: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The daemon gets no processor (SIGSTOP, or a virtual machine that is moved). The kernel goes on."""

    host: str


@dataclass(frozen=True, slots=True)
class Resume:
    """It gets the processor back."""

    host: str
    timers_first: bool = False
    """Whether what it slept through comes first or what was sent to it meanwhile."""


@dataclass(frozen=True, slots=True)
class Unplug:
    """A host loses the carrier of an interface, and notices."""

    host: str
    interface: str | None = None
    """None is all."""


@dataclass(frozen=True, slots=True)
class Plug:
    """The carrier is back."""

    host: str
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Something that a host tracks is not well any more: a script, a process, a file, a BFD session."""

    host: str
    name: str


@dataclass(frozen=True, slots=True)
class Recover:
    """It is well again."""

    host: str
    name: str


@dataclass(frozen=True, slots=True)
class Reload:
    """The daemon reads another configuration."""

    host: str
    config: Config = field(repr=False)
    name: str = ""
    """How it is told, such as the file's name."""


@dataclass(frozen=True, slots=True)
class StepClock:
    """Somebody sets a host's wall clock."""

    host: str
    by_s: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The network between hosts breaks, and nobody notices by the carrier.

    Stations on different sides do not hear each other; one that is on no side hears all. A single side is cut off from
    everybody who is not on it. One way: what the first side sends does not reach the second.
    """

    sides: tuple[frozenset[str], ...]
    one_way: bool = False


@dataclass(frozen=True, slots=True)
class Heal:
    """Every cut is over."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network does to each packet from now on. Announcements and questions to neighbours suffer like adverts."""

    loss: float = 0.0
    """The share of packets lost, 0 to 1."""
    duplication: float = 0.0
    """The share of packets that come twice."""
    delay_s: float = 0.0005
    jitter_s: float = 0.0
    """Up to this much is added to each packet's delay, so that one can overtake another."""

    @property
    def delay_max_s(self) -> float:
        """The longest that a packet can take."""
        return self.delay_s + self.jitter_s


Fault = (
    Kill
    | Crash
    | Return
    | Stop
    | Failover
    | Pause
    | Resume
    | Unplug
    | Plug
    | Fail
    | Recover
    | Reload
    | StepClock
    | Cut
    | Heal
    | Weather
)


@dataclass(frozen=True, slots=True)
class Timed:
    """When something happens."""

    at_s: float
    fault: Fault


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, in any order, and for how long one looks."""

    faults: tuple[Timed, ...]
    duration_s: float
    weather: Weather = Weather()
    """Of the beginning."""


def words(fault: Fault) -> str:
    """A fault as a scenario file has it."""
    match fault:
        case Cut(sides, one_way):
            between = ">" if one_way else ","
            return f"cut {between.join('+'.join(sorted(side)) for side in sides)}"
        case Heal():
            return "heal"
        case Weather():
            return _weather_words(fault)
        case Unplug(host, interface) | Plug(host, interface):
            return f"{type(fault).__name__.lower()} {host}{'.' + interface if interface else ''}"
        case Fail(host, name) | Recover(host, name):
            return f"{type(fault).__name__.lower()} {host} {name}"
        case Reload(host, _, name):
            return f"reload {host} {name}"
        case StepClock(host, by_s):
            return f"clock {host} {by_s:+g}s"
        case Resume(host, timers_first):
            return f"resume {host}{' timers-first' if timers_first else ''}"
        case _:
            return f"{type(fault).__name__.lower()} {fault.host}"


def _weather_words(weather: Weather) -> str:
    shown: Mapping[str, str] = {
        "loss": f"{weather.loss * 100:g}%",
        "duplicate": f"{weather.duplication * 100:g}%",
        "delay": f"{weather.delay_s * 1000:g}ms",
        "jitter": f"{weather.jitter_s * 1000:g}ms",
    }
    return "network " + " ".join(f"{name}={value}" for name, value in shown.items())
