"""What a virtual router hears of others, and what it decides by that (RFC 3768 and RFC 9568, section 6.4)."""

from __future__ import annotations

from vrrpd.protocol import reports
from vrrpd.protocol.acceptance import COUNTER_NAMES
from vrrpd.protocol.actions import Alarm, Cause, LowerPriorityHeard, Oddity
from vrrpd.protocol.machine import TAKING_PART, Machine
from vrrpd.protocol.peers import Speaker
from vrrpd.protocol.states import Guard, Happening, State
from vrrpd.protocol.timers import SUCCESSOR_GRACE_S, Timer
from vrrpd.protocol.tracking import OWNER_PRIORITY
from vrrpd.protocol.wire import Heard, Refused

OWNER_ADVERTS_MAX = 2
"""Adverts of another owner of our addresses before we believe that there is one: no single packet unseats an owner."""
ANSWERS_AT_ONCE, ANSWERS_PER_INTERVAL = 32, 16
"""A master answers farewells and lesser masters at once, be it all of a segment after a partition, but no more than that:
whoever floods the segment with such must not make it flood the segment, too."""
PENANCE_S = 60.0
"""How long an owner that gave way to another one says that it owns nothing."""


class Hearing(Machine):
    """The half of a virtual router that listens."""

    def on_packet(self, datagram: bytes, now_s: float) -> None:
        """Take in a whole IP packet for this virtual router. Never raises, whatever is in it."""
        heard = self.read(datagram, now_s)
        if heard is not None:
            self.hear(heard, now_s)

    def read(self, datagram: bytes, now_s: float) -> Heard | Refused | None:
        """What is in a packet, which changes nothing yet; None for one that takes no part and listens to nobody."""
        return self._wire.read(datagram, now_s + self._unix_offset_s) if self._state in TAKING_PART else None

    def hear(self, heard: Heard | Refused, now_s: float) -> None:
        """Take in what was read."""
        self._wake(now_s)
        if heard.source is not None and heard.source == self._source:
            self._counters.own_address_heard += 1
            if self._notices.is_first(Oddity.OWN_ADDRESS_HEARD):
                self._actions.append(reports.own_address_heard(heard.source))
            return
        if isinstance(heard, Refused):
            self._refuse(heard)
            return
        self._counters.advertisements_received += 1
        if heard.priority == 0:
            self._counters.priority_zero_received += 1
        advert = Speaker(heard.source, heard.priority, heard.advert_interval_s, now_s)
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
            if self._may_answer(now_s):
                self._send_advert_now(now_s)
            else:
                self._answer_with_the_next()
            self._announcing.once_the_leaver_is_gone(now_s)  # who leaves was master too, and clients may know only that one
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
        speaks = not self._router.lower_priority_no_advert
        if not self._may_answer(now_s):
            if speaks:
                self._answer_with_the_next()
            if self._router.announcements.lower_priority_repeat:
                self._announcing.once_the_leaver_is_gone(now_s)  # clients may believe it, if it is another than the last one
            return
        self._actions.append(LowerPriorityHeard(lower.address, lower.priority))
        if self._notices.is_first(Oddity.LOWER_PRIORITY_MASTER):
            self._actions.append(reports.lower_priority_master(lower, self.priority))
        if speaks:
            self._send_advert_now(now_s)
        self._announce_against_lesser(self._router.announcements.lower_priority_repeat, now_s)

    def _may_answer(self, now_s: float) -> bool:
        """Whether there may be one more answer to an advert now. Each takes up some time, which is counted ahead."""
        if now_s < self._next_answer_s:
            return False
        self._answers_until_s = max(now_s, self._answers_until_s) + self._router.advert_interval_s / ANSWERS_PER_INTERVAL
        return True

    def _answer_with_the_next(self) -> None:
        """Have the next advert as soon as there may be another answer."""
        self._timers.hasten(Timer.ADVERT, self._next_answer_s)

    @property
    def _next_answer_s(self) -> float:
        return self._answers_until_s - (ANSWERS_AT_ONCE - 0.5) * self._router.advert_interval_s / ANSWERS_PER_INTERVAL

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
        """Count a packet that is dropped. One for another virtual router is not ours to count."""
        counter = COUNTER_NAMES[refused.reason]
        if counter is None:
            return
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
