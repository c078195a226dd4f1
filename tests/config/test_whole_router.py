"""One file with nearly everything that can be said of virtual routers, and the model of it written out by hand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from tests.config.reading import Reader
from vrrpd.config.model import (
    Announcements,
    BfdSession,
    Command,
    GarpGroup,
    LinkDelay,
    Links,
    NextHop,
    Notification,
    PolledInterface,
    Prefix,
    Route,
    Rule,
    Static,
    SyncGroup,
    Tracked,
    Tracker,
    TrackFile,
    TrackGroup,
    Tracking,
    TrackProcess,
    TrackScript,
    Unicast,
    UnicastPeer,
    VirtualAddress,
    VirtualMac,
    VirtualRouter,
)
from vrrpd.config.position import Position

HERE = Position("", 1)
"""Positions do not take part in comparisons."""

TEXT = """
global_defs {
    script_user www
    default_interface eth2
    vrrp_garp_master_refresh 60
    vrrp_notify_priority_changes
}
track_group TG {
    group {
        inside
    }
}
static_ipaddress {
    10.9.0.1/24 track_group TG
}
static_routes {
    10.8.0.0/16 via 10.9.0.2 dev eth2
}
static_rules {
    from 10.9.0.0/24 table 9 preference 900
}
linkbeat_interfaces {
    eth0 ETHTOOL
}
interface_up_down_delays {
    eth0 1 2
}
garp_group {
    garp_interval 0.01
    interface eth0
}
vrrp_script web {
    script "/usr/bin/curl -f 'http://127.0.0.1/a b'"
    interval 2
    weight -20
}
track_file drain {
    file /run/drain
    weight 2
}
vrrp_track_process nginx {
    process nginx
    weight 5
}
bfd_instance peer {
    neighbor_ip 10.0.0.2
}
vrrp_sync_group both {
    group {
        outside
        inside
    }
    track_bfd {
        peer
    }
    sync_group_tracking_weight
}
vrrp_instance outside {
    state BACKUP
    interface eth0
    virtual_router_id 51
    version 3
    priority 150
    advert_int 0.25
    nopreempt
    timer_expired_backup 200
    use_vmac vip51
    vmac_xmit_base
    unicast_src_ip 10.0.0.1
    unicast_peer {
        10.0.0.2 min_ttl 255
    }
    virtual_ipaddress {
        10.0.0.10/24
        10.0.0.11/24 dev eth9 no_track
    }
    virtual_ipaddress_excluded {
        2001:db8::10/64
    }
    virtual_routes {
        default nexthop via 10.0.0.254 weight 2 nexthop via 10.0.0.253 dev eth0
    }
    virtual_rules {
        to 10.0.0.0/24 lookup 51 preference 51
    }
    track_interface {
        eth1 weight -30
    }
    track_script {
        web
    }
    track_file {
        drain weight 3
    }
    track_process {
        nginx weight 7 reverse
    }
    notify "/usr/local/bin/tell it" root
    garp_master_delay 1
    no_accept
}
vrrp_instance inside {
    state MASTER
    interface eth1
    virtual_router_id 52
    virtual_ipaddress {
        fe80::52/64
    }
}
"""

OUTSIDE = VirtualRouter(
    name="outside",
    interface="eth0",
    virtual_router_id=51,
    priority=150,
    position=HERE,
    version=3,
    family=4,
    advert_interval_s=0.25,
    preempt=False,
    accept=False,
    stalled_master_yields_to=200,
    source_address=IPv4Address("10.0.0.1"),
    unicast=Unicast((UnicastPeer(IPv4Address("10.0.0.2"), min_ttl=255),), check_source=True),
    virtual_interface=VirtualMac("vip51", adverts_from_base=True),
    addresses=(
        VirtualAddress(IPv4Address("10.0.0.10"), 24, "vip51"),
        VirtualAddress(IPv4Address("10.0.0.11"), 24, "eth9", tracked=False),
    ),
    excluded_addresses=(VirtualAddress(IPv6Address("2001:db8::10"), 64, "vip51"),),
    routes=(
        Route(
            Prefix(IPv4Address("0.0.0.0"), 0),
            HERE,
            next_hops=(NextHop(IPv4Address("10.0.0.254"), weight=2), NextHop(IPv4Address("10.0.0.253"), "eth0")),
        ),
    ),
    rules=(Rule(4, 51, "lookup", HERE, table=51, destination=Prefix(IPv4Address("10.0.0.0"), 24)),),
    tracking=Tracking(
        interfaces=(Tracker("eth1", -30),),
        scripts=(Tracker("web", -20),),
        files=(Tracker("drain", 3),),
        processes=(Tracker("nginx", 7, reverse=True),),
    ),
    announcements=Announcements(delay_s=1.0, refresh_s=60.0),
    notification=Notification(any=Command(("/usr/local/bin/tell", "it"), "root"), priority_changes=True),
)
INSIDE = VirtualRouter(
    name="inside",
    interface="eth1",
    virtual_router_id=52,
    priority=255,
    position=HERE,
    version=3,
    family=6,
    starts_as_master=True,
    multicast_group=IPv6Address("ff02::12"),
    addresses=(VirtualAddress(IPv6Address("fe80::52"), 64, "eth1"),),
    announcements=Announcements(refresh_s=60.0),
    notification=Notification(priority_changes=True),
)
CURL = Command(("/usr/bin/curl", "-f", "http://127.0.0.1/a b"), "www")


def test_the_model_says_all_that_the_file_says(reader: Reader) -> None:
    assert reader.mistakes(TEXT) == []
    written = reader.model(TEXT)
    assert written.virtual_routers == (OUTSIDE, INSIDE)
    assert written.sync_groups == (
        SyncGroup(
            "both",
            ("outside", "inside"),
            HERE,
            Tracking(bfd_sessions=(Tracker("peer"),)),
            tracking_weight=True,
            notification=Notification(priority_changes=True),
        ),
    )
    assert written.tracked == Tracked(
        scripts=(TrackScript("web", CURL, HERE, interval_s=2.0, timeout_s=2.0, weight=-20),),
        files=(TrackFile("drain", "/run/drain", HERE, weight=2),),
        processes=(TrackProcess("nginx", "nginx", HERE, weight=5),),
        bfd_sessions=(BfdSession("peer", IPv4Address("10.0.0.2"), 255, HERE),),
    )
    assert written.static == Static(
        addresses=(VirtualAddress(IPv4Address("10.9.0.1"), 24, "eth2", track_group="TG"),),
        routes=(Route(Prefix(IPv4Address("10.8.0.0"), 16), HERE, gateway=IPv4Address("10.9.0.2"), interface="eth2"),),
        rules=(Rule(4, 900, "lookup", HERE, table=9, source=Prefix(IPv4Address("10.9.0.0"), 24)),),
        track_groups=(TrackGroup("TG", ("inside",)),),
    )
    assert written.links == Links(
        polled=(PolledInterface("eth0", "ETHTOOL"),),
        delays=(LinkDelay("eth0", 1.0, 2.0),),
        garp_groups=(GarpGroup(("eth0",), 0.01),),
    )


def test_two_readings_are_one_model_wherever_the_lines_stand(reader: Reader) -> None:
    once = reader.model(TEXT)
    again = reader.model("# a line more\n\n" + TEXT)
    assert again == once
    assert hash(again.virtual_routers) == hash(once.virtual_routers)
