"""One virtual router: packets, events and the time go in, actions come out.

The caller reads the clock and owns the sockets. It calls `on_event`, `on_packet` and, when `deadline` is reached, `on_timer`,
each with the time, and does what `actions` then lists, in that order::

    instance.on_packet(datagram, now_s)
    for action in instance.actions():
        ...
    sleep until instance.deadline()

Rules are those of RFC 3768 section 6.4 with keepalived's behaviour where the two differ, and three of our own, told where they
stand: how a master yields (`_leave_master`), in which order a new one begins (`_enter_master`), and how one that is stopped
hands over (`_relinquish`).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from vrrpd.config.model import HandOver, VirtualRouter
from vrrpd.protocol.acceptance import COUNTER_NAMES, Rejection, addresses_differ, rejection, seen_and_expected
from vrrpd.protocol.actions import (
    Action,
    Announce,
    Cause,
    HoldAddresses,
    Notice,
    NoticeKind,
    Oddity,
    ReleaseAddresses,
    SendAdvert,
    Transition,
)
from vrrpd.protocol.adverts import OwnAdverts
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.events import Event, FaultCleared, FaultRaised, Reconfigured, Shutdown, SourceChanged, Start
from vrrpd.protocol.packet import PacketFault, Parsed, parse, source_address, virtual_router_id
from vrrpd.protocol.states import Guard, Happening, State, next_state
from vrrpd.protocol.timers import (
    LEAVER_GONE_S,
    LONGEST_SKEW_S,
    SUCCESSOR_GRACE_S,
    Timer,
    Timers,
    master_down_interval_s,
    skew_time_s,
)

OWNER_PRIORITY = 255
"""The router whose own addresses these are (RFC 3768 section 5.3.4): it waits for nobody."""
NOTICE_PAUSE_S = 60.0
"""Another master makes old problems news again, but not sooner than this after the last news. A backup that hears two masters
in turn, because they do not hear each other, would otherwise fill a line of the log with each advert."""
HAND_OVER_GUARDS = {
    HandOver.MAKE_BEFORE_BREAK: Guard.MAKE_BEFORE_BREAK,
    HandOver.BREAK_BEFORE_MAKE: Guard.BREAK_BEFORE_MAKE,
}
TAKING_PART = frozenset({State.BACKUP, State.MASTER, State.RELINQUISHING})
HOLDING = frozenset({State.MASTER, State.RELINQUISHING})


@dataclass(frozen=True, slots=True)
class _Heard:
    """An advert that was heard: from whom, with which priority, and when."""

    address: IPv4Address
    priority: int
    at_s: float


class Instance:
    """The state machine of one virtual router."""

    def __init__(self, router: VirtualRouter) -> None:
        self._router = router
        self._adverts = OwnAdverts(router)
        self._state = State.INITIALIZE
        self._counters = Counters()
        self._timers = Timers()
        self._actions: list[Action] = []
        self._noticed: set[NoticeKind] = set()
        self._noticed_s = 0.0
        """Since when problems are collected in `_noticed`."""
        self._faults: set[str] = set()
        self._found_source: IPv4Address | None = None
        self._last_transition_s = 0.0
        self._second_set_repeat = 0
        # What is known of the others by a backup, and by a master that gave up; a change of state forgets it.
        self._master: _Heard | None = None
        self._leaver: _Heard | None = None
        """Who gave up with priority 0, while nobody else was heard."""
        self._lower_master: _Heard | None = None
        """The last advert that was discarded because we may preempt its sender."""
        self._preempt_from_s: float | None = None
        """When `preempt_delay` ends; None until a lower priority was heard."""

    @property
    def router(self) -> VirtualRouter:
        """The configuration in force."""
        return self._router

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._state

    @property
    def priority(self) -> int:
        """The effective priority, 1 to 255."""
        return self._router.priority

    @property
    def counters(self) -> Counters:
        """What it counted; to be read only."""
        return self._counters

    @property
    def holds_addresses(self) -> bool:
        """Whether the addresses should be on the interface: on a master, until it has let go, and nowhere else."""
        return self._state in HOLDING

    @property
    def master_address(self) -> IPv4Address | None:
        """Who is master, as far as is known: our own source, or the sender of the last advert that was used."""
        if self._state is State.MASTER:
            return self._source
        return self._master.address if self._master else None

    @property
    def master_priority(self) -> int | None:
        """The priority of `master_address`."""
        if self._state is State.MASTER:
            return self.priority
        return self._master.priority if self._master else None

    @property
    def master_down_interval_s(self) -> float:
        """How long a master may be silent."""
        return self._master_down_interval_s(self.priority)

    @property
    def last_transition_s(self) -> float:
        """When the state changed last, by the caller's clock; 0 before the first time."""
        return self._last_transition_s

    def deadline(self) -> float | None:
        """When `on_timer` is to be called next; None while nothing is waited for. It may change with every call."""
        return self._timers.next_s()

    def actions(self) -> list[Action]:
        """What is to be done since the last time this was asked, in order. One call adds at most a handful."""
        drained, self._actions = self._actions, []
        return drained

    # ------------------------------------------------------------------------------------------------------- events

    def on_event(self, event: Event, now_s: float) -> None:
        """Take in what happened. A second `Start` without a `Shutdown` between raises `IllegalTransitionError`."""
        match event:
            case Start():
                self._start(event, now_s)
            case FaultRaised(reason):
                self._faults.add(reason)
                self._review_faults(Cause.INTERFACE_DOWN, Cause.INTERFACE_UP, now_s)
            case FaultCleared(reason):
                self._faults.discard(reason)
                self._review_faults(Cause.INTERFACE_DOWN, Cause.INTERFACE_UP, now_s)
            case SourceChanged(address):
                self._found_source = address
                self._review_faults(Cause.NO_PRIMARY_IP_ADDRESS, Cause.PRIMARY_IP_ADDRESS, now_s)
            case Reconfigured(router):
                self._reconfigure(router, now_s)
            case Shutdown() if self._state is State.MASTER:
                self._move(Happening.SHUTDOWN, HAND_OVER_GUARDS[self._router.hand_over], Cause.SHUTDOWN, now_s)
            case Shutdown() if self._state in (State.BACKUP, State.FAULT):
                self._move(Happening.SHUTDOWN, Guard.ALWAYS, Cause.SHUTDOWN, now_s)

    def _start(self, start: Start, now_s: float) -> None:
        if self._is_faulty:
            cause = Cause.INTERFACE_DOWN if self._faults else Cause.NO_PRIMARY_IP_ADDRESS
            self._move(Happening.START, Guard.FAULTY, cause, now_s)
        elif start.resume_master:
            self._move(Happening.START, Guard.RESUMING, Cause.RESUMED, now_s)
        elif self.priority == OWNER_PRIORITY:
            self._move(Happening.START, Guard.OWNER, Cause.STARTUP, now_s)
        else:
            self._move(Happening.START, Guard.OTHERWISE, Cause.STARTUP, now_s)

    def _review_faults(self, raised: Cause, cleared: Cause, now_s: float) -> None:
        if self._is_faulty and self._state in TAKING_PART:
            self._move(Happening.FAULT_RAISED, Guard.ALWAYS, raised, now_s)
        elif not self._is_faulty and self._state is State.FAULT:
            self._move(Happening.FAULT_CLEARED, Guard.LAST_FAULT, cleared, now_s)

    def _reconfigure(self, router: VirtualRouter, now_s: float) -> None:
        """A reload changes what is said and waited for, never the state (but for a source address that is gone or found)."""
        before, state_before, wait_before_s = self._router, self._state, self._backup_wait_s
        self._router = router
        if router == before:
            return
        self._adverts.reconfigure(router)
        self._forget_notices(now_s)
        self._review_faults(Cause.NO_PRIMARY_IP_ADDRESS, Cause.PRIMARY_IP_ADDRESS, now_s)
        if self._state is not state_before:
            return
        if self._state is State.BACKUP:
            self._timers.move(Timer.MASTER_DOWN, self._backup_wait_s - wait_before_s, now_s)
        elif self._state is State.MASTER:
            if (router.addresses, router.excluded_addresses) != (before.addresses, before.excluded_addresses):
                self._actions.append(HoldAddresses())
                self._announce_twice(router.announcements.repeat, router.announcements.delay_s, now_s)
            if router.announcements.refresh_s != before.announcements.refresh_s:
                self._schedule_refresh(now_s)
            self._send_advert_now(now_s)  # the peers learn what changed, and the interval counts from here

    # ------------------------------------------------------------------------------------------------------- packets

    def on_packet(self, datagram: bytes, now_s: float) -> None:
        """Take in an IPv4 packet as the raw socket gave it. Never raises, whatever is in it."""
        if self._state not in TAKING_PART or virtual_router_id(datagram) not in (None, self._router.virtual_router_id):
            return
        heard = parse(datagram)
        if isinstance(heard, PacketFault):
            if self._refuse(heard):
                sender = source_address(datagram) or "an unknown sender"
                self._actions.append(Notice(heard, f"dropped a packet of {sender}: {heard.value}"))
            return
        if heard.source == self._source:
            if self._is_first(Oddity.OWN_ADDRESS_HEARD):
                text = f"heard an advert from our own address {heard.source}: it came back, or somebody else has the address"
                self._actions.append(Notice(Oddity.OWN_ADDRESS_HEARD, text))
            return
        ours, group = self._adverts.advertisement, self._router.multicast_group
        refusal = rejection(heard, ours, group)
        if refusal is not None:
            if self._refuse(refusal):
                detail = seen_and_expected(refusal, heard, ours, group)
                self._actions.append(Notice(refusal, f"dropped an advert of {heard.source}: {refusal.value} ({detail})"))
            return
        self._counters.advertisements_received += 1
        if heard.advertisement.priority == 0:
            self._counters.priority_zero_received += 1
        advert = _Heard(heard.source, heard.advertisement.priority, now_s)
        if self._state is State.MASTER:
            self._heard_as_master(advert, now_s)
        elif self._state is State.BACKUP:
            self._heard_as_backup(advert, now_s)
        else:
            self._heard_as_leaver(advert, now_s)
        if addresses_differ(heard.advertisement, ours):  # told last: a new master's list is news again
            self._report_address_list(heard)

    def _heard_as_backup(self, advert: _Heard, now_s: float) -> None:
        if advert.priority == 0:
            self._leaver, self._lower_master = advert, None
            self._timers.set(Timer.MASTER_DOWN, now_s + self._backup_wait_s)
            return
        new_master = self._master is None or advert.address != self._master.address
        if new_master and now_s - self._noticed_s >= NOTICE_PAUSE_S:
            self._forget_notices(now_s)
        self._master = advert
        if advert.priority >= self.priority:  # between equals only a master looks at addresses
            self._preempt_from_s = None
        elif self._may_preempt(now_s):
            self._lower_master = advert
            if self._is_first(Oddity.LOWER_PRIORITY_DISCARDED):
                text = f"master {advert.address} has priority {advert.priority}, ours is {self.priority}: it will be replaced"
                self._actions.append(Notice(Oddity.LOWER_PRIORITY_DISCARDED, text))
            return
        self._leaver = self._lower_master = None
        self._timers.set(Timer.MASTER_DOWN, now_s + self._backup_wait_s)

    def _may_preempt(self, now_s: float) -> bool:
        """Whether a master of lower priority, heard now, is to be ignored. The first one starts `preempt_delay`."""
        if not self._router.preempt:
            return False
        if self._preempt_from_s is None:
            delay_s = 0.0 if self.priority == OWNER_PRIORITY else self._router.preempt_delay_s
            self._preempt_from_s = now_s + delay_s
        return now_s >= self._preempt_from_s

    def _heard_as_master(self, advert: _Heard, now_s: float) -> None:
        source = self._source
        assert source is not None  # else it were in FAULT
        if advert.priority == 0:
            self._send_advert_now(now_s)
        elif advert.priority > self.priority:
            self._move(Happening.ADVERT, Guard.HIGHER_PRIORITY, Cause.HIGHER_PRIORITY_MASTER, now_s, advert)
        elif advert.priority == self.priority and advert.address > source:
            guard, cause = Guard.EQUAL_PRIORITY_HIGHER_ADDRESS, Cause.EQUAL_PRIORITY_HIGHER_ADDRESS
            self._move(Happening.ADVERT, guard, cause, now_s, advert)
        else:
            self._force_election(advert, now_s)

    def _force_election(self, lower: _Heard, now_s: float) -> None:
        """Tell a lesser master that it is one, and everybody else whose addresses these are."""
        if self._is_first(Oddity.LOWER_PRIORITY_MASTER):
            text = f"{lower.address} is master too, its priority {lower.priority}, ours {self.priority}: forcing a new election"
            self._actions.append(Notice(Oddity.LOWER_PRIORITY_MASTER, text))
        if not self._router.lower_priority_no_advert:
            self._send_advert_now(now_s)
        announcements = self._router.announcements
        if announcements.lower_priority_repeat:
            self._announce_twice(announcements.lower_priority_repeat, announcements.lower_priority_delay_s, now_s)

    def _heard_as_leaver(self, advert: _Heard, now_s: float) -> None:
        """The first master that speaks, of whatever priority, is the new one; another router's farewell is none."""
        if advert.priority == 0 or self._master is not None:
            return
        self._master = advert
        self._timers.set(Timer.HAND_OVER, now_s + SUCCESSOR_GRACE_S)

    def _refuse(self, reason: PacketFault | Rejection) -> bool:
        """Count a packet that is dropped. Whether that is to be told; only then is it worth a sentence."""
        counter = COUNTER_NAMES[reason]
        if counter is not None:
            self._counters.increment(counter)
        return self._is_first(reason)

    def _report_address_list(self, heard: Parsed) -> None:
        self._counters.address_list_errors += 1
        if self._is_first(Oddity.ADDRESS_LIST_MISMATCH):
            theirs = set(heard.advertisement.addresses)
            ours = set(self._adverts.advertisement.addresses)
            text = (
                f"{heard.source} advertises {len(heard.advertisement.addresses)} addresses that are not our "
                f"{len(self._adverts.advertisement.addresses)}: {len(theirs - ours)} only there, {len(ours - theirs)} only here"
            )
            self._actions.append(Notice(Oddity.ADDRESS_LIST_MISMATCH, text))

    def _is_first(self, kind: NoticeKind) -> bool:
        """Whether a problem is new since the state or the master changed: each fills one line of the log, not one a second."""
        if kind in self._noticed:
            return False
        self._noticed.add(kind)
        return True

    def _forget_notices(self, now_s: float) -> None:
        self._noticed.clear()
        self._noticed_s = now_s

    # ------------------------------------------------------------------------------------------------------- time

    def on_timer(self, now_s: float) -> None:
        """Do what is due. Called too early it does nothing; called late it does each thing once."""
        if self._timers.is_due(Timer.MASTER_DOWN, now_s):
            self._take_over(now_s)
        if self._timers.is_due(Timer.ADVERT, now_s):
            self._send_advert()
            self._timers.repeat(Timer.ADVERT, self._router.advert_interval_s, now_s)
        if self._timers.is_due(Timer.SECOND_ANNOUNCEMENT, now_s):
            self._timers.clear(Timer.SECOND_ANNOUNCEMENT)
            self._actions.append(Announce(self._second_set_repeat))
        if self._timers.is_due(Timer.ANNOUNCEMENT_REFRESH, now_s):
            self._actions.append(Announce(self._router.announcements.refresh_repeat))
            self._timers.repeat(Timer.ANNOUNCEMENT_REFRESH, self._router.announcements.refresh_s, now_s)
        if self._timers.is_due(Timer.LEAVER_GONE, now_s):
            self._timers.clear(Timer.LEAVER_GONE)
            self._actions.append(Announce(1))
        if self._timers.is_due(Timer.HAND_OVER, now_s):
            cause = Cause.HANDED_OVER if self._master else Cause.NO_SUCCESSOR
            self._move(Happening.HAND_OVER_TIMER, Guard.ALWAYS, cause, now_s, self._master)

    def _take_over(self, now_s: float) -> None:
        lower = self._lower_master
        if lower is not None and now_s - lower.at_s < self._master_down_interval_s(lower.priority):
            cause, sender = Cause.LOWER_PRIORITY_MASTER, lower
        elif self._leaver is not None:
            cause, sender = Cause.PRIORITY_ZERO, self._leaver
        else:
            cause, sender = Cause.MASTER_TIMEOUT, None
        self._move(Happening.MASTER_DOWN_TIMER, Guard.ALWAYS, cause, now_s, sender)

    # -------------------------------------------------------------------------------------------------- transitions

    def _move(self, happening: Happening, guard: Guard, cause: Cause, now_s: float, sender: _Heard | None = None) -> None:
        """The one way from state to state: leave the old one, enter the new one, tell."""
        old, new = self._state, next_state(self._state, happening, guard)
        self._timers.clear_all()
        self._forget_notices(now_s)
        self._leaver = self._lower_master = self._preempt_from_s = None
        self._master = sender if new is State.BACKUP else None
        if old is State.MASTER:
            self._leave_master(new)
        elif old is State.RELINQUISHING:
            self._actions.append(ReleaseAddresses())
        elif old is State.INITIALIZE and new is not State.MASTER:
            self._actions.append(ReleaseAddresses())  # what an earlier run may have left
        if new is State.MASTER:
            self._enter_master(cause, now_s)
        elif new is State.BACKUP:
            owner_returns = old is State.FAULT and self.priority == OWNER_PRIORITY
            wait_s = self._router.advert_interval_s + skew_time_s(self.priority) if owner_returns else self._backup_wait_s
            self._timers.set(Timer.MASTER_DOWN, now_s + wait_s)
        elif new is State.RELINQUISHING:
            self._relinquish(now_s)
        self._state = new
        self._last_transition_s = now_s
        from_whom = (sender.address, sender.priority) if sender else (None, None)
        self._actions.append(Transition(old, new, cause, *from_whom))

    def _enter_master(self, cause: Cause, now_s: float) -> None:
        """Speak, hold, announce; in place of a master that still works: hold, announce, speak.

        After a silent master the advert comes first, as in keepalived, because it tells other backups that the race is over.
        A living master must not go before clients find the new one, and our advert is what makes it go.

        One that said farewell may serve on until it hears us, and answer whoever asks for the addresses meanwhile. So they are
        announced once more when it must be gone.
        """
        self._counters.became_master += 1
        announcements = self._router.announcements
        preempts = cause is Cause.LOWER_PRIORITY_MASTER
        if not preempts:
            self._send_advert_now(now_s)
        self._actions.append(HoldAddresses())
        # Nobody who hears us now ever heard of another master, so one set does after a restart.
        second_after_s = 0.0 if cause is Cause.RESUMED else announcements.delay_s
        self._announce_twice(announcements.repeat, second_after_s, now_s)
        self._schedule_refresh(now_s)
        if preempts:
            self._send_advert_now(now_s)
        if cause is Cause.PRIORITY_ZERO:
            self._timers.set(Timer.LEAVER_GONE, now_s + LEAVER_GONE_S)

    def _leave_master(self, new: State) -> None:
        """Say so if nobody takes our place yet, and yield to a better master with one last advert as it is.

        The last advert is ours alone: neither RFC 3768 nor keepalived has it (`higher_prio_send_advert` asks keepalived for the
        same and changes nothing here). When two masters meet after a partition and the worse one steps down without a word, the
        better one never learns that there was another, so nobody sends gratuitous ARP, and clients keep the wrong hardware
        address until their own neighbour check: 43 s were measured with keepalived on both sides. A master that hears a worse
        one announces itself, so the worse one makes itself heard.
        """
        self._counters.released_master += 1
        if new is State.BACKUP:
            self._send_advert()
        elif self._source is not None:
            self._counters.advertisements_sent += 1
            self._counters.priority_zero_sent += 1
            self._actions.append(SendAdvert(self._adverts.farewell(self._source), 0))
        if new is not State.RELINQUISHING:
            self._actions.append(ReleaseAddresses())

    def _relinquish(self, now_s: float) -> None:
        """After the farewell, serve on until another master has been heard or nobody can come any more; say nothing meanwhile.

        RFC 3768 and keepalived let go with the farewell, and nobody serves for the skew time of the next master (805 ms with
        priority 50). The price is that two hold the addresses at once, for `SUCCESSOR_GRACE_S`.
        """
        self._timers.set(Timer.HAND_OVER, now_s + LONGEST_SKEW_S + SUCCESSOR_GRACE_S)

    # ------------------------------------------------------------------------------------------------------- pieces

    @property
    def _source(self) -> IPv4Address | None:
        """Whom our adverts come from: the configured address, else the one that the interface has."""
        configured = self._router.source_address
        return configured if isinstance(configured, IPv4Address) else self._found_source

    @property
    def _is_faulty(self) -> bool:
        return bool(self._faults) or self._source is None

    @property
    def _backup_wait_s(self) -> float:
        """How long a backup waits from the last advert that counted: the skew alone if that one was a farewell."""
        return skew_time_s(self.priority) if self._leaver else self.master_down_interval_s

    def _master_down_interval_s(self, priority: int) -> float:
        return master_down_interval_s(priority, self._router.advert_interval_s, self._router.down_timer_adverts)

    def _send_advert(self) -> None:
        assert self._source is not None  # who speaks is master, and a master without a source is in FAULT
        self._counters.advertisements_sent += 1
        self._actions.append(SendAdvert(self._adverts.datagram(self._source), self.priority))

    def _send_advert_now(self, now_s: float) -> None:
        """An advert out of turn; the next one is due a whole interval later."""
        self._send_advert()
        self._timers.set(Timer.ADVERT, now_s + self._router.advert_interval_s)

    def _announce_twice(self, repeat: int, second_after_s: float, now_s: float) -> None:
        """One set of announcements at once and one after a delay, in place of one that still waits; 0 s asks for none."""
        self._actions.append(Announce(repeat))
        if second_after_s > 0:
            self._second_set_repeat = repeat
            self._timers.set(Timer.SECOND_ANNOUNCEMENT, now_s + second_after_s)

    def _schedule_refresh(self, now_s: float) -> None:
        self._timers.clear(Timer.ANNOUNCEMENT_REFRESH)
        if self._router.announcements.refresh_s > 0:
            self._timers.set(Timer.ANNOUNCEMENT_REFRESH, now_s + self._router.announcements.refresh_s)
