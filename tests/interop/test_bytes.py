"""keepalived and vrrpd, each alone on a bridge with the same file, from their first octet to their last.

The two must be the same on the wire, and the same as what was captured of keepalived elsewhere: same hardware address, same
addresses, same file. Four labs run at once, for most of the time is waiting.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from statistics import median

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.programs import ROUTERS
from netns_lab.sniffer import Frame, Sniffer, on_bridge
from tests.interop import captures
from tests.interop.wire import Advert, Announcement, adverts, announcements, is_of_takeover, renumbered

pytestmark = pytest.mark.kernel

ALONE = """
virtual_address = "192.168.4.15"

[hosts.lvs1]
role = "router"
address = "192.168.4.5/24"
"""
DATA = Path(__file__).parent / "data"
SECOND_SET_TIMEOUT_S = 20.0
"""Start, election (3.6 s), and `garp_master_delay` (5 s): half of that where the machine is not busy."""
ADVERT_INTERVAL_S = 1.0
ROUNDS = 5
"""`garp_master_repeat`."""


@dataclass(frozen=True)
class Scenario:
    """What a file has its router say."""

    file: str
    advert: bytes
    farewell: bytes
    announcements: tuple[bytes, ...]
    """One round."""


SCENARIOS = (
    Scenario("pass.conf", captures.PASS_ADVERT, captures.PASS_FAREWELL, captures.ANNOUNCEMENTS[:1]),
    Scenario(
        "three-addresses.conf",
        captures.THREE_ADDRESSES_ADVERT,
        captures.THREE_ADDRESSES_FAREWELL,
        captures.ANNOUNCEMENTS,
    ),
)


@dataclass(frozen=True)
class Recording:
    """All that one daemon said from its start to its end."""

    adverts: list[Advert]
    announcements: list[Announcement]


class Solo:
    """One daemon alone in a lab of its own."""

    def __init__(self, undo: ExitStack, prefix: str, scenario: Scenario, router: str) -> None:
        self.scenario = scenario
        self.lab = undo.enter_context(Lab(topology.parse("alone", ALONE, DATA), prefix))
        host = self.lab.host("lvs1")
        host.ip_batch([f"link set eth0 address {captures.MAC.hex(':')}"])
        self.sniffer: Sniffer = undo.enter_context(on_bridge(self.lab, is_of_takeover))
        self.daemon = ROUTERS[router](host, DATA / scenario.file, "-P")
        self._frames: list[Frame] = []

    def wait_for_second_set(self) -> None:
        """Until the last announcement of the second set, and the advert after it: announcing is over by then."""
        wanted = 2 * ROUNDS * len(self.scenario.announcements)
        while len(announcements(self._frames)) < wanted:
            self._frames.append(self.sniffer.wait(SECOND_SET_TIMEOUT_S))
        self._frames.append(self.sniffer.wait(SECOND_SET_TIMEOUT_S))

    def stop(self) -> Recording:
        """What was heard to the end."""
        self.daemon.stop()
        frames = [*self._frames, *self.sniffer.frames()]
        return Recording(adverts(frames), announcements(frames))


Recordings = dict[tuple[str, str], Recording]


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    """What each daemon said with each file."""
    with ExitStack() as undo:
        solos = {
            (scenario.file, router): Solo(undo, f"solo{number}-", scenario, router)
            for number, (scenario, router) in enumerate(product(SCENARIOS, ROUTERS))
        }
        for solo in solos.values():
            solo.wait_for_second_set()
        return {key: solo.stop() for key, solo in solos.items()}


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: Path(scenario.file).stem)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """A file."""
    assert isinstance(request.param, Scenario)
    return request.param


@pytest.fixture(params=list(ROUTERS))
def recording(request: pytest.FixtureRequest, recordings: Recordings, scenario: Scenario) -> Recording:
    """What one daemon said with the file."""
    return recordings[scenario.file, request.param]


def test_adverts_are_the_captured_ones_numbered_from_one(recording: Recording, scenario: Scenario) -> None:
    *living, farewell = recording.adverts
    assert len(living) >= 6
    assert [advert.octets for advert in living] == [
        renumbered(scenario.advert, identification) for identification in range(1, len(living) + 1)
    ]
    assert living[0].octets == scenario.advert
    assert farewell.octets == renumbered(scenario.farewell, len(living) + 1)


def test_the_first_advert_goes_out_before_the_first_announcement(recording: Recording) -> None:
    assert recording.adverts[0].time_s < recording.announcements[0].time_s


def test_announcements_are_the_captured_ones_five_rounds_and_five_more(recording: Recording, scenario: Scenario) -> None:
    assert [frame.octets for frame in recording.announcements] == [*scenario.announcements] * 2 * ROUNDS


def test_the_second_set_of_announcements_comes_five_seconds_after_the_first(recording: Recording) -> None:
    since_advert_s = [frame.time_s - recording.adverts[0].time_s for frame in recording.announcements]
    half = len(since_advert_s) // 2
    assert since_advert_s[half - 1] < ADVERT_INTERVAL_S
    assert since_advert_s[half] == pytest.approx(5.0, abs=ADVERT_INTERVAL_S / 2)
    assert since_advert_s[-1] - since_advert_s[half] < ADVERT_INTERVAL_S


def test_an_advert_comes_each_second(recording: Recording) -> None:
    """In the middle: a busy machine holds up this one or that."""
    *living, _farewell = recording.adverts
    interval_s = median(after.time_s - before.time_s for before, after in pairwise(living))
    assert interval_s == pytest.approx(ADVERT_INTERVAL_S, abs=0.1)


def test_both_daemons_say_the_same(recordings: Recordings, scenario: Scenario) -> None:
    ours, theirs = (recordings[scenario.file, router] for router in ("vrrpd", "keepalived"))
    assert [frame.octets for frame in ours.announcements] == [frame.octets for frame in theirs.announcements]
    for one, other in zip(ours.adverts[:-1], theirs.adverts[:-1], strict=False):
        assert one.octets == other.octets
    identification = ours.adverts[-1].identification
    assert ours.adverts[-1].octets == renumbered(theirs.adverts[-1].octets, identification)
