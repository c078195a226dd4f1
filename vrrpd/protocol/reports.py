"""What is told of peers that do what they should not, in words."""

from __future__ import annotations

from vrrpd.config.model import Address, VirtualRouter
from vrrpd.protocol.acceptance import Rejection
from vrrpd.protocol.actions import Alarm, AlarmKind, Notice, Oddity
from vrrpd.protocol.peers import Speaker
from vrrpd.protocol.wire import Heard, Refused

ADDRESSES_NAMED = 3
"""Of a foreign virtual router; a log needs no more to tell whose it is."""


def dropped(refused: Refused) -> Notice:
    """A packet that failed a check."""
    what = "an advert" if isinstance(refused.reason, Rejection) else "a packet"
    detail = f" ({refused.detail})" if refused.detail else ""
    sender = refused.source or "an unknown sender"
    return Notice(refused.reason, f"dropped {what} of {sender}: {refused.reason.value}{detail}")


def own_address_heard(address: Address) -> Notice:
    """An advert that looks like one of ours."""
    text = f"heard an advert from our own address {address}: it came back, or somebody else has the address"
    return Notice(Oddity.OWN_ADDRESS_HEARD, text)


def lower_priority_discarded(master: Speaker, own_priority: int) -> Notice:
    """A backup is about to preempt."""
    text = f"master {master.address} has priority {master.priority}, ours is {own_priority}: it will be replaced"
    return Notice(Oddity.LOWER_PRIORITY_DISCARDED, text)


def lower_priority_master(other: Speaker, own_priority: int) -> Notice:
    """A master answers a lesser one."""
    text = f"{other.address} is master too, its priority {other.priority}, ours {own_priority}: forcing a new election"
    return Notice(Oddity.LOWER_PRIORITY_MASTER, text)


def interval_learnt(master: Speaker, before_s: float) -> Notice:
    """A backup of version 3 waits by another clock now."""
    text = f"master {master.address} advertises every {master.advert_interval_s:g} s, not every {before_s:g} s: waiting by that"
    return Notice(Oddity.ADVERT_INTERVAL_LEARNT, text)


def interval_differs(other: Speaker, own_s: float) -> Notice:
    """A master of version 3 keeps its own interval."""
    text = f"{other.address} advertises every {other.advert_interval_s:g} s, we every {own_s:g} s"
    return Notice(Oddity.ADVERT_INTERVAL_DIFFERS, text)


def overslept(late_s: float, listening_s: float) -> Notice:
    """Something was due that only a router which has listened may do."""
    text = f"did not run when the wait for the master ended, {late_s:.3g} s ago: listening for {listening_s:.3g} s first"
    return Notice(Oddity.OVERSLEPT, text)


def address_list_mismatch(heard: Heard, router: VirtualRouter) -> Notice:
    """A peer has another list of addresses."""
    theirs, ours = set(heard.addresses), {entry.address for entry in router.addresses}
    text = (
        f"{heard.source} advertises {len(heard.addresses)} addresses that are not our {len(router.addresses)}: "
        f"{len(theirs - ours)} only there, {len(ours - theirs)} only here"
    )
    return Notice(Oddity.ADDRESS_LIST_MISMATCH, text)


def foreign_virtual_router(heard: Heard, router: VirtualRouter) -> Alarm:
    """Somebody uses our virtual router id for other addresses."""
    named = ", ".join(str(address) for address in heard.addresses[:ADDRESSES_NAMED])
    more = ", ..." if len(heard.addresses) > ADDRESSES_NAMED else ""
    text = (
        f"{heard.source} uses virtual router id {router.virtual_router_id} on {router.interface} for other addresses "
        f"({named}{more}): give one of the two another id"
    )
    return Alarm(AlarmKind.FOREIGN_VIRTUAL_ROUTER, text, heard.source, heard.priority)


def two_masters(other: Speaker, router: VirtualRouter, own_priority: int) -> Alarm:
    """Two that should have heard each other."""
    text = (
        f"{other.address} is master of virtual router id {router.virtual_router_id} on {router.interface} too, its priority "
        f"{other.priority}, ours {own_priority}: the link was divided, or one of us does not take the other's adverts"
    )
    return Alarm(AlarmKind.TWO_MASTERS, text, other.address, other.priority)


def address_in_use(address: Address, mac: bytes, router: VirtualRouter) -> Alarm:
    """Somebody answers for what is ours."""
    text = (
        f"{mac.hex(':')} answers for {address} of virtual router id {router.virtual_router_id} on {router.interface}: "
        f"another master that we did not hear, or a host that was given our address"
    )
    return Alarm(AlarmKind.ADDRESS_IN_USE, text)


def is_foreign(heard: Heard, router: VirtualRouter) -> bool:
    """Whether the addresses in an advert are a wholly different virtual router's. One address in common makes it a peer,
    with a list that somebody has begun to change."""
    ours = {entry.address for entry in router.addresses}
    return bool(ours) and bool(heard.addresses) and ours.isdisjoint(heard.addresses)
