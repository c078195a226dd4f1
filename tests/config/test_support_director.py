"""What of virtual servers and of the daemon's settings runs, and what is said about the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from healthcheck.types import HttpCheck, TcpCheck
from ipvs.types import Forwarding
from tests.config.reading import SERVER, Reader, said
from vrrpd.config.model import Config, GroupKey, MarkKey, TlsFiles, Tunnel, TunnelType

WEB_CHECK = "HTTP_GET {\n url {\n path /\n }\n }"


def both(reader: Reader, text: str) -> tuple[Config, Config, list[str]]:
    """What is written, what runs, and what is said."""
    loaded = reader.load(text)
    assert loaded.written is not None
    assert loaded.config is not None
    return loaded.written, loaded.config, said(loaded)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (SERVER.replace("192.168.4.15 80", "fwmark 5").replace(" protocol TCP\n", ""), MarkKey, "1:16 not-built"),
        (
            "virtual_server_group G {{\n 192.168.4.15 80\n}}\n" + SERVER.replace("192.168.4.15 80", "group G"),
            GroupKey,
            "4:16 not-built",
        ),
    ],
)
def test_marks_and_groups_are_read_but_do_not_run(reader: Reader, text: str, key: type, message: str) -> None:
    written, config, messages = both(reader, text.format("", "", ""))
    assert messages[-1] == message
    assert isinstance(written.virtual_servers[0].key, key)
    assert config.virtual_servers == ()
    assert config.virtual_server_groups == ()


def test_virtual_servers_of_ipv6_are_read_but_do_not_run(reader: Reader) -> None:
    text = SERVER.replace("192.168.4.15", "2001:db8::15").replace("192.168.4.100", "2001:db8::100").format("", "", "")
    written, config, messages = both(reader, text)
    assert messages == ["1:16 not-built"]
    assert written.virtual_servers[0].service.address.version == 6
    assert config.virtual_servers == ()


def test_a_tunnel_that_is_not_built_is_one_error_for_all_that_use_it(reader: Reader) -> None:
    text = SERVER.format("", "", "").replace("lb_kind DR", "lb_kind TUN type gue port 4")
    text = text.replace(
        " real_server", " real_server 192.168.4.99 80 {\n }\n real_server 192.168.4.98 80 {\n  lvs_method DR\n }\n real_server"
    )
    written, config, messages = both(reader, text)
    assert messages == ["3:19 not-built"]
    assert [real.tunnel for real in written.virtual_servers[0].real_servers] == [
        Tunnel(TunnelType.GUE, 4),
        Tunnel(),
        Tunnel(TunnelType.GUE, 4),
    ]
    assert [real.forwarding for real in config.virtual_servers[0].real_servers] == [Forwarding.DR]


def test_a_real_server_with_a_tunnel_of_its_own_is_left_out_alone(reader: Reader) -> None:
    text = SERVER.format("", "", "").replace(
        " real_server", " real_server 192.168.4.99 80 {\n  lvs_method TUN type gre\n }\n real_server"
    )
    written, config, messages = both(reader, text)
    assert messages == ["7:23 not-built"]
    assert [len(one.virtual_servers[0].real_servers) for one in (written, config)] == [2, 1]


def test_checks_that_are_not_built_leave_the_others(reader: Reader) -> None:
    written, config, messages = both(reader, SERVER.format("", WEB_CHECK + "\nalpha", ""))
    assert messages == ["7:3 no-effect"]
    (all_, run) = (one.virtual_servers[0].real_servers[0] for one in (written, config))
    assert [type(check) for check in all_.checks] == [TcpCheck, HttpCheck]
    assert [type(check) for check in run.checks] == [TcpCheck]
    assert (all_.alpha_checks, run.alpha_checks) == (all_.checks, run.checks)


def test_what_has_no_effect_is_as_if_it_were_not_written(reader: Reader) -> None:
    extra = (
        "omega\nha_suspend\nquorum_up /bin/true\nquorum_down /bin/false\nsorry_server 192.168.4.9 80\nsorry_server_inhibit\n"
        "snmp_name web\npersistence_timeout 50\npersistence_engine sip"
    )
    written, config, messages = both(
        reader, SERVER.format(extra, "notify_up /bin/true\nnotify_down /bin/true\nsnmp_name a", "")
    )
    plain = reader.server("persistence_timeout 50")
    assert config.virtual_servers == (plain,)
    assert written.virtual_servers[0] != plain
    assert {message.split()[1] for message in messages} == {"no-effect"}
    assert len(messages) == 11


def test_settings_of_the_daemon_without_effect_are_as_if_they_were_not_written(reader: Reader) -> None:
    written, config, messages = both(
        reader,
        "global_defs {\n router_id a\n vrrp_priority -5\n vrrp_cpu_affinity 1\n lvs_flush\n no_email_faults\n nftables x\n}\n"
        "SSL {\n ca /etc/ca.pem\n}\n",
    )
    plain = reader.config("global_defs {\n router_id a\n vrrp_priority -5\n}\n")
    assert config == replace(plain, files=config.files)
    assert (written.daemon != config.daemon, written.tls_files) == (True, TlsFiles("/etc/ca.pem"))
    assert messages == ["4:2 no-effect", "5:2 no-effect", "6:2 no-effect", "7:2 no-effect", "9:1 no-effect"]
