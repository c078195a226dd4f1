"""A recording tells everything that decides and no secret, and the machine of production does again what it did."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.routers import DIRECTOR_1, NOW_S, addresses, heard, router
from tests.protocol.stories import GROUP, ONE, OWNER, STEPS, TWO, Driven
from vrrpd.config.model import (
    VRRP_GROUP6,
    Authentication,
    AuthenticationType,
    Command,
    Hmac,
    HmacKey,
    Notification,
    SyncGroup,
    VirtualAddress,
    VirtualRouter,
)
from vrrpd.config.position import Position
from vrrpd.protocol import hearing
from vrrpd.protocol import instance as machine
from vrrpd.protocol.events import SourceChanged
from vrrpd.protocol.states import IllegalTransitionError
from vrrpd.protocol.vrrp_router import VrrpRouter, key_of
from vrrpd.protocol.wire import Wire
from vrrpd.recording import reading, recorder
from vrrpd.recording.lines import About, lines
from vrrpd.recording.reading import RecordingError, WrittenRecording, read
from vrrpd.recording.recorder import INPUTS, RecordedRouter
from vrrpd.recording.values import Writer
from vrrpd.simulation.replay import replay

ABOUT = About("0.1.0", "lvs1", 1_700_000_000.0, "asked for")
READERS = {"actions", "deadline", "group_transitions", "memory", "recall", "on_packet", "recording"}
"""Methods that change nothing, drain, or change by others alone."""


def written(routers: RecordedRouter) -> list[str]:
    return list(lines(routers.recording(), ABOUT))


def read_again(routers: RecordedRouter) -> WrittenRecording:
    return read(written(routers))


def host(*configured: VirtualRouter) -> RecordedRouter:
    """All started and drained."""
    here = RecordedRouter()
    for each in configured:
        here.add(each)
        here.tell(key_of(each), SourceChanged(DIRECTOR_1), NOW_S)
        here.start(key_of(each), NOW_S)
    drain(here)
    return here


def drain(here: VrrpRouter) -> None:
    here.actions()
    here.group_transitions()


def test_every_method_that_changes_something_is_written_down() -> None:
    methods = {name for name, value in vars(VrrpRouter).items() if callable(value) and not name.startswith("_")}
    assert methods - READERS == INPUTS


@pytest.mark.parametrize("chapter", [7, 40, 10_000])
@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_the_machine_does_it_again(chapter: int, steps: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "ENTRIES_MAX", chapter)
        here = Driven(RecordedRouter(), NOW_S)
        here.drive([*((("come", each), 0.0) for each in (ONE, TWO, OWNER)), (("group", (GROUP,)), 0.0), *steps])
    routers = here.routers
    assert isinstance(routers, RecordedRouter)
    again = replay(read_again(routers))
    assert again.differences == ()
    assert not again.faults
    states = {title: lane.spans[-1].what for (_, title), lane in again.timeline.state_lanes.items() if "#" not in title}
    for instance in routers.instances.values():
        if instance.number <= 3:
            assert states[instance.router.name] == instance.state.name


def test_the_oldest_chapter_is_forgotten_and_the_rest_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ENTRIES_MAX", 50)
    here = host(ONE, OWNER)
    for number in range(1, 500):
        here.on_packet("eth0", heard(150 if number % 60 < 40 else 50, addresses=ONE.addresses), NOW_S + number / 10)
        here.on_timer(NOW_S + number / 10)
        drain(here)
    recording = read_again(here)
    assert 50 <= len(recording.inputs) < 110
    assert recording.beginning.instances[0].router.addresses == ONE.addresses
    assert replay(recording).differences == ()


def test_a_flood_of_foreign_addresses_ends_a_chapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ADDRESSES_MAX", 20)
    here = host(ONE)
    for number in range(20):
        here.on_packet("eth0", heard(150, addresses=addresses(1, 2, number + 3)), NOW_S)
        drain(here)
    assert len(read_again(here).inputs) < 20


def test_what_a_packet_said_is_told_once_and_the_packet_never() -> None:
    here = host(router())
    for number in range(5):
        here.on_packet("eth0", heard(150), NOW_S + number)
    here.on_packet("eth0", heard(150)[:-1], NOW_S + 5)
    here.on_packet("eth0", heard(150, virtual_router_id=99), NOW_S + 6)
    told = [json.loads(line) for line in written(here)]
    assert [next(iter(line)) for line in told].count("heard") == 2
    assert sum(line.get("input") == "hear" for line in told) == 6


SECRET = b"sesame77"
KEY = b"a key of thirty-two octets or so"
NOTIFICATION = Notification(any=Command(("/usr/bin/tell", "--token", "hunter2")))


@pytest.mark.parametrize(
    "secretive",
    [
        router(authentication=Authentication(AuthenticationType.PASS, SECRET), notification=NOTIFICATION),
        router(authentication=Authentication(AuthenticationType.AH, SECRET)),
        router(hmac=Hmac((HmacKey(1, KEY, "/etc/keys/one"),), 1, 5.0), version=3),
    ],
)
def test_no_secret_is_in_a_recording_and_it_is_exact_all_the_same(secretive: VirtualRouter) -> None:
    here = host(secretive)
    there = Wire(secretive)
    group = SyncGroup("G", ("VI_1",), Position("/root/hidden.conf", 1), notification=NOTIFICATION)
    here.group([group], NOW_S)
    for number in range(30):
        if 5 < number < 20:
            here.on_packet("eth0", there.adverts(IPv4Address("192.168.4.9"), 200, number)[0].octets, NOW_S + number)
        if number == 12:
            here.on_packet("eth0", heard(200), NOW_S + number)
        here.on_timer(NOW_S + number + 0.5)
        drain(here)
    changed = replace(
        secretive,
        authentication=Authentication(secretive.authentication.type, b"other88"),
        notification=Notification(any=Command(("other",))),
    )
    here.reconfigure(key_of(secretive), changed, NOW_S + 30)
    text = "\n".join(written(here))
    for secret in (SECRET, KEY, b"other88"):
        assert secret.decode() not in text
        assert secret.hex() not in text
    assert not any(word in text for word in ("hunter2", "/etc/keys", "hidden.conf", "keepalived.conf"))
    recording = read_again(here)
    assert replay(recording).differences == ()
    assert recording.inputs[-1].arguments["router"] != recording.inputs[0].arguments["router"], "a reload that changed a secret"


def test_of_ipv6_it_is_the_same() -> None:
    own, peer, virtual = (IPv6Address(f"fe80::{number}") for number in (5, 6, 15))
    six = router(family=6, version=3, addresses=(VirtualAddress(virtual, 64, "eth0"),), multicast_group=VRRP_GROUP6)
    here = RecordedRouter()
    here.add(six)
    here.tell(key_of(six), SourceChanged(own), NOW_S)
    here.start(key_of(six), NOW_S)
    here.on_packet("eth0", Wire(replace(six, priority=200)).adverts(peer, 200, 0.0)[0].octets, NOW_S + 1)
    here.on_timer(NOW_S + 4.5)
    drain(here)
    recording = read_again(here)
    [heard_once] = [one.arguments["heard"] for one in recording.inputs if one.method == "hear"]
    assert (heard_once.source, heard_once.addresses) == (peer, (virtual,))
    assert replay(recording).differences == ()


def test_what_is_no_value_has_no_place_in_a_recording() -> None:
    with pytest.raises(TypeError, match="Wire has no place in a recording"):
        Writer().plain(Wire(ONE))


@pytest.mark.parametrize(("bound", "complaint"), [("LINES_MAX", "has 5 lines at most"), ("LINE_CHARACTERS_MAX", "more than 5")])
def test_a_file_beyond_all_bounds_is_not_read_to_its_end(bound: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = good()
    monkeypatch.setattr(reading, bound, 5)
    with pytest.raises(RecordingError, match=complaint):
        read(told)


def test_a_packet_over_which_the_machine_fails_is_the_last_input_before_its_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    here = host(ONE)

    def fail(*_arguments: object) -> None:
        raise ValueError("no way to do that")

    monkeypatch.setattr(hearing.Hearing, "_heard_as_backup", fail)
    with pytest.raises(ValueError, match="no way"):
        here.on_packet("eth0", heard(150, addresses=ONE.addresses), NOW_S + 1)
    recording = read_again(here)
    assert recording.inputs[-1].method == "hear"
    assert recording.faults == ((recording.inputs[-1].line, "ValueError: no way to do that"),)
    assert replay(recording).differences == ()
    monkeypatch.undo()
    [difference] = replay(recording).differences
    assert difference.endswith("fails with ValueError: no way to do that; is: nothing"), "once the mistake is mended"


def test_a_fault_is_told_with_what_led_to_it_and_comes_again() -> None:
    here = host(ONE)
    with pytest.raises(IllegalTransitionError):
        here.start(key_of(ONE), NOW_S + 1)
    recording = read_again(here)
    [(line, fault)] = recording.faults
    assert fault.startswith("IllegalTransitionError: nothing leads out of BACKUP on: start")
    again = replay(recording)
    assert again.faults == [(line, fault)]
    assert again.differences == ()


def test_what_the_last_input_wanted_and_nobody_told_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    here = host(ONE)
    here.on_timer(NOW_S + 10)
    here.on_timer(NOW_S + 12)
    recording = here.recording()
    assert not recording.is_drained
    assert replay(read(list(lines(recording, ABOUT)))).differences == ()
    assert replay(replace(read(list(lines(recording, ABOUT))), is_drained=True)).differences


def test_another_machine_is_told_from_the_one_that_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    here = host(ONE)
    here.on_packet("eth0", heard(150, addresses=ONE.addresses), NOW_S + 1)
    here.on_timer(NOW_S + 9)
    here.on_timer(NOW_S + 10.5)
    drain(here)
    recording = read_again(here)
    assert replay(recording).differences == ()
    monkeypatch.setattr(machine, "slept_over", lambda _late_s, _interval_s: False)
    [difference] = replay(recording).differences
    assert "is: ONE: BACKUP > MASTER: master-timeout" in difference


def damaged(lines_before: list[str], number: int, *changes: tuple[str, str]) -> list[str]:
    line = lines_before[number]
    for old, new in changes:
        assert old in line
        line = line.replace(old, new)
    return [*lines_before[:number], line, *lines_before[number + 1 :]]


def good() -> list[str]:
    here = host(ONE)
    here.on_packet("eth0", heard(150, addresses=ONE.addresses), NOW_S + 1)
    here.on_timer(NOW_S + 2)
    drain(here)
    return written(here)


def place(wanted: str) -> int:
    return next(number for number, line in enumerate(good()) if wanted in line)


@pytest.mark.parametrize(
    ("where", "changes", "complaint"),
    [
        ('"recording"', [('"recording":1', '"recording":2')], "line 1: it has format 2, and this version of vrrpd reads 1"),
        ('"recording"', [('"recording":1', '"rec":1')], "line 1: expected the first line alone to begin with"),
        ('"recording"', [('"host"', '"guest"')], "line 1: 'host' is missing"),
        ('"hear"', [('"hear"', '"eavesdrop"')], "there is no input `eavesdrop`"),
        ('"hear"', [('"now_s"', '"then_s"')], "hear has no then_s"),
        ('"hear"', [('"now_s":1001.0', '"now_s":1.0')], "the time goes back"),
        ('"hear"', [('"now_s":1001.0', '"now_s":1e99')], "`1e+99` is no time in seconds"),
        ('"hear"', [('"heard":1', '"heard":7')], "7 is missing"),
        ('"hear"', [('"instance":1', '"instance":"one"')], "`one` is no number"),
        ('"is"', [("Heard", "Popen")], "there is no Popen in a recording"),
        ('"is"', [("Heard", "Position")], "this is no Position"),
        ('"is"', [('"source":', '"sauce":')], "this is no Heard"),
        ('"is"', [("192.168.4.6", "192.168.4.600")], "192.168.4.600"),
        ('"told"', [("BACKUP", "BREAKUP")], "there is no State called BREAKUP"),
        ('"told"', [('"told"', '"sold"')], "there is no line that begins with `sold` here"),
        ('"end"', [('"end":', '"end":1')], "inputs, and there should be"),
        ('"end"', [("{", "")], "expected a JSON object"),
        ('"end"', [("{", "[{"), ("}", "}]")], "expected a JSON object that is not empty"),
        ('"is"', [('{"Heard"', '{"x":0,"Heard"')], "expected an object with one key, not with 2"),
        ('"is"', [('"is":{"Heard"', '"is":[{"Heard"'), ("}}}", "}}]}")], "expected Heard or Refused, not tuple"),
    ],
)  # fmt: skip
def test_what_is_no_recording_is_refused_with_its_line_and_a_remedy(where: str, changes: Any, complaint: str) -> None:
    with pytest.raises(RecordingError) as refused:
        read(damaged(good(), place(where), *changes))
    assert complaint in str(refused.value)
    assert "fetch the recording again" in str(refused.value)


@pytest.mark.parametrize("cut", [0, 1, 2, 5])
def test_a_recording_that_was_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(RecordingError, match="cut off"):
        read(good()[:cut])


def test_nothing_follows_on_the_end() -> None:
    with pytest.raises(RecordingError, match="nothing follows"):
        read([*good(), '{"end":0}'])


def test_a_beginning_that_does_not_hold_together_is_refused() -> None:
    told = [line.replace('"_timers"', '"_tumors"') for line in written_in_the_middle()]
    with pytest.raises(RecordingError, match="does not hold together"):
        replay(read(told))


def written_in_the_middle() -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "ENTRIES_MAX", 1)
        here = host(ONE)
        here.on_timer(NOW_S + 1)
        drain(here)
    return written(here)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_else(data: st.DataObject) -> None:
    told = data.draw(st.sampled_from((good(), written_in_the_middle())))
    number = data.draw(st.integers(0, len(told) - 1))
    line = told[number]
    at = data.draw(st.integers(0, len(line)))
    line = line[:at] + data.draw(st.text(max_size=3)) + line[at + data.draw(st.integers(0, 3)) :]
    with suppress(RecordingError):
        replay(read([*told[:number], line, *told[number + 1 :]]))
