"""Two routers of one virtual router: what must be equal in both files, and what should not.

Each finding is told once, at its place in the second file, with the place in the first as a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from vrrpd.config.diagnostics import Code, Diagnostic, Note, Report
from vrrpd.config.lints.election import priorities
from vrrpd.config.lints.subject import Subject, subject_of
from vrrpd.config.load import Loaded
from vrrpd.config.model import VirtualRouter

PARTNERS = 4
"""What two virtual routers must have in common, as `_likeness` counts, to be compared."""
DROPPED = "each drops the adverts of the other, and both become master"


@dataclass(frozen=True, slots=True)
class Router:
    """A virtual router and the file that it is in."""

    model: VirtualRouter
    file: Subject


@dataclass(frozen=True, slots=True)
class Agreement:
    """A setting that must be the same in both files."""

    what: str
    keywords: tuple[str, ...]
    """Where it is written: the first of these that is there."""
    value: Callable[[VirtualRouter], object]
    why: str
    shown: bool = True
    """Not for passwords."""


NUMBER = Agreement(
    "virtual router id",
    ("virtual_router_id",),
    lambda router: router.virtual_router_id,
    "they do not hear one another, and both become master",
)
VERSION = Agreement("version", ("version",), lambda router: router.version, DROPPED)
PEERING = Agreement(
    "way of sending adverts",
    ("unicast_peer", "mcast_dst_ip"),
    lambda router: "unicast" if router.unicast else f"to {router.multicast_group}",
    "they do not hear one another, and both become master",
)
WITHIN_VERSION_2 = (
    Agreement("advert interval", ("advert_int",), lambda router: f"{router.advert_interval_s:g} s", f"in version 2 {DROPPED}"),
    Agreement("authentication", ("authentication",), lambda router: router.authentication.type.name, DROPPED),
    Agreement("password", ("authentication",), lambda router: router.authentication.password, DROPPED, shown=False),
)
WITHIN_VERSION_3 = (
    Agreement(
        "advert interval",
        ("advert_int",),
        lambda router: f"{router.advert_interval_s:g} s",
        "a backup goes by its master's, so how long a takeover takes depends on who fails",
    ),
)


def pairs(loaded: Sequence[Loaded]) -> Iterator[tuple[Loaded, Loaded]]:
    """Files that belong together: two are a pair, and of more those that have a virtual address in common."""
    for one, other in combinations(loaded, 2):
        if len(loaded) == 2 or _addresses_of(one) & _addresses_of(other):
            yield one, other


def _addresses_of(loaded: Loaded) -> set[object]:
    routers = loaded.written.virtual_routers if loaded.written else ()
    return {one.address for router in routers for one in router.addresses}


def lint_pair(one: Loaded, other: Loaded) -> tuple[Diagnostic, ...]:
    """What does not fit between two files. What is left of one with mistakes is not what was meant, and is not compared."""
    if _is_mistaken(one) or _is_mistaken(other):
        return ()
    report = Report()
    ours, theirs = subject_of(one, report), subject_of(other, report)
    if ours is None or theirs is None:
        return ()
    for first, second in _partners(ours.config.virtual_routers, theirs.config.virtual_routers):
        _compare(Router(first, ours), Router(second, theirs), report)
    return report.diagnostics(theirs.config.files)


def _is_mistaken(loaded: Loaded) -> bool:
    return any(error.code is not Code.NOT_BUILT for error in loaded.errors)


def _partners(ours: Sequence[VirtualRouter], theirs: Sequence[VirtualRouter]) -> Iterator[tuple[VirtualRouter, VirtualRouter]]:
    """Each virtual router with the one that is most like it in the other file, if any is."""
    left = list(theirs)
    for router in ours:
        best = max(left, key=lambda one: _likeness(router, one), default=None)
        if best is not None and _likeness(router, best) >= PARTNERS:
            left.remove(best)
            yield router, best


def _likeness(one: VirtualRouter, other: VirtualRouter) -> int:
    """The number or an address in common, and one thing more, make partners."""
    if one.family != other.family:
        return 0
    shared = {address.address for address in one.addresses} & {address.address for address in other.addresses}
    return (
        3 * (one.virtual_router_id == other.virtual_router_id)
        + 3 * bool(shared)
        + 2 * (one.name == other.name)
        + (one.interface == other.interface)
    )


def _compare(one: Router, other: Router, report: Report) -> None:
    agreements = [NUMBER, VERSION, PEERING]
    if one.model.version == other.model.version:
        agreements += WITHIN_VERSION_2 if one.model.version == 2 else WITHIN_VERSION_3
    for agreement in agreements:
        if not _agree(agreement, one, other, report):
            return
    _hash_keys(one, other, report)
    _addresses(one, other, report)
    _sources(one, other, report)
    _election(one, other, report)


def _agree(agreement: Agreement, one: Router, other: Router, report: Report) -> bool:
    """Whether both have it so; where they have not, what else differs may follow from this."""
    ours, theirs = agreement.value(one.model), agreement.value(other.model)
    if ours == theirs:
        return True
    values = f": {ours} and {theirs}" if agreement.shown else ""
    _differ(one, other, agreement.keywords, f"{agreement.what} differs{values}; {agreement.why}", report)
    return False


def _differ(one: Router, other: Router, keywords: tuple[str, ...], message: str, report: Report) -> None:
    report.lint(
        Code.PAIR_DIFFERS,
        other.file.line(other.model.position, *keywords),
        0,
        f"`{other.model.name}`: {message}",
        advice="write the same in both files",
        note=Note.at(one.file.line(one.model.position, *keywords), 0, "the other router"),
    )


def _hash_keys(one: Router, other: Router, report: Report) -> None:
    """What either sends the other must be able to verify."""
    ours, theirs = one.model.hmac, other.model.hmac
    if ours is None and theirs is None:
        return
    known = (
        {(key.key_id, key.secret) for key in ours.keys} & {(key.key_id, key.secret) for key in theirs.keys}
        if ours and theirs
        else set()
    )
    active = {keys.active_key_id for keys in (ours, theirs) if keys}
    if not active <= {key_id for key_id, _ in known}:
        _differ(one, other, ("auth_hmac",), f"the active key is not known to both; {DROPPED}", report)


def _addresses(one: Router, other: Router, report: Report) -> None:
    ours = {(str(address.address), address.prefix_length) for address in (*one.model.addresses, *one.model.excluded_addresses)}
    theirs = {
        (str(address.address), address.prefix_length) for address in (*other.model.addresses, *other.model.excluded_addresses)
    }
    if ours == theirs:
        return
    alone = ", ".join(f"{address}/{length}" for address, length in sorted(ours ^ theirs))
    message = f"{alone} is not in both files, and so comes and goes with the master"
    _differ(one, other, ("virtual_ipaddress", "virtual_ipaddress_excluded"), message, report)


def _sources(one: Router, other: Router, report: Report) -> None:
    """Each must be among the other's peers, where both say who they are."""
    keywords = ("unicast_src_ip", "mcast_src_ip")
    ours, theirs = one.model.source_address, other.model.source_address
    if ours is not None and ours == theirs:
        _agreeing(
            one, other, keywords, f"both routers send from {ours}, so neither hears the other", "give each its own", report
        )
        return
    for sender, receiver in ((one.model, other.model), (other.model, one.model)):
        source, unicast = sender.source_address, receiver.unicast
        if unicast and source and source not in {peer.address for peer in unicast.peers}:
            message = f"{source} is no peer of the router that is to send its adverts there"
            _differ(one, other, ("unicast_peer",), message, report)


