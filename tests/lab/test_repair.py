"""What somebody changes by hand is put back; what somebody adds is reported and left alone."""

from __future__ import annotations

import pytest

from netns_lab import sniffer
from netns_lab.namespaces import Host, Lab
from netns_lab.waiting import wait_for
from tests.lab.conftest import VIRTUAL_ADDRESS
from tests.lab.running import ADVERT_LATE_S, PROMPT_S, Vrrpd
from tests.lab.witnesses import AddressWitness, NetlinkWitness, adverts_of, announces, intervals_s

pytestmark = pytest.mark.kernel

DELETE_ADDRESS = ("ip", "address", "delete", f"{VIRTUAL_ADDRESS}/32", "dev", "eth0")
SERVICE = ("-t", f"{VIRTUAL_ADDRESS}:80")
WEB2 = ("-r", "192.168.4.200:80")
REPAIR_MAX_S = 1.0
DELETIONS = 20


def saved_table(host: Host) -> list[str]:
    """The IPVS table as commands that make it."""
    return sorted(host.run("ipvsadm", "-Sn").stdout.splitlines())


def test_an_address_deleted_by_hand_is_back_within_a_second_and_announced(lab: Lab, lone_master: Vrrpd) -> None:
    host = lone_master.host
    with AddressWitness(host) as addresses, sniffer.on_bridge(lab, announces(VIRTUAL_ADDRESS)) as wire:
        host.run(*DELETE_ADDRESS)
        wire.wait(REPAIR_MAX_S)
        assert addresses.changes() == [f"-{VIRTUAL_ADDRESS}", f"+{VIRTUAL_ADDRESS}"]
    assert lone_master.metric("vrrpd_address_repairs_total") == 1
    assert lone_master.state() == "master"


@pytest.mark.parametrize(
    "change",
    [
        ("-d", *SERVICE, *WEB2),
        ("-e", *SERVICE, *WEB2, "-g", "-w", "7"),
        ("-e", *SERVICE, *WEB2, "-m", "-w", "2"),
        ("-E", *SERVICE, "-s", "rr"),
        ("-D", *SERVICE),
        ("-C",),
    ],
    ids=["server deleted", "weight", "forwarding", "scheduler", "service deleted", "table cleared"],
)
def test_an_ipvs_row_changed_by_hand_is_as_before_within_a_second(change: tuple[str, ...], lone_master: Vrrpd) -> None:
    table = saved_table(lone_master.host)
    assert len(table) == 3
    lone_master.host.run("ipvsadm", *change)
    wait_for(lambda: saved_table(lone_master.host) == table, REPAIR_MAX_S, "the table as it was")


def test_rows_of_others_are_counted_and_left_alone_whatever_is_repaired_beside_them(lone_master: Vrrpd) -> None:
    host = lone_master.host
    ours = saved_table(host)
    theirs = [
        "-A -t 192.168.4.99:443 -s rr",
        "-a -t 192.168.4.99:443 -r 192.168.4.202:443 -g -w 1",
        f"-a -t {VIRTUAL_ADDRESS}:80 -r 192.168.4.201:80 -g -w 1",
    ]
    for row in theirs:
        host.run("ipvsadm", *row.split())
    with NetlinkWitness(host) as requests:
        wait_for(lambda: lone_master.metric("vrrpd_ipvs_foreign_rows") == 3, PROMPT_S, "foreign rows in the metrics")
        assert requests.changes() == []
        host.run("ipvsadm", "-d", *SERVICE, *WEB2)
        wait_for(lambda: saved_table(host) == sorted(ours + theirs), REPAIR_MAX_S, "all rows, ours and theirs")
        assert requests.changes() == ["DEL_DEST", "NEW_DEST"]
    lone_master.reload()
    assert saved_table(host) == sorted(ours + theirs)


def test_who_deletes_the_address_as_fast_as_it_comes_back_disturbs_nothing_else(lab: Lab, lone_master: Vrrpd) -> None:
    host = lone_master.host
    repairs = lone_master.metric("vrrpd_address_repairs_total")
    router = lone_master.pid("router")
    with sniffer.on_bridge(lab, adverts_of(host)) as wire:
        for _ in range(DELETIONS):
            host.run(*DELETE_ADDRESS)
            wait_for(lambda: host.holds(VIRTUAL_ADDRESS), REPAIR_MAX_S, "the address")
        adverts = [*wire.frames(), wire.wait(PROMPT_S), wire.wait(PROMPT_S)]
    assert max(intervals_s(adverts)) < ADVERT_LATE_S
    assert lone_master.metric("vrrpd_address_repairs_total") == repairs + DELETIONS
    assert (lone_master.state(), lone_master.pid("router")) == ("master", router)
