"""Two vrrpd with `auth_hmac`, which keepalived has since 2.4, in every version, family and way to send.

The keepalived that is here does not know it. So what comes before the hash is held to what that says without one, and the hash
to another reckoning of it, which an advert captured of keepalived 2.4 proves right.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

import pytest

from netns_lab.waiting import wait_for
from tests.interop import captures
from tests.interop.every_kind import FIRST, KEY, KEY_ID, KINDS, PRIORITIES, SECOND, Kind, configuration, keyed
from tests.interop.members import READY_S, Member, Wiretap, connected
from tests.interop.story import Episode, Pair, unusual
from tests.interop.wire import Advert

pytestmark = pytest.mark.kernel

PLAIN = tuple(kind for kind in KINDS if kind.name in {"v2", "v2-unicast", "v3", "v3-unicast", "v3-ipv6", "v3-ipv6-unicast"})
KEYED = tuple(replace(kind, settings=f"{kind.settings}\n{keyed('enforce')}") for kind in PLAIN)
NEW_KEY_ID, NEW_KEY = 2, bytes(range(64))
KEYS = {KEY_ID: KEY.encode(), NEW_KEY_ID: NEW_KEY}
OLD_LINE = f"    @vrrpd     key {KEY_ID} {KEY}\n"
NEW_LINE = f"    @vrrpd     key {NEW_KEY_ID} hex:{NEW_KEY.hex()}\n"
STAMP_OCTETS, TRAILER_OCTETS = 12, 28
TIME_WINDOW_S = 5.0
"""`time_window`: what is seen was sent at most so long before, or it would not be believed either."""
MESSAGE_AT = {4: 34, 6: 54}
"""Where the VRRP message begins in a frame, by the family."""
LENGTH_AT = {4: slice(16, 18), 6: slice(18, 20)}
"""Where its length stands."""


@dataclass(frozen=True)
class Keyed:
    """An advert as it would be without its trailer, and the trailer."""

    advert: Advert
    trailer: bytes

    @property
    def key_id(self) -> int:
        """Which key it says that it was made with."""
        return self.trailer[1]

    @property
    def sequence(self) -> int:
        """Seconds, fraction and counter, as one number."""
        return int.from_bytes(self.trailer[4:STAMP_OCTETS], "big")

    @property
    def expected_trailer(self) -> bytes:
        """What its stamp should be followed by, behind the stamp."""
        stamp, family = self.trailer[:STAMP_OCTETS], self.advert.source.version
        message = self.advert.octets[MESSAGE_AT[family] :]
        return stamp + keyed_hash(family, self.advert.source.packed, message, stamp, KEYS[self.key_id])


def keyed_hash(family: int, source: bytes, message: bytes, stamp: bytes, key: bytes) -> bytes:
    """HMAC-SHA256, cut to 16 octets, of a pseudo header, the message without its checksum, and the trailer without its hash."""
    pseudo_header = bytes((family, message[0] >> 4, message[1], 0)) + source.ljust(16, b"\0")
    return hmac.digest(key, pseudo_header + message[:6] + bytes(2) + message[8:] + stamp + bytes(16), sha256)[:16]


def parted(advert: Advert) -> Keyed:
    """An advert with a trailer in its two parts."""
    octets = bytearray(advert.octets[:-TRAILER_OCTETS])
    at = LENGTH_AT[advert.source.version]
    octets[at] = (int.from_bytes(octets[at], "big") - TRAILER_OCTETS).to_bytes(2, "big")
    return Keyed(replace(advert, octets=bytes(octets)), advert.octets[-TRAILER_OCTETS:])


@dataclass(frozen=True)
class Recording:
    """What two vrrpd did with keyed hashes, and a keepalived without."""

    pair: Pair
    episodes: tuple[Episode, ...]
    rotated: Episode
    """The last of them, in which the keys were changed."""
    reference: Episode

    def said(self, host: int, kind: Kind) -> list[Keyed]:
        """All that one of the two said."""
        return [parted(advert) for episode in self.episodes for advert in episode.adverts_of(host, kind)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """The first is stopped and comes home, and both change their key."""
    directory = tmp_path_factory.mktemp("keyed")
    with ExitStack() as undo:
        alone = Reference(undo, tmp_path_factory)
        for own in (FIRST, SECOND):
            (directory / f"{own}.conf").write_text(configuration(own, KEYED))
        members = undo.enter_context(connected("keyed-", directory, {FIRST: "vrrpd", SECOND: "vrrpd"}))
        first, second = members[FIRST], members[SECOND]
        pair = Pair(first, second, undo.enter_context(Wiretap(first.lab)), KEYED)
        pair.begin()
        stop = pair.observe(lambda: pair.stop(first, first.daemon.stop), second_has=KEYED)
        homecoming = pair.observe(first.start, second_has=())
        rotated = pair.record(lambda: rotate(first, second))
        rotated_stop = pair.observe(lambda: pair.stop(first, first.daemon.stop), second_has=KEYED)
        end = pair.record(lambda: pair.stop(second, second.daemon.stop))
        yield Recording(pair, (stop, homecoming, rotated, rotated_stop, end), rotated, alone.end())


class Reference:
    """A keepalived in the place of the first, alone, without a key."""

    def __init__(self, undo: ExitStack, directories: pytest.TempPathFactory) -> None:
        directory = directories.mktemp("reference")
        (directory / f"{FIRST}.conf").write_text(configuration(FIRST, PLAIN))
        self._member = undo.enter_context(connected("plain-", directory, {FIRST: "keepalived"}))[FIRST]
        self._wiretap = undo.enter_context(Wiretap(self._member.lab))
        self._member.start()

    def end(self) -> Episode:
        """Stop it when it has been heard; all that it said."""
        episode = Episode(time.time(), [])

        def has_spoken() -> bool:
            episode.frames.extend(self._wiretap.frames())
            return all(episode.adverts(kind) for kind in PLAIN)

        wait_for(has_spoken, READY_S, "adverts of keepalived")
        self._member.daemon.stop()
        return Episode(episode.begin_s, episode.frames + self._wiretap.frames())


def rotate(first: Member, second: Member) -> None:
    """Both learn the new key, then each sends with it, then both forget the old one."""
    active, new_active = (f"active_key {number}\n" for number in (KEY_ID, NEW_KEY_ID))
    for change in ((OLD_LINE, OLD_LINE + NEW_LINE), (active, new_active), (OLD_LINE, "")):
        for member in (second, first):
            written = len(member.daemon.log())
            member.reload(change)
            member.wait_until_said(["reloaded: "], after=written)


def every(*kinds: Kind) -> pytest.MarkDecorator:
    """Run a test for each of these virtual routers."""
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


def test_our_reckoning_of_a_hash_is_keepalived_s() -> None:
    stamp = captures.KEYED_TRAILER[:STAMP_OCTETS]
    reckoned = keyed_hash(4, captures.OTHER_SOURCE.packed, captures.KEYED_MESSAGE, stamp, captures.KEY)
    assert stamp + reckoned == captures.KEYED_TRAILER


@every(*KEYED)
def test_what_the_hash_follows_is_what_keepalived_says_without_one(recording: Recording, kind: Kind) -> None:
    heard = {advert.priority: kind.as_vrrpd_says(advert.constant) for advert in recording.reference.adverts(kind)}
    said = {(one.advert.priority, one.advert.constant) for one in recording.said(FIRST, kind)}
    assert heard.keys() == {PRIORITIES[FIRST], 0}
    assert said == set(heard.items())


@every(*KEYED)
@pytest.mark.parametrize("host", [FIRST, SECOND])
def test_every_advert_ends_in_its_own_hash(recording: Recording, host: int, kind: Kind) -> None:
    said = recording.said(host, kind)
    assert {one.advert.priority for one in said} == {PRIORITIES[host], 0}
    for one in said:
        assert one.trailer == one.expected_trailer
        assert one.trailer[0] == 1
        assert one.trailer[2:4] == bytes(2)
        assert one.sequence / 2**32 == pytest.approx(one.advert.time_s, abs=TIME_WINDOW_S)
    assert all(before.sequence < after.sequence for before, after in pairwise(said))


@every(*KEYED)
def test_a_key_is_changed_under_way(recording: Recording, kind: Kind) -> None:
    assert recording.rotated.masters(kind) == [FIRST]
    ids = [one.key_id for one in map(parted, recording.rotated.adverts(kind))]
    assert ids == sorted(ids)
    assert set(ids) == {KEY_ID, NEW_KEY_ID}
    assert recording.said(SECOND, kind)[-1].key_id == NEW_KEY_ID


def test_nothing_is_refused_and_nothing_unusual_said(recording: Recording) -> None:
    assert unusual(recording.pair.first) == unusual(recording.pair.second) == []
    assert recording.pair.refusals
    assert set(recording.pair.refusals) == {0.0}
