"""Scenarios as text, one event per line:

    # what happens, and when
    10s    kill lvs1
    20s    cut lvs1,lvs2 5s
    30s    return lvs1
    60s    end

`docs/simulation.md` tells of every event. The options of `vrrpd simulate` are the same events in another order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vrrpd.config.model import Config
from vrrpd.simulation.faults import (
    CLIENT,
    Crash,
    Cut,
    Fail,
    Failover,
    Fault,
    Heal,
    Kill,
    Pause,
    Plug,
    Recover,
    Reload,
    Resume,
    Return,
    Scenario,
    StepClock,
    Stop,
    Timed,
    Unplug,
    Weather,
)

DURATION_MIN_S = 30.0
"""How long one looks where nothing says it: so long at least,"""
AFTERMATH_S = 20.0
"""and so long after the last event: longer than any takeover with the usual intervals."""
DURATION_MAX_S = 7 * 86_400.0
"""A week takes some minutes; more is a slip of the pen."""

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")
A_TIME = "a time such as 10s, 1.5s, 200ms or 2m"
NETWORK_WORDS = {"loss": "loss", "duplicate": "duplication", "delay": "delay_s", "jitter": "jitter_s"}


class ScenarioError(ValueError):
    """A scenario says something that is none; the text tells what was expected."""


@dataclass(frozen=True)
class Cast:
    """Who can take part, and what it takes to read of them."""

    names: Sequence[str]
    """The hosts', in the order of their files; the first is also called A, the second B ..."""
    read: Callable[[str], Config]
    """Reads the configuration of a reload. Raises ScenarioError."""

    def host(self, word: str) -> str:
        """The host that a word names."""
        letters = {chr(ord("A") + number): name for number, name in enumerate(self.names[:26])}
        if word in self.names:
            return word
        if word in letters:
            return letters[word]
        known = ", ".join(f"{name} ({letter})" for letter, name in letters.items())
        raise ScenarioError(f"there is no router `{word}`; there are {known}")

    def station(self, word: str) -> str:
        """A host, or the client."""
        return CLIENT if word == CLIENT and word not in self.names else self.host(word)


def seconds(word: str) -> float:
    """A time. Raises ScenarioError."""
    match = TIME.fullmatch(word)
    if match is None:
        raise ScenarioError(f"`{word}` is no time; expected {A_TIME}")
    return float(match[1]) * UNITS_S[match[2]]


def share(word: str) -> float:
    """A share such as 5%. Raises ScenarioError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", word)
    if match is None or float(match[1]) > 100:
        raise ScenarioError(f"`{word}` is no share; expected 0% to 100%")
    return float(match[1]) / 100


def read_scenario(lines: Iterable[str], cast: Cast) -> tuple[list[Timed], float | None]:
    """The events of a scenario file, and when it ends, if it says so. Raises ScenarioError with the line's number."""
    faults: list[Timed] = []
    end_s = None
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            at_s = seconds(words[0])
            if words[1:] == ["end"]:
                end_s = at_s
            else:
                faults += events(at_s, words[1:], cast)
        except ScenarioError as error:
            raise ScenarioError(f"line {number}: {error}") from None
    return faults, end_s


def scenario(faults: Sequence[Timed], duration_s: float | None, weather: Weather) -> Scenario:
    """A whole scenario. Raises ScenarioError where it lasts for too long."""
    last_s = max((timed.at_s for timed in faults), default=0.0)
    lasts_s = max(DURATION_MIN_S, last_s + AFTERMATH_S) if duration_s is None else duration_s
    if lasts_s > DURATION_MAX_S:
        raise ScenarioError(f"{lasts_s:g}s is too long; expected a week (168h) at most")
    return Scenario(tuple(faults), lasts_s, weather)


