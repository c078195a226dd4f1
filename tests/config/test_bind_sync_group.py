"""Sync groups: who is in them, and what they do for all."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import Command, Notification, SyncGroup, Tracker, Tracking
from vrrpd.config.position import Position

SECOND = INSTANCE.format("").replace("VI_1", "VI_2").replace(" 50", " 51")
ROUTERS = INSTANCE.format("") + SECOND
BOTH = "group {\nVI_1\nVI_2\n}\n"


def group(name: str = "G", body: str = BOTH) -> str:
    return f"vrrp_sync_group {name} {{\n{body}}}\n"


def test_a_group_and_all_that_it_says(reader: Reader) -> None:
    text = (
        "vrrp_script s {\nscript /bin/true\nweight 5\n}\n"
        + group(
            body=BOTH + "track_interface {\neth1 weight 9\n}\ntrack_script {\ns\n}\n"
            'notify_master "/bin/a b" web www\nnotify /bin/c\nsmtp_alert\nnotify_priority_changes\n'
        )
        + ROUTERS
    )
    assert reader.mistakes(text) == []
    assert reader.model(text).sync_groups == (
        SyncGroup(
            name="G",
            members=("VI_1", "VI_2"),
            position=Position("", 1),
            tracking=Tracking(interfaces=(Tracker("eth1"),), scripts=(Tracker("s"),)),
            notification=Notification(
                master=Command(("/bin/a", "b"), "web", "www"), any=Command(("/bin/c",)), priority_changes=True
            ),
            smtp_alert=True,
        ),
    )


def test_weights_that_a_group_allows_hold_in_its_own_tracking_too(reader: Reader) -> None:
    text = group(body=BOTH + "track_interface {\neth1 weight 9\n}\nsync_group_tracking_weight\n") + ROUTERS
    (found,) = reader.model(text).sync_groups
    assert found.tracking_weight
    assert found.tracking.interfaces == (Tracker("eth1", 9),)


@pytest.mark.parametrize("groups_first", [True, False])
@pytest.mark.parametrize(
    ("groups", "messages", "expected"),
    [
        (group(body="group {\nVI_1\nVI_9\nVI_2\n}\n"), ["4:1 unknown-name"], {"G": ("VI_1", "VI_2")}),
        (group(body="group {\nVI_1\n}\n"), ["1:17 missing-setting"], {"G": ("VI_1",)}),
        (group(body="group {\n}\n"), ["1:17 missing-setting"], {}),
        (group(body=""), ["1:17 missing-setting"], {}),
        (group() + group("H"), ["9:1 duplicate", "10:1 duplicate"], {"G": ("VI_1", "VI_2")}),
        (group(body="group {\nVI_1\nVI_2\nVI_1\n}\n"), ["5:1 duplicate"], {"G": ("VI_1", "VI_2")}),
        (
            group(body="group {\nVI_1\n}\nsmtp_alert\n") + group(body="group {\nVI_2\n}\n"),
            ["1:17 missing-setting", "7:17 duplicate"],
            {"G": ("VI_1",)},
        ),
    ],
)
def test_membership(
    reader: Reader, groups: str, messages: list[str], expected: dict[str, tuple[str, ...]], groups_first: bool
) -> None:
    text = groups + ROUTERS if groups_first else ROUTERS + groups
    shift = 0 if groups_first else ROUTERS.count("\n")
    shifted = [f"{int(line) + shift}:{rest}" for line, rest in (one.split(":", 1) for one in messages)]
    assert reader.mistakes(text) == shifted
    assert {one.name: one.members for one in reader.model(text).sync_groups} == expected


@pytest.mark.parametrize(
    "routers",
    [
        INSTANCE.format("") + SECOND.replace(" virtual_router_id 51\n", ""),
        INSTANCE.format("") + SECOND.replace("vrrp_instance", "vrrp_intsance"),
        INSTANCE.format("") + SECOND.replace("51", "300"),
    ],
)
def test_a_member_with_a_mistake_of_its_own_is_not_blamed_again(reader: Reader, routers: str) -> None:
    assert len(reader.mistakes(group() + routers)) == 1
