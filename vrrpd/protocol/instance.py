"""One virtual router: packets, events and the time go in, actions come out.

The caller reads the clock and owns the sockets. It calls `on_event`, `on_packet` and, when `deadline` is reached, `on_timer`,
each with the time, and does what `actions` then lists, in that order::

    instance.on_packet(datagram, now_s)
    for action in instance.actions():
        ...
    sleep until instance.deadline()

Rules are those of RFC 3768 and RFC 9568, section 6.4, with keepalived's behaviour where they differ, and some of our own, told
where they stand: how a master yields (`_let_go`), in which order a new one begins (`_enter_master`), how one that is stopped
hands over (`_relinquish`), and what one does that has slept (`_wake`).
"""

from __future__ import annotations

from vrrpd.config.model import HandOver, VirtualRouter
from vrrpd.protocol import reports
from vrrpd.protocol.actions import Cause, HoldAddresses, Oddity, Probe, WantsMaster
from vrrpd.protocol.events import (
    AddressAnswered,
    AdjustmentChanged,
    AdvertsNumbered,
    AnnounceAgain,
    BecomeMaster,
    ClockSet,
    Event,
    Failover,
    FaultCleared,
    FaultRaised,
    FollowGroup,
    Reconfigured,
    Shutdown,
    SourceChanged,
    Start,
)
from vrrpd.protocol.hearing import Hearing
from vrrpd.protocol.lateness import listening_time_s, slept_over
from vrrpd.protocol.machine import GROUP_FAULT, TAKING_PART
from vrrpd.protocol.peers import Speaker
from vrrpd.protocol.states import Guard, Happening, State
from vrrpd.protocol.timers import LEAVER_GONE_S, Timer

PROBE_PAUSE_S = 0.1
"""Fast adverts are not all led by a probe: a healed partition need not be noticed sooner than people can."""
ADVERT_FOLLOWS_S = 0.1
"""Who takes our place may hold the addresses and say so before its advert is here (`_enter_master`); keepalived's advert comes
first, but not by much. Only an answer that no better advert has followed by then is one to defend ourselves against."""
ALARM_AFTER_S = 1.0
"""A busy host that takes our place may be slower than that. To defend ourselves against it does no harm, a false alarm does.
Until then no other answer is minded, so that there is one defence a second at most (RFC 5227 section 2.4 asks for a bound)."""
HAND_OVER_GUARDS = {
    HandOver.MAKE_BEFORE_BREAK: Guard.MAKE_BEFORE_BREAK,
    HandOver.BREAK_BEFORE_MAKE: Guard.BREAK_BEFORE_MAKE,
}


