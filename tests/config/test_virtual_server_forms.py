"""`virtual_server` with an address, a firewall mark or a group; and what is read beside its real servers."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from ipvs.types import Forwarding, Protocol, ServiceFlags, ServiceKey
from tests.config.reading import SERVER, Reader
from vrrpd.config.model import (
    Command,
    GroupKey,
    MarkKey,
    SorryServer,
    Tunnel,
    TunnelChecksum,
    TunnelType,
    VirtualServer,
    VirtualServerKey,
)

GROUPS = (
    "virtual_server_group WEB {\n 10.0.0.1-3 80\n}\nvirtual_server_group WEB6 {\n 2001:db8::1 80\n}\n"
    "virtual_server_group MARKS {\n fwmark 7 inet6\n}\nvirtual_server_group ALL {\n 10.0.0.9\n}\n"
)


def server_of(
    reader: Reader, virtual: str = "", *messages: str, form: str = "192.168.4.15 80", real: str = "192.168.4.100"
) -> VirtualServer:
    """The virtual server of this form with these further settings, the first of which stands in line 5."""
    text = SERVER.replace("192.168.4.15 80", form).replace("192.168.4.100", real).format(virtual, "", "")
    if not form.startswith(("fwmark", "group MARKS")):
        (server,) = reader.written(text + GROUPS, *messages).virtual_servers
    else:
        (server,) = reader.written(text.replace(" protocol TCP", "") + GROUPS, *messages).virtual_servers
    return server


@pytest.mark.parametrize(
    ("form", "virtual", "real", "key"),
    [
        ("192.168.4.15 80", "", "192.168.4.100", ServiceKey(Protocol.TCP, ip_address("192.168.4.15"), 80)),
        ("192.168.4.15 80", "protocol UDP", "192.168.4.100", ServiceKey(Protocol.UDP, ip_address("192.168.4.15"), 80)),
        ("192.168.4.15 80", "protocol sctp", "192.168.4.100", ServiceKey(Protocol.SCTP, ip_address("192.168.4.15"), 80)),
        ("2001:db8::15 80", "ip_family inet6", "2001:db8::1", ServiceKey(Protocol.TCP, ip_address("2001:db8::15"), 80)),
        ("fwmark 5", "", "192.168.4.100", MarkKey(5, 4)),
        ("fwmark 5", "ip_family inet6", "2001:db8::1", MarkKey(5, 6)),
        ("group WEB", "", "192.168.4.100", GroupKey("WEB", Protocol.TCP, 4)),
        ("group WEB6", "protocol UDP", "2001:db8::1", GroupKey("WEB6", Protocol.UDP, 6)),
        ("group MARKS", "", "2001:db8::1", GroupKey("MARKS", Protocol.UDP, 6)),
    ],
)
def test_what_clients_reach(reader: Reader, form: str, virtual: str, real: str, key: VirtualServerKey) -> None:
    assert server_of(reader, virtual, form=form, real=real).key == key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fwmark", "1:16 bad-value"),
        ("fwmark 0", "1:23 bad-value"),
        ("fwmark web", "1:23 bad-value"),
        ("group", "1:16 unknown-name"),
        ("group NONE", "1:22 unknown-name"),
        ("gruop WEB", "1:16 bad-value"),
        ("2001:db8::15 80 ", "6:14 address-family"),
    ],
)
def test_what_is_none_of_the_forms_is_left_out(reader: Reader, text: str, message: str) -> None:
    config = reader.written(SERVER.replace("192.168.4.15 80", text).format("", "", "") + GROUPS, message)
    assert config.virtual_servers == ()


def test_a_name_close_by_is_offered(reader: Reader) -> None:
    for form, help_ in (("group WAB", "did you mean `WEB`?"), ("fwmrk 5", "did you mean `fwmark`?")):
        found = reader.load(SERVER.replace("192.168.4.15 80", form).format("", "", "") + GROUPS).errors[0]
        assert found.help == help_


@pytest.mark.parametrize(
    ("form", "virtual", "message"),
    [
        ("192.168.4.15 80", "ip_family inet6", "5:12 address-family"),
        ("group WEB", "ip_family inet6", "5:12 address-family"),
        ("fwmark 5", "protocol UDP", "5:2 conflict"),
        ("fwmark 5", "ha_suspend", "5:2 conflict"),
        ("group ALL", "", "1:1 default-assumed"),
        ("192.168.4.15 80", "hashed", "5:2 conflict"),
        ("192.168.4.15 80", "persistence_granularity 33", "5:26 bad-value"),
    ],
)
def test_what_does_not_fit_is_told_and_left_out(reader: Reader, form: str, virtual: str, message: str) -> None:
    assert not server_of(reader, virtual, message, form=form).ha_suspend


def test_each_form_may_be_there_once(reader: Reader) -> None:
    mark = SERVER.replace("192.168.4.15 80", "fwmark 5").replace(" protocol TCP\n", "").format("", "", "")
    group = SERVER.replace("192.168.4.15 80", "group WEB").format("", "", "")
    config = reader.written(mark + mark + group + group + GROUPS, "12:16 duplicate", "35:16 duplicate")
    assert len(config.virtual_servers) == 2


def test_flags_of_a_scheduler_must_stand_below_it(reader: Reader) -> None:
    below = reader.server("lb_algo sh\n sh-port").flags
    assert below == ServiceFlags.SCHEDULER_2
    text = SERVER.replace(" lb_algo wrr\n", "").format("sh-port\n lb_algo sh", "", "")
    assert reader.written(text, "4:2 conflict").virtual_servers[0].flags == ServiceFlags.NONE
    twice = SERVER.format("lb_algo sh\n sh-port\n lb_algo rr", "", "")
    assert reader.written(twice, "6:2 conflict").virtual_servers[0].flags == ServiceFlags.NONE


def test_packets_found_by_a_mark_may_be_scheduled_one_by_one(reader: Reader) -> None:
    assert server_of(reader, "ops", form="fwmark 5").flags == ServiceFlags.ONE_PACKET


@pytest.mark.parametrize(
    ("form", "method", "port"),
    [
        ("192.168.4.15 80", "DR", 80),
        ("192.168.4.15 80", "NAT", 8080),
        ("fwmark 5", "DR", 0),
        ("fwmark 5", "NAT", 8080),
        ("group WEB", "NAT", 8080),
        ("group WEB", "DR", 8080),
    ],
)
def test_the_port_that_ipvs_is_told(reader: Reader, form: str, method: str, port: int) -> None:
    text = SERVER.replace("192.168.4.15 80", form).replace("192.168.4.100 80", "192.168.4.100 8080").replace("DR", method)
    loaded = reader.load(text.format("", "", "") + GROUPS)
    assert loaded.written is not None
    assert loaded.written.virtual_servers[0].real_servers[0].port == port


@pytest.mark.parametrize(
    ("settings", "length"),
    [("persistence_granularity 64", 64), ("persistence_granularity 128", None), ("persistence_timeout 9", None)],
)
def test_persistence_of_ipv6(reader: Reader, settings: str, length: int | None) -> None:
    server = server_of(reader, settings, form="2001:db8::15 80", real="2001:db8::1")
    assert server.persistence_prefix_length == length


def test_a_netmask_is_no_granularity_of_ipv6(reader: Reader) -> None:
    virtual = "persistence_granularity 255.255.255.0"
    server_of(reader, virtual, "5:26 bad-value", form="2001:db8::15 80", real="2001:db8::1")


@pytest.mark.parametrize(
    ("method", "forwarding", "tunnel"),
    [
        ("NAT", Forwarding.NAT, Tunnel()),
        ("DR", Forwarding.DR, Tunnel()),
        ("TUN", Forwarding.TUN, Tunnel()),
        ("TUN nocsum", Forwarding.TUN, Tunnel()),
        ("TUN type ipip", Forwarding.TUN, Tunnel(TunnelType.IPIP)),
        ("TUN type ipip nocsum", Forwarding.TUN, Tunnel(TunnelType.IPIP)),
        ("TUN type gre csum", Forwarding.TUN, Tunnel(TunnelType.GRE, 0, TunnelChecksum.CSUM)),
        ("TUN type gue port 6080", Forwarding.TUN, Tunnel(TunnelType.GUE, 6080)),
        ("TUN type gue port 6080 remcsum", Forwarding.TUN, Tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMCSUM)),
    ],
)
def test_how_packets_reach_a_server(reader: Reader, method: str, forwarding: Forwarding, tunnel: Tunnel) -> None:
    server = server_of(reader, f"lb_kind {method}\n sorry_server 192.168.4.9")
    assert [(real.forwarding, real.tunnel) for real in server.real_servers] == [(forwarding, tunnel)]
    assert server.sorry_server is not None
    assert (server.sorry_server.forwarding, server.sorry_server.tunnel) == (forwarding, tunnel)


@pytest.mark.parametrize(
    ("method", "message", "forwarding"),
    [
        ("dr", "5:10 bad-value", Forwarding.NAT),
        ("TUN type sit", "5:19 bad-value", Forwarding.TUN),
        ("TUN type", "5:14 bad-value", Forwarding.TUN),
        ("TUN type gue", "5:19 bad-value", Forwarding.TUN),
        ("TUN type gue 6080", "5:23 bad-value", Forwarding.TUN),
        ("TUN type gue port 0", "5:28 bad-value", Forwarding.TUN),
        ("TUN csum", "5:14 conflict", Forwarding.TUN),
        ("TUN type gre port 5", "5:23 surplus-words", Forwarding.TUN),
        ("DR csum", "5:13 surplus-words", Forwarding.DR),
    ],
)
def test_a_method_that_is_wrong_is_one_message(reader: Reader, method: str, message: str, forwarding: Forwarding) -> None:
    assert server_of(reader, f"lb_kind {method}", message).real_servers[0].forwarding is forwarding


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.9", "255.255.255.255", "::", "ff02::9", "fe80::9"])
def test_who_is_not_a_single_host_is_no_server(reader: Reader, address: str) -> None:
    virtual = "2001:db8::15" if ":" in address else "192.168.4.15"
    text = SERVER.replace("192.168.4.15", virtual).replace("192.168.4.100", address).format("", "", "")
    assert reader.written(text, "6:14 bad-value").virtual_servers == ()
    real = "2001:db8::1" if ":" in address else "192.168.4.100"
    server = server_of(reader, f"sorry_server {address}", "5:15 bad-value", form=f"{virtual} 80", real=real)
    assert server.sorry_server is None


@pytest.mark.parametrize(
    ("settings", "sorry"),
    [
        ("sorry_server 192.168.4.9 81", SorryServer(ip_address("192.168.4.9"), 80, Forwarding.DR)),
        (
            "sorry_server 192.168.4.9\n sorry_server_inhibit",
            SorryServer(ip_address("192.168.4.9"), 80, Forwarding.DR, inhibit=True),
        ),
        (
            "sorry_server 192.168.4.9 81\n sorry_server_lvs_method NAT",
            SorryServer(ip_address("192.168.4.9"), 81, Forwarding.NAT),
        ),
        (
            "sorry_server 192.168.4.100 80\n sorry_server_inhibit\n inhibit_on_failure",
            SorryServer(ip_address("192.168.4.100"), 80, Forwarding.DR, inhibit=True),
        ),
    ],
)
def test_a_sorry_server(reader: Reader, settings: str, sorry: SorryServer) -> None:
    assert server_of(reader, settings).sorry_server == sorry


def test_a_sorry_server_is_as_inhibited_as_the_real_server_that_it_is(reader: Reader) -> None:
    there = server_of(reader, "sorry_server 192.168.4.100 80\n inhibit_on_failure", "5:15 conflict").sorry_server
    gone = server_of(reader, "sorry_server 192.168.4.100 80\n sorry_server_inhibit", "5:15 conflict").sorry_server
    assert there is not None
    assert gone == replace(there, inhibit=False)
    assert there.inhibit


def test_a_sorry_server_of_another_family_is_left_out(reader: Reader) -> None:
    assert server_of(reader, "sorry_server 2001:db8::9", "5:15 address-family").sorry_server is None


def test_settings_beside_the_real_servers(reader: Reader) -> None:
    server = server_of(
        reader,
        "omega\n ha_suspend\n quorum_up '/bin/tell up' me us\n quorum_down /bin/tell\n snmp_name web",
    )
    assert (server.omega, server.ha_suspend, server.snmp_name) == (True, True, "web")
    assert server.quorum_up == Command(("/bin/tell", "up"), "me", "us")
    assert server.quorum_down == Command(("/bin/tell",))


def test_only_persistence_over_udp_has_an_engine(reader: Reader) -> None:
    persistent = "persistence_timeout\n persistence_engine sip"
    assert server_of(reader, "protocol UDP\n " + persistent).persistence_engine == "sip"
    assert server_of(reader, persistent, form="fwmark 5").persistence_engine == "sip"
    assert server_of(reader, persistent, "6:2 conflict").persistence_engine is None
    assert server_of(reader, "protocol UDP\n persistence_engine sip").persistence_engine is None


def test_a_tunnel_leads_to_servers_of_the_other_family(reader: Reader) -> None:
    server = server_of(reader, "lb_kind TUN\n sorry_server 2001:db8::9", real="2001:db8::1")
    assert str(server.real_servers[0].address) == "2001:db8::1"
    assert server.sorry_server is not None
    server = server_of(reader, "lb_kind TUN\n ip_family inet6", form="fwmark 5")
    assert (server.key, str(server.real_servers[0].address)) == (MarkKey(5, 6), "192.168.4.100")
    own = "sorry_server 2001:db8::9\n sorry_server_lvs_method TUN"
    assert server_of(reader, own).sorry_server is not None


def test_no_tunnel_leads_there_while_connections_are_synchronised(reader: Reader) -> None:
    text = SERVER.format("", "", "") + "global_defs {\n lvs_sync_daemon eth0\n}\n"
    config = reader.written(text.replace("lb_kind DR", "lb_kind TUN\n sorry_server 2001:db8::9"), "4:15 address-family")
    assert config.virtual_servers[0].sorry_server is None


@pytest.mark.parametrize(
    ("settings", "messages", "thresholds"),
    [
        ("uthreshold 9\n lthreshold 9", (), (9, 9)),
        ("uthreshold 9\n lthreshold 10", ("8:13 reduced",), (9, 0)),
        ("lthreshold 1", ("7:14 reduced",), (0, 0)),
    ],
)
def test_a_lower_threshold_is_not_above_the_upper_one(
    reader: Reader, settings: str, messages: tuple[str, ...], thresholds: tuple[int, int]
) -> None:
    text = SERVER.format("", settings, "")
    (server,) = reader.written(text, *messages).virtual_servers
    assert (server.real_servers[0].upper_threshold, server.real_servers[0].lower_threshold) == thresholds
