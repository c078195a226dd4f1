"""A network namespace for each test that asks for one."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ipvs.client import Client

CLONE_NEWNET = 0x4000_0000


@contextmanager
def own_namespace() -> Iterator[None]:
    """This thread is in a namespace of its own, which ends with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as home:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            if libc.setns(home.fileno(), CLONE_NEWNET):
                os._exit(1)  # all later tests would run in the wrong place


@pytest.fixture
def client() -> Iterator[Client]:
    """A client in a namespace of its own."""
    with own_namespace(), Client() as opened:
        yield opened
