"""`authentication` and `auth_hmac` -> :class:`vrrpd.config.model.Authentication` and :class:`vrrpd.config.model.Hmac`."""

from __future__ import annotations

import os
import stat
from typing import cast

from vrrpd.config.diagnostics import Code, Note, Report
from vrrpd.config.model import Authentication, AuthenticationType, Hmac, HmacKey, HmacMode, ReplayProtection
from vrrpd.config.near import nearest
from vrrpd.config.settings import merged, number, setting
from vrrpd.config.tree import Node

PASSWORD_OCTETS_MAX = 8
"""RFC 2338 section 5.3.10."""
KEY_OCTETS_MIN, KEY_OCTETS_MAX = 32, 64
"""Of an HMAC-SHA256 key: as long as the hash at least, and a block of it at most."""
KEY_FILE_OCTETS_MAX = 256
"""`hex:`, two digits for each octet, and a newline; a longer file holds no key."""
TIME_WINDOW_MIN_S, TIME_WINDOW_MAX_S = 5.0, 300.0
ADVERTS_IN_TIME_WINDOW = 3


def bind_authentication(node: Node, version: int, *, strict: bool, report: Report) -> Authentication:
    """Type and password; none, with a message, where the version or strict mode has none, or one of the two is missing."""
    settings = merged(node, "authentication")
    kind, given = settings.last("auth_type"), settings.last("auth_pass")
    if kind is not None and (version == 3 or strict):
        who = "VRRP version 3" if version == 3 else "strict mode"
        report.error(Code.CONFLICT, kind.line, 0, f"{who} knows no authentication", assumed="no authentication")
        return Authentication()
    if kind is None:
        if given is not None and not settings.mentions("auth_type"):
            report.warning(
                Code.AUTHENTICATION_INCOMPLETE,
                given.line,
                0,
                "`auth_pass` without `auth_type` has no effect",
                assumed="no authentication",
            )
        return Authentication()
    if given is None:
        if not settings.mentions("auth_pass"):
            report.error(
                Code.AUTHENTICATION_INCOMPLETE,
                kind.line,
                0,
                "`auth_type` without `auth_pass`",
                assumed="no authentication",
                advice="add `auth_pass PASSWORD`",
            )
        return Authentication()
    return Authentication(AuthenticationType[cast("str", kind.values[0])], _password(given, report))


def _password(given: Node, report: Report) -> bytes:
    password = cast("str", given.values[0]).encode("utf-8", "surrogateescape")
    if len(password) > PASSWORD_OCTETS_MAX:
        password = password[:PASSWORD_OCTETS_MAX]
        report.warning(
            Code.REDUCED,
            given.line,
            1,
            f"a password has {PASSWORD_OCTETS_MAX} octets at most",
            assumed=f"its first {PASSWORD_OCTETS_MAX} octets",
        )
    return password


# -- keyed hashes --------------------------------------------------------------------------------


def bind_hmac(node: Node, advert_interval_s: float, report: Report) -> Hmac | None:
    """Keys and their use; None, with a message, where there is no key to send with."""
    if not node.all("auth_hmac"):
        return None
    settings = merged(node, "auth_hmac")
    keys = _keys(settings, report)
    active = _active_key_id(node.all("auth_hmac")[0], settings, keys, report)
    if active is None:
        return None
    window_s = min(TIME_WINDOW_MAX_S, max(TIME_WINDOW_MIN_S, ADVERTS_IN_TIME_WINDOW * advert_interval_s))
    return Hmac(
        keys=keys,
        active_key_id=active,
        time_window_s=float(setting(settings, "time_window", window_s)),
        replay_protection=ReplayProtection(setting(settings, "anti_replay", "time")),
        mode=HmacMode(setting(settings, "mode", "enforce")),
    )


def _active_key_id(block: Node, settings: Node, keys: tuple[HmacKey, ...], report: Report) -> int | None:
    wanted = number(settings, "active_key")
    found = settings.last("active_key")
    if found is None:
        if not settings.mentions("active_key"):
            report.error(
                Code.AUTHENTICATION_INCOMPLETE,
                block.line,
                0,
                "`auth_hmac` without `active_key`",
                assumed="no keyed hash",
                advice="add `active_key ID`",
            )
        return None
    if any(key.key_id == wanted for key in keys):
        return wanted
    if not any(wanted in node.values[:1] or not node.values for node in settings.children if node.name == "key"):
        near = nearest(str(wanted), [str(key.key_id) for key in keys])
        report.error(
            Code.UNKNOWN_NAME,
            found.line,
            1,
            f"there is no key {wanted}",
            assumed="no keyed hash",
            advice=f"did you mean `{near}`?" if near else None,
        )
    return None


def _keys(settings: Node, report: Report) -> tuple[HmacKey, ...]:
    keys: list[HmacKey] = []
    first: dict[int, Node] = {}
    for node in settings.all("key"):
        key_id, text = cast("tuple[int, str]", tuple(node.values[:2]))
        if key_id in first:
            note = Note.at(first[key_id].line, 1)
            report.error(
                Code.DUPLICATE, node.line, 1, f"there is a key {key_id} already", assumed="the first one holds", note=note
            )
            continue
        first[key_id] = node
        try:
            keys.append(_key(key_id, text, node, report))
        except (OSError, ValueError) as error:
            message = f"no key: {getattr(error, 'strerror', None) or error}"
            report.error(Code.BAD_VALUE, node.line, 2, message, assumed="the key is left out")
    return tuple(keys)


def _key(key_id: int, text: str, node: Node, report: Report) -> HmacKey:
    """The key that a word stands for: itself, `hex:DIGITS`, or `file:PATH` with either in it."""
    scheme, _, path = text.partition(":")
    if scheme != "file":
        return HmacKey(key_id, _secret(text.encode("utf-8", "surrogateescape")))
    contents, mode = _read_key_file(path)
    if mode & 0o077:
        report.error(
            Code.BAD_VALUE,
            node.line,
            2,
            f"others than its owner may read or write {path} (mode {stat.S_IMODE(mode):04o})",
            assumed="the key is used all the same",
            advice=f"chmod 600 {path}",
        )
    return HmacKey(key_id, _secret(contents.removesuffix(b"\n").removesuffix(b"\r")), path)


def _read_key_file(path: str) -> tuple[bytes, int]:
    """Contents and mode of a file, without waiting for anything that is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError(f"{path} is no regular file")
        return os.read(descriptor, KEY_FILE_OCTETS_MAX), mode
    finally:
        os.close(descriptor)


def _secret(text: bytes) -> bytes:
    try:
        secret = bytes.fromhex(text[4:].decode("ascii")) if text.startswith(b"hex:") else text
    except ValueError:
        raise ValueError("what follows `hex:` are not pairs of hexadecimal digits") from None
    if not KEY_OCTETS_MIN <= len(secret) <= KEY_OCTETS_MAX:
        raise ValueError(f"it has {len(secret)} octets, not {KEY_OCTETS_MIN} to {KEY_OCTETS_MAX}")
    return secret
