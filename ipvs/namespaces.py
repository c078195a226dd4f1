"""Doing something in another network namespace, without ever leaving one's own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TypeVar

from ipvs.errors import NamespaceError

T = TypeVar("T")

NAMED_NAMESPACES = Path("/run/netns")
"""Where `ip netns add` puts them."""
CLONE_NEWNET = 0x4000_0000  # include/uapi/linux/sched.h


def in_namespace(namespace: str | None, action: Callable[[], T]) -> T:
    """What `action` returns in a network namespace: a name of `ip netns`, or the path of a file such as /proc/PID/ns/net. None
    is the caller's own.

    A namespace belongs to a thread. So a thread of its own goes there and ends there: the caller's never changes place, and
    there is no way back that could fail. Sockets and files opened on the way stay in the namespace. Raises NamespaceError, and
    whatever `action` raises.
    """
    if namespace is None:
        return action()
    path = Path(namespace) if "/" in namespace else NAMED_NAMESPACES / namespace
    returned: list[T] = []
    raised: list[BaseException] = []

    def visit() -> None:
        try:
            _enter(path)
            returned.append(action())
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            raised.append(error)

    visitor = Thread(target=visit, name=f"in {path.name}")
    visitor.start()
    visitor.join()
    if raised:
        raise raised[0]
    return returned[0]


def _enter(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NamespaceError(str(path), error.errno or 0, error.strerror or "") from error
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            code = ctypes.get_errno()
            raise NamespaceError(str(path), code, os.strerror(code))
    finally:
        os.close(descriptor)
