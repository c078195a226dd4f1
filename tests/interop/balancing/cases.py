"""What a case is: a virtual server, what happens to its real servers, and what the table must then show.

A configuration is written with placeholders, because every case has addresses, ports, a mark and files of its own, so that many
can be played at once by one pair of daemons:

    $vip, $vip6, $net      the first of its virtual addresses, and the three octets that all of them begin with
    $mark                  its firewall mark
    $a, $b, $c, $d, $s     real servers with their port; $a6 the first by its IPv6 address
    $h                     a real server with an address of its own, which can vanish
    $address_h, $port      the address and the port alone
    $track_a ...           the file whose number says how `a` is, as a `track_file`
    $misc                  a command that ends with the status that it was told
    $note WORD             a command that notes down a word

What is done to servers is said as `a down; b sick`, one verb each:

    up, down               accepts connections or refuses them; its file says 0 or 1
    well, sick, changed, silent [TIMES]   see `servers`
    writes N               into its file
    gone, back             its address disappears, returns
    lost, found            what it sends vanishes on the way
    exits STATUS           what the command ends with; `hangs` lets it run on
    reload                 the case's next configuration is loaded

In the end both daemons are stopped, and no row may be left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

NO_SERVICE = "no service"
FILE = "file"
"""The kind of a real server that is nothing but a number in a file: the cheapest way to be up or down."""
HOST = "host"
"""The kind of a real server on which nothing listens: enough for a PING_CHECK."""
SETTINGS = {
    "delay_loop": 1,
    "warmup": 0,
    "connect_timeout": 2,
    "retry": 1,
    "delay_before_retry": 0.3,
    "lb_algo": "rr",
    "lb_kind": "NAT",
    "protocol": "TCP",
}
"""What every virtual server has unless it says otherwise."""


class Step(NamedTuple):
    """Something that happens, and what is then in the table."""

    do: str
    shows: str
    """Servers with their weights, such as `a=1 b=2`."""
    after: int = 0
    """Wait until each daemon has asked it so often; for steps that are to change nothing."""
    through: str = ""
    """`up` or `down`: what the server is for a while, though the table is in the end as it was. By the logs."""
    holds: str = ""
    """A text in one of the rows of each; for steps that do not change the weights."""


@dataclass(frozen=True)
class Case:
    """A virtual server and its story."""

    name: str
    text: str
    """Its configuration."""
    servers: str
    """What runs, such as `a:http b:file`."""
    steps: tuple[Step, ...]
    """The first is what was done before the daemons start, which may be nothing."""
    reloaded: tuple[str, ...] = ()
    """Its further configurations."""
    notes: tuple[str, ...] = ()
    """What its commands have noted when all is over, sorted."""


def block(head: str, *lines: str) -> str:
    """A block of the language."""
    return "\n".join([f"{head} {{", *lines, "}"])


def virtual(*lines: str, of: str = "$vip 80", **settings: float | str | None) -> str:
    """A virtual server; a setting that is None is left out."""
    wanted = {name: value for name, value in (SETTINGS | settings).items() if value is not None}
    return block(f"virtual_server {of}", *(f"{name} {value}" for name, value in wanted.items()), *lines)


def real(name: str, *lines: str) -> str:
    """A real server."""
    return block(f"real_server ${name}", *lines)


def filed(name: str, *lines: str, **settings: object) -> str:
    """A real server that is checked by its file."""
    written = [f"{setting} {value}" for setting, value in settings.items()]
    return real(name, *written, *lines, by_file(name))


def by_file(name: str, *lines: str) -> str:
    """The check of a file, with weight 0 unless `lines` say otherwise."""
    return block("FILE_CHECK", f"track_file $track_{name}", *(lines or ("weight 0",)))
