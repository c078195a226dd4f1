"""SIGHUP: what changed in the file changes in the kernel, by as many messages as there are changes; nothing else moves."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from netns_lab import sniffer
from netns_lab.sniffer import Frame, is_vrrp
from netns_lab.waiting import wait_for
from tests.lab.conftest import BOTH_SERVERS, WEB1, WEB2, Pair
from tests.lab.running import ADVERT_LATE_S, PROMPT_S
from tests.lab.witnesses import PRIORITY, AddressWitness, NetlinkWitness, adverts_of, announces, intervals_s, source

pytestmark = pytest.mark.kernel

ADDRESS = "virtual_ipaddress { 192.168.4.15 }"
TWO_ADDRESSES = "virtual_ipaddress { 192.168.4.15\n 192.168.4.16 }"
ANOTHER_ADDRESS = IPv4Address("192.168.4.16")
SECOND_INSTANCE = """
vrrp_instance VI_2 {
  interface eth0
  virtual_router_id 51
  priority 255
  virtual_ipaddress { 192.168.4.16 }
}
"""
"""Of the priority that waits for nobody."""
SECOND_VIRTUAL_SERVER = """
virtual_server 192.168.4.15 8080 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.4.100 8080 {
    weight 1
  }
}
"""
REAL_SERVER_WEB2 = """\
  real_server 192.168.4.200 80 {
    weight 2
    TCP_CHECK {
      connect_timeout 3
      nb_get_retry 3
      delay_before_retry 3
    }
  }
"""


@pytest.fixture(scope="module")
def adverts(pair: Pair) -> Iterator[Callable[[], list[Frame]]]:
    """Call it for all adverts of lvs1 since the module began, up to one that is still to come."""
    heard: list[Frame] = []
    with sniffer.on_bridge(pair.lab, adverts_of(pair.first.host)) as wire:

        def up_to_the_next() -> list[Frame]:
            heard.extend([*wire.frames(), wire.wait(PROMPT_S)])
            return heard

        yield up_to_the_next


@pytest.fixture(autouse=True)
def undisturbed(pair: Pair, adverts: Callable[[], list[Frame]]) -> Iterator[None]:
    """No test makes lvs1 miss an advert or its place, and each leaves it with the operators' own file in force."""
    original = pair.first.configuration.read_text()
    transitions = [each.metric("vrrpd_transitions_total", name="VI_1") for each in (pair.first, pair.second)]
    yield
    pair.first.configuration.write_text(original)
    pair.first.reload()
    assert max(intervals_s(adverts())) < ADVERT_LATE_S
    assert [each.metric("vrrpd_transitions_total", name="VI_1") for each in (pair.first, pair.second)] == transitions
    assert pair.lab.holders() == [pair.first.host]


def test_one_changed_weight_is_one_message_to_ipvs(pair: Pair, requests: NetlinkWitness, addresses: AddressWitness) -> None:
    lvs1 = pair.first
    before = lvs1.metric("vrrpd_ipvs_changes_total")
    with sniffer.on_bridge(pair.lab, is_vrrp) as wire:
        adverts = [wire.wait(PROMPT_S)]
        lvs1.edit(("weight 2", "weight 5"))
        lvs1.reload()
        assert requests.changes() == ["SET_DEST"]
        assert lvs1.metric("vrrpd_ipvs_changes_total") == before + 1
        assert lvs1.host.real_servers() == {WEB1: 1, WEB2: 5}
        assert addresses.changes() == []
        adverts += [*wire.frames(), wire.wait(PROMPT_S)]
    assert {source(frame) for frame in adverts} == {lvs1.host.plan.address.ip}
    assert intervals_s(adverts) == pytest.approx([1.0] * (len(adverts) - 1), abs=0.1)


def test_an_unchanged_file_is_no_message_at_all(pair: Pair, requests: NetlinkWitness, addresses: AddressWitness) -> None:
    lvs1 = pair.first
    before = lvs1.metric("vrrpd_ipvs_changes_total"), lvs1.metric("vrrpd_reloads_total", result="applied")
    lvs1.reload()
    assert requests.changes() == []
    assert addresses.changes() == []
    after = lvs1.metric("vrrpd_ipvs_changes_total"), lvs1.metric("vrrpd_reloads_total", result="applied")
    assert after == (before[0], before[1] + 1)


