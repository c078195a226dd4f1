"""`python -m netns_lab`: run a command, a shell or the demonstration on the lab's kernel."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netns_lab import kernel, topology
from netns_lab.job import Job
from netns_lab.programs import ROUTERS

DEMO_TIMEOUT_S = 90.0
"""It takes some 45 s; whatever goes wrong, it ends."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m netns_lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    run = verbs.add_parser("run", help="run a command as root on a kernel with IPVS")
    run.add_argument("--systemd", action="store_true", help="with systemd as the first process")
    run.add_argument("--timeout", type=float, metavar="S", help="seconds after which the command is killed (exit status 124)")
    run.add_argument("--rw", type=Path, action="append", default=[], metavar="DIR", help="directory in which writing lasts")
    run.add_argument("--memory", default="1G", metavar="M", help="of a guest (default: 1G)")
    run.add_argument("command", nargs="+", metavar="CMD")

    lab = verbs.add_parser("lab", help="a shell in a topology")
    lab.add_argument("topology", help="lvs-dr or web-ha")
    lab.add_argument("--routers", choices=ROUTERS, default="vrrpd", help="the VRRP daemon in its hosts")

    demo = verbs.add_parser("demo", help="two directors and two web servers, and what happens when they fail")
    demo.add_argument("--directors", choices=ROUTERS, default="vrrpd", help="the daemon on the directors")
    return parser.parse_args()


def main() -> int:
    """Run what the command line asks for; its exit status."""
    arguments = _arguments()
    try:
        return kernel.run(_job(arguments))
    except (kernel.NoKernelError, topology.TopologyError, OSError) as error:
        sys.exit(f"netns_lab: {error}")


def _job(arguments: argparse.Namespace) -> Job:
    if arguments.verb == "run":
        return Job(
            arguments.command,
            timeout_s=arguments.timeout,
            writable=arguments.rw,
            memory=arguments.memory,
            systemd=arguments.systemd,
        )
    if arguments.verb == "lab":
        if not sys.stdin.isatty():
            sys.exit("netns_lab: a shell needs a terminal; `run` needs none")
        topology.load(arguments.topology)  # before a kernel is booted for it
        command = [sys.executable, "-m", "netns_lab.shell", arguments.topology, "--routers", arguments.routers]
        return Job(command, terminal=True)
    command = [sys.executable, "-m", "netns_lab.demo", "--directors", arguments.directors]
    return Job(command, timeout_s=DEMO_TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
