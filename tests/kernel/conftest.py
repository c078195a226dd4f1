"""Network namespaces that nobody can see or forget: without a name, they end with the last descriptor that holds them."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from ipvs.netlink import NetlinkSocket
from vrrpd.kernel.links import Link, read_links

CLONE_NEWNET = 0x4000_0000
OWN_NAMESPACE = "/proc/thread-self/ns/net"
NETLINK_ROUTE = 0
UP_DEADLINE_S = 10.0

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    """Raise what the C library reported."""
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@dataclass(frozen=True)
class Namespace:
    """A network namespace of the test's own, held open by a descriptor."""

    descriptor: int

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, the sockets it opens and the programs it runs, are in the namespace meanwhile."""
        home = os.open(OWN_NAMESPACE, os.O_RDONLY)
        try:
            checked(libc.setns(self.descriptor, CLONE_NEWNET))
            yield
        finally:
            checked(libc.setns(home, CLONE_NEWNET))
            os.close(home)

    def ip(self, *commands: str) -> None:
        """Run iproute2 commands in the namespace, in one process."""
        with self.entered():
            subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), check=True, text=True, timeout=30)

    def link(self, name: str) -> Link:
        """The link called `name`."""
        with self.entered():
            netlink = NetlinkSocket(NETLINK_ROUTE)
        try:
            return next(link for link in read_links(netlink).values() if link.name == name)
        finally:
            netlink.close()

    def wait_until_up(self, name: str) -> None:
        """Wait for the carrier: until the kernel has noticed it, a link drops without a word what is sent."""
        deadline_s = time.monotonic() + UP_DEADLINE_S
        while not self.link(name).up:
            assert time.monotonic() < deadline_s, f"{name} did not come up within {UP_DEADLINE_S:g} s"
            time.sleep(0.01)


@contextmanager
def new_namespace() -> Iterator[Namespace]:
    """A fresh network namespace with nothing in it but its loopback, which is down."""
    home = os.open(OWN_NAMESPACE, os.O_RDONLY)
    try:
        checked(libc.unshare(CLONE_NEWNET))
        descriptor = os.open(OWN_NAMESPACE, os.O_RDONLY)
    finally:
        checked(libc.setns(home, CLONE_NEWNET))
        os.close(home)
    try:
        yield Namespace(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A namespace with a veth pair `eth0` and `far0`, both up."""
    with new_namespace() as namespace:
        namespace.ip(
            "link add eth0 type veth peer name far0",
            "link set eth0 addrgenmode none",  # no addresses but those that a test adds
            "link set far0 addrgenmode none",
            "link set eth0 up",
            "link set far0 up",
        )
        namespace.wait_until_up("eth0")
        namespace.wait_until_up("far0")
        yield namespace


@pytest.fixture
def hosts() -> Iterator[tuple[Namespace, Namespace]]:
    """Two namespaces, 192.168.4.5 and 192.168.4.6, whose `eth0` are the ends of one cable; MACs 02:00:00:00:00:05 and :06."""
    with ExitStack() as stack:
        left, right = stack.enter_context(new_namespace()), stack.enter_context(new_namespace())
        left.ip(f"link add eth0 type veth peer name eth0 netns /proc/{os.getpid()}/fd/{right.descriptor}")
        for host, octet in ((left, 5), (right, 6)):
            host.ip(
                f"link set eth0 address 02:00:00:00:00:0{octet} up",
                "link set lo up",
                f"address add 192.168.4.{octet}/24 dev eth0",
            )
        for host in (left, right):
            host.wait_until_up("eth0")
        yield left, right