def events(at_s: float, words: Sequence[str], cast: Cast) -> list[Timed]:
    """What one line asks for: an event, and its end if the last word is how long it lasts. Raises ScenarioError."""
    if not words:
        raise ScenarioError(f"nothing happens; expected one of {', '.join(EVENTS)}")
    verb, arguments = words[0], list(words[1:])
    event = EVENTS.get(verb)
    if event is None:
        near = difflib.get_close_matches(verb, EVENTS, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ScenarioError(f"there is no event `{verb}`; {hint}expected one of {', '.join(EVENTS)}")
    lasts_s = None
    if event.end is not None and event.arguments is not None and len(arguments) == event.arguments + 1:
        lasts_s = seconds(arguments.pop())
    if event.arguments is not None and len(arguments) != event.arguments:
        raise ScenarioError(f"`{' '.join(words)}` is not complete or too long; expected {event.usage}")
    fault = event.begin(arguments, cast)
    if lasts_s is None or event.end is None:
        return [Timed(at_s, fault)]
    return [Timed(at_s, fault), Timed(at_s + lasts_s, event.end(fault))]


# -- the events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """How one kind of event is written."""

    usage: str
    begin: Callable[[list[str], Cast], Fault]
    arguments: int | None = 1
    """How many words follow; None is any number."""
    end: Callable[[Fault], Fault] | None = None
    """What ends it, where it may last for a while."""


def _of_host(kind: Callable[[str], Fault]) -> Callable[[list[str], Cast], Fault]:
    return lambda words, cast: kind(cast.host(words[0]))


def _of_port(kind: Callable[[str, str | None], Fault]) -> Callable[[list[str], Cast], Fault]:
    def begin(words: list[str], cast: Cast) -> Fault:
        host, dot, interface = words[0].partition(".")
        if words[0] in cast.names:  # a host's name may have dots
            host, dot = words[0], ""
        return kind(cast.host(host), interface if dot else None)

    return begin


def _of_tracked(kind: Callable[[str, str], Fault]) -> Callable[[list[str], Cast], Fault]:
    return lambda words, cast: kind(cast.host(words[0]), words[1])


def _cut(words: list[str], cast: Cast) -> Cut:
    one_way = ">" in words[0]
    sides = words[0].split(">" if one_way else ",")
    if one_way and len(sides) != 2:
        raise ScenarioError(f"`{words[0]}` is no way; expected FROM>TO")
    found = tuple(frozenset(map(cast.station, side.split("+"))) for side in sides)
    if len(frozenset.union(*found)) != sum(map(len, found)):
        raise ScenarioError(f"`{words[0]}` has somebody on two sides")
    return Cut(found, one_way)


def _network(words: list[str], _: Cast) -> Weather:
    return weather(Weather(), dict(_assignment(word) for word in words))


def weather(before: Weather, changes: Mapping[str, str]) -> Weather:
    """The network's manners, changed as `loss`, `duplicate`, `delay` and `jitter` say. Raises ScenarioError."""
    values = {NETWORK_WORDS[name]: (seconds if name in ("delay", "jitter") else share)(text) for name, text in changes.items()}
    return replace(before, **values)


def _assignment(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or name not in NETWORK_WORDS:
        raise ScenarioError(f"`{word}` says nothing of the network; expected loss=5%, duplicate=1%, delay=2ms or jitter=1ms")
    return name, value


def _clock(words: list[str], cast: Cast) -> StepClock:
    sign, by = words[1][:1], words[1][1:]
    if sign not in ("+", "-"):
        raise ScenarioError(f"`{words[1]}` is no step; expected +3600s or -1s")
    return StepClock(cast.host(words[0]), float(f"{sign}1") * seconds(by))


def _resume_of(fault: Fault) -> Resume:
    assert isinstance(fault, Pause)
    return Resume(fault.host)


def _return_of(fault: Fault) -> Return:
    assert isinstance(fault, Kill | Crash | Stop)
    return Return(fault.host)


def _plug_of(fault: Fault) -> Plug:
    assert isinstance(fault, Unplug)
    return Plug(fault.host, fault.interface)


def _recovery_of(fault: Fault) -> Recover:
    assert isinstance(fault, Fail)
    return Recover(fault.host, fault.name)


EVENTS: Mapping[str, Event] = {
    "kill": Event("kill ROUTER [FOR]", _of_host(Kill), end=_return_of),
    "crash": Event("crash ROUTER [FOR]", _of_host(Crash), end=_return_of),
    "return": Event("return ROUTER", _of_host(Return)),
    "start": Event("start ROUTER", _of_host(Return)),
    "stop": Event("stop ROUTER [FOR]", _of_host(Stop), end=_return_of),
    "failover": Event("failover ROUTER", _of_host(Failover)),
    "pause": Event("pause ROUTER [FOR]", _of_host(Pause), end=_resume_of),
    "resume": Event("resume ROUTER", _of_host(Resume)),
    "unplug": Event("unplug ROUTER[.INTERFACE] [FOR]", _of_port(Unplug), end=_plug_of),
    "plug": Event("plug ROUTER[.INTERFACE]", _of_port(Plug)),
    "cut": Event("cut ROUTER | cut A,B | cut A+C,B+client | cut A>B, and [FOR]", _cut, end=lambda _: Heal()),
    "heal": Event("heal", lambda _, __: Heal(), arguments=0),
    "network": Event("network [loss=5%] [duplicate=1%] [delay=2ms] [jitter=1ms]", _network, arguments=None),
    "fail": Event("fail ROUTER TRACKED [FOR]", _of_tracked(Fail), arguments=2, end=_recovery_of),
    "recover": Event("recover ROUTER TRACKED", _of_tracked(Recover), arguments=2),
    "reload": Event(
        "reload ROUTER FILE", lambda words, cast: Reload(cast.host(words[0]), cast.read(words[1]), words[1]), arguments=2
    ),
    "clock": Event("clock ROUTER +3600s", _clock, arguments=2),
}
"""By the word that begins them."""
