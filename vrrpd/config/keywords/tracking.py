"""What virtual routers can track: scripts, processes, files and BFD sessions."""

from __future__ import annotations

from vrrpd.config.declaration import PATH, Effect, Keyword, alias, any_number, block, later, line, many, named, optional
from vrrpd.config.keywords.arguments import BOOL, GROUP, NAME, REVERSE, USER, weight
from vrrpd.config.values import Choice, Integer, IpAddress, Seconds, Text

DELAY = Seconds(0.000001, 3600)
MILLISECONDS = Seconds(1, 4_294_967, "milliseconds")
RESULTS = named("RESULTS", Integer(1, 2**31 - 1))


def _weight(limit: int, what: str, *, default: str = "0") -> Keyword:
    return later(
        "weight",
        f"What {what} does to the priority of a virtual router that tracks it.",
        weight(limit),
        REVERSE,
        default=default,
        details=(
            """
                0: the virtual router is in FAULT while it fails. Above 0: added while all is well. Below 0: taken away
                while it fails. With `reverse` well and failing change places. The virtual router can say otherwise where it
                names the tracker.
            """
        ),
        see=("priority", "nopreempt"),
    )


VRRP_SCRIPT = block(
    "vrrp_script",
    "A command that is run over and over, whose result counts in an election.",
    NAME,
    later(
        "script",
        "The command.",
        many(Text("COMMAND", is_path=True), '"COMMAND"'),
        details="""
            Must be given; in quotes if it has arguments. It is executed as it is, without a shell: for a pipe write `sh -c
            '…'`. Exit status 0 is success, and anything else, a signal or a timeout failure.

            `</path` runs nothing: it succeeds while the file can be opened.
        """,
        example='script "/usr/local/bin/check_web --port 80"',
        see=("user", "enable_script_security"),
    ),
    later(
        "interval",
        "From the start of one run to the start of the next.",
        Seconds(),
        default="1",
        unit="s",
        details="Up to three digits behind the point. While a run lasts no other one starts. 0 is read as 1.",
    ),
    later(
        "timeout",
        "How long a run may last.",
        Seconds(),
        default="interval",
        unit="s",
        since="1.2.6",
        details="After that it is ended and has failed.",
    ),
    _weight(253, "the script"),
    later(
        "rise",
        "How many successes in a row make it well.",
        RESULTS,
        default="1",
        since="1.1.18",
        details="The very first result decides alone.",
    ),
    later("fall", "How many failures in a row make it fail.", RESULTS, default="1", since="1.1.18"),
    later("user", "Who runs it.", USER, GROUP, default="script_user", since="1.3.0"),
    later("init_fail", "It has failed until it succeeds.", since="1.3.2", details="In keepalived 2.4 nothing comes of it."),
    since="1.1.13",
    effect=Effect.NONE,
    details="""
        Must stand above the virtual routers that track it. One that nobody tracks is not run; one that cannot be executed
        is tracked no more.
    """,
    example="""
        vrrp_script check_web {
            script "/usr/local/bin/check_web --port 80"
            interval 2
            fall 3
            weight -30
        }
    """,
    see=("track_script", "script_user"),
)

VRRP_TRACK_PROCESS = block(
    "vrrp_track_process",
    "A program that must run, or may not.",
    NAME,
    later(
        "process",
        "Its path, or its name, and the arguments it has.",
        many(Text("PROGRAM", is_path=True), "PROGRAM [ARGUMENT …]"),
        details="Must be given. With a path the executable is compared, with a name the process's name.",
        see=("param_match", "full_command"),
    ),
    later(
        "param_match",
        "How many of its arguments are compared.",
        optional(Choice(("initial", "partial"))),
        default="all, if there are any",
        since="2.0.16",
        details="`initial`: the first ones, each whole. `partial`: the last of them need only begin as written.",
    ),
    _weight(254, "the process"),
    later("quorum", "How many must run.", named("PROCESSES", Integer(1, 65535)), default="1"),
    later(
        "quorum_max",
        "How many may run.",
        named("PROCESSES", Integer(0, 65535)),
        default="any number",
        since="2.0.16",
        details="Less than `quorum` is an error.",
    ),
    later("delay", "Sets both `fork_delay` and `terminate_delay`.", DELAY, default="0", unit="s"),
    later("fork_delay", "A process that has started counts after this time.", DELAY, default="0", unit="s", since="2.0.16"),
    later(
        "terminate_delay",
        "A process that has ended counts no more after this time.",
        DELAY,
        default="0",
        unit="s",
        since="2.0.16",
    ),
    later("full_command", "Compare the whole command line, not the first 15 characters of the name."),
    since="2.0.11",
    effect=Effect.NONE,
    details="Must stand above the virtual routers that track it.",
    example="""
        vrrp_track_process web {
            process nginx
            weight 10
            terminate_delay 1
        }
    """,
    see=("track_process",),
)

