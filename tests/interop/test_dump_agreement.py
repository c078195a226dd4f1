"""keepalived's own dump of its virtual routers agrees with what vrrpd has read, field by field.

The JSON dump has all but the weights of what is tracked; those come from the dump in text.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from tests.interop import keepalived
from tests.interop.configurations import CLEAN, CONFIG_ID, CORPUS, ERRORS, differences, loaded, names
from vrrpd.cli.check import check
from vrrpd.config.diagnostics import Code
from vrrpd.config.model import Tracker, VirtualRouter

DEPEND_ON_THE_HOST = {
    "global_defs/lvs_sync_daemon.conf",  # wants IPVS in the kernel
    "global_defs/lvs_sync_daemon_with_inst.conf",
    "vrrp_instance/notification_by_nobody.conf",  # its program does not exist, so a daemon leaves it out
}
SHORTENED = {"vroutes", "vrules", "track_process"}
"""Not word for word what keepalived prints."""
COMPARED = {
    *("iname", "ifp_ifname", "vrid", "version", "base_priority", "adver_int", "nopreempt", "preempt_delay", "auth_type"),
    *("garp_delay", "garp_rep", "garp_refresh", "garp_refresh_rep", "garp_lower_prio_delay", "garp_lower_prio_rep"),
}
"""What every virtual router is compared in; scripts, addresses and trackers where it has any."""
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
    ours = _as_checked(name)
    assert [data["iname"] for data in theirs] == list(ours)
    for data in theirs:
        for held in ("vips", "evips"):  # an owner is master at once
            data[held] = [one.removesuffix(" set") for one in data.get(held, ())]
        expected = {field: value for field, value in ours[data["iname"]].items() if field not in SHORTENED}
        assert expected.keys() >= COMPARED | (_present(data) - SHORTENED)
        assert {field: data[field] for field in expected} == expected
    for router in written.virtual_routers:
        assert _trackers(text, router.name) == _written_trackers(router)


def _present(data: dict[str, Any]) -> set[str]:
    """The fields with contents that only some virtual routers have."""
    return {
        field
        for field, value in data.items()
        if value and field.startswith(("script", "track_", "vips", "evips")) and field != "vipset"
    }


def _as_checked(name: str) -> dict[str, dict[str, Any]]:
    """The `data` of each virtual router in what `vrrpd check --json` prints."""
    printed = CliRunner().invoke(check, ["--json", "--config-id", CONFIG_ID, str(CORPUS / name)]).stdout
    return {one["data"]["iname"]: one["data"] for one in json.loads(printed)["vrrp"]}


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