def test_a_file_with_an_error_is_refused_as_a_whole_with_the_words_of_the_test(
    pair: Pair, requests: NetlinkWitness, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    log_before = lvs1.daemon.log()
    lvs1.edit(("weight 2", "weight 5"), ("priority 100", "priority 300"), (ADDRESS, "virtual_ipaddress { 192.168.4.555 }"))
    lvs1.reload()
    assert lvs1.metric("vrrpd_reloads_total", result="refused") == 1
    assert requests.changes() == []
    assert addresses.changes() == []
    assert lvs1.host.real_servers() == BOTH_SERVERS
    log = re.sub(r"(?m)^\d{4}-\d\d-\d\d [\d:.]+: ", "", lvs1.daemon.log().removeprefix(log_before))
    checked = lvs1.host.run(sys.executable, "-m", "vrrpd", "-t", "-f", lvs1.configuration, check=False)
    *diagnostics, _summary = checked.stderr.splitlines(keepends=True)
    assert checked.returncode == 5
    assert "".join(diagnostics) in log
    assert "error" in log
    assert "reload refused" in log


def test_instances_come_and_hand_over_beside_a_master_that_goes_on(pair: Pair, addresses: AddressWitness) -> None:
    lvs1 = pair.first
    lvs1.edit((f"{ADDRESS}\n}}", f"{ADDRESS}\n}}{SECOND_INSTANCE}"))
    lvs1.reload()
    lvs1.wait_until("master", "VI_2")
    assert addresses.changes() == ["+192.168.4.16"]
    lvs1.edit((SECOND_INSTANCE, ""))
    reloads = lvs1.metric("vrrpd_reloads_total")
    with sniffer.on_bridge(pair.lab, adverts_of(lvs1.host, virtual_router_id=51)) as wire:
        lvs1.daemon.signal(signal.SIGHUP)
        while wire.wait(PROMPT_S).octets[PRIORITY] != 0:
            pass
        assert lvs1.state("VI_2") == "relinquishing"
        assert addresses.changes() == []
        wait_for(lambda: lvs1.metric("vrrpd_reloads_total") > reloads, PROMPT_S, "the reload")
        assert wire.frames() == [], "it says no more"
    assert addresses.changes() == ["-192.168.4.16"]
    assert lvs1.state("VI_2") is None


def test_addresses_come_and_go_beside_those_that_stay(pair: Pair, addresses: AddressWitness) -> None:
    lvs1 = pair.first
    lvs1.edit((ADDRESS, TWO_ADDRESSES))
    with sniffer.on_bridge(pair.lab, announces(ANOTHER_ADDRESS)) as wire:
        lvs1.reload()
        wire.wait(PROMPT_S)
    assert addresses.changes() == ["+192.168.4.16"]
    lvs1.edit((TWO_ADDRESSES, ADDRESS))
    lvs1.reload()
    assert addresses.changes() == ["-192.168.4.16"]


def test_virtual_servers_come_and_go_beside_those_that_stay(pair: Pair, requests: NetlinkWitness) -> None:
    lvs1 = pair.first
    original = lvs1.configuration.read_text()
    lvs1.configuration.write_text(original + SECOND_VIRTUAL_SERVER)
    lvs1.reload()
    assert requests.changes() == ["NEW_SERVICE", "NEW_DEST"]
    assert (WEB1[0], 8080) in lvs1.host.real_servers()
    lvs1.configuration.write_text(original)
    lvs1.reload()
    assert requests.changes() == ["DEL_SERVICE"]
    assert lvs1.host.real_servers() == BOTH_SERVERS


def test_real_servers_come_and_go_beside_those_that_stay(pair: Pair, requests: NetlinkWitness) -> None:
    lvs1 = pair.first
    lvs1.edit((REAL_SERVER_WEB2, ""))
    lvs1.reload()
    assert requests.changes() == ["DEL_DEST"]
    assert lvs1.host.real_servers() == {WEB1: 1}


def test_a_changed_priority_is_in_the_next_advert_and_changes_no_state(
    pair: Pair, requests: NetlinkWitness, addresses: AddressWitness
) -> None:
    lvs1 = pair.first
    lvs1.edit(("priority 100", "priority 120"))
    with sniffer.on_bridge(pair.lab, adverts_of(lvs1.host)) as wire:
        lvs1.reload()
        assert [frame.octets[PRIORITY] for frame in wire.frames()][-1] == 120
    assert requests.changes() == []
    assert addresses.changes() == []


def test_of_two_reloads_at_once_the_later_file_is_the_one_in_force(pair: Pair, requests: NetlinkWitness) -> None:
    lvs1 = pair.first
    for weight in (2, 3, 4):
        lvs1.edit((f"weight {weight}", f"weight {weight + 1}"))
        lvs1.daemon.signal(signal.SIGHUP)
    wait_for(lambda: lvs1.host.real_servers() == {WEB1: 1, WEB2: 5}, PROMPT_S, "the weight of the last file")
    assert 1 <= len(requests.changes()) <= 3
