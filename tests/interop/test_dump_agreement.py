"""keepalived's own dump of its virtual routers agrees with what vrrpd has read, field by field.

The JSON dump has all but the weights of what is tracked; those come from the dump in text.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.interop import keepalived
from tests.interop.configurations import CLEAN, CORPUS, ERRORS, differences, loaded, names
from vrrpd.config.diagnostics import Code
from vrrpd.config.model import Tracked, Tracker, TrackScript, VirtualAddress, VirtualRouter
from vrrpd.config.model.command import Command

DEPEND_ON_THE_HOST = {
    "global_defs/lvs_sync_daemon.conf",  # wants IPVS in the kernel
    "global_defs/lvs_sync_daemon_with_inst.conf",
    "vrrp_instance/notification_by_nobody.conf",  # its program does not exist, so a daemon leaves it out
}
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
TRACKED = re.compile(r"     (?P<name>[^\s,:]+)[,:]? weight (?P<weight>-?\d+)(?P<reverse> reverse)?")


def _comparable() -> list[str]:
    """The configurations with virtual routers that both find sound, though vrrpd need not run all of it yet."""
    return [name for name in names() if _is_sound(name) and name not in DEPEND_ON_THE_HOST]


def _is_sound(name: str) -> bool:
    row, found = differences().get(name), loaded(name)
    theirs = row.theirs if row else ERRORS if found.errors else CLEAN
    mistakes = [one for one in found.errors if one.code is not Code.NOT_BUILT]
    return theirs == CLEAN and not mistakes and found.written is not None and bool(found.written.virtual_routers)


@pytest.mark.parametrize("name", _comparable())
def test_the_dump_says_what_we_read(name: str) -> None:
    theirs, text = keepalived.dump(CORPUS / name)
    written = loaded(name).written
    assert written is not None
    ours = {router.name: _as_dumped(router, written.tracked) for router in written.virtual_routers}
    assert [data["iname"] for data in theirs] == list(ours)
    for data in theirs:
        for held in ("vips", "evips"):  # an owner is master at once
            data[held] = [one.removesuffix(" set") for one in data.get(held, ())] or None
        expected = ours[data["iname"]]
        assert {field: data.get(field) for field in expected} == expected
    for router in written.virtual_routers:
        assert _trackers(text, router.name) == _written_trackers(router)


def _as_dumped(router: VirtualRouter, tracked: Tracked) -> dict[str, Any]:
    """What keepalived's dump says of a virtual router like this; a field without contents is absent there."""
    link = router.virtual_interface
    where = link.interface if link else router.interface
    announcements, notification = router.announcements, router.notification
    return {
        "ifp_ifname": where,
        "vmac_ifname": link.interface if link else "",
        "vrid": router.virtual_router_id,
        "version": router.version,
        "base_priority": router.priority,
        "adver_int": router.advert_interval_s,
        "nopreempt": not router.preempt,
        "preempt_delay": router.preempt_delay_s,
        "accept": router.accept,
        "strict_mode": router.strict,
        "dont_track_primary": not router.track_primary,
        "skip_check_adv_addr": router.skip_address_check,
        "promote_secondaries": router.promote_secondaries,
        "lower_prio_no_advert": router.lower_priority_no_advert,
        "higher_prio_send_advert": router.higher_priority_send_advert,
        "garp_delay": announcements.delay_s,
        "garp_rep": announcements.repeat,
        "garp_refresh": announcements.refresh_s,
        "garp_refresh_rep": announcements.refresh_repeat,
        "garp_lower_prio_delay": announcements.lower_priority_delay_s,
        "garp_lower_prio_rep": announcements.lower_priority_repeat,
        "smtp_alert": router.smtp_alert,
        "notify_deleted": notification.deleted,
        "script_master": _quoted(notification.master),
        "script_backup": _quoted(notification.backup),
        "script_fault": _quoted(notification.fault),
        "script_stop": _quoted(notification.stop),
        "script": _quoted(notification.any),
        "script_master_rx_lower_pri": _quoted(notification.lower_priority_heard),
        "vips": [_address(one, router) for one in router.addresses] or None,
        "evips": [_address(one, router) for one in router.excluded_addresses] or None,
        "track_ifp": [one.name for one in router.tracking.interfaces] or None,
        "track_script": [_quoted(_script(tracked, one.name).command) for one in router.tracking.scripts] or None,
        "auth_type": router.authentication.type.value,
        "auth_data": router.authentication.password.decode() or None,
    }


def _address(one: VirtualAddress, router: VirtualRouter) -> str:
    """An address with its options, as keepalived writes it."""
    link = router.virtual_interface
    whole = one.prefix_length == one.address.max_prefixlen
    words = [str(one.address) if whole else f"{one.address}/{one.prefix_length}"]
    words += ["brd", str(one.broadcast)] if one.broadcast else []
    words += ["dev", f"{link.interface}@{router.interface}" if link and one.interface == link.interface else one.interface]
    words += ["scope", SCOPES[one.scope]]
    words += ["label", one.label] if one.label else []
    words += ["peer", str(one.peer)] if one.peer else []
    words += [word for word, is_set in _flags(one) if is_set]
    if one.address.version == 6:
        words += (
            ["deprecated"] if one.preferred_lifetime_s == 0 else ["preferred_lft", str(one.preferred_lifetime_s or "forever")]
        )
    return " ".join(words)


def _flags(one: VirtualAddress) -> list[tuple[str, bool]]:
    return [
        ("home", one.home),
        ("-nodad", one.duplicate_detection),
        ("mngtmpaddr", one.manages_temporary_addresses),
        ("noprefixroute", one.no_prefix_route),
        ("autojoin", one.joins_groups),
        ("no_track", not one.tracked),
    ]


def _quoted(command: Command | None) -> str | None:
    """The words in quotes; `<FILE` is no command but asks whether the file can be opened."""
    if command is None:
        return None
    if command.words[0].startswith("<"):
        return " ".join(command.words)
    return " ".join(f"'{word}'" for word in command.words)


def _script(tracked: Tracked, name: str) -> TrackScript:
    return next(one for one in tracked.scripts if one.name == name)


def _trackers(text: str, router: str) -> list[tuple[str, int, bool]]:
    """Name, weight and whether it is reversed, of all that the virtual router tracks with a weight."""
    behind = text.partition(f" VRRP Instance = {router}\n")[2]
    section = re.split(r"^ VRRP Instance = |^-", behind, maxsplit=1, flags=re.MULTILINE)[0]
    trackers = [(found["name"], int(found["weight"]), bool(found["reverse"])) for found in TRACKED.finditer(section)]
    return [one for one in trackers if one[1]]


def _written_trackers(router: VirtualRouter) -> list[tuple[str, int, bool]]:
    tracking = router.tracking
    all_kinds: list[Tracker] = [
        *tracking.interfaces, *tracking.scripts, *tracking.files, *tracking.processes, *tracking.bfd_sessions
    ]  # fmt: skip
    return [(one.name, one.weight, one.reverse) for one in all_kinds if one.weight]