def _agreeing(one: Router, other: Router, keywords: tuple[str, ...], message: str, advice: str, report: Report) -> None:
    report.lint(
        Code.PAIR_AGREES,
        other.file.line(other.model.position, *keywords),
        0,
        f"`{other.model.name}`: {message}",
        advice=advice,
        note=Note.at(one.file.line(one.model.position, *keywords), 0, "the other router"),
    )


def _election(one: Router, other: Router, report: Report) -> None:
    """Who is to be master, and which settings can change nothing about it."""
    if one.model.priority == other.model.priority:
        message = (
            f"both routers have priority {one.model.priority}, so the one that starts first is master, and of two at once the "
            "one with the higher address"
        )
        _agreeing(one, other, ("priority",), message, "give one of them a lower priority", report)
        return
    high, low = (one, other) if one.model.priority > other.model.priority else (other, one)
    if priorities(low.model)[1] >= priorities(high.model)[0]:
        return
    for router in (high, low):
        lowest, highest = priorities(router.model)
        if lowest != highest and router.model.preempt:
            _weight_without_effect(router, high, low, report)
    if not low.model.preempt and high.model.preempt:
        _without_effect(Code.NOPREEMPT_WITHOUT_EFFECT, "nopreempt", low, high, report)
    if low.model.preempt_delay_s:
        _without_effect(Code.PREEMPT_DELAY_WITHOUT_EFFECT, "preempt_delay", low, high, report)


def _weight_without_effect(router: Router, high: Router, low: Router, report: Report) -> None:
    partner = low if router is high else high
    least, most = priorities(high.model)[0], priorities(low.model)[1]
    report.lint(
        Code.WEIGHT_WITHOUT_EFFECT,
        router.file.line(router.model.position, "track_script", "track_process", "track_interface", "track_bfd", "priority"),
        0,
        f"`{router.model.name}`: no weight can change the master: whatever fails, one router keeps {least} or more, and the "
        f"other never has more than {most}",
        advice=f"let the weights make more than the distance of {high.model.priority - low.model.priority}",
        note=Note.at(partner.file.line(partner.model.position, "priority"), 0, "the other router"),
    )


def _without_effect(code: Code, keyword: str, low: Router, high: Router, report: Report) -> None:
    report.lint(
        code,
        low.file.line(low.model.position, keyword),
        0,
        f"`{keyword}` does nothing on the router with the lower priority, {low.model.priority}: it never takes over from a "
        f"living master of {high.model.priority}",
        advice="write it on the other router",
        note=Note.at(high.file.line(high.model.position, "priority"), 0, "the other router"),
    )
