from __future__ import annotations

import pytest

from tests.config.lints.linting import codes, router
from tests.config.reading import Reader

PASS = "authentication {\n auth_type PASS\n auth_pass secret\n }"
HMAC = f"auth_hmac {{\n key 1 {'k' * 32}\n active_key 1\n }}"
PEER = "unicast_peer {\n 192.0.2.2\n }"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param((PASS,), ["5 clear-text-password"], id="a password in clear text"),
        pytest.param((PASS.replace("PASS", "AH"),), [], id="AH does not send the password"),
        pytest.param((HMAC,), [], id="a keyed hash"),
        pytest.param((PEER,), ["4 unicast-without-hmac"], id="unicast that anybody can send"),
        pytest.param((PEER, HMAC), [], id="unicast with a keyed hash"),
        pytest.param((PEER, PASS), ["8 clear-text-password"], id="of unicast with a password the password alone is spoken of"),
        pytest.param((PEER, "strict_mode"), ["4 strict-conflict"], id="strict mode and unicast"),
        pytest.param(("strict_mode", HMAC), [], id="strict mode and multicast"),
    ],
)
def test_adverts(reader: Reader, settings: tuple[str, ...], said: list[str]) -> None:
    assert codes(reader, router(*settings)) == said
