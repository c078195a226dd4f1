"""IPVS as a whole on the kernel: time-outs, synchronisation daemons, zeroing, settings, and other network namespaces."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from ipvs.administration import SyncDaemon, SyncRole, Timeouts
from ipvs.client import Client
from ipvs.errors import CommandRefusedError, NamespaceError
from ipvs.namespaces import in_namespace
from ipvs.operations import AddDestination, AddService
from ipvs.settings import EXPIRE_NODEST_CONN, FOLDER, KNOWN, SYNC_THRESHOLD, Setting, SettingError, Settings
from ipvs.types import Destination, DestinationKey, Forwarding, MarkKey, Protocol, Row, Service, ServiceKey

from .counting import counted
from .ipvsadm import ipvsadm

pytestmark = pytest.mark.kernel

WEB = ServiceKey(Protocol.TCP, ip_address("127.0.0.1"), 8080)
WRR = Service("wrr")
MASTER = SyncDaemon(SyncRole.MASTER, "lo", 7)
BACKUP = SyncDaemon(SyncRole.BACKUP, "lo", 9, 1400, ip_address("224.0.0.82"), 8849, 3)


def namespace_here() -> int:
    """What tells this thread's network namespace from others."""
    return Path("/proc/thread-self/ns/net").stat().st_ino


@pytest.fixture
def namespace() -> Iterator[str]:
    """The name of a network namespace that nothing else uses."""
    name = f"ipvs-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_time_outs_are_set_one_by_one_and_shown_by_ipvsadm(client: Client) -> None:
    client.set_timeouts(Timeouts(tcp_s=600, tcp_fin_s=30, udp_s=90))
    client.set_timeouts(Timeouts(tcp_fin_s=31))
    assert client.timeouts() == Timeouts(600, 31, 90)
    assert ipvsadm("-Ln", "--timeout") == ["Timeout (tcp tcpfin udp): 600 31 90"]
    with pytest.raises(CommandRefusedError, match="at most"):
        client.set_timeouts(Timeouts(tcp_s=2**32 - 1))
    client.set_timeouts(Timeouts())
    assert client.timeouts() == Timeouts(600, 31, 90)


def test_daemons_of_both_roles_run_and_stop(client: Client) -> None:
    assert client.daemons() == []
    for daemon in (MASTER, BACKUP):
        client.start_daemon(daemon)
        with pytest.raises(CommandRefusedError, match="stop it first") as caught:
            client.start_daemon(daemon)
        assert caught.value.errno == errno.EEXIST
    master, backup = client.daemons()
    assert MASTER.is_met_by(master)
    assert (master.group, master.port, master.ttl) == (ip_address("224.0.0.81"), 8848, 1)
    assert backup == BACKUP
    shown = ipvsadm("-Ln", "--daemon")
    assert any(line.startswith("master sync daemon (mcast=lo, syncid=7,") for line in shown)
    assert any(line.startswith("backup sync daemon (mcast=lo, syncid=9, maxlen=1400, group=224.0.0.82") for line in shown)
    for role in (SyncRole.MASTER, SyncRole.MASTER, SyncRole.BACKUP):
        client.stop_daemon(role)
    assert client.daemons() == []


def test_a_daemon_with_an_ipv6_group_is_read_as_it_was_asked_for(client: Client) -> None:
    subprocess.run(["ip", "link", "add", "one", "type", "veth", "peer", "name", "two"], check=True)
    subprocess.run(["ip", "address", "add", "2001:db8:1::1/64", "dev", "one", "nodad"], check=True)
    for interface in ("one", "two"):
        subprocess.run(["ip", "link", "set", interface, "up"], check=True)
    wanted = SyncDaemon(SyncRole.MASTER, "one", 1, group=ip_address("ff02::81"))
    client.start_daemon(wanted)
    (running,) = client.daemons()
    client.stop_daemon(SyncRole.MASTER)
    assert wanted.is_met_by(running)


