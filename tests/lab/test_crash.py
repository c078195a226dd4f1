"""SIGKILL: whoever dies is started again and goes on with what it finds; clients, peers and the kernel notice nothing."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from netns_lab import sniffer
from netns_lab.namespaces import Host
from netns_lab.programs import start_web_server
from netns_lab.sniffer import Sniffer, is_vrrp
from netns_lab.waiting import wait_for
from tests.lab.conftest import BOTH_SERVERS, VIRTUAL_ADDRESS, WEB1, WEB2, Pair
from tests.lab.running import ELECTED_S, PROMPT_S
from tests.lab.witnesses import PRIORITY, AddressWitness, NetlinkWitness, intervals_s, source

pytestmark = pytest.mark.kernel

ANOTHER_ADDRESS = IPv4Address("192.168.4.16")
CHECK_EVERY_SECOND = (
    ("delay_loop 6", "delay_loop 1"),
    ("nb_get_retry 3", "nb_get_retry 1"),
    ("before_retry 3", "before_retry 1"),
)
SERVER_LOST_S = 15.0
"""Deadline for a server's removal, which takes a check, a retry after 1 s and their timeouts."""
INTERVAL_S = 3
RARE_ADVERTS = ("advert_int 1\n", f"advert_int {INTERVAL_S}\n")
"""A start takes a fraction of a second, but some on a guest that shares its CPU; it has to be over before three adverts are
missed."""
SILENCE_MAX_S = 3.0 * INTERVAL_S
"""Three intervals without an advert; the other director takes over 0.8 s later."""
LONG_SILENCE_S = 4.0 * INTERVAL_S
"""After this the other director has long taken over."""
ANSWERS = 100
HAND_OVER_S = 0.1
"""In which the director that is replaced hears of it and says its last word."""


@pytest.fixture(scope="module")
def pair(idle_pair: Pair) -> Pair:
    """Two directors that check their servers every second and speak more rarely; lvs1 is master."""
    for each in (idle_pair.first, idle_pair.second):
        each.edit(*CHECK_EVERY_SECOND, RARE_ADVERTS)
    idle_pair.start()
    return idle_pair


@pytest.fixture(autouse=True)
def settled(pair: Pair) -> None:
    """Each test begins with lvs1 as master and both servers in its table, whatever the one before it left unfinished."""
    if pair.web_servers["web2"].process.poll() is not None:
        pair.web_servers["web2"] = start_web_server(pair.lab.host("web2"))
    pair.first.wait_until_ready()
    wait_for(lambda: pair.lab.holders() == [pair.first.host], ELECTED_S, "lvs1 as the only master")
    wait_for(lambda: pair.first.host.real_servers() == BOTH_SERVERS, SERVER_LOST_S, "both servers in the table")


@pytest.fixture
def wire(pair: Pair) -> Iterator[Sniffer]:
    """The adverts during the test."""
    with sniffer.on_bridge(pair.lab, is_vrrp) as wire:
        yield wire


def connections(host: Host) -> int:
    """How many IPVS has counted for the virtual server since its row was made; it adds them up every 2 s."""
    shown = host.run("ipvsadm", "-Ln", "--stats", "--exact").stdout
    found = re.search(rf"^TCP +{VIRTUAL_ADDRESS}:80 +(\d+)", shown, re.MULTILINE)
    assert found is not None, shown
    return int(found[1])


def assert_lvs1_stayed_master(pair: Pair, wire: Sniffer) -> None:
    """In what was heard since the test began, and up to lvs1's second advert from now on."""
    adverts = [*wire.frames(), wire.wait(PROMPT_S), wire.wait(PROMPT_S)]
    assert {source(frame) for frame in adverts} == {pair.first.host.plan.address.ip}
    assert {frame.octets[PRIORITY] for frame in adverts} == {100}
    assert max(intervals_s(adverts)) < SILENCE_MAX_S
    assert pair.second.state() == "backup"
    assert pair.lab.holders() == [pair.first.host]


