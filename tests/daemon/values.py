"""One message of every kind, with every kind of value in it. Needs nothing but the standard library and the daemon."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from healthcheck.types import Pace, TcpCheck
from ipvs.statistics import Statistics
from ipvs.types import DestinationKey, Forwarding, Protocol, ServiceFlags, ServiceKey
from tests.status.values import ROUTER as VIRTUAL_ROUTER_STATUS
from vrrpd.config.model import (
    Announcements,
    Authentication,
    AuthenticationType,
    GarpGroup,
    RealServer,
    Scheduling,
    SyncGroup,
    VirtualAddress,
    VirtualRouter,
    VirtualServer,
    Vrrp,
)
from vrrpd.config.position import Position
from vrrpd.daemon.channel import LENGTH, decode, encode
from vrrpd.daemon.messages import (
    Answer,
    Ask,
    AskRecording,
    DirectorWork,
    EventReport,
    Give,
    LogLine,
    Masters,
    Pulse,
    Ready,
    RecordingPart,
    RouterWork,
    Stop,
    Stopped,
)
from vrrpd.protocol.states import State
from vrrpd.status.events import AlarmRaised, QuorumChanged, RealServerChanged, SyncGroupChanged, VirtualRouterChanged
from vrrpd.status.model import (
    DirectorStatus,
    LatenessStatus,
    RealServerStatus,
    RouterStatus,
    SyncGroupStatus,
    VirtualServerStatus,
)

POSITION = Position("/etc/vrrpd/vrrpd.conf", 7, 5)
LINK_LOCAL = IPv6Address("fe80::1%eth0")

ROUTER = VirtualRouter(
    name="VI_1 \udce4",
    interface="eth0",
    virtual_router_id=51,
    priority=100,
    position=POSITION,
    authentication=Authentication(AuthenticationType.PASS, b"secret\xff"),
    source_address=IPv4Address("192.0.2.1"),
    addresses=(VirtualAddress(IPv4Address("192.0.2.100"), 24, "eth0", label="eth0:1", broadcast=IPv4Address("192.0.2.255")),),
    excluded_addresses=(VirtualAddress(IPv6Address("2001:db8::1"), 64, "eth0", scope=253),),
    announcements=Announcements(delay_s=0.5),
)
CHECK = TcpCheck(LINK_LOCAL, 80, Pace(retry=3), bind_address=IPv4Address("192.0.2.1"))
SERVER = VirtualServer(
    key=ServiceKey(Protocol.TCP, IPv4Address("192.0.2.100"), 80),
    scheduler="mh",
    position=POSITION,
    flags=ServiceFlags.PERSISTENT | ServiceFlags.SCHEDULER_1 | ServiceFlags.SCHEDULER_2,
    real_servers=(RealServer(LINK_LOCAL, 80, 3, Forwarding.TUN, POSITION, checks=(CHECK,)),),
)
ROUTER_STATUS = RouterStatus(
    (VIRTUAL_ROUTER_STATUS,),
    unknown_virtual_router_ids=1,
    address_repairs=2,
    send_errors=3,
    receive_errors=4,
    receive_drops=6,
    lateness=LatenessStatus((0.001, 0.01), (3, 2, 1), 0.5, 0.004),
    messages_dropped=5,
    sync_groups=(SyncGroupStatus("VG_1 \udce4", State.MASTER, ("VI_1", "VI_2")),),
)
DIRECTOR_STATUS = DirectorStatus(
    (
        VirtualServerStatus(
            name="[192.0.2.100]:tcp:80",
            address=IPv4Address("192.0.2.100"),
            port=80,
            protocol=Protocol.TCP,
            scheduler="wrr",
            quorum_up=True,
            alive_weight=3,
            real_servers=(
                RealServerStatus(
                    LINK_LOCAL, 80, True, 3, 3, 1_700_000_000.0, "connected", 9, 1, 0.001, Statistics(connections=4)
                ),
            ),
            traffic=None,
        ),
    ),
    foreign_rows=1,
    row_repairs=2,
    ipvs_messages=3,
    ipvs_changes=4,
    ipvs_refusals=5,
    messages_dropped=6,
)
FORMERLY_OWNED_ROW = (
    ServiceKey(Protocol.UDP, IPv6Address("2001:db8::53"), 53),
    (DestinationKey(IPv6Address("2001:db8::2"), 53), DestinationKey(LINK_LOCAL, 53)),
)

MESSAGES = [
    Give(
        3,
        RouterWork(
            (ROUTER,),
            Scheduling(nice=-5, real_time_priority=20, lock_memory=True),
            ROUTER.addresses,
            sync_groups=(SyncGroup("VG_1", ("VI_1",), POSITION),),
            garp_groups=(GarpGroup(("eth0", "eth1"), 0.5),),
            vrrp=Vrrp(garp_interval_s=0.001),
            starts_from_s=4.5,
        ),
    ),
    Give(4, DirectorWork((SERVER,), Scheduling(), (FORMERLY_OWNED_ROW,))),
    Ready(3),
    Pulse(),
    Ask(7),
    Answer(7, ROUTER_STATUS),
    Answer(8, DIRECTOR_STATUS),
    AskRecording(9),
    RecordingPart(9, 1, '{"end":0}\n', is_last=True),
    EventReport(
        VirtualRouterChanged(1.5, "VI_1", "eth0", 51, "BACKUP", "MASTER", "master-timeout", IPv4Address("192.0.2.2"), 90)
    ),
    Masters(frozenset({"VI_1"})),
    EventReport(SyncGroupChanged(1.5, "VG_1", "BACKUP", "MASTER", mail=True)),
    EventReport(AlarmRaised(1.5, "VI_1", "eth0", 51, "two masters", "who", IPv4Address("192.0.2.2"), 90, mail=True)),
    EventReport(RealServerChanged(1.5, "[192.0.2.100]:tcp:80", "[192.0.2.3]:tcp:80", up=False, reason="refused", mail=True)),
    EventReport(QuorumChanged(1.5, "[192.0.2.100]:tcp:80", up=False, alive_weight=0, quorum=1, mail=True)),
    LogLine(40, "a line with \udce4 and \N{SNOWMAN}"),
    Stop(),
    Stopped(),
]


def same_values_arrive() -> None:
    """Also run by another Python, which needs nothing but the standard library for it."""
    for message in MESSAGES:
        arrived = decode(encode(message)[LENGTH.size :])
        assert arrived == message
        assert repr(arrived) == repr(message), "also what does not count for equality"
