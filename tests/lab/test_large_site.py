"""A director of a large site: what a reload sends, what is put back and how soon, and what is left at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import site
from ipvs.client import Client
from ipvs.types import Row, RowKey
from netns_lab.namespaces import Lab
from netns_lab.waiting import wait_for
from tests.lab.running import Vrrpd
from tests.lab.witnesses import NetlinkWitness

pytestmark = pytest.mark.kernel

LARGE, ORDINARY, LARGEST = (1_000, 10), (80, 5), (2_284, 16)
"""Virtual servers, and real servers of each."""
REPAIR_MAX_S = 1.0
PATIENCE_S = 120.0
"""For what has to come, however long it takes on this machine."""

ONE = 77
KEY = site.service(ONE)
SERVICE = ("-t", f"{KEY.address}:80")
SERVER = ("-r", f"{site.destination(ONE, 3).address}:80")
SHOWN = {
    "server deleted": ("-d", *SERVICE, *SERVER),
    "weight": ("-e", *SERVICE, *SERVER, "-g", "-w", "77"),
    "forwarding": ("-e", *SERVICE, *SERVER, "-m", "-w", "3"),
    "scheduler": ("-E", *SERVICE, "-s", "rr"),
    "persistence": ("-E", *SERVICE, "-s", "wlc", "-p", "77"),
    "service deleted": ("-D", *SERVICE),
}
"""What the kernel's overview shows."""
NOT_SHOWN = {
    "thresholds": ("-e", *SERVICE, *SERVER, "-g", "-w", "3", "-x", "20", "-y", "10"),
    "tunnel": ("-e", *SERVICE, *SERVER, "-i", "-w", "3", "--tun-type", "gue", "--tun-port", "6080"),
    "scheduler flags": ("-E", *SERVICE, "-s", "wlc", "-b", "flag-1"),
}
THEIRS = "-A -t 192.0.2.99:443 -s rr"


class Site:
    """vrrpd at work on a file of some size."""

    def __init__(self, vrrpd: Vrrpd, client: Client) -> None:
        self.vrrpd = vrrpd
        self._client = client

    def rows(self) -> dict[RowKey, Row]:
        """The whole table."""
        return self._client.table()

    def row(self, number: int = ONE) -> Row | None:
        """One service of it."""
        return self._client.rows([site.service(number)]).get(site.service(number))

    def reload(self) -> None:
        """Have the file read again, and wait until that is done."""
        before = self._reloads()
        self.vrrpd.daemon.signal(signal.SIGHUP)
        wait_for(lambda: self._reloads() > before, PATIENCE_S, "the reload")

    def _reloads(self) -> int:
        return self.vrrpd.daemon.log().count("reloaded: ")


@contextmanager
def at_work(lab: Lab, name: str, virtual_servers: int, real_servers: int) -> Iterator[Site]:
    """A site whose table is full, on the host of that name."""
    host = lab.host(name)
    vrrpd = Vrrpd(host, site.configuration(virtual_servers, real_servers, checked=False))
    with Client() as client:
        with host.entered():
            client.flush()  # and so its socket is in there
        directed = Site(vrrpd, client)
        vrrpd.start()
        try:
            wait_for(lambda: _is_full(directed, virtual_servers - 1, real_servers), PATIENCE_S, "the last row")
            yield directed
        finally:
            if vrrpd.daemon.process.poll() is None:
                vrrpd.daemon.stop()


def _is_full(directed: Site, last: int, real_servers: int) -> bool:
    row = directed.row(last)
    return row is not None and len(row.destinations) == real_servers


@pytest.fixture(scope="module")
def large(lab: Lab) -> Iterator[Site]:
    """1,000 virtual servers of 10 real servers each."""
    with at_work(lab, "lvs1", *LARGE) as directed:
        yield directed


@pytest.mark.parametrize("change", SHOWN.values(), ids=SHOWN)
def test_in_a_large_table_what_was_changed_by_hand_is_as_before_within_a_second(change: tuple[str, ...], large: Site) -> None:
    before = large.row()
    assert before is not None
    large.vrrpd.host.run("ipvsadm", *change)
    assert large.row() != before
    wait_for(lambda: large.row() == before, REPAIR_MAX_S, "the row as it was")


@pytest.mark.parametrize("change", NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_in_a_large_table_what_the_overview_does_not_show_is_put_back_too(change: tuple[str, ...], large: Site) -> None:
    before = large.row()
    assert before is not None
    large.vrrpd.host.run("ipvsadm", *change)
    assert large.row() != before
    wait_for(lambda: large.row() == before, PATIENCE_S, "the row as it was")


def test_a_large_table_that_was_cleared_by_hand_is_filled_again(large: Site) -> None:
    before = large.rows()
    large.vrrpd.host.run("ipvsadm", "-C")
    wait_for(lambda: _is_full(large, LARGE[0] - 1, LARGE[1]), PATIENCE_S, "the last row")
    assert large.rows() == before


def test_a_reload_sends_one_message_for_one_weight_and_none_for_none(large: Site) -> None:
    with NetlinkWitness(large.vrrpd.host) as requests:
        large.reload()
        assert requests.changes() == []
        real_server = f"real_server {site.destination(ONE, 3).address} 80 {{\n        weight 3"
        large.vrrpd.edit((real_server, real_server + "3"))
        large.reload()
        assert requests.changes() == ["SET_DEST"]
    changed = large.row()
    assert changed is not None
    assert changed.destinations[site.destination(ONE, 3)].weight == 33


def test_the_end_leaves_no_row_but_those_of_others(lab: Lab) -> None:
    with at_work(lab, "web1", *LARGE) as directed:
        directed.vrrpd.host.run("ipvsadm", *THEIRS.split())
        assert len(directed.rows()) == LARGE[0] + 1
        assert directed.vrrpd.daemon.stop() == 0
        assert list(map(str, directed.rows())) == ["[192.0.2.99]:tcp:443"]


@pytest.fixture(scope="module")
def ordinary(lab: Lab) -> Iterator[Site]:
    """80 virtual servers of 5 real servers each."""
    with at_work(lab, "lvs2", *ORDINARY) as directed:
        yield directed


@pytest.mark.parametrize("change", [*SHOWN.values(), *NOT_SHOWN.values()], ids=[*SHOWN, *NOT_SHOWN])
def test_in_a_table_of_ordinary_size_every_change_by_hand_is_undone_within_a_second(
    change: tuple[str, ...], ordinary: Site
) -> None:
    before = ordinary.row()
    assert before is not None
    ordinary.vrrpd.host.run("ipvsadm", *change)
    assert ordinary.row() != before
    wait_for(lambda: ordinary.row() == before, REPAIR_MAX_S, "the row as it was")


def test_a_reload_of_36544_real_servers_that_changes_nothing_sends_nothing(lab: Lab) -> None:
    with at_work(lab, "web2", *LARGEST) as directed, NetlinkWitness(directed.vrrpd.host) as requests:
        directed.reload()
        assert requests.changes() == []
