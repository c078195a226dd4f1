"""A lab: every host of a topology as a network namespace with one `eth0`, all on one bridge.

    with Lab(topology.load("lvs-dr")) as lab:
        lab.host("client").run("ping", "-c1", "192.168.4.5")

The bridge has a namespace of its own, so nothing is added to the one that the lab was started in. Leaving the block ends
every process in the lab's namespaces, however it got there, and removes them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import TracebackType
from typing import Self

from netns_lab import addresses, netlink, processes
from netns_lab.topology import Address, HostPlan, Role, Topology

NAMED_NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
TERMINATE_TIMEOUT_S = 3.0
"""What programs get to end by themselves when the lab is taken down; keepalived needs one second."""
COMMAND_TIMEOUT_S = 30.0
"""For a command that is run to its end, unless told otherwise."""

_libc = ctypes.CDLL(None, use_errno=True)

EVERY_HOST = {"ipv6/conf/all/accept_dad": "0", "ipv6/conf/default/accept_dad": "0"}
"""Addresses are the topology's own: nobody has to ask whether they are free."""
ROLE_SETTINGS: Mapping[Role, Mapping[str, str]] = {
    Role.CLIENT: {},
    Role.ROUTER: {},
    # A reused source port must not meet the entry of a connection to a server that is gone: its SYN would vanish.
    Role.DIRECTOR: {"ipv4/vs/expire_nodest_conn": "1"},
    # Hold the virtual address without answering ARP for it or asking with it: that is the director's business.
    Role.REAL_SERVER: {"ipv4/conf/all/arp_ignore": "1", "ipv4/conf/all/arp_announce": "2"},
}
"""Kernel settings under /proc/sys/net, made before the host has addresses."""


class Namespace:
    """A named network namespace that this process may enter."""

    def __init__(self, name: str) -> None:
        """Open the namespace; it exists already."""
        self.name = name
        """As ip-netns(8) knows it."""
        self._fd = os.open(NAMED_NAMESPACES / name, os.O_RDONLY)
        self.inode = os.fstat(self._fd).st_ino

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Within the block sockets opened and processes started by this thread belong to the namespace."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _set_namespace(self._fd)
            try:
                yield
            finally:
                _set_namespace(before)
        finally:
            os.close(before)

    def ip_batch(self, lines: list[str]) -> None:
        """Hand many commands to one ip(8) in the namespace; a failure raises RuntimeError with its words."""
        with self.entered():
            _ip_batch(lines)

    def close(self) -> None:
        """Forget the namespace; it stays as long as its name does."""
        os.close(self._fd)


