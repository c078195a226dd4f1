"""The states of a virtual router and every way between them (RFC 3768 section 6.4), as a table.

Every transition there is stands in `TRANSITIONS` and nowhere else. The instance says what happened and which guard holds, the
table says where that leads. What is not in it is a mistake in this package and raises; nothing that a peer sends can lead
there. What happens without a change of state (an advert that resets a timer, a reload) is not in the table.

FAULT is keepalived's: a virtual router that cannot work, because its interface is down or has no address. The RFC would be in
Initialize then; here INITIALIZE is only before the start and after the end.

RELINQUISHING is ours: a master that has said farewell and serves on until somebody has taken its place. So is LISTENING: a
master that has slept for so long that another may have taken its place, and says nothing before it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Where a virtual router stands; the value is the number in keepalived's dumps, which know nothing of the last two."""

    INITIALIZE = 0
    BACKUP = 1
    MASTER = 2
    FAULT = 3
    RELINQUISHING = 4
    LISTENING = 5


class Happening(Enum):
    """The kinds of events that can change a state."""

    START = "start"
    MASTER_DOWN_TIMER = "master down timer"
    ADVERT = "advert"
    FAULT_RAISED = "fault raised"
    FAULT_CLEARED = "fault cleared"
    SHUTDOWN = "shutdown"
    FAILOVER = "failover"
    HAND_OVER_TIMER = "hand-over timer"
    OVERSLEPT = "overslept"
    LISTENING_TIMER = "listening timer"
    GROUP_MASTER = "its group becomes master"
    GROUP_BACKUP = "its group becomes backup"


class Guard(Enum):
    """What must hold beside the event."""

    ALWAYS = "always"
    FAULTY = "a fault is there"
    RESUMING = "was master before a restart"
    OWNER = "priority 255"
    OTHERWISE = "otherwise"
    HIGHER_PRIORITY = "higher priority"
    EQUAL_PRIORITY_HIGHER_ADDRESS = "equal priority, higher address"
    LAST_FAULT = "it was the last"
    MAKE_BEFORE_BREAK = "make before break"
    BREAK_BEFORE_MAKE = "break before make"
    STOPPING = "it is being stopped"
    REPLACED = "it stays, another took over"
    NOT_REPLACED = "it stays, nobody took over"
    STAYING = "it stays"
    YIELDS_WHEN_STALLED = "configured to yield then"


TRANSITIONS: Mapping[tuple[State, Happening, Guard], State] = MappingProxyType(
    {
        (State.INITIALIZE, Happening.START, Guard.FAULTY): State.FAULT,
        (State.INITIALIZE, Happening.START, Guard.RESUMING): State.MASTER,
        (State.INITIALIZE, Happening.START, Guard.OWNER): State.MASTER,
        (State.INITIALIZE, Happening.START, Guard.OTHERWISE): State.BACKUP,
        (State.BACKUP, Happening.MASTER_DOWN_TIMER, Guard.ALWAYS): State.MASTER,
        (State.BACKUP, Happening.GROUP_MASTER, Guard.ALWAYS): State.MASTER,
        (State.BACKUP, Happening.FAULT_RAISED, Guard.STAYING): State.FAULT,
        (State.BACKUP, Happening.SHUTDOWN, Guard.ALWAYS): State.INITIALIZE,
        (State.MASTER, Happening.ADVERT, Guard.HIGHER_PRIORITY): State.BACKUP,
        (State.MASTER, Happening.ADVERT, Guard.EQUAL_PRIORITY_HIGHER_ADDRESS): State.BACKUP,
        (State.MASTER, Happening.OVERSLEPT, Guard.OTHERWISE): State.LISTENING,
        (State.MASTER, Happening.OVERSLEPT, Guard.YIELDS_WHEN_STALLED): State.BACKUP,
        (State.MASTER, Happening.GROUP_BACKUP, Guard.ALWAYS): State.BACKUP,
        (State.MASTER, Happening.FAULT_RAISED, Guard.STAYING): State.FAULT,
        (State.MASTER, Happening.FAILOVER, Guard.MAKE_BEFORE_BREAK): State.RELINQUISHING,
        (State.MASTER, Happening.FAILOVER, Guard.BREAK_BEFORE_MAKE): State.BACKUP,
        (State.MASTER, Happening.SHUTDOWN, Guard.MAKE_BEFORE_BREAK): State.RELINQUISHING,
        (State.MASTER, Happening.SHUTDOWN, Guard.BREAK_BEFORE_MAKE): State.INITIALIZE,
        (State.LISTENING, Happening.ADVERT, Guard.ALWAYS): State.BACKUP,
        (State.LISTENING, Happening.LISTENING_TIMER, Guard.ALWAYS): State.MASTER,
        (State.LISTENING, Happening.GROUP_BACKUP, Guard.ALWAYS): State.BACKUP,
        (State.LISTENING, Happening.FAULT_RAISED, Guard.STAYING): State.FAULT,
        (State.LISTENING, Happening.FAILOVER, Guard.MAKE_BEFORE_BREAK): State.RELINQUISHING,
        (State.LISTENING, Happening.FAILOVER, Guard.BREAK_BEFORE_MAKE): State.BACKUP,
        (State.LISTENING, Happening.SHUTDOWN, Guard.MAKE_BEFORE_BREAK): State.RELINQUISHING,
        (State.LISTENING, Happening.SHUTDOWN, Guard.BREAK_BEFORE_MAKE): State.INITIALIZE,
        (State.RELINQUISHING, Happening.HAND_OVER_TIMER, Guard.STOPPING): State.INITIALIZE,
        (State.RELINQUISHING, Happening.HAND_OVER_TIMER, Guard.REPLACED): State.BACKUP,
        (State.RELINQUISHING, Happening.HAND_OVER_TIMER, Guard.NOT_REPLACED): State.MASTER,
        (State.RELINQUISHING, Happening.FAULT_RAISED, Guard.STOPPING): State.INITIALIZE,
        (State.RELINQUISHING, Happening.FAULT_RAISED, Guard.STAYING): State.FAULT,
        (State.FAULT, Happening.FAULT_CLEARED, Guard.LAST_FAULT): State.BACKUP,
        (State.FAULT, Happening.SHUTDOWN, Guard.ALWAYS): State.INITIALIZE,
    }
)


class IllegalTransitionError(RuntimeError):
    """A transition that the table does not have was asked for: a mistake in this program."""


def next_state(state: State, happening: Happening, guard: Guard = Guard.ALWAYS) -> State:
    """Where `happening` leads from `state` when `guard` holds."""
    try:
        return TRANSITIONS[state, happening, guard]
    except KeyError:
        raise IllegalTransitionError(f"nothing leads out of {state.name} on: {happening.value} [{guard.value}]") from None


def mermaid_diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.INITIALIZE.name}"]
    for (state, happening, guard), successor in TRANSITIONS.items():
        condition = "" if guard is Guard.ALWAYS else f" [{guard.value}]"
        lines.append(f"    {state.name} --> {successor.name}: {happening.value}{condition}")
    return "\n".join(lines) + "\n"