def test_a_daemon_that_cannot_run_says_why(client: Client) -> None:
    with pytest.raises(CommandRefusedError, match="no such network interface"):
        client.start_daemon(SyncDaemon(SyncRole.MASTER, "nosuch"))
    with pytest.raises(CommandRefusedError, match="address of the group's family"):
        client.start_daemon(SyncDaemon(SyncRole.MASTER, "lo", group=ip_address("ff02::81")))
    with pytest.raises(CommandRefusedError, match="multicast"):
        client.start_daemon(SyncDaemon(SyncRole.MASTER, "lo", group=ip_address("192.0.2.1")))
    tunnelled = AddDestination(WEB, DestinationKey(ip_address("2001:db8::2"), 80), Destination(Forwarding.TUN, 1))
    assert client.apply([AddService(WEB, WRR), tunnelled]) == []
    with pytest.raises(CommandRefusedError, match="another address family"):
        client.start_daemon(MASTER)


def test_zeroing_begins_to_count_anew(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        real = DestinationKey(ip_address("127.0.0.1"), server.getsockname()[1])
        assert client.apply([AddService(WEB, WRR), AddDestination(WEB, real, Destination(Forwarding.NAT, 1))]) == []
        for key in (WEB, None):
            with socket.create_connection(("127.0.0.1", 8080), timeout=5), server.accept()[0]:
                assert counted(client, WEB).statistics.connections == 1
                client.zero(key)
                assert client.table_with_statistics()[WEB].statistics.connections == 0
    with pytest.raises(CommandRefusedError, match="no such service"):
        client.zero(MarkKey(7))


def test_each_setting_can_be_read_and_every_one_that_was_set_is_restored(client: Client) -> None:
    client.info()
    settings = Settings()
    assert {setting.name for setting in KNOWN} <= {file.name for file in FOLDER.iterdir()}
    before = settings.read(EXPIRE_NODEST_CONN), settings.read(SYNC_THRESHOLD)
    settings.set(EXPIRE_NODEST_CONN, not before[0])
    settings.set(SYNC_THRESHOLD, (5, 60))
    assert (Settings().read(EXPIRE_NODEST_CONN), Settings().read(SYNC_THRESHOLD)) == (not before[0], (5, 60))
    assert settings.restore() == []
    assert (settings.read(EXPIRE_NODEST_CONN), settings.read(SYNC_THRESHOLD)) == before
    with pytest.raises(SettingError, match="EINVAL") as caught:
        settings.set(SYNC_THRESHOLD, (60, 5))
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(SettingError, match="ENOENT"):
        settings.read(Setting("no_such_setting", str, str))


def test_a_client_and_the_settings_of_a_named_namespace_leave_ours_alone(client: Client, namespace: str) -> None:
    here = namespace_here()
    with Client(namespace) as there:
        assert there.apply([AddService(WEB, WRR)]) == []
        assert there.table() == {WEB: Row(WRR)}
        assert client.table() == {}
        assert namespace_here() == here
        Settings(namespace).set(EXPIRE_NODEST_CONN, True)
        assert (Settings(namespace).read(EXPIRE_NODEST_CONN), Settings().read(EXPIRE_NODEST_CONN)) == (True, False)
        there.flush()
    listed = subprocess.run(["ip", "netns", "exec", namespace, "ipvsadm", "-Sn"], check=True, capture_output=True, text=True)
    assert listed.stdout == ""


def test_a_namespace_can_be_named_by_a_path(namespace: str) -> None:
    by_path = in_namespace(f"/run/netns/{namespace}", namespace_here)
    assert by_path == in_namespace(namespace, namespace_here)
    assert by_path != namespace_here()


def test_what_is_no_namespace_says_how_to_make_one() -> None:
    with pytest.raises(NamespaceError, match="ip netns add"), Client("no-such-namespace") as client:
        client.table()
    with pytest.raises(NamespaceError, match="no network namespace"):
        in_namespace("/dev/null", os.getpid)
    with pytest.raises(ZeroDivisionError):
        in_namespace("/proc/self/ns/net", lambda: 1 // 0)
