"""Two hosts that share an address, each with a VRRP daemon of its own, and what is seen while the master changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from netns_lab.client import Client, Result
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import ROUTERS, Daemon
from netns_lab.sniffer import on_bridge
from netns_lab.topology import Role, Service
from netns_lab.waiting import wait_for
from tests.interop.wire import Advert, Announcement, adverts, announcements, is_of_takeover

MIXED = (("keepalived", "vrrpd"), ("vrrpd", "keepalived"))
"""The daemons of director 1 and director 2, both ways round."""
SKEW_50_S = (256 - 50) / 256
"""What director 2, of priority 50, waits after a farewell (RFC 3768 section 6.1)."""
MASTER_DOWN_50_S = 3 + SKEW_50_S
"""What it waits in silence."""
EARLY_S = 0.005
"""A wait may seem to be so much too short: its end is seen on the bridge before its begin was, where the machine is busy."""
LATE_S = 0.4
"""What a busy guest may add to it; less than half of an advert interval, so no frame is taken for another one."""
HOLDER_TIMEOUT_S = 20.0
"""For a daemon's start and its election, 4 to 5 s; the rest is for a busy machine."""
ADVERT_TIMEOUT_S = 3.0
"""A master speaks every second."""
WARM_UP_ANSWERS = 50
"""Before something is done: service is there."""
AFTERMATH_ANSWERS = 200
"""After it: service is there again and stays, for a second."""

COMPLAINTS = re.compile(
    r"bogus|invalid|mismatch|incorrect|wrong|bad |error|unknown|expect|dropp|discard|ignor|not present|differ|unable|fail|"
    r"too (short|long)|sequence number",
    re.IGNORECASE,
)
"""Words by which keepalived speaks of adverts that it does not like."""
PREEMPTION = re.compile(r"received lower priority \(\d+\) advert from \S+ - discarding$")
"""What keepalived says of the master that it is about to replace, whoever that is."""


def complaints(log: str) -> list[str]:
    """Lines of keepalived's log in which it does not like something."""
    return [line for line in log.splitlines() if COMPLAINTS.search(line) and not PREEMPTION.search(line)]


class Party:
    """A host and its daemon."""

    def __init__(self, host: Host, router: str) -> None:
        """Nothing runs yet; the hardware address becomes one that a reader of frames can tell, 02:00:00:00:00:05 for .5."""
        assert host.plan.configuration is not None
        self.host = host
        self.router = router
        self.configuration: Path = host.plan.configuration
        self.address = IPv4Address(host.plan.address.ip)
        self.mac = bytes((2, 0, 0, 0, 0, self.address.packed[-1]))
        host.ip_batch([f"link set eth0 address {self.mac.hex(':')}"])
        self.daemon: Daemon

    def start(self, *options: str) -> None:
        """Start the daemon."""
        self.daemon = ROUTERS[self.router](self.host, self.configuration, *options)


@dataclass(frozen=True)
class Episode:
    """One thing that was done, as the wire and the client saw it."""

    adverts: list[Advert]
    announcements: list[Announcement]
    result: Result
    holders: list[Host]
    """Of the virtual address, at the end."""

    def adverts_of(self, party: Party) -> list[Advert]:
        """Those that its host sent."""
        return [advert for advert in self.adverts if advert.source == party.address]

    def announcements_of(self, party: Party) -> list[Announcement]:
        """Those that its host sent."""
        return [announcement for announcement in self.announcements if announcement.mac == party.mac]

    @property
    def outage_ms(self) -> float:
        """The longest time in which no request was answered."""
        return self.result.longest_outage_ms


class Pair:
    """Director 1, of priority 100, and director 2, of priority 50, and their client."""

    def __init__(self, lab: Lab, routers: tuple[str, str]) -> None:
        """The lab's two hosts that run routers, with the daemons of these names."""
        self.lab = lab
        hosts = [host for host in lab.hosts.values() if Service.ROUTER in host.plan.runs]
        self.first, self.second = (Party(host, router) for host, router in zip(hosts, routers, strict=True))
        self.client = Client(lab.role(Role.CLIENT)[0])
        self.address = lab.topology.virtual_address

    def wait_for_holder(self, party: Party) -> None:
        """Until it and nobody else holds the address."""
        wait_for(lambda: self.lab.holders() == [party.host], HOLDER_TIMEOUT_S, f"{party.host} as the only holder")

    def observe(self, act: Callable[[], None]) -> Episode:
        """Do something under a client's requests, one every 5 ms, and wait until service is there again."""
        with on_bridge(self.lab, is_of_takeover) as sniffer, self.client.measure(self.address) as measurement:
            measurement.wait_for_answers(WARM_UP_ANSWERS)
            frames = [sniffer.wait(ADVERT_TIMEOUT_S)]
            while not adverts(frames):  # the last sign of a master that ends here belongs to the story
                frames.append(sniffer.wait(ADVERT_TIMEOUT_S))
            act()
            measurement.wait_for_answers(AFTERMATH_ANSWERS)
            frames += sniffer.frames()
        return Episode(adverts(frames), announcements(frames), measurement.result, self.lab.holders())
