"""Hosts with links and a daemon of either kind, for the virtual routers of :mod:`tests.interop.every_kind`.

`eth0` and `eth1` of all hosts meet on a bridge each; `eth2` leads nowhere and is there to be tracked. The kernel looks for
duplicates of new IPv6 addresses as it does outside of a lab, so an address that had to wait for that would show.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

from netns_lab import topology
from netns_lab.addresses import of_interface
from netns_lab.namespaces import Host, Lab
from netns_lab.programs import ROUTERS, Daemon
from netns_lab.sniffer import Frame, Sniffer
from netns_lab.topology import Address
from netns_lab.waiting import wait_for
from tests.interop.every_kind import FIRST, SECOND, Kind
from tests.interop.wire import is_neighbour_solicitation, is_of_takeover
from tests.lab.running import HTTP_LISTEN, Vrrpd

HOST = """
[hosts.lvs{own}]
role = "router"
address = "192.168.4.{own}/24"
runs = ["router"]
configuration = "{own}.conf"
"""
LINKS = ("eth0", "eth1")
READY_S = 20.0
"""Deadline for what a daemon tells of itself, on a busy machine: a start, a reload, a master that is silent."""
HOLDERS_S = 20.0
"""Deadline for elections; the slowest takes 3.8 s."""
BACKUP_WORDS = {"keepalived": "({name}) Entering BACKUP STATE", "vrrpd": "({name}) {interface} vrid {id}: INITIALIZE -> BACKUP"}


class Member:
    """A host and its daemon, which may be started again after its end; its log goes on."""

    def __init__(self, lab: Lab, own: int, router: str) -> None:
        """Give host `own` of the plan its other links, and addresses that tell it; start nothing yet."""
        self.lab = lab
        self.own = own
        self.router = router
        self.host: Host = lab.host(f"lvs{own}")
        self._inside_port = f"{self.host.plan.name}-1"
        _connect(lab, self.host, own, self._inside_port)
        self.own_addresses = self.addresses()
        self.statistics = Vrrpd(self.host)
        """Where its counters are read, if it is a vrrpd."""
        self.configuration = self.statistics.configuration
        self.daemon: Daemon

    def __repr__(self) -> str:
        """Short, for the messages of failed assertions."""
        return f"<{self.router} on {self.host.plan.name}>"

    def start(self) -> None:
        """Start the daemon on the file as it is now, without waiting for anything."""
        http = ("--http", HTTP_LISTEN) if self.router == "vrrpd" else ()
        self.daemon = ROUTERS[self.router](self.host, self.configuration, "-P", *http)

    def wait_until_listening(self, kinds: Collection[Kind], after: int = 0) -> None:
        """Until each of these virtual routers has said that it is a backup, after so many characters of the log."""
        words = [
            BACKUP_WORDS[self.router].format(name=kind.name, interface=kind.interface, id=kind.virtual_router_id)
            for kind in kinds
        ]
        self.wait_until_said(words, after)

    def wait_until_said(self, words: Collection[str], after: int = 0) -> None:
        """Until all of that is in its log, after so many characters."""

        def is_said() -> bool:
            log = self.daemon.log()[after:]
            return all(word in log for word in words)

        wait_for(is_said, READY_S, f"{words} in the log of {self}")

    def reload(self, *changes: tuple[str, str]) -> None:
        """Replace texts in the file and have the daemon read it again, without waiting for anything."""
        self.statistics.edit(*changes)
        if self.router == "keepalived":
            (self.host.directory / "keepalived.conf").write_text(self.configuration.read_text())
        self.daemon.signal(signal.SIGHUP)

    def lose_track(self) -> None:
        """What is tracked loses its carrier."""
        self.host.ip_batch(["link set beyond down"])

    def find_track(self) -> None:
        """It has it again."""
        self.host.ip_batch(["link set beyond up"])

    def lose_link(self) -> None:
        """The cable of eth1 is pulled."""
        self.lab.bridge.ip_batch([f"link set {self._inside_port} down"])

    def find_link(self) -> None:
        """It is put back."""
        self.lab.bridge.ip_batch([f"link set {self._inside_port} up"])

    def lose_power(self) -> None:
        """All at once: no daemon, no link, and a kernel that remembers no address.

        The daemon goes first: one that sees one link go says farewell for its sync group through the other.
        """
        self.daemon.crash()
        self.host.unplug()
        self.lose_link()
        self.host.ip_batch([f"address flush dev {link}" for link in LINKS])
        self.own_addresses = set()

    def addresses(self) -> set[Address]:
        """All addresses of its links, as the kernel has them."""
        with self.host.entered():
            return set[Address]().union(*map(of_interface, LINKS))

    def tentative(self) -> set[Address]:
        """Addresses that the kernel does not use yet."""
        links = json.loads(self.host.run("ip", "-json", "-6", "address", "show", "tentative").stdout)
        return {ip_address(one["local"]) for link in links for one in link.get("addr_info", ())}


def _connect(lab: Lab, host: Host, own: int, inside_port: str) -> None:
    """Links, hardware addresses and addresses; and neighbours are known, so unicast adverts go out though nobody is there."""
    lab.bridge.ip_batch(
        [f"link add {inside_port} type veth peer name eth1 netns {host.name}", f"link set {inside_port} master br1 up"]
    )
    peer = FIRST + SECOND - own
    peer_link = f"lladdr 02:00:00:00:00:{peer:02x} dev eth0"
    _look_for_duplicates(host, "0")  # of link-local addresses: whoever starts now could not send from them
    host.ip_batch(
        [
            "link set eth0 down",
            f"link set eth0 address 02:00:00:00:00:{own:02x}",
            "link set eth0 up",
            f"address add fd00:4::{own}/64 dev eth0 nodad",
            f"link set eth1 address 02:00:00:00:01:{own:02x}",
            "link set eth1 up",
            f"address add 10.5.0.{own}/24 dev eth1",
            "link add eth2 type veth peer name beyond",
            "link set beyond up",
            "link set eth2 up",
            f"neighbour replace 192.168.4.{peer} {peer_link}",
            f"neighbour replace fd00:4::{peer} {peer_link}",
        ]
    )
    with host.entered():
        wait_for(_links_have_addresses, READY_S, f"link-local addresses in {host}")
    _look_for_duplicates(host, "1")


def _look_for_duplicates(host: Host, whether: str) -> None:
    with host.entered():
        for which in ("all", *LINKS):
            Path(f"/proc/sys/net/ipv6/conf/{which}/accept_dad").write_text(whether)


def _links_have_addresses() -> bool:
    """The kernel gives a link its link-local address a moment after it is up."""
    return all(any(one.is_link_local for one in of_interface(link)) for link in LINKS)


class Wiretap:
    """Hears what passes both bridges."""

    def __init__(self, lab: Lab) -> None:
        self._sniffers = [Sniffer(lab.bridge, bridge, _is_of_interest) for bridge in ("br0", "br1")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sniffer in self._sniffers:
            sniffer.__exit__(kind, error, trace)

    def frames(self) -> list[Frame]:
        """What has come since the last call, in its order."""
        return sorted((frame for sniffer in self._sniffers for frame in sniffer.frames()), key=lambda frame: frame.time_s)


def _is_of_interest(frame: Frame) -> bool:
    return is_of_takeover(frame) or is_neighbour_solicitation(frame)


@contextmanager
def connected(prefix: str, directory: Path, routers: Mapping[int, str]) -> Iterator[dict[int, Member]]:
    """Members of these numbers with daemons of these names; `directory` has the file of each, such as `5.conf`."""
    text = 'virtual_address = "192.168.4.51"\n' + "".join(HOST.format(own=own) for own in routers)
    with Lab(topology.parse("members", text, directory), prefix) as lab:
        lab.bridge.ip_batch(["link add br1 type bridge forward_delay 0 mcast_snooping 0", "link set br1 up"])
        yield {own: Member(lab, own, router) for own, router in routers.items()}