TRACK_FILE_PARTS = (
    NAME,
    line(
        "file",
        "The file.",
        PATH,
        details="Must be given. One that is missing, or holds no number, counts as 0.",
    ),
    line(
        "weight",
        "By what the number in the file is multiplied.",
        weight(254),
        REVERSE,
        default="1",
        details="""
            The product is added to the priority; -254 or less means FAULT. Weight 0: FAULT while the number is not 0, or
            with `reverse` while it is.
        """,
    ),
    later(
        "init_file",
        "Make the file when the daemon starts.",
        any_number(Text("WORD"), "[NUMBER] [overwrite]"),
        default="off; 0 is written without a number",
        details="A file that is there is kept, unless `overwrite` says otherwise.",
    ),
)
TRACK_FILE = block(
    "track_file",
    "A file whose number counts, in elections and for real servers.",
    *TRACK_FILE_PARTS,
    since="2.1.0",
    details="Must stand above what tracks it. An operator lowers a router's priority with `echo -20 > FILE`.",
    example="""
        track_file drain {
            file "/run/drain"
            init_file 0
        }
    """,
    see=("vrrp_instance", "FILE_CHECK"),
)
VRRP_TRACK_FILE = alias("vrrp_track_file", TRACK_FILE, since="2.0.0", deprecated=True)

NEIGHBOR_IP = later("neighbor_ip", "The address of the other end.", IpAddress(), details="Must be given.")
TTL = later(
    "ttl", "The TTL or hop limit that we send.", named("TTL", Integer(1, 255)), default="255, for IPv6 64", see=("max_hops",)
)

BFD_INSTANCE = block(
    "bfd_instance",
    "A session of Bidirectional Forwarding Detection (RFC 5880): both ends notice within milliseconds when the way is cut.",
    NAME,
    NEIGHBOR_IP,
    alias("neighbour_ip", NEIGHBOR_IP),
    later("source_ip", "Our own address, of the same family.", IpAddress(), default="the kernel's choice"),
    later("min_rx", "The least time between packets that we can receive.", MILLISECONDS, default="10", unit="ms"),
    later("min_tx", "The least time between packets that we want to send.", MILLISECONDS, default="10", unit="ms"),
    later(
        "idle_tx",
        "Time between packets while the session is not up.",
        Seconds(1000, 4_294_967, "milliseconds"),
        default="1000",
        unit="ms",
    ),
    later(
        "multiplier",
        "How many packets may be missed before the session is down.",
        named("PACKETS", Integer(1, 255)),
        default="5",
    ),
    later("passive", "Send nothing until the neighbour does."),
    TTL,
    alias("hoplimit", TTL),
    later(
        "max_hops",
        "How many routers may be between the ends.",
        named("HOPS", Integer(-1, 255)),
        default="0",
        details="Packets are accepted with a TTL of at least `ttl` less this; -1 accepts all.",
    ),
    later("multihop", "Use port 4784 (RFC 5883), not 3784.", BOOL, default="off", since="2.2.8"),
    _weight(253, "the session"),
    later("vrrp", "Only virtual routers are told.", default="they and checks are"),
    later("checker", "Only checks are told.", default="they and virtual routers are"),
    since="2.0.0",
    effect=Effect.NONE,
    details="""
        The name has up to 31 characters. Must stand above what tracks it. A second session with the same neighbour is an
        error.
    """,
    example="""
        bfd_instance peer {
            neighbor_ip 192.0.2.2
            min_rx 50
            min_tx 50
        }
    """,
    see=("track_bfd", "BFD_CHECK"),
)
