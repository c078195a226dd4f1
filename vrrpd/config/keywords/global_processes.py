"""What `global_defs` says about the daemon's processes, the scripts they run and how they are scheduled."""

from __future__ import annotations

from itertools import chain

from vrrpd.config.declaration import COMMAND, Keyword, alias, later, line, many, named, optional
from vrrpd.config.keywords.arguments import BOOL, GROUP, NAME, OCTETS, USER
from vrrpd.config.values import Integer, Text

MICROSECONDS = named("MICROSECONDS", Integer(1))
WHOLE = named("SECONDS", Integer(1, 1000))
CHECKER_PROCESS_NAME = later(
    "checker_process_name",
    "Name of the process that checks.",
    NAME,
    since="2.2.0",
    details="Up to 15 characters.",
    see=("process_names",),
)

PROCESSES = (
    line(
        "router_id",
        "Name of this host in mail and status.",
        NAME,
        default="the local host's name",
        since="1.1.8",
        details="A name for people; no two hosts should have the same. VRRP knows nothing of it.",
        example="""
            global_defs {
                router_id lb1
            }
        """,
    ),
    later(
        "process_names",
        "The processes have names of their own: `keepalived_vrrp` and so on.",
        default="off",
        since="2.0.16",
        see=("process_name", "vrrp_process_name"),
    ),
    later(
        "process_name",
        "Name of the parent process.",
        NAME,
        since="2.0.16",
        details="Up to 15 characters.",
        see=("process_names",),
    ),
    later(
        "vrrp_process_name",
        "Name of the process that speaks VRRP.",
        NAME,
        since="2.0.16",
        details="Up to 15 characters.",
        see=("process_names",),
    ),
    CHECKER_PROCESS_NAME,
    later(
        "bfd_process_name",
        "Name of the process that speaks BFD.",
        NAME,
        since="2.0.16",
        details="Up to 15 characters.",
        see=("process_names",),
    ),
    alias("lvs_process_name", CHECKER_PROCESS_NAME, since="2.0.16", deprecated=True),
    later(
        "umask",
        "Mode bits that files made by the daemon do not get.",
        many(Text("MODE")),
        default="0177",
        since="2.0.9",
        details="An octal number, or names such as `IRGRP` joined by `|`. The command line's `-u` wins.",
    ),
    later("random_seed", "Seed of all random numbers, for tests.", Integer(), default="the time", since="2.0.15"),
)

SCRIPTS = (
    line(
        "script_user",
        "Who runs scripts that name nobody.",
        USER,
        GROUP,
        default="keepalived_script where there is such a user, else root",
        since="1.3.0",
        see=("enable_script_security",),
    ),
    later(
        "enable_script_security",
        "Run no script as root that somebody else could change.",
        default="off",
        since="1.3.0",
        details="""
            The file and every directory above it must belong to root, and nobody else may write there. A script that fails
            this is not run. A directory on the path that is a symbolic link fails it too.
        """,
        see=("script_user", "use_symlink_paths"),
    ),
    later(
        "use_symlink_paths",
        "Execute scripts by the path as it is written.",
        BOOL,
        default="off: by the path behind all symbolic links",
        since="2.3.0",
    ),
    later(
        "set_supplementary_groups",
        "Scripts have all groups of their user, not only the first.",
        BOOL,
        default="off",
        since="git",
        details="In no release of keepalived so far.",
    ),
    later(
        "startup_script", "Command to run before anything else starts.", COMMAND, since="2.1.0", see=("startup_script_timeout",)
    ),
    later("startup_script_timeout", "How long it may run.", WHOLE, default="10", since="2.1.0", unit="s"),
    later(
        "shutdown_script",
        "Command to run when everything else has ended.",
        COMMAND,
        since="2.1.0",
        see=("shutdown_script_timeout",),
    ),
    later("shutdown_script_timeout", "How long it may run.", WHOLE, default="10", since="2.1.0", unit="s"),
)


def _scheduling(prefix: str, process: str) -> tuple[Keyword, ...]:
    """A process's place in the kernel's queue; there is no BFD process yet."""
    built = later if prefix == "bfd" else line
    since = "2.0.0" if prefix == "bfd" else "1.2.20"
    limit = later(
        f"{prefix}_rlimit_rttime",
        f"How long the {process} may run at real-time priority without a pause.",
        MICROSECONDS,
        default="10000",
        since="2.1.0",
        unit="µs",
        details="Whatever runs on longer is ended by the kernel.",
        see=(f"{prefix}_rt_priority",),
    )
    return (
        built(
            f"{prefix}_priority",
            f"Nice value of the {process}.",
            Integer(-20, 19),
            default="0",
            since=since,
            see=(f"{prefix}_rt_priority",),
        ),
        built(f"{prefix}_no_swap", f"Keep the {process} in memory.", default="off", since=since),
        built(
            f"{prefix}_rt_priority",
            f"Real-time priority of the {process}, by turns with others of the same (SCHED_RR).",
            named("PRIORITY", Integer(1, 99)),
            default="none",
            since="2.0.0",
            see=("max_auto_priority",),
        ),
        later(
            f"{prefix}_cpu_affinity",
            f"The processors that the {process} may use.",
            many(Integer(), "PROCESSOR …"),
            default="all",
            since="2.0.17",
            details="If one of them does not exist, all are left out.",
        ),
        limit,
        alias(f"{prefix}_rlimit_rtime", limit, since="2.0.0", deprecated=True),
    )


SCHEDULING = (
    *_scheduling("vrrp", "router process"),
    *_scheduling("checker", "director process"),
    *_scheduling("bfd", "BFD process"),
    later(
        "max_auto_priority",
        "A process that finds itself late raises its real-time priority up to this.",
        optional(Integer(-1, 99), "PRIORITY"),
        default="0, which is never; 99 without a number",
        since="2.1.0",
        see=("min_auto_priority_delay",),
    ),
    later(
        "min_auto_priority_delay",
        "How late it must be for that.",
        named("MICROSECONDS", Integer(1, 10_000_000)),
        default="1000000",
        since="2.1.0",
        unit="µs",
    ),
)

BUFFERS = tuple(
    chain.from_iterable(
        (
            later(
                f"{name}_rcv_bufs",
                f"Receive buffer of the netlink socket for {what}.",
                OCTETS,
                default="the kernel's",
                since=since,
                unit="octets",
            ),
            later(
                f"{name}_rcv_bufs_force",
                "Exceed the system's limit for it.",
                BOOL,
                default="off",
                since=since,
                see=(f"{name}_rcv_bufs",),
            ),
        )
        for name, what, since in (
            ("vrrp_netlink_cmd", "the router's commands", "2.0.0"),
            ("vrrp_netlink_monitor", "what the router watches", "2.0.0"),
            ("lvs_netlink_cmd", "the director's commands", "2.0.0"),
            ("lvs_netlink_monitor", "what the director watches", "2.0.0"),
            ("process_monitor", "processes that are tracked", "2.0.11"),
        )
    )
)
