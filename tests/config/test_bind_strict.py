"""Strict mode: what it puts back to what the RFCs say, and what it says about it."""

from __future__ import annotations

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import VirtualMac


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ((), []),
        (("state BACKUP",), []),
        (("priority 255", "state MASTER"), []),
        (("priority 100", "state MASTER"), ["9:8 conflict"]),
        (("priority 255",), ["1:15 conflict"]),
        (("preempt_delay 3",), ["8:2 conflict"]),
        (("down_timer_adverts 4",), ["8:2 conflict"]),
        (("lower_prio_no_advert off",), ["8:2 conflict"]),
        (("lower_prio_no_advert on",), []),
        (("higher_prio_send_advert on",), ["8:2 conflict"]),
        (("accept",), ["8:2 conflict"]),
        (("no_accept",), []),
        (("priority 255", "state MASTER", "accept"), []),
        (("no_virtual_ipaddress",), ["8:2 conflict"]),
        (("use_vmac", "vmac_xmit_base"), ["9:2 conflict"]),
        (("use_vmac 02:00:00:00:00:01",), ["8:2 conflict"]),
    ],
)
@pytest.mark.parametrize("everywhere", [True, False])
def test_what_contradicts_strict_mode_is_said_once(
    reader: Reader, settings: tuple[str, ...], messages: list[str], everywhere: bool
) -> None:
    text = INSTANCE.format("\n ".join(("#" if everywhere else "strict_mode", *settings)))
    shift = 3 if everywhere else 0
    text = "global_defs {\n vrrp_strict\n}\n" + text if everywhere else text
    assert reader.mistakes(text) == [f"{int(line) + shift}:{rest}" for line, rest in (one.split(":", 1) for one in messages)]
    (router,) = reader.model(text).virtual_routers
    owner = router.priority == 255
    assert router.strict
    assert (router.starts_as_master, router.accept) == (owner, owner)
    assert (router.preempt_delay_s, router.down_timer_adverts) == (0.0, 3)
    assert (router.lower_priority_no_advert, router.higher_priority_send_advert) == (True, False)
    assert router.announcements.lower_priority_repeat == 0
    assert router.virtual_interface in (None, VirtualMac("vrrp.50"))


@pytest.mark.parametrize(
    ("address", "messages", "there"),
    [("fe80::1", [], True), ("2001:db8::1", ["6:3 conflict"], False)],
)
def test_the_first_ipv6_address_is_a_link_local_one(reader: Reader, address: str, messages: list[str], there: bool) -> None:
    text = (
        INSTANCE.format("")
        .replace("192.168.4.15", address)
        .replace("virtual_router_id 50", "virtual_router_id 50\n strict_mode")
    )
    assert reader.mistakes(text) == messages
    assert bool(reader.model(text).virtual_routers) == there


def test_an_instance_may_be_excepted(reader: Reader) -> None:
    text = "global_defs {\n vrrp_strict\n}\n" + INSTANCE.format("strict_mode off\n preempt_delay 3")
    assert reader.mistakes(text) == []
    (router,) = reader.model(text).virtual_routers
    assert (router.strict, router.preempt_delay_s, router.accept) == (False, 3.0, True)
