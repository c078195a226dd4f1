"""Virtual routers that change state together: a firewall must not be master on one side and backup on the other.

MASTER needs every member to want it; one in BACKUP or in FAULT takes all others there. After whatever happened to a member the
group looks at all of them and says what each is to be told, until nothing is left to say. Rules are keepalived's, but for
those that come to a group of masters by a reload: they drag nobody down before they have found out whether they can be master.
"""

from __future__ import annotations

from collections.abc import Mapping

from vrrpd.config.model import SyncGroup
from vrrpd.protocol.actions import Cause
from vrrpd.protocol.events import BecomeMaster, Event, FollowGroup
from vrrpd.protocol.instance import Instance
from vrrpd.protocol.memory import GroupMemory
from vrrpd.protocol.states import State

REIGNING = frozenset({State.MASTER, State.LISTENING})
"""As far as the group knows: one that has overslept will tell soon."""

Order = tuple[Instance, Event]


class Group:
    """One sync group at work."""

    def __init__(self, settings: SyncGroup) -> None:
        self.settings = settings
        self.state = State.INITIALIZE
        """INITIALIZE while no member takes part, else BACKUP, MASTER or FAULT."""
        self.members: list[Instance] = []
        self._joining: set[Instance] = set()
        """They came while the others were master and have not found out yet whether they can be."""
        self._in_group_fault: set[Instance] = set()
        self._last_wish: tuple[Instance, Cause] | None = None

    def admit(self, members: list[Instance]) -> list[Order]:
        """Have these members from now on. Returns what those that leave are to be told."""
        leaving = [member for member in self.members if member not in members]
        freed = [member for member in leaving if member in self._in_group_fault]
        for member in leaving:
            self.drop(member)
        for member in members:
            member.in_group = True
            if member not in self.members and member.state not in REIGNING:
                self._joining.add(member)
        self.members = members
        return [(member, FollowGroup(State.BACKUP)) for member in freed]

    def drop(self, member: Instance) -> None:
        """It goes its own way."""
        member.in_group = False
        self.members = [other for other in self.members if other is not member]
        self._joining.discard(member)
        self._in_group_fault.discard(member)
        if self._last_wish is not None and self._last_wish[0] is member:
            self._last_wish = None

    def note_wish(self, member: Instance, cause: Cause) -> None:
        """A member said `WantsMaster`."""
        self._last_wish = member, cause

    def memory(self) -> GroupMemory:
        """What it remembers."""
        joining, in_group_fault = (frozenset(one.number for one in some) for some in (self._joining, self._in_group_fault))
        last_wish = self._last_wish and (self._last_wish[0].number, self._last_wish[1])
        members = tuple(member.number for member in self.members)
        return GroupMemory(self.settings, self.state, members, joining, in_group_fault, last_wish)

    @classmethod
    def recalled(cls, memory: GroupMemory, instances: Mapping[int, Instance]) -> Group:
        """One that remembers this. Raises KeyError where a member is missing."""
        group = cls(memory.settings)
        group.state = memory.state
        group.members = [instances[number] for number in memory.members]
        group._joining = {instances[number] for number in memory.joining}
        group._in_group_fault = {instances[number] for number in memory.in_group_fault}
        if memory.last_wish is not None:
            group._last_wish = instances[memory.last_wish[0]], memory.last_wish[1]
        return group

    def review(self) -> list[Order]:
        """What the members are to be told now; to be asked again when they were told, until there is nothing."""
        taking_part = [member for member in self.members if member.state is not State.INITIALIZE]
        if not taking_part:
            self.state = State.INITIALIZE
            return []
        if any(member.has_own_fault for member in taking_part):
            return self._fail(taking_part)
        if self._in_group_fault:
            return self._recover()
        reigning = [member for member in taking_part if member.state in REIGNING]
        self._review_joining(reigning)
        if any(member.state is State.BACKUP and member not in self._joining for member in taking_part):
            return self._elect(taking_part, reigning)
        if not reigning:  # they are handing over, and nothing is decided yet
            return []
        self.state = State.MASTER
        return self._wishes(taking_part)

    def _fail(self, members: list[Instance]) -> list[Order]:
        """One has a fault: all are in FAULT until none has. Masters among them say farewell."""
        self.state = State.FAULT
        self._joining.clear()
        told = [member for member in members if member not in self._in_group_fault]
        self._in_group_fault.update(told)
        return [(member, FollowGroup(State.FAULT)) for member in told]

    def _recover(self) -> list[Order]:
        freed = [member for member in self.members if member in self._in_group_fault]
        self._in_group_fault.clear()
        self.state = State.BACKUP
        return [(member, FollowGroup(State.BACKUP)) for member in freed]

    def _review_joining(self, reigning: list[Instance]) -> None:
        """Only where others are master can somebody join them; and who hears a master that it lets live is a backup."""
        if not reigning:
            self._joining.clear()
        self._joining = {member for member in self._joining if member not in reigning and not _bows(member)}

    def _elect(self, members: list[Instance], reigning: list[Instance]) -> list[Order]:
        """Some are backups: all become master if those want it too, else none is."""
        was_master, self.state = self.state is State.MASTER, State.BACKUP
        if not was_master and all(member in reigning or member.wants_master for member in members):
            self.state = State.MASTER
            return self._wishes(members)
        return [(member, FollowGroup(State.BACKUP)) for member in reigning]

    def _wishes(self, members: list[Instance]) -> list[Order]:
        """Let those have it that want to be master: the last one to want it first, for it was waited for."""
        last, cause = self._last_wish or (None, Cause.SYNC_GROUP)
        wishing = sorted((member for member in members if member.wants_master), key=lambda member: member is not last)
        return [(member, BecomeMaster(cause if member is last else Cause.SYNC_GROUP)) for member in wishing]


def _bows(member: Instance) -> bool:
    """Whether it has heard a master that it will not preempt."""
    master_priority = member.master_priority
    return master_priority is not None and (master_priority >= member.priority or not member.router.preempt)
