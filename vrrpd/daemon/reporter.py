"""What the supervisor hears of virtual routers at once: it logs it, and tells whoever is to be told."""

from __future__ import annotations

import time
from collections.abc import Iterable

from vrrpd.config.model import SyncGroup
from vrrpd.daemon.channel import Channel
from vrrpd.daemon.messages import EventReport
from vrrpd.daemon.station import Station
from vrrpd.protocol.actions import Alarm, Transition
from vrrpd.protocol.states import State
from vrrpd.protocol.vrrp_router import GroupTransition
from vrrpd.status.events import AlarmRaised, SyncGroupChanged, VirtualRouterChanged

GIVEN_UP = frozenset({State.INITIALIZE, State.RELINQUISHING})
"""States that an operator asked for, and need no mail."""


class Reporter:
    """Makes events of what virtual routers tell."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def transition(self, station: Station, transition: Transition) -> None:
        """A virtual router changed its state."""
        router, new = station.instance.router, transition.new
        station.transitions[new.name.lower(), transition.cause.value] += 1
        station.changed_unix_s = time.time()
        event = VirtualRouterChanged(
            at_unix_s=station.changed_unix_s,
            name=router.name,
            interface=router.interface,
            virtual_router_id=router.virtual_router_id,
            old=transition.old.name,
            new=new.name,
            cause=transition.cause.value,
            sender=transition.sender,
            sender_priority=transition.sender_priority,
            mail=router.smtp_alert and new not in GIVEN_UP,
            detail=transition.detail,
        )
        self._channel.send(EventReport(event))

    def group_transition(self, changed: GroupTransition, groups: Iterable[SyncGroup]) -> None:
        """One of these sync groups did."""
        mail = any(group.smtp_alert for group in groups if group.name == changed.name)
        event = SyncGroupChanged(time.time(), changed.name, changed.old.name, changed.new.name, mail=mail)
        self._channel.send(EventReport(event))

    def alarm(self, station: Station, alarm: Alarm) -> None:
        """Something needs somebody to look after it."""
        router = station.instance.router
        station.alarms[alarm.kind.value] += 1
        event = AlarmRaised(
            at_unix_s=time.time(),
            name=router.name,
            interface=router.interface,
            virtual_router_id=router.virtual_router_id,
            kind=alarm.kind.value,
            text=alarm.text,
            sender=alarm.sender,
            sender_priority=alarm.sender_priority,
            mail=router.smtp_alert,
        )
        self._channel.send(EventReport(event))
