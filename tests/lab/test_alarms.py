"""Conflicts that must not be: each daemon says once who is in its way, and where, however long the conflict lasts.

Real daemons in the web-ha topology, with the operators' own files made wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from netns_lab import topology
from netns_lab.namespaces import Lab
from netns_lab.sniffer import Frame, Sniffer, is_arp, is_vrrp, on_bridge
from netns_lab.waiting import wait_for
from tests.lab.running import ELECTED_S, PROMPT_S, Vrrpd
from tests.lab.witnesses import ARP_SENDER_MAC, announces, source

pytestmark = pytest.mark.kernel

VIRTUAL_ADDRESS, OTHER_ADDRESS = IPv4Address("192.168.4.80"), IPv4Address("192.168.4.81")
WEB1, WEB2 = IPv4Address("192.168.4.100"), IPv4Address("192.168.4.200")
MAC1, MAC2 = (bytes((2, 0, 0, 0, 0, address.packed[-1])) for address in (WEB1, WEB2))
PASSWORD = """  authentication {
    auth_type pass
    auth_pass 1111
  }
"""
SPEEDY = (("advert_int 1\n", "version 3\n  advert_int 0.2\n"), (PASSWORD, ""))
"""So that a conflict of many adverts does not last long; version 3 has no passwords."""
ADVERTS = 15
"""That a conflict is let go on for."""
WAR_ADVERTS = 5
"""The same of one with an advert a second on each side."""


@dataclass(frozen=True)
class Words:
    """What one daemon said of a conflict."""

    alarms: dict[str, int]
    """By kind, as the metric counts them; only those that were counted."""
    log: str

    def lines(self, kind: str) -> list[str]:
        """The alarms of a kind in the log."""
        return [line for line in self.log.splitlines() if f": {kind}: " in line]


@pytest.fixture
def routers() -> Iterator[tuple[Lab, Vrrpd, Vrrpd]]:
    """web1 of priority 100 and web2 of priority 50 with addresses that a reader of frames can tell; nothing runs yet."""
    with Lab(topology.load("web-ha")) as lab:
        web1, web2 = Vrrpd(lab.host("web1")), Vrrpd(lab.host("web2"))
        for router, mac in ((web1, MAC1), (web2, MAC2)):
            router.host.ip_batch([f"link set eth0 address {mac.hex(':')}"])
        yield lab, web1, web2


def words(router: Vrrpd) -> Words:
    """Of a daemon so far."""
    alarms = {
        dict(labels)["kind"]: int(value)
        for (name, labels), value in router.metrics().items()
        if name == "vrrpd_vrrp_alarms_total" and value
    }
    return Words(alarms, router.daemon.log())


def let_it_last(wire: Sniffer, speaker: IPv4Address, adverts: int) -> list[Frame]:
    """What passes until a router has sent so many adverts more."""
    frames: list[Frame] = []
    while sum(is_vrrp(frame) and source(frame) == speaker for frame in frames) < adverts:
        frames.append(wire.wait(PROMPT_S))
    return frames


def announcers(frames: list[Frame], address: IPv4Address) -> set[bytes]:
    """The hardware addresses at which gratuitous ARP says that an address is."""
    return {frame.octets[ARP_SENDER_MAC] for frame in frames if announces(address)(frame)}


def of_virtual_routers(lab: Lab) -> Sniffer:
    """Adverts and ARP on the bridge."""
    return on_bridge(lab, lambda frame: is_vrrp(frame) or is_arp(frame))


def test_another_virtual_router_with_our_id_is_named_once_by_both(routers: tuple[Lab, Vrrpd, Vrrpd]) -> None:
    lab, web1, web2 = routers
    web1.edit(*SPEEDY)
    web2.edit(*SPEEDY, (str(VIRTUAL_ADDRESS), str(OTHER_ADDRESS)))
    web2.start("-P")
    web2.wait_until("master")
    with of_virtual_routers(lab) as wire:
        web1.start("-P")
        web1.wait_until("master")
        seen = let_it_last(wire, WEB1, ADVERTS)
    web2.wait_until("backup")
    assert announcers(seen, VIRTUAL_ADDRESS) == {MAC1}
    for router, other, theirs in ((web1, WEB2, OTHER_ADDRESS), (web2, WEB1, VIRTUAL_ADDRESS)):
        said = words(router)
        assert said.alarms == {"foreign_virtual_router": 1}
        (line,) = said.lines("foreign virtual router")
        assert f"{other} uses virtual router id 50 on eth0 for other addresses ({theirs})" in line


def test_two_masters_that_meet_after_a_partition_are_named_once(routers: tuple[Lab, Vrrpd, Vrrpd]) -> None:
    lab, web1, web2 = routers
    for router in (web1, web2):
        router.edit(*SPEEDY)
        router.start("-P")
    web1.wait_until("master")
    web2.wait_until("backup")
    web1.host.isolate()
    web2.wait_until("master")
    assert web1.state() == "master"
    with of_virtual_routers(lab) as wire:
        let_it_last(wire, WEB2, 1)  # so that web2 is settled, and web1 speaks first or soon
        web1.host.rejoin()
        web2.wait_until("backup")
        seen = let_it_last(wire, WEB1, ADVERTS)
    assert MAC1 in announcers(seen, VIRTUAL_ADDRESS)
    survivor, loser = words(web1), words(web2)
    assert survivor.alarms["two_masters"] == 1
    (line,) = survivor.lines("two masters")
    assert f"{WEB2} is master of virtual router id 50 on eth0 too, its priority 50, ours 100" in line
    for said in (survivor, loser):
        assert len(said.lines("address in use")) == said.alarms.get("address_in_use", 0) <= 1
    assert "two_masters" not in loser.alarms, "it heard a better one and yielded"


def test_two_masters_that_refuse_each_other_s_adverts_are_named_once_and_both_announce(
    routers: tuple[Lab, Vrrpd, Vrrpd],
) -> None:
    """As long as it lasts; nothing but the answers to probes tells them."""
    lab, web1, web2 = routers
    web2.edit(("auth_pass 1111", "auth_pass 2222"))
    for router in (web1, web2):
        router.start("-P")
    for router in (web1, web2):
        router.wait_until("master")
    wait_for(lambda: words(web1).alarms and words(web2).alarms, ELECTED_S, "an alarm of each")
    with of_virtual_routers(lab) as wire:
        seen = let_it_last(wire, WEB1, WAR_ADVERTS)
    assert announcers(seen, VIRTUAL_ADDRESS) == {MAC1, MAC2}
    for router, mac in ((web1, MAC2), (web2, MAC1)):
        said = words(router)
        assert said.alarms == {"address_in_use": 1}
        (line,) = said.lines("address in use")
        assert f"{mac.hex(':')} answers for {VIRTUAL_ADDRESS} of virtual router id 50 on eth0" in line
        assert "Traceback" not in said.log