def test_a_crash_of_all_and_a_restart_before_anybody_takes_over_are_no_event(
    pair: Pair, wire: Sniffer, requests: NetlinkWitness, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    with pair.client.measure(VIRTUAL_ADDRESS) as measurement:
        measurement.wait_for_answers(ANSWERS)
        lvs1.daemon.crash()
        lvs1.start()
        lvs1.wait_until_ready()
        measurement.wait_for_answers(ANSWERS)
    assert measurement.result.longest_outage_ms == 0
    answered = sum(measurement.result.answers.values())
    # A row made anew would have counted only those after the restart; requests broken off at the end are counted, too.
    wait_for(lambda: connections(lvs1.host) >= answered, PROMPT_S, f"{answered} connections counted by one and the same row")
    assert requests.changes() == []
    assert addresses.changes() == []
    assert lvs1.metric("vrrpd_transitions_total", state="master", cause="resumed") == 1
    assert lvs1.host.run("ip", "-oneline", "address", "show", "dev", "eth0").stdout.count(f"{VIRTUAL_ADDRESS}/") == 1
    assert_lvs1_stayed_master(pair, wire)


def test_a_server_that_was_out_stays_out_after_a_crash_until_a_check_succeeds(pair: Pair, requests: NetlinkWitness) -> None:
    lvs1 = pair.first
    pair.web_servers["web2"].crash()
    wait_for(lambda: lvs1.host.real_servers() == {WEB1: 1}, SERVER_LOST_S, "web2's removal")
    assert requests.changes() == ["DEL_DEST"]
    lvs1.daemon.crash()
    lvs1.start()
    lvs1.wait_until_ready()
    web2 = f"[{WEB2[0]}]:{WEB2[1]}"
    wait_for(lambda: lvs1.metric("vrrpd_real_server_checks_total", real_server=web2) >= 2, PROMPT_S, "two more checks of web2")
    assert requests.changes() == []
    pair.web_servers["web2"] = start_web_server(pair.lab.host("web2"))
    wait_for(lambda: lvs1.host.real_servers() == BOTH_SERVERS, PROMPT_S, "web2's return")


@pytest.mark.parametrize("process", ["router", "director"])
def test_a_child_that_is_killed_is_started_again_and_touches_nothing(
    process: str, pair: Pair, wire: Sniffer, requests: NetlinkWitness, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    old = lvs1.pid(process)
    restarts = lvs1.metric("vrrpd_process_restarts_total")
    os.kill(old, signal.SIGKILL)
    lvs1.wait_for_restart(process, old)
    lvs1.wait_until_ready()
    assert requests.changes() == []
    assert addresses.changes() == []
    assert lvs1.metric("vrrpd_process_restarts_total") == restarts + 1
    assert lvs1.metric("vrrpd_process_restarts_total", process=process) == 1
    assert_lvs1_stayed_master(pair, wire)


def test_children_whose_supervisor_was_killed_end_without_a_word_and_touch_nothing(
    pair: Pair, wire: Sniffer, requests: NetlinkWitness, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    processes = lvs1.daemon.pids()
    assert len(processes) == 3
    lvs1.daemon.signal(signal.SIGKILL)
    lvs1.wait_for_end(processes)
    assert lvs1.host.holds(VIRTUAL_ADDRESS)
    assert lvs1.host.real_servers() == BOTH_SERVERS
    lvs1.start()
    lvs1.wait_until_ready()
    assert requests.changes() == []
    assert addresses.changes() == []
    assert_lvs1_stayed_master(pair, wire)


def test_what_the_file_no_longer_has_after_a_crash_goes_and_what_it_has_now_comes(
    pair: Pair, wire: Sniffer, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    original = lvs1.configuration.read_text()
    lvs1.daemon.crash()
    lvs1.edit((str(VIRTUAL_ADDRESS), str(ANOTHER_ADDRESS)), (str(WEB2[0]), "192.168.4.201"))
    lvs1.start()
    lvs1.wait_until_ready()
    assert sorted(addresses.changes()) == [f"+{ANOTHER_ADDRESS}", f"-{VIRTUAL_ADDRESS}"]
    table = lvs1.host.ipvsadm()
    assert str(VIRTUAL_ADDRESS) not in table
    assert str(ANOTHER_ADDRESS) in table
    assert WEB1 in lvs1.host.real_servers()
    assert WEB2 not in lvs1.host.real_servers()
    lvs1.configuration.write_text(original)
    lvs1.reload()
    assert_lvs1_stayed_master(pair, wire)


def test_after_a_long_absence_it_clears_up_and_waits_before_it_is_master_again(
    pair: Pair, wire: Sniffer, addresses: AddressWitness
) -> None:
    lvs1, lvs2 = pair.first, pair.second
    last_advert = wire.wait(PROMPT_S)
    lvs1.daemon.crash()
    adverts = [last_advert]
    while adverts[-1].time_s - last_advert.time_s < LONG_SILENCE_S:
        adverts.append(wire.wait(PROMPT_S))
    assert pair.lab.holders() == [lvs1.host, lvs2.host]
    lvs1.start()
    wait_for(lambda: pair.lab.holders() == [lvs2.host], PROMPT_S, "the old address being taken away")
    lvs1.wait_until("master")
    wait_for(lambda: pair.lab.holders() == [lvs1.host], PROMPT_S, "lvs2 letting go")
    assert addresses.changes() == [f"-{VIRTUAL_ADDRESS}", f"+{VIRTUAL_ADDRESS}"]
    adverts += [*wire.frames(), wire.wait(PROMPT_S), wire.wait(PROMPT_S)]
    reigns = [(address, list(frames)) for address, frames in itertools.groupby(adverts, source)]
    one, two = (each.host.plan.address.ip for each in (lvs1, lvs2))
    *_, (_, first_word), (_, last_word), (_, afterwards) = reigns
    assert [address for address, _ in reigns] == [one, two, one, two, one]
    assert len(first_word) == len(last_word) == 1
    assert last_word[0].time_s - first_word[0].time_s < HAND_OVER_S
    assert {frame.octets[PRIORITY] for frame in afterwards} == {100}
