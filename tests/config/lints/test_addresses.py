from __future__ import annotations

import pytest

from tests.config.lints.linting import codes, lints
from tests.config.reading import Reader

ROUTER = "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 50\n virtual_ipaddress {{\n  {}\n }}\n}}\n"


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        pytest.param(("192.0.2.80",), ["5 no-prefix-length"], id="no length"),
        pytest.param(("192.0.2.80/24",), [], id="a network's length"),
        pytest.param(("192.0.2.80/32",), [], id="a host's length that was written"),
        pytest.param(("192.0.2.80 dev lo",), [], id="no network is expected of the loopback interface"),
        pytest.param(("192.0.2.80/24", "192.0.2.81", "192.0.2.82"), ["6 no-prefix-length"], id="one message for a block"),
        pytest.param(("2001:db8::80",), ["5 no-prefix-length"], id="IPv6"),
    ],
)
def test_addresses_of_a_virtual_router(reader: Reader, addresses: tuple[str, ...], said: list[str]) -> None:
    assert codes(reader, ROUTER.format("\n  ".join(addresses))) == said


def test_the_message_counts_and_advises(reader: Reader) -> None:
    (found,) = lints(reader, ROUTER.format("192.0.2.80\n  192.0.2.81"))
    assert found.message.startswith("192.0.2.80 has no prefix length, nor have 1 more")
    assert found.help is not None
    assert "192.0.2.80/24" in found.help


def test_static_addresses_count_too(reader: Reader) -> None:
    assert codes(reader, "static_ipaddress {\n 192.0.2.7 dev eth0\n}\n") == ["2 no-prefix-length"]
