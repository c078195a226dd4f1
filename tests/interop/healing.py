"""Two directors, both master while the network was parted, meet again: at every moment of the interval, under requests."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netns_lab import topology
from netns_lab.client import Result
from netns_lab.namespaces import Lab
from netns_lab.programs import start_web_servers
from netns_lab.sniffer import Frame, Sniffer, is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.interop import captures
from tests.interop.pair import SKEW_50_S, Pair
from tests.interop.wire import adverts, announcements, is_of_takeover

DIRECTORS = ("192.168.4.5", "192.168.4.6")
PHASES = 10
SERVED_MAX_MS = 1_000.0
"""An advert of each director and what follows it; two keepalived leave the client alone with its belief for half a minute."""
CLIENT_INTERVAL_MS = 10.0
"""So the client's kernel, which hears of the address all the time, never asks where it is."""
ADVERT_TIMEOUT_S = 3.0
STARTED_S = 30.0
"""For two directors' first checks, on a busy guest."""
WARM_UP_ANSWERS = 20
AFTERMATH_ANSWERS = 30
"""Service stays, until just before the next advert of director 1."""
SERVED_TIMEOUT_S = 60.0
"""A client that nobody tells finds out by itself after 15 to 45 s."""
LAST_REQUESTS_S = 0.1
"""Those that began so long before a parting may be lost with it."""
SECOND_SPEAKS_AT_S = 1.5
"""When director 2 becomes master, after the last advert that it heard: half-way between two of director 1."""
HEALED_AT_S = tuple(SECOND_SPEAKS_AT_S + (0.5 + phase) / PHASES for phase in range(PHASES))
"""In the first half of the phases director 1 speaks first, in the others director 2."""
FAREWELL = captures.PASS_FAREWELL[:6] + bytes.fromhex("02000000000a") + captures.PASS_FAREWELL[12:]
"""In director 1's name, to spare director 2 a wait for three adverts; from elsewhere, so that the bridge learns nothing."""


@dataclass(frozen=True)
class Healing:
    """What the wire and the client saw of one."""

    spoke_first: str
    """The address of the director whose advert was the first to get through."""
    served_after_ms: float
    """From the healing until the client was served and stayed so; 0 if it always was."""
    announced_after_ms: float
    """From the healing to the first announcement of the director that stays."""


def show(routers: str, healings: list[Healing]) -> None:
    """Print what was measured, for people."""
    for what, times_ms in (
        ("the client was served after", [healing.served_after_ms for healing in healings]),
        ("the survivor announced itself after", [healing.announced_after_ms for healing in healings]),
    ):
        print(f"\n{routers}: {what} {', '.join(f'{time_ms:.0f}' for time_ms in times_ms)} ms", end=" ")  # noqa: T201  # to be compared


@dataclass(frozen=True)
class Moment:
    """When the two met, by both clocks."""

    unix_s: float
    monotonic_s: float
    parted_s: float
    """When they were parted before; monotonic."""


@contextmanager
def directors(routers: tuple[str, str]) -> Iterator[Pair]:
    """The operators' own files at work in these daemons; director 1 is master and both balance."""
    with Lab(topology.load("lvs-dr")) as lab:
        start_web_servers(lab)
        pair = Pair(lab, routers)
        parties = (pair.first, pair.second)
        for party in parties:
            party.start()
        wait_for(lambda: all(party.host.real_servers() for party in parties), STARTED_S, "real servers in both tables")
        pair.wait_for_holder(pair.first)
        yield pair


def heal_at_every_moment(pair: Pair) -> list[Healing]:
    """Part the two and let them meet, ten times, each a tenth of an interval later after an advert of director 1."""
    with (
        Sniffer(pair.first.host, accept=lambda frame: is_vrrp(frame) and frame.outgoing) as own,
        on_bridge(pair.lab, is_of_takeover) as wire,
        pair.client.measure(pair.address, interval_ms=CLIENT_INTERVAL_MS) as measurement,
    ):
        measurement.wait_for_answers(WARM_UP_ANSWERS)
        met = []
        for at_s in HEALED_AT_S:
            met.append(_part_and_heal(pair, own, at_s))
            measurement.wait_for_answers(AFTERMATH_ANSWERS, SERVED_TIMEOUT_S)
        frames = wire.frames()
    ends_s = [*(moment.parted_s - LAST_REQUESTS_S for moment in met[1:]), float("inf")]
    return [_healing(pair, *each, frames, measurement.result) for each in zip(met, ends_s, strict=True)]


def _part_and_heal(pair: Pair, own: Sniffer, at_s: float) -> Moment:
    """Cut director 1 off right after an advert, let director 2 take over, and end it so long after that advert."""
    own.frames()
    last_heard = own.wait(ADVERT_TIMEOUT_S)
    parted_s = time.monotonic()
    pair.first.host.isolate()
    _sleep_until(last_heard.time_s + SECOND_SPEAKS_AT_S - SKEW_50_S)
    with pair.client.host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as impostor:
        impostor.bind(("eth0", 0))
        impostor.send(FAREWELL)
    _sleep_until(last_heard.time_s + at_s)
    assert pair.first.host.holds(pair.address), "director 1 is master"
    assert pair.second.host.holds(pair.address), "director 2 is master too"
    moment = Moment(time.time(), time.monotonic(), parted_s)
    pair.first.host.rejoin()
    pair.wait_for_holder(pair.first)
    return moment


def _sleep_until(unix_s: float) -> None:
    time.sleep(max(0.0, unix_s - time.time()))


def _healing(pair: Pair, moment: Moment, until_s: float, frames: list[Frame], result: Result) -> Healing:
    seen = [frame for frame in frames if frame.time_s >= moment.unix_s]
    served_again_s = [
        outage.start_s + outage.length_ms / 1000 - moment.monotonic_s for outage in result.outages if outage.start_s < until_s
    ]
    announced = announcements(seen, pair.first.mac)[0]
    return Healing(
        spoke_first=str(adverts(seen)[0].source),
        served_after_ms=max([0.0, *served_again_s]) * 1000,
        announced_after_ms=(announced.time_s - moment.unix_s) * 1000,
    )
