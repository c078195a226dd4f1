"""Settings of the daemon as a whole: `global_defs`, what stands outside of every block, and the `vrrpd` block.

Defaults for virtual routers and for checks are not here: they are resolved into those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from vrrpd.config.model.command import Command
from vrrpd.config.model.kernel import Firewall, Lvs, ReceiveBuffers


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail goes; without a server and a recipient none is sent."""

    recipients: tuple[str, ...] = ()
    sender: str | None = None
    """None is user@host."""
    server: str | None = None
    port: int = 25
    helo_name: str | None = None
    connect_timeout_s: float = 30.0
    of_faults: bool = True
    """Also when a virtual router enters FAULT."""


@dataclass(frozen=True, slots=True)
class Names:
    """What this daemon and its processes are called; None where nothing is configured."""

    instance: str | None = None
    """One of several daemons on a host; part of the names in the log and of pid files."""
    supervisor: str | None = None
    router: str | None = None
    director: str | None = None
    bfd: str | None = None


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The network namespaces in which the daemon works; None is its own."""

    network: str | None = None
    ipvs: str | None = None
    """None is `network`."""
    ipsets: bool = False
    """ipsets may be used within a namespace."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """How commands are run, and those of the daemon's own start and end."""

    user: str | None = None
    """Who runs a command that names nobody; None is `keepalived_script` where such a user exists, else root."""
    group: str | None = None
    security: bool = False
    """Nothing runs as root that others could change."""
    use_symlink_paths: bool = False
    """Run the path as configured; else the path without symbolic links."""
    supplementary_groups: bool = False
    startup: Command | None = None
    startup_timeout_s: int = 10
    shutdown: Command | None = None
    shutdown_timeout_s: int = 10


@dataclass(frozen=True, slots=True)
class Vrrp:
    """What holds for VRRP as a whole rather than for one virtual router."""

    default_interface: str = "eth0"
    """Where static addresses and routes go that name none."""
    dynamic_interfaces: bool = False
    """Interfaces may be missing at the start."""
    interfaces_may_change: bool = False
    """With dynamic interfaces: also type and base of an interface may change."""
    garp_interval_s: float = 0.0
    """Least time between two gratuitous ARPs on one interface."""
    gna_interval_s: float = 0.0
    """The same for neighbour advertisements."""
    startup_delay_s: float = 0.0
    delay_after_boot_s: float = 0.0
    log_unknown_vrids: bool = False
    disable_local_igmp: bool = False
    vmac_prefix: str = "vrrp"
    vmac_address_prefix: str = "vrrp"
    """Prefix of the names of interfaces that `use_vmac_addr` makes."""
    receive_buffer_policy: ReceiveBufferPolicy | None = None
    """None leaves the size to the kernel."""
    receive_buffer_octets: int | None = None
    """A fixed size in place of a policy."""
    receive_buffer_multiplier: int = 3
    poll_links: bool = False
    """Ask for every interface's link state instead of listening."""


class ReceiveBufferPolicy(Enum):
    """What the receive buffers' size is reckoned from."""

    MTU = "MTU"
    ADVERT = "ADVERT"


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Wishes for a process's place in the kernel's queue."""

    nice: int | None = None
    real_time_priority: int | None = None
    lock_memory: bool = False
    cpu_affinity: tuple[int, ...] = ()
    """Processors it may run on, in ascending order; none is all."""
    real_time_limit_us: int = 10_000
    """RLIMIT_RTTIME where there is a real-time priority."""


@dataclass(frozen=True, slots=True)
class AutoPriority:
    """A process that is late gets a real-time priority by itself."""

    max_priority: int = 0
    """How far it is raised; 0 is not at all."""
    min_delay_us: int = 1_000_000
    """The lateness that raises it."""


@dataclass(frozen=True, slots=True)
class Fifo:
    """A named pipe to which events are written, and who reads it."""

    path: str
    user: str | None = None
    group: str | None = None
    script: Command | None = None
    """Started with the pipe's path as a further argument."""


@dataclass(frozen=True, slots=True)
class Fifos:
    """Where events are written."""

    all: Fifo | None = None
    vrrp: Fifo | None = None
    lvs: Fifo | None = None
    write_states_on_reload: bool = False


@dataclass(frozen=True, slots=True)
class Snmp:
    """The SNMP agent; each MIB is served only if asked for."""

    socket: str | None = None
    """The master agent's; None is AgentX's usual one."""
    traps: bool = False
    vrrp: bool = False
    checker: bool = False
    rfc_v2: bool = False
    rfc_v3: bool = False
    virtual_server_interval_s: float = 5.0
    """Age at which statistics are read anew."""
    real_server_interval_s: float = 5.0


@dataclass(frozen=True, slots=True)
class DBus:
    """The D-Bus interface."""

    enabled: bool = False
    service_name: str = "org.keepalived.Vrrp1"
    no_interface_name: str = "none"
    """Part of the path of a virtual router without interface."""


class IncludeClass(Enum):
    """Which failures of an `include` are errors."""

    READ = "read"
    MATCH = "match"
    WILDCARD_MATCH = "wildcard_match"
    BRACE_MATCH = "brace_match"


@dataclass(frozen=True, slots=True)
class Reload:
    """How the configuration is read anew."""

    check_log: str | None = None
    """A reload is checked first, and refused where that finds something; messages go to this file."""
    time_file: str | None = None
    """Holds the time of a planned reload."""
    repeat: bool = False
    """The planned reload takes place each day."""
    marker_file: str | None = None
    """Exists while a reload is under way."""
    include_errors: tuple[IncludeClass, ...] = ()
    """In the order of :class:`IncludeClass`."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files that the daemon writes and reads."""

    umask: int = 0o177
    use_pid_directory: bool = False
    save_directory: str | None = None
    """Each configuration that was read is kept there."""
    temporary_directory: str | None = None
    """None keeps the flattened configuration in memory."""
    dump_names_have_instance: bool = False
    json_version: int = 1
    state_dump: str = "/tmp/keepalived.data"  # noqa: S108  the name that keepalived's users know
    stats_dump: str | None = None
    json_dump: str | None = None
    iproute_usr_directory: str | None = None
    """Where the distribution keeps rt_tables and the like; None is iproute2's usual place."""
    iproute_etc_directory: str | None = None


class CompatMetrics(Enum):
    """Which exporters' metric names are served beside our own."""

    NONE = "none"
    MEHDY = "mehdy"
    GEN2BRAIN = "gen2brain"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the HTTP server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """Settings of the daemon as a whole."""

    router_id: str
    mail: Mail = Mail()
    router_scheduling: Scheduling = Scheduling()
    director_scheduling: Scheduling = Scheduling()
    http_listen: ListenAddress | None = None
    compat_metrics: CompatMetrics = CompatMetrics.BOTH
    bfd_scheduling: Scheduling = Scheduling()
    auto_priority: AutoPriority = AutoPriority()
    names: Names = Names()
    namespaces: Namespaces = Namespaces()
    scripts: Scripts = Scripts()
    vrrp: Vrrp = Vrrp()
    firewall: Firewall = field(default_factory=Firewall)
    lvs: Lvs = field(default_factory=Lvs)
    receive_buffers: ReceiveBuffers = field(default_factory=ReceiveBuffers)
    fifos: Fifos = Fifos()
    snmp: Snmp = Snmp()
    dbus: DBus = DBus()
    reload: Reload = Reload()
    files: Files = Files()
    random_seed: int | None = None
    """None takes the time."""
    child_wait_time_s: int = 5
    """Patience with the children at the end."""
