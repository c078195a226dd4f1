"""What of virtual servers and of the daemon's settings runs, and what is said about the rest."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from healthcheck.types import BfdCheck, HttpCheck, TcpCheck
from ipvs.types import Protocol, ServiceKey
from tests.config.reading import SERVER, Reader, said
from vrrpd.config.model import Config, GroupKey, MarkKey

V4 = ServiceKey(Protocol.TCP, IPv4Address("192.168.4.15"), 80)
V6 = ServiceKey(Protocol.TCP, IPv6Address("2001:db8::15"), 80)
SESSION = "bfd_instance peer {\n neighbor_ip 192.168.4.9\n}\n"
BFD_CHECK = "BFD_CHECK {\n name peer\n }"


def both(reader: Reader, text: str) -> tuple[Config, Config, list[str]]:
    """What is written, what runs, and what is said."""
    loaded = reader.load(text)
    assert loaded.written is not None
    assert loaded.config is not None
    return loaded.written, loaded.config, said(loaded)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (SERVER.replace("192.168.4.15 80", "fwmark 5").replace(" protocol TCP\n", ""), MarkKey(5)),
        (
            "virtual_server_group G {{\n 192.168.4.15 80\n}}\n" + SERVER.replace("192.168.4.15 80", "group G"),
            GroupKey("G", Protocol.TCP),
        ),
        (SERVER.replace("192.168.4.15", "2001:db8::15").replace("192.168.4.100", "2001:db8::100"), V6),
        (SERVER.replace("lb_kind DR", "lb_kind TUN type gue port 4"), V4),
    ],
)
def test_marks_groups_both_families_and_tunnels_run(reader: Reader, text: str, key: object) -> None:
    written, config, messages = both(reader, text.format("", "", ""))
    assert messages == []
    assert config.virtual_servers == written.virtual_servers
    assert config.virtual_server_groups == written.virtual_server_groups
    assert [server.key for server in config.virtual_servers] == [key]


def test_checks_that_are_not_built_leave_the_others(reader: Reader) -> None:
    written, config, messages = both(reader, SESSION + SERVER.format("", BFD_CHECK + "\nalpha", ""))
    assert messages == ["1:1 no-effect", "10:3 no-effect"]
    (all_, run) = (one.virtual_servers[0].real_servers[0] for one in (written, config))
    assert [type(check) for check in all_.checks] == [TcpCheck, BfdCheck]
    assert [type(check) for check in run.checks] == [TcpCheck]
    assert (all_.alpha_checks, run.alpha_checks) == (all_.checks, run.checks)


def test_what_has_no_effect_is_as_if_it_were_not_written(reader: Reader) -> None:
    extra = "snmp_name web\npersistence_timeout 50"
    written, config, messages = both(reader, SERVER.format(extra, "snmp_name a", ""))
    plain = reader.server("persistence_timeout 50")
    assert config.virtual_servers == (plain,)
    assert written.virtual_servers[0] != plain
    assert {message.split()[1] for message in messages} == {"no-effect"}
    assert len(messages) == 2


def test_settings_of_the_daemon_without_effect_are_as_if_they_were_not_written(reader: Reader) -> None:
    written, config, messages = both(
        reader,
        "global_defs {\n router_id a\n vrrp_priority -5\n vrrp_cpu_affinity 1\n no_checker_emails off\n nftables x\n}\n",
    )
    plain = reader.config("global_defs {\n router_id a\n vrrp_priority -5\n}\n")
    assert config == replace(plain, files=config.files)
    assert written.daemon != config.daemon
    assert messages == ["4:2 no-effect", "5:20 no-effect", "6:2 no-effect"]


def test_the_host_header_of_servers_is_what_their_web_checks_ask_for(reader: Reader) -> None:
    for own, asked in (("", "a.example"), ("virtualhost b.example", "b.example")):
        text = SERVER.replace("TCP_CHECK", "HTTP_GET").format("virtualhost a.example", own, "url {\n path /\n}")
        written, config, messages = both(reader, text)
        assert messages == []
        assert config.virtual_servers == written.virtual_servers
        (check,) = config.virtual_servers[0].real_servers[0].checks
        assert isinstance(check, HttpCheck)
        assert [url.virtual_host for url in check.urls] == [asked]


def test_script_user_runs_the_commands_that_name_nobody(reader: Reader) -> None:
    text = "global_defs {\n script_user nobody nogroup\n}\n" + SERVER.format("", 'notify_up "/bin/true"', "")
    _written, config, messages = both(reader, text)
    assert messages == []
    command = config.virtual_servers[0].real_servers[0].notify_up
    assert command is not None
    assert (command.user, command.group) == ("nobody", "nogroup")
