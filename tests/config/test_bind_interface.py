"""`use_vmac` and `use_ipvlan`: the interface that a virtual router makes for itself."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import IpVlan, Prefix, VirtualMac


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("use_vmac",), VirtualMac("vrrp.50")),
        (("use_vmac vmac9",), VirtualMac("vmac9")),
        (("use_vmac name vmac9",), VirtualMac("vmac9")),
        (("use_vmac 02:00:00:00:00:01",), VirtualMac("vrrp.50", bytes.fromhex("020000000001"))),
        (("use_vmac vmac9 2:0:0:0:1",), VirtualMac("vmac9", bytes.fromhex("020000000132"))),
        (("use_vmac netlink_notify_msg group 5",), VirtualMac("vrrp.50", notifies=True, link_group=5)),
        (("use_vmac group vrrp",), VirtualMac("vrrp.50", link_group="vrrp")),
        (
            ("use_vmac", "vmac_xmit_base", "use_vmac_addr"),
            VirtualMac("vrrp.50", adverts_from_base=True, for_other_interfaces=True),
        ),
        (("use_ipvlan",), IpVlan("vrrp.50")),
        (("use_ipvlan private ipv9",), IpVlan("ipv9", "private")),
        (
            ("use_ipvlan vepa group 3 name ipv9 10.0.0.9/24",),
            IpVlan("ipv9", "vepa", Prefix(IPv4Address("10.0.0.9"), 24), 3),
        ),
        (("use_ipvlan 10.0.0.9", "vmac_xmit_base"), IpVlan(
            "vrrp.50", address=Prefix(IPv4Address("10.0.0.9"), 32), adverts_from_base=True
        )),
        (("vmac_xmit_base",), None),
    ],
)  # fmt: skip
def test_interfaces(reader: Reader, settings: tuple[str, ...], expected: VirtualMac | IpVlan | None) -> None:
    assert reader.written_router(*settings).virtual_interface == expected
    assert reader.mistakes(INSTANCE.format("\n ".join(settings))) == []


def test_the_name_begins_as_global_defs_says(reader: Reader) -> None:
    config = reader.model("global_defs {\n vmac_prefix mac\n}\n" + INSTANCE.format("use_vmac"))
    assert config.virtual_routers[0].virtual_interface == VirtualMac("mac.50")


@pytest.mark.parametrize(
    ("settings", "message", "expected"),
    [
        ("use_vmac averyverylongname", "7:11 bad-value", None),
        ("use_vmac 01:00:00:00:00:01", "7:11 bad-value", None),
        ("use_vmac 00:00:5e:00:01:07", "7:11 bad-value", None),
        ("use_vmac name", "7:11 bad-value", None),
        ("use_vmac\n use_ipvlan", "8:2 conflict", VirtualMac("vrrp.50")),
        ("use_vmac\n unicast_peer {\n10.0.0.1\n}", "7:2 conflict", VirtualMac("vrrp.50", adverts_from_base=True)),
        ("use_ipvlan 10.0.0.300", "7:13 bad-value", None),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, settings: str, message: str, expected: VirtualMac | None) -> None:
    assert reader.mistakes(INSTANCE.format(settings)) == [message]
    assert reader.written_router(settings).virtual_interface == expected
