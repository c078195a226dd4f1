"""One configuration of a director as somebody might run it, and its model written out by hand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from healthcheck.types import (
    BfdCheck,
    DnsCheck,
    DnsRecordType,
    FileCheck,
    HttpVersion,
    MiscCheck,
    Pace,
    PingCheck,
    Regex,
    RegexOption,
    Sni,
    SslCheck,
    TcpCheck,
    Tls,
    TlsFiles,
    UdpCheck,
    Url,
)
from ipvs.types import Forwarding, Protocol, ServiceFlags, ServiceKey
from tests.config.reading import Reader
from vrrpd.config.model import (
    AddressRange,
    Command,
    GroupKey,
    MarkKey,
    RealServer,
    SorryServer,
    Tunnel,
    TunnelChecksum,
    TunnelType,
    VirtualServer,
    VirtualServerGroup,
)
from vrrpd.config.position import Position

TEXT = """\
global_defs {
    script_user nobody
    smtp_alert_checker off
    checker_log_all_failures
}
SSL {
    ca /etc/ssl/ca.pem
}
track_file load {
    file /run/load
    weight -3
}
bfd_instance leaf {
    neighbor_ip 10.1.0.1
}

virtual_server 2001:db8::80 443 {
    lb_algo mh
    mh-port
    lb_kind TUN type gue port 6080 csum
    protocol TCP
    persistence_timeout 600
    persistence_granularity 64
    delay_loop 5
    retry 2
    virtualhost www.example.com
    quorum 3
    hysteresis 1
    quorum_up "/usr/local/bin/tell 'web is up'"
    sorry_server 2001:db8::99 8443
    sorry_server_lvs_method NAT
    omega
    alpha
    real_server 2001:db8::1 8443 {
        weight 3
        lvs_method NAT
        uthreshold 1000
        lthreshold 800
        notify_down /usr/local/bin/page root
        smtp_alert
        SSL_GET {
            enable_sni
            http_protocol 1.1
            url {
                path /health
                status_code 200-204
                regex "all (is|are) well"
                regex_options caseless
            }
            url {
                path /login
                virtualhost login.example.com
                digest 00112233445566778899aabbccddeeff
            }
            connect_timeout 2
        }
        PING_CHECK {
            alpha off
            retry 9
        }
    }
    real_server 2001:db8::2 443 {
        inhibit_on_failure
        alpha off
        FILE_CHECK {
            track_file load
        }
        BFD_CHECK {
            name leaf
        }
    }
}

virtual_server group RESOLVERS {
    lb_algo sh
    sh-port
    sh-fallback
    lb_kind DR
    protocol UDP
    ops
    real_server 10.2.0.1 53 {
        DNS_CHECK {
            type A
            name example.com
        }
        UDP_CHECK {
            payload 0a0b
            warmup 0
        }
    }
}

virtual_server fwmark 7 {
    lb_algo rr
    lb_kind NAT
    real_server 10.3.0.1 {
        weight 0
        TCP_CHECK {
            connect_port 22
            log_all_failures off
        }
        MISC_CHECK {
            misc_path "/usr/local/bin/ask 10.3.0.1" asker
            misc_dynamic
            misc_timeout 4
        }
    }
}

