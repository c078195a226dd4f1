"""Scenarios as text: what can be written, and what is said of what cannot."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.simulation.plans import HostPlan, RouterPlan
from vrrpd.config.model import Config
from vrrpd.simulation.faults import (
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
    StepClock,
    Stop,
    Timed,
    Unplug,
    Weather,
    words,
)
from vrrpd.simulation.scenario import Cast, ScenarioError, events, read_scenario, scenario, seconds, share

CONFIG = HostPlan("lvs1", (RouterPlan(),)).config()


def read(_: str) -> Config:
    return CONFIG


CAST = Cast(("lvs1", "lvs2", "web.one"), read)


def cut(*sides: set[str], one_way: bool = False) -> Cut:
    return Cut(tuple(map(frozenset, sides)), one_way)


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("kill lvs1", [Kill("lvs1")]),
        ("kill A 5s", [Kill("lvs1"), Return("lvs1")]),
        ("crash B 500ms", [Crash("lvs2"), Return("lvs2")]),
        ("return B", [Return("lvs2")]),
        ("start web.one", [Return("web.one")]),
        ("stop C", [Stop("web.one")]),
        ("failover A", [Failover("lvs1")]),
        ("pause A 5", [Pause("lvs1"), Resume("lvs1")]),
        ("resume A", [Resume("lvs1")]),
        ("unplug A", [Unplug("lvs1")]),
        ("unplug A.eth0 1m", [Unplug("lvs1", "eth0"), Plug("lvs1", "eth0")]),
        ("unplug web.one", [Unplug("web.one")]),
        ("plug A.eth0", [Plug("lvs1", "eth0")]),
        ("cut A", [cut({"lvs1"})]),
        ("cut A,B", [cut({"lvs1"}, {"lvs2"})]),
        ("cut A+C,B+client 3s", [cut({"lvs1", "web.one"}, {"lvs2", "client"}), Heal()]),
        ("cut A>B", [cut({"lvs1"}, {"lvs2"}, one_way=True)]),
        ("heal", [Heal()]),
        ("network loss=5% delay=2ms", [Weather(loss=0.05, delay_s=0.002)]),
        ("network", [Weather()]),
        ("fail A haproxy 2s", [Fail("lvs1", "haproxy"), Recover("lvs1", "haproxy")]),
        ("recover A haproxy", [Recover("lvs1", "haproxy")]),
        ("reload A new.conf", [Reload("lvs1", CONFIG, "new.conf")]),
        ("clock A -90m", [StepClock("lvs1", -5400.0)]),
    ],
)
def test_each_event_is_read_with_its_end(line: str, faults: list[Fault]) -> None:
    assert [timed.fault for timed in events(10.0, line.split(), CAST)] == faults


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "nothing happens; expected one of kill, crash"),
        ("kil A", "there is no event `kil`; did you mean kill?"),
        ("kill", "`kill` is not complete or too long; expected kill ROUTER [FOR]"),
        ("heal A", "expected heal"),
        ("kill D", "there is no router `D`; there are lvs1 (A), lvs2 (B), web.one (C)"),
        ("kill A soon", "`soon` is no time; expected a time such as 10s"),
        ("return A 5s", "expected return ROUTER"),
        ("cut A,A", "has somebody on two sides"),
        ("cut A>B>C", "expected FROM>TO"),
        ("network lost=5%", "expected loss=5%, duplicate=1%, delay=2ms or jitter=1ms"),
        ("network loss=500%", "expected 0% to 100%"),
        ("network loss=5", "expected 0% to 100%"),
        ("clock A 5s", "expected +3600s or -1s"),
    ],
)
def test_what_is_no_event_is_told_with_what_is_expected(line: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(complaint)):
        events(10.0, line.split(), CAST)


def test_a_file_has_comments_and_an_end() -> None:
    faults, end_s = read_scenario(["# two", "", "10s kill A  # off", "  1.5m end"], CAST)
    assert faults == [Timed(10.0, Kill("lvs1"))]
    assert end_s == 90.0


def test_a_mistake_in_a_file_is_told_with_its_line() -> None:
    with pytest.raises(ScenarioError, match="line 2: `later` is no time"):
        read_scenario(["10s kill A", "later kill B"], CAST)


def test_one_looks_for_a_while_after_the_last_event_but_not_for_ever() -> None:
    assert scenario([Timed(100.0, Heal())], None, Weather()).duration_s == 120.0
    assert scenario([], None, Weather()).duration_s == 30.0
    assert scenario([], 5.0, Weather()).duration_s == 5.0
    with pytest.raises(ScenarioError, match="a week"):
        scenario([], 1e9, Weather())


@pytest.mark.parametrize(
    ("word", "value"), [("10", 10.0), ("10s", 10.0), ("1.5s", 1.5), ("200ms", 0.2), ("2m", 120.0), ("1h", 3600.0)]
)
def test_times(word: str, value: float) -> None:
    assert seconds(word) == pytest.approx(value)


def test_shares() -> None:
    assert (share("0%"), share("2.5%"), share("100%")) == (0.0, 0.025, 1.0)


@pytest.mark.parametrize(
    "line",
    ["kill lvs1", "cut lvs1,lvs2", "cut lvs1>lvs2", "cut client+lvs1,lvs2", "heal", "unplug lvs1.eth0", "clock lvs1 +60s",
     "fail lvs1 haproxy", "reload lvs1 new.conf", "network loss=5% duplicate=1% delay=2ms jitter=1ms"],
)  # fmt: skip
def test_an_event_is_told_as_it_is_written(line: str) -> None:
    (timed,) = events(0.0, line.split(), CAST)
    assert words(timed.fault) == line


def test_a_resume_says_what_comes_first() -> None:
    assert words(replace(Resume("lvs1"), timers_first=True)) == "resume lvs1 timers-first"
