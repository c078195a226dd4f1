"""What holds whatever the state of virtual routers: static entries, track groups, settings of interfaces."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import GarpGroup, LinkDelay, Links, PolledInterface, TrackGroup

GROUP = "track_group TG {\ngroup {\nVI_1\n}\n}\n"


def test_static_entries_of_a_track_group(reader: Reader) -> None:
    text = GROUP + (
        "static_ipaddress {\n10.0.0.1/24 dev eth1 track_group TG\n}\n"
        "static_routes {\n10.1.0.0/16 dev eth0 track_group TG\n10.2.0.0/16 dev eth0\n}\n"
        "static_rules {\nfrom 10.0.0.0/8 table 5 preference 9 track_group TG\n}\n"
    ) + INSTANCE.format("")  # fmt: skip
    assert reader.mistakes(text) == []
    static = reader.model(text).static
    assert static.track_groups == (TrackGroup("TG", ("VI_1",)),)
    assert [one.track_group for one in static.addresses] == ["TG"]
    assert [one.track_group for one in static.routes] == ["TG", None]
    assert [one.track_group for one in static.rules] == ["TG"]


@pytest.mark.parametrize(
    ("text", "messages", "groups"),
    [
        ("static_ipaddress {\n10.0.0.1 track_group TG\n}\n", ["2:22 unknown-name"], 0),
        ("static_ipaddress {\n10.0.0.1 track_group TG\n}\n" + GROUP + INSTANCE.format(""), ["2:22 unknown-name"], 1),
        (GROUP, ["3:1 unknown-name"], 1),
        (GROUP + GROUP + INSTANCE.format(""), ["6:13 duplicate"], 1),
    ],
)
def test_track_groups_with_mistakes(reader: Reader, text: str, messages: list[str], groups: int) -> None:
    assert reader.mistakes(text) == messages
    static = reader.model(text).static
    assert len(static.track_groups) == groups
    assert [one.track_group for one in static.addresses] in ([], [None])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "linkbeat_interfaces {\neth0\neth1 MII\n}",
            Links(polled=(PolledInterface("eth0"), PolledInterface("eth1", "MII"))),
        ),
        (
            "interface_up_down_delays {\neth0 1.5\neth1 2 3\n}",
            Links(delays=(LinkDelay("eth0", 1.5, 1.5), LinkDelay("eth1", 2.0, 3.0))),
        ),
        (
            "garp_group {\ngarp_interval 0.1\ngna_interval 0.2\ninterface eth0\ninterfaces {\neth1\neth2\n}\n}",
            Links(garp_groups=(GarpGroup(("eth0", "eth1", "eth2"), 0.1, 0.2),)),
        ),
    ],
)
def test_settings_of_interfaces(reader: Reader, text: str, expected: Links) -> None:
    assert reader.mistakes(text + "\n") == []
    assert reader.model(text + "\n").links == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("linkbeat_interfaces {\neth0 FOO\n}", "2:6 bad-value"),
        ("linkbeat_interfaces {\naveryverylonginterface\n}", "2:1 bad-value"),
        ("interface_up_down_delays {\neth0\n}", "2:1 bad-value"),
        ("interface_up_down_delays {\neth0 256\n}", "2:6 bad-value"),
        ("garp_group {\ninterface eth0\n}", "1:1 missing-setting"),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, text: str, message: str) -> None:
    assert reader.mistakes(text + "\n") == [message]
    assert reader.model(text + "\n").links == Links()