virtual_server_group RESOLVERS {
    192.0.2.53 53
    192.0.2.60-62 53
    198.51.100.0/30 53
}
"""

HERE = Position("", 1)
"""Positions do not take part in comparisons."""
ONE, TWO = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
ROOF = IPv4Address("10.2.0.1")
HOME = IPv4Address("10.3.0.1")
GUE = Tunnel(TunnelType.GUE, 6080, TunnelChecksum.CSUM)

PING = PingCheck(ONE, 8443, Pace(5.0, 9), log_all_failures=True)
PAGES = SslCheck(
    ONE,
    8443,
    Pace(5.0, 2, 3.0),
    connect_timeout_s=2.0,
    log_all_failures=True,
    urls=(
        Url(
            "/health",
            virtual_host="www.example.com",
            statuses=((200, 204),),
            regex=Regex("all (is|are) well", options=(RegexOption.CASELESS,)),
        ),
        Url("/login", virtual_host="login.example.com", digest=bytes.fromhex("00112233445566778899aabbccddeeff")),
    ),
    version=HttpVersion.HTTP_1_1,
    sni=Sni(),
    tls=Tls(TlsFiles(authorities="/etc/ssl/ca.pem")),
)
WEB = VirtualServer(
    key=ServiceKey(Protocol.TCP, IPv6Address("2001:db8::80"), 443),
    scheduler="mh",
    position=HERE,
    flags=ServiceFlags.PERSISTENT | ServiceFlags.SCHEDULER_2,
    persistence_timeout_s=600,
    persistence_prefix_length=64,
    quorum=3,
    hysteresis=1,
    real_servers=(
        RealServer(
            ONE,
            8443,
            3,
            Forwarding.NAT,
            HERE,
            upper_threshold=1000,
            lower_threshold=800,
            alpha=True,
            checks=(PING, PAGES),
            alpha_checks=(PAGES,),
            smtp_alert=True,
            notify_down=Command(("/usr/local/bin/page",), "root"),
        ),
        RealServer(
            TWO,
            443,
            1,
            Forwarding.TUN,
            HERE,
            tunnel=GUE,
            inhibit_on_failure=True,
            checks=(FileCheck("load", -3, path="/run/load"), BfdCheck("leaf")),
            smtp_alert=False,
        ),
    ),
    sorry_server=SorryServer(IPv6Address("2001:db8::99"), 8443, Forwarding.NAT),
    omega=True,
    quorum_up=Command(("/usr/local/bin/tell", "web is up"), "nobody"),
)
RESOLVERS = VirtualServer(
    key=GroupKey("RESOLVERS", Protocol.UDP, 4),
    scheduler="sh",
    position=HERE,
    flags=ServiceFlags.ONE_PACKET | ServiceFlags.SCHEDULER_1 | ServiceFlags.SCHEDULER_2,
    real_servers=(
        RealServer(
            ROOF,
            53,
            1,
            Forwarding.DR,
            HERE,
            checks=(
                DnsCheck(ROOF, 53, Pace(60.0, 3, 60.0), log_all_failures=True, record_type=DnsRecordType.A, name="example.com"),
                UdpCheck(ROOF, 53, Pace(warmup_s=0.0), log_all_failures=True, payload=b"\x0a\x0b"),
            ),
            smtp_alert=False,
        ),
    ),
)
MARKED = VirtualServer(
    key=MarkKey(7),
    scheduler="rr",
    position=HERE,
    real_servers=(
        RealServer(
            HOME,
            0,
            0,
            Forwarding.NAT,
            HERE,
            checks=(
                TcpCheck(HOME, 22),
                MiscCheck(
                    ("/usr/local/bin/ask", "10.3.0.1"),
                    timeout_s=4.0,
                    sets_weight=True,
                    user="asker",
                    log_all_failures=True,
                ),
            ),
            smtp_alert=False,
        ),
    ),
)


def test_a_whole_director(reader: Reader) -> None:
    config = reader.written(TEXT)
    assert config.virtual_servers == (WEB, RESOLVERS, MARKED)
    assert config.virtual_server_groups == (
        VirtualServerGroup(
            "RESOLVERS",
            HERE,
            ranges=(
                AddressRange(IPv4Address("192.0.2.53"), IPv4Address("192.0.2.53"), 53),
                AddressRange(IPv4Address("192.0.2.60"), IPv4Address("192.0.2.62"), 53),
                AddressRange(IPv4Address("198.51.100.0"), IPv4Address("198.51.100.3"), 53),
            ),
        ),
    )
    assert config.tls_files == TlsFiles(authorities="/etc/ssl/ca.pem")


def test_what_is_read_of_it_twice_is_equal_and_can_be_a_key(reader: Reader) -> None:
    first, second = reader.written(TEXT), reader.written(TEXT.replace("    ", "\t"))
    assert first.virtual_servers == second.virtual_servers
    assert len({*first.virtual_servers, *second.virtual_servers}) == 3
