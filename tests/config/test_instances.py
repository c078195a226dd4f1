"""Virtual routers as keepalived's JSON dump has them; the expected values are from dumps of keepalived 2.2.7."""

from __future__ import annotations

from typing import cast

import pytest

from tests.config.reading import Reader
from vrrpd.config.instances import as_keepalived

ROUTER = (
    "vrrp_script web {{\n script \"/usr/bin/test 'a b'\"\n}}\nvrrp_script open {{\n script </etc/hostname\n}}\n"
    "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 50\n {}\n virtual_ipaddress {{\n  {}\n }}\n}}\n"
)


def data(reader: Reader, settings: str = "", address: str = "192.0.2.10/24") -> dict[str, object]:
    written = reader.load(ROUTER.format(settings, address)).written
    assert written is not None
    (router,) = written.virtual_routers
    return as_keepalived(router, written.tracked)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("192.0.2.10", "192.0.2.10 dev eth0 scope global"),
        ("192.0.2.10/24 brd + label eth0:1", "192.0.2.10/24 brd 192.0.2.255 dev eth0 scope global label eth0:1"),
        ("192.0.2.10/24 dev eth1 scope link no_track", "192.0.2.10/24 dev eth1 scope link no_track"),
        ("192.0.2.11 peer 192.0.2.12", "192.0.2.11 dev eth0 scope global peer 192.0.2.12/32"),
        ("2001:db8::10/64 -nodad", "2001:db8::10/64 dev eth0 scope global -nodad preferred_lft forever"),
        ("fe80::10", "fe80::10 dev eth0 scope global deprecated"),
    ],
)
def test_addresses(reader: Reader, line: str, shown: str) -> None:
    assert data(reader, address=line)["vips"] == [shown]


def test_an_address_on_a_virtual_interface(reader: Reader) -> None:
    found = data(reader, "use_vmac")
    assert (found["ifp_ifname"], found["vmac_ifname"]) == ("vrrp.50", "vrrp.50")
    assert cast("list[str]", found["vips"])[0].startswith("192.0.2.10/24 dev vrrp.50@eth0 ")


def test_commands_are_shown_in_place_of_names_and_in_quotes(reader: Reader) -> None:
    found = data(reader, "track_script {\n web\n open\n }\n notify_master /bin/true")
    assert found["track_script"] == ["'/usr/bin/test' 'a b'", "</etc/hostname"]
    assert found["script_master"] == "'/bin/true'"
    assert "script_backup" not in found