class Host(Namespace):
    """A host of the lab."""

    def __init__(self, name: str, plan: HostPlan, lab: Lab) -> None:
        """Made by the lab."""
        super().__init__(name)
        self.plan = plan
        self._lab = lab
        self.directory = lab.directory / plan.name
        """For the host's files: configurations, logs, process ids."""
        self.directory.mkdir()

    def __repr__(self) -> str:
        """Short, for the messages of failed assertions."""
        return f"<host {self.plan.name}>"

    def run(
        self, *command: str | Path, timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and return what it printed.

        Raises subprocess.CalledProcessError if it fails and `check` is set, TimeoutExpired if it takes too long.
        """
        with self.entered():
            return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=check)

    def spawn(
        self,
        *command: str | Path,
        log: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command and leave it running; the lab ends it at the latest.

        What it prints is appended to `log`, or lost; `stdout` takes its standard output elsewhere.
        """
        with self.entered(), (log or Path(os.devnull)).open("ab") as output:
            process = subprocess.Popen(
                command, stdin=stdin, stdout=output if stdout is None else stdout, stderr=output, env=environment
            )
        self._lab.adopt(process)
        return process

    def holds(self, address: Address) -> bool:
        """True if the host has the address on eth0."""
        return address in self.addresses()

    def addresses(self) -> set[Address]:
        """All addresses of eth0, read from the kernel."""
        with self.entered():
            return addresses.of_interface("eth0")

    def real_servers(self) -> dict[tuple[Address, int], int]:
        """Weight of every real server in the host's IPVS table, by address and port.

        From /proc/net/ip_vs, because a look at a file is cheaper than ipvsadm(8) by two orders of magnitude.
        """
        with self.entered():
            lines = Path("/proc/thread-self/net/ip_vs").read_text().splitlines()
        rows = (line.split() for line in lines[3:] if line.startswith("  ->"))
        return {_real_server(row[1]): int(row[3]) for row in rows}

    def ipvsadm(self) -> str:
        """What ipvsadm(8) shows of the host's table, in numbers."""
        return self.run("ipvsadm", "-Ln").stdout

    def unplug(self) -> None:
        """Pull the cable: the host sees that its link is down."""
        self._lab.bridge.ip_batch([f"link set {self.plan.name} down"])

    def plug(self) -> None:
        """Put the cable back."""
        self._lab.bridge.ip_batch([f"link set {self.plan.name} up"])

    def isolate(self) -> None:
        """Have the bridge pass nothing from or to the host, which does not notice."""
        self._lab.bridge_port(self.plan.name, state=0)

    def rejoin(self) -> None:
        """End the isolation."""
        self._lab.bridge_port(self.plan.name, state=3)


class Lab:
    """The hosts of a topology, built on entering and gone on leaving."""

    def __init__(self, topology: Topology, prefix: str = "") -> None:
        """Make nothing yet; `prefix` sets the namespaces' names apart from those of another lab."""
        self.topology = topology
        self.prefix = prefix
        self.hosts: dict[str, Host] = {}
        self._undo = contextlib.ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Build all of it, or nothing."""
        with contextlib.ExitStack() as undo:
            self.directory = Path(tempfile.mkdtemp(prefix="netns-lab-"))
            undo.callback(shutil.rmtree, self.directory, ignore_errors=True)
            self.directory.chmod(0o755)  # programs that give up root look into it
            self._build(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take down everything, whatever happened inside."""
        self._undo.close()

    def host(self, name: str) -> Host:
        """The host that the topology calls `name`."""
        return self.hosts[name]

    def role(self, role: Role) -> list[Host]:
        """All hosts of a role, in the topology's order."""
        return [host for host in self.hosts.values() if host.plan.role is role]

    def holders(self, address: Address | None = None) -> list[Host]:
        """The hosts that have the address on eth0; the topology's virtual address if none is given."""
        wanted = address or self.topology.virtual_address
        return [host for host in self.hosts.values() if host.holds(wanted)]

    def adopt(self, process: subprocess.Popen[bytes]) -> None:
        """Have the lab end and reap the process when it goes."""
        self._processes.append(process)

    def bridge_port(self, port: str, state: int) -> None:
        """Set a port's forwarding state (BR_STATE_* of linux/if_bridge.h)."""
        with self.bridge.entered():
            netlink.set_bridge_port(port, state)

    def _build(self, undo: contextlib.ExitStack) -> None:
        plans = self.topology.hosts
        names = [self.prefix + name for name in ("bridge", *plans)]
        if taken := [name for name in names if (NAMED_NAMESPACES / name).exists()]:
            raise FileExistsError(f"there is a network namespace {taken[0]!r} already; give the lab a prefix")
        bridge = names[0]
        undo.callback(_remove_namespaces, names)
        _ip_batch(
            [
                *(f"netns add {name}" for name in names),
                # Without these the first 15 s are lost to the spanning tree, and multicasts to snooping.
                f"link add br0 netns {bridge} type bridge forward_delay 0 mcast_snooping 0",
                *(f"link add eth0 netns {self.prefix}{name} type veth peer name {name} netns {bridge}" for name in plans),
            ]
        )
        self.bridge = Namespace(bridge)
        undo.callback(self.bridge.close)
        undo.callback(self._end_processes)
        self.bridge.ip_batch(
            [
                "link set br0 up",
                *(command for name in plans for command in (f"link set {name} master br0", f"link set {name} up")),
            ]
        )
        for name, plan in plans.items():
            host = Host(self.prefix + name, plan, self)
            undo.callback(host.close)
            self.hosts[name] = host
            self._configure(host)

    def _configure(self, host: Host) -> None:
        with host.entered():
            for setting, value in {**EVERY_HOST, **ROLE_SETTINGS[host.plan.role], **host.plan.settings}.items():
                Path("/proc/sys/net", setting).write_text(value)
        commands = [f"addr add {address} dev eth0 nodad" for address in (host.plan.address, *host.plan.further_addresses)]
        if host.plan.role is Role.REAL_SERVER:
            virtual_addresses = (self.topology.virtual_address, *self.topology.further_virtual_addresses)
            commands += [f"addr add {virtual}/{virtual.max_prefixlen} dev lo nodad" for virtual in virtual_addresses]
        commands += [f"route add default via {gateway}" for gateway in host.plan.gateways]
        host.ip_batch(["link set lo up", "link set eth0 up", *commands])

    def _end_processes(self) -> None:
        """First those that were started here, in peace; then all that is left in the namespaces, such as a crash's orphans."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        deadline_s = time.monotonic() + TERMINATE_TIMEOUT_S
        for process in self._processes:
            try:
                process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                processes.crash(process)
            for end in (process.stdin, process.stdout):
                if end is not None:
                    end.close()
        inodes = {namespace.inode for namespace in (self.bridge, *self.hosts.values())}
        processes.kill_all(processes.in_network_namespaces(inodes))


def _ip_batch(lines: list[str]) -> None:
    """Run commands in one ip(8), up to the first that fails."""
    result = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, capture_output=True, check=False)
    if result.returncode:
        raise RuntimeError(result.stderr.strip())


def _remove_namespaces(names: list[str]) -> None:
    """Those of them that were made; interfaces go with them."""
    made = [f"netns del {name}" for name in names if (NAMED_NAMESPACES / name).exists()]
    subprocess.run(["ip", "-force", "-batch", "-"], input="\n".join(made), text=True, check=True)


def _set_namespace(fd: int) -> None:
    """setns(2), for which Python has a name from 3.12 on."""
    if _libc.setns(fd, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")


def _real_server(text: str) -> tuple[Address, int]:
    """`C0A80464:0050` or `[fe80:...]:0050`, as the kernel writes an address and a port in its table."""
    address, _, port = text.rpartition(":")
    if address.startswith("["):
        return IPv6Address(address[1:-1]), int(port, 16)
    return IPv4Address(int(address, 16)), int(port, 16)
