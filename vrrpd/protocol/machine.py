"""Where a virtual router stands, and what it does on the way from one state to another.

Who decides on which way it goes is above: :mod:`vrrpd.protocol.hearing` by what others say, :mod:`vrrpd.protocol.instance` by
what happens here. Where the ways lead is in the table of :mod:`vrrpd.protocol.states`.
"""

from __future__ import annotations

from vrrpd.config.model import Address, VirtualRouter
from vrrpd.protocol.actions import (
    Action,
    Cause,
    HoldAddresses,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvert,
    Transition,
)
from vrrpd.protocol.announcing import Announcing
from vrrpd.protocol.counters import Counters
from vrrpd.protocol.events import AddressAnswered
from vrrpd.protocol.lateness import Lateness, listening_time_s
from vrrpd.protocol.notices import Conflicts, Notices
from vrrpd.protocol.peers import Peers, Speaker
from vrrpd.protocol.priority import OwnPriority
from vrrpd.protocol.states import Guard, Happening, State, next_state
from vrrpd.protocol.timers import (
    SKEW_UNIT_V2_S,
    SUCCESSOR_GRACE_S,
    Timer,
    Timers,
    master_down_interval_s,
    skew_time_s,
)
from vrrpd.protocol.tracking import OWNER_PRIORITY
from vrrpd.protocol.wire import Wire

HOLDING = frozenset({State.MASTER, State.RELINQUISHING, State.LISTENING})
TAKING_PART = HOLDING | {State.BACKUP}
GIVING_UP = frozenset({Happening.FAULT_RAISED, Happening.FAILOVER, Happening.SHUTDOWN})
"""After these nobody takes our place yet, so a master says that it goes."""
GROUP_FAULT = "its sync group"
"""The fault of a virtual router that follows its sync group to FAULT."""


class Machine:
    """Where one virtual router stands, and the way from state to state."""

    def __init__(self, router: VirtualRouter, lateness: Lateness | None = None, number: int = 0) -> None:
        """`lateness` may be shared by all virtual routers of a host; `number` tells it from the others."""
        self.number = number
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
        self._answered: AddressAnswered | None = None
        """MASTER: the last answer for our address that it minded, until it has proved to be nothing or is an alarm."""
        self._answers_until_s = float("-inf")
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
    def sequence(self) -> int:
        """The number that its last authenticated advert has, or a greater one that it heard; 0 where adverts have none."""
        return self._wire.sequence

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
        self._answered = None
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

    def _preempts(self, now_s: float) -> bool:
        """Whether a takeover now would end the reign of a living master."""
        lower = self._peers.lower_master
        return lower is not None and now_s - lower.at_s < self._master_down_interval_s(lower.priority)

    def _mind_priority(self, before: int, wait_before_s: float, now_s: float) -> None:
        """A backup waits by its new skew; a master says the new priority with its next advert and does not yield by itself."""
        if self.priority == before:
            return
        self._actions.append(PriorityChanged(before, self.priority))
        if self._state is State.BACKUP:
            self._timers.move(Timer.MASTER_DOWN, self._backup_wait_s - wait_before_s, now_s)
