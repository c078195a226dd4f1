"""The real inputs, read whole: the model is written out by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from healthcheck.types import Pace, TcpCheck
from ipvs.types import Forwarding, Protocol, ServiceFlags, ServiceKey
from tests.config.reading import INPUTS, said
from vrrpd.config import load
from vrrpd.config.model import (
    Announcements,
    Authentication,
    AuthenticationType,
    CompatMetrics,
    Config,
    Daemon,
    Mail,
    RealServer,
    Scheduling,
    VirtualAddress,
    VirtualRouter,
    VirtualServer,
)
from vrrpd.config.position import Position

HERE = Position("", 1)
"""Positions do not take part in comparisons."""
LVS1 = str(INPUTS / "lvs-dr" / "lvs1.conf")


def lvs_real_server(address: str, weight: int) -> RealServer:
    return RealServer(
        address=IPv4Address(address),
        port=80,
        weight=weight,
        forwarding=Forwarding.DR,
        position=HERE,
        upper_threshold=0,
        lower_threshold=0,
        inhibit_on_failure=False,
        alpha=False,
        checks=(
            TcpCheck(
                address=IPv4Address(address),
                port=80,
                pace=Pace(delay_loop_s=6.0, retry=3, delay_before_retry_s=3.0, warmup_s=None),
                connect_timeout_s=3.0,
            ),
        ),
        smtp_alert=True,
    )


LVS1_EXPECTED = Config(
    daemon=Daemon(
        router_id="lvs1",
        mail=Mail(
            recipients=("admin@example.com",),
            sender="ka@localhost",
            server="127.0.0.1",
            port=25,
            helo_name=None,
            connect_timeout_s=30.0,
        ),
        router_scheduling=Scheduling(),
        director_scheduling=Scheduling(),
        http_listen=None,
        compat_metrics=CompatMetrics.BOTH,
    ),
    virtual_routers=(
        VirtualRouter(
            name="VI_1",
            interface="eth0",
            virtual_router_id=50,
            priority=100,
            position=HERE,
            starts_as_master=True,
            advert_interval_s=1.0,
            down_timer_adverts=3,
            preempt=True,
            preempt_delay_s=0.0,
            authentication=Authentication(AuthenticationType.PASS, b"1111"),
            source_address=None,
            multicast_group=IPv4Address("224.0.0.18"),
            addresses=(VirtualAddress(IPv4Address("192.168.4.15"), 32, "eth0"),),
            announcements=Announcements(5.0, 5, 0.0, 1, 5.0, 5),
        ),
    ),
    virtual_servers=(
        VirtualServer(
            key=ServiceKey(Protocol.TCP, IPv4Address("192.168.4.15"), 80),
            scheduler="wrr",
            position=HERE,
            flags=ServiceFlags.NONE,
            persistence_timeout_s=0,
            quorum=1,
            hysteresis=0,
            real_servers=(lvs_real_server("192.168.4.100", 1), lvs_real_server("192.168.4.200", 2)),
        ),
    ),
    files=(LVS1,),
)


def test_lvs1_is_read_as_its_author_meant_it() -> None:
    loaded = load(LVS1)
    assert loaded.config == LVS1_EXPECTED
    assert said(loaded) == ["17:15 lenient", "33:7 lenient", "41:7 lenient"]
    assert (len(loaded.errors), len(loaded.warnings)) == (0, 3)
    assert loaded.config.virtual_servers[0].real_servers[1].position == Position(LVS1, 37, 3)


def test_lvs2_differs_in_name_state_and_priority() -> None:
    path = str(INPUTS / "lvs-dr" / "lvs2.conf")
    loaded = load(path)
    router = replace(LVS1_EXPECTED.virtual_routers[0], priority=50, starts_as_master=False)
    daemon = replace(LVS1_EXPECTED.daemon, router_id="lvs2")
    assert loaded.config == replace(LVS1_EXPECTED, daemon=daemon, virtual_routers=(router,), files=(path,))


@pytest.mark.parametrize(("name", "messages"), [("web1", ["17:15 lenient"]), ("as-printed", ["3:34 lenient", "17:13 lenient"])])
def test_web_ha_with_and_without_remarks_is_the_same(name: str, messages: list[str]) -> None:
    path = str(INPUTS / "web-ha" / f"{name}.conf")
    loaded = load(path)
    addresses = (VirtualAddress(IPv4Address("192.168.4.80"), 32, "eth0"),)
    router = replace(LVS1_EXPECTED.virtual_routers[0], addresses=addresses)
    daemon = replace(LVS1_EXPECTED.daemon, router_id="web1")
    assert loaded.config == Config(daemon=daemon, virtual_routers=(router,), files=(path,))
    assert said(loaded) == messages
