"""keepalived and vrrpd, each alone with the same file of every kind of virtual router: the same octets and the same addresses.

Both have the same hardware address and addresses. What counts up or is drawn at random is set to 0 before frames are compared,
and looked at by itself.
"""

from __future__ import annotations

import hmac
import json
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import md5
from typing import Any

import pytest

from netns_lab.sniffer import Frame
from netns_lab.waiting import wait_for
from tests.interop.every_kind import FIRST, HOP_LIMIT, KINDS, Kind, configuration
from tests.interop.members import HOLDERS_S, Member, Wiretap, connected
from tests.interop.wire import (
    AH_COUNTED,
    IPV6_HOP_LIMIT,
    Advert,
    Announcement,
    adverts,
    announcements,
    searched_for_duplicates,
)

pytestmark = pytest.mark.kernel

ROUTERS = ("keepalived", "vrrpd")
OF_IPV6 = tuple(kind for kind in KINDS if any(address.version == 6 for address in kind.addresses))
WITH_AH = tuple(kind for kind in KINDS if "auth_type AH" in kind.settings)
PASSWORD = b"s3cretA"
ADVERTS_HEARD = 3
"""Of each virtual router, before the daemon is stopped."""
ROUNDS = 5
"""`garp_master_repeat`."""
COMPARED = ("local", "prefixlen", "scope", "broadcast", "label", "nodad", "deprecated", "tentative", "noprefixroute", "dynamic")
"""What ip(8) says of an address, less what counts down."""


@dataclass(frozen=True)
class Recording:
    """All that one daemon said from its start to its end, and what its addresses were in between."""

    frames: list[Frame]
    held: dict[str, dict[str, Any]]
    left: set[Any]
    """Addresses that are there after its end and were not before its start."""

    def adverts(self, kind: Kind) -> list[Advert]:
        """Those of one virtual router."""
        return [advert for advert in adverts(self.frames) if is_of(advert, kind)]

    def announcements(self, kind: Kind) -> list[Announcement]:
        """Those of one virtual router."""
        return [announcement for announcement in announcements(self.frames) if announcement.address in kind.addresses]


def is_of(advert: Advert, kind: Kind) -> bool:
    """Whether it is an advert of that virtual router."""
    return (advert.source.version, advert.virtual_router_id) == (kind.family, kind.virtual_router_id)


class Solo:
    """One daemon alone."""

    def __init__(self, member: Member, wiretap: Wiretap) -> None:
        self.member = member
        self._wiretap = wiretap
        self._frames: list[Frame] = []
        member.start()

    def wait(self) -> None:
        """Until it has said everything."""
        wait_for(self._has_spoken, HOLDERS_S, f"{ADVERTS_HEARD} adverts of each virtual router of {self.member}")

    def stop(self) -> Recording:
        """All of it."""
        held = {one["local"]: one for one in _addresses(self.member)}
        self.member.daemon.stop()
        return Recording([*self._frames, *self._wiretap.frames()], held, self.member.addresses() - self.member.own_addresses)

    def _has_spoken(self) -> bool:
        self._frames += self._wiretap.frames()
        heard = adverts(self._frames)
        return all(sum(is_of(advert, kind) for advert in heard) >= ADVERTS_HEARD for kind in KINDS)


def _addresses(member: Member) -> list[dict[str, Any]]:
    """What ip(8) says of the addresses of both links."""
    links = json.loads(member.host.run("ip", "-json", "address", "show").stdout)
    return [one | {"dev": link["ifname"]} for link in links for one in link["addr_info"]]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    """What each daemon did."""
    directory = tmp_path_factory.mktemp("alone")
    (directory / f"{FIRST}.conf").write_text(configuration(FIRST))
    with ExitStack() as undo:
        solos = {}
        for router in ROUTERS:
            member = undo.enter_context(connected(f"{router[0]}-", directory, {FIRST: router}))[FIRST]
            solos[router] = Solo(member, undo.enter_context(Wiretap(member.lab)))
        for solo in solos.values():
            solo.wait()
        return {router: solo.stop() for router, solo in solos.items()}


