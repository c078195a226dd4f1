"""What becomes of two routers with every kind of virtual router, step by step, and what passed the wire in each.

The first host has priority 100 and the second 50. Each step builds on the one before it, and is over when those have the
addresses that are to have them, and have told everybody so.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields

from netns_lab.namespaces import Lab
from netns_lab.sniffer import Frame
from netns_lab.topology import Address
from netns_lab.waiting import wait_for
from tests.interop.every_kind import FIRST, GROUPED, KINDS, NO_PREEMPTION, PRIORITIES, RELOADED, SECOND, TRACKING, Kind
from tests.interop.members import HOLDERS_S, Member, Wiretap
from tests.interop.wire import SOURCE_MAC, Advert, Announcement, adverts, announcements

ROUNDS = 5
"""`garp_master_repeat`."""
LESSENED = {FIRST: 40, SECOND: 30}
"""What reloading first makes of the priorities: by it the first router gives way, and then the second."""
RAISED = {FIRST: 90, SECOND: 60}
"""And what it makes of them after that: the second takes the place of the first, and then the first has it back."""

USUAL = re.compile(
    r"\S+ \S+: ("
    r"router runs with .*|started: .*|stopping: .*|stopped|router stopped|reloaded: .*|"
    r"sync group together: [A-Z]+ -> [A-Z]+|"
    r"\(\S+\) eth[01] vrid \d+: ("
    r"[A-Z]+ -> [A-Z]+: .*|effective priority \d+ -> \d+|master \S+ has priority \d+, ours is \d+: it will be replaced|"
    r"\S+ is master too, its priority \d+, ours \d+: forcing a new election))"
)
"""All that vrrpd has to say when nothing is wrong. One that yields has the last word, which another takes for an election."""


def unusual(vrrpd: Member) -> list[str]:
    """What a vrrpd has said beside that."""
    return [line for line in vrrpd.daemon.log().splitlines() if not USUAL.fullmatch(line)]


def sender(seen: Advert | Announcement) -> int:
    """Which host it came from: its number ends its hardware addresses."""
    return seen.octets[SOURCE_MAC][-1]


@dataclass(frozen=True)
class Episode:
    """One thing that was done, as the wire saw it."""

    begin_s: float
    """Before it was done, by the clock of the frames."""
    frames: list[Frame]

    def adverts(self, kind: Kind) -> list[Advert]:
        """Those of one virtual router."""
        mine = (kind.family, kind.virtual_router_id)
        return [advert for advert in adverts(self.frames) if (advert.source.version, advert.virtual_router_id) == mine]

    def adverts_of(self, host: int, kind: Kind) -> list[Advert]:
        """What one host sent of them."""
        return [advert for advert in self.adverts(kind) if sender(advert) == host]

    def announced_by(self, host: int) -> Counter[Address]:
        """How often one host announced each address."""
        return Counter(one.address for one in announcements(self.frames) if sender(one) == host)

    def masters(self, kind: Kind) -> list[int]:
        """The hosts that sent adverts of a virtual router, in the order of their first."""
        return list(dict.fromkeys(map(sender, self.adverts(kind))))


class Pair:
    """The two hosts and who is to hold what."""

    def __init__(self, first: Member, second: Member, wiretap: Wiretap, kinds: Collection[Kind] = KINDS) -> None:
        self.first = first
        self.second = second
        self._kinds = kinds
        self._second_has: Collection[Kind] = ()
        self._wiretap = wiretap
        self.refusals: list[float] = []
        """What a vrrpd had refused, each time that one ended."""
        self.tentative: set[Address] = set()
        """Virtual addresses that were not in use yet when their holder was seen."""

    @property
    def lab(self) -> Lab:
        """Where they are."""
        return self.first.lab

    @property
    def keepalived(self) -> Member:
        """Whoever it is."""
        return self.first if self.first.router == "keepalived" else self.second

    @property
    def vrrpd(self) -> Member:
        """The other one."""
        return self.second if self.first.router == "keepalived" else self.first

    def begin(self) -> None:
        """Both daemons at work, the first being master of all."""
        self.first.start()
        self._wait_for_holders(second_has=())
        self.second.start()
        self.second.wait_until_listening(self._kinds)

    def record(self, act: Callable[[], object]) -> Episode:
        """Do something, and keep what passed meanwhile."""
        self._wiretap.frames()
        begin_s = time.time()
        act()
        return Episode(begin_s, self._wiretap.frames())

    def observe(self, act: Callable[[], object], second_has: Collection[Kind]) -> Episode:
        """Do something, wait until the second host is master of these virtual routers, and keep what passed meanwhile."""
        before = self._second_has
        holders = {kind: SECOND if kind in second_has else FIRST for kind in self._kinds}
        moved = {kind: host for kind, host in holders.items() if (kind in second_has) != (kind in before)}

        def act_and_wait() -> None:
            act()
            self._wait_for_holders(second_has)

        episode = self.record(act_and_wait)
        wait_for(lambda: self._is_announced(moved, episode), HOLDERS_S, f"announcements of {[kind.name for kind in moved]}")
        return episode

    def stop(self, member: Member, end: Callable[[], object]) -> None:
        """End a daemon, after a look at what it has counted."""
        if member.router == "vrrpd":
            self.refusals.append(member.statistics.metric("vrrpd_adverts_rejected_total"))
            self.refusals.append(member.statistics.metric("vrrpd_unknown_virtual_router_adverts_total"))
        end()

    def _is_announced(self, moved: Mapping[Kind, int], episode: Episode) -> bool:
        """Whether each address was announced often enough by its new holder, which begins when it is there already."""
        episode.frames.extend(self._wiretap.frames())
        counted = {host: episode.announced_by(host) for host in set(moved.values())}
        return all(counted[host][address] >= ROUNDS for kind, host in moved.items() for address in kind.addresses)

    def _wait_for_holders(self, second_has: Collection[Kind]) -> None:
        """Until the second host has the addresses of these virtual routers, the first all others, and neither any more."""
        others = {address for kind in self._kinds if kind not in second_has for address in kind.addresses}
        theirs = {address for kind in second_has for address in kind.addresses}
        wanted: dict[Member, set[Address]] = {self.first: others, self.second: theirs}
        wait_for(
            lambda: all(member.addresses() == member.own_addresses | mine for member, mine in wanted.items()),
            HOLDERS_S,
            f"{[kind.name for kind in second_has]} at {self.second}, all others at {self.first}",
        )
        self._second_has = second_has
        self.tentative |= self.first.tentative() & others | self.second.tentative() & theirs


@dataclass(frozen=True)
class Story:
    """All steps, in their order."""

    pair: Pair
    stop: Episode
    """The first is stopped in good order."""
    homecoming: Episode
    """It is started again, while the second is a living master."""
    lost_track: Episode
    """What the first tracks goes down."""
    found_track: Episode
    """And comes up again."""
    lost_link: Episode
    """The first loses the link of one member of its sync group."""
    found_link: Episode
    """And has it again."""
    first_lessened: Episode
    """The first, a master, is told by a reload of less priority than the second has."""
    second_lessened: Episode
    """So is the second, which is master by that."""
    second_raised: Episode
    """The second, a backup again, is told of more priority than the first has."""
    first_raised: Episode
    """So is the first."""
    second_stop: Episode
    """The second is stopped, and is master of what the first may not take from it."""
    crash: Episode
    """The second is back, and the first loses its power."""
    end: Episode
    """The second is stopped, and nobody is there to follow it."""

    def episodes(self) -> Iterator[Episode]:
        """All of them, in their order."""
        return (value for field in fields(self) if isinstance(value := getattr(self, field.name), Episode))

    def said(self, kind: Kind) -> Mapping[tuple[int, int], set[bytes]]:
        """All adverts of a virtual router by sender and priority, less what counts up or is drawn."""
        said = defaultdict(set)
        for episode in self.episodes():
            for advert in episode.adverts(kind):
                said[sender(advert), advert.priority].add(advert.constant)
        return said


def tell(pair: Pair) -> Story:
    """Begin, and go through all steps. A step that does not end as it is to raises TimeoutError."""
    first, second, held_back = pair.first, pair.second, [NO_PREEMPTION]
    pair.begin()
    return Story(
        pair,
        stop=pair.observe(lambda: pair.stop(first, first.daemon.stop), second_has=KINDS),
        homecoming=pair.observe(first.start, held_back),
        lost_track=pair.observe(first.lose_track, [*held_back, TRACKING]),
        found_track=pair.observe(first.find_track, held_back),
        lost_link=pair.observe(first.lose_link, [*held_back, *GROUPED]),
        found_link=pair.observe(first.find_link, held_back),
        first_lessened=pair.observe(lambda: _reload(first, PRIORITIES, LESSENED), [*held_back, *RELOADED]),
        second_lessened=pair.observe(lambda: _reload(second, PRIORITIES, LESSENED), held_back),
        second_raised=pair.observe(lambda: _reload(second, LESSENED, RAISED), [*held_back, *RELOADED]),
        first_raised=pair.observe(lambda: _reload(first, LESSENED, RAISED), held_back),
        second_stop=pair.observe(lambda: pair.stop(second, second.daemon.stop), second_has=()),
        crash=_crash(pair),
        end=pair.record(lambda: pair.stop(second, second.daemon.stop)),
    )


def _reload(member: Member, before: Mapping[int, int], after: Mapping[int, int]) -> None:
    """Have a daemon read its file again, with another priority for some virtual routers."""
    own = member.own
    member.reload(*((kind.text(own, before[own]), kind.text(own, after[own])) for kind in RELOADED))


def _crash(pair: Pair) -> Episode:
    written = len(pair.second.daemon.log())
    pair.second.start()
    pair.second.wait_until_listening(KINDS, after=written)
    return pair.observe(lambda: pair.stop(pair.first, pair.first.lose_power), second_has=KINDS)
