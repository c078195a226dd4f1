"""Keyed hashes, and where passwords have no place. (Passwords themselves: test_bind_vrrp.py.)"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.reading import INSTANCE, Reader
from vrrpd.config.model import (
    Authentication,
    AuthenticationType,
    Hmac,
    HmacKey,
    HmacMode,
    ReplayProtection,
)

SECRET = "0123456789abcdef0123456789abcdef"
KEY = HmacKey(1, SECRET.encode())
PASSWORD = "authentication {\nauth_type PASS\nauth_pass x\n}"


def with_hmac(lines: str) -> str:
    """A virtual router with these lines in `auth_hmac`, from line 8 on."""
    return INSTANCE.format(f"auth_hmac {{\n{lines}\n}}")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (f"key 1 {SECRET}\nactive_key 1", Hmac((KEY,), 1, 5.0)),
        (f"key 1 hex:{SECRET.encode().hex()}\nactive_key 1", Hmac((KEY,), 1, 5.0)),
        (
            f"key 1 {SECRET}\nkey 2 {SECRET[::-1]}\nactive_key 2\ntime_window 9\nanti_replay monotonic\nmode receive-only",
            Hmac(
                (KEY, HmacKey(2, SECRET[::-1].encode())), 2, 9.0, ReplayProtection.MONOTONIC, HmacMode.RECEIVE_ONLY
            ),
        ),
    ],
)  # fmt: skip
def test_keyed_hashes(reader: Reader, lines: str, expected: Hmac) -> None:
    assert reader.model(with_hmac(lines)).virtual_routers[0].hmac == expected
    assert reader.mistakes(with_hmac(lines)) == []


@pytest.mark.parametrize(("interval", "window_s"), [("1", 5.0), ("2", 6.0), ("20", 60.0), ("200", 300.0)])
def test_the_time_window_follows_the_interval(reader: Reader, interval: str, window_s: float) -> None:
    router = reader.written_router(f"advert_int {interval}", f"auth_hmac {{\nkey 1 {SECRET}\nactive_key 1\n}}")
    assert router.hmac is not None
    assert router.hmac.time_window_s == window_s


@pytest.mark.parametrize(
    ("lines", "messages", "has_hash"),
    [
        (f"key 1 {SECRET}", ["7:2 authentication-incomplete"], False),
        (f"key 1 {SECRET}\nactive_key 2", ["9:12 unknown-name"], False),
        ("key 1 short\nactive_key 1", ["8:7 bad-value"], False),
        ("key 1 hex:xyz\nactive_key 1", ["8:7 bad-value"], False),
        (f"key 1 hex:{'00' * 65}\nactive_key 1", ["8:7 bad-value"], False),
        ("key 1 file:/nonexistent\nactive_key 1", ["8:7 bad-value"], False),
        ("key 1 file:/dev/zero\nactive_key 1", ["8:7 bad-value"], False),
        (f"key 1 {SECRET}\nkey 1 {SECRET}\nactive_key 1", ["9:5 duplicate"], True),
        (f"key 0 {SECRET}\nactive_key 1", ["8:5 bad-value"], False),
    ],
)
def test_what_is_wrong_is_one_message(reader: Reader, lines: str, messages: list[str], has_hash: bool) -> None:
    assert reader.mistakes(with_hmac(lines)) == messages
    assert (reader.model(with_hmac(lines)).virtual_routers[0].hmac is not None) == has_hash


@pytest.mark.parametrize(("mode", "messages"), [(0o600, []), (0o640, ["8:7 bad-value"])])
@pytest.mark.parametrize("contents", [SECRET, f"{SECRET}\n", f"hex:{SECRET.encode().hex()}\n"])
def test_a_key_may_stand_in_a_file_that_is_nobody_elses(
    reader: Reader, tmp_path: Path, contents: str, mode: int, messages: list[str]
) -> None:
    path = tmp_path / "key"
    path.write_text(contents)
    path.chmod(mode)
    text = with_hmac(f"key 1 file:{path}\nactive_key 1")
    assert reader.mistakes(text) == messages
    assert reader.model(text).virtual_routers[0].hmac == Hmac((HmacKey(1, SECRET.encode(), str(path)),), 1, 5.0)


def test_no_secret_is_shown() -> None:
    assert SECRET not in repr(Hmac((KEY,), 1, 5.0))


def test_a_keyed_hash_replaces_a_password(reader: Reader) -> None:
    router = reader.written_router(PASSWORD, f"auth_hmac {{\nkey 1 {SECRET}\nactive_key 1\n}}")
    assert router.authentication == Authentication()


@pytest.mark.parametrize(
    ("settings", "expected", "messages"),
    [
        ((), Authentication(AuthenticationType.PASS, b"x"), []),
        (("version 3",), Authentication(), ["9:1 conflict"]),
        (("strict_mode", "priority 255", "state MASTER"), Authentication(), ["11:1 conflict"]),
        (("strict_mode off",), Authentication(AuthenticationType.PASS, b"x"), []),
    ],
)
def test_passwords_have_no_place_in_version_3_and_strict_mode(
    reader: Reader, settings: tuple[str, ...], expected: Authentication, messages: list[str]
) -> None:
    assert reader.written_router(*settings, PASSWORD).authentication == expected
    assert reader.mistakes(INSTANCE.format("\n ".join((*settings, PASSWORD)))) == messages


def test_the_authentication_header_is_read(reader: Reader) -> None:
    router = reader.written_router(PASSWORD.replace("PASS\n", "AH\n"))
    assert router.authentication == Authentication(AuthenticationType.AH, b"x")
