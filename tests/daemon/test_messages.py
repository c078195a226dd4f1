"""Every message crosses the channel and is the same value afterwards, whatever Python carries it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import vrrpd
from ipvs.types import Forwarding, Protocol, ServiceFlags
from vrrpd.config.model import AuthenticationType
from vrrpd.daemon import messages
from vrrpd.daemon.channel import LENGTH, decode, encode
from vrrpd.protocol.states import State

from .values import MESSAGES, same_values_arrive


def test_every_kind_of_message_arrives_as_it_was_sent() -> None:
    same_values_arrive()


def test_no_kind_of_message_is_left_out_above() -> None:
    kinds = {kind for kind in vars(messages).values() if is_dataclass(kind) and kind.__module__ == messages.__name__}
    works = {type(message.work) for message in MESSAGES if isinstance(message, messages.Give)}
    assert {type(message) for message in MESSAGES} | works == kinds


def test_the_systems_own_python_carries_the_same() -> None:
    """Releases of Python 3.11 differ in how they write enumerations and scoped addresses."""
    python = shutil.which("python3.11", path="/usr/bin") or sys.executable
    code = "from tests.daemon import values; values.same_values_arrive()"
    repository = Path(vrrpd.__file__).parent.parent
    done = subprocess.run([python, "-c", code], cwd=repository, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("member", [*ServiceFlags, ServiceFlags.NONE, *Protocol, *Forwarding, *State, *AuthenticationType])
def test_members_are_called_for_by_their_value(member: object) -> None:
    frame = encode(member)
    assert b"getattr" not in frame
    assert decode(frame[LENGTH.size :]) is member