class Instance(Hearing):
    """The state machine of one virtual router. Packets of other virtual routers are for its caller to keep away."""

    # ------------------------------------------------------------------------------------------------------- events

    def on_event(self, event: Event, now_s: float) -> None:
        """Take in what happened. A second `Start` without a `Shutdown` between raises `IllegalTransitionError`."""
        match event:
            case Start():
                self._start(event, now_s)
            case FaultRaised(reason, cause):
                self._faults[reason] = cause
                self._review_faults(cause, now_s, reason)
            case FaultCleared(reason, cause):
                self._faults.pop(reason, None)
                self._review_faults(cause, now_s, reason)
            case SourceChanged(address):
                self._found_source = address
                self._review_source(now_s)
            case Reconfigured(router):
                self._wake(now_s)
                self._reconfigure(router, now_s)
            case AdjustmentChanged(name, adjustment):
                before, wait_before_s = self.priority, self._backup_wait_s
                self._priority.adjust(name, adjustment)
                self._mind_priority(before, wait_before_s, now_s)
            case ClockSet(unix_offset_s):
                self._unix_offset_s = unix_offset_s
            case AdvertsNumbered(last):
                self._wire.go_on_after(last, now_s + self._unix_offset_s)
            case AddressAnswered():
                self._wake(now_s)
                self._mind_answer(event, now_s)
            case Failover() | Shutdown():
                self._give_up(event, now_s)
            case _:
                self._on_group_event(event, now_s)

    def _on_group_event(self, event: BecomeMaster | FollowGroup | AnnounceAgain, now_s: float) -> None:
        match event:
            case BecomeMaster(cause):
                self._become_master(cause, now_s)
            case FollowGroup(state, cause):
                self._follow_group(state, cause, now_s)
            case _:
                self._wake(now_s)
                if self._state is State.MASTER:
                    self._announce_against_lesser(self._router.announcements.lower_priority_repeat, now_s)

    def _start(self, start: Start, now_s: float) -> None:
        if self._is_faulty:
            reason, cause = next(iter(self._faults.items()), ("", Cause.NO_PRIMARY_IP_ADDRESS))
            self._move(Happening.START, Guard.FAULTY, cause, now_s, detail=reason)
        elif start.resume_master:
            self._move(Happening.START, Guard.RESUMING, Cause.RESUMED, now_s)
        elif self._priority.is_owner and not self.in_group:
            self._move(Happening.START, Guard.OWNER, Cause.STARTUP, now_s)
        else:
            self._move(Happening.START, Guard.OTHERWISE, Cause.STARTUP, now_s)

    def _review_faults(self, cause: Cause, now_s: float, reason: str = "") -> None:
        """Go to FAULT or come back, if `cause` has made that necessary or possible."""
        if self._is_faulty and self._state in TAKING_PART:
            stopping = self._state is State.RELINQUISHING and not self._stays
            self._move(Happening.FAULT_RAISED, Guard.STOPPING if stopping else Guard.STAYING, cause, now_s, detail=reason)
        elif not self._is_faulty and self._state is State.FAULT:
            self._move(Happening.FAULT_CLEARED, Guard.LAST_FAULT, cause, now_s, detail=reason)

    def _review_source(self, now_s: float) -> None:
        self._review_faults(Cause.PRIMARY_IP_ADDRESS if self._source else Cause.NO_PRIMARY_IP_ADDRESS, now_s)

    def _reconfigure(self, router: VirtualRouter, now_s: float) -> None:
        """A reload changes what is said and waited for, never the state (but for a source address that is gone or found)."""
        before, state_before, wait_before_s = self._router, self._state, self._backup_wait_s
        self._router = router
        if router == before:
            return
        self._wire.reconfigure(router)
        self._priority.rebase(router.priority)
        self._notices.forget(now_s)
        self._review_source(now_s)
        if self._state is not state_before:
            return
        addresses_changed = (router.addresses, router.excluded_addresses) != (before.addresses, before.excluded_addresses)
        if self._state is State.BACKUP:
            self._timers.move(Timer.MASTER_DOWN, self._backup_wait_s - wait_before_s, now_s)
        elif addresses_changed and self._state in (State.MASTER, State.LISTENING):
            self._actions.append(HoldAddresses())
        if self._state is State.MASTER:
            announcements = router.announcements
            if addresses_changed:
                self._actions.append(self._announcing.twice(announcements.repeat, announcements.delay_s, now_s))
            if announcements.refresh_s != before.announcements.refresh_s:
                self._announcing.schedule_refresh(announcements, now_s)
            self._send_advert_now(now_s)  # the peers learn what changed, and the interval counts from here

    def _give_up(self, event: Failover | Shutdown, now_s: float) -> None:
        """Hand over, to end or to be a backup; in the midst of a hand-over, be told that it is for good."""
        stays = isinstance(event, Failover)
        if self._state in (State.MASTER, State.LISTENING):
            self._stays = self._defers = stays
            happening, cause = (Happening.FAILOVER, Cause.FAILOVER) if stays else (Happening.SHUTDOWN, Cause.SHUTDOWN)
            self._move(happening, HAND_OVER_GUARDS[self._router.hand_over], cause, now_s)
        elif not stays:
            self._stays = self._defers = False
            if self._state in (State.BACKUP, State.FAULT):
                self._move(Happening.SHUTDOWN, Guard.ALWAYS, Cause.SHUTDOWN, now_s)

    def _become_master(self, cause: Cause, now_s: float) -> None:
        if self._state is State.BACKUP:
            own_cause, sender, detail = self._why_master(now_s)
            if cause is not own_cause:
                sender, detail = None, ""
            self._move(Happening.GROUP_MASTER, Guard.ALWAYS, cause, now_s, sender, detail)

    def _follow_group(self, state: State, cause: Cause, now_s: float) -> None:
        if state is State.FAULT:
            self._faults[GROUP_FAULT] = cause
            self._review_faults(cause, now_s)
            return
        self._faults.pop(GROUP_FAULT, None)
        if self._state in (State.MASTER, State.LISTENING):
            self._move(Happening.GROUP_BACKUP, Guard.ALWAYS, cause, now_s)
        else:
            self._review_faults(cause, now_s)

    def _mind_answer(self, answered: AddressAnswered, now_s: float) -> None:
        """Somebody answers for our address: see what follows. Who gave up a moment ago may answer for as long as that takes."""
        if self._state is State.MASTER and self._answered is None and now_s - self._last_transition_s >= LEAVER_GONE_S:
            self._answered = answered
            self._timers.set(Timer.DEFENCE, now_s + ADVERT_FOLLOWS_S)
            self._timers.set(Timer.ALARM, now_s + ALARM_AFTER_S)

    def _defend(self, now_s: float) -> None:
        """Say whose the address is, and make another master hear us."""
        self._timers.clear(Timer.DEFENCE)
        self._announce_against_lesser(max(1, self._router.announcements.lower_priority_repeat), now_s)
        self._send_advert_now(now_s)

    def _sound_of_answer(self, now_s: float) -> None:
        """Tell who answered, and attend to the next answer."""
        answered, self._answered = self._answered, None
        assert answered is not None  # else the timer would not run
        self._timers.clear(Timer.ALARM)
        self._sound(reports.address_in_use(answered.address, answered.mac, self._router), answered.mac, now_s)

    # ------------------------------------------------------------------------------------------------------- time

    def on_timer(self, now_s: float) -> None:
        """Do what is due. Called too early it does nothing; called late it does each thing once."""
        due = self._timers.due(now_s)
        for _, end_s in due:
            self._lateness.observe(now_s - end_s)
        if due:
            self._wake(now_s)
        for timer, end_s in due:
            if self._timers.is_due(timer, now_s):  # unless one before it has stopped it
                self._serve(timer, now_s - end_s, now_s)

    def _serve(self, timer: Timer, late_s: float, now_s: float) -> None:
        match timer:
            case Timer.ADVERT:
                self._probe(now_s)
                self._send_advert(now_s)
                self._timers.repeat(timer, self._router.advert_interval_s, now_s)
            case Timer.MASTER_DOWN | Timer.LISTENING if self._must_listen(late_s):
                self._listen_once(timer, late_s, now_s)
            case Timer.MASTER_DOWN:
                self._take_over(now_s)
            case Timer.LISTENING:
                self._move(Happening.LISTENING_TIMER, Guard.ALWAYS, Cause.NOBODY_HEARD, now_s)
            case Timer.HAND_OVER:
                self._end_hand_over(now_s)
            case Timer.DEFENCE:
                self._defend(now_s)
            case Timer.ALARM:
                self._sound_of_answer(now_s)
            case Timer.PENANCE:
                self._timers.clear(timer)
                before, wait_before_s = self.priority, self._backup_wait_s
                self._priority.do_penance(begins=False)
                self._mind_priority(before, wait_before_s, now_s)
            case _:
                self._actions.append(self._announcing.serve(timer, self._router.announcements, now_s))

    def _probe(self, now_s: float) -> None:
        if self._router.probe_addresses and self._router.addresses:
            if self._router.advert_interval_s < PROBE_PAUSE_S and now_s - self._last_probe_s < PROBE_PAUSE_S:
                return
            self._last_probe_s = now_s
            self._actions.append(Probe())

    def _take_over(self, now_s: float) -> None:
        cause, sender, detail = self._why_master(now_s)
        if not self.in_group:
            self._move(Happening.MASTER_DOWN_TIMER, Guard.ALWAYS, cause, now_s, sender, detail)
            return
        self._wait_anew(now_s)
        self._wants_master = True
        self._actions.append(WantsMaster(cause))

    def _why_master(self, now_s: float) -> tuple[Cause, Speaker | None, str]:
        """Why a backup becomes master now: the cause, who gave it by an advert, and what there is to say."""
        peers = self._peers
        if self._preempts(now_s):
            if self._priority.is_owner:
                return Cause.OWNER_PREEMPT, peers.lower_master, ""
            delayed = self._router.preempt_delay_s > 0
            return Cause.PREEMPT_HOLD_TIMEOUT if delayed else Cause.LOWER_PRIORITY_MASTER, peers.lower_master, ""
        if peers.leaver is not None:
            return Cause.PRIORITY_ZERO, peers.leaver, ""
        silent = peers.master
        detail = f"{silent.address} ({silent.priority}) was silent for {now_s - silent.at_s:.4g} s" if silent else ""
        return Cause.MASTER_TIMEOUT, None, detail

    def _end_hand_over(self, now_s: float) -> None:
        successor = self._peers.master
        guard = Guard.REPLACED if successor else Guard.NOT_REPLACED
        guard = guard if self._stays else Guard.STOPPING
        cause = Cause.HANDED_OVER if successor else Cause.NO_SUCCESSOR
        self._move(Happening.HAND_OVER_TIMER, guard, cause, now_s, successor)

    def _must_listen(self, late_s: float) -> bool:
        return not self._listened and slept_over(late_s, self.master_advert_interval_s)

    def _listen_once(self, timer: Timer, late_s: float, now_s: float) -> None:
        """Do not take over because of our own sleep: adverts may lie in the socket, and others were missed.

        Only once: a machine that is late every time must take over some day.
        """
        self._listened = True
        listening_s = listening_time_s(self.master_advert_interval_s)
        self._timers.set(timer, now_s + listening_s)
        if self._notices.is_first(Oddity.OVERSLEPT):
            self._actions.append(reports.overslept(late_s, listening_s))
