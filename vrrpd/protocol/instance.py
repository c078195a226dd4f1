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

from vrrpd.config.model import Address, HandOver, VirtualRouter
from vrrpd.protocol import reports
from vrrpd.protocol.acceptance import COUNTER_NAMES
from vrrpd.protocol.actions import (
    Action,
    Alarm,
    Cause,
    HoldAddresses,
    LowerPriorityHeard,
    Oddity,
    PriorityChanged,
    Probe,
    ReleaseAddresses,
    SendAdvert,
    Transition,
    WantsMaster,
)
from vrrpd.protocol.announcing import Announcing
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.events import (
    AddressAnswered,
    AdjustmentChanged,
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
from vrrpd.protocol.lateness import Lateness, listening_time_s, slept_over
from vrrpd.protocol.notices import Conflicts, Notices
from vrrpd.protocol.peers import Peers, Speaker
from vrrpd.protocol.priority import OwnPriority
from vrrpd.protocol.states import Guard, Happening, State, next_state
from vrrpd.protocol.timers import (
    LEARNT_INTERVAL_MIN_S,
    LEAVER_GONE_S,
    SKEW_UNIT_V2_S,
    SUCCESSOR_GRACE_S,
    Timer,
    Timers,
    master_down_interval_s,
    skew_time_s,
)
from vrrpd.protocol.tracking import OWNER_PRIORITY
from vrrpd.protocol.wire import Heard, Refused, Wire

PROBE_PAUSE_S = 0.1
"""Fast adverts are not all led by a probe: a healed partition need not be noticed sooner than people can."""
DEFENCE_PAUSE_S = 1.0
"""Who answers for our address again and again is answered with announcements so often at most (RFC 5227 section 2.4 wants such
a bound). One second, because that is also how soon clients are to be reached after a partition."""
OWNER_ADVERTS_MAX = 2
"""Adverts of another owner of our addresses before we believe that there is one: no single packet unseats an owner."""
PENANCE_S = 60.0
"""How long an owner that gave way to another one says that it owns nothing."""
HAND_OVER_GUARDS = {
    HandOver.MAKE_BEFORE_BREAK: Guard.MAKE_BEFORE_BREAK,
    HandOver.BREAK_BEFORE_MAKE: Guard.BREAK_BEFORE_MAKE,
}
HOLDING = frozenset({State.MASTER, State.RELINQUISHING, State.LISTENING})
TAKING_PART = HOLDING | {State.BACKUP}
GIVING_UP = frozenset({Happening.FAULT_RAISED, Happening.FAILOVER, Happening.SHUTDOWN})
"""After these nobody takes our place yet, so a master says that it goes."""
GROUP_FAULT = "its sync group"


class Instance:
    """The state machine of one virtual router. Packets of other virtual routers are for its caller to keep away."""

    def __init__(self, router: VirtualRouter, lateness: Lateness | None = None) -> None:
        """`lateness` may be shared by all virtual routers of a host."""
        self._router = router
        self._wire = Wire(router)
        self._priority = OwnPriority(router.priority)
        self._state = State.INITIALIZE
        self._counters = Counters()
        self._timers = Timers()
        self._announcing = Announcing(self._timers)
        self._lateness = lateness or Lateness()
        self._actions: list[Action] = []
        self._notices = Notices()
        self._conflicts = Conflicts()
        self._peers = Peers()
        self._faults: dict[str, Cause] = {}
        self._found_source: Address | None = None
        self._unix_offset_s = 0.0
        self._last_transition_s = 0.0
        self._last_advert_s = 0.0
        self._last_probe_s = 0.0
        self._last_defence_s = float("-inf")
        self._owner_adverts = 0
        """Adverts of another owner that a master heard."""
        self._stays = False
        """RELINQUISHING: it goes on as backup afterwards."""
        self._defers = False
        """It was told to hand over, so it preempts nobody before it was master again."""
        self._listened = False
        """BACKUP, LISTENING: it overslept and has listened since, so the next end of the wait decides, however late."""
        self._wants_master = False
        self.in_group = False
        """Its sync group decides when it becomes master: it says `WantsMaster` and waits for `BecomeMaster`."""

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
        return self._priority.value

    @property
    def counters(self) -> Counters:
        """What it counted; to be read only."""
        return self._counters

    @property
    def lateness(self) -> Lateness:
        """How late its deadlines were served; to be read only."""
        return self._lateness

    @property
    def holds_addresses(self) -> bool:
        """Whether the addresses should be on the interface: on a master, until it has let go, and nowhere else."""
        return self._state in HOLDING

    @property
    def master_address(self) -> Address | None:
        """Who is master, as far as is known: our own source, or the sender of the last advert that was used."""
        if self._state is State.MASTER:
            return self._source
        return self._peers.master.address if self._peers.master else None

    @property
    def master_priority(self) -> int | None:
        """The priority of `master_address`."""
        if self._state is State.MASTER:
            return self.priority
        return self._peers.master.priority if self._peers.master else None

    @property
    def master_advert_interval_s(self) -> float:
        """The interval that counts: the master's in version 3 (RFC 9568 section 6.1), else our own."""
        return self._peers.learnt_interval_s or self._router.advert_interval_s

    @property
    def master_down_interval_s(self) -> float:
        """How long a master may be silent."""
        return self._master_down_interval_s(self.priority)

    @property
    def hand_over_max_s(self) -> float:
        """How long it can take a master that is told to stop to reach INITIALIZE."""
        return skew_time_s(0, self._skew_unit_s) + 2 * SUCCESSOR_GRACE_S

    @property
    def last_transition_s(self) -> float:
        """When the state changed last, by the caller's clock; 0 before the first time."""
        return self._last_transition_s

    @property
    def wants_master(self) -> bool:
        """Whether a backup in a sync group said `WantsMaster` and has heard no master since."""
        return self._wants_master

    @property
    def has_own_fault(self) -> bool:
        """Whether it could not work even if its sync group let it."""
        return self._source is None or any(reason != GROUP_FAULT for reason in self._faults)

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
            case AddressAnswered():
                self._wake(now_s)
                self._defend(event, now_s)
            case Failover() | Shutdown():
                self._give_up(event, now_s)
            case BecomeMaster(cause):
                self._become_master(cause, now_s)
            case FollowGroup(state, cause):
                self._follow_group(state, cause, now_s)
            case AnnounceAgain():
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

    def _mind_priority(self, before: int, wait_before_s: float, now_s: float) -> None:
        """A backup waits by its new skew; a master says the new priority with its next advert and does not yield by itself."""
        if self.priority == before:
            return
        self._actions.append(PriorityChanged(before, self.priority))
        if self._state is State.BACKUP:
            self._timers.move(Timer.MASTER_DOWN, self._backup_wait_s - wait_before_s, now_s)

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

    def _defend(self, answered: AddressAnswered, now_s: float) -> None:
        """Say whose the address is, and make another master hear us."""
        if self._state is not State.MASTER or now_s - self._last_transition_s < LEAVER_GONE_S:
            return  # who gave up a moment ago may answer until then
        alarm = reports.address_in_use(answered.address, answered.mac, self._router)
        self._sound(alarm, answered.mac, now_s)
        if now_s - self._last_defence_s >= DEFENCE_PAUSE_S:
            self._last_defence_s = now_s
            self._announce_against_lesser(max(1, self._router.announcements.lower_priority_repeat), now_s)
            self._send_advert_now(now_s)

    # ------------------------------------------------------------------------------------------------------- packets

    def on_packet(self, datagram: bytes, now_s: float) -> None:
        """Take in a whole IP packet for this virtual router. Never raises, whatever is in it."""
        if self._state not in TAKING_PART:
            return
        self._wake(now_s)
        heard = self._wire.read(datagram, now_s + self._unix_offset_s)
        if heard.source is not None and heard.source == self._source:
            if self._notices.is_first(Oddity.OWN_ADDRESS_HEARD):
                self._actions.append(reports.own_address_heard(heard.source))
            return
        if isinstance(heard, Refused):
            self._refuse(heard)
            return
        self._counters.advertisements_received += 1
        if heard.priority == 0:
            self._counters.priority_zero_received += 1
        interval_s = max(heard.advert_interval_s, LEARNT_INTERVAL_MIN_S)
        advert = Speaker(heard.source, heard.priority, interval_s, now_s)
        if self._state is State.BACKUP:
            self._heard_as_backup(advert, now_s)
        elif self._state is State.MASTER:
            self._heard_as_master(advert, heard, now_s)
        elif self._state is State.RELINQUISHING:
            self._heard_as_leaver(advert, now_s)
        elif advert.priority > 0:
            self._move(Happening.ADVERT, Guard.ALWAYS, Cause.MASTER_HEARD, now_s, advert)
        if heard.addresses_differ:  # told last: a new master's list is news again
            self._mind_addresses(heard, now_s)

    def _heard_as_backup(self, advert: Speaker, now_s: float) -> None:
        peers = self._peers
        if advert.priority == 0:
            peers.leaver, peers.lower_master = advert, None
            self._wait_anew(now_s)
            return
        if peers.master is None or advert.address != peers.master.address:
            self._notices.forget_if_old(now_s)
        peers.master = advert
        if advert.priority >= self._priority.value:  # between equals only a master looks at addresses
            peers.preempt_from_s = None
        elif self._may_preempt(now_s):
            peers.lower_master = advert
            if self._notices.is_first(Oddity.LOWER_PRIORITY_DISCARDED):
                self._actions.append(reports.lower_priority_discarded(advert, self.priority))
            return
        peers.leaver = peers.lower_master = None
        if self._router.version == 3:
            self._learn_interval(advert)
        self._wait_anew(now_s)

    def _wait_anew(self, now_s: float) -> None:
        """A backup has heard what counts."""
        self._wants_master = self._listened = False
        self._timers.set(Timer.MASTER_DOWN, now_s + self._backup_wait_s)

    def _learn_interval(self, master: Speaker) -> None:
        """Wait by the master's interval from now on (RFC 9568 section 6.4.2)."""
        before_s, self._peers.learnt_interval_s = self.master_advert_interval_s, master.advert_interval_s
        if master.advert_interval_s != before_s and self._notices.is_first(Oddity.ADVERT_INTERVAL_LEARNT):
            self._actions.append(reports.interval_learnt(master, before_s))

    def _may_preempt(self, now_s: float) -> bool:
        """Whether a master of lower priority, heard now, is to be ignored. The first one starts `preempt_delay`."""
        if not self._router.preempt or self._defers:
            return False
        if self._peers.preempt_from_s is None:
            delay_s = 0.0 if self._priority.is_owner else self._router.preempt_delay_s
            self._peers.preempt_from_s = now_s + delay_s
        return now_s >= self._peers.preempt_from_s

    def _heard_as_master(self, advert: Speaker, heard: Heard, now_s: float) -> None:
        source = self._source
        assert source is not None  # else it were in FAULT
        if heard.interval_differs and self._notices.is_first(Oddity.ADVERT_INTERVAL_DIFFERS):
            self._actions.append(reports.interval_differs(advert, self._router.advert_interval_s))
        if advert.priority == 0:
            self._send_advert_now(now_s)
        elif advert.priority > self.priority:
            self._move(Happening.ADVERT, Guard.HIGHER_PRIORITY, Cause.HIGHER_PRIORITY_MASTER, now_s, advert)
        elif advert.priority < self.priority or advert.address.packed < source.packed:
            self._mind_second_master(advert, heard, now_s)
            self._force_election(advert, now_s)
        else:
            self._mind_second_master(advert, heard, now_s)
            self._yield_to_equal(advert, now_s)

    def _yield_to_equal(self, equal: Speaker, now_s: float) -> None:
        """Between equals the higher address stays master. An owner first makes sure that there is another one.

        It then says for a while that it owns nothing, as keepalived does; who has the higher address need not.
        """
        guard, cause = Guard.EQUAL_PRIORITY_HIGHER_ADDRESS, Cause.EQUAL_PRIORITY_HIGHER_ADDRESS
        if self._priority.is_owner:
            self._owner_adverts += 1
            if self._owner_adverts < OWNER_ADVERTS_MAX:
                self._force_election(equal, now_s)
                return
            self._priority.do_penance(begins=True)
            self._timers.set(Timer.PENANCE, now_s + PENANCE_S)
            self._mind_priority(OWNER_PRIORITY, self._backup_wait_s, now_s)
            guard, cause = Guard.HIGHER_PRIORITY, Cause.HIGHER_PRIORITY_MASTER
        self._move(Happening.ADVERT, guard, cause, now_s, equal)

    def _force_election(self, lower: Speaker, now_s: float) -> None:
        """Tell a lesser master that it is one, and everybody else whose addresses these are."""
        self._actions.append(LowerPriorityHeard(lower.address, lower.priority))
        if self._notices.is_first(Oddity.LOWER_PRIORITY_MASTER):
            self._actions.append(reports.lower_priority_master(lower, self.priority))
        if not self._router.lower_priority_no_advert:
            self._send_advert_now(now_s)
        self._announce_against_lesser(self._router.announcements.lower_priority_repeat, now_s)

    def _announce_against_lesser(self, repeat: int, now_s: float) -> None:
        if repeat:
            second_after_s = self._router.announcements.lower_priority_delay_s
            self._actions.append(self._announcing.twice(repeat, second_after_s, now_s))

    def _heard_as_leaver(self, advert: Speaker, now_s: float) -> None:
        """The first master that speaks, of whatever priority, is the new one; another router's farewell is none."""
        if advert.priority == 0 or self._peers.master is not None:
            return
        self._peers.master = advert
        self._timers.set(Timer.HAND_OVER, now_s + SUCCESSOR_GRACE_S)

    def _refuse(self, refused: Refused) -> None:
        """Count a packet that is dropped."""
        counter = COUNTER_NAMES[refused.reason]
        if counter is not None:
            self._counters.increment(counter)
        if self._notices.is_first(refused.reason):
            self._actions.append(reports.dropped(refused))

    def _mind_second_master(self, advert: Speaker, heard: Heard, now_s: float) -> None:
        """Sound the alarm if two were master for long. Within an interval of a takeover it is only an election's end."""
        settled = now_s - self._last_transition_s >= self._router.advert_interval_s
        if settled and not (heard.addresses_differ and reports.is_foreign(heard, self._router)):
            self._sound(reports.two_masters(advert, self._router, self.priority), advert.address, now_s)

    def _mind_addresses(self, heard: Heard, now_s: float) -> None:
        """Count and tell that an advert carries other addresses than ours."""
        self._counters.address_list_errors += 1
        if self._notices.is_first(Oddity.ADDRESS_LIST_MISMATCH):
            self._actions.append(reports.address_list_mismatch(heard, self._router))
        if reports.is_foreign(heard, self._router):
            self._sound(reports.foreign_virtual_router(heard, self._router), heard.source, now_s)

    def _sound(self, alarm: Alarm, with_whom: object, now_s: float) -> None:
        if self._conflicts.is_news(alarm.kind, with_whom, now_s):
            self._actions.append(alarm)

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
            case Timer.MASTER_DOWN | Timer.LISTENING if not self._listened and slept_over(
                late_s, self.master_advert_interval_s
            ):
                self._listen_once(timer, late_s, now_s)
            case Timer.MASTER_DOWN:
                self._take_over(now_s)
            case Timer.LISTENING:
                self._move(Happening.LISTENING_TIMER, Guard.ALWAYS, Cause.NOBODY_HEARD, now_s)
            case Timer.HAND_OVER:
                self._end_hand_over(now_s)
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

    def _preempts(self, now_s: float) -> bool:
        """Whether a takeover now would end the reign of a living master."""
        lower = self._peers.lower_master
        return lower is not None and now_s - lower.at_s < self._master_down_interval_s(lower.priority)

    def _end_hand_over(self, now_s: float) -> None:
        successor = self._peers.master
        guard = Guard.REPLACED if successor else Guard.NOT_REPLACED
        guard = guard if self._stays else Guard.STOPPING
        cause = Cause.HANDED_OVER if successor else Cause.NO_SUCCESSOR
        self._move(Happening.HAND_OVER_TIMER, guard, cause, now_s, successor)

    def _wake(self, now_s: float) -> None:
        """Let a master notice that it has not run for longer than the most eager backup would have waited.

        That one may be master by now. So it listens before it speaks, and keeps the addresses meanwhile: nobody may have come.
        It does not matter whether its timer or a packet that waited in the socket wakes it.
        """
        silent_s = now_s - self._last_advert_s
        if self._state is not State.MASTER or silent_s <= self._master_down_interval_s(OWNER_PRIORITY):
            return
        yields_to = self._router.stalled_master_yields_to
        yields = yields_to is not None and silent_s > self._master_down_interval_s(yields_to)
        guard = Guard.YIELDS_WHEN_STALLED if yields else Guard.OTHERWISE
        self._move(Happening.OVERSLEPT, guard, Cause.OVERSLEPT, now_s, detail=f"sent no advert for {silent_s:.4g} s")

    def _listen_once(self, timer: Timer, late_s: float, now_s: float) -> None:
        """Do not take over because of our own sleep: adverts may lie in the socket, and others were missed.

        Only once: a machine that is late every time must take over some day.
        """
        self._listened = True
        listening_s = listening_time_s(self.master_advert_interval_s)
        self._timers.set(timer, now_s + listening_s)
        if self._notices.is_first(Oddity.OVERSLEPT):
            self._actions.append(reports.overslept(late_s, listening_s))

    # -------------------------------------------------------------------------------------------------- transitions

    def _move(
        self,
        happening: Happening,
        guard: Guard,
        cause: Cause,
        now_s: float,
        sender: Speaker | None = None,
        detail: str = "",
    ) -> None:
        """The one way from state to state: leave the old one, enter the new one, tell."""
        old, new = self._state, next_state(self._state, happening, guard)
        preempts, follows = self._preempts(now_s), self._peers.leaver is not None
        self._timers.clear_all(but=Timer.PENANCE)
        self._notices.forget(now_s)
        self._peers.forget(master=sender if new is State.BACKUP else None)
        self._wants_master = self._listened = False
        self._owner_adverts = 0
        if new not in TAKING_PART:
            self._timers.clear(Timer.PENANCE)
            self._priority.do_penance(begins=False)
        if old in HOLDING:
            self._let_go(old, new, happening, now_s)
        elif old is State.INITIALIZE and new is not State.MASTER:
            self._actions.append(ReleaseAddresses())  # what an earlier run may have left
        self._state = new
        self._last_transition_s = now_s
        if new is State.MASTER:
            self._enter_master(cause, now_s, preempts=preempts, follows=follows)
        elif new is State.BACKUP:
            self._enter_backup(old, sender, now_s)
        elif new is State.RELINQUISHING:
            self._relinquish(now_s)
        elif new is State.LISTENING:
            self._timers.set(Timer.LISTENING, now_s + listening_time_s(self._router.advert_interval_s))
        address, priority = (sender.address, sender.priority) if sender else (None, None)
        self._actions.append(Transition(old, new, cause, address, priority, detail))

    def _enter_master(self, cause: Cause, now_s: float, *, preempts: bool, follows: bool) -> None:
        """Speak, hold, announce; in place of a master that still works: hold, announce, speak.

        After a silent master the advert comes first, as in keepalived, because it tells other backups that the race is over.
        A living master must not go before clients find the new one, and our advert is what makes it go.

        One that said farewell may serve on until it hears us, and answer whoever asks for the addresses meanwhile. So they are
        announced once more when it must be gone.
        """
        self._counters.became_master += 1
        self._defers = False
        announcements = self._router.announcements
        if not preempts:
            self._send_advert_now(now_s)
        self._actions.append(HoldAddresses())
        # Nobody who hears us now ever heard of another master, so one set does after a restart.
        second_after_s = 0.0 if cause is Cause.RESUMED else announcements.delay_s
        self._actions.append(self._announcing.twice(announcements.repeat, second_after_s, now_s))
        self._announcing.schedule_refresh(announcements, now_s)
        if preempts:
            self._send_advert_now(now_s)
        elif follows:
            self._announcing.once_the_leaver_is_gone(now_s)

    def _enter_backup(self, old: State, master: Speaker | None, now_s: float) -> None:
        """Wait for the master; an owner that comes, or comes back, waits for one advert only."""
        if master is not None and self._router.version == 3:
            self._peers.learnt_interval_s = master.advert_interval_s
        wait_s = self._backup_wait_s
        if self._priority.is_owner and old in (State.INITIALIZE, State.FAULT):
            wait_s = self._router.advert_interval_s + self._skew_time_s(self.priority)
        self._timers.set(Timer.MASTER_DOWN, now_s + wait_s)

    def _let_go(self, old: State, new: State, happening: Happening, now_s: float) -> None:
        """Say so if nobody takes our place yet, and yield to a better master with one last advert as it is.

        The last advert is ours alone: neither RFC 3768 nor keepalived has it (`higher_prio_send_advert` asks keepalived for the
        same and changes nothing here). When two masters meet after a partition and the worse one steps down without a word, the
        better one never learns that there was another, so nobody sends gratuitous ARP, and clients keep the wrong hardware
        address until their own neighbour check: 43 s were measured with keepalived on both sides. A master that hears a worse
        one announces itself, so the worse one makes itself heard. One that had slept is silent: its successor knows.
        """
        if old is State.MASTER:
            self._counters.released_master += 1
            if happening is Happening.ADVERT:
                self._send_advert(now_s)
        if happening in GIVING_UP and old is not State.RELINQUISHING and self._source is not None:
            self._counters.priority_zero_sent += 1
            self._send(self._source, 0, now_s)
        if new not in HOLDING:
            self._actions.append(ReleaseAddresses())

    def _relinquish(self, now_s: float) -> None:
        """After the farewell, serve on until another master has been heard or nobody can come any more; say nothing meanwhile.

        RFC 3768 and keepalived let go with the farewell, and nobody serves for the skew time of the next master (805 ms with
        priority 50). The price is that two hold the addresses at once, for `SUCCESSOR_GRACE_S`.
        """
        self._timers.set(Timer.HAND_OVER, now_s + self._skew_time_s(0) + SUCCESSOR_GRACE_S)

    # ------------------------------------------------------------------------------------------------------- pieces

    @property
    def _source(self) -> Address | None:
        """Whom our adverts come from: the configured address, else the one that the interface has."""
        return self._router.source_address or self._found_source

    @property
    def _is_faulty(self) -> bool:
        return bool(self._faults) or self._source is None

    @property
    def _skew_unit_s(self) -> float:
        return self.master_advert_interval_s if self._router.version == 3 else SKEW_UNIT_V2_S

    @property
    def _backup_wait_s(self) -> float:
        """How long a backup waits from the last advert that counted: the skew alone if that one was a farewell."""
        return self._skew_time_s(self.priority) if self._peers.leaver else self.master_down_interval_s

    def _skew_time_s(self, priority: int) -> float:
        return skew_time_s(priority, self._skew_unit_s)

    def _master_down_interval_s(self, priority: int) -> float:
        interval_s = self.master_advert_interval_s
        return master_down_interval_s(priority, interval_s, self._router.down_timer_adverts, self._skew_unit_s)

    def _send(self, source: Address, priority: int, now_s: float) -> None:
        self._counters.advertisements_sent += 1
        self._actions.append(SendAdvert(self._wire.adverts(source, priority, now_s + self._unix_offset_s), priority))

    def _send_advert(self, now_s: float) -> None:
        assert self._source is not None  # who speaks is master, and a master without a source is in FAULT
        self._last_advert_s = now_s
        self._send(self._source, self.priority, now_s)

    def _send_advert_now(self, now_s: float) -> None:
        """An advert out of turn; the next one is due a whole interval later."""
        self._send_advert(now_s)
        self._timers.set(Timer.ADVERT, now_s + self._router.advert_interval_s)