@pytest.fixture(params=ROUTERS)
def recording(request: pytest.FixtureRequest, recordings: dict[str, Recording]) -> Recording:
    """What one of them did."""
    return recordings[request.param]


def every(*kinds: Kind) -> pytest.MarkDecorator:
    """Run a test for each of these virtual routers."""
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


@every(*KINDS)
def test_both_daemons_send_the_same_adverts(recordings: dict[str, Recording], kind: Kind) -> None:
    said: dict[str, tuple[bytes, bytes]] = {}
    for router in ROUTERS:
        *living, farewell = recordings[router].adverts(kind)
        assert {advert.priority for advert in living} == {100}
        assert farewell.priority == 0
        (always,) = {advert.constant for advert in living}
        said[router] = always, farewell.constant
    assert said["vrrpd"] == tuple(kind.as_vrrpd_says(octets) for octets in said["keepalived"])


@every(*(kind for kind in KINDS if kind.family == 6))
def test_hop_limits_differ_where_they_are_known_to(recordings: dict[str, Recording], kind: Kind) -> None:
    theirs, ours = ({advert.octets[IPV6_HOP_LIMIT] for advert in recordings[router].adverts(kind)} for router in ROUTERS)
    assert (theirs, ours) == ({kind.hop_limit_of_keepalived}, {HOP_LIMIT})


@every(*(kind for kind in KINDS if kind.family == 4))
def test_the_identification_counts_from_one(recording: Recording, kind: Kind) -> None:
    heard = recording.adverts(kind)
    assert [advert.identification for advert in heard] == list(range(1, len(heard) + 1))


@every(*WITH_AH)
def test_an_authentication_header_counts_and_holds(recording: Recording, kind: Kind) -> None:
    heard = recording.adverts(kind)
    counted = [advert.octets[AH_COUNTED] for advert in heard]
    assert [int.from_bytes(one[:4], "big") for one in counted] == list(range(1, len(heard) + 1))
    assert [one[4:] for one in counted] == [integrity_check_value(advert) for advert in heard]


def integrity_check_value(advert: Advert) -> bytes:
    """RFC 2402 section 3.3.3 with HMAC-MD5-96, as keepalived takes it: a unicast packet's TTL counts as changing on its way."""
    packet = bytearray(advert.octets[14:])
    packet[1] = 0
    packet[6:8] = packet[10:12] = bytes(2)
    if not advert.destination.is_multicast:
        packet[8] = 0
    packet[32:44] = bytes(12)
    return hmac.digest(PASSWORD, packet, md5)[:12]


@every(*KINDS)
def test_both_daemons_announce_the_same_addresses_in_the_same_order(recordings: dict[str, Recording], kind: Kind) -> None:
    ours, theirs = (recordings[router].announcements(kind) for router in reversed(ROUTERS))
    assert [one.octets for one in ours] == [one.octets for one in theirs]
    assert [one.address for one in ours] == [*kind.addresses] * ROUNDS


@every(*KINDS)
def test_both_daemons_give_the_kernel_the_same_addresses(recordings: dict[str, Recording], kind: Kind) -> None:
    ours, theirs = (
        [{word: recordings[router].held[str(one)].get(word) for word in (*COMPARED, "dev")} for one in kind.addresses]
        for router in reversed(ROUTERS)
    )
    assert ours == theirs


@every(*OF_IPV6)
def test_addresses_of_ipv6_wait_for_no_duplicate(recording: Recording, kind: Kind) -> None:
    of_ipv6 = [recording.held[str(one)] for one in kind.addresses if one.version == 6]
    assert [one for one in of_ipv6 if one.get("tentative")] == []


def test_nobody_is_asked_whether_a_virtual_address_is_free(recording: Recording) -> None:
    assert searched_for_duplicates(recording.frames).isdisjoint(address for kind in KINDS for address in kind.addresses)


def test_nothing_is_left_after_the_end(recording: Recording) -> None:
    assert recording.left == set()
